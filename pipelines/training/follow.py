"""Train as one of several workers: the chief tells the state that each epoch starts from."""

from __future__ import annotations

from functools import partial

from ..app import App
from ..cluster.collective import Collective
from ..config import Config
from ..data.examples import Data
from .fit import compile_model, restore, seed_everything, start_epoch
from .pruning import Pruning
from .shared_step import SharedStep, require_shareable


def follow(app: App, config: Config, data: Data, collective: Collective) -> None:
    """Train until the chief has finished.

    Args:
        app: the app to train.
        config: the settings, those of the chief.
        data: the raw data, that of the chief.
        collective: sums over all processes.

    Raises:
        UserError: the app can't be trained by several processes.
    """
    seed_everything(config.seed)
    features = app.features(config, data)
    require_shareable(app.name, features, collective.team.place.workers)
    app = app.of(config)
    model = app.build(config, features)
    compile_model(model, config, app.loss(config), features)
    step = SharedStep(model, collective)
    pruning = Pruning(model, config.sparsity, config.epochs)
    set_trainable = partial(app.trainable, config, model) if app.trainable else None
    for epoch, state in collective.team.epochs():
        restore(model.variables + model.optimizer.variables, state)
        start_epoch(model, epoch, set_trainable, pruning)
        step.run_epoch(features, config, epoch)
