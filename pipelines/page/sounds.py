"""What Python answers on the page of an app that hears words in a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..ondevice.bundle import Bundle
from ..ondevice.model import Model
from ..tasks.events import EventOptions, Listener
from .golden import Golden

IGNORED = ("_unknown_", "_silence_")
"""Labels that are not words."""


def settings() -> Mapping[str, Any]:
    """Return what the page's module must know: which labels are ignored, and the defaults of the trigger."""
    options = EventOptions()
    names = ("threshold", "smoothing_ms", "suppression_ms")
    return {"ignored": IGNORED, **{name: getattr(options, name) for name in names}}


def words(bundle: Bundle, file: str, clips: Sequence[np.ndarray]) -> Iterator[Golden]:
    """Yield for each clip of 16-bit samples what is heard in it.

    A streaming file answers with the posteriors of every packet and with the words in order, another file
    with the probabilities of the whole clip and the most probable label.
    """
    samples = [clip.astype(np.float32) * np.float32(1 / 32768) for clip in clips]
    if bundle.variant(file)["execution"] == "step":
        listener = Listener(bundle, file, EventOptions(), IGNORED)
        for clip in samples:
            listener.reset()
            posteriors = list(listener.posteriors(clip))
            heard = listener.events(posteriors, EventOptions())
            yield Golden(answer=[event.label for event in heard], outputs=np.stack(posteriors))
        return
    for probabilities in Model(bundle.variant_path(file)).predict(np.stack(samples)):
        yield Golden(answer=bundle.labels[int(probabilities.argmax())], outputs=probabilities)
