"""A network of one's own, with a connection past two layers, trained by the Trainer, saved and loaded.

python examples/custom_network.py --data-dir ~/mnist --epochs 3
"""

import argparse
import tempfile
from pathlib import Path

import fastnano
from fastnano import callbacks, data, nn, optim
from fastnano.architecture import register

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--dataset", default="auto")
parser.add_argument("--data-dir")
parser.add_argument("--epochs", type=int, default=1)
args = parser.parse_args()


@register  # known by name, so that a saved network can be made again
class ResidualNet(nn.Module):
    """conv, pool, then x + conv(relu(conv(x))), pool, dense."""

    def __init__(self, channels: int = 8, classes: int = 10) -> None:
        super().__init__()
        self.channels, self.classes = channels, classes
        self.first = nn.Conv2d(1, channels, 3, padding=1)
        self.a = nn.Conv2d(channels, channels, 3, padding=1)
        self.b = nn.Conv2d(channels, channels, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.last = nn.Linear(channels * 7 * 7, classes)

    def forward(self, x):
        x = self.pool(self.first(x)).relu()
        x = x + self.b(self.a(x).relu())
        return self.last(self.pool(x).flatten(1))


train = data.load(args.dataset, args.data_dir)
test = data.load(train.name, args.data_dir, train=False)
train, validation = data.random_split(train, [0.9, 0.1])

fastnano.manual_seed(0)
model = ResidualNet(channels=8)
optimizer = optim.AdamW(model.parameters(), lr=2e-3)
trainer = fastnano.Trainer(
    model,
    nn.CrossEntropyLoss(label_smoothing=0.05),
    optimizer,
    optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs),
    callbacks=[callbacks.EarlyStopping(patience=3)],
)
trainer.fit(train, validation, epochs=args.epochs, batch_size=64, augment=data.RandomShift(1))
print(f"{100 * trainer.evaluate(test)['accuracy']:.2f} % on {test.name} test")

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.safetensors"
    fastnano.save(path, model, dataset=test.name)
    same = fastnano.load(path)
    print("loaded:", same)
