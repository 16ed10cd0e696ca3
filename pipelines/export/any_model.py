"""Any Keras model -> a bundle of verified .tflite files, without an app.

Recurrent layers of Keras become ours, with their weights. Every file is held against the Keras model, output
by output, on the calibration inputs.
"""

from __future__ import annotations

import itertools
import logging
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from .._layers import layers
from ..bundle import Bundle
from ..errors import UserError
from ..manifest import EXECUTIONS, is_plain_name
from . import ExportError
from .convert import PRECISIONS, convert
from .forms import Answers, Form, check_form
from .saved_model import InputSpecs, write_saved_model
from .write import write_bundle

log = logging.getLogger(__name__)

_RANDOM_EXAMPLES = 32
_MOST_VERIFIED = 64
Arrays = Mapping[str, np.ndarray]
"""By input name, (N, ...)."""


@dataclass
class Report:
    """What `export_model` made."""

    bundle: Bundle
    forms: list[Form]
    impossible: dict[str, str] = field(default_factory=dict)
    """Why an execution or a variant, of those not asked for by name, can't be had."""


def load_model(path: Path) -> keras.Model:
    """Load a .keras file in safe mode: one that holds code is refused."""
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"{path}: expected a Keras model in a .keras file: {reason}") from None
    if not isinstance(model, keras.Model):
        raise UserError(f"{path}: expected a keras.Model, found a {type(model).__name__}")
    return model


def export_model(
    model: keras.Model,
    output: Path,
    name: str,
    precisions: Sequence[str] | None = None,
    executions: Sequence[str] | None = None,
    calibration: Arrays | None = None,
    steps: int | None = None,
    tolerance: float | None = None,
) -> Report:
    """Write the bundle `output/name`.

    Args:
        model: a built Keras model; stays as it is.
        output: the folder of bundles.
        name: of the bundle, a plain file name.
        precisions, executions: what to make; by default all that can be had.
        calibration: real inputs for int8 and int16x8, and for verification; random ones by default.
        steps: the length of sequences, where the model leaves it open.
        tolerance: largest difference from Keras that any output may have, as a share of the output's
            range; by default that of the precision.

    Raises:
        UserError: a model, a name or inputs that this can't work with.
        ExportError: a variant asked for by name that can't be had, or any that is too far from Keras.
    """
    if not is_plain_name(name):
        raise UserError(f"name: expected a plain file name, got {name!r}")
    try:
        ours = layers.convert_model(model)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: {error}") from None
    specs = input_specs(ours, calibration, steps)
    inputs = random_inputs(ours, specs) if calibration is None else _checked(calibration, specs)
    verified = {key: array[:_MOST_VERIFIED] for key, array in inputs.items()}
    expected = _answers(model, verified)
    report = Report(None, [])  # type: ignore[arg-type]
    contents: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for execution in executions or EXECUTIONS:
            try:
                _check_execution(ours, execution)
                write_saved_model(ours, Path(temporary, execution), specs, list(expected), execution)
            except ValueError as error:
                _impossible(report, execution, _own_words(error), executions is not None)
                continue
            for precision in precisions or PRECISIONS:
                variant = f"{precision}_{execution}"
                log.info("%s: converting and verifying", variant)
                try:
                    content = convert(Path(temporary, execution), precision, execution, _examples(inputs))
                except ExportError as error:
                    asked = executions is not None and precisions is not None
                    _impossible(report, variant, str(error), asked)
                    continue
                form = check_form(content, precision, execution, verified, expected, tolerance)
                report.forms.append(form)
                contents[form.file] = content
    if not report.forms:
        reasons = "; ".join(f"{key}: {reason}" for key, reason in report.impossible.items())
        raise ExportError(f"{name}: nothing could be made: {reasons}")
    report.bundle = _write(output, name, report.forms, contents, expected, calibration is None)
    return report


def _check_execution(model: keras.Model, execution: str) -> None:
    stateful = [each.name for each in model._flatten_layers() if getattr(each, "stateful", False)]
    if stateful and execution != "step":
        raise ValueError(
            f"{stateful[0]}: execution {execution!r}: its state is carried from call to call: step"
        )


def _impossible(report: Report, what: str, reason: str, asked: bool) -> None:
    if asked:
        raise ExportError(f"{what}: {reason}")
    log.info("%s: can't be had: %s", what, reason)
    report.impossible[what] = reason


def _own_words(error: ValueError) -> str:
    """Return the line of ours in what Keras makes of an error."""
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", str(error)).splitlines() if line.strip()]
    ours = [line for line in lines if ": execution " in line or ": streaming: " in line]
    return (ours or lines)[0]


