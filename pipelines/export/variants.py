"""Convert and verify each variant of a model. Every export uses this loop."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import ExportError
from ..ondevice.manifest import PRECISIONS
from .keras.error_text import first_reason
from .prepared_model import PreparedModel
from .tflite.convert import Source
from .verify.compiled_process import CompiledModelProcess
from .verify.error_trace import Trace
from .verify.verify import Measured, MissedBoundError, verify

log = logging.getLogger(__name__)

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

    def record(self) -> dict[str, Any]:
        """Return its record for the manifest."""
        # JSON has no NaN.
        finite = json.loads(json.dumps(self.figures), parse_constant=lambda constant: None)
        return {"file": self.file, "reason": self.reason, **({"figures": finite} if finite else {})}


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
    with CompiledModelProcess() as compiled:
        check = partial(verify, reference=prepared.reference, compiled=compiled, tolerance=tolerance)
        for execution in executions:
            files = {precision: f"{precision}_{part or execution}.tflite" for precision in precisions}
            try:
                source = Source(prepared.saved_model(workspace, execution), execution, prepared.calibration)
            except ValueError as error:
                reason = first_reason(error)
                log.warning("%s is left out: %s", part or execution, reason)
                yield from (LeftOut(file, precision, execution, reason) for precision, file in files.items())
                continue
            for precision, file in files.items():
                log.info("%s: converting and verifying", file)
                try:
                    converted = source.convert(precision, integer_io=integer_io)
                    content = finish(converted, precision)
                    made = Variant(file, content, check(content, precision, execution), len(converted))
                except ExportError as error:
                    left_out = LeftOut(file, precision, execution, str(error).removeprefix(f"{precision}: "))
                    log.warning("%s is left out: %s", file, left_out.reason)
                    yield _with_figures(left_out, error, source)
                else:
                    yield made


def _with_figures(left_out: LeftOut, error: ExportError, source: Source) -> LeftOut:
    """Add the measurements, if the file could be run."""
    if not isinstance(error, MissedBoundError):
        return left_out
    return replace(left_out, figures=error.figures, explain=lambda: source.explain(left_out.precision))


def reasons(left_out: Iterable[LeftOut]) -> list[str]:
    """Return why variants were left out: one line for all precisions of an execution with the same reason."""
    alike: dict[tuple[str, str], list[str]] = {}
    for each in left_out:
        alike.setdefault((each.execution, each.reason), []).append(each.precision)
    return [
        f"{execution}: {reason}"
        if len(precisions) == len(PRECISIONS)
        else f"{', '.join(precisions)} {execution}: {reason}"
        for (execution, reason), precisions in alike.items()
    ]


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
