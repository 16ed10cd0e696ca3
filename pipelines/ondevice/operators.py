"""Define rules of TFLite's operators: their numbers of inputs and outputs, and which tensors need a scale.

LiteRT's kernels rely on these rules and don't check all of them. Operators that aren't in the tables here are
checked against the general rules only.
"""

from __future__ import annotations

NAMED = {
    "ADD": 0, "CONCATENATION": 2, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 4, "DEQUANTIZE": 6,
    "EMBEDDING_LOOKUP": 7, "FULLY_CONNECTED": 9, "LOGISTIC": 14, "LSTM": 16, "MUL": 18, "RELU": 19,
    "RESHAPE": 22, "RNN": 24, "SOFTMAX": 25, "SVDF": 27, "TANH": 28, "PAD": 34,
    "UNIDIRECTIONAL_SEQUENCE_RNN": 35, "GATHER": 36, "TRANSPOSE": 39, "MEAN": 40, "SUB": 41, "DIV": 42,
    "SQUEEZE": 43, "UNIDIRECTIONAL_SEQUENCE_LSTM": 44, "STRIDED_SLICE": 45,
    "BIDIRECTIONAL_SEQUENCE_RNN": 46, "EXP": 47, "SPLIT": 49, "BIDIRECTIONAL_SEQUENCE_LSTM": 52, "CAST": 53,
    "MAXIMUM": 55, "ARG_MAX": 56, "MINIMUM": 57, "LESS": 58, "NEG": 59, "PADV2": 60, "GREATER": 61,
    "GREATER_EQUAL": 62, "LESS_EQUAL": 63, "SELECT": 64, "SLICE": 65, "TILE": 69, "EXPAND_DIMS": 70,
    "EQUAL": 71, "NOT_EQUAL": 72, "LOG": 73, "SUM": 74, "SQRT": 75, "RSQRT": 76, "SHAPE": 77, "POW": 78,
    "REDUCE_PROD": 81, "REDUCE_MAX": 82, "PACK": 83, "LOGICAL_OR": 84, "ONE_HOT": 85, "LOGICAL_AND": 86,
    "LOGICAL_NOT": 87, "UNPACK": 88, "REDUCE_MIN": 89, "REDUCE_ANY": 91, "SQUARE": 92, "ZEROS_LIKE": 93,
    "FILL": 94, "RANGE": 96, "SQUARED_DIFFERENCE": 99, "ABS": 101, "SPLIT_V": 102, "REVERSE_V2": 105,
    "GATHER_ND": 107, "QUANTIZE": 114, "IF": 118, "WHILE": 119, "SELECT_V2": 123, "BATCH_MATMUL": 126,
    "BROADCAST_TO": 130, "REDUCE_ALL": 140, "DYNAMIC_UPDATE_SLICE": 151,
}  # fmt: skip
"""The numbers by which files refer to the operators that are named here and in `graph_check`."""

_INPUTS = {
    (1, 1): "DEQUANTIZE LOGISTIC RELU SOFTMAX TANH SQUEEZE EXP CAST NEG LOG SQRT RSQRT SHAPE LOGICAL_NOT "
    "SQUARE ZEROS_LIKE ABS UNPACK QUANTIZE",
    (1, 2): "RESHAPE",
    (2, 2): "ADD MUL SUB DIV MAXIMUM MINIMUM LESS GREATER GREATER_EQUAL LESS_EQUAL EQUAL NOT_EQUAL POW "
    "LOGICAL_OR LOGICAL_AND SQUARED_DIFFERENCE EMBEDDING_LOOKUP PAD GATHER GATHER_ND TRANSPOSE MEAN SUM "
    "REDUCE_PROD REDUCE_MAX REDUCE_MIN REDUCE_ANY REDUCE_ALL SPLIT ARG_MAX TILE EXPAND_DIMS FILL REVERSE_V2 "
    "BATCH_MATMUL BROADCAST_TO",
    (2, 3): "FULLY_CONNECTED CONV_2D DEPTHWISE_CONV_2D",
    (3, 3): "PADV2 SELECT SELECT_V2 SLICE RANGE SPLIT_V DYNAMIC_UPDATE_SLICE",
    (4, 4): "STRIDED_SLICE ONE_HOT",
    (5, 5): "SVDF UNIDIRECTIONAL_SEQUENCE_RNN RNN",
    (20, 24): "UNIDIRECTIONAL_SEQUENCE_LSTM",
    (1, 1 << 16): "CONCATENATION PACK",
}
_COUNTS = {NAMED[name]: counts for counts, names in _INPUTS.items() for name in names.split()}
_ABSENT = {
    "FULLY_CONNECTED": {2},
    "CONV_2D": {2},
    "DEPTHWISE_CONV_2D": {2},
    "SVDF": {3},
    # input gate, peepholes, projection, layer norm
    "UNIDIRECTIONAL_SEQUENCE_LSTM": {1, 5, 9, 10, 11, 12, 16, 17, 20, 21, 22, 23},
}
_MAY_BE_ABSENT = {NAMED[name]: places for name, places in _ABSENT.items()}
_MOVE = (
    "RESHAPE GATHER GATHER_ND SLICE STRIDED_SLICE CAST TRANSPOSE WHILE IF PACK UNPACK CONCATENATION SPLIT "
    "SPLIT_V SHAPE SQUEEZE EXPAND_DIMS EMBEDDING_LOOKUP SELECT SELECT_V2 EQUAL NOT_EQUAL TILE REVERSE_V2 "
    "DYNAMIC_UPDATE_SLICE BROADCAST_TO FILL ZEROS_LIKE"
)
PLAIN = frozenset(NAMED[name] for name in _MOVE.split())
"""Operators that move values without computing: their 8-bit and 16-bit tensors need no scale."""

