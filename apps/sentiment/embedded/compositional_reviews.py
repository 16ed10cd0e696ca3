"""The embedded data set of the sentiment app: a TFDS builder that generates its reviews."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from pipelines.data.embedded import LocalInfo

from . import sampling
from .grammar import LABELS

_DESCRIPTION = """\
Short product, film and restaurant reviews in three classes, composed so that the order of the words
decides the label: negation and its scope, double negation, contrast, degrees, comparisons, conditionals,
reported opinions, mixed aspects. The label is the writer's final opinion of the reviewed thing: in
"A, but B", B decides; "not bad at all" is positive; "would have been great if" is negative. Mixed opinions
without a resolution, and facts without an opinion, are neutral.

Validation and test share no fragment (thing, aspect, person, condition, fact, opener, closer) with train.
A quarter of the validation reviews and half of the test reviews use frames that no other split has. In the
frames that all splits share, they use only adjectives that train never has in that frame. `order` has the
fragments and frames of test: pairs of reviews of exactly the same words, one negative and one positive, one
after the other before shuffling.

This set shows that the pipeline works. It says little about real reviews."""


class CompositionalReviews(tfds.core.GeneratorBasedBuilder):
    """Splits `train`, `validation`, `test` and `order`; features `text`, `label` and `phenomenon`."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 - TFDS wants this attribute as it is

    def _info(self) -> tfds.core.DatasetInfo:
        return LocalInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "text": tfds.features.Text(),
                    "label": tfds.features.ClassLabel(names=list(LABELS)),
                    "phenomenon": tfds.features.Text(
                        doc="The phenomenon that decides, such as `double_negation`."
                    ),
                }
            ),
            supervised_keys=("text", "label"),
            license="Apache-2.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        return {split: self._generate_examples(split) for split in sampling.SIZES}

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, str]]]:
        for key, review in enumerate(sampling.reviews(split)):
            yield (
                key,
                {"text": review.text, "label": review.label, "phenomenon": review.frame.phenomenon},
            )
