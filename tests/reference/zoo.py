"""Small stock Keras models, one for each construct that people export, with inputs of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

L, ops = keras.layers, keras.ops
STEPS, FEATURES, WORDS = 6, 4, 12
SEQUENCE = (STEPS, FEATURES)

NOT_FUSED = {"fused": "fused"}
NOT_STREAMED = {"step": "streaming"}
NEITHER = NOT_FUSED | NOT_STREAMED
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


@dataclass(frozen=True)
class Specimen:
    """A model of the zoo, and what an export of it must say."""

    make: Callable[[], keras.Model]
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Executions, precisions or variants that are left out, with a part of the reason; dynamic_int8 is also
    left out where no weight is large enough."""
    draw: Mapping[str, Draw] = field(default_factory=dict)
    """How inputs are drawn, by name. Others are tokens if their name says so, or normally distributed."""
    saved: bool = True
    """Whether the model goes through a file."""
    bounds: Mapping[str, float] = field(default_factory=dict)
    """Other bounds of the error on fresh inputs, by precision."""


def inputs_of(specimen: Specimen, model: keras.Model, count: int, seed: int) -> dict[str, np.ndarray]:
    """Draw `count` examples for every input."""
    rng = np.random.default_rng(seed)
    drawn = {}
    for given in getattr(model, "inputs", None) or [keras.KerasTensor((None, *SEQUENCE), name="x")]:
        shape = (count, *(STEPS if size is None else size for size in given.shape[1:]))
        default = _tokens if "tokens" in given.name else _numbers
        drawn[given.name] = specimen.draw.get(given.name, default)(rng, shape).astype(given.dtype)
    return drawn


def _numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return 0.8 * rng.normal(size=shape)


