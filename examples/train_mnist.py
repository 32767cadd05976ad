"""Train a small convolutional network, every step of the loop written out.

python examples/train_mnist.py                           # MNIST, or synthetic digits where it cannot be had
python examples/train_mnist.py --data-dir ~/mnist --epochs 3
"""

import argparse

import fastnano
from fastnano import data, nn, optim
from fastnano.metrics import accuracy

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--dataset", default="auto")
parser.add_argument("--data-dir")
parser.add_argument("--epochs", type=int, default=1)
args = parser.parse_args()

train = data.load(args.dataset, args.data_dir)
test = data.load(train.name, args.data_dir, train=False)
print(train)

fastnano.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 8, kernel_size=5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, kernel_size=5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(16 * 5 * 5, 10),
)  # fmt: skip
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=2e-3)

normalize = data.Normalize(train.mean, train.std)
loader = data.DataLoader(train, batch_size=64, shuffle=True, seed=0, transform=normalize)

for epoch in range(args.epochs):
    for step, (images, labels) in enumerate(loader):
        optimizer.zero_grad()
        loss = criterion(model(fastnano.from_numpy(images)), labels)
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"epoch {epoch + 1}, step {step}: loss {loss.item():.3f}")

model.eval()
with fastnano.no_grad():
    batches = data.DataLoader(test, batch_size=256, transform=normalize)
    right = sum(accuracy(model(images), labels) * len(labels) for images, labels in batches)
print(f"{100 * right / len(test):.2f} % on {test.name} test")
