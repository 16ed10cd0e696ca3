"""python -m pipelines export MODEL.keras: turn any Keras model into verified .tflite files."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import tyro

from ..errors import UserError
from ..files import require_writable
from ..ondevice.manifest import Execution, Precision

if TYPE_CHECKING:
    from ..export.any_model import Report

INCOMPLETE = 3
"""The exit code if a variant that the user named was left out."""


@dataclass(frozen=True)
class Export:
    """Turn a Keras model into verified .tflite files.

    A variant is left out if it can't be made or its error is too large. The reason is printed. If you named
    the variant with --precision or --execution, the other variants are still written. The command then prints
    the error, writes a plot of it to OUTPUT if it can be traced, and ends with exit code 3.

    Exit codes: 0 done; 3 a variant that you named was left out, or no variant could be made; 2 the input is
    wrong; 1 anything else.
    """

    model: tyro.conf.Positional[Path]
    """A model saved by Keras 3, MODEL.keras."""
    output: Path = Path("exports/models")
    """The bundle is written to OUTPUT/NAME."""
    name: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """The name of the bundle. Default: the model's file name."""
    precision: Annotated[tuple[Precision, ...], tyro.conf.UseAppendAction] = ()
    """The number format of weights and activations. May be given several times. Default: every precision
    that the model can be converted to."""
    execution: Annotated[tuple[Execution, ...], tyro.conf.UseAppendAction] = ()
    """How recurrent layers run: in a while loop (loop), with every step written out (unrolled), as TFLite's
    own LSTM operation (fused), or one step per call with the state in and out (step). May be given
    several times. Default: every execution that the model can be converted to."""
    target: Literal["tflite", "micro"] = "tflite"
    """micro: also write each integer variant that microcontrollers can run (step, unrolled) as C arrays for
    TFLite Micro, to OUTPUT/NAME_micro."""
    calibration: Annotated[Path | None, tyro.conf.arg(metavar="FILE.npz", help_behavior_hint="")] = None
    """An .npz file of real inputs (N, ...) by input name. The ranges of int8 and int16x8 files are measured
    on them, and every file is checked on them. 100 to 200 examples are enough. Default: random inputs."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="")] = None
    """The length of the sequences, if the model leaves it open."""
    tolerance: Annotated[float | None, tyro.conf.arg(metavar="SHARE", help_behavior_hint="")] = None
    """The largest difference from Keras that an output may have, as a share of the range of its values.
    The default depends on the precision."""
    integer_io: bool = False
    """Make inputs and outputs of int8 and int16x8 files integers instead of float32. The states of a stream
    don't change."""
    lengths: bool = False
    """Make files for sequences of any length up to --steps. They take padded sequences and, as second input,
    their `length` (1,)."""
    json: bool = False
    """Print one JSON object instead of the table."""


def run(command: Export) -> None:
    """Run the export."""
    _check(command)
    calibration = None if command.calibration is None else _read(command.calibration)
    require_writable("--output", command.output)
    from ..export.any_model import IncompleteExportError, export_model, load_model

    name = command.name or command.model.stem
    problem = None
    try:
        report: Report | None = export_model(
            load_model(command.model),
            command.output,
            name,
            precisions=command.precision or None,
            executions=command.execution or None,
            target=command.target,
            calibration=calibration,
            steps=command.steps,
            tolerance=command.tolerance,
            integer_io=command.integer_io,
            lengths=command.lengths,
        )
    except IncompleteExportError as error:
        report, problem = error.report, error
    if report is not None:
        micro = command.target == "micro"
        _print(
            command, report, _for_microcontrollers(report, command.output / f"{name}_micro") if micro else []
        )
    if problem is not None:
        print(f"error: {command.model}: {problem}", file=sys.stderr)
        raise SystemExit(INCOMPLETE)


def _check(command: Export) -> None:
    if not command.model.is_file():
        raise UserError(f"{command.model}: expected a Keras model in a .keras file: no such file")
    if command.steps is not None and command.steps < 1:
        raise UserError(f"--steps: expected at least 1, got {command.steps}")


def _for_microcontrollers(report: Report, folder: Path) -> list[Path]:
    """Write the C files of each variant, and return their folders."""
    from ..errors import ExportError
    from ..export.micro.write import write_micro

    try:
        return [write_micro(each.content, folder, Path(each.file).stem).folder for each in report.variants]
    except ExportError as error:
        raise UserError(f"--target micro: {error}") from None


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, AttributeError, EOFError) as error:
        raise UserError(f"--calibration {path}: expected an .npz file of arrays: {error}") from None


def _print(command: Export, report: Report, written: Sequence[Path]) -> None:
    if command.json:
        print(json.dumps({**_as_json(report), "micro": [str(folder) for folder in written]}, indent=1))
    else:
        print("\n".join([_as_text(report), *(f"micro   {folder}" for folder in written)]))


def _as_json(report: Report) -> Mapping[str, Any]:
    return {
        "bundle": str(report.bundle.folder),
        "variants": [{**each.record(), "bytes": len(each.content)} for each in report.variants],
        "left_out": [each.record() for each in report.left_out],
    }


def _as_text(report: Report) -> str:
    from ..export.variants import reasons
    from .report import text_table

    rows = [
        (
            each.file,
            f"{len(each.content):,}",
            f"{each.measured.max_abs_error:.1e}",
            f"{each.measured.mean_abs_error:.1e}",
            f"{each.measured.latency_ms['p50']:.3f}",
            "yes" if "compiled_model" in each.measured.runs_on else "no",
        )
        for each in report.variants
    ]
    table = text_table(("file", "bytes", "largest error", "mean error", "ms", "CompiledModel"), rows)
    left_out = "".join(f"\nleft out: {line}" for line in reasons(report.left_out))
    return f"{table}{left_out}\n\nbundle  {report.bundle.folder}"
