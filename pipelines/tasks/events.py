"""Find events in a stream of samples while the samples arrive. Needs numpy and LiteRT only, as on devices."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..config import require
from ..ondevice.bundle import Bundle
from ..ondevice.model import Model, Stream
from ..ondevice.quantized_io import Spec
from ..ondevice.trigger import Packets, Trigger
from .classification import require_one_each


@dataclass(frozen=True)
class EventOptions:
    """Settings that decide when an event is reported."""

    threshold: float = 0.7
    """Report an event when its smoothed probability reaches this value."""
    smoothing_ms: int = 200
    """Average the probabilities over this time in milliseconds."""
    suppression_ms: int = 700
    """After an event, report no other event for this time in milliseconds."""

    def __post_init__(self) -> None:
        require(0 < self.threshold <= 1, "threshold", "above 0, at most 1", self.threshold)
        require(self.smoothing_ms > 0, "smoothing_ms", "above 0", self.smoothing_ms)
        require(self.suppression_ms >= 0, "suppression_ms", "0 or more", self.suppression_ms)


class Heard(NamedTuple):
    """An event that was reported."""

    label: str
    seconds: float
    """The time in the stream at which it was reported."""
    probability: float
    """The smoothed probability at that time."""


class Listener:
    """Finds events in a stream that arrives in pieces of any size.

    Args:
        bundle: its preprocessing has `sample_rate`, `samples` (of a clip) and `packet` (samples), and
            `channels`, or `shape`, if each sample is an array of several numbers.
        variant: a file of the bundle, or a precision. Of a precision, the streaming file is used if there is
            one.
        options: decide when an event is reported.
        ignored: labels that are not events, such as silence.

    Attributes:
        sample_rate: samples per second.
        step_seconds: the time between two posteriors.
    """

    def __init__(
        self, bundle: Bundle, variant: str | None, options: EventOptions, ignored: Collection[str] = ()
    ) -> None:
        settings = bundle.preprocessing
        record = bundle.variant(variant, execution="step")
        network = _Streaming if record["execution"] == "step" else _Sliding
        self._network = network(bundle.variant_path(record["file"]), settings)
        self._packet = settings["packet"] * self._network.packets
        self._labels, self._ignored = bundle.labels, ignored
        self.sample_rate: int = settings["sample_rate"]
        self.step_seconds = self._packet / self.sample_rate
        self._shape = _channels(settings)
        self._trigger = self._trigger_of(options)
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._network.reset()
        self._trigger.reset()
        self._packets = Packets(self._packet, self._shape)

    def posteriors(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """Take the next samples (n, ...); yield the probabilities (labels,) for each full packet."""
        for packet in self._packets(samples):
            probabilities = self._network(packet)
            require_one_each(self._labels, probabilities)
            yield probabilities

    def __call__(self, samples: np.ndarray) -> Iterator[Heard]:
        """Take the next samples (n, ...); yield the events that they complete."""
        yield from self._events(self.posteriors(samples), self._trigger)

    def events(self, posteriors: Iterable[np.ndarray], options: EventOptions) -> Iterator[Heard]:
        """Yield the events in the posteriors of a whole stream, reported as `options` say."""
        yield from self._events(posteriors, self._trigger_of(options))

    def _events(self, posteriors: Iterable[np.ndarray], trigger: Trigger) -> Iterator[Heard]:
        for posterior in posteriors:
            if event := trigger(posterior):
                yield Heard(event.label, (event.step + 1) * self.step_seconds, event.score)

    def _trigger_of(self, options: EventOptions) -> Trigger:
        return Trigger(
            self._labels,
            threshold=options.threshold,
            smoothing=max(1, round(options.smoothing_ms / 1000 / self.step_seconds)),
            suppression=round(options.suppression_ms / 1000 / self.step_seconds),
            ignored=self._ignored,
        )


class _Streaming:
    """A streaming network: it takes packets and keeps its state between them."""

    packets = 1

    def __init__(self, file: Path, settings: Mapping[str, Any]) -> None:
        self._stream = Stream(file)
        (self._input,), (self._output,) = self._stream.inputs, self._stream.outputs
        self._spec = self._stream.inputs[self._input]
        self.reset = self._stream.reset

    def __call__(self, packet: np.ndarray) -> np.ndarray:
        return _last(self._stream(**{self._input: _as(self._spec, packet)})[self._output])


class _Sliding:
    """A network for whole clips: every few packets it runs on the latest samples, as many as a clip has."""

    packets = 5

    def __init__(self, file: Path, settings: Mapping[str, Any]) -> None:
        self._model = Model(file)
        (self._spec,) = self._model.inputs.values()
        self._window = np.zeros((settings["samples"], *_channels(settings)), np.float32)

    def reset(self) -> None:
        self._window[:] = 0

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        self._window[:] = np.concatenate([self._window[len(samples) :], samples])
        return _last(self._model.predict(_as(self._spec, self._window)))


def _as(spec: Spec, samples: np.ndarray) -> np.ndarray:
    """Return samples in the shape of an input; a network of pictures takes them as uint8."""
    shaped = samples.reshape(spec.shape)
    return shaped.astype(np.uint8) if spec.dtype == np.uint8 else shaped


def _channels(settings: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of a sample."""
    if "shape" in settings:
        return tuple(settings["shape"])
    return (len(settings["channels"]),) if "channels" in settings else ()


def _last(output: np.ndarray) -> np.ndarray:
    """Return the probabilities of the last step, if there are several."""
    return output.reshape(-1, output.shape[-1])[-1]
