"""Writes with a network, on the device or in Keras. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.data.strokes import Drawing, to_points
from pipelines.errors import UserError
from pipelines.ondevice.alphabet import Alphabet, named
from pipelines.ondevice.pen_mixture import columns
from pipelines.ondevice.pen_sampling import ENDING, MIXTURE, WINDOW, DrawingLimits, Drawn, PenSampler, draw
from pipelines.ondevice.step_network import Outputs, State, StepNetwork

from .rows import Rows


@dataclass(frozen=True)
class Writer:
    """Writes texts, draws labels, or draws anything.

    Args:
        network: a step of rows (3 + characters,) -> its only output: the mixture, and behind it the places of
            the text, or if there is none, where the drawing ends.
        rows: what the network reads.
        mixtures: the number of Gaussians.
    """

    network: StepNetwork
    rows: Rows
    mixtures: int

    def __call__(
        self, text: str, sampler: PenSampler, seed: int, *, steps: int, like: Drawing | None = None
    ) -> tuple[Drawing, Drawn]:
        """Return what was written, in the units of the training drawings, and how.

        Args:
            text: what to write, or the label to draw; "" if the network is told nothing.
            sampler: how neat.
            seed: the same seed gives the same drawing.
            steps: the largest number of steps.
            like: strokes of a writer, in whose style the pen goes on; with their text, if a text is written.

        Raises:
            UserError: the text is too long, or has characters that the network does not know.
        """
        before = like.label or "" if like is not None and self.rows.alphabet else ""
        told = self._told(f"{before} {text}" if before else text)
        length = int(np.count_nonzero(told)) if self.rows.alphabet else None
        beside = WINDOW if self.rows.alphabet else ENDING
        network = _Telling(self.network, told, columns(self.mixtures), beside)
        limits = DrawingLimits(steps, length)
        primed = None if like is None else self.rows.offsets(like)
        drawn = draw(network, limits, sampler, np.random.default_rng(seed), primed=primed)
        offsets = drawn.offsets * np.array([*self.rows.deviation, 1.0], np.float32)
        return Drawing(to_points(offsets), label=text or None), drawn

    def _told(self, text: str) -> np.ndarray:
        if self.rows.alphabet:
            if unknown := Alphabet(self.rows.alphabet).unknown(text):
                raise UserError(f"a text to write: unknown characters {named(unknown)}")
            if not 1 <= len(text) < self.rows.characters:
                raise UserError(
                    f"a text to write: expected 1 to {self.rows.characters - 1} characters, got {len(text)}"
                )
        return self.rows.told(text)


class _Telling:
    """A step network that is told the text at every step, and whose outputs have names."""

    def __init__(self, network: StepNetwork, told: np.ndarray, size: int, beside: str) -> None:
        self._network, self._told, self._size, self._beside = network, told, size, beside

    def initial_state(self) -> State:
        return self._network.initial_state()

    def __call__(self, step: np.ndarray, state: State, /) -> tuple[Outputs, State]:
        outputs, state = self._network(np.concatenate([step, self._told]).astype(np.float32), state)
        (numbers,) = outputs.values()
        return {MIXTURE: numbers[: self._size], self._beside: numbers[self._size :]}, state
