"""Runs espeak-ng in its own process, because its C library is not re-entrant and may crash."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import UserError

RATE = 22_050
"""The sample rate of espeak-ng, in samples per second."""
_WORKER = Path(__file__).with_name("espeak_worker.py")


def require_espeak() -> None:
    """Raise a UserError if espeak-ng is not installed."""
    if importlib.util.find_spec("espeakng_loader") is None:
        raise UserError("the embedded speech needs espeak-ng: expected `pip install espeakng-loader`")


class Espeak:
    """A running espeak-ng process; use it in a `with` statement.

    The same calls in the same order give the same samples.
    """

    def __enter__(self) -> Espeak:
        require_espeak()
        # -P keeps the worker's folder off sys.path, so that it cannot import the modules there.
        command = [sys.executable, "-P", str(_WORKER)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def say(
        self, text: str, voice: str, *, rate: int = 175, pitch: int = 50, pitch_range: int = 50
    ) -> np.ndarray:
        """Return 16-bit samples (n,) at `RATE`.

        Args:
            text: the text to speak.
            voice: a language, or a language and a variant: `en-us+f2`.
            rate: words per minute.
            pitch: 0 to 99, relative to the voice's own pitch.
            pitch_range: 0 (monotonous) to 99 (lively).

        Raises:
            UserError: the library crashed, does not know the voice, or made no sound.
        """
        request = {"voice": voice, "text": text, "rate": rate, "pitch": pitch, "range": pitch_range}
        pipe_in, pipe_out = self._pipes()
        try:
            pipe_in.write(json.dumps(request).encode() + b"\n")
            pipe_in.flush()
            count = pipe_out.read(4)
            samples = pipe_out.read(2 * int.from_bytes(count, "little"))
        except BrokenPipeError:
            count = b""
        if len(count) < 4:
            code = self._process.wait()
            raise UserError(f"espeak-ng ended with exit code {code} while speaking {text!r} as {voice}")
        spoken = np.frombuffer(samples, "<i2")
        if not spoken.any():
            raise UserError(
                f"espeak-ng made no sound for {text!r} as {voice}: its data may be damaged: expected that "
                "`pip install --force-reinstall espeakng-loader` mends it"
            )
        return spoken

    def _pipes(self) -> tuple[Any, Any]:
        return self._process.stdin, self._process.stdout
