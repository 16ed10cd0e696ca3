"""Recordings: rates, units, channels, gaps, splits by person, windows."""

import dataclasses

import numpy as np
import pytest

from pipelines.data.people import by_person
from pipelines.data.recording_gaps import stuck_channels, without_gaps
from pipelines.data.recordings import (
    Recording,
    Span,
    in_a_row,
    in_common_units,
    resampled,
    spans_of,
    with_channels,
)
from pipelines.data.windows import NO_EVENT, NOTHING, UNSCORED, Cutting, windowed
from pipelines.errors import UserError


def recording(samples=100, rate=50.0, channels=2, **more) -> Recording:
    signal = np.arange(samples * channels, dtype=np.float32).reshape(samples, channels)
    names = tuple(f"c{n}" for n in range(channels))
    return Recording(more.pop("name", "r"), signal, rate, names, **more)


def test_labels_of_samples_become_stretches_and_samples_again():
    spans = spans_of(["a", "a", "", "b", "b"], 10)
    assert spans == (Span(0.0, 0.2, "a"), Span(0.3, 0.5, "b"))
    assert recording(5, 10.0, spans=spans).labels_at(("b", "a")).tolist() == [1, 1, -1, 0, 0]
    assert spans_of([], 10) == ()


@pytest.mark.parametrize("rate", [25.0, 50.0, 120.0])
def test_a_slow_wave_stays_itself_at_another_rate_and_a_fast_one_is_filtered_off(rate):
    def wave(hertz, at):
        return np.sin(2 * np.pi * hertz * np.arange(round(4 * at)) / at)

    signal = np.stack([wave(2, 100), wave(45, 100)], axis=1).astype(np.float32)
    new = resampled(Recording("w", signal, 100.0, ("slow", "fast")), rate)
    inner = slice(len(new.signal) // 4, -len(new.signal) // 4)
    assert len(new.signal) == 4 * rate
    np.testing.assert_allclose(new.signal[inner, 0], wave(2, rate)[inner], atol=0.03)
    assert rate > 90 or np.abs(new.signal[inner, 1]).max() < 0.05


def test_units_are_converted_and_channels_chosen_by_name_in_order():
    signal = np.ones((3, 3), np.float32)
    one = in_common_units(Recording("r", signal, 50.0, ("ax [g]", "wx (deg/s)", "count")))
    assert one.channels == ("ax [m/s2]", "wx [rad/s]", "count")
    np.testing.assert_allclose(one.signal[0], [9.80665, np.pi / 180, 1], rtol=1e-5)
    assert with_channels(one, ["count", "ax [g]"]).channels == ("count", "ax [m/s2]")
    with pytest.raises(UserError, match=r"r: expected a channel 'ay', the channels are ax \[m/s2\]"):
        with_channels(one, ["ay"])


def test_short_gaps_are_filled_and_long_ones_cut_with_their_labels():
    whole = recording(100, spans=(Span(0.0, 1.0, "a"), Span(1.5, 1.5, "beat")))
    whole.signal[10:12] = np.nan
    whole.signal[40:60, 1] = np.inf
    pieces, notes = without_gaps(whole)
    assert [len(piece.signal) for piece in pieces] == [40, 40]
    np.testing.assert_allclose(pieces[0].signal[:, 0], np.arange(0, 80, 2))
    assert pieces[0].spans == (Span(0.0, 0.8, "a"),)
    assert pieces[1].spans == (Span(pytest.approx(0.3), pytest.approx(0.3), "beat"),)
    assert notes == ["r: 22 samples are no numbers; cut into 2 at long gaps"]
    whole.signal[:] = np.nan
    with pytest.raises(UserError, match="r: expected numbers, found none in 100 samples"):
        without_gaps(whole)


def test_times_that_jump_go_backwards_or_fit_another_rate():
    times = np.arange(100) / 50
    assert [len(p.signal) for p in without_gaps(recording(), times + (times > 0.99))[0]] == [50, 50]
    with pytest.raises(UserError, match="expected times that rise, sample 4 is not after"):
        without_gaps(recording(), np.where(np.arange(100) == 3, -1, times))
    with pytest.raises(UserError, match="its times say 25 samples a second, expected 50"):
        without_gaps(recording(), 2 * times)


def test_a_stuck_channel_is_named():
    one = recording()
    one.signal[:, 1] = 3
    assert stuck_channels([one, recording()]) == ["r: c1 never changes: a stuck sensor?"]


def people(count: int, labels: str = "ab") -> list[Recording]:
    spans = tuple(Span(0.0, 1.0, label) for label in labels)
    return [
        recording(name=f"{n}_{part}", subject=f"p{n}", spans=spans) for n in range(count) for part in (1, 2)
    ]


def test_nobody_is_in_two_splits():
    done, notes = by_person(people(10), "set")
    homes = {(each.subject, each.split) for each in done}
    assert len(homes) == 10
    assert sorted(split for _, split in homes) == ["test"] * 2 + ["train"] * 6 + ["validation"] * 2
    assert notes == ["set: people held out of 10: 2 for validation and 2 for test"]
    again = by_person(list(reversed(people(10))), "set")[0]
    assert {(each.subject, each.split) for each in again} == homes


def test_one_person_or_none_is_said_and_too_few_recordings_are_refused():
    alone = [dataclasses.replace(each, subject="p0") for each in people(2)]
    done, notes = by_person(alone, "set")
    assert "all recordings are of p0 (--subject-column), so the figures say nothing about" in notes[0]
    unnamed = [dataclasses.replace(each, subject="") for each in people(3)]
    done, notes = by_person(unnamed, "set")
    assert {each.split for each in done} == {"train", "validation", "test"}
    assert "the data names no people" in notes[0]
    with pytest.raises(UserError, match="set: expected at least 3 recordings, to hold some out, got 2"):
        by_person(people(1), "set")


def test_a_label_that_only_one_person_has_stays_in_train_and_is_named():
    rare = recording(name="x", subject="p9", spans=(Span(0.0, 1.0, "rare"),))
    some = [*people(5), rare]
    done, notes = by_person(some, "set")
    assert next(each.split for each in done if each.subject == "p9") == "train"
    assert "set: only p9 has label 'rare': no other person tests it" in notes
    given = [dataclasses.replace(each, split="test" if each.subject == "p9" else "train") for each in some]
    given[0] = dataclasses.replace(given[0], split="validation")
    notes = by_person(given, "set")[1]
    assert "set: in more than one split: p0" in notes
    assert "set: label 'rare' is not in train, so it can't be learnt" in notes


PLAIN = {"labels": ("a", "b"), "length": 20, "hop": 10, "packet": 5}


def test_windows_have_one_label_and_never_cross_recordings():
    spans = (Span(0.0, 0.5, "a"), Span(0.5, 1.5, "b"))
    some = [recording(100, spans=spans, split="train"), recording(30, name="s", spans=spans, split="test")]
    data = windowed(some, Cutting("window", **PLAIN), "set", [])
    assert data.splits["train"].targets.tolist() == [0, 1, 1, 1]
    assert data.splits["train"].inputs[1][0, 0] == 60  # from sample 30 on: 25 to 75 is b
    mixed = windowed(some, Cutting("window", **PLAIN, mixed=True), "set", [])
    assert mixed.splits["train"].targets.tolist() == [0, 0, 1, 1, 1, 1, 1, 1]
    assert (mixed.counts["test"], mixed.owners["test"].tolist()) == (2, [0, 0])


def test_a_label_at_every_sample_comes_the_delay_later_and_context_is_not_scored():
    one = recording(60, spans=(Span(0.0, 0.5, "a"), Span(0.6, 2.0, "b")), split="test")
    cutting = Cutting("sample", **PLAIN, delay=5, context=5)
    data = windowed([one], cutting, "set", [])
    targets = data.splits["test"].targets
    assert targets[0].tolist() == [UNSCORED, 0, 0, 0]  # step 1 ends at sample 9 and answers for sample 4
    assert targets[1].tolist() == [UNSCORED, 0, 0, UNSCORED]  # from sample 15 on; sample 29 has no label
    labels = ("a", "b", NOTHING)
    named = windowed([one], dataclasses.replace(cutting, labels=labels), "set", [])
    assert named.splits["test"].targets[1].tolist() == [UNSCORED, 0, 0, 2]


def test_a_recording_that_is_too_short_is_preceded_by_copies_of_its_first_sample():
    short = recording(15, spans=(Span(0.0, 0.3, "a"),), split="train")
    assert not windowed([short], Cutting("window", **PLAIN), "set", []).counts["train"]
    (window,) = windowed([short], Cutting("window", **PLAIN, padded=True), "set", []).splits["train"].inputs
    np.testing.assert_array_equal(window, np.concatenate([short.signal[:1].repeat(5, 0), short.signal]))
    pictures = dataclasses.replace(short, signal=np.zeros((15, 4, 4, 1), np.uint8))
    made = windowed([pictures], Cutting("window", **PLAIN, padded=True), "set", []).splits["train"]
    assert (made.targets.tolist(), made.inputs[0].shape) == ([0], (20, 4, 4, 1))
    labels = {**PLAIN, "labels": ("a", "b", NOTHING)}
    steps = windowed([short], Cutting("sample", **labels, padded=True), "set", []).splits["train"].targets
    assert steps.tolist() == [[UNSCORED, 0, 0, 0]]


def test_events_have_three_steps_the_last_of_them_the_delay_later():
    spans = (Span(0.24, 0.24, "a"), Span(1.0, 1.0, "odd"))
    one = recording(100, spans=spans, split="train")
    cutting = Cutting("events", ("a", NOTHING), length=100, hop=100, packet=5, delay=10)
    (target,) = windowed([one], cutting, "set", []).splits["train"].targets
    assert np.flatnonzero(target == 0).tolist() == [2, 3, 4]  # sample 12, told at the latest by sample 22
    assert np.flatnonzero(target == UNSCORED).tolist() == [10, 11, 12]
    assert (target == NO_EVENT).sum() == 14


def test_recordings_in_a_row_keep_their_labels_at_later_times():
    one = in_a_row([recording(50, spans=(Span(0.0, 9.0, "a"),)), recording(50, spans=(Span(0.2, 1.0, "b"),))])
    assert one.spans == (Span(0.0, 1.0, "a"), Span(1.2, 2.0, "b"))
    assert one.signal.shape == (100, 2)
