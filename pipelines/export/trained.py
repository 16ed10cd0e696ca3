"""Export a trained model: write a SavedModel, convert and verify each variant, and write the bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np

from ..errors import ExportError
from ..evaluation.intervals import interval
from ..evaluation.latency import latency_ms
from ..evaluation.predictors import KerasPredictor, Predictor
from ..evaluation.score import score
from ..ondevice.bundle import Bundle
from ..ondevice.manifest import PROBABILITIES, USUAL_PRECISIONS
from .bundle_writing import write_bundle
from .keras.saved_model import InputSpecs, SavedModelPredictor
from .part import Part
from .parts import export_parts
from .prepared_model import PreparedModel, packet_length
from .tflite.metadata import Description, pack
from .variants import Variant, separated, variants
from .verify.compare import max_abs_error
from .verify.reference import Reference, Task

if TYPE_CHECKING:
    from ..evaluation.score import Metric


@dataclass(frozen=True)
class TrainedModel:
    """A trained model with one input and one output, and the data that its files are checked on."""

    model: keras.Model
    input_specs: InputSpecs
    inputs: np.ndarray
    """The inputs of the whole test split, (N, ...)."""
    targets: np.ndarray
    """The targets of the test split, (N, ...)."""
    calibration: np.ndarray
    """Training examples (M, ...): the ranges of int8 and int16x8 files are measured on them."""
    metrics: Mapping[str, Metric]
    """Metrics by name. The first one decides."""


@dataclass(frozen=True)
class RunInfo:
    """The manifest's facts about a run, without its variants. All values can be written as JSON."""

    app: str
    run_id: str
    dataset: str
    preset: str
    config: Mapping[str, Any]
    labels: Sequence[str]
    preprocessing: Mapping[str, Any]
    baseline: float
    """The value of the first metric that the network must beat."""
    higher_is_better: bool = True
    """Whether a higher value of the first metric is better."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Further entries of the manifest."""


class ResultRow(NamedTuple):
    """One row of the table of results: the Keras model, its SavedModel, or a variant."""

    variant: str
    """"Keras", "SavedModel" or a variant's file name."""
    metric: float
    """The first metric, on the test split."""
    bytes: int
    latency_p50_ms: float
    """The median time of one answer, or of one step of a stream."""
    max_abs_error: float
    """The largest difference from Keras. For integer outputs: the share of examples that differ."""
    interval: tuple[float, float]
    """The 95 % confidence interval of the metric."""


class ExportResult(NamedTuple):
    """The result of `export`."""

    bundle: Bundle
    rows: list[ResultRow]
    """One row for Keras, one for the SavedModel, then one for each variant."""
    outputs: np.ndarray
    """The Keras model's outputs for the test split, (N, K)."""
    left_out: dict[str, str]
    """By file name: the reason why a variant is not in the bundle."""


def export(
    trained: TrainedModel,
    info: RunInfo,
    *,
    assets: Mapping[str, bytes],
    output: Path,
    workspace: Path,
    precisions: Sequence[str] = USUAL_PRECISIONS,
    executions: Sequence[str] = ("loop",),
    parts: Mapping[str, Part] | None = None,
) -> ExportResult:
    """Export a trained model as a verified bundle `output/RUN_ID`; `latest` beside it is not changed.

    A variant that isn't fit for a device is left out, and the manifest gives the reason. The others are
    written.

    Args:
        trained: the model, and the data that its files are checked on.
        info: facts about the run for the manifest.
        assets: files for the bundle, by plain name.
        output: the folder of the app's bundles.
        workspace: an existing folder; `model.keras` and `saved_model` stay in it.
        precisions, executions: one variant is made for each precision in each execution.
        parts: parts of the model by name; each is also exported by itself in every precision.

    Raises:
        ExportError: no variant is fit for a device. Nothing is written to `output` then.
        UserError: an unknown precision, or an `output` that can't be written to.
    """
    info = _with_packet(info, trained.model)
    prepared, rows = _in_keras(trained, info, workspace)

    def with_metadata(content: bytes, precision: str) -> bytes:
        return pack(content, *_metadata(info, precision, assets))

    part_files, parts_left_out = export_parts(parts or {}, precisions, workspace)
    made, left_out = separated(
        variants(prepared, workspace, executions=executions, precisions=precisions, finish=with_metadata)
    )
    left_out = [*parts_left_out, *left_out]
    if not made:
        reasons = "; ".join(f"{each.file}: {each.reason}" for each in left_out)
        raise ExportError(f"no variant is fit for a device: {reasons}")
    head = _head(info, rows[0].metric, next(iter(trained.metrics))) | {
        "left_out": [each.record() for each in left_out]
    }
    files = [
        (each.record() | {"bytes_without_metadata": each.converted_bytes}, each.content) for each in made
    ]
    bundle = write_bundle(output, head, files, assets, parts=part_files, latest=False)
    rows += [_row_of(each) for each in made]
    outputs = prepared.reference.outputs[PROBABILITIES]
    return ExportResult(bundle, rows, outputs, {each.file: each.reason for each in left_out})


