"""A .tflite file with a single operator, for every operator that the runtime may run.

An example is written as "INPUTS > OUTPUTS". A tensor is "TYPE SIZES", with its values behind "=" if it is a
constant, with "v" before the type if it is a variable, and "-" if it is absent. 8-bit and 16-bit tensors have
a scale of 0.25 unless "*" and another follow the type; "@" and a zero point may follow the scale.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pipelines.ondevice.operators import OPERATORS
from pipelines.ondevice.type_rules import TYPES

DTYPES = {
    "f32": "f4", "f16": "f2", "i32": "i4", "i64": "i8", "i16": "i2", "i8": "i1", "u8": "u1", "u32": "u4",
    "u16": "u2", "bool": "?", "f64": "f8",
}  # fmt: skip
BY_NAME = {operator.name: operator for operator in OPERATORS.values()}
_SCALED = ("i8", "u8", "i16")
_BINARY, _IMAGE = "f32 2,3; f32 3 > f32 2,3", "f32 1,4,4,2"
_STATES = "v f32 1,3; v f32 1,3"
_LSTM = (
    f"{'; '.join(['f32 3,2'] * 4 + ['f32 3,3'] * 4)}; -; -; -; {'; '.join(['f32 3'] * 4)}; -; -; {_STATES}"
)
EXAMPLES: list[tuple[str, str, dict[str, float]]] = [
    *[
        (name, "f32 2,3 > f32 2,3", {})
        for name in [
            "FLOOR", "CEIL", "ROUND", "SIN", "COS", "SIGN", "SQRT", "SQUARE", "LOGISTIC", "TANH",
            "EXP", "LOG", "ELU", "RSQRT", "ABS", "NEG", "RELU", "RELU6", "RELU_N1_TO_1",
            "RELU_0_TO_1", "HARD_SWISH", "ZEROS_LIKE", "GELU", "LOG_SOFTMAX", "L2_NORMALIZATION",
        ]
    ],
    *[
        (name, "i8 2,3 > i8 2,3", {})
        for name in [
            "LOGISTIC", "TANH", "EXP", "LOG", "ELU", "ABS", "RELU", "RELU6", "RELU_N1_TO_1",
            "HARD_SWISH", "GELU",
        ]
    ],
    ("LOGISTIC", "i16 2,3 > i16*0.000030517578125 2,3", {}),
    ("TANH", "i16 2,3 > i16*0.000030517578125 2,3", {}),
    ("RSQRT", "i8*0.25@-128 2,3 > i8 2,3", {}),
    ("LOGICAL_NOT", "bool 2 > bool 2", {}),
    ("LEAKY_RELU", "f32 2,3 > f32 2,3", {"alpha": 0.5}),
    ("LEAKY_RELU", "i8 2,3 > i8 2,3", {"alpha": 0.5}),
    ("PRELU", "f32 1,2,2,3; f32 1,1,3 > f32 1,2,2,3", {}),
    ("PRELU", "i8 1,2,2,3; i8 1,1,3 > i8 1,2,2,3", {}),
    ("SOFTMAX", "f32 2,3 > f32 2,3", {"beta": 1}),
    ("SOFTMAX", "i8 2,3 > i8*0.00390625@-128 2,3", {"beta": 1}),
    ("LOG_SOFTMAX", "i8 2,3 > i8*0.0625@127 2,3", {}),
    ("L2_NORMALIZATION", "i8 2,3 > i8*0.0078125 2,3", {}),
    ("LOCAL_RESPONSE_NORMALIZATION", f"{_IMAGE} > {_IMAGE}", {"radius": 2}),
    ("FAKE_QUANT", "f32 2,3 > f32 2,3", {"min": -1, "max": 1, "bits": 8}),
    *[(name, _BINARY, {}) for name in [
            "ADD", "SUB", "MUL", "DIV", "POW", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE",
        ]],
    *[(name, "i8 2,3; i8 3 > i8 2,3", {}) for name in [
            "ADD", "SUB", "MUL", "MAXIMUM", "SQUARED_DIFFERENCE",
        ]],
    ("ADD", "i16 2,3; i16 3 > i16 2,3", {}),
    ("MUL", "i16 2,3; i16 3 > i16 2,3", {}),
    *[
        (name, "i32 2,3; i32 3=2 3 -4 > i32 2,3", {}) for name in ["DIV", "FLOOR_DIV", "FLOOR_MOD"]
    ],
    *[(name, "i32 2,3; i32 3 > i32 2,3", {}) for name in ("BITWISE_XOR", "RIGHT_SHIFT")],
    ("BITCAST", "f32 2,3 > i32 2,3", {}),
    ("ADD_N", "f32 2; f32 2; f32 2 > f32 2", {}),
    *[(name, "bool 2,3; bool 3 > bool 2,3", {}) for name in ("LOGICAL_OR", "LOGICAL_AND")],
    *[
        (name, f"{kind} 2,3; {kind} 3 > bool 2,3", {})
        for name in [
            "EQUAL", "NOT_EQUAL", "LESS", "GREATER", "LESS_EQUAL", "GREATER_EQUAL",
        ]
        for kind in ("f32", "i8", "i32")
    ],
    ("SELECT", "bool 2,3; f32 2,3; f32 2,3 > f32 2,3", {}),
    ("SELECT_V2", "bool 3; f32 2,3; f32 1 > f32 2,3", {}),
    *[(name, "f32 2,3; i32 1=-1 > f32 2", {}) for name in ["MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX"]],
    *[(name, "i8 2,3; i32 1=1 > i8 2,1", {"keep_dims": 1}) for name in ["MEAN", "SUM", "REDUCE_MIN"]],
    *[(name, "bool 2,3; i32 2=0 1 > bool ", {}) for name in ("REDUCE_ANY", "REDUCE_ALL")],
    *[(name, "f32 2,3; i32 =1 > i32 2", {"output_type": 2}) for name in ("ARG_MAX", "ARG_MIN")],
    *[
        (f"UNSORTED_SEGMENT_{name}", "f32 3,2; i32 3=1 0 1; i32 =2 > f32 2,2", {})
        for name in ("PROD", "MAX", "SUM", "MIN")
    ],
    ("CUMSUM", "f32 2,3; i32 =1 > f32 2,3", {}),
    ("TOPK_V2", "f32 2,3; i32 =2 > f32 2,2; i32 2,2", {}),
    ("CAST", "f32 2 > i32 2", {}),
    ("QUANTIZE", "f32 2 > i8 2", {}),
    ("QUANTIZE", "i8 2 > i8*0.5 2", {}),
    ("DEQUANTIZE", "i8 2 > f32 2", {}),
    ("RESHAPE", "f32 2,3; i32 2=-1 2 > f32 3,2", {}),
    ("SQUEEZE", "f32 2,1 > f32 2", {}),
    ("EXPAND_DIMS", "f32 2; i32 =-1 > f32 2,1", {}),
    ("TRANSPOSE", "f32 2,3; i32 2=1 0 > f32 3,2", {}),
    ("CONCATENATION", "f32 2,3; f32 2,1 > f32 2,4", {"axis": -1}),
    ("CONCATENATION", "i8 2,3; i8 2,1 > i8 2,4", {"axis": 1}),
    ("PACK", "f32 2; f32 2 > f32 2,2", {"count": 2, "axis": 1}),
    ("UNPACK", "f32 2,2 > f32 2; f32 2", {"count": 2, "axis": 1}),
    ("SPLIT", "i32 =1; f32 2,4 > f32 2,2; f32 2,2", {"count": 2}),
    ("SPLIT_V", "f32 2,4; i32 2=1 -1; i32 =1 > f32 2,1; f32 2,3", {"count": 2}),
    ("SLICE", "f32 2,4; i32 2=0 1; i32 2=-1 2 > f32 2,2", {}),
    ("STRIDED_SLICE", "f32 2,4; i32 2=0 1; i32 2=1 4; i32 2=1 2 > f32 2", {"shrink": 1}),
    ("GATHER", "f32 4,2; i32 3 > f32 3,2", {}),
    ("GATHER_ND", "f32 4,2; i32 3,1 > f32 3,2", {}),
    ("EMBEDDING_LOOKUP", "i32 3; f32 4,2 > f32 3,2", {}),
    ("SCATTER_ND", "i32 3,1; f32 3,2; i32 2=4 2 > f32 4,2", {}),
    ("DYNAMIC_UPDATE_SLICE", "f32 4,2; f32 1,2; i32 2 > f32 4,2", {}),
    ("REVERSE_V2", "f32 2,3; i32 1=1 > f32 2,3", {}),
    ("REVERSE_SEQUENCE", "f32 2,3,2; i32 2 > f32 2,3,2", {"sequence": 1}),
    ("TILE", "f32 2,3; i32 2=2 1 > f32 4,3", {}),
    ("BROADCAST_TO", "f32 3; i32 2=2 3 > f32 2,3", {}),
    ("BROADCAST_ARGS", "i32 1=3; i32 2=2 1 > i32 2", {}),
    ("FILL", "i32 2=2 3; f32 =1 > f32 2,3", {}),
    ("RANGE", "i32 =0; i32 =6; i32 =2 > i32 3", {}),
    ("SHAPE", "f32 2,3 > i32 2", {"output_type": 2}),
    ("RANK", "f32 2,3 > i32 ", {}),
    ("ONE_HOT", "i32 2; i32 =3; f32 ; f32  > f32 2,3", {"axis": -1}),
    ("PAD", "f32 2,3; i32 2,2=0 1 2 0 > f32 3,5", {}),
    ("PAD", "i8 2,3; i32 2,2=0 1 2 0 > i8 3,5", {}),
    ("PADV2", "f32 2,3; i32 2,2=0 1 2 0; f32  > f32 3,5", {}),
    ("MIRROR_PAD", "f32 2,3; i32 2,2=0 1 2 0 > f32 3,5", {}),
    ("MATRIX_DIAG", "f32 2,3 > f32 2,3,3", {}),
    ("MATRIX_SET_DIAG", "f32 2,3,4; f32 2,3 > f32 2,3,4", {}),
    ("RFFT2D", "f32 1,4; i32 2=1 4 > c64 1,3", {}),
    *[(name, "c64 2 > f32 2", {}) for name in ("REAL", "IMAG", "COMPLEX_ABS")],
    ("FULLY_CONNECTED", "f32 2,3; f32 4,3; f32 4 > f32 2,4", {}),
    ("FULLY_CONNECTED", "i8 2,3; i8 4,3; i32*0.0625 4 > i8 2,4", {}),
    ("BATCH_MATMUL", "f32 2,3,4; f32 5,4 > f32 2,3,5", {"adj_y": 1}),
    ("BATCH_MATMUL", "i8 2,3,4; i8 4,5 > i8 2,3,5", {}),
    ("BATCH_MATMUL", "i16 2,3,4; i8 4,5 > i16 2,3,5", {}),
    (
        "CONV_2D", f"{_IMAGE}; f32 3,2,2,2; f32 3 > f32 1,2,2,3",
        {"padding": 1, "dilation_h": 2, "dilation_w": 2},
    ),
    ("CONV_2D", "i8 1,4,4,2; i8 3,2,2,2; i32*0.0625 3 > i8 1,4,4,3", {}),
    (
        "DEPTHWISE_CONV_2D", f"{_IMAGE}; f32 1,2,2,4; f32 4 > f32 1,2,2,4",
        {"padding": 1, "multiplier": 2, "dilation_h": 2, "dilation_w": 2},
    ),
    ("DEPTHWISE_CONV_2D", "i8 1,4,4,2; i8 1,2,2,2; i32*0.0625 2 > i8 1,4,4,2", {"multiplier": 1}),
    (
        "TRANSPOSE_CONV", "i32 4=1 4 4 3; f32 3,2,2,2; f32 1,2,2,2 > f32 1,4,4,3",
        {"stride_h": 2, "stride_w": 2},
    ),
    *[
        (name, f"{_IMAGE} > f32 1,2,2,2", {"stride_h": 2, "stride_w": 2, "filter_h": 3, "filter_w": 2})
        for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D")
    ],
    *[
        (name, f"{_IMAGE}; i32 2=8 2 > f32 1,8,2,2", {})
        for name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
    ],
    ("SPACE_TO_DEPTH", f"{_IMAGE} > f32 1,2,2,8", {"block": 2}),
    ("DEPTH_TO_SPACE", "f32 1,2,2,8 > f32 1,4,4,2", {"block": 2}),
    ("SPACE_TO_BATCH_ND", f"{_IMAGE}; i32 2=2 2; i32 2,2=0 0 0 0 > f32 4,2,2,2", {}),
    ("BATCH_TO_SPACE_ND", "f32 4,2,2,2; i32 2=2 2; i32 2,2=0 0 0 0 > f32 1,4,4,2", {}),
    ("UNIDIRECTIONAL_SEQUENCE_LSTM", f"f32 1,5,2; {_LSTM}; -; -; -; - > f32 1,5,3", {"activation": 4}),
    (
        "UNIDIRECTIONAL_SEQUENCE_RNN", "f32 1,5,2; f32 3,2; f32 3,3; f32 3; v f32 1,3 > f32 1,5,3",
        {"activation": 4},
    ),
    ("RNN", "f32 1,2; f32 3,2; f32 3,3; f32 3; v f32 1,3 > f32 1,3", {"activation": 4}),
    ("SVDF", "f32 1,2; f32 4,2; f32 4,5; f32 2; v f32 1,20 > f32 1,2", {"rank": 2}),
]  # fmt: skip
"""Name, tensors, and options that aren't the smallest allowed, but at least 0."""


