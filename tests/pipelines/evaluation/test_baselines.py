"""A network against the simple methods."""

import pytest

from pipelines.evaluation.baselines import as_tags, no_better_than

BASELINES = {"majority": {"test": 0.5, "order": 0.5}, "words": {"test": 0.7, "order": 0.4}}


@pytest.mark.parametrize(
    ("test", "order", "higher_is_better", "found"),
    [
        (0.8, 0.6, True, {}),
        (0.7, 0.6, True, {"test": "words"}),
        (0.6, 0.45, True, {"test": "words", "order": "majority"}),
        (0.4, 0.3, False, {}),
        (0.6, 0.4, False, {"test": "majority", "order": "words"}),
        (float("nan"), 0.6, True, {"test": "words"}),
    ],
)
def test_a_network_must_be_better_than_the_best_simple_method(test, order, higher_is_better, found):
    scores = {"test": {"accuracy": test, "f1": 1.0}, "order": {"accuracy": order, "f1": 1.0}}
    assert no_better_than(scores, BASELINES, "accuracy", higher_is_better=higher_is_better) == found


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_a_simple_method_without_a_number_is_not_compared_with(nothing):
    scores = {"test": {"accuracy": 0.6}}
    known = {"broken": {"test": nothing}, "words": {"test": 0.7}}
    assert no_better_than(scores, known, "accuracy", higher_is_better=True) == {"test": "words"}
    only = {"broken": {"test": nothing}}
    assert no_better_than(scores, only, "accuracy", higher_is_better=True) == {}


def test_the_tag_names_methods_and_splits():
    assert as_tags({}) == {}
    assert as_tags({"test": "a", "order": "b"}) == {"no_better_than": "a on test, b on order"}
