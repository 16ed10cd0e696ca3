"""Recognises words in audio files or at the microphone: numpy and LiteRT only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import UserError
from pipelines.ondevice.audio import loudest
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.microphone import microphone
from pipelines.ondevice.model import Model
from pipelines.tasks import classification
from pipelines.tasks.events import EventOptions, Heard, Listener

from .config import SILENCE, UNKNOWN
from .features import hear

_LABELS_SHOWN = 3


@dataclass(frozen=True)
class Options(EventOptions):
    """Options that decide when a word is reported."""

    microphone: bool = False
    """Listen at the microphone until Ctrl-C; needs `pip install sounddevice`."""


def predict(
    bundle: Bundle, clips: Sequence[Any], variant: str | None, options: Options
) -> Iterator[dict[str, Any]]:
    """Yield for each clip (a file, or samples) its words with their times, and its most probable label.

    With `options.microphone`, yield each word as it is spoken.

    Raises:
        UserError: there is no clip and no microphone, or a file can't be read.
    """
    if not clips and not options.microphone:
        raise UserError("expected an audio file (WAV, FLAC, OGG, MP3), or --microphone")
    listener = Listener(bundle, variant, options, ignored=(UNKNOWN, SILENCE))
    if clips:
        whole_clips = bundle.with_execution(variant, "loop")
        model = Model(bundle.variant_path(whole_clips["file"]))
        for clip in clips:
            yield _answer(bundle, listener, model, clip)
    if options.microphone:
        listener.reset()
        for samples in microphone(listener.sample_rate):
            yield from map(_word, listener(samples))


def _answer(bundle: Bundle, listener: Listener, model: Model, clip: Any) -> dict[str, Any]:
    samples = hear(clip)
    listener.reset()
    start = time.perf_counter()
    words = list(map(_word, listener(samples)))
    took = time.perf_counter() - start
    seconds = len(samples) / listener.sample_rate
    (outputs,) = model.predict(loudest(samples, bundle.preprocessing["samples"])[None])
    return {
        "file": str(clip) if isinstance(clip, str | Path) else None,
        "seconds": round(seconds, 3),
        "words": words,
        **classification.answer(bundle.labels, outputs),
        "real_time_factor": round(took / seconds, 5),
    }


def _word(heard: Heard) -> dict[str, Any]:
    seconds, probability = round(heard.seconds, 3), round(heard.probability, 4)
    return {"word": heard.label, "seconds": seconds, "probability": probability}


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the words with their times, the labels of the loudest part, and the speed."""
    if "word" in answer:
        return _described(answer)
    loudest_part = classification.ranked(answer, _LABELS_SHOWN, between=", ")
    words = ", ".join(map(_described, answer["words"])) or "no word"
    times = 1 / max(answer["real_time_factor"], 1e-9)
    speed = f"{answer['seconds']:.1f} s of audio, {times:.0f} times faster than real time"
    return f"{words}   (loudest part: {loudest_part}; {speed})"


def _described(word: dict[str, Any]) -> str:
    return f"{word['seconds']:7.2f} s  {word['word']} {word['probability']:.2f}"
