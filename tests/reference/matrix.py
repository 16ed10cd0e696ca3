"""Small models of every cell in every structure, and the variants that they can be exported in.

PYTHONPATH=. python tests/reference/matrix.py: write the table in pipelines/export/README.md again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras

import layers
from pipelines.ondevice.manifest import EXECUTIONS, PRECISIONS

STEPS, FEATURES, UNITS = 4, 3, 5

Make = Callable[..., keras.layers.Layer]

CELLS: dict[str, Make] = {
    "SimpleRNN": lambda **o: layers.SimpleRNN(UNITS, **o),
    "SimpleRNN_relu": lambda **o: layers.SimpleRNN(UNITS, activation="relu", **o),
    "LSTM": lambda **o: layers.LSTM(UNITS, **o),
    "LSTM_peepholes": lambda **o: layers.LSTM(UNITS, peepholes=True, **o),
    "LSTM_projection": lambda **o: layers.LSTM(UNITS + 2, projection=UNITS, **o),
    "LSTM_normalised": lambda **o: layers.LSTM(UNITS, layer_normalization=True, **o),
    "GRU": lambda **o: layers.GRU(UNITS, **o),
    "GRU_reset_before": lambda **o: layers.GRU(UNITS, reset_after=False, **o),
    "MGU": lambda **o: layers.MGU(UNITS, **o),
    "IndRNN": lambda **o: layers.IndRNN(UNITS, **o),
    "MinGRU": lambda **o: layers.MinGRU(UNITS, **o),
    "MinLSTM": lambda **o: layers.MinLSTM(UNITS, **o),
    "FastGRNN": lambda **o: layers.FastGRNN(UNITS, **o),
    "FastGRNN_low_rank": lambda **o: layers.FastGRNN(UNITS, kernel_rank=2, recurrent_rank=3, **o),
    "SRU": lambda **o: layers.SRU(UNITS, **o),
    "RGLRU": lambda **o: layers.RGLRU(UNITS, **o),
    "CfC": lambda **o: layers.CfC(UNITS, **o),
    "CfC_timed": lambda **o: layers.CfC(UNITS, timed=True, **o),
    "SLSTM": lambda **o: layers.SLSTM(UNITS, **o),
    "ConvLSTM1D": lambda **o: layers.ConvLSTM1D(2, 2, padding="same", **o),
    "ConvLSTM2D": lambda **o: layers.ConvLSTM2D(2, (1, 2), padding="same", **o),
    "NeuralTuringMachine": lambda **o: layers.NeuralTuringMachine(UNITS, slots=4, width=2, **o),
    "TemporalConvolution": lambda **o: layers.TemporalConvolution(UNITS, dilations=(1, 2), **o),
    "CausalTransformer": lambda **o: layers.CausalTransformer(6, heads=2, window=3, **o),
}
WINDOWED = ("TemporalConvolution", "CausalTransformer")
"""Those that see a window of the past, in one direction only."""
GRIDS = {"ConvLSTM1D": (FEATURES, 1), "ConvLSTM2D": (1, FEATURES, 1)}
"""How cells whose steps have positions see the features."""


def _each(layer: keras.layers.Layer, x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.TimeDistributed(layer)(x)  # keeps the mask


def _sequence_of(make: Make, x: keras.KerasTensor) -> keras.KerasTensor:
    return make(return_sequences=True)(x)


def _bidirectional(make: Make, x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Bidirectional(make(return_sequences=True))(x)


def _stacked(make: Make, x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.Dense(3)(layers.Stack([make(return_sequences=True), make()], connections="skip")(x))


def _attention(make: Make, x: keras.KerasTensor) -> keras.KerasTensor:
    outputs = make(return_sequences=True)(x)
    flat = outputs if len(outputs.shape) == 3 else _each(keras.layers.Flatten(), outputs)
    return layers.AdditiveAttentionPooling(3)(flat)


STRUCTURES = {
    "alone": _sequence_of,
    "masked": _sequence_of,
    "bidirectional": _bidirectional,
    "stacked": _stacked,
    "attention": _attention,
}


def model_of(structure: str, cells: list[str]) -> keras.Model:
    """Return a model with one output for each cell, named like the cell."""
    x = keras.Input([STEPS, FEATURES], name="features")
    given = keras.layers.Masking()(x) if structure in ("masked", "attention") else x
    outputs = {}
    for name in cells:
        shaped = _each(keras.layers.Reshape(GRIDS[name]), given) if name in GRIDS else given
        outputs[name] = STRUCTURES[structure](CELLS[name], shaped)
    return keras.Model(x, outputs)


def refusal(structure: str, cell: str, execution: str, precision: str = "float32") -> str | None:
    """Return the reason why TFLite can't express it, a part of the error's message; None if it can."""
    if structure == "bidirectional" and cell in WINDOWED:
        return "expected a Recurrent layer"
    if execution == "step" and structure == "bidirectional":
        return "it starts at the end of the sequence"
    if execution == "step" and structure == "attention":
        return "AdditiveAttentionPooling needs the whole sequence, so it cannot run step by step"
    if execution == "fused" and cell not in WINDOWED:  # which have nothing to fuse
        if cell != "LSTM":
            return "expected an LSTM"  # without peepholes and the like
        if structure in ("masked", "attention"):
            return "expected no mask"
        if precision in ("int16x8", "int4"):
            return "TFLite has no fused LSTM in this precision"
    return None


COMPILED_MODEL_REFUSES = {"fused": "TFLite's own LSTM holds variables"}
"""Why LiteRT's CompiledModel does not run an execution."""

README = Path(__file__).parents[2] / "pipelines" / "export" / "README.md"
_BEGIN, _END = (
    "<!-- matrix: generated by tests/reference/matrix.py, do not edit -->",
    "<!-- end of matrix -->",
)


def markdown_table() -> str:
    """Return the table, with a row for each group of cells that can be exported alike."""
    lines = [["structure", "cells", *(f"`{execution}`" for execution in EXECUTIONS)]]
    lines.append(["---"] * len(lines[0]))
    for structure in STRUCTURES:
        alike: dict[tuple[str, ...], list[str]] = {}
        for cell in CELLS:
            columns = tuple(_precisions(structure, cell, execution) for execution in EXECUTIONS)
            alike.setdefault(columns, []).append(cell)
        for columns, cells in alike.items():
            others = [cell for cell in CELLS if cell not in cells]
            named = ", ".join(cells) if len(cells) < len(others) else f"all but {', '.join(others)}"
            lines.append([structure, named if others else "all", *columns])
    refused = [COMPILED_MODEL_REFUSES.get(execution) for execution in EXECUTIONS]
    lines.append(["in CompiledModel", "all", *(f"no: {reason}" if reason else "yes" for reason in refused)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _precisions(structure: str, cell: str, execution: str) -> str:
    """Return which precisions are possible, and why the others are not, in a few words."""
    reasons = {precision: refusal(structure, cell, execution, precision) for precision in PRECISIONS}
    missing = {precision: reason for precision, reason in reasons.items() if reason}
    if not missing:
        return "all"
    what = "no" if len(missing) == len(PRECISIONS) else f"all but {', '.join(missing)}"
    return f"{what}: {'; '.join(sorted(set(missing.values())))}"


def with_table(readme: str) -> str:
    """Return the text of the README with a new table."""
    before, rest = readme.split(_BEGIN)
    return f"{before}{_BEGIN}\n{markdown_table()}\n{_END}{rest.split(_END)[1]}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
