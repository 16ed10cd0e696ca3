"""Words in a stream of samples, as they are spoken: numpy and LiteRT only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.config import require
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model, Stream
from pipelines.ondevice.trigger import Packets, Trigger

from .config import SILENCE, UNKNOWN


@dataclass(frozen=True)
class SpeechOptions:
    """How words are found in a stream."""

    microphone: bool = False
    """Listen live until Ctrl-C; needs `pip install sounddevice`."""
    threshold: float = 0.7
    """A word is heard when its smoothed probability reaches this."""
    smoothing_ms: int = 200
    """Probabilities are averaged over so long."""
    suppression_ms: int = 700
    """After a word, nothing is heard for so long."""

    def __post_init__(self) -> None:
        require(0 < self.threshold <= 1, "threshold", "above 0, at most 1", self.threshold)
        require(self.smoothing_ms > 0, "smoothing_ms", "above 0", self.smoothing_ms)
        require(self.suppression_ms >= 0, "suppression_ms", "0 or more", self.suppression_ms)


class Listener:
    """Takes samples in pieces of any size, and tells the words in them.

    Args:
        bundle: of this app.
        variant: a file of the bundle, or a precision: of that the streaming file where there is one.
        options: when a word is heard.

    Attributes:
        step_seconds: from one posterior to the next.
    """

    def __init__(self, bundle: Bundle, variant: str | None, options: SpeechOptions) -> None:
        heard = bundle.preprocessing
        record = bundle.variant(variant, execution="step")
        network = _Streaming if record["execution"] == "step" else _Sliding
        self._network = network(bundle.variant_path(record["file"]), heard)
        self._packet = heard["packet"] * self._network.packets
        self._labels = bundle.labels
        self.step_seconds = self._packet / heard["sample_rate"]
        self._trigger = self.trigger(options)
        self.reset()

    def trigger(self, options: SpeechOptions) -> Trigger:
        """Return a trigger for this stream's posteriors."""
        return Trigger(
            self._labels,
            threshold=options.threshold,
            smoothing=max(1, round(options.smoothing_ms / 1000 / self.step_seconds)),
            suppression=round(options.suppression_ms / 1000 / self.step_seconds),
            ignored=(UNKNOWN, SILENCE),
        )

    def reset(self) -> None:
        """Forget what was heard."""
        self._network.reset()
        self._trigger.reset()
        self._packets = Packets(self._packet)

    def posteriors(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the probability of every label (labels,), for each packet that is full by now."""
        for packet in self._packets(samples):
            yield self._network(packet)

    def __call__(self, samples: np.ndarray) -> Iterator[dict[str, Any]]:
        """Take the next samples (any number,) in [-1, 1]; yield the words that are heard by now."""
        for posterior in self.posteriors(samples):
            if event := self._trigger(posterior):
                yield {
                    "word": event.label,
                    "seconds": round((event.step + 1) * self.step_seconds, 3),
                    "probability": round(event.score, 4),
                }


class _Streaming:
    """A network that takes packets, and keeps its state between them."""

    packets = 1

    def __init__(self, file: Path, heard: Mapping[str, Any]) -> None:
        self._stream = Stream(file)
        (self._input,), (self._output,) = self._stream.inputs, self._stream.outputs
        self.reset = self._stream.reset

    def __call__(self, packet: np.ndarray) -> np.ndarray:
        return self._stream(**{self._input: packet[None]})[self._output][0]


class _Sliding:
    """A network that takes whole clips: it looks at the last clip's length, several packets at a time."""

    packets = 5

    def __init__(self, file: Path, heard: Mapping[str, Any]) -> None:
        self._model = Model(file)
        self._window = np.zeros(heard["samples"], np.float32)

    def reset(self) -> None:
        self._window[:] = 0

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        self._window[:] = np.concatenate([self._window[len(samples) :], samples])
        return self._model.predict(self._window[None])[0]
