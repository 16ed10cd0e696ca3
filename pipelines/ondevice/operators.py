"""List the operators that a .tflite file may use, each with the rules that LiteRT's kernels rely on.

The kernels don't check all of them. An operator that isn't in the list is refused by its name. Operators that
multiply with weights or work on images are in `network_operators`.
"""

from __future__ import annotations

from typing import Any

from . import grow_rules as grow
from . import move_rules as moves
from . import shape_rules as shapes
from .network_operators import NETWORK_OPERATORS
from .operator_kinds import ACTIVATION, FLAG, ONE, Operator, options

_F, _FI = "f32", "f32 i32 i64"
_NUMBERS = "f32 i32 i64 i16 i8 u8"
_QUANT = "f32 i16 i8 u8"
_ALL = "f32 f16 i32 i64 i16 i8 u8 bool u32 u16"
_MOVED = f"{_ALL} c64"
_TWO, _AXIS = "T T > T", "T i32 > T"

_REDUCE = options(27, keep_dims=(0, "?", *FLAG))
_CASTS = "f32 f16 f64 i8 u8 i16 u16 i32 u32 i64 bool c64"


def _unary(names: dict[str, int], types: str, scales: str = "each", **rest: Any) -> list[Operator]:
    return [
        Operator(name, number, ONE, types, shapes.same, scales=scales, **rest)
        for name, number in names.items()
    ]


def _reduce(names: dict[str, int], types: str, scales: str = "each") -> list[Operator]:
    return [
        Operator(name, number, _AXIS, types, shapes.reduced, _REDUCE, scales)
        for name, number in names.items()
    ]


def _compare(names: dict[str, int], types: str) -> list[Operator]:
    return [
        Operator(name, number, "T T > bool", types, shapes.broadcast, scales="compare", rank=4)
        for name, number in names.items()
    ]


