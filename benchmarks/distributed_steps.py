"""Times the steps of one of several processes that train together, each on a core of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.cluster.place import Place
from pipelines.cluster.team import Team
from pipelines.devices import import_tensorflow

from .timing import quartiles, seconds

_WARM = 5
_LEAST, _MOST = 20, 2000


@dataclass(frozen=True)
class Case:
    """A network and its batches: an embedding, a GRU, and a softmax over two labels."""

    units: int
    embedding: int
    vocabulary: int
    batch: int
    """Examples of all processes together."""
    steps: int


def prepare(core: int) -> None:
    """Keep this process, and all threads that it starts, on one core."""
    os.sched_setaffinity(0, {core})
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
    import_tensorflow()


def measure(place: Place, case: Case, duration: float) -> dict[str, Any]:
    """Return what the chief measures: seconds of whole steps and of their parts, and the bytes of a sum.

    Args:
        place: which of the processes this is; all must call this at the same time.
        case: the network.
        duration: seconds to spend on each of the three.
    """
    with Team.gathered(place) as team:
        functions, facts = _functions(team, case)
        times = {name: _timed(team, function, duration) for name, function in functions.items()}
        if place.is_chief:
            team.finish()
        else:
            list(team.epochs())
    return facts | {"seconds": {name: quartiles(values) for name, values in times.items()}}


def _timed(team: Team, function: Callable[[], object], duration: float) -> list[float]:
    """Return the seconds of each call; all processes make as many."""
    warm = [seconds(function) for _ in range(_WARM)]
    if team.place.is_chief:
        count = int(np.clip(duration / min(warm), _LEAST, _MOST))
        team.tell({"count": count})
    else:
        count = team.told().facts["count"]
    return [seconds(function) for _ in range(count)]


def _functions(team: Team, case: Case) -> tuple[dict[str, Callable[[], object]], dict[str, Any]]:
    """Return functions that do a step, its gradient alone and its sum alone; and the network's figures."""
    import tensorflow as tf

    from pipelines.cluster.collective import Collective
    from pipelines.training.shared_step import SharedStep, of_share

    collective = Collective(team)
    model = _network(case)
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.integers(0, case.vocabulary, (case.batch, case.steps)), tf.int32)
    targets = tf.constant(rng.integers(0, 2, case.batch), tf.int32)
    signature = tuple(tf.TensorSpec(each.shape, each.dtype) for each in (inputs, targets))
    step = SharedStep(model, collective).step(signature)
    gradient = tf.function(
        lambda *given: of_share(model, *given, place=team.place), input_signature=signature, autograph=False
    )
    share = gradient(inputs, targets)
    add = tf.function(lambda: collective.sum(share), autograph=False)
    functions = {
        "step": lambda: step(inputs, targets).numpy(),
        "gradient": lambda: gradient(inputs, targets)[0].numpy(),
        "sum": lambda: add()[0].numpy(),
    }
    dense = [each for each in share if isinstance(each, tf.Tensor)]
    rows = [each.values for each in share if isinstance(each, tf.IndexedSlices)]
    return functions, {
        "parameters": model.count_params(),
        "bytes": sum(int(np.prod(each.shape)) * 4 for each in (*dense, *rows)),
    }


def _network(case: Case) -> Any:
    import keras

    import layers
    from pipelines.training.fit import seed_everything

    seed_everything(1)
    tokens = keras.Input([case.steps], dtype="int32")
    x = keras.layers.Embedding(case.vocabulary, case.embedding)(tokens)
    x = layers.GRU(case.units)(x)
    model = keras.Model(tokens, keras.layers.Dense(2, activation="softmax")(x))
    optimizer = layers.CountingAdamW(1e-3, global_clipnorm=1.0)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy())
    optimizer.build(model.trainable_variables)
    return model
