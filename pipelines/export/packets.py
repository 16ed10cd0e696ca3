"""Cut sequences into packets, the inputs of single steps of a streaming model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..ondevice.model import Stream


def packets(stream: Stream, sequence: Mapping[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """Yield the inputs of each step of a stream.

    A stream may have inputs that are not sequences, such as the memory that a decoder attends to. Every step
    gets the whole array of such an input. A remainder shorter than a packet is dropped.

    Args:
        stream: the streaming model; the shapes of its inputs give the length of a packet.
        sequence: arrays (1, steps, ...) by input name.
    """
    cut = [name for name in sequence if sequence[name].shape[1] != stream.inputs[name].shape[1]]
    if not cut:  # the sequences are as long as one packet
        yield dict(sequence)
        return
    size = stream.inputs[cut[0]].shape[1]
    for start in range(0, sequence[cut[0]].shape[1] - size + 1, size):
        yield {
            name: array[:, start : start + size] if name in cut else array for name, array in sequence.items()
        }
