"""The TFDS builder of the embedded handwriting."""

from __future__ import annotations

import tensorflow_datasets as tfds

from pipelines.data.stroke_sets import StrokeSet
from pipelines.data.strokes import Drawing

from . import written_lines


class Handwriting(StrokeSet):
    """Lines, characters and digits by made-up writers; splits by writer."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 - TFDS wants these attributes as they are
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in written_lines.SIZES]  # noqa: RUF012

    def about(self) -> tuple[str, str]:
        """Return the description and the licence."""
        return written_lines.DESCRIPTION, written_lines.LICENCE

    def drawings(self, name: str) -> dict[str, list[Drawing]]:
        """Return the drawings of the config called `name`, by split."""
        return written_lines.drawings(name)
