"""Two halves of a batch that run at the same time.

A loop that XLA compiled runs on one core, because the products of one step are too small to be split. Two
loops use two cores. A GPU shares each product among all its cores, and would run one half after the other.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import tensorflow as tf
from tensorflow.python.ops import control_flow_util  # the only way to know of a `jit_compile=True` around

from .cells.base import Cell
from .devices import sees_gpu
from .scan import Masks
from .states import States

WHOLE = slice(None)
"""All rows of a batch."""
_LEAST_TO_TRAIN, _LEAST_TO_PREDICT = 2**12, 2**11
"""Smallest size for which two halves are faster than the whole batch, measured on two CPU cores.

In training, batch * units: at 32 x 64 both took the same time; at 32 x 128 halves sped up an LSTM 1.36 times
and a GRU 1.42 times. In prediction, batch * units * gates: at 8 x 64 an LSTM was 1.1 to 1.2 times as fast, a
GRU took the same time, and a SimpleRNN was .8 times as fast."""
_USUAL_BATCH = 32
"""Assumed size of a batch whose size is unknown."""


def parts_of_batch(cell: Cell, sequences: tf.Tensor, *, training: bool) -> tuple[slice, ...]:
    """Return which rows of sequences (batch, steps, features) should run at the same time: all, or halves."""
    batch = _USUAL_BATCH if sequences.shape[0] is None else sequences.shape[0]
    numbers, least = batch * math.prod(cell.state_shapes()[0]), _LEAST_TO_TRAIN
    if not training:
        numbers, least = numbers * cell.gates, _LEAST_TO_PREDICT
    if batch < 2 or numbers < least or usable_cores() < 2 or sees_gpu() or _compiles_around():
        return (WHOLE,)
    half = (tf.shape(sequences)[0] if sequences.shape[0] is None else batch) // 2
    return slice(None, half), slice(half, None)


def _compiles_around() -> bool:
    """Return whether XLA compiles the function around the layer: halves would run one after the other."""
    return control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # Linux has it
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def part_of(tensor: tf.Tensor, rows: slice) -> tf.Tensor:
    """Return these rows of a tensor (batch, ...)."""
    return tensor if rows is WHOLE else tensor[rows]


def masks_of(masks: Masks, rows: slice) -> Masks:
    """Return the masks of these rows."""
    return masks if rows is WHOLE else masks.of(rows)


def joined(parts: Sequence[States]) -> States:
    """Join what was made of parts of the batch, tensor by tensor."""
    if len(parts) == 1:
        return tuple(parts[0])
    return tuple(tf.concat(each, 0) for each in zip(*parts, strict=True))