def _with_packet(info: RunInfo, model: keras.Model) -> RunInfo:
    """Add the length of a packet to the preprocessing, where readers of the manifest expect it."""
    packet = packet_length(model)
    return replace(info, preprocessing={**info.preprocessing, "packet": packet}) if packet > 1 else info


def _in_keras(trained: TrainedModel, info: RunInfo, workspace: Path) -> tuple[PreparedModel, list[ResultRow]]:
    """Score the model in Keras and as a SavedModel; both stay in the workspace."""
    keras_file = workspace / "model.keras"
    trained.model.save(keras_file)
    in_keras = KerasPredictor(trained.model)
    values, outputs = score(in_keras, trained.inputs, trained.targets, trained.metrics)
    (name,) = trained.input_specs
    prepared = PreparedModel(
        trained.model,
        trained.input_specs,
        [{name: example[None]} for example in trained.calibration],
        Reference(
            {name: trained.inputs},
            {PROBABILITIES: outputs},
            Task(trained.targets, trained.metrics, values, info.higher_is_better),
        ),
    )
    saved_model = prepared.saved_model(workspace, "loop")
    in_tensorflow = SavedModelPredictor(saved_model)
    row = partial(_row, trained=trained, expected=outputs)
    rows = [
        row("Keras", in_keras, keras_file, outputs=outputs),
        row("SavedModel", in_tensorflow, saved_model, outputs=in_tensorflow(trained.inputs)),
    ]
    return prepared, rows


def _head(info: RunInfo, value: float, metric: str) -> dict[str, Any]:
    """Return the manifest's entries except its files; `value` is the Keras model's metric."""
    head = asdict(info) | {"labels": list(info.labels)}
    facts = head.pop("facts")
    described = {key: head.pop(key) for key in ("higher_is_better", "baseline")}
    return head | facts | {"metric": {"name": metric, "value": value} | described}


def _metadata(
    info: RunInfo, precision: str, assets: Mapping[str, bytes]
) -> tuple[Description, dict[str, bytes]]:
    """Return the metadata that makes the file usable without its bundle."""
    files = {name: content for name, content in assets.items() if not name.endswith(".py")}
    files["labels.txt"] = "".join(f"{label}\n" for label in info.labels).encode()
    files["preprocessing.json"] = json.dumps(info.preprocessing).encode()
    text = f"preset {info.preset}, trained on {info.dataset}, in {precision}"
    description = Description(
        name=f"{info.app} {info.run_id}", description=text, labels={PROBABILITIES: "labels.txt"}
    )
    return description, files


def _row(
    variant: str,
    predictor: Predictor,
    path: Path,
    *,
    trained: TrainedModel,
    outputs: np.ndarray,
    expected: np.ndarray,
) -> ResultRow:
    metric = next(iter(trained.metrics.values()))
    return ResultRow(
        variant,
        metric=float(metric(outputs, trained.targets) or 0.0),
        bytes=_size(path),
        latency_p50_ms=latency_ms(predictor, trained.inputs)["p50"],
        max_abs_error=max_abs_error(outputs, expected),
        interval=interval(metric, outputs, trained.targets),
    )


def _row_of(variant: Variant) -> ResultRow:
    measured = variant.measured
    assert measured.interval is not None, "a trained model has a task"
    return ResultRow(
        variant.file,
        metric=measured.metric,
        bytes=len(variant.content),
        latency_p50_ms=measured.latency_ms["p50"],
        max_abs_error=measured.max_abs_error,
        interval=measured.interval,
    )


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())
