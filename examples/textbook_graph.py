"""The graph of the textbooks, o = (a + b) * c, and a node of one's own, with every gradient printed.

python examples/textbook_graph.py
"""

import numpy as np

import fastnano


class MaxNode(fastnano.Function):
    """z = max(x, y), element by element; the gradient goes to the larger one."""

    def forward(self, x, y):
        self.first = x >= y
        return np.maximum(x, y)

    def backward(self, dz):
        return dz * self.first, dz * ~self.first


a = fastnano.tensor(2.0, requires_grad=True)
b = fastnano.tensor(3.0, requires_grad=True)
c = fastnano.tensor(4.0, requires_grad=True)

o = (a + b) * c
o.backward()
print(f"o = (a + b) * c = {o.item()}")
print(f"do/da = c = {a.grad.item()}   do/db = c = {b.grad.item()}   do/dc = a + b = {c.grad.item()}\n")
print(fastnano.graph(o, {"a": a, "b": b, "c": c, "o": o}))

x = fastnano.tensor([1.0, 5.0, 2.0], requires_grad=True)
y = fastnano.tensor([4.0, 0.0, 3.0], requires_grad=True)
z = MaxNode()(x, y)
s = (z * z).sum()
s.backward()
print("\ns = the sum of max(x, y)²")
print(f"ds/dx = {x.grad.tolist()}   ds/dy = {y.grad.tolist()}\n")
print(fastnano.graph(s, {"x": x, "y": y, "z": z, "s": s}))
