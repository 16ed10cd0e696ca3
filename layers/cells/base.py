"""The contract of a recurrent cell: two linear maps and a pointwise update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from ..checks import require_rate, require_units
from ..states import States

_MAPS = ("project_inputs", "project_state", "update")
_WEIGHT_OPTIONS = ("initializer", "regularizer", "constraint")
_WEIGHTS = ("kernel", "recurrent", "bias")
_MODULES = {
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
}


def affine(x: tf.Tensor, kernel: Any, bias: Any = None) -> tf.Tensor:
    """x W + b over the last axis of `x`, any number of leading axes, as one matrix product.

    Computed in the precision of `x`, whatever that of the weights.
    """
    kernel = tf.cast(kernel, x.dtype)
    features, columns = kernel.shape
    if x.shape.rank == 2:
        product = tf.matmul(x, kernel)
    else:
        product = tf.matmul(tf.reshape(x, [-1, features]), kernel)
        product = tf.reshape(product, tf.concat([tf.shape(x)[:-1], [columns]], 0))
        product.set_shape([*x.shape[:-1], columns])
    return product if bias is None else product + tf.cast(bias, x.dtype)


class Cell(keras.layers.Layer):
    """One time step of a recurrent network.

    A subclass gives `state_names`, `gates` and three maps; everything else (running over a sequence,
    the gradient, masks, streaming, export) follows from them:

        p = project_inputs(x_t)      affine in x_t, done for a whole sequence in one product
        q = project_state(h_(t-1))   affine in the first state, one product a step
        s_t = update(p, q, s_(t-1))  pointwise; the first state is the output

    The projections are in the layer's compute precision, the states never below float32: in `update` all
    arrives in the precision of the states. An `update` may use weights (peepholes, a projection, a
    normalisation); it is fastest where it uses none.

    Args:
        units: size of the output and of each state.
        activation: of the new content (tanh).
        use_bias: whether to add biases.
        kernel_initializer, recurrent_initializer, bias_initializer: as in `keras.layers`.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: as in `keras.layers`.
        kernel_constraint, recurrent_constraint, bias_constraint: as in `keras.layers`.
        dropout: fraction of the inputs dropped in training, one mask a sequence.
        recurrent_dropout: fraction of the state dropped before `project_state`, one mask a sequence.
        zoneout: chance that a unit keeps its old state at a step, in training; in evaluation old and new
            are mixed in that proportion. One rate for all states, or one each, as `state_names`
            (D. Krueger et al., Zoneout, ICLR 2017).
        seed: of the masks of dropout and zoneout.

    Weights: `kernel` (features, gates * units), `recurrent_kernel` (units, gates * units) and `bias`,
    with names, shapes and gate order of the Keras layer of the same name.
    """

    state_names: ClassVar[tuple[str, ...]] = ("h",)
    """Names of the states; the first is the one that `project_state` maps. They name export signatures."""
    gates: ClassVar[int] = 1
    """Blocks of `units` columns in each kernel."""
    gate_names: ClassVar[tuple[str, ...]] = ()
    """Names of the gates, in the order in which `update` calls `recurrent_activation`: for `diagnostics`."""

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        zoneout: float | Sequence[float] = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # Keras would cast the states
        require_units(self, units)
        for name, rate in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
            require_rate(self, name, rate)
        self.zoneout = zoneout if isinstance(zoneout, (int, float)) else list(zoneout)
        self._check_zoneout()
        self.units = units
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.recurrent_constraint = keras.constraints.get(recurrent_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def _check_zoneout(self) -> None:
        for rate in self.zoneout_rates:
            require_rate(self, "zoneout", rate)
        if len(self.zoneout_rates) != len(self.state_names):
            raise ValueError(
                f"{type(self).__name__}: zoneout: expected one rate, or one for each of {self.state_names}, "
                f"got {self.zoneout}"
            )

    # What a cell defines.

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        """Map inputs (..., features) to (..., columns); affine."""
        raise NotImplementedError(f"{type(self).__name__} defines no project_inputs")

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        """Map the first state (..., units) to (..., columns); affine."""
        raise NotImplementedError(f"{type(self).__name__} defines no project_state")

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        """Return the new states, each (batch, size); the first is the output. Best pointwise."""
        raise NotImplementedError(f"{type(self).__name__} defines no update")

    def undefined_maps(self) -> list[str]:
        """Return the names of the maps that the class should define and does not."""
        return [name for name in _MAPS if getattr(type(self), name) is getattr(Cell, name)]

    def unsupported_by_fused(self) -> str | None:
        """Return why TFLite's fused LSTM operation can't compute this cell, or None if it can."""
        return f"expected an LSTM, got a {type(self).__name__}"

    # What follows from it.

    @property
    def state_size(self) -> tuple[int, ...]:
        """Size of each state, in the order of `state_names`."""
        return (self.units,) * len(self.state_names)

    @property
    def output_size(self) -> int:
        """Size of the output, which is the first state."""
        return self.state_size[0]

    @property
    def state_dtype(self) -> str:
        """Precision of the states: the compute precision, but at least float32."""
        return "float32" if self.compute_dtype in ("float16", "bfloat16") else self.compute_dtype

    @property
    def zoneout_rates(self) -> tuple[float, ...]:
        """One rate for each state."""
        rates = self.zoneout
        return tuple(rates) if isinstance(rates, list) else (rates,) * len(self.state_names)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias weight."""
        return (self.gates * self.units,)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights for inputs of shape (..., features)."""
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"{self.name}: the last axis of the inputs must be known, got {input_shape}")
        columns = self.gates * self.units
        self.kernel = self._weight("kernel", "kernel", (features, columns))
        self.recurrent_kernel = self._weight("recurrent_kernel", "recurrent", (self.units, columns))
        self.bias: Any = self._weight("bias", "bias", self.bias_shape) if self.use_bias else None

    def _weight(self, name: str, role: str, shape: tuple[int, ...]) -> keras.Variable:
        options = {option: getattr(self, f"{role}_{option}") for option in _WEIGHT_OPTIONS}
        return self.add_weight(shape=shape, name=name, **options)

    def get_initial_state(self, batch_size: Any) -> tuple[tf.Tensor, ...]:
        """Zeros, one tensor (batch_size, size) for each state."""
        return tuple(tf.zeros([batch_size, size], self.state_dtype) for size in self.state_size)

    def dropout_mask(self, like: tf.Tensor, rate: float) -> tf.Tensor:
        """Draw a mask shaped as `like` (batch, size): 0 or 1 / (1 - rate)."""
        return keras.random.dropout(tf.ones_like(like), rate, seed=self.seed_generator)

    def zoneout_masks(self, shape: Sequence[Any]) -> tuple[tf.Tensor, ...]:
        """Draw for each state a mask (*shape, size), True where the old state stays."""
        return tuple(
            keras.random.uniform([*shape, size], seed=self.seed_generator) < rate
            for size, rate in zip(self.state_size, self.zoneout_rates, strict=True)
        )

    def project_previous(self, h: tf.Tensor, dropped: tf.Tensor | None = None) -> tf.Tensor:
        """Return `project_state` of h (..., units) times its dropout mask, in the compute precision."""
        h = h if dropped is None else h * dropped
        return self.project_state(tf.cast(h, self.compute_dtype))

    def advance(
        self,
        x_proj: tf.Tensor,
        h_proj: tf.Tensor,
        state: States,
        *,
        valid: tf.Tensor | None = None,
        kept: States | None = None,
    ) -> States:
        """Return the states after one step: `update`, then zoneout, then the mask.

        Args:
            x_proj, h_proj: (batch, columns), the two projections.
            state: (batch, size) each, the states before the step.
            valid: (batch, 1) bool, False where the step is padding and the states stay.
            kept: (batch, size) bool for each state, True where zoneout keeps the old value.
        """
        dtype = state[0].dtype
        new = tuple(self.update(tf.cast(x_proj, dtype), tf.cast(h_proj, dtype), state))
        if kept is not None:
            new = tuple(tf.where(stays, old, part) for stays, old, part in zip(kept, state, new, strict=True))
        elif any(self.zoneout_rates):
            rates = self.zoneout_rates
            new = tuple(rate * old + (1 - rate) * p for rate, old, p in zip(rates, state, new, strict=True))
        if valid is not None:
            new = tuple(tf.where(valid, part, old) for part, old in zip(new, state, strict=True))
        return new

    def call(
        self, inputs: tf.Tensor, states: Sequence[tf.Tensor], training: bool = False
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """Do one step: inputs (batch, features), states as `state_names` -> output, new states."""
        states = tuple(states) if isinstance(states, (list, tuple)) else (states,)
        states = tuple(tf.cast(state, self.state_dtype) for state in states)
        inputs = tf.cast(inputs, self.compute_dtype)
        dropped = kept = None
        if training and self.dropout:
            inputs = inputs * self.dropout_mask(inputs, self.dropout)
        if training and self.recurrent_dropout:
            dropped = self.dropout_mask(states[0], self.recurrent_dropout)
        if training and any(self.zoneout_rates):
            kept = self.zoneout_masks([tf.shape(inputs)[0]])
        h_proj = self.project_previous(states[0], dropped)
        states = self.advance(self.project_inputs(inputs), h_proj, states, kept=kept)
        return tf.cast(states[0], self.compute_dtype), states

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        for name in ("units", "use_bias", "dropout", "recurrent_dropout", "zoneout", "seed"):
            config[name] = getattr(self, name)
        config["activation"] = keras.activations.serialize(self.activation)
        for option, module in _MODULES.items():
            for role in _WEIGHTS:
                name = f"{role}_{option}"
                config[name] = module.serialize(getattr(self, name))
        return config
