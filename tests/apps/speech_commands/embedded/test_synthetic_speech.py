"""The embedded speech: who says what in which split, how it sounds, and espeak-ng itself."""

import importlib.util
import itertools
import os
import signal
import socket
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from apps.speech_commands.config import SAMPLE_RATE, SILENCE, UNKNOWN, WORDS
from apps.speech_commands.embedded import utterances as drawn
from apps.speech_commands.embedded.acoustics import background, record, silence, through_microphone
from apps.speech_commands.embedded.espeak import RATE, Espeak
from apps.speech_commands.embedded.spoken import ACCENTS, HELD_OUT_WORDS, UNKNOWN_WORDS, VARIANTS
from apps.speech_commands.embedded.utterances import CLIPS, LABELS, SAMPLES, Utterance, speak, utterances
from pipelines.data.sound import level
from pipelines.errors import UserError

espeakng_loader = pytest.importorskip("espeakng_loader")
FEW = 6
HOMOPHONES = {"know", "noh", "write", "rite", "wright"}


@pytest.fixture(scope="module")
def said() -> dict[str, list[Utterance]]:
    return {split: list(utterances(split, FEW)) for split in VARIANTS}


def clean(word: str, voice: str, seed: int) -> np.ndarray:
    with Espeak() as espeak:
        return speak(espeak, word, voice, np.random.default_rng(seed))


# Who and what


def test_no_voice_is_in_two_splits_and_the_library_has_them_all():
    for one, other in itertools.combinations(VARIANTS.values(), 2):
        assert not set(one) & set(other)
    folder = Path(espeakng_loader.get_data_path()) / "voices" / "!v"
    assert {variant for variants in VARIANTS.values() for variant in variants} <= {
        file.name for file in folder.iterdir()
    }
    assert min(len(variants) for variants in VARIANTS.values()) >= 10
    with Espeak() as espeak:
        assert all(len(espeak.say("yes", accent)) for accent in ACCENTS)  # an unknown one is refused


def test_unknown_words_are_many_and_none_is_or_sounds_as_one_of_the_ten():
    words = [*UNKNOWN_WORDS, *HELD_OUT_WORDS]
    assert len(words) == len(set(words)) >= 60
    assert not set(words) & (set(WORDS) | HOMOPHONES)


def test_there_are_enough_clips():
    assert {split: count * len(LABELS) for split, count in CLIPS["full"].items()} == {
        "train": 10_008,
        "validation": 1_200,
        "test": 2_004,
    }


@pytest.mark.parametrize("split", VARIANTS)
def test_labels_take_turns_and_voices_and_words_are_those_of_the_split(said, split):
    clips = said[split]
    assert [clip.label for clip in clips] == FEW * [*WORDS, UNKNOWN, SILENCE]
    for clip in clips:
        assert (clip.samples.dtype, clip.samples.shape) == (np.int16, (SAMPLES,))
        if clip.label == SILENCE:
            assert clip.word == clip.voice == ""
            continue
        accent, variant = clip.voice.split("+")
        assert accent in ACCENTS
        assert variant in VARIANTS[split]
        assert (
            (clip.word == clip.label) if clip.label in WORDS else clip.word in UNKNOWN_WORDS + HELD_OUT_WORDS
        )


