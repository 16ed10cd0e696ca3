"""Log-count ratios of labelled tokens."""

import numpy as np

from pipelines.tasks.naive_bayes import log_count_ratios


def test_log_count_ratios_by_hand():
    tokens = np.array([[2, 2, 0], [2, 3, 0], [3, 0, 0]])
    ratios = log_count_ratios(tokens, np.array([1, 1, 0]), vocabulary=4)
    # Texts that hold 2: of label 1 two, of label 0 none; 3: one and one; padding: two and one.
    # One added: label 1 [3, 1, 3, 2] of 9, label 0 [2, 1, 1, 2] of 6.
    expected = np.log([(3 / 9) / (1 / 6), (2 / 9) / (2 / 6)])
    np.testing.assert_allclose(ratios[2:, 0], expected)
    assert ratios.shape == (4, 1)
    assert (ratios[:2] == 0).all()


def test_three_labels_have_a_column_each():
    ratios = log_count_ratios(np.array([[2], [3], [4]]), np.array([0, 1, 2]), vocabulary=5)
    assert ratios.shape == (5, 3)
    assert (ratios[2:].argmax(axis=1) == [0, 1, 2]).all()
