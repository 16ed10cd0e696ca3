"""The clips: embedded, a TFDS set, or the user's own files. Each is an int16 array at `SAMPLE_RATE`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from pipelines.app import lazy
from pipelines.data import source
from pipelines.data.audio_sources import audio_from_builder, audio_from_files, audio_from_records
from pipelines.data.examples import Data

from .config import SAMPLE_RATE, SpeechConfig
from .words import in_order, only_words, with_silence

_SPEECH = lazy(__package__, "embedded.synthetic_speech", "SyntheticSpeech")
_EMBEDDED = {"embedded": partial(_SPEECH, config="full"), "embedded/small": partial(_SPEECH, config="small")}


def load(config: SpeechConfig, as_given: bool = False) -> Data:
    """Return the clips of `config.dataset` by split; raise a one-line UserError if they can't be read.

    With `as_given`, for data that is only scored, no split or label is required, nothing is held out, and no
    silence is added.
    """
    samples = round(config.seconds * SAMPLE_RATE)
    seed = None if as_given else config.seed

    def labelled(data: Data) -> Data:
        return in_order(only_words(data, config.words, some=as_given) if config.words else data)

    def read(builder: Any) -> Data:
        return labelled(audio_from_builder(builder, samples, SAMPLE_RATE, seed, memory_gb=config.memory_gb))

    def own(path: Path) -> Data:
        data = audio_from_files(path, samples, SAMPLE_RATE, seed)
        noise = path if path.is_dir() else path.parent
        return labelled(with_silence(data, noise) if config.words and not as_given else data)

    def records(path: Path) -> Data:
        rest: dict[str, Any] = {"seed": seed, "memory_gb": config.memory_gb}
        return labelled(audio_from_records(path, samples, SAMPLE_RATE, **rest))

    return source.load(config, source.Readers(_EMBEDDED, read, own, from_records=records))