def test_half_the_unknown_words_of_the_held_out_splits_are_never_in_train():
    for split, counts in CLIPS["full"].items():
        words = Counter(drawn._unknown_word(split, turn) for turn in range(counts))
        held_out = sum(words[word] for word in HELD_OUT_WORDS)
        assert held_out == (0 if split == "train" else counts // 2)
    trained = Counter(drawn._unknown_word("train", turn) for turn in range(CLIPS["full"]["train"]))
    assert set(trained) == set(UNKNOWN_WORDS)
    assert max(trained.values()) - min(trained.values()) <= 1


# How it sounds


def test_the_same_clips_every_time_and_never_the_same_clip_twice(said):
    again = list(utterances("test", 2))
    for clip, before in zip(again, said["test"], strict=False):
        np.testing.assert_array_equal(clip.samples, before.samples)
        assert clip[:3] == before[:3]
    contents = [clip.samples.tobytes() for clips in said.values() for clip in clips]
    assert len(set(contents)) == len(contents) == 3 * FEW * len(LABELS)


def test_words_last_as_long_as_words_do_and_voices_differ():
    words = {voice: clean("stop", f"en-us+{voice}", 3) for voice in ("m1", "f1", "klatt", "whisper")}
    for speech in words.values():
        assert speech.dtype == np.float32
        assert 0.2 * SAMPLE_RATE < len(speech) < 0.9 * SAMPLE_RATE
        assert 0.02 < np.abs(speech).max() <= 1
    for one, other in itertools.combinations(words.values(), 2):
        count = min(len(one), len(other))
        assert abs(np.corrcoef(one[:count], other[:count])[0, 1]) < 0.9


def hiss(samples: np.ndarray) -> float:
    """Return the share of energy above 3 kHz."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    return power[len(power) * 3 // 8 :].sum() / power.sum()


def test_the_words_have_the_sounds_they_are_spelt_with():
    with Espeak() as espeak:
        rng = np.random.default_rng(0)
        yes, no, stop = (speak(espeak, word, "en-us+m3", rng) for word in ("yes", "no", "stop"))
    third = [np.array_split(word, 3) for word in (yes, no, stop)]
    assert hiss(third[0][2]) > 0.3 > hiss(third[0][0])  # the s ends it
    assert hiss(third[2][0]) > 0.2 > hiss(third[2][1])  # the s begins it
    assert hiss(no) < 0.1


def test_a_word_can_be_anywhere_and_levels_are_those_of_recordings(said):
    speech = [clip.samples / 32768 for clips in said.values() for clip in clips if clip.word]
    levels = 20 * np.log10([level(samples) for samples in speech])
    assert levels.min() > -50
    assert levels.max() < -8
    assert np.ptp(levels) > 15
    centres = [np.square(s) @ np.arange(float(SAMPLES)) / np.square(s).sum() / SAMPLES for s in speech]
    assert min(centres) < 0.35
    assert max(centres) > 0.65
    assert np.mean([np.abs(samples).max() >= 0.999 for samples in speech]) < 0.3


@pytest.mark.parametrize("length", [1, 100, SAMPLES - 1, SAMPLES, 3 * SAMPLES])
def test_speech_of_every_length_makes_a_recording(length):
    rng = np.random.default_rng(length)
    clip = record(rng.uniform(-1, 1, length), SAMPLES, rng)
    assert (clip.dtype, clip.shape) == (np.int16, (SAMPLES,))
    assert clip.any()


def test_silence_is_of_many_levels_down_to_next_to_nothing():
    rng = np.random.default_rng(0)
    clips = [silence(SAMPLES, rng) for _ in range(60)]
    peaks = sorted(int(np.abs(clip.astype(int)).max()) for clip in clips)
    assert peaks[3] <= 4
    assert peaks[-3] > 1000
    assert all(clip.any() for clip in clips)


def test_backgrounds_have_level_one_and_different_colours():
    rng = np.random.default_rng(0)
    noises = [background(SAMPLES, rng) for _ in range(40)]
    np.testing.assert_allclose([level(noise) for noise in noises], 1, rtol=1e-5)
    shares = [hiss(noise) for noise in noises]
    assert min(shares) < 0.01
    assert max(shares) > 0.6


def test_microphones_differ_and_cut_the_lows():
    rng = np.random.default_rng(0)
    click = np.zeros(SAMPLES)
    click[SAMPLES // 2] = 1
    gains = np.array([np.abs(np.fft.rfft(through_microphone(click, rng))) for _ in range(40)])
    assert np.median(gains[:, 20]) < 0.3
    assert 0.6 < np.median(gains[:, 1000]) < 1.6
    assert np.log10(gains[:, 1000]).std() > 0.1


# espeak-ng


def test_a_voice_that_is_not_there_and_a_crash_are_told_in_one_line():
    with Espeak() as espeak:
        assert len(espeak.say("yes", "en-us+f1")) > RATE // 10
        with pytest.raises(UserError, match="exit code 1 while speaking 'yes' as xx"):
            espeak.say("yes", "xx")
    with Espeak() as espeak, pytest.raises(UserError, match="made no sound for '' as en-us: its data may"):
        espeak.say("", "en-us")
    with Espeak() as espeak:
        os.kill(espeak._process.pid, signal.SIGKILL)
        espeak._process.wait()
        with pytest.raises(UserError, match="exit code -9 while speaking 'no' as en-us"):
            espeak.say("no", "en-us")


def test_speed_pitch_and_range_are_heard():
    with Espeak() as espeak:
        usual, fast = espeak.say("yellow", "en-us"), espeak.say("yellow", "en-us", rate=300)
        assert len(fast) < 0.8 * len(usual)
        assert usual.dtype == np.int16
        low, high = (espeak.say("noon", "en-us", pitch=pitch).astype(float) for pitch in (5, 95))
        periods = []
        for speech in (low, high):
            middle = speech[len(speech) // 4 :][:4096]
            echo = np.correlate(middle, middle, "full")[len(middle) - 1 :]
            periods.append(RATE // 300 + echo[RATE // 300 : RATE // 50].argmax())
        assert periods[0] > 1.3 * periods[1]


@pytest.fixture
def no_espeak(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *a: None if name == "espeakng_loader" else real(name, *a)
    )


@pytest.mark.usefixtures("no_espeak")
def test_without_the_library_it_says_what_to_install():
    with pytest.raises(UserError, match="expected `pip install espeakng-loader`"), Espeak():
        pass


# The builder


@pytest.mark.usefixtures("no_espeak")
def test_without_the_library_nothing_is_prepared(tmp_path):
    from apps.speech_commands.embedded.synthetic_speech import SyntheticSpeech
    from pipelines.data.tfds_sets import prepare

    with pytest.raises(UserError, match="pip install espeakng-loader"):
        prepare(lambda: SyntheticSpeech(config="small", data_dir=str(tmp_path)), tmp_path)
    assert not list(tmp_path.rglob("*.tfrecord*"))


def test_the_builder_prepares_and_reads_offline(tmp_path, monkeypatch, said):
    from apps.speech_commands.embedded.synthetic_speech import SyntheticSpeech

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setitem(CLIPS, "small", {"train": 2, "validation": 1, "test": 2})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    builder = SyntheticSpeech(config="small", data_dir=tmp_path / "data")
    builder.download_and_prepare()
    assert builder.info.full_name == "synthetic_speech/small/1.0.0"
    assert builder.info.features["audio"].sample_rate == SAMPLE_RATE
    for split, clips in CLIPS["small"].items():
        read = {
            (row["audio"].tobytes(), LABELS[row["label"]], row["word"].decode(), row["voice"].decode())
            for row in builder.as_dataset(split=split).as_numpy_iterator()
        }
        expected = said[split][: clips * len(LABELS)]
        assert read == {(each.samples.tobytes(), each.label, each.word, each.voice) for each in expected}
    assert list(temporary.iterdir()) == []
