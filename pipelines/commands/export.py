"""python -m pipelines export MODEL.keras: any Keras model as verified .tflite files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from ..errors import UserError
from ..files import require_writable

Precision = Literal["float32", "float16", "dynamic_int8", "int8", "int16x8"]
Execution = Literal["loop", "unrolled", "fused", "step"]


@dataclass(frozen=True)
class Export:
    """Turn a Keras model into verified .tflite files."""

    model: tyro.conf.Positional[Path]
    """A model saved by Keras 3, MODEL.keras."""
    output: Path = Path("exports/models")
    """The bundle is written to OUTPUT/NAME."""
    name: str | None = None
    """Of the bundle. Default: the model's file name."""
    precision: Annotated[tuple[Precision, ...], tyro.conf.UseAppendAction] = ()
    """What to make; may be given several times. Default: all that can be had."""
    execution: Annotated[tuple[Execution, ...], tyro.conf.UseAppendAction] = ()
    """How recurrent layers run: a while loop, written out step by step, TFLite's own LSTM, or one step a
    call with the state in and out. May be given several times. Default: all that can be had."""
    target: Literal["tflite", "micro"] = "tflite"
    """micro: also write each integer variant that microcontrollers can run (step, unrolled) as C arrays for
    TFLite Micro, to OUTPUT/NAME_micro."""
    calibration: Path | None = None
    """An .npz file of real inputs (N, ...) by input name: int8 and int16x8 take the ranges of their numbers
    from them, and every file is checked on them. 100 to 200 examples do. Default: random inputs."""
    steps: int | None = None
    """Length of the sequences, where the model leaves it open."""
    tolerance: float | None = None
    """Largest difference from Keras, as a share of an output's range. Default: by precision."""
    integer_io: bool = False
    """Integers in and out of int8 and int16x8 files, where these have float32; states of a stream stay."""
    lengths: bool = False
    """Files that take sequences of any length up to --steps: padded, and their `length` (1,) beside them."""
    json: bool = False
    """Print one JSON object instead of the table."""


def run(command: Export) -> None:
    """Do what the command line asks for."""
    if not command.model.is_file():
        raise UserError(f"{command.model}: expected a Keras model in a .keras file: no such file")
    if command.steps is not None and command.steps < 1:
        raise UserError(f"--steps: expected at least 1, got {command.steps}")
    calibration = None if command.calibration is None else _read(command.calibration)
    require_writable("--output", command.output)
    from ..errors import ExportError
    from ..export.any_model import export_model, load_model

    name = command.name or command.model.stem
    micro = command.target == "micro"
    try:
        report = export_model(
            load_model(command.model),
            command.output,
            name,
            command.precision or (("int8", "int16x8") if micro else None),
            command.execution or (("step", "unrolled") if micro else None),
            calibration,
            command.steps,
            command.tolerance,
            command.integer_io,
            command.lengths,
        )
        written = _for_microcontrollers(report, command.output / f"{name}_micro") if micro else []
    except ExportError as error:
        raise UserError(f"{command.model}: {error}") from None
    if command.json:
        print(json.dumps({**_as_json(report), "micro": [str(folder) for folder in written]}, indent=1))
    else:
        print("\n".join([_as_text(report), *(f"micro   {folder}" for folder in written)]))


def _for_microcontrollers(report: Any, folder: Path) -> list[Path]:
    """Write the C files of each variant, and return their folders."""
    from ..export.micro.write import write_micro

    written = []
    for form in report.forms:
        content = report.bundle.variant_path(form.file).read_bytes()
        micro = write_micro(content, folder, Path(form.file).stem)
        written.append(micro.folder)
    return written


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, AttributeError, EOFError) as error:
        raise UserError(f"--calibration {path}: expected an .npz file of arrays: {error}") from None


def _as_json(report: Any) -> Mapping[str, Any]:
    variants = [{**form.record(), "bytes": form.bytes} for form in report.forms]
    return {"bundle": str(report.bundle.folder), "variants": variants, "impossible": report.impossible}


def _as_text(report: Any) -> str:
    from .report import text_table

    rows = [
        (
            form.file,
            f"{form.bytes:,}",
            f"{max(form.max_abs_error.values()):.1e}",
            f"{max(form.mean_abs_error.values()):.1e}",
            f"{form.latency_ms['p50']:.3f}",
        )
        for form in report.forms
    ]
    table = text_table(("file", "bytes", "largest error", "mean error", "ms"), rows)
    why_not = "".join(f"\n{what}: can't be had: {reason}" for what, reason in report.impossible.items())
    return f"{table}{why_not}\n\nbundle  {report.bundle.folder}"
