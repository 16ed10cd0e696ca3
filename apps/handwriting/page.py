"""What Python writes with a pen on the page of a bundle, with given random numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.app import Page
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.pen_mixture import mixture_of
from pipelines.ondevice.pen_sampling import Drawn, PenSampler
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.page.golden import CASES, Golden
from pipelines.page.replay import of_steps

from .predict import Options
from .rows import Rows
from .writer import Writer

_STEPS = 60
_TEXTS = ("Hi", "a", "no", "it is", "Oh", "Yes", "and so on", "pen", "Ink", "Write it")
_LIKELY = 0.2
"""Less probable choices are not made on the page: they may be gone in another precision."""


def settings() -> Mapping[str, Any]:
    """Return the defaults of writing, which the page has too."""
    options = Options()
    return {"bias": options.bias, "steps": options.steps}


class PenNumbers:
    """Gives numbers where a generator of random ones is expected, four for each step."""

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        self._rows = iter(rows)

    def random(self, size: int) -> np.ndarray:
        """Return the numbers that choose, and keep the others for `normal`."""
        row = np.array(next(self._rows))
        self._rest = row[size:]
        return row[:size]

    def normal(self, size: int) -> np.ndarray:
        """Return the numbers that were kept."""
        return self._rest[:size]


@dataclass(frozen=True)
class _Central(PenSampler):
    """Makes likely choices, and keeps numbers that are far from what leads to others."""

    numbers: list[list[float]] = field(default_factory=list)

    def draw(self, outputs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a step."""
        mixture = mixture_of(outputs)
        shares = np.exp(mixture.log_weights * (1 + self.bias))
        shares /= shares.sum()
        chosen = int(rng.choice(len(shares), p=shares))
        if shares[chosen] < _LIKELY:
            chosen = int(shares.argmax())
        lifts = float(1 / (1 + np.exp(-mixture.pen_logit)))
        lifted = rng.random() < lifts if _LIKELY < lifts < 1 - _LIKELY else lifts > _LIKELY
        pen = lifts / 2 if lifted else (1 + lifts) / 2
        choice = float(shares[:chosen].sum() + shares[chosen] / 2)
        self.numbers.append([choice, pen, *rng.normal(size=2).tolist()])
        return super().draw(outputs, PenNumbers(self.numbers[-1:]))  # type: ignore[arg-type]


@dataclass(frozen=True)
class ReplayingPen(PenSampler):
    """Draws with given numbers."""

    numbers: Any = None

    def draw(self, outputs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a step with the next four numbers."""
        return super().draw(outputs, self.numbers)


def inputs(bundle: Bundle) -> Sequence[Mapping[str, Any]]:
    """Return texts, and the numbers that draw each step of the pen.

    Raises:
        UserError: the network does not write texts.
    """
    if bundle.preprocessing["answer"] != "strokes" or not bundle.preprocessing["alphabet"]:
        raise UserError(f"{bundle.folder}: the page writes texts, which this network does not")
    known, given = set(bundle.preprocessing["alphabet"]), []
    network = StreamNetwork.of(bundle, None)
    for seed in range(CASES):
        text = "".join(each for each in _TEXTS[seed % len(_TEXTS)] if each in known)
        sampler = _Central(settings()["bias"])
        _write(bundle, network, text or next(iter(known)), sampler=sampler, steps=_STEPS, seed=seed)
        given.append({"text": text or next(iter(known)), "draws": np.array(sampler.numbers)})
    return given


def answers(bundle: Bundle, network: StreamNetwork, given: Sequence[Mapping[str, Any]]) -> Iterator[Golden]:
    """Yield for each text where the pen is lifted, whether it was finished, and the offsets of the pen.

    It is cut where the numbers end: they were made with one file, and another one may write for longer.
    """
    for each in given:
        sampler = ReplayingPen(settings()["bias"], PenNumbers(each["draws"].tolist()))
        drawn = _write(bundle, network, each["text"], sampler=sampler, steps=len(each["draws"]))
        lifted = np.flatnonzero(drawn.offsets[:, 2]).tolist()
        yield Golden(
            answer={"lifted": lifted, "finished": bool(drawn.finished)}, outputs=drawn.offsets[:, :2]
        )


def _write(
    bundle: Bundle, network: StreamNetwork, text: str, *, sampler: PenSampler, steps: int, seed: int = 0
) -> Drawn:
    writer = Writer(network, Rows.of(bundle.preprocessing), bundle.manifest["config"]["mixtures"])
    return writer(text, sampler, seed, steps=steps)[1]


PAGE = Page("strokes", inputs, of_steps(answers), settings())
