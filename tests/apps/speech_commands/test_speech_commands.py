"""The speech command app: augmentation, streams, detection, and files that nobody expects."""

import dataclasses
import sys
from types import ModuleType

import numpy as np
import pytest

from apps.speech_commands.augment import Augment
from apps.speech_commands.config import SAMPLE_RATE, SpeechConfig
from apps.speech_commands.features import encode, hear, to_samples
from apps.speech_commands.predict import Options, describe, predict
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.microphone import microphone
from pipelines.tasks.events import Listener

PLAIN = SpeechConfig(shift_ms=0, speed=0, gain_db=0, noise=0, lead_in=0)
NO_BACKGROUND = np.zeros([0, SAMPLE_RATE], np.float32)


def tones(count: int, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.stack([0.3 * np.sin(2 * np.pi * 200 * (i + 1) * time) for i in range(count)]).astype(np.float32)


# Augmentation


def test_without_any_augmentation_clips_stay_as_they_are():
    clips = tones(3)
    changed, targets = Augment(PLAIN, NO_BACKGROUND)(clips, np.arange(3), np.random.default_rng(0))
    np.testing.assert_allclose(changed, clips, atol=1e-6)
    np.testing.assert_array_equal(targets, np.arange(3))


def test_the_same_draw_gives_the_same_clips_and_another_draw_others():
    augment, clips = Augment(SpeechConfig(), tones(1)), tones(4)
    one, again, other = (augment(clips, np.arange(4), np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert other.shape != one.shape or not np.allclose(one, other)
    assert np.isfinite(one).all()
    assert np.abs(one).max() <= 1


def test_another_clip_before_leaves_the_clip_and_its_label_at_the_end():
    clips = tones(5)
    config = dataclasses.replace(PLAIN, lead_in=1.0)
    changed, targets = Augment(config, NO_BACKGROUND)(clips, np.arange(5), np.random.default_rng(0))
    assert changed.shape == (5, 2 * SAMPLE_RATE)
    np.testing.assert_allclose(changed[:, SAMPLE_RATE:], clips, atol=1e-6)
    np.testing.assert_allclose(np.sort(changed[:, 7]), np.sort(clips[:, 7]), atol=1e-6)
    np.testing.assert_array_equal(targets, np.arange(5))


# On the device


@pytest.fixture(scope="module")
def bundle(training) -> Bundle:
    return Bundle.open(training("speech_commands").bundle)


def test_pieces_of_odd_sizes_give_what_the_whole_gives(bundle):
    samples = np.random.default_rng(0).normal(0, 0.1, 3 * SAMPLE_RATE + 77).astype(np.float32)
    whole = np.array(list(Listener(bundle, None, Options()).posteriors(samples)))
    listener = Listener(bundle, None, Options())
    cuts = np.cumsum([1, 319, 0, 321, 5000, 7, 160])
    pieces = [p for piece in np.split(samples, cuts) for p in listener.posteriors(piece)]
    np.testing.assert_array_equal(np.array(pieces), whole)
    assert len(whole) == len(samples) // 320
    listener.reset()
    np.testing.assert_array_equal(np.array(list(listener.posteriors(samples))), whole)


def test_the_clip_file_in_a_sliding_window_ends_where_the_clip_does(bundle):
    clip = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    sliding = list(Listener(bundle, "float32_loop.tflite", Options()).posteriors(clip))
    streamed = list(Listener(bundle, None, Options()).posteriors(clip))
    assert len(sliding) == 10
    np.testing.assert_allclose(sliding[-1], streamed[-1], atol=1e-5)


def test_files_of_every_length_are_answered_with_words_times_and_speed(bundle, tmp_path):
    import soundfile

    rng = np.random.default_rng(0)
    for seconds, rate in ((0.05, 16000), (1.0, 44100), (20.0, 8000)):
        soundfile.write(tmp_path / f"{seconds}.wav", rng.normal(0, 0.1, round(seconds * rate)), rate)
    files = sorted(tmp_path.glob("*.wav"))
    answers = list(predict(bundle, [str(file) for file in files], None, Options(threshold=0.05)))
    assert [round(answer["seconds"], 2) for answer in answers] == [0.05, 1.0, 20.0]
    assert answers[2]["words"]
    assert all(0 < event["seconds"] <= 20 for event in answers[2]["words"])
    assert answers[2]["real_time_factor"] < 1
    assert "times faster than real time" in describe(answers[2])
    for answer in answers:
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    with pytest.raises(UserError, match="expected an audio file"):
        list(predict(bundle, [], None, Options()))


def test_samples_are_taken_as_16_bits_or_as_real_numbers(bundle):
    whole = (np.random.default_rng(0).normal(0, 0.1, 9000) * 32768).astype(np.int16)
    np.testing.assert_array_equal(hear(whole), hear(whole.astype(np.float32) / 32768))
    np.testing.assert_array_equal(hear(whole.tolist()), hear(whole))
    assert encode(bundle, [whole]).shape == (1, SAMPLE_RATE)
    assert to_samples([np.array([-32768, 16384], np.int16)]).tolist() == [[-1.0, 0.5]]


@pytest.mark.parametrize("options", [{"threshold": 0.0}, {"threshold": 1.5}, {"smoothing_ms": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(UserError, match=f"--{next(iter(options)).replace('_', '-')}"):
        Options(**options)


# The microphone, a fake one


def fake_sounddevice(pieces, error=None):
    class PortAudioError(Exception):
        pass

    class InputStream:
        def __init__(self, samplerate, channels, dtype, callback):
            assert (samplerate, channels, dtype) == (16000, 1, "float32")
            if error:
                raise PortAudioError(error)
            self.callback = callback

        def __enter__(self):
            for piece in pieces:
                self.callback(piece[:, None], len(piece), None, None)

        def __exit__(self, *_):
            pass

    module = ModuleType("sounddevice")
    module.InputStream, module.PortAudioError = InputStream, PortAudioError
    return module


def test_the_microphone_gives_pieces_as_they_come(monkeypatch):
    pieces = [np.full(size, size, np.float32) for size in (100, 7, 320)]
    monkeypatch.setitem(sys.modules, "sounddevice", fake_sounddevice(pieces))
    heard = microphone(16000)
    for piece in pieces:
        np.testing.assert_array_equal(next(heard), piece)


def test_words_at_the_microphone_are_told_as_they_are_spoken(bundle, monkeypatch):
    samples = np.random.default_rng(0).normal(0, 0.1, 20 * SAMPLE_RATE).astype(np.float32)
    pieces = np.split(samples, range(500, len(samples), 500))
    monkeypatch.setitem(sys.modules, "sounddevice", fake_sounddevice(pieces))
    options = Options(microphone=True, threshold=0.05)
    live = predict(bundle, [], None, options)
    whole = list(Listener(bundle, None, options, ignored=("_unknown_", "_silence_"))(samples))
    assert whole
    assert [next(live) for _ in whole] == [
        {"word": label, "seconds": round(seconds, 3), "probability": round(probability, 4)}
        for label, seconds, probability in whole
    ]
    assert "yes 0.91" in describe({"word": "yes", "seconds": 1.5, "probability": 0.911})


def test_no_microphone_and_no_library_are_said_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(UserError, match="expected `pip install sounddevice`"):
        next(microphone(16000))
    monkeypatch.setitem(sys.modules, "sounddevice", fake_sounddevice([], "no device"))
    with pytest.raises(UserError, match="expected one with 16000 samples per second: no device"):
        next(microphone(16000))


def test_a_clip_is_a_whole_number_of_packets():
    with pytest.raises(UserError, match=r"--seconds: expected a multiple of 20 ms, got 0\.505"):
        SpeechConfig(seconds=0.505)
    assert not SpeechConfig(attention=True).streams
