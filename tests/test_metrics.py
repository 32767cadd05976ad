"""Measures of classification."""

import numpy as np
import pytest

from fastnano.metrics import accuracy, confusion_matrix, top_k_accuracy

SCORES = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.4, 0.35, 0.25]])
LABELS = np.array([1, 0, 1, 2], np.uint8)


def test_accuracy_of_scores_and_of_classes():
    assert accuracy(SCORES, LABELS) == 0.5
    assert accuracy([1, 0, 2, 0], LABELS) == 0.5


def test_top_k_accuracy_counts_the_k_highest():
    assert [top_k_accuracy(SCORES, LABELS, k) for k in (1, 2, 3)] == [0.5, 0.75, 1.0]


def test_of_equal_scores_the_first_ones_count():
    assert top_k_accuracy(np.zeros((2, 4)), [1, 2], k=2) == 0.5
    assert accuracy(np.zeros((2, 4)), [0, 1]) == 0.5


def test_confusion_matrix_has_true_classes_in_rows():
    expected = [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    assert confusion_matrix(SCORES, LABELS).tolist() == expected
    assert confusion_matrix(SCORES.argmax(1), LABELS).tolist() == expected
    assert confusion_matrix([0], [0], classes=3).sum() == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy(SCORES, LABELS[:2]), "predictions for 2 labels"),
        (lambda: accuracy(SCORES, LABELS + 0.5), "labels are float64"),
        (lambda: accuracy(SCORES[:0], LABELS[:0]), "no samples"),
        (lambda: accuracy(SCORES, [0, 1, 2, 3]), "labels hold 3, expected classes from 0 to 2"),
        (lambda: accuracy(SCORES, [0, 1, 2, -1]), "labels hold -1"),
        (lambda: accuracy(SCORES[:, 0], LABELS), "predictions are float64"),
        (lambda: top_k_accuracy(SCORES, LABELS, 4), "k=4 must be from 1 to 3"),
        (lambda: top_k_accuracy([0, 1], [0, 1]), "expected"),
        (lambda: confusion_matrix([0, 3], [0, 1], classes=3), "predictions hold 3"),
        (lambda: confusion_matrix([0, -1], [0, 1]), "predictions hold -1"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
