"""Layers driven by hand on arrays: forward, backward, update. No autograd, no optimiser, no training loop.

python examples/by_hand.py --data-dir ~/mnist
"""

import argparse

import numpy as np

import fastnano
from fastnano import data, nn

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--dataset", default="auto")
parser.add_argument("--data-dir")
parser.add_argument("--steps", type=int, default=300)
args = parser.parse_args()

train = data.load(args.dataset, args.data_dir)
test = data.load(train.name, args.data_dir, train=False)

fastnano.manual_seed(0)
layers = [nn.Flatten(), nn.Linear(28 * 28, 64), nn.ReLU(), nn.Linear(64, 10)]
rng = np.random.default_rng(0)
lr = 0.1


def pixels(images):
    """uint8 images as float32 (N, 1, 28, 28) about zero."""
    return (images[:, None] / np.float32(255) - np.float32(train.mean)) / np.float32(train.std)


def forward(x):
    for layer in layers:
        x = layer.forward(x)
    return x


for step in range(args.steps):
    batch = rng.integers(0, len(train), 64)
    labels = train.labels[batch]

    scores = forward(pixels(train.images[batch]))
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)  # softmax
    loss = -np.log(shares[np.arange(64), labels]).mean()

    gradient = shares.copy()  # of the cross-entropy with respect to the scores: softmax - one-hot
    gradient[np.arange(64), labels] -= 1
    gradient /= 64
    for layer in reversed(layers):
        gradient = layer.backward(gradient)

    for layer in layers:
        for parameter in layer.parameters():
            parameter.data -= lr * parameter.grad.data
        layer.zero_grad()
    if step % 50 == 0:
        print(f"step {step}: loss {loss:.3f}")

with fastnano.no_grad():
    right = (forward(pixels(test.images)).argmax(axis=1) == test.labels).mean()
print(f"{100 * right:.2f} % on {test.name} test")
