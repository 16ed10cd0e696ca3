"""The embedded data set of the captioning app, as a TFDS builder: drawn here, never downloaded."""

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
Drawn pictures of one to four objects, with five captions each. The objects have one of eight shapes, ten
colours, two sizes and three textures; they come in one to three groups of like objects, which are left of,
above or inside each other, on grounds of seven colours, plain, shaded or grainy. The captions come from a
grammar with synonyms, many frames and varying detail: each names every group's shape, colour and count and
how the groups stand, one of the five also everything else. `facts` is the scene itself, as JSON.

Held out of train, validation and test, and in every picture of `novel`: ten pairs of colour and shape, or
for the other pairs a role in a relation (a red circle as the lower one, say). No two pictures show the same
facts.

This set shows that the machinery works. It says little about photographs."""


class RenderedScenes(tfds.core.GeneratorBasedBuilder):
    """Splits `train`, `validation`, `test` and `novel`; features `image`, `captions` and `facts`."""

    BUILDER_CONFIGS = [  # noqa: RUF012 - TFDS wants these attributes as they are
        tfds.core.BuilderConfig(name="full", description="What a model is trained on."),
        tfds.core.BuilderConfig(name="small", description="Some scenes, to try the whole road in a minute."),
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
