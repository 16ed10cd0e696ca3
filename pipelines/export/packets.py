"""Cut sequences into packets: what a streaming model takes in one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..ondevice.model import Stream


def packets(stream: Stream, sequence: Mapping[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """Yield the inputs of each step of a stream.

    A stream may have inputs that are no sequences, such as the memory that a decoder attends to. It takes
    such an input whole: every step gets the same array. A remainder shorter than a packet is dropped.

    Args:
        stream: its inputs tell the length of a packet.
        sequence: arrays (1, steps, ...) by input name.
    """
    cut = [name for name in sequence if sequence[name].shape[1] != stream.inputs[name].shape[1]]
    cut = cut or list(sequence)
    size = stream.inputs[cut[0]].shape[1]
    for start in range(0, sequence[cut[0]].shape[1] - size + 1, size):
        yield {
            name: array[:, start : start + size] if name in cut else array for name, array in sequence.items()
        }
