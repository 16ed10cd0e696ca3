"""The contract between an app and the pipelines: a frozen dataclass of functions, nothing to inherit."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import Config
from .data.examples import Data, Examples, Features
from .errors import UserError
from .evaluation.score import Metric
from .tasks.classification import label_targets

if TYPE_CHECKING:
    import keras
    import numpy as np
    from matplotlib.figure import Figure

    from .evaluation.outcome import Outcome
    from .export.part import Part
    from .ondevice.bundle import Bundle


@dataclass(frozen=True)
class NoOptions:
    """The options of `predict` of an app that has none of its own."""


def lazy(package: str, module: str, name: str) -> Callable[..., Any]:
    """Return a function that calls `name` in a module of `package`, which is imported at the first call.

    An app's `__init__.py` names what needs TensorFlow so: `build=lazy(__name__, "model", "build_model")`.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(f"{package}.{module}"), name)(*args, **kwargs)

    return call


def _itself(config: Any, features: Features, model: keras.Model) -> keras.Model:
    return model


def _loop(config: Any) -> tuple[str, ...]:
    return ("loop",)


@dataclass(frozen=True)
class App:
    """Everything that the pipelines need to know of a problem.

    Importing an app must not import TensorFlow, Keras or matplotlib: `predict` runs on the device.
    Functions that need them import them inside.
    """

    name: str
    summary: str
    presets: Mapping[str, Config]
    load: Callable[[Any], Data]
    """load(config): the raw examples by split."""
    features: Callable[[Any, Data], Features]
    """features(config, data): what the network sees; whatever is learned is learned on `train` only."""
    build: Callable[[Any, Features], keras.Model]
    """build(config, features): the network, not compiled."""
    loss: Callable[[Any], keras.losses.Loss]
    metrics: Mapping[str, Metric]
    """By name, the one that counts first."""
    baseline: Callable[[Any, Data, Features, keras.Model], dict[str, dict[str, float]]]
    """baseline(config, data, features, deployed): {name: {split: value of the first metric}}: what the
    network must beat."""
    encode: Callable[[Bundle, Sequence[Any]], np.ndarray]
    """encode(bundle, inputs): what `features` makes of raw inputs, from the bundle's assets alone."""
    predict: Callable[[Bundle, Sequence[Any], str | None, Any], Iterable[dict[str, Any]]]
    """predict(bundle, inputs, variant, options): JSON-able answers, shown as they come; no TensorFlow."""
    describe: Callable[[dict[str, Any]], str]
    """describe(answer): one line for people."""
    plots: Callable[[Any, Outcome], Mapping[str, Figure | list[dict[str, Any]]]]
    """plots(config, outcome): figures, and tables as lists of rows, for the tracker."""
    higher_is_better: bool = True
    """Of the metric that counts."""
    options: type = NoOptions
    """A frozen dataclass: what `predict` can be told on the command line. Must have defaults."""
    reads_lines: bool = False
    """Without inputs on the command line, `predict` answers the lines of standard input."""
    deployed: Callable[[Any, Features, keras.Model], keras.Model] = _itself
    """deployed(config, features, model): of the trained network, the model that answers: scored and exported.
    It has one input and one output."""
    targets: Callable[[Bundle, Data, Examples], np.ndarray] = label_targets
    """targets(bundle, data, examples): those of a split of new data, as the bundle's network has them."""
    executions: Callable[[Any], Sequence[str]] = _loop
    """executions(config): the forms of it on the device, "loop" (whole sequences), "step" (streaming)."""
    trainable: Callable[[Any, keras.Model, int], None] | None = None
    """trainable(config, model, epoch): before each epoch, counted from 0, set which layers are trained."""
    parts: Callable[[Any, Outcome], Mapping[str, Part]] | None = None
    """parts(config, outcome): of the deployed model, what the device also runs by itself."""
    each_epoch: Callable[[Any, Features, keras.Model, int, Path], None] | None = None
    """each_epoch(config, features, deployed, epoch, folder): write a sample of what it can by now."""
    show: Callable[[Any, Outcome, Bundle, Path], Mapping[str, float]] | None = None
    """show(config, outcome, bundle, folder): try the finished bundle; write what it makes (audio, pictures)
    into the folder, for the tracker, and return further figures for the record."""

    def __post_init__(self) -> None:
        for needed in ("default", "smoke"):
            if needed not in self.presets:
                raise ValueError(f"app {self.name!r} has no preset {needed!r}, got {sorted(self.presets)}")


APPS = f"{__package__.rpartition('.')[0]}.apps".removeprefix(".")
"""The package of the apps: `apps` in a checkout, `unrolled.apps` once installed."""


def app_names(package: str = APPS) -> list[str]:
    """Return the names of all apps, which are those of their folders, without importing any."""
    folder = importlib.import_module(package)
    return [module.name for module in pkgutil.iter_modules(folder.__path__) if module.ispkg]


def discover(package: str = APPS) -> dict[str, App]:
    """Import every app, each subpackage of `package` with an `APP`, and return them by name.

    Raises:
        TypeError: a subpackage defines no `APP`.
        ValueError: two apps have the same name.
    """
    found: dict[str, App] = {}
    for name in app_names(package):
        module = importlib.import_module(f"{package}.{name}")
        app = getattr(module, "APP", None)
        if app is None:
            raise TypeError(f"{module.__file__} defines no APP")
        if app.name in found:
            raise ValueError(f"two apps are called {app.name!r}; the second is in {package}.{name}")
        found[app.name] = app
    return found


def find(name: str) -> App:
    """Import the app called `name`, and no other; dashes count as underscores.

    Raises:
        UserError: there is no such app. The message lists those there are.
    """
    key = name.replace("-", "_")
    names = app_names()
    if key not in names:
        raise UserError(f"unknown app {name!r}: expected one of {', '.join(names)}")
    return importlib.import_module(f"{APPS}.{key}").APP
