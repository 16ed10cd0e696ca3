"""Draw with a step network: one offset of the pen after the other. Needs numpy only.

The network reads the last step (3,): dx, dy in deviations of the training set, and the pen. A text or a label
is a context (`StreamNetwork.context`). Its outputs:

    mixture (6 M + 1): the distribution of the next step (see `pen_mixture`)
    window (places), optional: the weight of each place of a text (see `tasks.character_window`)
    end (1), optional: the logit that the drawing ends with the next step, if that lifts the pen
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..errors import UserError
from .pen_mixture import mixture_of
from .step_network import Outputs, StepNetwork

MIXTURE, WINDOW, ENDING = "mixture", "window", "end"
"""The names of the network's outputs."""
_FADED = 0.01
_FINISHING = 30  # steps to end a stroke in, behind the end of the text


@dataclass(frozen=True)
class PenSampler:
    """Settings for drawing a step from a mixture."""

    bias: float = 0.0
    """How neat: 0 draws from the network's own distribution. A bias b multiplies log-weights by 1 + b and
    sigmas by exp(-b); the pen stays (A. Graves, Generating sequences with recurrent neural networks, 2013,
    section 5.4)."""

    def __post_init__(self) -> None:
        if not 0 <= self.bias <= 100:
            raise ValueError(f"bias: expected 0 to 100, got {self.bias}")

    def draw(self, outputs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a step, float32 (3,): dx, dy, and the pen.

        Args:
            outputs: (6 M + 1,), finite.
            rng: used for four numbers, whatever the bias.
        """
        mixture = mixture_of(outputs)
        scores = mixture.log_weights * (1 + self.bias)
        cumulative = np.cumsum(np.exp(scores - scores.max()))
        (choice, lifted), (z, other) = rng.random(2), rng.normal(size=2)
        chosen = int(np.searchsorted(cumulative, choice * cumulative[-1], side="right"))
        r = mixture.correlations[chosen]
        standard = np.array([z, r * z + np.sqrt(1 - r**2) * other])
        offset = mixture.means[chosen] + mixture.sigmas[chosen] * np.exp(-self.bias) * standard
        pen = lifted < _sigmoid(float(mixture.pen_logit))
        return np.array([*offset, pen], np.float32)


@dataclass(frozen=True)
class DrawingLimits:
    """Where a drawing ends."""

    max_steps: int
    """It is cut at this number of steps."""
    characters: int | None = None
    """The number of characters of the text that is written, that of `primed` strokes included. The drawing
    ends with the stroke in which the window passes the last one. None: without a text."""


class Drawn(NamedTuple):
    """What a network drew."""

    offsets: np.ndarray
    """(steps, 3) float32, in deviations of the training set, without the strokes it was primed with. The last
    pen is lifted."""
    window: np.ndarray | None
    """The weight of each place of the text at each step, (steps, places), if the network says it."""
    finished: bool
    """False if the drawing was cut."""


def draw(
    network: StepNetwork,
    limits: DrawingLimits,
    sampler: PenSampler,
    rng: np.random.Generator,
    *,
    primed: np.ndarray | None = None,
) -> Drawn:
    """Return a drawing; the same state of `rng` gives the same one.

    Args:
        network: see the module.
        limits: where it ends.
        sampler: how steps are drawn.
        rng: the source of random numbers.
        primed: (steps, 3) a writer's own strokes, in deviations of the training set, that the network reads
            first. It goes on in their style. The text in the context begins with theirs.

    Raises:
        UserError: the network's output is not finite.
    """
    offsets, windows, end = [], [], _End(limits)
    for step, outputs in draw_steps(network, sampler, rng, primed=primed):
        offsets.append(step)
        windows.append(outputs.get(WINDOW))
        if end.is_reached(step, outputs, rng) or len(offsets) >= limits.max_steps:
            break
    drawn = np.stack(offsets)
    drawn[-1, 2] = 1
    window = None if windows[0] is None else np.stack([each for each in windows if each is not None])
    return Drawn(drawn, window, end.found)


def draw_steps(
    network: StepNetwork,
    sampler: PenSampler,
    rng: np.random.Generator,
    *,
    primed: np.ndarray | None = None,
) -> Iterator[tuple[np.ndarray, Outputs]]:
    """Yield steps (3,) without end, and the outputs of the network that each one was drawn from.

    The arguments and errors are those of `draw`.
    """
    before, state = np.zeros(3, np.float32), network.initial_state()
    for step in () if primed is None else np.asarray(primed, np.float32):
        _, state = network(before, state)
        before = step
    while True:
        outputs, state = network(before, state)
        if not np.isfinite(outputs[MIXTURE]).all():
            raise UserError(f"drawing: expected finite numbers in the network's output {MIXTURE!r}")
        before = sampler.draw(outputs[MIXTURE], rng)
        yield before, outputs


class _End:
    """Finds the end of a drawing."""

    def __init__(self, limits: DrawingLimits) -> None:
        self._characters = limits.characters
        self._at_last = False
        self._behind = 0  # steps since the window passed the text
        self.found = False

    def is_reached(self, step: np.ndarray, outputs: Outputs, rng: np.random.Generator) -> bool:
        """Return whether a step is the last one."""
        if self._characters is not None and WINDOW in outputs:
            self._behind += self._passed(outputs[WINDOW], self._characters)
            self.found = self._behind > 0 and (step[2] == 1 or self._behind > _FINISHING)
        if ENDING in outputs and step[2] == 1:
            self.found |= rng.random() < _sigmoid(float(np.ravel(outputs[ENDING])[0]))
        return self.found

    def _passed(self, window: np.ndarray, characters: int) -> bool:
        """Return whether the window is behind the text, or once was.

        Behind the padding no place has any weight, so the window may also fade away from the last character.
        """
        place = int(np.argmax(window))
        faded = self._at_last and window[:characters].sum() < _FADED
        self._at_last |= place == characters - 1
        return self._behind > 0 or place >= characters or bool(faded)


def _sigmoid(logit: float) -> float:
    return float(np.exp(-np.logaddexp(0, -logit)))
