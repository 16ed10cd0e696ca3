"""The road from a trained model to a bundle: SavedModel, then convert and verify each variant, then write."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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
from ..ondevice.manifest import PRECISIONS
from .bundle_writing import write_bundle
from .keras.saved_model import InputSpecs, SavedModelPredictor, write_saved_model
from .part import Part
from .tflite.convert import Source
from .tflite.metadata import Description, pack
from .verify.forms import check_form
from .verify.verify import Reference, difference, verify

if TYPE_CHECKING:
    from ..evaluation.score import Metric

log = logging.getLogger(__name__)

_OUTPUT = "probabilities"


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
    """Training examples (M, ...): int8 and int16x8 take the range of every tensor from them."""
    metrics: Mapping[str, Metric]
    """By name. The first one is the one that counts."""


@dataclass(frozen=True)
class RunInfo:
    """What the manifest says of a run beside its variants; all JSON-able."""

    app: str
    run_id: str
    dataset: str
    preset: str
    config: Mapping[str, Any]
    labels: Sequence[str]
    preprocessing: Mapping[str, Any]
    baseline: float
    """What the network must beat, in the first metric."""
    higher_is_better: bool = True
    """Of that metric."""


class ResultRow(NamedTuple):
    """One line of the table of variants."""

    variant: str
    metric: float
    bytes: int
    latency_p50_ms: float
    max_abs_error: float
    """Of whole numbers as outputs: see `verify.difference`."""
    interval: tuple[float, float]
    """95 % confidence interval of the metric."""


class ExportResult(NamedTuple):
    """What `export` made."""

    bundle: Bundle
    rows: list[ResultRow]
    """Keras, SavedModel, then one for each variant."""
    outputs: np.ndarray
    """What the Keras model answered to the test split, (N, K)."""
    left_out: dict[str, str]
    """Why a file isn't in the bundle, by its name."""


def export(
    trained: TrainedModel,
    info: RunInfo,
    *,
    assets: Mapping[str, bytes],
    output: Path,
    workspace: Path,
    precisions: Sequence[str] = PRECISIONS,
    executions: Sequence[str] = ("loop",),
    parts: Mapping[str, Part] | None = None,
) -> ExportResult:
    """Export a trained model as a verified bundle `output/RUN_ID`.

    A variant that isn't fit for a device is left out, and the manifest says why; the others are written.

    Args:
        trained: the model, and the data that its files are checked on.
        info: for the manifest.
        assets: files for the bundle, by plain name.
        output: the folder of the app's bundles.
        workspace: an existing folder; `model.keras` and `saved_model` are left in it.
        precisions, executions: one variant for each precision in each execution.
        parts: by name, exported beside the model in every precision.

    Raises:
        ExportError: no variant is fit for a device; nothing is written to `output` then.
        UserError: an unknown precision, or an `output` that can't be written to.
    """
    model, inputs, targets, metrics = trained.model, trained.inputs, trained.targets, trained.metrics
    input_specs = trained.input_specs
    keras_file, saved_model = workspace / "model.keras", workspace / "saved_model"
    model.save(keras_file)
    write_saved_model(model, saved_model, input_specs, [_OUTPUT])
    in_keras = KerasPredictor(model)
    values, outputs = score(in_keras, inputs, targets, metrics)
    reference = Reference(inputs, targets, outputs, metrics, values, info.higher_is_better)
    in_tensorflow = SavedModelPredictor(saved_model)
    rows = [
        _row("Keras", in_keras, keras_file, reference, values, outputs),
        _row(
            "SavedModel",
            in_tensorflow,
            saved_model,
            reference,
            *score(in_tensorflow, inputs, targets, metrics),
        ),
    ]
    examples = [{next(iter(input_specs)): example[None]} for example in trained.calibration]
    left_out: dict[str, str] = {}
    of_parts = _exported_parts(parts or {}, precisions, workspace, left_out)
    variants = []
    for execution in executions:
        folder = saved_model if execution == "loop" else workspace / f"saved_model_{execution}"
        if execution != "loop":
            packet = info.preprocessing.get("packet", 1)
            write_saved_model(model, folder, input_specs, [_OUTPUT], execution, packet)
        source = Source(folder, execution, examples)
        for precision in precisions:
            log.info("%s %s: converting and verifying on %d examples", precision, execution, len(inputs))
            try:
                content = source.convert(precision)
                labelled = pack(content, *_metadata(info, precision, assets))
                record = verify(labelled, precision, execution, reference)
            except ExportError as error:
                _leave_out(left_out, f"{precision}_{execution}.tflite", error)
                continue
            record["bytes_without_metadata"] = len(content)
            variants.append((record, labelled))
            numbers = record["metric"], len(labelled), record["latency_ms"]["p50"], record["max_abs_error"]
            rows.append(ResultRow(record["file"], *numbers, record["interval"]))
    if not variants:
        raise ExportError(f"no variant is fit for a device: {'; '.join(left_out.values())}")
    head = _head(info, metrics, values) | {"left_out": _listed(left_out)}
    bundle = write_bundle(output, head, variants, assets, of_parts)
    return ExportResult(bundle, rows, outputs, left_out)


