"""Forests on clips: which of them see the order of frames, and what they make of odd clips."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.tasks.clip_baselines import (
    METHODS,
    bag_of_frames,
    clip_answers,
    frame_features,
    middle_frame,
    ordered_frames,
)


def passing(count: int, seed: int, *, joints: bool = False) -> tuple[list[np.ndarray], np.ndarray]:
    """A dot, or a joint, that passes to the right (1) or to the left (0), now and then faster."""
    rng = np.random.default_rng(seed)
    clips, labels = [], rng.integers(2, size=count)
    for label in labels:
        way = np.linspace(1, 12, int(rng.integers(8, 20)))[:: 1 if label else -1]
        if joints:
            clip = np.zeros((len(way), 2, 3), np.float32)
            clip[:, 1, 0] = way
        else:
            clip = np.zeros((len(way), 14, 14, 1), np.uint8)
            clip[np.arange(len(way)), 6, np.round(way).astype(int)] = 200
        clips.append(clip)
    return clips, labels


@pytest.mark.parametrize("joints", [False, True])
def test_only_the_order_tells_the_way(joints: bool) -> None:
    train, labels = passing(40, 1, joints=joints)
    test, right = passing(30, 2, joints=joints)
    answers = clip_answers(train, labels, {"test": test}, seed=3)
    assert list(answers) == list(METHODS)
    found = {method: np.mean(said["test"] == right) for method, said in answers.items()}
    assert found["ordered_frames"] == 1
    assert found["bag_of_frames"] < 0.75


def test_what_is_seen_of_the_order() -> None:
    rng = np.random.default_rng(4)
    clip = rng.integers(0, 255, (9, 12, 12, 3)).astype(np.uint8)
    other = clip[[3, 1, 0, 2, 4, 8, 7, 6, 5]]
    one, shuffled = frame_features(clip), frame_features(other)
    np.testing.assert_allclose(bag_of_frames(one), bag_of_frames(shuffled))
    np.testing.assert_allclose(middle_frame(one), middle_frame(shuffled))
    assert not np.allclose(ordered_frames(one), ordered_frames(shuffled))


def test_the_place_of_what_is_bright() -> None:
    clip = np.full((2, 16, 16, 1), 20, np.uint8)
    clip[0, 4, 12], clip[1, 12:14, 2:4] = 250, 250
    mass, x, y, *spread = frame_features(clip)[:, 65:71].T
    assert mass[1] > 2 * mass[0] > 0
    np.testing.assert_allclose(x, [12 / 16, 2.5 / 16])
    np.testing.assert_allclose(y, [4 / 16, 12.5 / 16])
    np.testing.assert_allclose(np.stack(spread)[:, 0], 0, atol=1e-9)
    assert spread[0][1] > 0


@pytest.mark.parametrize("shape", [(1, 14, 14, 1), (2, 13, 21, 3), (5, 4, 4, 1), (1, 3, 3), (3, 1, 3)])
def test_short_clips_and_frames_of_any_size_have_features(shape: tuple[int, ...]) -> None:
    seen = frame_features(np.zeros(shape, np.uint8))
    assert len(seen) == shape[0]
    for method in METHODS.values():
        assert np.isfinite(method(seen)).all()


def test_the_wanted_methods_answer_for_every_split_with_the_labels_as_given() -> None:
    train, labels = passing(20, 5, joints=True)
    tests = {"test": train[:3], "none": [], "others": train[3:7]}
    answers = clip_answers(train, 4 + 3 * labels, tests, seed=1, methods=["middle_frame"])
    assert list(answers) == ["middle_frame"]
    assert {name: len(some) for name, some in answers["middle_frame"].items()} == {
        "test": 3,
        "none": 0,
        "others": 4,
    }
    assert set(answers["middle_frame"]["others"]) <= {4, 7}
    again = clip_answers(train, 4 + 3 * labels, tests, seed=1, methods=["middle_frame"])
    np.testing.assert_array_equal(again["middle_frame"]["test"], answers["middle_frame"]["test"])
