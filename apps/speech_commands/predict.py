"""Tell the words in audio files, or at the microphone: no TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import UserError
from pipelines.ondevice.audio import loudest
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model

from .features import hear
from .listen import Listener, SpeechOptions
from .microphone import microphone

_TOP = 3  # labels told of a clip


def predict(
    bundle: Bundle, clips: Sequence[Any], variant: str | None, options: SpeechOptions
) -> Iterator[dict[str, Any]]:
    """Yield for each clip (a file, or samples) the words heard in it and its most probable label.

    With `options.microphone`: every word, as it is spoken.
    """
    if not clips and not options.microphone:
        raise UserError("expected an audio file (WAV, FLAC, OGG), or --microphone")
    listener = Listener(bundle, variant, options)
    if clips:
        whole_clips = bundle.with_execution(variant, "loop")
        model = Model(bundle.variant_path(whole_clips["file"]))
        for clip in clips:
            yield _answer(bundle, listener, model, clip)
    if options.microphone:
        listener.reset()
        for samples in microphone(bundle.preprocessing["sample_rate"]):
            yield from listener(samples)


def _answer(bundle: Bundle, listener: Listener, model: Model, clip: Any) -> dict[str, Any]:
    samples = hear(clip)
    listener.reset()
    start = time.perf_counter()
    words = list(listener(samples))
    took = time.perf_counter() - start
    seconds = len(samples) / bundle.preprocessing["sample_rate"]
    (outputs,) = model.predict(loudest(samples, bundle.preprocessing["samples"])[None])
    return {
        "file": str(clip) if isinstance(clip, str | Path) else None,
        "seconds": round(seconds, 3),
        "words": words,
        "label": bundle.labels[int(outputs.argmax())],
        "probabilities": {label: round(float(p), 6) for label, p in zip(bundle.labels, outputs, strict=True)},
        "real_time_factor": round(took / seconds, 5),
    }


def describe(answer: dict[str, Any]) -> str:
    """Return one line: the words with their times, the label of the loudest part, how fast it went."""
    if "word" in answer:
        return _word(answer)
    ranked = sorted(answer["probabilities"].items(), key=lambda item: -item[1])[:_TOP]
    loudest_part = ", ".join(f"{label} {p:.3f}" for label, p in ranked)
    words = ", ".join(map(_word, answer["words"])) or "no word"
    times = 1 / max(answer["real_time_factor"], 1e-9)
    speed = f"{answer['seconds']:.1f} s of audio, {times:.0f} times faster than real time"
    return f"{words}   (loudest part: {loudest_part}; {speed})"


def _word(event: dict[str, Any]) -> str:
    return f"{event['seconds']:7.2f} s  {event['word']} {event['probability']:.2f}"
