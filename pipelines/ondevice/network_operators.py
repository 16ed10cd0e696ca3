"""List the operators that multiply with weights, work on images or keep a state, each with its rules."""

from __future__ import annotations

import math

from . import filter_rules as filters
from . import recurrent_rules as recurrent
from .operator_kinds import ACTIVATION, FLAG, ONE, Field, Operator, Options, options

_QUANTIZED = "f32 i16 i8 u8"
_RECURRENT: Field = (0, "b", 0, 4)
_CLIP: Field = (1, "f", 0, math.inf)
_STRIDE, _PADDING = (1, 1 << 15), (0, "b", 0, 1)
_FILTER = {"padding": _PADDING, "stride_w": (1, "i", *_STRIDE), "stride_h": (2, "i", *_STRIDE)}
_POOL = Options(
    5,
    {
        **_FILTER,
        "filter_w": (3, "i", *_STRIDE),
        "filter_h": (4, "i", *_STRIDE),
        "activation": (5, "b", 0, 3),
    },
)
_DILATION = {"dilation_w": (4, "i", *_STRIDE), "dilation_h": (5, "i", *_STRIDE)}
_CONV = Options(1, {**_FILTER, "activation": (3, "b", 0, 3), **_DILATION})
_DEPTHWISE = Options(
    2,
    {
        **_FILTER,
        "multiplier": (3, "i", 0, 1 << 15),
        "activation": (4, "b", 0, 3),
        "dilation_w": (5, "i", *_STRIDE),
        "dilation_h": (6, "i", *_STRIDE),
    },
)
_BLOCK = (0, "i", 1, 1 << 15)
_WEIGHTS = (
    "f32 f32 f32? > f32; f32 i8 f32? > f32; f32 i4 f32? > f32; i8 i8 i32? > i8; i8 i4 i32? > i8; "
    "u8 u8 i32? > u8; i16 i8 i64? > i16; i16 i8 i32? > i16"
)

NETWORK_OPERATORS = [
    Operator(
        "FULLY_CONNECTED", 9, _WEIGHTS, "", filters.fully_connected,
        options(8, activation=ACTIVATION, format=(1, "b", 0, 0), keep=(2, "?", *FLAG)), "filter",
    ),
    Operator(
        "BATCH_MATMUL", 126, "T T > T; f32 i8 > f32; i16 i8 > i16", "f32 i8 i16 i32", filters.matmul,
        options(101, adj_x=(0, "?", *FLAG), adj_y=(1, "?", *FLAG)), "matrices", 5,
    ),
    Operator("CONV_2D", 3, _WEIGHTS, "", filters.conv, _CONV, "filter"),
    Operator("DEPTHWISE_CONV_2D", 4, _WEIGHTS, "", filters.depthwise, _DEPTHWISE, "filter"),
    Operator(
        "TRANSPOSE_CONV", 67,
        "i32 f32 f32 f32? > f32; i32 i8 i8 i32? > i8; i32 u8 u8 i32? > u8; i32 i8 i16 i64? > i16", "",
        filters.transpose_conv, Options(49, {**_FILTER, "activation": (3, "b", 0, 3)}), "filter",
    ),
    Operator("AVERAGE_POOL_2D", 1, ONE, _QUANTIZED, filters.pool, _POOL),
    Operator("MAX_POOL_2D", 17, ONE, _QUANTIZED, filters.pool, _POOL),
    Operator("L2_POOL_2D", 12, ONE, "f32", filters.pool, _POOL),
    Operator(
        "RESIZE_BILINEAR", 23, "T i32 > T", "f32 i8 u8 i16", filters.resized,
        options(15, align=(2, "?", *FLAG), half=(3, "?", *FLAG)), "none",
    ),
    Operator(
        "RESIZE_NEAREST_NEIGHBOR", 97, "T i32 > T", "f32 i8 u8 i16", filters.resized,
        options(74, align=(0, "?", *FLAG), half=(1, "?", *FLAG)), "none",
    ),
    Operator("SPACE_TO_DEPTH", 26, ONE, "f32 i32 i64 i8 u8", filters.to_depth, options(19, block=_BLOCK),
             "none"),
    Operator("DEPTH_TO_SPACE", 5, ONE, "f32 i32 i64 i8 u8", filters.to_space, options(94, block=_BLOCK),
             "none"),
    Operator("SPACE_TO_BATCH_ND", 38, "T i32 i32 > T", "f32 i32 i64 i16 i8 u8", filters.to_batch),
    Operator("BATCH_TO_SPACE_ND", 37, "T i32 i32 > T", "f32 i32 i64 i16 i8 u8", filters.from_batch),
    Operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", 44, recurrent.LSTM_TYPES, "", recurrent.lstm,
        options(
            71, activation=(0, "b", 4, 4), cell_clip=_CLIP, projection_clip=(2, "f", 0, math.inf),
            time_major=(3, "?", *FLAG),
        ),
        "recurrent",
    ),
    Operator(
        "UNIDIRECTIONAL_SEQUENCE_RNN", 35, recurrent.RNN_TYPES, "", recurrent.sequence_rnn,
        options(31, time_major=(0, "?", *FLAG), activation=(1, "b", 0, 4)), "recurrent",
    ),
    Operator("RNN", 24, recurrent.RNN_TYPES, "", recurrent.rnn, options(7, activation=_RECURRENT),
             "recurrent"),
    Operator(
        "SVDF", 27, recurrent.SVDF_TYPES, "", recurrent.svdf,
        options(6, rank=(0, "i", 1, 1 << 16), activation=(1, "b", 0, 3)), "recurrent",
    ),
]  # fmt: skip
