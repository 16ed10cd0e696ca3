"""What Python answers on the page of a classifier of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..ondevice.bundle import Bundle
from ..ondevice.model import Model
from ..ondevice.token_ids import encode
from .golden import Golden


def labels(bundle: Bundle, file: str, texts: Sequence[str]) -> Iterator[Golden]:
    """Yield for each text its token ids, its probabilities and its label."""
    model = Model(bundle.variant_path(file))
    (name,) = model.inputs
    tokens = encode(bundle, texts)
    for row, probabilities in zip(tokens, model.predict(tokens), strict=True):
        label = bundle.labels[int(probabilities.argmax())]
        yield Golden(answer=label, outputs=probabilities, inputs={name: row[None]})