def _leave_out(left_out: dict[str, str], file: str, error: ExportError) -> None:
    log.warning("%s is left out: %s", file, error)
    left_out[file] = str(error)


def _listed(left_out: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"file": file, "reason": reason} for file, reason in left_out.items()]


def _exported_parts(
    parts: Mapping[str, Part], precisions: Sequence[str], workspace: Path, left_out: dict[str, str]
) -> list[tuple[dict[str, Any], bytes]]:
    """Convert every part and hold it against Keras, output by output; what misses goes into `left_out`."""
    files = []
    for name, part in parts.items():
        folder = workspace / f"saved_model_{name}"
        specs = {key: (array.shape[1:], str(array.dtype)) for key, array in part.inputs.items()}
        write_saved_model(part.model, folder, specs, part.outputs, part.execution, whole=part.whole)
        answers = keras.tree.flatten(part.model.predict(dict(part.inputs), batch_size=64, verbose=0))
        expected = dict(zip(part.outputs, answers, strict=True))
        count = len(next(iter(part.calibration.values())))
        examples = [{key: array[i : i + 1] for key, array in part.calibration.items()} for i in range(count)]
        source = Source(folder, part.execution, examples)
        for precision in precisions:
            log.info("%s %s: converting and verifying", precision, name)
            file = f"{precision}_{name}.tflite"
            try:
                content = source.convert(precision)
                form = check_form(content, precision, part.execution, part.inputs, expected)
            except ExportError as error:
                _leave_out(left_out, file, error)
                continue
            files.append(({"file": file, "part": name, **form.facts()}, content))
    return files


def _head(info: RunInfo, metrics: Mapping[str, Metric], values: Mapping[str, float]) -> dict[str, Any]:
    first = next(iter(metrics))
    metric = {"name": first, "value": values[first]}
    head = asdict(info) | {"labels": list(info.labels)}
    return head | {"metric": metric | {key: head.pop(key) for key in ("higher_is_better", "baseline")}}


def _metadata(
    info: RunInfo, precision: str, assets: Mapping[str, bytes]
) -> tuple[Description, dict[str, bytes]]:
    """Return what goes into the file itself, so that it can be used without its bundle."""
    files = {name: content for name, content in assets.items() if not name.endswith(".py")}
    files["labels.txt"] = "".join(f"{label}\n" for label in info.labels).encode()
    files["preprocessing.json"] = json.dumps(info.preprocessing).encode()
    text = f"preset {info.preset}, trained on {info.dataset}, in {precision}"
    description = Description(
        name=f"{info.app} {info.run_id}", description=text, labels={_OUTPUT: "labels.txt"}
    )
    return description, files


def _row(
    variant: str,
    predictor: Predictor,
    path: Path,
    reference: Reference,
    values: Mapping[str, float],
    outputs: np.ndarray,
) -> ResultRow:
    error = difference(outputs, reference.outputs)
    latency = latency_ms(predictor, reference.inputs)["p50"]
    first, metric = next(iter(reference.metrics.items()))
    around = interval(metric, outputs, reference.targets)
    return ResultRow(variant, values[first], _size(path), latency, error, around)


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())