def _tokens(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(1, WORDS, shape)


def _padded_tokens(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.where(_padding(rng, shape), 0, _tokens(rng, shape))


def _padded_numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.where(_padding(rng, shape[:2])[:, :, None], 0.0, _numbers(rng, shape))


def _padding(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(shape[1]) >= rng.integers(1, shape[1] + 1, shape[0])[:, None]


def _with_zeros(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.maximum(_numbers(rng, shape), 0.0)


def _pixels(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(0, 256, shape)


def randomized(model: keras.Model) -> keras.Model:
    """Give every weight, biases too, values as a training leaves them: no zeros, no ones."""
    rng = np.random.default_rng(3)
    for weight in model.trainable_weights:
        size = 0.8 / np.sqrt(max(1, weight.shape[-2] / 4)) if len(weight.shape) > 1 else 0.4
        weight.assign(size * rng.normal(size=weight.shape) + (weight.name == "gamma"))
        if "dead" in weight.path and weight.name == "kernel":
            weight.assign(weight * [1.0, 0.0, 1e-7, 1.0])
    for weight in model.non_trainable_weights:
        if weight.name in ("moving_mean", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return model


def chain(*layers: Any, shape: tuple[int | None, ...] = SEQUENCE, **options: Any) -> keras.Model:
    return keras.Sequential([keras.Input(shape, name=options.pop("name", "x"), **options), *layers])


def graph(compute: Callable[..., Any], *shapes: tuple[int, ...], **options: Any) -> keras.Model:
    inputs = [keras.Input(shape, name=f"x{i}" if i else "x", **options) for i, shape in enumerate(shapes)]
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], compute(*inputs))


def of_tokens(*layers: Any, dtype: str = "int32", **options: Any) -> keras.Model:
    embedding = L.Embedding(WORDS, 5, **options)
    return keras.Sequential([keras.Input((STEPS,), dtype=dtype, name="tokens"), embedding, *layers])


def dense_in(shape: tuple[int, ...], *layers: Any) -> keras.Model:
    x = given = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return keras.Model(given, x)


def time_distributed(kind: str) -> keras.Model:
    """The usual form: a model for each step, and a recurrent layer behind it."""
    inner = {
        "sequential": lambda: keras.Sequential([keras.Input((FEATURES,)), L.Dense(5, "relu")]),
        "functional": lambda: dense_in((FEATURES,), L.Dense(5), L.BatchNormalization(), L.ReLU()),
        "nested": lambda: dense_in(
            (FEATURES,), keras.Sequential([keras.Input((FEATURES,)), L.Dense(5)]), L.Dense(3, "tanh")
        ),
    }[kind]()
    last = L.LSTM(4) if kind == "sequential" else L.GRU(4)
    return chain(L.TimeDistributed(inner), last, L.Dense(2))


def images() -> keras.Model:
    eyes = keras.Sequential(
        [keras.Input((8, 8, 1)), L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D(), L.Flatten(), L.Dense(5)]
    )
    return chain(L.TimeDistributed(eyes), L.GRU(4), L.Dense(2), shape=(4, 8, 8, 1))


def both_ways(merge_mode: str | None) -> keras.Model:
    layer = L.Bidirectional(L.GRU(4, return_sequences=True), merge_mode=merge_mode)
    return graph(lambda x: layer(x) if merge_mode else ops.concatenate(layer(x), -1), SEQUENCE)


def encoder_decoder(kind: type) -> keras.Model:
    def compute(source: Any, target: Any) -> Any:
        _, *states = kind(5, return_state=True)(source)
        return L.Dense(3)(kind(5, return_sequences=True)(target, initial_state=states))

    return graph(compute, SEQUENCE, (4, 2))


def attention(x: Any) -> Any:
    x = L.Bidirectional(L.LSTM(4, return_sequences=True))(x)
    x = L.LayerNormalization()(x + L.MultiHeadAttention(2, 4)(x, x))
    return L.Dense(2)(L.GlobalAveragePooling1D()(L.Attention()([x, x])))


def additive_attention() -> keras.Model:
    tokens = keras.Input((STEPS,), dtype="int32", name="tokens")
    x = L.GRU(4, return_sequences=True)(L.Embedding(WORDS, 5, mask_zero=True)(tokens))
    return keras.Model(tokens, L.Dense(2)(L.LSTM(4)(L.AdditiveAttention()([x, x]))))


def several(x: Any, other: Any) -> list[Any]:
    hidden = L.LSTM(5)(x)
    hidden = L.concatenate([hidden, L.Dense(3, "relu")(other)])
    return [L.Dense(2, name="numbers")(hidden), L.Dense(1, "sigmoid", name="yes")(hidden)]


def shared(x: Any, other: Any) -> Any:
    layer = L.LSTM(4)
    first, second = layer(x), layer(other)
    return L.Dense(1)(ops.abs(first - second))


def residual(x: Any) -> Any:
    x = L.Dense(4)(x)
    for _ in range(2):
        x = L.Add()([x, L.LSTM(4, return_sequences=True)(x)])
    return L.Dense(2)(x)


def logarithms(x: Any) -> Any:
    x = ops.log(ops.abs(x) + 0.01)
    x = ops.reshape(x, (-1, STEPS, FEATURES))
    return L.Dense(2)(L.GRU(4)(x))


def log_of_zeros(x: Any) -> Any:
    x = ops.maximum(ops.log(x), -5.0)
    return L.Dense(2)(L.GRU(4)(x))


def regularized(x: Any) -> Any:
    x = L.LSTM(4, activation=L.LeakyReLU(), return_sequences=True, activity_regularizer="l2")(x)
    return L.GRU(3)(x)


@keras.saving.register_keras_serializable("zoo")
class Plain(keras.Model):
    """A subclassed model whose __init__ takes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.say = L.LSTM(4, return_sequences=True), L.Dense(2)

    def call(self, x: Any) -> Any:
        """Return an answer for each step."""
        return self.say(self.read(x))


def subclassed() -> keras.Model:
    model = Plain()
    model(np.zeros([1, *SEQUENCE], np.float32))
    return model


@keras.saving.register_keras_serializable("zoo")
class Viterbi(L.Layer):
    """The likeliest tags of a linear-chain CRF; steps behind the end of a sequence keep the last tag."""

    supports_masking = True

    def build(self, shape: Any) -> None:
        self.transitions = self.add_weight(name="transitions", shape=(shape[-1], shape[-1]))

    def call(self, x: Any, mask: Any = None) -> Any:
        """Return (batch, steps, tags), with a one at the likeliest tag."""
        both = ops.cast(mask, "int32")
        both = ops.bitwise_and(both, ops.roll(both, 1, axis=1))
        score, pointers = x[:, 0], []
        stay = ops.arange(x.shape[-1], dtype="int32")[None]
        for t in range(1, x.shape[1]):
            paths, known = score[:, :, None] + self.transitions, ops.cast(both[:, t : t + 1], "bool")
            pointers.append(ops.where(known, ops.cast(ops.argmax(paths, 1), "int32"), stay))
            score = ops.where(known, ops.max(paths, 1) + x[:, t], score)
        tags = [ops.cast(ops.argmax(score, -1), "int32")]
        for pointer in reversed(pointers):
            tags.append(ops.squeeze(ops.take_along_axis(pointer, tags[-1][:, None], axis=1), 1))
        return ops.one_hot(ops.stack(tags[::-1], 1), x.shape[-1])


def crf() -> keras.Model:
    layers = L.Bidirectional(L.LSTM(6, return_sequences=True)), L.Dense(3), Viterbi()
    return of_tokens(*layers, mask_zero=True)


def dead_filters() -> keras.Model:
    """Filters so small that a bias is a huge number of the steps of their quantised products."""
    dead = {"name": "dead_1"}, {"name": "dead_2"}
    return chain(
        L.Conv1D(4, 2, padding="causal", activation="relu", **dead[0]),
        L.Dense(4, **dead[1]),
        L.GRU(4),
        L.Dense(2),
    )


def lambda_in_front() -> keras.Model:
    return chain(L.Lambda(lambda x: x * 2.0), L.GRU(3))


ZOO: dict[str, Specimen] = {
    "time distributed sequential": Specimen(lambda: time_distributed("sequential")),
    "time distributed functional": Specimen(lambda: time_distributed("functional"), NOT_FUSED),
    "time distributed nested": Specimen(lambda: time_distributed("nested"), NOT_FUSED),
    "time distributed images": Specimen(images, NOT_FUSED),
    "time distributed lstm": Specimen(
        lambda: chain(L.TimeDistributed(L.LSTM(3)), L.LSTM(4), shape=(3, *SEQUENCE))
    ),
    "both ways, concat": Specimen(lambda: both_ways("concat"), NEITHER),
    "both ways, sum": Specimen(lambda: both_ways("sum"), NEITHER),
    "both ways, mul": Specimen(lambda: both_ways("mul"), NEITHER),
    "both ways, ave": Specimen(lambda: both_ways("ave"), NEITHER),
    "both ways, two": Specimen(lambda: both_ways(None), NEITHER),
    "both ways, cells": Specimen(
        lambda: chain(L.Bidirectional(L.RNN([L.LSTMCell(5), L.GRUCell(4)])), L.Dense(2)), NEITHER
    ),
    "both ways, stacked": Specimen(
        lambda: chain(
            L.Bidirectional(L.LSTM(4, return_sequences=True)), L.Bidirectional(L.LSTM(3)), L.Dense(2)
        ),
        NOT_STREAMED,
    ),
    "stacked": Specimen(
        lambda: chain(L.LSTM(16, return_sequences=True), L.Dropout(0.2), L.LSTM(16), L.Dense(2))
    ),
    "states returned": Specimen(
        lambda: graph(lambda x: L.LSTM(5, return_state=True)(x), SEQUENCE), NOT_FUSED
    ),
    "lstm encoder-decoder": Specimen(lambda: encoder_decoder(L.LSTM), NEITHER),
    "gru encoder-decoder": Specimen(lambda: encoder_decoder(L.GRU), NEITHER),
    "masking": Specimen(
        lambda: chain(L.Masking(), L.LSTM(5, return_sequences=True), L.GRU(4), L.Dense(2)),
        NOT_FUSED,
        {"x": _padded_numbers},
    ),
    "masked tokens": Specimen(
        lambda: of_tokens(L.GRU(16), L.Dense(3, "softmax"), mask_zero=True),
        NOT_FUSED,
        {"tokens": _padded_tokens},
    ),
    "tagger": Specimen(lambda: of_tokens(L.LSTM(6, return_sequences=True), L.Dense(3, "softmax"))),
    "crf": Specimen(
        crf,
        NEITHER,
        {"tokens": _padded_tokens},
        bounds={"int8": 0.4},  # of one-hot answers: 4 % of the tags
    ),
    "tokens in bytes": Specimen(lambda: of_tokens(L.GRU(4), L.Dense(2), dtype="uint8"), NOT_FUSED),
    "attention": Specimen(lambda: graph(attention, SEQUENCE), NOT_STREAMED),
    "additive attention": Specimen(additive_attention, NEITHER, {"tokens": _padded_tokens}),
    "convolution and pooling": Specimen(
        lambda: chain(L.Conv1D(5, 3, activation="relu"), L.MaxPooling1D(2), L.LSTM(4), L.Dense(2)),
        NOT_STREAMED,
    ),
    "causal convolution": Specimen(
        lambda: chain(L.Conv1D(5, 3, padding="causal", activation="relu"), L.BatchNormalization(), L.GRU(4)),
        NOT_FUSED,
    ),
    "convolution of large numbers": Specimen(
        lambda: chain(L.Conv1D(5, 3, activation="relu"), L.GRU(4), shape=(STEPS, FEATURES)),
        # Gates of thousands are switches: where such a sum is near zero, rounding turns it.
        NEITHER | {"int8_loop": "differs", "int16x8": "differs"},
        {"x": lambda rng, shape: 1e4 * rng.normal(size=shape)},
    ),
    "dead filters": Specimen(dead_filters, NOT_FUSED),
    "autoencoder": Specimen(
        lambda: chain(
            L.LSTM(5), L.RepeatVector(STEPS), L.LSTM(5, return_sequences=True), L.TimeDistributed(L.Dense(4))
        ),
        NOT_STREAMED,
    ),
    "stateful": Specimen(
        lambda: chain(L.LSTM(5, stateful=True, return_sequences=True), L.Dense(2), batch_size=32),
        dict.fromkeys(("loop", "unrolled", "fused"), "stateful"),
    ),
    "gru as cudnn": Specimen(lambda: chain(L.GRU(16, reset_after=True), L.Dense(2)), NOT_FUSED),
    "gru of old": Specimen(lambda: chain(L.GRU(5, reset_after=False, implementation=1)), NOT_FUSED),
    "simple rnn": Specimen(lambda: chain(L.SimpleRNN(5, return_sequences=True), L.Dense(2)), NOT_FUSED),
    "mixed float16": Specimen(
        lambda: chain(L.LSTM(5, dtype="mixed_float16"), L.Dense(2, dtype="mixed_float16")),
        bounds={"float32": 2e-3},  # from Keras's answers, which are computed in float16
    ),
    "mixed bfloat16": Specimen(
        lambda: chain(L.GRU(5, dtype="mixed_bfloat16"), L.Dense(2, dtype="mixed_bfloat16")),
        NOT_FUSED,
        bounds={"float32": 2e-2, "float16": 2e-2},  # the same in bfloat16
    ),
    "leaky relu": Specimen(lambda: chain(L.Dense(5), L.LeakyReLU(), L.LSTM(4), L.ELU(), L.Dense(2))),
    "prelu": Specimen(lambda: chain(L.Dense(5), L.PReLU(shared_axes=[1]), L.GRU(4), L.PReLU()), NOT_FUSED),
    "prelu of steps": Specimen(lambda: chain(L.PReLU(), L.GRU(4), L.Dense(2)), NEITHER),
    "regularized": Specimen(lambda: graph(regularized, SEQUENCE), NOT_FUSED),
    "normalised layers": Specimen(
        lambda: chain(
            L.LayerNormalization(), L.LSTM(5, return_sequences=True), L.LayerNormalization(), L.LSTM(4)
        ),
        bounds={"int8": 0.25},  # numbers that are almost equal are divided by their small deviation
    ),
    "unit length": Specimen(lambda: chain(L.UnitNormalization(), L.GRU(4), L.UnitNormalization()), NOT_FUSED),
    "inputs and outputs": Specimen(lambda: graph(several, SEQUENCE, (3,))),
    "shared": Specimen(lambda: graph(shared, SEQUENCE, SEQUENCE), NOT_STREAMED),
    "residual": Specimen(lambda: graph(residual, SEQUENCE)),
    "backwards": Specimen(lambda: chain(L.LSTM(5, go_backwards=True, return_sequences=True)), NOT_STREAMED),
    "cells": Specimen(lambda: chain(L.RNN([L.LSTMCell(5), L.GRUCell(4)]), L.Dense(2)), NOT_FUSED),
    "stacked cells": Specimen(
        lambda: chain(L.RNN(L.StackedRNNCells([L.LSTMCell(5), L.LSTMCell(4)]), return_sequences=True)), {}
    ),
    "logarithms": Specimen(lambda: graph(logarithms, SEQUENCE), NOT_FUSED),
    "logarithms of zeros": Specimen(lambda: graph(log_of_zeros, SEQUENCE), NOT_FUSED, {"x": _with_zeros}),
    "scaled pixels": Specimen(
        lambda: graph(lambda x: L.Dense(2)(L.GRU(4)(x / 255.0)), SEQUENCE), NOT_FUSED, {"x": _pixels}
    ),
    "pooled": Specimen(
        lambda: chain(L.LSTM(5, return_sequences=True), L.GlobalMaxPooling1D(), L.Dense(2)), NOT_STREAMED
    ),
    "models in a model": Specimen(
        lambda: chain(chain(L.LSTM(4, return_sequences=True)), dense_in(SEQUENCE, L.GRU(3)), L.Dense(2)),
        NOT_FUSED,
    ),
    "subclassed": Specimen(subclassed, {}, saved=False),
}
