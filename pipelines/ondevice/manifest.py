"""Define the format of a bundle's manifest.json, and check manifests."""

from __future__ import annotations

import re
import reprlib
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from ..errors import UserError

MANIFEST = "manifest.json"
PROBABILITIES = "probabilities"
"""The output of an app's network; of a classifier, it has one value for each label."""
FORMAT = 1
Precision = Literal["float32", "float16", "dynamic_int8", "int8", "int16x8", "int4"]
"""float16: weights are stored in 16 bits, and the computation is in float32. dynamic_int8: weights in 8 bits,
activations quantised at run time. int8, int16x8: weights in 8 bits, activations in 8 or 16 bits, with ranges
measured on examples; inputs, outputs and the state of a loop are float32. int4: like dynamic_int8, but nearly
all weights in 4 bits."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
USUAL_PRECISIONS = PRECISIONS[:-1]
"""Those that are made where none is named: int4 loses the most, so it is for whoever asks for it."""
ACTIVATION_BITS = {"int8": 8, "int16x8": 16}
"""The bits of the activations, for each precision that is calibrated on examples."""
Execution = Literal["loop", "unrolled", "fused", "step"]
"""How recurrent layers run: in a while loop, with every step written out, as TFLite's own LSTM operation, or
one step a call with the state in and out."""
EXECUTIONS: tuple[Execution, ...] = get_args(Execution)

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
Check = Callable[[Any], bool]


def is_plain_name(name: Any) -> bool:
    """Return whether `name` is a valid file name on every system, without a separator or a leading dot."""
    return isinstance(name, str) and _PLAIN_NAME.fullmatch(name) is not None


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= sys.float_info.max


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_count(count) for count in value.values())


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


Fields = Mapping[str, tuple[str, Check]]

_NUMBER = ("a number", _is_number)
_TEXT = ("a text", _is_text)
_OBJECT = ("an object", _is_object)
_LIST = ("a list", _is_list)
_TEXTS = ("a list of strings", _is_texts)
_FILE = ("a plain file name", is_plain_name)
_HASH = ("64 hexadecimal digits", _is_hash)

_TOP: Fields = {
    "format": (f"{FORMAT}", lambda value: _is_count(value) and value == FORMAT),
    "app": ("a plain name", is_plain_name),
    "run_id": ("a plain name", is_plain_name),
    "created": _TEXT,
    "dataset": _TEXT,
    "preset": _TEXT,
    "config": _OBJECT,
    "metric": _OBJECT,
    "labels": _TEXTS,
    "preprocessing": _OBJECT,
    "assets": _LIST,
    "variants": ("a list that isn't empty", lambda value: _is_list(value) and len(value) > 0),
}
_METRIC: Fields = {
    "name": _TEXT,
    "value": _NUMBER,
    "higher_is_better": ("true or false", lambda value: isinstance(value, bool)),
    "baseline": _NUMBER,
}
_ASSET: Fields = {"file": _FILE, "sha256": _HASH}
_VARIANT: Fields = {
    "file": _FILE,
    "precision": (f"one of {', '.join(PRECISIONS)}", lambda value: value in PRECISIONS),
    "execution": (f"one of {', '.join(EXECUTIONS)}", lambda value: value in EXECUTIONS),
    "bytes": ("an integer, 0 or more", _is_count),
    "sha256": _HASH,
    "ops": ("an object of counts", _is_counts),
    "signatures": _OBJECT,
    "runs_on": _TEXTS,
    "max_abs_error": _NUMBER,
    "metric": _NUMBER,
    "latency_ms": _OBJECT,
}
_LEFT_OUT: Fields = {"file": _FILE, "reason": _TEXT}
_PART: Fields = {
    "part": ("a plain name", is_plain_name),
    **{key: check for key, check in _VARIANT.items() if key != "metric"},
}
_LATENCY: Fields = {"p50": _NUMBER, "p95": _NUMBER}


def check_manifest(manifest: Any, where: str) -> None:
    """Check every key of format 1, and the optional keys `parts` and `left_out`. Other keys are allowed.

    Args:
        manifest: the parsed JSON.
        where: the file, for error messages.

    Raises:
        UserError: a key is missing or its value is wrong; the message says which.
    """
    _check_object(manifest, _TOP, where, "")
    _check_object(manifest["metric"], _METRIC, where, "metric.")
    for i, asset in enumerate(manifest["assets"]):
        _check_object(asset, _ASSET, where, f"assets[{i}].")
    for i, variant in enumerate(manifest["variants"]):
        _check_object(variant, _VARIANT, where, f"variants[{i}].")
        _check_object(variant["latency_ms"], _LATENCY, where, f"variants[{i}].latency_ms.")
        _check_name(variant, variant["execution"], where, f"variants[{i}]")
        _check_labels(variant["signatures"], manifest["labels"], where, f"variants[{i}]")
    parts, left_out = (_optional_list(manifest, key, where) for key in ("parts", "left_out"))
    for i, each in enumerate(left_out):
        _check_object(each, _LEFT_OUT, where, f"left_out[{i}].")
    for i, part in enumerate(parts):
        _check_object(part, _PART, where, f"parts[{i}].")
        _check_object(part["latency_ms"], _LATENCY, where, f"parts[{i}].latency_ms.")
        _check_name(part, part["part"], where, f"parts[{i}]")
    files = [MANIFEST, *(record["file"] for record in (*manifest["assets"], *manifest["variants"], *parts))]
    name, count = Counter(files).most_common(1)[0]
    if count > 1:
        raise UserError(f"{where}: expected every file once, found {name!r} {count} times")


def _optional_list(manifest: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = manifest.get(key, [])
    if not _is_list(value):
        raise UserError(f"{where}: {key}: expected a list, found {reprlib.repr(value)}")
    return value


def _check_name(record: Mapping[str, Any], last: str, where: str, place: str) -> None:
    """Refuse a record of another file, as records that were exchanged are."""
    expected = f"{record['precision']}_{last}.tflite"
    if record["file"] != expected:
        raise UserError(
            f"{where}: {place}.file: expected {expected!r}, as its record says, found {record['file']!r}"
        )


def _check_labels(signatures: Any, labels: list[str], where: str, place: str) -> None:
    """Refuse a classifier with more or fewer labels than its outputs, as far as its record tells."""
    for signature in signatures.values():
        shape = signature
        for key in ("outputs", PROBABILITIES, "shape"):
            shape = shape.get(key) if isinstance(shape, dict) else None
        if labels and _is_list(shape) and shape and shape[-1] != len(labels):
            raise UserError(
                f"{where}: labels: expected {reprlib.repr(shape[-1])}, as many as {place} answers with, "
                f"found {len(labels)}"
            )


def _check_object(value: Any, fields: Fields, where: str, prefix: str) -> None:
    if not isinstance(value, dict):
        place = f"{where}: {prefix.rstrip('.')}" if prefix else where
        raise UserError(f"{place}: expected an object, found {reprlib.repr(value)}")
    for key, (expected, holds) in fields.items():
        if key not in value:
            raise UserError(f"{where}: {prefix}{key}: expected {expected}, found nothing")
        if not holds(value[key]):
            raise UserError(f"{where}: {prefix}{key}: expected {expected}, found {reprlib.repr(value[key])}")
