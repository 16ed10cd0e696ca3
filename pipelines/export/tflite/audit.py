"""Lists the ops of a .tflite file. Reads the file directly: needs neither TensorFlow nor an interpreter."""

from __future__ import annotations

from collections import Counter

from ai_edge_litert import schema_py_generated as schema

from ...errors import ExportError

_NAMES = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
_CUSTOM = "custom op "


def list_ops(content: bytes) -> dict[str, int]:
    """Count the ops of a .tflite file by name, over all its subgraphs, loop bodies included.

    Raises:
        ExportError: the file has Flex or custom ops, which the plain interpreter lacks. It names them.
    """
    model = schema.Model.GetRootAs(content)
    names = [_op_name(model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
    counts: Counter[str] = Counter()
    for i in range(model.SubgraphsLength()):
        subgraph = model.Subgraphs(i)
        counts.update(names[subgraph.Operators(j).OpcodeIndex()] for j in range(subgraph.OperatorsLength()))
    foreign = sorted(name for name in counts if name.startswith(_CUSTOM))
    if foreign:
        raise ExportError(f"not builtin TFLite ops: {', '.join(foreign)}")
    return dict(sorted(counts.items()))


def _op_name(code: schema.OperatorCode) -> str:
    # Files from before 2020 store the number in the deprecated field only.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == schema.BuiltinOperator.CUSTOM:
        return _CUSTOM + (code.CustomCode() or b"without a name").decode(errors="replace")
    return _NAMES.get(number, f"builtin {number}")
