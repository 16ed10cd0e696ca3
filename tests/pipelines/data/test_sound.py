"""Coloured noise, and clips that are shifted and played faster."""

import numpy as np
import pytest

from pipelines.data.sound import coloured_noise, level, moved

SAMPLE_RATE = 16_000


def test_moving_a_clip_shifts_it_and_changes_its_speed_about_the_middle():
    clip = (0.3 * np.sin(2 * np.pi * 200 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)).astype(np.float32)
    np.testing.assert_allclose(moved(clip, 1.0, 160)[160:], clip[:-160], atol=1e-6)
    assert not moved(clip, 1.0, 160)[:160].any()
    np.testing.assert_allclose(moved(clip, 1.0, -160)[:-160], clip[160:], atol=1e-6)
    faster = np.abs(np.fft.rfft(moved(clip, 1.25, 0)))
    assert faster.argmax() == 250  # 200 Hz, a quarter faster
    assert not moved(clip, 1.25, 0)[: SAMPLE_RATE // 10 - 1].any()


@pytest.mark.parametrize("slope", [0.0, -1.0, -2.0, 1.0])
def test_coloured_noise_has_the_slope_it_says_and_level_one(slope):
    noise = coloured_noise(2**18, slope=slope, rate=SAMPLE_RATE, rng=np.random.default_rng(0))
    assert level(noise) == pytest.approx(1, abs=1e-3)
    power = np.abs(np.fft.rfft(noise)) ** 2
    edges = [2**k for k in range(12, 17)]
    octaves = np.log2([power[low : 2 * low].mean() for low in edges])
    np.testing.assert_allclose(np.diff(octaves), slope, atol=0.15)
