"""Runs the finished bundle: writes test texts, or reads test drawings stroke by stroke."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.data.examples import Data
from pipelines.data.strokes import Drawing
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.pen_sampling import PenSampler
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.tasks.stroke_pictures import gif, png_sheet
from pipelines.tasks.stroke_shapes import ShapeReader

from .config import HandwritingConfig
from .predict import Options
from .reader import Reader
from .rows import Rows
from .writer import Writer

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

_DRAWN, _STEPS = 12, 700
_ASKED = 200
_BIASES = (0.0, 1.0)


def show(config: HandwritingConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    """Write pictures of what the float32 file writes, beside true ones, and return how many drawings end.

    Of a network that is given labels, return also whether it draws them (`as_asked`), and of readers, how
    early they are right.
    """
    drawings = outcome.data.splits["test"].inputs
    if config.answer != "strokes":
        return _early(config, bundle, drawings[: 5 * _DRAWN])
    some = drawings[:: max(1, len(drawings) // _DRAWN)][:_DRAWN]
    (folder / "true.png").write_bytes(png_sheet(some))
    network = StreamNetwork.of(bundle, "float32")
    writer = Writer(network, Rows.of(bundle.preprocessing), config.mixtures)
    finished = 0
    for bias in _BIASES:
        made = []
        for seed, each in enumerate(some):
            text = (each.label or "") if config.given != "nothing" else ""
            drawing, drawn = writer(text, PenSampler(bias), seed, steps=_STEPS)
            made.append(drawing)
            finished += drawn.finished
        (folder / f"bias_{bias:g}.png").write_bytes(png_sheet(made))
        (folder / f"bias_{bias:g}.gif").write_bytes(gif(made[0]))
    figures = {"finished": finished / (len(_BIASES) * len(some))}
    return figures | as_asked(outcome.data, writer) if config.given == "label" else figures


def as_asked(data: Data, writer: Writer) -> dict[str, float]:
    """Return the share of drawings on demand that an independent reader reads as the label asked for.

    The reader learns from the real training drawings. Its share of real test drawings is there, too: if it
    is low, the other one says nothing. 200 drawings, the labels in turn, are as neat as those of `predict`.
    """
    reader = ShapeReader(data.splits["train"].inputs)
    sampler, labels, most = PenSampler(Options.bias), writer.rows.labels, writer.rows.steps
    drawn = [writer(labels[seed % len(labels)], sampler, seed, steps=most)[0] for seed in range(_ASKED)]
    return {
        "drawn_as_asked": reader.share_right(drawn),
        "reader_on_real": reader.share_right(data.splits["test"].inputs),
    }


def _early(config: HandwritingConfig, bundle: Bundle, drawings: Sequence[Drawing]) -> dict[str, float]:
    """Return the share of strokes at whose end the last answer is there already, or a beginning of it."""
    reader = Reader(bundle, "float32", beams=1)
    settled = []
    for each in drawings:
        found = reader(each)
        what = "label" if config.answer == "label" else "text"
        settled += [found[what].startswith(part[what]) for part in found["by_stroke"]]
    return {"stream.settled": float(np.mean(settled))}
