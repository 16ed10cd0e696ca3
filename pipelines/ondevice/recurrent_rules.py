"""The rules of LiteRT's own recurrent operators: the types and shapes of their weights and states."""

from __future__ import annotations

from .flatbuffer_reader import require
from .node import Node, Shape

_I8 = 9


def _lstm_types(weights: str) -> str:
    w = weights
    return (
        f"f32 {w}? {w} {w} {w} {w}? {w} {w} {w} f32? f32? f32? f32? f32 f32 f32 {w}? f32? f32 f32 "
        "f32? f32? f32? f32? > f32"
    )


LSTM_TYPES = "; ".join(
    [
        _lstm_types("f32"),
        _lstm_types("i8"),
        "i8 i8 i8 i8 i8 i8 i8 i8 i8 none? none? none? i32 i32 i32 i32 none? none? i8 i16 "
        "none? none? none? none? > i8",
    ]
)
"""Input, weights of the input and of the state, peepholes, biases, projection, states, layer norms."""
RNN_TYPES = "f32 f32 f32 f32 f32 > f32; f32 i8 i8 f32 f32 > f32"
"""Input, weights of the input and of the state, bias, state."""
SVDF_TYPES = (
    "f32 f32 f32 f32? f32 > f32; f32 i8 i8 f32? f32 > f32; i8 i8 i16 i32? i16 > i8; i8 i8 i8 i32? i8 > i8"
)
"""Input, weights of the features and of time, bias, state."""


def _expect(node: Node, place: int, shape: Shape) -> None:
    """Check the shape of an input, if it is there."""
    if place < len(node.types) and node.types[place] != -1:
        require(node.shapes[place] == shape, f"expected input {place} {shape}, found {node.shapes[place]}")


def _expect_together(node: Node, places: tuple[int, ...], what: str) -> bool:
    """Check that all of some inputs are there, or none; return which."""
    there = {place < len(node.types) and node.types[place] != -1 for place in places}
    require(len(there) == 1, f"expected all of the {what}, or none")
    return there.pop()


def lstm(node: Node) -> list[Shape]:
    """An LSTM over a sequence: (batch, steps, features), or time first."""
    sequence, cells = node.shapes[0], node.shapes[2][:1]
    require(len(sequence) == 3, f"expected sequences of rank 3, found {sequence}")
    require(len(node.shapes[2]) == 2 and len(node.shapes[6]) == 2, "expected weights of rank 2")
    outputs, features = node.shapes[6][1], sequence[2]
    batch = sequence[1] if node.options["time_major"] else sequence[0]
    gate = _expect_together(node, (1, 5, 12), "input gate's tensors")
    for place in range(1, 5):
        _expect(node, place, (*cells, features))
        _expect(node, place + 4, (*cells, outputs))
    peepholes = _expect_together(node, (10, 11), "peepholes")
    _expect_together(node, (10, 9) if gate and peepholes else (9,), "peepholes")
    norms = _expect_together(node, (21, 22, 23), "layer norms")
    _expect_together(node, (20, 21) if gate else (20,), "layer norms") if norms else None
    for place in (9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23):
        _expect(node, place, cells)
    if not _expect_together(node, (16,), "projection"):
        require((outputs,) == cells, f"expected {cells[0]} outputs, found {outputs}")
        require(len(node.types) <= 17 or node.types[17] == -1, "expected no bias of a projection")
    _expect(node, 16, (outputs, *cells))
    _expect(node, 17, (outputs,))
    _expect(node, 18, (batch, outputs))
    _expect(node, 19, (batch, *cells))
    if node.types[0] == _I8:
        hidden = node.between[4] if len(node.between) == 5 else None
        require(
            hidden is not None and hidden.number == 1,
            "expected 5 intermediate tensors, the last with a scale",
        )
    node.scratch += 4 * batch * (6 * cells[0] + 2 * features + 2 * outputs)
    return [(*sequence[:2], outputs)]


def _rnn(node: Node, batch: int, features: int) -> int:
    weights = node.shapes[1]
    require(len(weights) == 2, f"expected weights of rank 2, found {weights}")
    units = weights[0]
    _expect(node, 1, (units, features))
    _expect(node, 2, (units, units))
    _expect(node, 3, (units,))
    _expect(node, 4, (batch, units))
    return units


def rnn(node: Node) -> list[Shape]:
    """One step: (batch, features)."""
    step = node.shapes[0]
    require(len(step) == 2, f"expected steps of rank 2, found {step}")
    return [(step[0], _rnn(node, *step))]


def sequence_rnn(node: Node) -> list[Shape]:
    """A sequence: (batch, steps, features), or time first."""
    sequence = node.shapes[0]
    require(len(sequence) == 3, f"expected sequences of rank 3, found {sequence}")
    batch = sequence[1] if node.options["time_major"] else sequence[0]
    return [(*sequence[:2], _rnn(node, batch, sequence[2]))]


def svdf(node: Node) -> list[Shape]:
    """A step: (batch, features), with filters over features and over time."""
    step, weights, time = node.shapes[0], node.shapes[1], node.shapes[2]
    sound = len(step) == len(weights) == len(time) == 2 and weights[1] == step[1] and time[0] == weights[0]
    require(sound, f"expected weights that fit {step}, found {weights} and {time}")
    rank, filters = node.options["rank"], weights[0]
    require(filters % rank == 0, f"expected a multiple of {rank} filters, found {filters}")
    _expect(node, 3, (filters // rank,))
    _expect(node, 4, (step[0], time[1] * filters))
    return [(step[0], filters // rank)]
