"""Convert arrays to a model's inputs and from its outputs: check shapes and dtypes, quantise and dequantise.

A real number x is stored as the integer q with x = scale * (q - zero_point). This is the only module that
scales, rounds and clips.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np


class Spec(NamedTuple):
    """The shape (including the batch of 1; -1: any size) and the dtype of an input or output in the file."""

    shape: tuple[int, ...]
    dtype: np.dtype


class Quantization(NamedTuple):
    """The scale and zero point of a quantised tensor."""

    scale: float
    zero_point: int

    def quantize(self, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Quantise real numbers to integers of `dtype`: round to the nearest and clip to the range.

        Raises:
            ValueError: the array holds NaN.
        """
        if np.isnan(array).any():
            raise ValueError("expected numbers, got NaN")
        limits = np.iinfo(dtype)
        steps = np.rint(array / np.float32(self.scale)) + self.zero_point
        return np.clip(steps, limits.min, limits.max).astype(dtype)

    def dequantize(self, array: np.ndarray) -> np.ndarray:
        """Convert integers to the real numbers that they stand for, as float32."""
        return (array.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


def spec_of(detail: Mapping[str, Any]) -> Spec:
    """Return the spec of a tensor from the interpreter's details."""
    shape = detail["shape_signature"] if len(detail["shape_signature"]) else detail["shape"]
    return Spec(tuple(int(size) for size in shape), np.dtype(detail["dtype"]))


def quantization_of(detail: Mapping[str, Any]) -> Quantization | None:
    """Return the quantisation of a tensor; None if it has no scale or several scales."""
    parameters = detail["quantization_parameters"]
    if len(parameters["scales"]) != 1 or np.dtype(detail["dtype"]).kind not in "iu":
        return None
    return Quantization(float(parameters["scales"][0]), int(parameters["zero_points"][0]))


def as_input(name: str, array: np.ndarray, spec: Spec, quantization: Quantization | None) -> np.ndarray:
    """Convert an array to the dtype of an input. Real numbers for a quantised input are quantised.

    Raises:
        ValueError: the shape or the kind of dtype is wrong, or a number is out of range or NaN.
    """
    array = np.asarray(array)
    if array.dtype == spec.dtype and array.shape == spec.shape:
        return np.ascontiguousarray(array)
    real = quantization is not None and array.dtype.kind == "f"
    if not _fits(array.shape, spec.shape) or not (real or np.can_cast(array.dtype, spec.dtype, "same_kind")):
        raise ValueError(f"{name}: expected {spec.dtype} {spec.shape}, got {array.dtype} {array.shape}")
    if quantization is not None and real:
        try:
            return np.ascontiguousarray(quantization.quantize(array, spec.dtype))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    if spec.dtype.kind in "iu" and not np.can_cast(array.dtype, spec.dtype):
        limits = np.iinfo(spec.dtype)
        if array.min() < limits.min or array.max() > limits.max:
            raise ValueError(
                f"{name}: expected {limits.min} to {limits.max}, got {array.min()} to {array.max()}"
            )
    return np.ascontiguousarray(array, spec.dtype)


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return whether a shape is the expected one, where -1 stands for any size but 0."""
    sizes = zip(shape, wanted, strict=False)
    return len(shape) == len(wanted) and all(
        size == want or (want == -1 and size > 0) for size, want in sizes
    )


def require_finite(arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse NaN and infinity, which would stay in the state of a stream.

    Raises:
        ValueError: an array holds them.
    """
    for name, array in arrays.items():
        array = np.asarray(array)
        # `in` looks for a False, and takes a tenth of the time of all().
        if array.dtype.kind == "f" and b"\0" in np.isfinite(array).tobytes():
            raise ValueError(
                f"{name}: expected finite numbers, got NaN or infinity (check_finite=False takes them)"
            )
