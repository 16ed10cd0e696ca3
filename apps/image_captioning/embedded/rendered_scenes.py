"""A TFDS builder of the embedded images, which are drawn here and never downloaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from pipelines.data.embedded import LocalInfo

from . import scenes
from .caption_grammar import captions
from .drawing import render
from .layout import SIDE

_DESCRIPTION = """\
Drawn images of one to four objects, with five captions each. Objects have one of eight shapes, ten colours,
two sizes and three textures. They form one to three groups of like objects, which are left of, above or
inside each other. The ground has one of seven colours and is plain, shaded or grainy. The captions come from
a grammar with synonyms, many sentence frames and varying detail. Each states the shape, colour and count of
every group and their relation; one of the five also states everything else. `facts` is the scene as JSON.

Some combinations are only in `novel`, where every image has one: ten pairs of colour and shape, and for the
other pairs a role in a relation (a red circle as the lower object, for example). No two images have the same
facts.

The set shows that the pipeline works. Results on it say little about photographs."""


class RenderedScenes(tfds.core.GeneratorBasedBuilder):
    """Splits `train`, `validation`, `test` and `novel`; features `image`, `captions` and `facts`."""

    BUILDER_CONFIGS = [  # noqa: RUF012 - TFDS wants these attributes as they are
        tfds.core.BuilderConfig(name="full", description="The scenes for training a model."),
        tfds.core.BuilderConfig(name="small", description="Some scenes, to run every step in a minute."),
    ]
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012

    def _info(self) -> tfds.core.DatasetInfo:
        return LocalInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(SIDE, SIDE, 3), encoding_format="png"),
                    "captions": tfds.features.Sequence(tfds.features.Text()),
                    "facts": tfds.features.Text(doc="JSON: objects with position, relation, place, ground."),
                }
            ),
            supervised_keys=("image", "captions"),
            license="Apache-2.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        drawn = scenes.scenes(scenes.SPLIT_SIZES[self.builder_config.name])
        return {split: self._generate_examples(drawn[split]) for split in drawn}

    def _generate_examples(self, drawn: list[scenes.Scene]) -> Iterator[tuple[int, dict[str, Any]]]:
        for key, scene in enumerate(drawn):
            yield (
                key,
                {
                    "image": render(scene),
                    "captions": captions(scene.statement, scene.seed),
                    "facts": json.dumps(scenes.facts_of(scene)),
                },
            )
