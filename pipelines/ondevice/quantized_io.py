"""Arrays into and out of a model: shapes, dtypes, and whole numbers that stand for real ones.

A real x is held as q with x = scale * (q - zero_point). Scaled, rounded and clipped is here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np


class Spec(NamedTuple):
    """Shape, batch of 1 included (-1: any size), and dtype of one input or output, as the file has it."""

    shape: tuple[int, ...]
    dtype: np.dtype


class Quantization(NamedTuple):
    """How an integer input or output stands for real numbers."""

    scale: float
    zero_point: int

    def quantize(self, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Return real numbers as whole ones of `dtype`: the nearest, or the last on that side.

        Raises:
            ValueError: the array holds NaN.
        """
        if np.isnan(array).any():
            raise ValueError("expected numbers, got NaN")
        limits = np.iinfo(dtype)
        steps = np.rint(array / np.float32(self.scale)) + self.zero_point
        return np.clip(steps, limits.min, limits.max).astype(dtype)

    def dequantize(self, array: np.ndarray) -> np.ndarray:
        """Return whole numbers as the real ones that they stand for, float32."""
        return (array.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


def spec_of(detail: Mapping[str, Any]) -> Spec:
    """Return the spec from what the interpreter says of a tensor."""
    shape = detail["shape_signature"] if len(detail["shape_signature"]) else detail["shape"]
    return Spec(tuple(int(size) for size in shape), np.dtype(detail["dtype"]))


def quantization_of(detail: Mapping[str, Any]) -> Quantization | None:
    """Return how a tensor is quantized, or None where it isn't, or not by one scale."""
    parameters = detail["quantization_parameters"]
    if len(parameters["scales"]) != 1 or np.dtype(detail["dtype"]).kind not in "iu":
        return None
    return Quantization(float(parameters["scales"][0]), int(parameters["zero_points"][0]))


def as_input(name: str, array: np.ndarray, spec: Spec, quantization: Quantization | None) -> np.ndarray:
    """Return an array as the model takes it; real numbers for a quantized input are quantized.

    Raises:
        ValueError: another shape or kind of dtype, numbers that the dtype can't hold, or NaN to quantize.
    """
    array = np.asarray(array)
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
    """Say whether a shape is the wanted one; in place of -1 any size but 0."""
    sizes = zip(shape, wanted, strict=False)
    return len(shape) == len(wanted) and all(
        size == want or (want == -1 and size > 0) for size, want in sizes
    )
