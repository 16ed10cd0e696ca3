"""Gives every tensor a name that no other tensor of the model has.

Calibration records ranges by tensor name, and ai-edge-quantizer looks them up by name. The converter uses
one name in several subgraphs.
"""

from __future__ import annotations

import re
from typing import Any


def unique_names(model: Any) -> None:
    """Rename every tensor to SUBGRAPH/TENSOR/NAME, where SUBGRAPH and TENSOR are indices."""
    for i, graph in enumerate(model.subgraphs):
        for j, tensor in enumerate(graph.tensors):
            tensor.name = f"{i}/{j}/{tensor.name.decode()}".encode()


def original_name(name: bytes) -> bytes:
    """Return a tensor's name without the prefix that `unique_names` adds."""
    return re.sub(rb"^\d+/\d+/", b"", name)
