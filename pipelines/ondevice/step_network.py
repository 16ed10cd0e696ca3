"""Define networks that run one step at a time from any state. Sampling and beam search use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from .bundle import Bundle
from .model import Stream

State = Mapping[str, Any]
Outputs = dict[str, np.ndarray]


class StepNetwork(Protocol):
    """A network that runs step by step. The caller keeps the state, so it can go back to an earlier one."""

    def initial_state(self) -> State:
        """Return the state before the first step."""

    def __call__(self, step: np.ndarray, state: State, /) -> tuple[Outputs, State]:
        """Return the outputs of one step by name, without batch and time axes, and the next state."""


class StreamNetwork:
    """Runs a `step` file of a bundle as a `StepNetwork`.

    Args:
        stream: a streaming model. One of its inputs, (1, 1, ...), takes the step.

    Attributes:
        context: the model's other inputs by name, with their batch axis, the same at every step (the
            features of an image, for example).
    """

    def __init__(self, stream: Stream) -> None:
        self.context: dict[str, np.ndarray] = {}
        self._stream = stream

    @classmethod
    def of(cls, bundle: Bundle, variant: str | None) -> StreamNetwork:
        """Return the network of a bundle's `step` file, chosen as by `Bundle.with_execution`."""
        return cls(Stream(bundle.variant_path(bundle.with_execution(variant, "step")["file"])))

    def initial_state(self) -> State:
        """Return the state that the file's `init` signature gives."""
        self._stream.reset()
        return self._stream.state

    def __call__(self, step: np.ndarray, state: State, /) -> tuple[Outputs, State]:
        """Return the outputs of one step and the next state (see `StepNetwork`)."""
        (name,) = self._stream.inputs.keys() - self.context.keys()
        self._stream.state = state
        outputs = self._stream(**{name: step[None, None]}, **self.context)
        return {name: output[0, 0] for name, output in outputs.items()}, self._stream.state
