"""Reads drawings as they are written: an answer after every stroke. numpy and LiteRT only."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.data.strokes import Drawing
from pipelines.ondevice import ctc
from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Stream
from pipelines.tasks.classification import require_one_each

from .rows import Rows


class Reader:
    """Reads texts or labels stroke by stroke.

    Args:
        bundle: of this app, whose network reads.
        variant: a file or a precision; its streaming file is used.
        beams: the beams of the search for a text; 1 for greedy decoding.
    """

    def __init__(self, bundle: Bundle, variant: str | None, beams: int) -> None:
        self._stream = Stream(bundle.variant_path(bundle.with_execution(variant, "step")["file"]))
        self._labels, self._beams = bundle.labels, beams
        self._rows = Rows.of(bundle.preprocessing)
        self._alphabet = Alphabet(self._rows.alphabet)
        self._reads_texts = bundle.preprocessing["answer"] == "text"

    def __call__(self, drawing: Drawing) -> dict[str, Any]:
        """Return the text or the label of a drawing, and what was read after each stroke."""
        offsets = self._rows.offsets(drawing)
        outputs = self.outputs(offsets)
        ends = np.flatnonzero(offsets[:, 2]).tolist() or [len(offsets) - 1]
        if not self._reads_texts:
            require_one_each(self._labels, outputs[-1])
            by_stroke = [self._label(outputs[end]) for end in ends]
            return {**self._label(outputs[-1]), "by_stroke": by_stroke}
        greedy, beam, read, texts = ctc.GreedyReader(), ctc.BeamReader(self._beams), list[int](), []
        for stroke in np.split(outputs, np.add(ends, 1)):
            read = read + greedy(stroke) if self._beams == 1 else list(beam(stroke)[0].labels)
            texts.append(self._text(read))
        return {"text": texts[-1], "by_stroke": [{"text": text} for text in texts[: len(ends)]]}

    def outputs(self, offsets: np.ndarray) -> np.ndarray:
        """Return the network's answer at each offset, (steps, characters + 1 or labels)."""
        (name,) = self._stream.inputs
        self._stream.reset()
        found = []
        for offset in offsets:
            (answer,) = self._stream(**{name: offset[None, None]}).values()
            found.append(answer.reshape(-1))
        return np.stack(found)

    def _label(self, probabilities: np.ndarray) -> dict[str, Any]:
        best = int(probabilities.argmax())
        return {"label": self._labels[best], "probability": round(float(probabilities[best]), 6)}

    def _text(self, numbers: Any) -> str:
        return self._alphabet.decode(np.asarray(numbers, int) - 1)
