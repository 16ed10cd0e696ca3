"""The base class of cells: two linear maps and a pointwise update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from .. import checks
from ..plain_layer import PlainLayer
from ..states import States, where_valid

_MAPS = ("project_inputs", "project_state", "update")
_WEIGHT_OPTIONS = ("initializer", "regularizer", "constraint")
_WEIGHTS = ("kernel", "recurrent", "bias")
_MODULES = {
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
}


def affine(x: tf.Tensor, kernel: Any, bias: Any = None) -> tf.Tensor:
    """Return x W + b over the last axis of `x`, computed as one matrix product.

    Args:
        x: (..., features).
        kernel: W, (features, columns).
        bias: b, (columns,), or None.

    Returns:
        (..., columns) in the precision of `x`, whatever the precision of the weights.
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


class Cell(PlainLayer):
    """One step of a recurrent network; the base class of all cells.

        p = project_inputs(x_t)           affine in x_t, computed for a whole sequence in one product
        q = project_state(h_(t-1))        affine in the first state, one product a step
        s_t = update(p, q, s_(t-1))       pointwise; the first state is the output

    A subclass defines these three maps, `state_names` and `gates`; everything else follows. The projections
    have the layer's compute precision, the states at least float32; `update` gets everything in the precision
    of the states. `update` may use weights (peepholes, a projection), but is fastest without them.

    Args:
        units: size of the output and of each state.
        activation: function of the new content.
        use_bias: whether to add biases.
        kernel_initializer, recurrent_initializer, bias_initializer: initial values of the weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: applied to the weights after each update.
        dropout: fraction of the inputs to drop in training, with one mask a sequence.
        recurrent_dropout: fraction of the first state to drop before `project_state` in training, with one
            mask a sequence.
        zoneout: probability that a unit keeps its old state at a step in training; in evaluation the two
            are mixed in that proportion. One rate, or a list with one for each of `state_names`.
        seed: seed of the dropout and zoneout masks.

    Call arguments: `inputs` (batch, features); `states`, one (batch, size) for each of `state_names`;
    `training`, whether dropout and zoneout are random.
    Returns: the output (batch, size) and a tuple of the new states.

    Weights: `kernel` (features, gates * units), `recurrent_kernel` (units, gates * units) and `bias`
    (gates * units,), with the names, shapes and gate order of the Keras layer of the same name.

    Raises:
        ValueError: `units` is not a whole number above 0, or a rate is not in [0, 1).

    Reference for zoneout: D. Krueger et al., Zoneout: regularizing RNNs by randomly preserving hidden
    activations, ICLR 2017.
    """

    state_names: ClassVar[tuple[str, ...]] = ("h",)
    """Names of the states, used in export signatures. `project_state` maps the first one."""
    gates: ClassVar[int] = 1
    """Number of blocks of `units` columns in each kernel."""
    step_axes: ClassVar[tuple[str, ...]] = checks.FEATURES
    """Names of the axes of one step's inputs, without the batch."""
    multiplies_state: bool = False
    adds_projections: bool = False
    """What `layers.promises` describes: promises that make training faster."""
    gate_names: ClassVar[tuple[str, ...]] = ()
    """Names of the gates in the order in which `update` calls `recurrent_activation`, for `diagnostics`."""

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
        *,
        zoneout: float | Sequence[float] = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **checks.without_keras_options(type(self), kwargs))
        checks.require_units(self, units)
        self.units = units
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        self.zoneout = zoneout if isinstance(zoneout, (int, float)) else list(zoneout)
        self._check_rates()
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
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def _check_rates(self) -> None:
        for name in ("dropout", "recurrent_dropout"):
            checks.require_rate(self, name, getattr(self, name))
        for rate in self.zoneout_rates:
            checks.require_rate(self, "zoneout", rate)
        if len(self.zoneout_rates) != len(self.state_names):
            raise ValueError(
                f"{type(self).__name__}: zoneout: expected one rate, or one for each of {self.state_names}, "
                f"got {self.zoneout}"
            )

    # Defined by each cell.

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        """Map inputs (..., features) to (..., columns). The map must be affine."""
        raise NotImplementedError(f"{type(self).__name__} defines no project_inputs")

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        """Map the first state (..., units) to (..., columns). The map must be affine."""
        raise NotImplementedError(f"{type(self).__name__} defines no project_state")

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        """Return the new states, (batch, size) each. The first is the output.

        Args:
            x_proj: projected inputs, (batch, columns).
            h_proj: the projected first state, (batch, columns).
            state: the states before the step, (batch, size) each.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no update")

    def undefined_maps(self) -> list[str]:
        """Return the names of the maps that the class does not define."""
        return [name for name in _MAPS if getattr(type(self), name) is getattr(Cell, name)]

    def unsupported_by_fused(self) -> str | None:
        """Return why TFLite's fused LSTM operation can't compute this cell, or None if it can."""
        return f"expected an LSTM, got a {type(self).__name__}"

    # The same for all cells.

    @property
    def state_size(self) -> tuple[int, ...]:
        """Sizes of the last axes of the states, in the order of `state_names`."""
        return (self.units,) * len(self.state_names)

    def state_shapes(self, step_shape: Sequence[int | None] | None = None) -> tuple[tuple[int, ...], ...]:
        """Return the shapes of the states without the batch, for inputs of one step; by default as built."""
        return tuple((size,) for size in self.state_size)

    @property
    def output_size(self) -> int:
        """Size of the output, which is the size of the first state."""
        return self.state_size[0]

    @property
    def state_dtype(self) -> str:
        """Precision of the states: the compute precision, at least float32."""
        return "float32" if self.compute_dtype in ("float16", "bfloat16") else self.compute_dtype

    @property
    def zoneout_rates(self) -> tuple[float, ...]:
        """The zoneout rate of each state."""
        rates = self.zoneout
        return tuple(rates) if isinstance(rates, list) else (rates,) * len(self.state_names)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias weight."""
        return (self.gates * self.units,)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create the weights for inputs of shape (..., features)."""
        features = checks.known_features(self, input_shape)
        columns = self.gates * self.units
        self.kernel = self._weight("kernel", "kernel", (features, columns))
        self.recurrent_kernel = self._weight("recurrent_kernel", "recurrent", (self.units, columns))
        self.bias: Any = self._weight("bias", "bias", self.bias_shape) if self.use_bias else None

    def _weight(self, name: str, role: str, shape: tuple[int, ...]) -> keras.Variable:
        options = {option: getattr(self, f"{role}_{option}") for option in _WEIGHT_OPTIONS}
        return self.add_weight(shape=shape, name=name, **options)

    def get_initial_state(self, batch_size: Any) -> tuple[tf.Tensor, ...]:
        """Return the states at the start of a sequence: zeros (batch_size, size) for each state."""
        return tuple(tf.zeros([batch_size, *shape], self.state_dtype) for shape in self.state_shapes())

    def dropout_mask(self, like: tf.Tensor, rate: float) -> tf.Tensor:
        """Draw a dropout mask of the shape of `like`, (batch, size). Its values are 0 and 1 / (1 - rate)."""
        return keras.random.dropout(tf.ones_like(like), rate, seed=self.seed_generator)

    def zoneout_masks(self, shape: Sequence[Any]) -> tuple[tf.Tensor, ...]:
        """Draw a zoneout mask (*shape, size) for each state, True where the old value stays."""
        return tuple(
            keras.random.uniform([*shape, *size], seed=self.seed_generator) < rate
            for size, rate in zip(self.state_shapes(), self.zoneout_rates, strict=True)
        )

    def project_previous(self, h: tf.Tensor, dropped: tf.Tensor | None = None) -> tf.Tensor:
        """Return the projection of h (..., units) times `dropped`, the mask of recurrent dropout, if any."""
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
        """Return the states after one step: `update`, then zoneout, then the mask of padding.

        Args:
            x_proj: projected inputs, (batch, columns).
            h_proj: the projected first state, (batch, columns).
            state: the states before the step, (batch, size) each.
            valid: (batch, 1) bool, False at padding, where the states do not change.
            kept: (batch, size) bool for each state, True where zoneout keeps the old value.
        """
        dtype = state[0].dtype
        new = tuple(self.update(tf.cast(x_proj, dtype), tf.cast(h_proj, dtype), state))
        if kept is not None:
            new = tuple(tf.where(stays, old, part) for stays, old, part in zip(kept, state, new, strict=True))
        elif any(self.zoneout_rates):
            rates = self.zoneout_rates
            new = tuple(rate * old + (1 - rate) * p for rate, old, p in zip(rates, state, new, strict=True))
        return new if valid is None else where_valid(valid, new, state)

    def call(
        self, inputs: tf.Tensor, states: Sequence[tf.Tensor], training: bool = False
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """Compute one step and return the output and the new states; the class describes the arguments."""
        states = tuple(states) if isinstance(states, (list, tuple)) else (states,)
        states = tuple(tf.cast(state, self.state_dtype) for state in states)
        checks.require_sizes(self, "states", states, self.state_size)
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