_SAME_INPUTS = (
    "ADD SUB MUL DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE POW CONCATENATION PACK LESS LESS_EQUAL GREATER "
    "GREATER_EQUAL EQUAL NOT_EQUAL LOGICAL_OR LOGICAL_AND"
)
SAME_INPUTS = frozenset(NAMED[name] for name in _SAME_INPUTS.split())
"""Operators whose inputs all have the same type."""

_SAME_OUTPUT = (
    "ADD SUB MUL DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE POW CONCATENATION PACK UNPACK LOGISTIC TANH RELU "
    "SOFTMAX EXP NEG LOG SQRT RSQRT SQUARE ABS FULLY_CONNECTED CONV_2D DEPTHWISE_CONV_2D BATCH_MATMUL "
    "RESHAPE GATHER GATHER_ND SLICE STRIDED_SLICE TRANSPOSE SQUEEZE EXPAND_DIMS TILE REVERSE_V2 PAD PADV2 "
    "DYNAMIC_UPDATE_SLICE BROADCAST_TO SPLIT_V UNIDIRECTIONAL_SEQUENCE_LSTM UNIDIRECTIONAL_SEQUENCE_RNN SVDF"
)
SAME_OUTPUT = frozenset(NAMED[name] for name in _SAME_OUTPUT.split())
"""Operators whose outputs have the type of their first input."""

_BY_AXIS = (
    "FULLY_CONNECTED CONV_2D DEPTHWISE_CONV_2D BATCH_MATMUL EMBEDDING_LOOKUP DEQUANTIZE LSTM RNN SVDF "
    "UNIDIRECTIONAL_SEQUENCE_RNN UNIDIRECTIONAL_SEQUENCE_LSTM BIDIRECTIONAL_SEQUENCE_RNN "
    "BIDIRECTIONAL_SEQUENCE_LSTM"
)
ONE_SCALE = frozenset(NAMED.values()) - {NAMED[name] for name in _BY_AXIS.split()}
"""Operators whose tensors have one scale, not one for each row."""

OUTPUTS_COUNTED = frozenset(NAMED[name] for name in ("SPLIT", "SPLIT_V", "UNPACK"))
"""Operators whose options start with the number of outputs."""

OPTIONS = {
    NAMED[name]: number
    for name, number in {
        "CONV_2D": 1, "DEPTHWISE_CONV_2D": 2, "SVDF": 6, "FULLY_CONNECTED": 8, "SOFTMAX": 9,
        "CONCATENATION": 10, "GATHER": 23, "UNIDIRECTIONAL_SEQUENCE_RNN": 31, "STRIDED_SLICE": 32,
        "SPLIT": 35, "PACK": 59, "UNPACK": 64, "UNIDIRECTIONAL_SEQUENCE_LSTM": 71, "SPLIT_V": 79, "IF": 92,
        "WHILE": 93, "BATCH_MATMUL": 101,
    }.items()
}  # fmt: skip
"""For operators that need options: the type of the options."""

_REMEMBER = (
    "LSTM RNN SVDF UNIDIRECTIONAL_SEQUENCE_RNN UNIDIRECTIONAL_SEQUENCE_LSTM BIDIRECTIONAL_SEQUENCE_RNN "
    "BIDIRECTIONAL_SEQUENCE_LSTM"
)
STATEFUL = frozenset(NAMED[name] for name in _REMEMBER.split())
"""Operators that keep variables from one run to the next."""

UNSUPPORTED = frozenset({31, 173, 174, 190, 198, 199, 200, 206, 209})
"""CALL and the StableHLO operators that call graphs."""

_NUMBERED = {number: name for name, number in NAMED.items()}


def op_name(code: int) -> str:
    """Return the name of an operator for messages."""
    return _NUMBERED.get(code, f"operator {code}")


def wrong_counts(code: int, inputs: list[int], outputs: list[int]) -> str | None:
    """Check the numbers of an operator's inputs (-1: absent) and outputs; return what is wrong, or None."""
    if code not in _COUNTS:
        return None
    least, most = _COUNTS[code]
    if not least <= len(inputs) <= most:
        return f"expected {least} to {most} inputs, found {len(inputs)}"
    for place, tensor in enumerate(inputs):
        if tensor == -1 and place not in _MAY_BE_ABSENT.get(code, ()):
            return f"input {place} is absent"
    if not outputs or (len(outputs) > 1 and code not in OUTPUTS_COUNTED):
        return f"expected one output, found {len(outputs)}"
    return None
