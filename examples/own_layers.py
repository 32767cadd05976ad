"""Layers of one's own, in three ways: by forward alone, by forward and backward, by a kernel; and an activation.

python examples/own_layers.py
"""

import numpy as np
from numba import prange

import fastnano
from fastnano import nn, optim


# An activation: one NumPy expression of single elements, whose derivatives are worked out.
@fastnano.elementwise
def swish(x, *, beta=1.0):
    """x · sigmoid(beta · x), by tanh, which does not overflow."""
    return 0.5 * x * (1 + np.tanh(0.5 * beta * x))


# By forward alone: tensors remember what was done with them.
class Gate(nn.Module):
    """y = W₁ x · swish(W₂ x)."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.value, self.gate = nn.Linear(in_features, out_features), nn.Linear(in_features, out_features)

    def forward(self, x):
        return self.value(x) * swish(self.gate(x))


# By forward and backward: arrays in, an array out, and its gradient back.
class Round(fastnano.Function):
    """Rounds to steps of 1 / 8; the gradient goes straight through (Bengio et al., arXiv:1308.3432)."""

    def forward(self, x):
        return np.rint(8 * x) / 8

    def backward(self, dy):
        return dy


# By a kernel, compiled by Numba: what it reads and writes, then what its gradients read and write.
@fastnano.kernel("x[n,i] centre[o,i] -> y[n,o] ; gamma", "dy x centre y -> dx", "dy x centre y -> +dcentre")
def rbf(x, centre, y, gamma=1.0):
    """y = e^(−gamma ‖x − centre‖²)."""
    for n in prange(len(x)):
        for o in range(len(centre)):
            y[n, o] = np.exp(-gamma * ((x[n] - centre[o]) ** 2).sum())


@rbf.gradient
def rbf_dx(dy, x, centre, y, dx, gamma):
    for n in prange(len(x)):
        dx[n] = 0
        for o in range(len(centre)):
            dx[n] -= 2 * gamma * dy[n, o] * y[n, o] * (x[n] - centre[o])


@rbf.gradient
def rbf_dcentre(dy, x, centre, y, dcentre, gamma):
    for o in prange(len(centre)):
        dcentre[o] = 0
        for n in range(len(x)):
            dcentre[o] += 2 * gamma * dy[n, o] * y[n, o] * (x[n] - centre[o])


class RBF(nn.Module):
    """Distances to learned centres."""

    def __init__(self, in_features, centres):
        super().__init__()
        self.centre = nn.Parameter(
            np.random.default_rng(0).uniform(-1, 1, (centres, in_features)).astype("f")
        )

    def forward(self, x):
        return rbf(x, self.centre, gamma=4.0)


# Every gradient against finite differences, in float64.
x = fastnano.tensor(np.random.default_rng(1).standard_normal((5, 2)), requires_grad=True)
print("rbf:", fastnano.gradcheck(rbf, [x, fastnano.tensor(x.data[:3] / 2, requires_grad=True)]))
print("swish:", fastnano.gradcheck(lambda x: swish(x, beta=1.5), x), swish.formulas["swish_dx"])

# Two rings, told apart.
fastnano.manual_seed(0)
angle, ring = np.random.default_rng(2).uniform(0, 2 * np.pi, 600), np.arange(600) % 2
points = ((0.4 + 0.4 * ring)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)).astype("f")
model = nn.Sequential(RBF(2, 12), Gate(12, 8), nn.Lambda(Round()), nn.Linear(8, 2))
trainer = fastnano.Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=0.02))
history = trainer.fit((points[:400], ring[:400]), epochs=20, progress=False)
print("layer by layer, since", history.eager)
print(f"{100 * trainer.evaluate((points[400:], ring[400:]))['accuracy']:.1f} % on rings")

# By hand, on arrays, as any layer.
y = model.forward(points[:4])
print("gradient of x by hand:", model.backward(np.ones_like(y)).shape)