def input_specs(model: keras.Model, calibration: Arrays | None, steps: int | None) -> InputSpecs:
    """Return shape without the batch, and type, by input name; open lengths are `steps`."""
    if not getattr(model, "inputs", None):
        if calibration is None:
            raise UserError(f"{model.name}: expected --calibration, which tells the inputs of such a model")
        return {name: (array.shape[1:], str(array.dtype)) for name, array in calibration.items()}
    if calibration is not None and calibration.keys() != {given.name for given in model.inputs}:
        names = sorted(given.name for given in model.inputs)
        raise UserError(f"calibration: expected inputs {names}, got {sorted(calibration)}")
    specs = {}
    for given in model.inputs:
        known = () if calibration is None else calibration[given.name].shape[1:]
        shape = [
            known[i] if size is None and i < len(known) else size for i, size in enumerate(given.shape[1:])
        ]
        shape = [steps if size is None else size for size in shape]
        if None in shape:
            raise UserError(
                f"{given.name}: the model leaves its length open, {tuple(given.shape)}: expected --steps"
            )
        specs[given.name] = (tuple(shape), str(given.dtype))
    return specs


def random_inputs(model: keras.Model, specs: InputSpecs) -> dict[str, np.ndarray]:
    """Draw examples: numbers from a normal distribution, tokens that every embedding knows."""
    rng = np.random.default_rng(0)
    sizes = [each.input_dim for each in model._flatten_layers() if isinstance(each, keras.layers.Embedding)]
    made = {}
    for name, (shape, kind) in specs.items():
        full = (_RANDOM_EXAMPLES, *(size or 1 for size in shape))
        if kind.startswith("int"):
            made[name] = rng.integers(1, max(2, min(sizes, default=2)), full).astype(kind)
        else:
            made[name] = rng.normal(size=full).astype(kind)
    return made


def _checked(calibration: Arrays, specs: InputSpecs) -> dict[str, np.ndarray]:
    """Return the inputs, refused where they aren't the model's."""
    counts = {len(array) for array in calibration.values()}
    if len(counts) != 1 or 0 in counts:
        raise UserError(f"calibration: expected as many examples of every input, got {sorted(counts)}")
    for name, (shape, kind) in specs.items():
        array = calibration[name]
        if array.shape[1:] != tuple(shape) or not np.can_cast(array.dtype, kind, "same_kind"):
            raise UserError(
                f"calibration: {name}: expected {kind} (N, {', '.join(map(str, shape))}), "
                f"got {array.dtype} {array.shape}"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise UserError(f"calibration: {name}: expected finite numbers")
    return {name: calibration[name].astype(kind) for name, (_, kind) in specs.items()}


def _examples(inputs: Arrays) -> list[dict[str, np.ndarray]]:
    count = len(next(iter(inputs.values())))
    return [{name: array[i : i + 1] for name, array in inputs.items()} for i in range(count)]


def _answers(model: keras.Model, inputs: Arrays) -> Answers:
    """Return what Keras answers, by output name, one example after the other as a device does."""
    rows = []
    for example in _examples(inputs):
        for layer in model._flatten_layers():
            if getattr(layer, "stateful", False) and hasattr(layer, "reset_state"):
                layer.reset_state()
        given: Any = example if len(example) > 1 else next(iter(example.values()))
        rows.append(model(given, training=False))
    first = rows[0]
    names = list(first) if isinstance(first, dict) else _names(model, len(keras.tree.flatten(first)))
    flat = [
        [row[name] for name in names] if isinstance(row, dict) else keras.tree.flatten(row) for row in rows
    ]
    return {name: np.concatenate([np.asarray(row[i]) for row in flat]) for i, name in enumerate(names)}


def _names(model: keras.Model, count: int) -> list[str]:
    graph = getattr(model, "_functional", None) or model  # of a Sequential model
    names = list(getattr(graph, "output_names", None) or [])
    if len(names) == count == len(set(names)):
        return names
    return ["output"] if count == 1 else [f"output_{i}" for i in range(count)]


def _write(
    output: Path,
    name: str,
    forms: Sequence[Form],
    contents: Mapping[str, bytes],
    expected: Answers,
    drawn: bool,
) -> Bundle:
    spreads = [float(np.mean(np.abs(each - each.mean(axis=0)))) for each in expected.values()]
    head: dict[str, Any] = {
        "app": "export",
        "run_id": name,
        "dataset": "random inputs" if drawn else "calibration inputs",
        "preset": "none",
        "config": {},
        # Of always answering the mean of all answers.
        "metric": {
            "name": "mean_abs_error",
            "value": 0.0,
            "higher_is_better": False,
            "baseline": max(itertools.chain(spreads)),
        },
        "labels": [],
        "preprocessing": {},
    }
    return write_bundle(output, head, [(form.record(), contents[form.file]) for form in forms], {})
