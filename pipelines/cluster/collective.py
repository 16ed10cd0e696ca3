"""The sum of gradients over all processes, by TensorFlow's MultiWorkerMirroredStrategy."""

from __future__ import annotations

import logging
import os
from typing import Any, TypeAlias

import tensorflow as tf
from tensorflow.python.eager import context  # the only way to end a collective that waits for the dead

from ..errors import UserError
from .place import VARIABLE
from .team import Team

Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices


class Collective:
    """Sums tensors over the processes of a team. TensorFlow must not have computed anything yet.

    The sum is the strategy's own (a ring). Everything else stays outside the strategy: the variables are
    ordinary ones, and Keras, which would divide some losses by the number of workers and others not, does
    not see it.

    Args:
        team: the processes; all make a `Collective` at the same time.

    Attributes:
        team: the processes.

    Raises:
        UserError: the port of this process is taken, or it has several GPUs.
    """

    def __init__(self, team: Team) -> None:
        self.team = team
        place = team.place
        os.environ[VARIABLE] = place.as_tf_config()
        options = tf.distribute.experimental.CommunicationOptions(
            implementation=tf.distribute.experimental.CommunicationImplementation.AUTO
        )
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        try:
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
        except tf.errors.OpError as error:
            said = " ".join(error.message.split())
            raise UserError(
                f"{place.name(place.index)}: TensorFlow can't listen there ({said}): expected a free port"
            ) from None
        if self._strategy.num_replicas_in_sync != place.workers:
            raise UserError(
                f"{place.name(place.index)} has several GPUs: expected one for each worker: start a worker "
                "for each, with CUDA_VISIBLE_DEVICES"
            )
        team.abort = _abort

    def sum(self, tensors: list[Gradient]) -> list[Gradient]:
        """Return the sums over all processes; called in a graph, by all of them in the same order.

        Dense tensors go as one. Of `IndexedSlices`, the rows of all processes are put together.
        """
        dense = [each for each in tensors if isinstance(each, tf.Tensor)]
        sparse = [each for each in tensors if isinstance(each, tf.IndexedSlices)]
        flat = tf.concat([tf.reshape(each, [-1]) for each in dense], 0)
        total, *rows = self._strategy.run(_all_reduce, args=(flat, sparse))
        parts = tf.split(total, [tf.size(each) for each in dense], num=len(dense))
        summed = iter([tf.reshape(part, tf.shape(each)) for part, each in zip(parts, dense, strict=True)])
        gathered = iter(rows)
        return [next(summed if isinstance(each, tf.Tensor) else gathered) for each in tensors]


def _all_reduce(flat: tf.Tensor, sparse: list[tf.IndexedSlices]) -> Any:
    here = tf.distribute.get_replica_context()
    # An operation made here has a device, which TensorFlow's sum asks for.
    values = [tf.nest.map_structure(tf.identity, each, expand_composites=True) for each in (flat, *sparse)]
    return here.all_reduce(tf.distribute.ReduceOp.SUM, values)


def _abort(reason: str) -> None:
    """End a sum that waits for a process that is dead, with an error."""
    context.context().abort_collective_ops(tf.errors.UNAVAILABLE, reason)
