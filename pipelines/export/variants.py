"""Convert and verify each variant of a model. Every export uses this loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import ExportError
from ..ondevice.manifest import PRECISIONS
from .bundle_writing import finite
from .keras.error_text import first_reason
from .prepared_model import PreparedModel
from .tflite.convert import Source
from .verify.compiled_process import CompiledModelProcess
from .verify.error_trace import Trace
from .verify.verify import Measured, MissedBoundError, verify

log = logging.getLogger(__name__)

_SAME = "the same file as float32: no weight is large enough to be quantised; use float32"

Finish = Callable[[bytes, str], bytes]
"""finish(content, precision) -> the content to verify and write, for example with metadata added."""


@dataclass(frozen=True)
class Variant:
    """A verified .tflite file."""

    file: str
    content: bytes
    measured: Measured
    converted_bytes: int
    """The size before `finish`."""

    def record(self) -> dict[str, Any]:
        """Return the variant's record for the manifest, without size and hash."""
        return {"file": self.file, **self.measured.record()}


@dataclass(frozen=True)
class LeftOut:
    """A variant that could not be made, or is not fit for a device."""

    file: str
    precision: str
    execution: str
    reason: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    """Its measurements, if it could be run."""
    explain: Callable[[], list[Trace]] = list
    """Returns where the error enters; empty if that can't be traced. Call it while the workspace exists."""
    accepted_by: float | None = None
    """The `tolerance` that would accept it; None if none would."""

    def advice(self) -> str:
        """Return what may help, if a tolerance would accept it."""
        finer = {"int8": "try --precision int16x8, or ", "int4": "try --precision dynamic_int8, or "}
        return f"{finer.get(self.precision, '')}accept it with --tolerance {self.accepted_by:.2g}"

    def record(self) -> dict[str, Any]:
        """Return its record for the manifest."""
        figures = {"figures": finite(self.figures)} if self.figures else {}
        return {"file": self.file, "reason": self.reason, **figures}


def variants(
    prepared: PreparedModel,
    workspace: Path,
    *,
    executions: Iterable[str],
    precisions: Sequence[str],
    part: str | None = None,
    integer_io: bool = False,
    tolerance: float | None = None,
    finish: Finish = lambda content, precision: content,
) -> Iterator[Variant | LeftOut]:
    """Convert and verify a model in every execution and precision; log and yield each as it is done.

    A `dynamic_int8` file that is the same as the float32 file is left out.

    Args:
        prepared: the model and the data to check it on.
        workspace: an existing folder for SavedModels.
        executions, precisions: each pair is one variant.
        part: the name of a part of a model. File names have it instead of the execution.
        integer_io: make float32 inputs and outputs of int8 and int16x8 files integers.
        tolerance: the largest error of an output, as a share of the range of its values. By default it
            depends on the precision.
        finish: changes a converted file before it is verified.
    """
    executions = list(executions)
    done = _Progress(len(executions) * len(precisions))
    with CompiledModelProcess() as compiled:
        check = partial(verify, reference=prepared.reference, compiled=compiled, tolerance=tolerance)
        for execution in executions:
            files = {precision: f"{precision}_{part or execution}.tflite" for precision in precisions}
            try:
                folder = prepared.saved_model(workspace, execution)
                source = Source(folder, execution, prepared.calibration, random=prepared.random_inputs)
            except ValueError as error:
                reason = first_reason(error)
                log.warning("%s is left out: %s", part or execution, reason)
                done.skip(len(files))
                yield from (LeftOut(file, precision, execution, reason) for precision, file in files.items())
                continue
            for precision, file in files.items():
                try:
                    converted = source.convert(precision, integer_io=integer_io)
                    if precision == "dynamic_int8" and converted == source.convert("float32"):
                        raise ExportError(_SAME)
                    content = finish(converted, precision)
                    made = Variant(file, content, check(content, precision, execution), len(converted))
                except ExportError as error:
                    left_out = LeftOut(file, precision, execution, str(error).removeprefix(f"{precision}: "))
                    done.log(logging.WARNING, file, f"left out: {left_out.reason}")
                    yield _with_figures(left_out, error, source)
                else:
                    done.log(logging.INFO, file, _in_short(made))
                    yield made


class _Progress:
    """Logs each variant as it is done, with the time that the others will take."""

    def __init__(self, count: int) -> None:
        self._left, self._done, self._start = count, 0, time.monotonic()

    def skip(self, count: int) -> None:
        """Count variants that will not be tried."""
        self._left -= count

    def log(self, level: int, file: str, text: str) -> None:
        """Log a variant that was tried."""
        self._left, self._done = self._left - 1, self._done + 1
        seconds = (time.monotonic() - self._start) / self._done * self._left
        left = f"; {self._left} more, about {max(1, round(seconds))} s" if self._left else ""
        log.log(level, "%s: %s%s", file, text, left)


def _in_short(made: Variant) -> str:
    measured = made.measured
    return (
        f"{len(made.content):,} bytes, largest error {measured.max_abs_error:.1e}, "
        f"{measured.latency_ms['p50']:.2f} ms a call"
    )


def _with_figures(left_out: LeftOut, error: ExportError, source: Source) -> LeftOut:
    """Add the measurements, if the file could be run."""
    if not isinstance(error, MissedBoundError):
        return left_out
    return replace(
        left_out,
        figures=error.figures,
        explain=lambda: source.explain(left_out.precision),
        accepted_by=error.accepted_by,
    )


def reasons(left_out: Iterable[LeftOut]) -> list[str]:
    """Return why variants were left out: one line for all variants with the same reason."""
    alike: dict[str, dict[str, list[str]]] = {}
    for each in left_out:
        alike.setdefault(each.reason, {}).setdefault(each.execution, []).append(each.precision)
    return [f"{_names(found)}: {reason}" for reason, found in alike.items()]


def _names(found: Mapping[str, Sequence[str]]) -> str:
    """Name variants, given by execution: those of the same precisions together."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for execution, precisions in found.items():
        alike.setdefault(tuple(precisions), []).append(execution)
    return "; ".join(
        f"{'' if len(precisions) == len(PRECISIONS) else ', '.join(precisions) + ' '}{', '.join(executions)}"
        for precisions, executions in alike.items()
    )


def separated(results: Iterable[Variant | LeftOut]) -> tuple[list[Variant], list[LeftOut]]:
    """Make all variants; return the verified ones and the left-out ones."""
    made: list[Variant] = []
    left_out: list[LeftOut] = []
    for each in results:
        if isinstance(each, Variant):
            made.append(each)
        else:
            left_out.append(each)
    return made, left_out
