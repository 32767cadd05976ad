"""``fastnano speedrun``: how long until a network knows 99 % of MNIST's test digits.

# Design: one pass over the 60,000 training images, stopped by nothing but its end.  What makes it short: the empty
# border of the pictures is cut off, and label smoothing, worth 0.15 points, pays for smaller layers.  Channels of the
# two convolutions, mean accuracy of ten seeds, GFLOP of the epoch: 8 and 16, 99.09, 55 (below); 6 and 16, 99.04, 47.
# Of three or four seeds: 12 and 32 without smoothing, 99.12, 132; 4 and 16, 98.80, 29; with the border and 5x5 twice, 8
# and 24, 99.06, 239.  Schedule: L. Smith, N. Topin, arXiv:1708.07120.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from ._parser import Parser, number
from ._run import DATASETS, data_line, label, load_data, percent, say

if TYPE_CHECKING:
    from ..data import ImageDataset
    from ..nn import Module

BATCH = 192
PEAK_RATE, RISE = 0.015, 0.2  # of the learning rate, and the share of the steps in which it climbs there
SMOOTHING = 0.1
BORDER = 2  # pixels


def main(argv: list[str]) -> int:
    parser = Parser("speedrun", "Train to 99 % on MNIST in one short epoch, and time it.")
    parser.add_argument("--seeds", type=number(int, 1), default=1, metavar="N", help="runs, from seed 0 on")
    parser.add_argument(
        "--dataset", choices=DATASETS, default="mnist", metavar="NAME", help="another data set"
    )
    parser.add_argument("--data-dir", metavar="FOLDER", help="where its files are")
    parser.add_argument("--threads", type=number(int, 1), metavar="N", help="threads of the kernels")
    args = parser.parse(argv)
    from .. import get_num_threads, set_num_threads

    if args.threads:
        set_num_threads(args.threads)
    began = time.perf_counter()
    train, test, _ = load_data(args.dataset, args.data_dir)
    label("Data", f"{data_line(train)}; loaded in {time.perf_counter() - began:.2f} s")
    label("Method", f"{len(train):,} images once, in batches of {BATCH}, on {get_num_threads()} threads\n")
    results = []
    for seed in range(args.seeds):
        accuracy, seconds, compiling = run(seed, train, test)
        results.append((accuracy, seconds))
        share = percent(accuracy, test.name)
        print(f"seed {seed:<3} {share} after {seconds:.3f} s of training (compiled in {compiling:.3f} s)")
    if args.seeds > 1:
        accuracies, times = zip(*results, strict=True)
        spread = f"from {100 * min(accuracies):.2f} to {100 * max(accuracies):.2f}"
        mean = percent(statistics.mean(accuracies), test.name)
        say(
            f"\nmean of {args.seeds} seeds: {mean} ({spread}), {statistics.mean(times):.3f} s of training",
            "bold",
        )
    return 0


def run(seed: int, train: ImageDataset, test: ImageDataset) -> tuple[float, float, float]:
    """Accuracy on the test images, seconds from the first training step to the last, and seconds to compile."""
    import numpy as np

    from .. import manual_seed, nn, optim
    from ..optim.lr_scheduler import OneCycleLR
    from ..plan import Plan

    manual_seed(seed)
    model = network()
    optimizer = optim.Adam(model.parameters(), lr=PEAK_RATE, betas=(0.7, 0.9))
    steps = -(-len(train) // BATCH)
    scheduler = OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=RISE, cycle_momentum=False)
    loss = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    plan = Plan(model, loss, optimizer, BATCH, scheduler=scheduler, mean=train.mean, std=train.std)
    began = time.perf_counter()
    plan.prepare(train.images, train.labels)
    compiled = time.perf_counter()
    plan.run_epoch(train.images, train.labels, np.random.default_rng(seed).permutation(len(train)))
    trained = time.perf_counter()
    return plan.evaluate(test.images, test.labels)["accuracy"], trained - compiled, compiled - began


def network() -> Module:
    """Two convolutions, each pooled, then normalised; 96 wide, 10 classes: 26 thousand weights."""
    from .. import nn

    class Crop(nn.Module):
        """x without its border."""

        def forward(self, x: Any) -> Any:
            return x[:, :, BORDER:-BORDER, BORDER:-BORDER]

    return nn.Sequential(
        Crop(),
        *(nn.Conv2d(1, 8, 5), nn.MaxPool2d(2), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 16, 3), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(16 * 4 * 4, 96), nn.ReLU(), nn.Linear(96, 10)),
    )
