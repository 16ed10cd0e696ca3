"""Splits by speaker: the rule of Speech Commands, what is given, and what too few speakers leave."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.speakers import Clip, percentage, speaker_of, splits_of
from pipelines.errors import UserError


def clips(count: int, speakers: int, labels: str = "ab") -> list[Clip]:
    return [
        Clip(Path(f"{labels[i % len(labels)]}/{i}.wav"), labels[i % len(labels)], f"speaker {i % speakers}")
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("name", "speaker"),
    [
        ("03401e93_nohash_0.wav", "03401e93"),
        ("backward_0c540988_nohash_0.wav.wav", "0c540988"),
        ("Ana Mar\u00eda_nohash_12.flac", "Ana Mar\u00eda"),
        ("two_words_nohash_1.ogg", "two_words"),
        ("1050.wav", ""),
    ],
)
def test_speakers_are_told_from_the_names_of_speech_commands(name, speaker):
    assert speaker_of(name) == speaker


@pytest.mark.parametrize("speaker", ["03401e93", "0bac8a71", "0cb74144", "4c6167ca", "87070229", "0c540988"])
def test_speakers_of_the_published_test_set_are_of_the_test_split(speaker):
    assert 10 <= percentage(speaker) < 20


def test_the_rule_gives_tenths():
    percentages = np.array([percentage(f"speaker {i}") for i in range(5000)])
    assert percentages.min() >= 0
    assert percentages.max() <= 100
    np.testing.assert_allclose(np.histogram(percentages, 10, (0, 100))[0] / 5000, 0.1, atol=0.015)


def test_more_clips_never_move_the_ones_that_were_there():
    some, more = clips(400, 200), clips(4000, 200)
    before, notes = splits_of(some, "here")
    after, _ = splits_of(more, "here")
    assert after[:400] == before
    for clip, split in zip(some, before, strict=True):
        digest = int(hashlib.sha1(clip.speaker.encode()).hexdigest(), 16)
        bucket = digest % 2**27 * 100 / (2**27 - 1)
        assert split == ("validation" if bucket < 10 else "test" if bucket < 20 else "train")
    assert notes == [
        f"here: {before.count('validation')} clips for validation and {before.count('test')} clips for test "
        "held out, by speakers (200)"
    ]


@given(st.integers(3, 40), st.integers(0, 10**6))
@settings(deadline=None)
def test_no_speaker_is_in_two_splits_and_training_has_every_label(speakers, start):
    some = [
        Clip(Path(f"{i}.wav"), label, str(start + i % speakers))
        for i in range(4 * speakers)
        for label in "abc"
    ]
    splits, _ = splits_of(some, "here")
    homes = Counter(speaker for speaker, _ in {(c.speaker, s) for c, s in zip(some, splits, strict=True)})
    assert set(homes.values()) == {1}
    assert set(splits) == {"train", "validation", "test"}
    assert {c.label for c, s in zip(some, splits, strict=True) if s == "train"} == set("abc")


def test_two_speakers_are_too_few_to_tell_splits_so_names_do():
    splits, notes = splits_of(clips(60, 2), "here")
    assert set(splits) == {"train", "validation", "test"}
    assert "by file names (60)" in notes[0]


def test_given_splits_stay_and_only_what_is_lacking_is_held_out():
    given_splits = [
        clip._replace(split="test" if i < 20 else "train") for i, clip in enumerate(clips(100, 50))
    ]
    given_splits = [c._replace(speaker=f"{c.split} {c.speaker}") for c in given_splits]
    splits, notes = splits_of(given_splits, "here")
    assert [s == "test" for s in splits] == [c.split == "test" for c in given_splits]
    held = {c.speaker for c, s in zip(given_splits, splits, strict=True) if s == "validation"}
    assert held
    assert not held & {c.speaker for c, s in zip(given_splits, splits, strict=True) if s == "train"}
    assert len(notes) == 1


def test_a_speaker_in_two_given_splits_is_told():
    names = ["train", "validation", "test"]
    some = [clip._replace(split=names[i // 2 % 3]) for i, clip in enumerate(clips(60, 4))]
    splits, notes = splits_of(some, "here")
    assert splits == [clip.split for clip in some]
    assert notes == ["here: 4 speakers are in more than one split"]


@pytest.mark.parametrize(
    ("some", "message"),
    [
        ([c._replace(split="test") for c in clips(4, 2)], "expected a train split, got test"),
        (clips(2, 2), "too few files of every label to hold out validation and test"),
        ([Clip(Path(f"{i}.wav"), "abc"[i % 3], "abc"[i % 3]) for i in range(9)], "too few speakers with"),
        (
            [*(c._replace(split="train") for c in clips(9, 3)), Clip(Path("z.wav"), "z", "", "test"),
             Clip(Path("a.wav"), "a", "", "validation")],
            r"z\.wav: expected label 'z' also in train, found it in test only",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_split_is_refused(some, message):
    with pytest.raises(UserError, match=message) as caught:
        splits_of(some, "here")
    assert "\n" not in str(caught.value)
