"""Three roads to the clips: the embedded set, a TFDS name, the user's own files."""

from __future__ import annotations

from pathlib import Path

from pipelines.data.audio_sources import audio_from_builder, audio_from_files, audio_from_tfds
from pipelines.data.examples import Data
from pipelines.data.sources import DATA_DIR, is_path, prepare
from pipelines.data.splits import with_pretraining

from .config import SAMPLE_RATE, SpeechConfig
from .words import in_order, only_words, with_silence

_EMBEDDED = {"embedded": "full", "embedded/small": "small"}


def load(config: SpeechConfig) -> Data:
    """Return the clips that `config.dataset` names, by split; nothing falls back to another road.

    Every clip is an int16 array (samples,) at `SAMPLE_RATE`.

    Raises:
        UserError: one line, when the data set is unknown, can't be had, or is not labelled sound.
    """
    data = _by_name(config.dataset, config)
    if not config.pretraining_dataset:
        return data
    return with_pretraining(data, _by_name(config.pretraining_dataset, config))


def _by_name(dataset: str, config: SpeechConfig) -> Data:
    samples = round(config.seconds * SAMPLE_RATE)
    if dataset in _EMBEDDED:
        data = _embedded(_EMBEDDED[dataset], samples, config)
    elif is_path(dataset):
        data = _from_files(Path(dataset).expanduser(), samples, config)
    else:
        data = audio_from_tfds(dataset, samples, SAMPLE_RATE, config.data_dir, config.seed)
    return in_order(only_words(data, config.words) if config.words else data)


def _from_files(path: Path, samples: int, config: SpeechConfig) -> Data:
    data = audio_from_files(path, samples, SAMPLE_RATE, config.seed)
    return with_silence(data, path if path.is_dir() else path.parent) if config.words else data


def _embedded(size: str, samples: int, config: SpeechConfig) -> Data:
    from .synthetic_speech import SyntheticSpeech

    folder = config.data_dir or DATA_DIR
    builder = prepare(lambda: SyntheticSpeech(config=size, data_dir=str(folder.expanduser())), folder)
    return audio_from_builder(builder, samples, SAMPLE_RATE, config.seed)
