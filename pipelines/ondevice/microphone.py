"""Read samples from the microphone while they are recorded."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import UserError


def microphone(rate: int) -> Iterator[np.ndarray]:
    """Yield arrays (n,) of float32 samples in [-1, 1] at `rate` samples per second, without end.

    Raises:
        UserError: sounddevice is not installed, or no microphone supports this rate.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # OSError: PortAudio is missing
        raise UserError(f"--microphone: expected `pip install sounddevice`: {error}") from None
    pieces: queue.SimpleQueue[np.ndarray] = queue.SimpleQueue()

    def keep(samples: np.ndarray, frames: int, when: Any, status: Any) -> None:
        pieces.put(samples[:, 0].copy())

    try:
        stream = sounddevice.InputStream(samplerate=rate, channels=1, dtype="float32", callback=keep)
    except sounddevice.PortAudioError as error:
        raise UserError(f"--microphone: expected one with {rate} samples per second: {error}") from None
    with stream:
        while True:
            yield pieces.get()
