"""Export the parts of a model that the device runs by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from .keras.model_inputs import one_by_one
from .part import Part
from .prepared_model import PreparedModel
from .variants import LeftOut, separated, variants
from .verify.reference import Reference


def export_parts(
    parts: Mapping[str, Part], precisions: Sequence[str], workspace: Path
) -> tuple[list[tuple[dict[str, Any], bytes]], list[LeftOut]]:
    """Convert and verify every part in every precision.

    Args:
        parts: by name.
        precisions: the precisions to make of each part.
        workspace: an existing folder for SavedModels.

    Returns:
        The manifest's record and the content of each file, and the files that were left out.
    """
    files: list[tuple[dict[str, Any], bytes]] = []
    left_out: list[LeftOut] = []
    for name, part in parts.items():
        folder = workspace / f"part_{name}"
        folder.mkdir()
        made, missed = separated(
            variants(_prepared(part), folder, executions=[part.execution], precisions=precisions, part=name)
        )
        left_out += missed
        for each in made:
            record = each.record() | {"part": name}
            del record["metric"]  # a part has no task of its own
            files.append((record, each.content))
    return files, left_out


def _prepared(part: Part) -> PreparedModel:
    """Compute the part's outputs in Keras."""
    several = len(part.inputs) > 1  # Keras warns of a dict with a single input
    inputs = dict(part.inputs) if several else next(iter(part.inputs.values()))
    answers = keras.tree.flatten(part.model.predict(inputs, batch_size=64, verbose=0))
    return PreparedModel(
        model=part.model,
        input_specs={name: (array.shape[1:], str(array.dtype)) for name, array in part.inputs.items()},
        calibration=one_by_one(part.calibration),
        reference=Reference(part.inputs, dict(zip(part.outputs, answers, strict=True))),
        whole_inputs=part.whole,
    )
