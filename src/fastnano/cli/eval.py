"""``fastnano eval``: a run's network on its test images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._parser import Parser
from ._run import Run, data_line, label, percent, say


def main(argv: list[str]) -> int:
    parser = Parser("eval", "Measure a run's network on its test images.")
    parser.add_argument("run", metavar="RUN", help="a run's folder or model file")
    parser.add_argument("--data-dir", help="where the data set's files are")
    args = parser.parse(argv)
    from ..metrics import confusion_matrix, top_k_accuracy

    run = Run.open(args.run)
    test = run.test_data(args.data_dir)
    label("Data", data_line(test))
    scores = run.predict(test.images)
    matrix = confusion_matrix(scores, test.labels)
    say(f"{percent(matrix.trace() / matrix.sum(), test.name)} ({len(test):,} images)", "bold")
    print(f"{percent(top_k_accuracy(scores, test.labels, 2), test.name)} among the two likeliest")
    for line in _classes(matrix, test.classes):
        print(line)
    return 0


def _classes(matrix: np.ndarray, classes: Sequence[str]) -> list[str]:
    """Per class: the share found, and what it was taken for most often."""
    lines = []
    width = max(map(len, classes))
    for i, row in enumerate(matrix):
        if not row.sum():
            continue
        wrong = row.copy()
        wrong[i] = 0
        other = f"   {wrong.max()} taken for {classes[wrong.argmax()]}" if wrong.any() else ""
        lines.append(f"  {classes[i]:{width}}  {100 * row[i] / row.sum():6.2f} % of {row.sum():,}{other}")
    return lines
