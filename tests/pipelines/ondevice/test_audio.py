"""Samples out of files: every width, rate and number of channels, and everything that is broken."""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import UserError
from pipelines.ondevice.audio import (
    CANCELLED,
    CLIPPED,
    loudest,
    mono,
    read_audio,
    read_sound,
    to_int16,
)

STEPS = {"PCM_U8": 2**-7, "PCM_16": 2**-15, "PCM_24": 2**-23, "PCM_32": 2**-24, "FLOAT": 2**-24}
"""The subtypes of WAV, and the largest error of a sample: a step of its width, or of float32."""


def tone(hertz: float, rate: int, seconds: float = 1.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@given(
    subtype=st.sampled_from(sorted(STEPS)),
    channels=st.integers(1, 4),
    rate=st.integers(2_000, 200_000),
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 400),
)
@settings(deadline=None, max_examples=60)
def test_a_wav_file_gives_the_mean_of_the_channels_it_was_made_of(subtype, channels, rate, seed, count):
    written = np.random.default_rng(seed).uniform(-1, 1, [count, channels])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.wav"
        soundfile.write(path, written, rate, subtype=subtype)
        samples = read_audio(path, rate)
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, written.mean(axis=1), atol=1.01 * STEPS[subtype] + 1e-7)


@pytest.mark.parametrize(("name", "error"), [("a.flac", 2**-15), ("a.ogg", 0.05), ("a.mp3", 0.05)])
def test_flac_ogg_and_mp3(tmp_path, name, error):
    soundfile.write(tmp_path / name, tone(440, 16_000), 16_000)
    np.testing.assert_allclose(read_audio(tmp_path / name), tone(440, 16_000), atol=error)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_another_rate_is_the_same_sound(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", tone(1000, rate), rate, subtype="FLOAT")
    samples = read_audio(tmp_path / "a.wav", 16_000)
    assert abs(len(samples) - 16_000) <= 1
    inner = slice(1000, 15_000)  # a filter needs samples on both sides
    np.testing.assert_allclose(samples[inner], tone(1000, 16_000)[inner], atol=1e-3)


def test_what_the_rate_cannot_hold_is_gone(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(11_000, 96_000), 96_000)
    assert np.abs(read_audio(tmp_path / "a.wav", 16_000)[1000:15_000]).max() < 1e-3


def test_ten_minutes(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.tile(tone(100, 8_000), 600), 8_000)
    samples = read_audio(tmp_path / "a.wav", 16_000)
    assert len(samples) == 600 * 16_000
    assert np.isfinite(samples).all()


def test_clipped_samples_are_samples_and_nothing_is_beyond_one(tmp_path):
    square = np.sign(tone(300, 16_000))
    soundfile.write(tmp_path / "a.wav", square, 16_000)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav"), square, atol=2**-15)
    soundfile.write(tmp_path / "b.wav", 3 * tone(300, 48_000), 48_000, subtype="FLOAT")
    assert np.abs(read_audio(tmp_path / "b.wav")).max() == 1


def wav(samples: np.ndarray, rate: int = 16_000, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return file.getvalue()


def with_rate(content: bytes, rate: int) -> bytes:
    return content[:24] + rate.to_bytes(4, "little") + content[28:]


BROKEN = {
    "zero length": (b"", "expected WAV, FLAC, OGG or MP3 audio"),
    "header only": (wav(np.zeros(0)), "no samples in it"),
    "half a header": (wav(np.zeros(9))[:20], "expected WAV, FLAC, OGG or MP3 audio"),
    "text": (b"yes, this is a text\n" * 9, "expected WAV, FLAC, OGG or MP3 audio"),
    "not a number": (wav(np.array([0, 0.5, np.nan]), subtype="FLOAT"), "finite samples, got nan at 2"),
    "infinite": (wav(np.array([0, -np.inf]), subtype="FLOAT"), "finite samples, got -inf at 1"),
    "beyond float32": (wav(np.array([1e300, 0]), subtype="DOUBLE"), "finite samples, got inf at 0"),
    "one sample a second": (with_rate(wav(np.zeros(9)), 1), "1,000 to 1,000,000 samples a second, got 1"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_files_are_named_in_one_line(tmp_path, content, message):
    path = tmp_path / "caf\u00e9 1.wav"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_audio(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(UserError, match=r"a\.wav: No such file or directory"):
        read_audio(tmp_path / "a.wav")
    with pytest.raises(UserError, match="Is a directory"):
        read_audio(tmp_path)


def flac(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format="FLAC")
    return file.getvalue()


def declaring(content: bytes, samples: int) -> bytes:
    """Return a FLAC file whose header declares another number of samples: 36 bits from byte 21.5 on."""
    start = content[21] & 0xF0 | samples >> 32
    return content[:21] + bytes([start]) + (samples % 2**32).to_bytes(4, "big") + content[26:]


NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 3000)


def test_a_header_that_lies_takes_no_memory(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(declaring(flac(NOISE), 2**31))
    with pytest.raises(UserError, match="header declares 2,147,483,648 samples, which a file of"):
        read_sound(path)
    path.write_bytes(declaring(flac(NOISE), 2**20))
    with pytest.raises(UserError, match="expected WAV, FLAC, OGG or MP3 audio"):
        read_sound(path)
    path.write_bytes(declaring(flac(NOISE), len(NOISE)))
    np.testing.assert_allclose(read_sound(path).samples, NOISE, atol=2**-15)


def test_five_minutes_of_silence_are_no_lie(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.zeros(300 * 16_000, np.int16), 16_000)
    assert read_sound(path).samples.shape == (300 * 16_000,)


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(["WAV", "FLAC", "OGG", "MP3"]), st.data())
def test_a_damaged_file_is_read_or_refused(kind, data):
    file = io.BytesIO()
    soundfile.write(file, NOISE, 16_000, format=kind)
    damaged = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(0, min(300, len(damaged)) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
        try:
            samples = read_sound(path).samples
        except UserError as error:
            samples = np.zeros(1)
            refused = str(error)
        else:
            refused = str(path)
    assert refused.startswith(str(path))
    assert "\n" not in refused
    assert np.abs(samples).max() <= 1


def test_samples_beyond_one_are_told(tmp_path, caplog):
    soundfile.write(tmp_path / "a.wav", 3 * NOISE, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "b.wav", NOISE, 16_000, subtype="FLOAT")
    assert read_sound(tmp_path / "b.wav").faults == ()
    sound = read_sound(tmp_path / "a.wav")
    assert sound.faults == (CLIPPED,)
    np.testing.assert_allclose(sound.samples, np.clip(3 * NOISE, -1, 1), atol=1e-6)
    read_audio(tmp_path / "a.wav")
    assert caplog.messages == [f"{tmp_path / 'a.wav'}: samples beyond 1 are clipped"]


def test_channels_that_cancel_each_other_out_leave_the_loudest(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([-0.9 * NOISE, NOISE], axis=1), 16_000, subtype="FLOAT")
    sound = read_sound(tmp_path / "a.wav")
    assert sound.faults == (CANCELLED,)
    np.testing.assert_allclose(sound.samples, NOISE, atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.floats(-1, 1))
@settings(deadline=None)
def test_other_channels_are_averaged(seed, channels, share):
    samples = np.random.default_rng(seed).uniform(-1, 1, [500, channels])
    samples[:, -1] = max(share, -0.7) * samples[:, 0] if channels == 2 else samples[:, -1]
    heard, cancelled = mono(samples)
    assert not cancelled
    np.testing.assert_array_equal(heard, samples.mean(axis=1))


def test_a_file_that_ends_early_gives_what_it_has(tmp_path):
    (tmp_path / "a.wav").write_bytes(wav(tone(440, 16_000))[: 44 + 2 * 500])
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav"), tone(440, 16_000)[:500], atol=2**-15)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=40), st.integers(1, 50))
@settings(deadline=None)
def test_the_loudest_part_has_the_most_energy_and_shorter_ones_are_padded(values, length):
    samples = np.array(values, np.float32)
    part = loudest(samples, length)
    assert len(part) == length
    if len(samples) <= length:
        before = (length - len(samples)) // 2
        assert part[before : before + len(samples)].tolist() == values
        assert np.square(part).sum() == np.square(samples).sum()
    else:
        windows = [values[start : start + length] for start in range(len(values) - length + 1)]
        assert part.tolist() in windows
        assert np.square(part).sum() == max(sum(v * v for v in window) for window in windows)


def test_16_bit_samples_come_back_as_they_were(tmp_path):
    every = np.arange(-32768, 32768, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", every, 16_000)
    np.testing.assert_array_equal(to_int16(read_audio(tmp_path / "a.wav")), every)
    assert to_int16(np.array([1.0, -1.0, 0.9999999])).tolist() == [32767, -32768, 32767]


def test_a_device_reads_audio_without_tensorflow():
    code = (
        "import sys, pipelines.ondevice.audio; assert not {'tensorflow', 'keras', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=True)