_LIST = [
    *_unary({"FLOOR": 8, "CEIL": 104, "ROUND": 116, "SIN": 66, "COS": 108, "SIGN": 158}, _F, empty=True),
    *_unary({"SQRT": 75, "SQUARE": 92}, _F, empty=True),
    *_unary({"LOGISTIC": 14, "TANH": 28}, _QUANT, empty=True),
    *_unary({"EXP": 47}, "f32 i8 i16", empty=True),
    *_unary({"LOG": 73, "ELU": 111}, "f32 i8", empty=True),
    *_unary({"RSQRT": 76}, "f32 i8", empty=True),
    *_unary({"ABS": 101}, "f32 i32 i16 i8", "ratio", empty=True),
    *_unary({"NEG": 59}, _FI, empty=True),
    *_unary({"RELU": 19, "RELU6": 21}, _QUANT, "ratio", empty=True),
    *_unary({"RELU_N1_TO_1": 20}, "f32 i8 u8", "ratio", empty=True),
    *_unary({"RELU_0_TO_1": 152}, _F, empty=True),
    *_unary({"HARD_SWISH": 117}, "f32 i8 u8", "ratio", empty=True),
    *_unary({"LOGICAL_NOT": 87}, "bool", empty=True),
    *_unary({"ZEROS_LIKE": 93}, _FI, "none", empty=True),
    Operator("GELU", 150, ONE, "f32 i8 u8", shapes.same, options(116, approximate=(0, "?", *FLAG))),
    Operator("LEAKY_RELU", 98, ONE, _QUANT, shapes.same, options(75, alpha=(0, "f", -1e6, 1e6)), "ratio"),
    Operator("PRELU", 54, _TWO, "f32 i8 u8", shapes.slopes, scales="product", rank=4),
    Operator("SOFTMAX", 25, ONE, _QUANT, shapes.last_axis, options(9, beta=(0, "f", 1e-6, 1e6)), "softmax"),
    Operator("LOG_SOFTMAX", 50, ONE, "f32 i8 u8", shapes.last_axis, scales="softmax"),
    Operator(
        "L2_NORMALIZATION", 11, ONE, "f32 i8 u8", shapes.last_axis, options(12, activation=(0, "b", 0, 0))
    ),
    Operator(
        "LOCAL_RESPONSE_NORMALIZATION", 13, ONE, _F, shapes.images, options(13, radius=(0, "i", 0, 1 << 15))
    ),
    Operator(
        "FAKE_QUANT", 80, ONE, _F, shapes.fake_quant,
        options(58, min=(0, "f", -1e9, 0), max=(1, "f", 0, 1e9), bits=(2, "i", 2, 16), narrow=(3, "?", 0, 0)),
    ),
    Operator(
        "ADD", 0, _TWO, _NUMBERS, shapes.added, options(11, activation=ACTIVATION, powers=(1, "?", *FLAG)),
        "sum", 6, True,
    ),
    Operator("SUB", 41, _TWO, _NUMBERS, shapes.broadcast, options(28, activation=ACTIVATION), "sum", 5, True),
    Operator(
        "MUL", 18, _TWO, f"{_NUMBERS} u32 c64", shapes.broadcast, options(21, activation=ACTIVATION),
        "product", 6, True,
    ),
    Operator("DIV", 42, _TWO, "f32 i32", shapes.divided, options(29, activation=ACTIVATION), rank=5),
    Operator("FLOOR_DIV", 90, _TWO, "f32 i32 i16 i8", shapes.divided, scales="none", rank=4),
    Operator("FLOOR_MOD", 95, _TWO, "f32 i32 i64 i16 i8", shapes.divided, scales="none", rank=4),
    Operator("BITCAST", 159, "T > i32", "f32", shapes.same, scales="none"),
    Operator("BITWISE_XOR", 160, _TWO, "i32", shapes.broadcast, rank=4),
    Operator("RIGHT_SHIFT", 161, _TWO, "i32", shapes.broadcast, rank=4),
    Operator("POW", 78, _TWO, "f32 i32", shapes.broadcast, rank=4),
    Operator("MAXIMUM", 55, _TWO, _NUMBERS, shapes.broadcast, rank=5),
    Operator("MINIMUM", 57, _TWO, _NUMBERS, shapes.broadcast, rank=5),
    Operator("SQUARED_DIFFERENCE", 99, _TWO, "f32 i32 i8", shapes.broadcast, scales="square", rank=4),
    Operator("ADD_N", 106, "T T* > T", "f32 i32", shapes.alike),
    Operator("LOGICAL_OR", 84, _TWO, "bool", shapes.broadcast, rank=4, empty=True),
    Operator("LOGICAL_AND", 86, _TWO, "bool", shapes.broadcast, rank=4, empty=True),
    *_compare({"EQUAL": 71, "NOT_EQUAL": 72}, f"{_FI} i16 i8 u8 bool"),
    *_compare({"LESS": 58, "GREATER": 61, "LESS_EQUAL": 63, "GREATER_EQUAL": 62}, f"{_FI} i8 u8"),
    Operator("SELECT", 64, "bool T T > T", _ALL, shapes.selected, scales="none"),
    Operator("SELECT_V2", 123, "bool T T > T", _ALL, shapes.broadcast, scales="none", rank=5),
    *_reduce({"MEAN": 40}, _NUMBERS, "ratio"),
    *_reduce({"SUM": 74}, _NUMBERS, "ratio"),
    *_reduce({"REDUCE_PROD": 81}, _FI),
    *_reduce({"REDUCE_MAX": 82, "REDUCE_MIN": 89}, _NUMBERS),
    *_reduce({"REDUCE_ANY": 91, "REDUCE_ALL": 140}, "bool"),
    *[
        Operator(
            name, number, "T i32|i64 > i32; T i32|i64 > i64", "f32 i32 i8 u8 bool", shapes.arg,
            options(table, output_type=(0, "b", 2, 4)), "none",
        )
        for name, number, table in (("ARG_MAX", 56, 40), ("ARG_MIN", 79, 57))
    ],
    *[
        Operator(name, number, "T i32 i32 > T", "f32 i32", shapes.segmented)
        for name, number in (
            ("UNSORTED_SEGMENT_PROD", 153), ("UNSORTED_SEGMENT_MAX", 154), ("UNSORTED_SEGMENT_SUM", 155),
            ("UNSORTED_SEGMENT_MIN", 157),
        )
    ],
    Operator(
        "CUMSUM", 128, "T i32 > T", _FI, shapes.cumulated,
        options(102, exclusive=(0, "?", *FLAG), reverse=(1, "?", *FLAG)),
    ),
    Operator("TOPK_V2", 48, "T i32 > T i32", _NUMBERS, shapes.top, scales="none"),
    Operator(
        "CAST", 53, "; ".join(f"T > {made}" for made in _CASTS.split()), _CASTS, shapes.same, scales="none",
        empty=True,
    ),
    Operator(
        "QUANTIZE", 114, "f32|i8|u8|i16|i32 > i8|u8; f32|i8|i16|i32 > i16; i16 > i32", "", shapes.same,
        scales="ratio", empty=True,
    ),
    Operator("DEQUANTIZE", 6, "i8|u8|i16|f16|i4 > f32", "", shapes.same, empty=True),
    Operator("RESHAPE", 22, "T i32? > T", _MOVED, moves.reshaped, scales="none", empty=True),
    Operator("SQUEEZE", 43, ONE, _MOVED, moves.squeezed, options(30), "none", empty=True),
    Operator("EXPAND_DIMS", 70, "T i32|i64 > T", _MOVED, moves.expanded, scales="none", empty=True),
    Operator("TRANSPOSE", 39, _AXIS, _ALL, moves.transposed, scales="none", rank=6),
    Operator(
        "CONCATENATION", 2, "T* > T", _ALL, moves.joined,
        options(10, axis=(0, "i", -8, 7), activation=(1, "b", 0, 3)), "none", empty=True,
    ),
    Operator(
        "PACK", 83, "T* > T", _ALL, moves.packed,
        options(59, count=(0, "i", 1, 1 << 16), axis=(1, "i", -8, 7)), "none",
    ),
    Operator(
        "UNPACK", 88, "T > T*", "f32 i32 i64 i16 i8 u8 bool", moves.unpacked,
        options(64, count=(0, "i", 1, 1 << 16), axis=(1, "i", -8, 7)), "none",
    ),
    Operator("SPLIT", 49, "i32 T > T*", "f32 i32 i16 i8 u8", moves.split,
             options(35, count=(0, "i", 1, 1 << 16)), "none"),
    Operator("SPLIT_V", 102, "T i32|i64 i32 > T*", "f32 i32 i64 i16 i8 u8", moves.split_by_sizes,
             options(79, count=(0, "i", 1, 1 << 16)), "none"),
    Operator("SLICE", 65, "T i32 i32 > T; T i64 i64 > T", _ALL, moves.sliced, scales="none", rank=5),
    Operator(
        "STRIDED_SLICE", 45, "T i32 i32 i32 > T", _ALL, moves.strided,
        options(
            32, begin=(0, "i", 0, 255), end=(1, "i", 0, 255), ellipsis=(2, "i", 0, 255), new=(3, "i", 0, 255),
            shrink=(4, "i", 0, 255), offset=(5, "?", 0, 0),
        ),
        "none", 5,
    ),
    Operator(
        "GATHER", 36, "T i32|i64 > T", _ALL, moves.gathered,
        options(23, axis=(0, "i", -8, 7), batch=(1, "i", -8, 7)), "none",
    ),
    Operator("GATHER_ND", 107, "T i32|i64 > T", "f32 i32 i64 i16 i8 u8 bool", moves.gathered_nd,
             scales="none"),
    Operator("EMBEDDING_LOOKUP", 7, "i32 T > T; i32 i8|u8|i4 > f32", "f32 i8 u8", moves.looked_up,
             scales="none"),
    Operator("SCATTER_ND", 122, "i32 T i32 > T", "f32 i32 i64 i8 u8 bool", moves.scattered, scales="none"),
    Operator("DYNAMIC_UPDATE_SLICE", 151, "T T i32|i64 > T", "f32 i32 i64 i8 bool", moves.updated,
             scales="none"),
    Operator("REVERSE_V2", 105, _AXIS, "f32 i32 i64 i16 i8 u8 bool", moves.reversed_axes, scales="none"),
    Operator(
        "REVERSE_SEQUENCE", 112, "T i32|i64 > T", "f32 i32 i64 i16 u8", moves.reversed_sequences,
        options(87, sequence=(0, "i", 0, 7), batch=(1, "i", 0, 7)), "none",
    ),
    Operator("TILE", 69, "T i32|i64 > T", "f32 i32 i64 i8 u8 bool", grow.tiled, scales="none"),
    Operator("BROADCAST_TO", 130, "T i32|i64 > T", _ALL, grow.broadcast_to, scales="none"),
    Operator("BROADCAST_ARGS", 145, _TWO, "i32 i64", grow.broadcast_args),
    Operator("FILL", 94, "i32|i64 T > T", "f32 f16 i32 i64 i16 i8 bool", grow.filled, scales="none",
             empty=True),
    Operator("RANGE", 96, "T T T > T", _FI, grow.ranged),
    Operator("SHAPE", 77, "T > i32; T > i64", _MOVED, grow.shape_of,
             options(55, output_type=(0, "b", 2, 4)), "none"),
    Operator("RANK", 110, "T > i32", _MOVED, grow.rank_of, scales="none"),
    Operator("ONE_HOT", 85, "i32|i64 i32 T T > T", "f32 i32 i64 i16 i8 u8 bool", grow.one_hot,
             options(61, axis=(0, "i", -1, 7)), "none"),
    Operator("PAD", 34, "T i32|i64 > T", "f32 i32 i64 i16 i8 u8 bool", grow.padded, rank=5),
    Operator("PADV2", 60, "T i32|i64 T > T", "f32 i32 i64 i16 i8 u8 bool", grow.padded, rank=5),
    Operator("MIRROR_PAD", 100, "T i32|i64 > T", _NUMBERS, grow.mirrored,
             options(77, mode=(0, "b", 0, 1)), "none", 5),
    Operator("MATRIX_DIAG", 113, ONE, _NUMBERS, grow.diagonal, scales="none", rank=7),
    Operator("MATRIX_SET_DIAG", 115, _TWO, _NUMBERS, grow.set_diagonal, scales="none"),
    Operator("RFFT2D", 131, "f32 i32 > c64", "", grow.transformed),
    *[
        Operator(name, number, "c64 > f32", "", shapes.same)
        for name, number in (("REAL", 134), ("IMAG", 133), ("COMPLEX_ABS", 135))
    ],
    *NETWORK_OPERATORS,
]  # fmt: skip
OPERATORS = {operator.number: operator for operator in _LIST}
"""The operators by the numbers by which files refer to them, without IF and WHILE."""
_CALLING = {118: "IF", 119: "WHILE"}


def op_name(code: int) -> str:
    """Return the name of an operator for messages, as the format has it."""
    if code in OPERATORS:
        return OPERATORS[code].name
    return _CALLING.get(code) or _name_of_others(code)


def _name_of_others(code: int) -> str:
    from ai_edge_litert.schema_py_generated import (
        BuiltinOperator,  # late: only files that are refused need it
    )

    return {number: name for name, number in vars(BuiltinOperator).items()}.get(code, f"operator {code}")