class Made(NamedTuple):
    """A tensor of an example."""

    kind: str
    shape: tuple[int, ...]
    values: list[float] | None
    variable: bool
    scale: float | None
    zero: int = 0


class Example:
    """A file with one operator, which can be changed before it is packed.

    Attributes:
        name: the name of the operator.
        inputs, outputs: its tensors; None is an absent one.
        options: its options by name; None: no table.
        number: the type of the options.
    """

    def __init__(self, name: str, text: str, options: dict[str, float]) -> None:
        self.name = name
        given, _, made = text.partition(">")
        self.inputs = [_tensor(each) for each in given.split(";")]
        self.outputs = [_tensor(each) for each in made.split(";")]
        wanted = BY_NAME[name].options
        self.number = wanted.number if wanted else 0
        self.options: dict[str, float] | None = None
        if wanted:
            usual = {field: max(least, 0) for field, (_, _, least, _) in wanted.fields.items()}
            self.options = {**usual, **options}

    def copy(self) -> Example:
        return copy.deepcopy(self)

    def content(self) -> bytes:
        """Pack the file. What isn't a constant, a variable or absent is an input of the signature `serve`."""
        graph, model = schema.SubGraphT(), schema.ModelT()
        model.version, model.buffers = 3, [schema.BufferT()]
        graph.tensors = []
        inputs = [self._add(each, graph, model) for each in self.inputs]
        outputs = [self._add(each, graph, model) for each in self.outputs]
        places = zip(inputs, self.inputs, strict=True)
        graph.inputs = [i for i, each in places if each and each.values is None and not each.variable]
        graph.outputs = outputs
        graph.operators = [self._operator(inputs, outputs)]
        code = schema.OperatorCodeT()
        code.builtinCode, code.version = BY_NAME[self.name].number, 2 if self.name == "BROADCAST_TO" else 1
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        model.operatorCodes, model.subgraphs = [code], [graph]
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serve", 0
        signature.inputs = [_entry(f"in{i}", i) for i in graph.inputs]
        signature.outputs = [_entry(f"out{i}", i) for i in outputs]
        model.signatureDefs = [signature]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _operator(self, inputs: list[int], outputs: list[int]) -> Any:
        operator = schema.OperatorT()
        operator.inputs, operator.outputs = inputs, outputs
        if self.options is None:
            return operator
        names = {number: name for name, number in vars(schema.BuiltinOptions).items()}
        table = getattr(schema, f"{names[self.number]}T")()
        fields = BY_NAME[self.name].options.fields
        for name, value in self.options.items():
            field, kind = fields[name][:2]
            attributes = list(vars(table))
            left_out = 2 if self.name == "RESIZE_BILINEAR" else 0  # two fields that nobody uses any more
            attribute = attributes[field - left_out]
            setattr(table, attribute, value if kind == "f" else int(value))
        operator.builtinOptions, operator.builtinOptionsType = table, self.number
        return operator

    @staticmethod
    def _add(made: Made | None, graph: Any, model: Any) -> int:
        if made is None:
            return -1
        tensor = schema.TensorT()
        tensor.type, tensor.shape, tensor.isVariable = TYPES[made.kind], list(made.shape), made.variable
        tensor.name, tensor.buffer = f"t{len(graph.tensors)}", 0
        if made.scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [made.scale], [made.zero]
        if made.values is not None:
            buffer = schema.BufferT()
            with np.errstate(over="ignore", invalid="ignore"):
                values = np.array(made.values).astype(DTYPES[made.kind])
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            tensor.buffer = len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1


def _tensor(text: str) -> Made | None:
    text = text.strip(" ") if "=" not in text else text.strip()
    if text == "-":
        return None
    variable = text.startswith("v ")
    head, equal, values = text.removeprefix("v ").partition("=")
    kind, _, sizes = head.strip().partition(" ")
    kind, _, scale = kind.partition("*")
    scale, _, zero = scale.partition("@")
    shape = tuple(int(size) for size in sizes.split(",")) if sizes.strip() else ()
    numbers = [float(each) for each in values.split()] if equal else None
    scaled = float(scale or 0.25) if scale or kind in _SCALED else None
    return Made(kind, shape, numbers, variable, scaled, int(zero or 0))


def _entry(name: str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, tensor
    return entry
