"""Give a computation a gradient of its own, which XLA may compile, and a gradient of that gradient.

Training needs the first one only, so only that is fast. Gradients of gradients, and those of whoever maps or
nests them, are computed by TensorFlow through a plain version of the computation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import record  # the only way to hide operations from every tape

from .states import States

_ZERO = tf.UnconnectedGradients.ZERO


def with_gradient(
    run: Callable[..., tuple],
    gradients: Callable[..., tuple],
    plain: Callable[[States], States],
    inputs: States,
) -> States:
    """Call `run` with `gradients` as its gradient.

    Args:
        run: maps the inputs to a tuple of results and to the values that `gradients` needs.
        gradients: maps the inputs, those values, the gradients of the results and the variables to the
            gradients of the inputs and of the variables.
        plain: maps the inputs to the same results by operations that TensorFlow can differentiate. The
            gradient of the gradient is computed through it.
        inputs: the tensors to differentiate by, in addition to the variables that `run` uses.

    Returns:
        The results of `run`.
    """
    count = len(inputs)

    @tf.custom_gradient
    def differentiable(*inputs: tf.Tensor) -> Any:
        results, kept = run(inputs)

        def gradient(*upstream: tf.Tensor, variables: Sequence[tf.Variable] = ()) -> Any:
            wanted = list(variables)

            @tf.custom_gradient
            def first_order(*given: tf.Tensor) -> Any:
                made = gradients(given[:count], kept, given[count:], wanted)

                def second_order(*d_made: tf.Tensor, variables: Sequence[tf.Variable] = ()) -> Any:
                    def first(given: States) -> States:
                        made = _plain_gradients(plain, given[:count], given[count:], wanted)
                        return (*made[0], *made[1])

                    d_given, d_variables = _plain_gradients(first, given, d_made, variables)
                    return (d_given, d_variables) if variables else d_given

                return (*made[0], *made[1]), second_order

            made = first_order(*inputs, *upstream)
            return (made[:count], list(made[count:])) if variables else made

        return results, gradient

    return differentiable(*inputs)


def call_plainly(function: Callable[..., Any], calls: Sequence[tuple]) -> list[Any]:
    """Call a function on each of some arguments."""
    return [function(*given) for given in calls]


def call_compiled(function: Callable[..., Any], calls: Sequence[tuple]) -> list[Any]:
    """Call a function, compiled by XLA, on each of some arguments; equal shapes are compiled once.

    No tape around it sees its operations. A persistent tape, or a tape around another one, would have
    TensorFlow keep every value of the loop in a list of unknown size, which XLA can't compile. TensorFlow
    leaves loops as they are in graphs of this name.
    """

    def cflow_gradient_wrapper(*given: Any) -> Any:
        with tf.name_scope("cflow_gradient_wrapper"):  # for the names of the graphs inside
            return function(*given)

    compiled = compile_with_xla(cflow_gradient_wrapper)
    for given in calls:
        compiled.get_concrete_function(*given)  # traced here, since tapes inside must record
    with record.stop_recording():
        return [compiled(*given) for given in calls]


def in_one_call(function: Callable[..., Any], *, compiled: bool) -> Callable[..., Any]:
    """Return the function as a whole, `run` or `gradients` above, compiled by XLA if wanted."""
    call = call_compiled if compiled else call_plainly
    return lambda *given: call(lambda: function(*given), [()])[0]


def _plain_gradients(
    function: Callable[[States], Any], inputs: States, upstream: States, variables: Sequence[tf.Variable]
) -> Any:
    """Return TensorFlow's own gradients of `function(inputs)` by the inputs and the variables."""
    inputs = tuple(tf.identity(each) for each in inputs)  # tensors of this graph, which a tape can follow
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        results = function(inputs)
    return tape.gradient(results, (inputs, list(variables)), upstream, _ZERO)


def compile_with_xla(function: Callable[..., Any]) -> Any:
    """Return the function compiled by XLA, once for each shape of the tensors that it captures."""
    return tf.function(function, jit_compile=True, autograph=False)


def not_compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function unchanged."""
    return function
