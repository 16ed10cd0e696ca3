"""Reads drawings: an answer after every stroke. numpy and LiteRT only."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.data.strokes import Drawing
from pipelines.ondevice import ctc
from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model, Stream
from pipelines.tasks.classification import require_one_each

from .rows import Rows


class Reader:
    """Reads texts or labels stroke by stroke.

    Args:
        bundle: of this app, whose network reads.
        variant: a file or a precision. Its streaming file is used; a network that reads in both directions
            has none, and reads all strokes so far again after each one.
        beams: the beams of the search for a text; 1 for greedy decoding.
    """

    def __init__(self, bundle: Bundle, variant: str | None, beams: int) -> None:
        self._both = bundle.manifest["config"].get("bidirectional", False)
        file = bundle.variant_path(bundle.with_execution(variant, "loop" if self._both else "step")["file"])
        self._run: Any = Model(file) if self._both else Stream(file)
        self._labels, self._beams = bundle.labels, beams
        self._rows = Rows.of(bundle.preprocessing)
        self._alphabet = Alphabet(self._rows.alphabet)
        self._reads_texts = bundle.preprocessing["answer"] == "text"

    def __call__(self, drawing: Drawing) -> dict[str, Any]:
        """Return the text or the label of a drawing, and what was read after each stroke."""
        offsets = self._rows.offsets(drawing)
        ends = np.flatnonzero(offsets[:, 2]).tolist() or [len(offsets) - 1]
        if self._both:
            by_stroke = [self._whole(offsets[: end + 1]) for end in ends]
            ended = ends[-1] == len(offsets) - 1  # then the last stroke's answer is that of the whole
            return {**(by_stroke[-1] if ended else self._whole(offsets)), "by_stroke": by_stroke}
        outputs = self.outputs(offsets)
        if not self._reads_texts:
            by_stroke = [self._label(outputs[end]) for end in ends]
            return {**self._label(outputs[-1]), "by_stroke": by_stroke}
        greedy, beam, read, texts = ctc.GreedyReader(), ctc.BeamReader(self._beams), list[int](), []
        for stroke in np.split(outputs, np.add(ends, 1)):
            read = read + greedy(stroke) if self._beams == 1 else list(beam(stroke)[0].labels)
            texts.append(self._text(read))
        return {"text": texts[-1], "by_stroke": [{"text": text} for text in texts[: len(ends)]]}

    def _whole(self, offsets: np.ndarray) -> dict[str, Any]:
        """Return the answer of a network that reads in both directions to all offsets together."""
        rows = np.zeros((1, self._rows.steps, offsets.shape[1]), np.float32)
        rows[0, : len(offsets)] = offsets
        (outputs,) = self._run.predict(rows)
        if not self._reads_texts:
            return self._label(outputs)
        outputs = outputs[: len(offsets)]
        if self._beams == 1:
            return {"text": self._text(ctc.GreedyReader()(outputs))}
        return {"text": self._text(list(ctc.BeamReader(self._beams)(outputs)[0].labels))}

    def outputs(self, offsets: np.ndarray) -> np.ndarray:
        """Return a stream's answer at each offset, (steps, characters + 1 or labels)."""
        (name,) = self._run.inputs
        self._run.reset()
        found = []
        for offset in offsets:
            (answer,) = self._run(**{name: offset[None, None]}).values()
            found.append(answer.reshape(-1))
        return np.stack(found)

    def _label(self, probabilities: np.ndarray) -> dict[str, Any]:
        require_one_each(self._labels, probabilities)
        best = int(probabilities.argmax())
        return {"label": self._labels[best], "probability": round(float(probabilities[best]), 6)}

    def _text(self, numbers: Any) -> str:
        return self._alphabet.decode(np.asarray(numbers, int) - 1)
