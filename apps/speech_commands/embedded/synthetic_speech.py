"""The embedded data set of the speech command app: a TFDS builder that synthesises its clips."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from pipelines.data.embedded import LocalInfo

from ..config import SAMPLE_RATE
from .espeak import require_espeak
from .utterances import CLIPS, LABELS, SAMPLES, utterances

_DESCRIPTION = """\
Ten command words, other words (`_unknown_`) and no words (`_silence_`), a second each, spoken by the
synthesizer espeak-ng: eight accents of English, 87 voices, many speeds, pitches and melodies, in random
rooms and over random noise. Every voice is in one split only, and half the unknown words of validation
and test are never in train.

This set shows that the pipeline works. It says little about people's speech."""


class Samples(tfds.features.Audio):
    """An audio feature that takes an array and stores its samples as bytes.

    TFDS's own Audio feature stores each sample of an array as an integer of up to ten bytes.
    """

    def encode_example(self, samples: np.ndarray) -> Any:
        """Return the samples (n,) in the form that TFDS stores."""
        return tfds.features.Tensor.encode_example(self, samples)


class SyntheticSpeech(tfds.core.GeneratorBasedBuilder):
    """Splits `train`, `validation` and `test`; features `audio`, `label`, `word` and `voice`."""

    BUILDER_CONFIGS = [  # noqa: RUF012 - TFDS wants these attributes as they are
        tfds.core.BuilderConfig(name="full", description="The clips for training a model."),
        tfds.core.BuilderConfig(name="small", description="Some clips, to run every step in a minute."),
    ]
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012

    def _info(self) -> tfds.core.DatasetInfo:
        audio = Samples(
            shape=(SAMPLES,), dtype=np.int16, sample_rate=SAMPLE_RATE, encoding=tfds.features.Encoding.BYTES
        )
        return LocalInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "audio": audio,
                    "label": tfds.features.ClassLabel(names=list(LABELS)),
                    "word": tfds.features.Text(doc="The spoken word."),
                    "voice": tfds.features.Text(doc="The voice: accent and variant of espeak-ng."),
                }
            ),
            supervised_keys=("audio", "label"),
            license="Apache-2.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        require_espeak()
        clips = CLIPS[self.builder_config.name]
        return {split: self._generate_examples(split, clips[split]) for split in clips}

    def _generate_examples(self, split: str, clips: int) -> Iterator[tuple[int, dict[str, Any]]]:
        for key, each in enumerate(utterances(split, clips)):
            yield key, {"audio": each.samples, "label": each.label, "word": each.word, "voice": each.voice}
