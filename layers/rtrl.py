"""Real-time recurrent learning: exact gradients after each step of a sequence."""

from __future__ import annotations

import tensorflow as tf

from .cells.base import Cell


class RealTimeRecurrentLearning:
    """An online learner for a small cell: the gradient of the loss of each step, right after that step.

        s_t = F(x_t, s_(t-1), w)                          all states of the cell as one vector
        P_t = dF/dw + dF/ds P_(t-1)                       ds_t/dw, the influence of the weights on the state
        dL_t/dw = dL_t/ds_t P_t

    While the weights stay the same, the sum over the steps is the gradient of backpropagation through time.
    With an update at every step it is approximate. Memory does not grow with the sequence: it holds batch *
    state * weights numbers. A step takes as many times more products as the state has numbers, so use this
    for cells of about ten units. There is no dropout or zoneout.

    Args:
        cell: a built `Cell`.
        batch_size: number of sequences that run side by side.

    Raises:
        ValueError: the cell is not built or has no trainable weights.

    Reference: R. Williams and D. Zipser, A learning algorithm for continually running fully recurrent neural
    networks, Neural Computation 1 (1989).

    >>> cell = SimpleRNNCell(2)
    >>> cell.build((1, 3))
    >>> learner = RealTimeRecurrentLearning(cell)
    >>> h = learner.step(tf.ones([1, 3]))
    >>> [gradient.shape.as_list() for gradient in learner.gradients(tf.ones_like(h))]
    [[3, 2], [2, 2], [2]]
    """

    def __init__(self, cell: Cell, batch_size: int = 1) -> None:
        if not cell.built or not cell.trainable_variables:
            raise ValueError(f"{cell.name}: expected a built cell with weights to learn")
        self.cell = cell
        self.states = [tf.Variable(state) for state in cell.get_initial_state(batch_size)]
        size = sum(cell.state_size)
        self.influence = [
            tf.Variable(tf.zeros([batch_size, size, *weight.shape], weight.dtype))
            for weight in cell.trainable_variables
        ]
        self._graph_step = tf.function(self._step, reduce_retracing=True)

    def step(self, inputs: tf.Tensor) -> tf.Tensor:
        """Compute one step.

        Args:
            inputs: (batch, features).

        Returns:
            The output (batch, units).

        Raises:
            ValueError: the inputs have another shape.
        """
        inputs = tf.convert_to_tensor(inputs, self.cell.compute_dtype)
        batch = self.states[0].shape[0]
        if inputs.shape.rank != 2 or inputs.shape[0] != batch:
            raise ValueError(
                f"{self.cell.name}: inputs: expected shape ({batch}, features), got {tuple(inputs.shape)}"
            )
        return self._graph_step(inputs)

    def _step(self, inputs: tf.Tensor) -> tf.Tensor:
        weights = [weight.value for weight in self.cell.trainable_variables]
        state = tf.concat([variable.value() for variable in self.states], 1)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([state, *weights])
            output, new_states = self.cell(inputs, tf.split(state, self.cell.state_size, 1))
            new_state = tf.concat(new_states, 1)
        through_state = tape.batch_jacobian(new_state, state)
        for influence, weight in zip(self.influence, weights, strict=True):
            direct = tape.jacobian(new_state, weight, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            flat = tf.reshape(influence, [*influence.shape[:2], -1])
            influence.assign(direct + tf.reshape(tf.matmul(through_state, flat), influence.shape))
        for variable, value in zip(self.states, new_states, strict=True):
            variable.assign(value)
        return output

    def gradients(self, d_output: tf.Tensor) -> list[tf.Tensor]:
        """Return the gradient of the last step's loss for every trainable weight.

        Args:
            d_output: gradient of the loss with respect to the output, (batch, units).
        """
        d_output = tf.cast(d_output, self.states[0].dtype)
        units = self.cell.output_size
        return [tf.tensordot(d_output, part[:, :units], [[0, 1], [0, 1]]) for part in self.influence]

    def reset(self) -> None:
        """Start new sequences: set states and influence to zeros."""
        for variable in (*self.states, *self.influence):
            variable.assign(tf.zeros_like(variable))
