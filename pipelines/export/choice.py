"""Choose what an export makes where the user leaves it open, and which of its files to use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import UserError
from ..ondevice.manifest import ACTIVATION_BITS, USUAL_PRECISIONS, is_plain_name
from .bundle_writing import LATEST

if TYPE_CHECKING:
    from .keras.saved_model import InputSpecs
    from .variants import Variant

LONGEST_UNROLLED = 64
"""The longest sequence that is unrolled by default: file and conversion grow with each step."""
GOOD_ENOUGH = 0.005
"""The largest relative error of a file that is recommended."""
NO_RANGES = "needs real inputs to measure its ranges: --calibration FILE.npz"


def default_executions(specs: InputSpecs, target: str, *, streams: bool) -> tuple[str, ...]:
    """Return the executions to make if none is named.

    Args:
        specs: shape without the batch, and dtype, by input name.
        target: "tflite", or "micro" for TFLite Micro, which has no while loop, and lacks the fused LSTM in
            some precisions.
        streams: whether the model can run step by step.
    """
    longest = max((shape[0] or 1) if shape else 1 for shape, _ in specs.values())
    short = longest <= LONGEST_UNROLLED
    if target == "micro":
        return ("step", *(["unrolled"] if short else [])) if streams else ("unrolled",)
    return ("loop", "step", "unrolled") if short else ("loop", "step")


def default_precisions(integers: bool) -> tuple[str, ...]:
    """Return the precisions to make if none is named; `integers`: those with integer activations only."""
    return tuple(ACTIVATION_BITS) if integers else tuple(USUAL_PRECISIONS)


def check_ranges(precisions: Sequence[str], *, integers: bool, calibrated: bool) -> None:
    """Check that precisions that the user wants have inputs to measure their ranges on.

    Args:
        precisions: those that the user named.
        integers: whether integer inputs and outputs, or files for microcontrollers, are wanted.
        calibrated: whether there are inputs.

    Raises:
        UserError: there are none, and one of the precisions has integer activations.
    """
    wanting = [each for each in precisions or default_precisions(integers) if each in ACTIVATION_BITS]
    if wanting and not calibrated and (precisions or integers):
        raise UserError(
            f"{wanting[0]} {NO_RANGES} (--calibration random draws inputs; real ones may then be clipped)"
        )


def check_name(name: str) -> None:
    """Raise UserError if a bundle can't have this name."""
    if not is_plain_name(name):
        raise UserError(f"name: expected a plain file name, got {name!r}")
    if name == LATEST:
        raise UserError(f"name: expected another name than {LATEST!r}, the link to the newest bundle")


def check_tolerance(tolerance: float | None) -> None:
    """Raise UserError if a tolerance is given that is no share: negative, infinite or not a number."""
    if tolerance is not None and not 0 <= tolerance < math.inf:
        raise UserError(f"tolerance: expected a number, 0 or more, got {tolerance}")


def recommended(made: Sequence[Variant]) -> Variant | None:
    """Return the smallest file whose answers are almost those of Keras; None if no file's are.

    If the model streams, it is a streaming file.
    """
    good = [each for each in made if each.measured.relative_error <= GOOD_ENOUGH]
    streaming = [each for each in good if each.measured.execution == "step"]
    return min(streaming or good, key=lambda each: len(each.content), default=None)
