"""Python's answers to real inputs, which every page carries and compares with its own."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..app import Page
from ..errors import UserError
from ..export.card.running import in_browser
from ..ondevice.bundle import Bundle

CASES = 20
"""The number of inputs that a page carries."""
_LEAST = {"float32": 1e-4, "float16": 1e-3, "dynamic_int8": 0.05, "int8": 0.05, "int16x8": 1e-3, "int4": 0.05}
"""The least tolerance of each precision. Floats differ by 3e-6 at most. A number that is rounded to the next
integer in the browser changes what follows in a stream: in 16 bits by 7e-5 at most, and in 8 bits by 0.05 in
most networks, shipped ones among them."""
_SHARE, _MOST = 0.5, 0.25
"""Of what rounding to integers costs a file, as its record says: rounding in another order may change its
outputs by this share, and at most by so much. Shipped networks with larger differences than the least
tolerance differ by 0.2 (sensor_signals) and 0.3 (text_generation) of it."""


@dataclass(frozen=True)
class Golden:
    """What Python's runtime makes of one input.

    Attributes:
        answer: what the app says, as JSON; the page must say the same.
        outputs: the network's numbers; the page's may differ a little.
        inputs: the network's inputs by name; the page must make the same. None if `outputs` tell enough.
    """

    answer: Any
    outputs: np.ndarray
    inputs: Mapping[str, np.ndarray] = field(default_factory=dict)


def golden(page: Page, bundle: Bundle) -> dict[str, Any]:
    """Return the inputs and, for each .tflite file that the page runs, the answers, as values for JSON.

    Raises:
        UserError: the app's inputs can't be made, a file can't answer, or the page runs none.
    """
    given = list(page.inputs(bundle))[:CASES]
    if len(given) < CASES:
        raise UserError(f"{bundle.folder}: expected {CASES} inputs for its page, got {len(given)}")
    answers = {file: _answers(page, bundle, file, given) for file in in_browser(bundle.manifest)}
    answers = {file: found for file, found in answers.items() if found}
    if not answers:
        raise UserError(f"{bundle.folder}: expected a .tflite file that runs on its page, found none")
    tolerances = {file: _tolerance(bundle.variant(file)) for file in answers}
    return {"inputs": [packed(each) for each in given], "answers": answers, "tolerances": tolerances}


def _tolerance(variant: Mapping[str, Any]) -> float:
    least = _LEAST[variant["precision"]]
    if variant["precision"].startswith("float"):
        return least
    return min(_MOST, max(least, _SHARE * float(variant.get("max_abs_error", 0.0))))


def _answers(page: Page, bundle: Bundle, file: str, given: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "answer": each.answer,
            "outputs": packed(np.asarray(each.outputs, np.float32)),
            "inputs": {name: packed(array) for name, array in each.inputs.items()},
        }
        for each in page.answers(bundle, file, given)
    ]


def packed(value: Any) -> Any:
    """Return a value for JSON. Arrays become {dtype, shape, data}, with their bytes in base64.

    Bytes are those of little-endian numbers, as browsers have them.
    """
    if isinstance(value, np.ndarray):
        little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
        data = base64.b64encode(little.tobytes()).decode("ascii")
        return {"dtype": value.dtype.name, "shape": list(value.shape), "data": data}
    if isinstance(value, Mapping):
        return {name: packed(each) for name, each in value.items()}
    return value
