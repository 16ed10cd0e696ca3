"""The drawn clips: what they hold, that only the order of frames tells the class, and that it does."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np
import pytest

from apps.action_recognition.embedded.actors import SHAPES, actor
from apps.action_recognition.embedded.drawn import DrawnClips
from apps.action_recognition.embedded.filming import filmed
from apps.action_recognition.embedded.films import RATE, SIZES, draw_clips, drawn
from apps.action_recognition.embedded.movements import (
    CLASSES,
    COORDINATES,
    SIGNATURES,
    orders,
    poses,
    seen,
    turning_points,
)
from pipelines.data.recording_sets import recordings_from_builder
from pipelines.tasks.clip_baselines import clip_answers

REVERSE = {"approach": "retreat", "clockwise": "counter_clockwise", "to_left": "to_right"}


@pytest.fixture(scope="module")
def small() -> list:
    return list(drawn("small"))


@functools.cache
def of_class(label: str, count: int) -> list[np.ndarray]:
    """Poses of a class as they should be, without tremor."""
    found = []
    for number in range(count):
        rng = np.random.default_rng([4, CLASSES.index(label), number])
        found.append(poses(orders(label, int(rng.integers(16, 49)), rng), rng))
    return found


def test_the_small_set(small: list) -> None:
    clips = [each.clip for each in small]
    assert {each.spans[0].label for each in clips} == set(CLASSES)
    for clip in clips:
        frames = len(clip.signal)
        assert clip.signal.shape == (frames, 32, 32, 1)
        assert clip.signal.dtype == np.uint8
        assert clip.rate == RATE
        assert clip.spans == ((0.0, frames / RATE, clip.spans[0].label),)
        assert clip.signal.std() > 5
    splits = [each.split for each in clips]
    assert [splits.count(split) for split in ("train", "validation", "test")] == [36, 9, 18]
    assert len({(each.subject, each.split) for each in clips}) == len({each.subject for each in clips}) == 7
    assert len({each.name for each in clips}) == len(clips)


def test_the_same_name_gives_the_same_clips(small: list) -> None:
    again = draw_clips("small")
    assert [each.name for each in again] == [each.clip.name for each in small]
    for one, other in zip(small, again, strict=True):
        np.testing.assert_array_equal(one.clip.signal, other.signal)


def test_lengths_vary_by_three_and_every_shape_is_in_train() -> None:
    people = [actor(number) for number in range(SIZES["whole"].actors[0])]
    paces = [each.pace for each in people]
    assert min(paces) < 21.6 < 35.6 < max(paces)  # and each clip by e to the 0.3, so 16 to 48
    assert {each.shape for each in people} == set(SHAPES)


@pytest.mark.parametrize("frames", [16, 31, 48])
@pytest.mark.parametrize("label", CLASSES)
def test_every_value_is_as_frequent_in_every_class(label: str, frames: int) -> None:
    order = orders(label, frames, np.random.default_rng(frames))
    evenly = (np.arange(frames) + 0.5) / frames
    np.testing.assert_allclose(np.sort(order, axis=0), np.tile(evenly[:, None], 4))
    for place, coordinate in enumerate(COORDINATES):
        turns = turning_points(order[:, place])
        if label in SIGNATURES and SIGNATURES[label].coordinate == coordinate:
            cycles = SIGNATURES[label].cycles
            assert turns in ((2 * cycles - 1, 2 * cycles) if cycles else (0,))
        else:
            assert turns >= 7


def test_a_middle_frame_is_spread_alike_in_every_class() -> None:
    """Half of the way of a movement to one side may be anywhere: where the way begins and ends is random.

    The arm begins downwards, more or less. Half of its way is upwards, whether it goes there at once or not.
    """
    for label in CLASSES:
        frames = np.stack([each[len(each) // 2] for each in of_class(label, 100)])
        assert np.all(np.abs(frames[:, 1:].mean(axis=0) - 0.5) < 0.08), label
        assert np.all(frames[:, 1:].std(axis=0) > 0.08), label
        arm = np.exp(2j * np.pi * frames[:, 0]).mean()
        assert abs(arm + 0.7j) < 0.2, label


def test_the_ceiling_is_one(small: list) -> None:
    assert [seen(each.poses) for each in small] == [each.clip.spans[0].label for each in small]


@pytest.mark.parametrize("label", CLASSES)
def test_the_order_tells_the_class(label: str) -> None:
    rng = np.random.default_rng(5)
    for pose in of_class(label, 30):
        assert seen(pose + rng.normal(0, 0.015, pose.shape)) == label
        other = {**REVERSE, **{b: a for a, b in REVERSE.items()}}.get(label, label)
        assert seen(pose[::-1]) == other
        assert seen(pose[rng.permutation(len(pose))]) == "nothing" or len(pose) < 24


def test_what_a_pose_looks_like() -> None:
    """The arm turns clockwise from the right; near is large; the other two are places."""
    by = dataclasses.replace(
        actor(0), tremor=0.0, tilt=0.0, noise=0.0, flicker=0.0, room=np.zeros((32, 32), np.float32)
    )
    shown = np.full((9, 4), 0.5)
    shown[:4, 0] = [0, 0.25, 0.5, 0.75]
    shown[4:6, 1], shown[6, 2], shown[7, 3] = [0, 1], 1, 1
    rng = np.random.default_rng(1)
    frames, back = filmed(shown, by, rng)
    while np.any(back != shown):  # until no frame is lost
        frames, back = filmed(shown, by, rng)
    weights = frames[..., 0].astype(float)
    total = weights.sum(axis=(1, 2))
    x = (weights.sum(axis=1) @ np.arange(32)) / total
    y = (weights.sum(axis=2) @ np.arange(32)) / total
    assert x[0] > x[1] + 2
    assert x[2] < x[1] - 2
    assert y[1] > y[0] + 2
    assert y[3] < y[0] - 2
    assert total[5] > 2 * total[4]
    assert x[6] > x[8] + 4
    assert y[7] < y[8] - 4


def test_a_lost_frame_shows_the_one_before(small: list) -> None:
    lost = 0
    for each in small:
        for frame in np.flatnonzero((np.diff(each.poses, axis=0) == 0).all(axis=1)):
            np.testing.assert_array_equal(each.clip.signal[frame], each.clip.signal[frame + 1])
            lost += 1
    assert 0.02 < lost / sum(len(each.poses) for each in small) < 0.12


def test_the_builder_keeps_what_was_drawn(small: list, tmp_path: Path) -> None:
    builder = DrawnClips(data_dir=tmp_path, config="small")
    builder.download_and_prepare()
    kept = {each.name: each for each in recordings_from_builder(builder)}
    assert len(kept) == len(small)
    for clip, _ in small:
        np.testing.assert_array_equal(kept[clip.name].signal, clip.signal)
        assert kept[clip.name].signal.dtype == np.uint8
        (span,) = kept[clip.name].spans
        assert span.end == pytest.approx(clip.spans[0].end)  # TFDS keeps 32 bits
        assert (span.label, kept[clip.name].split) == (clip.spans[0].label, clip.split)


@pytest.mark.long
def test_forests_without_the_order_know_nothing_and_those_with_it_do() -> None:
    clips = draw_clips("whole")
    splits = {split: [each for each in clips if each.split == split] for split in ("train", "test")}
    labels = {
        split: np.array([CLASSES.index(each.spans[0].label) for each in some])
        for split, some in splits.items()
    }
    train, test = ([each.signal for each in splits[split]] for split in ("train", "test"))
    answers = clip_answers(train, labels["train"], {"test": test}, seed=1)
    right = {method: np.mean(said["test"] == labels["test"]) for method, said in answers.items()}
    chance = 1 / len(CLASSES)
    assert max(right["middle_frame"], right["bag_of_frames"]) < chance + 0.1
    assert right["ordered_frames"] > chance + 0.3
