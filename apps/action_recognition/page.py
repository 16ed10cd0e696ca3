"""The clips that the page of a bundle carries, and what Python sees in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.app import Page
from pipelines.data.windows import NOTHING
from pipelines.ondevice.bundle import Bundle
from pipelines.page.golden import CASES, Golden
from pipelines.page.streams import noise, segments_of
from pipelines.tasks.window_finder import WindowFinder

from .features import streams_of
from .predict import Options, finder_of

_ACTORS = (200, 201, 202)  # of the test
_BYTES = 200_000  # of a clip, at most: of large pictures only the last ones are carried
_FRAMES = 40  # of joints


def settings() -> Mapping[str, Any]:
    """Return the defaults of what is reported, which the page has too."""
    options = Options()
    shared = {name: getattr(options, name) for name in ("smoothing_ms", "enter", "leave")}
    return {**shared, "ignored": [NOTHING]}


def inputs(bundle: Bundle) -> Sequence[np.ndarray]:
    """Return drawn clips (frames, ...), none longer than a window, or if the network reads joints, noise."""
    wanted = bundle.preprocessing
    shape = wanted["shape"]
    made = noise(wanted, (_FRAMES, *shape)) if wanted["kind"] == "joints" else _drawn(*shape[1:])
    return [each[-wanted["samples"] :] for each in made]


def _drawn(size: int, colours: int) -> list[np.ndarray]:
    """Return clips by actors of the test in this size."""
    from .embedded.films import acted  # needed for this alone

    clips = [each.clip.signal for actor in _ACTORS for each in acted(actor, "test", 1)][:CASES]
    places = np.arange(size) * clips[0].shape[1] // size
    kept = max(2, _BYTES // (size * size * colours))
    return [np.repeat(each[-kept:, places][:, :, places], colours, axis=3) for each in clips]


def answers(bundle: Bundle, file: str, clips: Sequence[np.ndarray]) -> Iterator[Golden]:
    """Yield for each clip its label and the probabilities of all labels.

    Of a network that labels frames: the labels of its segments, and the probabilities at all frames.
    """
    find = finder_of(bundle, file, Options())
    if isinstance(find, WindowFinder):
        for clip in clips:
            (probabilities,) = find.posteriors(*streams_of(bundle, clip))
            yield Golden(answer=bundle.labels[int(probabilities.argmax())], outputs=probabilities)
        return
    yield from segments_of(bundle, file, clips, find=find, read=streams_of)


PAGE = Page("clips", inputs, answers, settings())
