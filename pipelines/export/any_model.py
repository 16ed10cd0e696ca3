"""Any Keras model -> a bundle of verified .tflite files, without an app.

Recurrent layers of Keras become ours, with their weights. Every file is held against the Keras model, output
by output, on the calibration inputs.
"""

from __future__ import annotations

import io
import logging
import math
import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from .._layers import layers
from ..errors import ExportError, UserError
from ..files import write_atomically
from ..ondevice.bundle import Bundle
from ..ondevice.manifest import EXECUTIONS, PRECISIONS, is_plain_name
from .bundle_writing import write_bundle
from .keras.model_inputs import Arrays
from .keras.prepare import Subject, prepare
from .keras.saved_model import write_saved_model
from .tflite.convert import Source, check_integer_io
from .tflite.quantize import ACTIVATION_BITS
from .verify.error_trace import Trace, entry, plot
from .verify.forms import Answers, Form, check_form

log = logging.getLogger(__name__)


@dataclass
class Report:
    """What `export_model` made."""

    bundle: Bundle
    forms: list[Form]
    impossible: dict[str, str]
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


def convert(
    model: keras.Model,
    precision: str = "float32",
    execution: str = "loop",
    calibration: Arrays | None = None,
    steps: int | None = None,
    tolerance: float | None = None,
    integer_io: bool = False,
    lengths: bool = False,
) -> bytes:
    """Return the .tflite file of a Keras model, run and held against Keras, output by output.

    Args: as for `export_model`.

    Raises:
        UserError: a model or inputs that this can't work with.
        ExportError: what can't be had, or is too far from Keras.
    """
    check_integer_io(integer_io, [precision])
    subject = prepare(model, model.name, calibration, steps, lengths)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, execution)
        try:
            source = _written(subject, folder, execution)
        except ValueError as error:
            raise ExportError(f"{execution}: {_own_words(error)}") from error
        content = source.convert(precision, integer_io=integer_io)
        try:
            check_form(content, precision, execution, subject.inputs, subject.expected, tolerance)
        except ExportError as error:
            traces = source.explain(precision)
            raise ExportError(f"{error}; {entry(traces)}" if traces else str(error)) from error
    return content


def export_model(
    model: keras.Model,
    output: Path,
    name: str,
    precisions: Sequence[str] | None = None,
    executions: Sequence[str] | None = None,
    calibration: Arrays | None = None,
    steps: int | None = None,
    tolerance: float | None = None,
    integer_io: bool = False,
    lengths: bool = False,
) -> Report:
    """Write the bundle `output/name`; where a file is too far from Keras, a plot of the error instead.

    Args:
        model: a built Keras model; stays as it is.
        output: the folder of bundles.
        name: of the bundle, a plain file name.
        precisions, executions: what to make; by default all that can be had.
        calibration: real inputs for int8 and int16x8, and for verification; random ones by default.
        steps: the length of sequences, where the model leaves it open.
        tolerance: largest difference from Keras that any output may have, as a share of the output's
            range; by default that of the precision.
        integer_io: integers in and out where they would be float32; int8 and int16x8 only, and by default.
        lengths: take the length of a sequence beside it, see `WithLength`; `calibration` may hold "length".

    Raises:
        UserError: a model, a name or inputs that this can't work with.
        ExportError: a variant asked for by name that can't be had, or any that is too far from Keras.
    """
    if not is_plain_name(name):
        raise UserError(f"name: expected a plain file name, got {name!r}")
    check_integer_io(integer_io, precisions or ())
    subject = prepare(model, name, calibration, steps, lengths)
    made: list[tuple[Form, bytes]] = []
    impossible: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for execution in executions or EXECUTIONS:
            folder = Path(temporary, execution)
            try:
                source = _written(subject, folder, execution)
            except ValueError as error:
                _note(impossible, execution, _own_words(error), executions is not None)
                continue
            for precision in precisions or (ACTIVATION_BITS if integer_io else PRECISIONS):
                variant = f"{precision}_{execution}"
                log.info("%s: converting and verifying", variant)
                try:
                    content = source.convert(precision, integer_io=integer_io)
                except ExportError as error:
                    asked = executions is not None and precisions is not None
                    _note(impossible, variant, str(error), asked)
                    continue
                try:
                    form = check_form(
                        content, precision, execution, subject.inputs, subject.expected, tolerance
                    )
                except ExportError as error:
                    traces = source.explain(precision)
                    raise ExportError(_explained(error, traces, output / f"{name}_{variant}.png")) from error
                made.append((form, content))
    if not made:
        reasons = "; ".join(f"{key}: {reason}" for key, reason in impossible.items())
        raise ExportError(f"{name}: nothing could be made: {reasons}")
    bundle = _bundle(output, name, made, subject.expected, calibration is None)
    return Report(bundle, [form for form, _ in made], impossible)


def _written(subject: Subject, folder: Path, execution: str) -> Source:
    """Write the SavedModel; ValueError if this execution can't be had."""
    subject.check_execution(execution)
    outputs = list(subject.expected)
    write_saved_model(subject.model, folder, subject.specs, outputs, execution, _packet(subject.model))
    return Source(folder, execution, subject.examples)


def _packet(model: keras.Model) -> int:
    """Return how many elements of its input a stream takes at a time: the samples of a hop, or 1."""
    return math.lcm(*(each.hop for each in model._flatten_layers() if isinstance(each, layers.Mel)))


def _explained(error: ExportError, traces: Sequence[Trace], file: Path) -> str:
    """Return the error with the place where it enters, and leave a plot of it by time step."""
    if not traces:
        return str(error)
    output = io.BytesIO()
    plot(traces).savefig(output, format="png", dpi=120)
    write_atomically(file, output.getvalue())
    return f"{error}; {entry(traces)}; plot: {file}"


def _note(impossible: dict[str, str], what: str, reason: str, asked: bool) -> None:
    if asked:
        raise ExportError(f"{what}: {reason}")
    log.info("%s: can't be had: %s", what, reason)
    impossible[what] = reason


def _own_words(error: ValueError) -> str:
    """Return the line of ours in what Keras makes of an error."""
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", str(error)).splitlines() if line.strip()]
    ours = [line for line in lines if ": execution " in line or ": streaming: " in line]
    return (ours or lines)[0]


def _bundle(
    output: Path,
    name: str,
    made: Sequence[tuple[Form, bytes]],
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
            "baseline": max(spreads),
        },
        "labels": [],
        "preprocessing": {},
    }
    return write_bundle(output, head, [(form.record(), content) for form, content in made], {})
