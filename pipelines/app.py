"""The contract between an app and the pipelines: a frozen dataclass of functions. No class is inherited."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import COMMON_SPACE, Config, Space, from_dict
from .data.examples import Data, Examples, Features
from .errors import UserError
from .evaluation.score import Metric
from .export.card.about import About
from .tasks.classification import label_targets

if TYPE_CHECKING:
    import keras
    import numpy as np
    from matplotlib.figure import Figure

    from .evaluation.outcome import Outcome
    from .export.part import Part
    from .ondevice.bundle import Bundle


SMOKE = "smoke"
"""The preset that runs every step in a minute. Its network is of no use."""


@dataclass(frozen=True)
class NoOptions:
    """The options of `predict` for an app without options of its own."""


def lazy(package: str, module: str, name: str) -> Callable[..., Any]:
    """Return a function that imports `module` of `package` and calls `name` in it.

    The module is imported at the first call, so that an app can name functions that need TensorFlow without
    importing it: `build=lazy(__name__, "model", "build_model")`.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(f"{package}.{module}"), name)(*args, **kwargs)

    return call


@dataclass(frozen=True)
class Page:
    """What the page of an app's bundles needs, which runs in the browser (see `page`)."""

    module: str
    """The JavaScript module that shows the app: a file of `pipelines/page/static/apps` without its end."""
    inputs: Callable[[Bundle], Sequence[Any]]
    """inputs(bundle) -> 20 real inputs, made without TensorFlow: texts, or arrays."""
    answers: Callable[[Bundle, str, Sequence[Any]], Iterable[Any]]
    """answers(bundle, file, inputs) -> what Python's runtime makes of each, as `page.golden.Golden`. The page
    leaves out files without answers."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further values for the module, as JSON can hold them."""


def _itself(config: Any, features: Features, model: keras.Model) -> keras.Model:
    return model


def _loop(config: Any) -> tuple[str, ...]:
    return ("loop",)


@dataclass(frozen=True)
class App:
    """Everything that the pipelines need to know about a problem.

    Importing an app must not import TensorFlow, Keras or matplotlib, since `predict` runs on the device.
    `usual_app` and `lazy` help with that.
    """

    name: str
    summary: str
    presets: Mapping[str, Config]
    load: Callable[..., Data]
    """load(config, as_given=False) -> the raw examples, by split. With `as_given`, for data that is only
    scored, no split or label is required, and no example is held out or left out as a copy."""
    features: Callable[[Any, Data], Features]
    """features(config, data) -> the network's inputs and targets as arrays. Learns from `train` only."""
    build: Callable[[Any, Features], keras.Model]
    """build(config, features) -> the network, not compiled."""
    loss: Callable[[Any], keras.losses.Loss]
    """loss(config) -> the loss that training minimises."""
    metrics: Mapping[str, Metric]
    """Metrics by name. The first one decides which epoch is best, and comes first in the tables."""
    baseline: Callable[[Any, Data, Features, keras.Model], dict[str, dict[str, float]]]
    """baseline(config, data, features, deployed) -> {method: {split: value of the first metric}}: simple
    methods that the network must beat."""
    encode: Callable[[Bundle, Sequence[Any]], np.ndarray]
    """encode(bundle, inputs) -> the array that `features` makes from raw inputs. Uses only the bundle."""
    predict: Callable[[Bundle, Any, str | None, Any], Iterable[dict[str, Any]]]
    """predict(bundle, inputs, variant, options) -> an iterable of answers that JSON can hold. They are shown
    one by one. `inputs` is a sequence; with `reads_lines` an iterable, whose next item is typed after the
    answer to the one before. Must not import TensorFlow."""
    describe: Callable[[dict[str, Any]], str]
    """describe(answer) -> one line for people."""
    plots: Callable[[Any, Outcome], Mapping[str, Figure | list[dict[str, Any]]]]
    """plots(config, outcome) -> figures, and tables as lists of rows, for the tracker."""
    higher_is_better: bool = True
    """Whether a higher value of the first metric is better."""
    options: type = NoOptions
    """A frozen dataclass with the options of `predict` on the command line. Every field needs a default."""
    example: tuple[str, ...] = ()
    """The arguments of an example of `predict` on the command line."""
    reads_lines: bool = False
    """Whether inputs are texts; otherwise they are files. `predict` reads texts from standard input, line by
    line, when the command line has no inputs."""
    input_column: Callable[[Mapping[str, Any]], str] | None = None
    """input_column(settings) -> the column of a CSV, TSV, JSONL or JSON file with the inputs of `predict`;
    None if the app reads no such files. `settings` is the config as `to_dict` returns it."""
    deployed: Callable[[Any, Features, keras.Model], keras.Model] = _itself
    """deployed(config, features, model) -> what is scored and exported; it has one input and one output."""
    targets: Callable[[Bundle, Data, Examples], np.ndarray] = label_targets
    """targets(bundle, data, examples) -> the targets of a split of new data, with the numbers that the
    bundle's network uses."""
    executions: Callable[[Any], Sequence[str]] = _loop
    """executions(config) -> the executions to export: "loop" (whole sequences), "step" (streaming)."""
    first_weights: Callable[[Any, Features, keras.Model], Mapping[str, float]] | None = None
    """first_weights(config, features, model) -> figures to log. Trains layers of a new network beforehand."""
    trainable: Callable[[Any, keras.Model, int], None] | None = None
    """trainable(config, model, epoch): sets which layers are trained. Called before each epoch, from 0 on."""
    parts: Callable[[Any, Outcome], Mapping[str, Part]] | None = None
    """parts(config, outcome) -> the parts of the deployed model that get files of their own, by name."""
    each_epoch: Callable[..., None] | None = None
    """each_epoch(config, features, deployed, *, epoch, folder): writes samples to the folder."""
    facts: Callable[[Any, Outcome], Mapping[str, Any]] | None = None
    """facts(config, outcome) -> further entries of the bundle's manifest, for JSON."""
    show: Callable[[Any, Outcome, Bundle, Path], Mapping[str, float]] | None = None
    """show(config, outcome, bundle, folder) -> further figures for the record. Runs the finished bundle and
    writes audio or pictures to the folder, for the tracker."""
    page: Page | None = None
    """What the page of a bundle needs; None if the app has no page yet."""
    space: Space = field(default_factory=lambda: COMMON_SPACE)
    """What `sweep` varies: bounds of settings by name."""
    about: About | None = None
    """What the app says of its networks in their cards."""
    by_settings: Callable[[Any], Mapping[str, Any]] | None = None
    """by_settings(config) -> the fields that have other values with these settings, such as the metrics of an
    app that answers with one thing or another."""

    def of(self, config: Any) -> App:
        """Return the app as it is with these settings."""
        return self if self.by_settings is None else replace(self, **self.by_settings(config))

    def config_of(self, bundle: Bundle) -> Config:
        """Return the settings with which the network of a bundle was trained."""
        return from_dict(type(self.presets["default"]), bundle.manifest["config"])

    def of_bundle(self, bundle: Bundle) -> App:
        """Return the app as it is with the settings of a bundle's network."""
        return self.of(self.config_of(bundle))

    def __post_init__(self) -> None:
        for needed in ("default", SMOKE):
            if needed not in self.presets:
                raise ValueError(f"app {self.name!r} has no preset {needed!r}, got {sorted(self.presets)}")


_USUAL = {
    "load": ("data", "load"),
    "features": ("features", "make_features"),
    "encode": ("features", "encode"),
    "build": ("model", "build_model"),
    "loss": ("model", "make_loss"),
    "baseline": ("metrics", "baselines"),
    "predict": ("predict", "predict"),
    "describe": ("predict", "describe"),
    "plots": ("plots", "make_plots"),
}
# Fields of many apps, though not of all.
_OFTEN = {"targets": ("features", "targets_of"), "show": ("show", "show")}


def usual_app(package: str, summary: str, *, also: Sequence[str] = (), **more: Any) -> App:
    """Return the app in the folder of `package`, with what it is made of in the usual files.

    They are `config.PRESETS`, `metrics.METRICS`, `about.ABOUT` and, if the app has them, `config.SPACE`,
    `predict.Options` and `page.PAGE`. The functions `data.load`, `features.make_features`, `features.encode`,
    `model.build_model`, `model.make_loss`, `metrics.baselines`, `predict.predict`, `predict.describe` and
    `plots.make_plots` are imported at their first call.

    Args:
        package: `__name__` in the app's `__init__.py`; its last part is the app's name.
        summary: one sentence for `--help`.
        also: fields that are not of every app, but are in the usual places: "targets" is
            `features.targets_of`, "show" is `show.show`.
        **more: any other field of `App`, or another value for one of the above.
    """
    places = _USUAL | {field: _OFTEN[field] for field in also}
    functions = {field: lazy(package, module, name) for field, (module, name) in places.items()}
    config, metrics, predict, about = (
        importlib.import_module(f"{package}.{module}") for module in ("config", "metrics", "predict", "about")
    )
    values = {
        "name": package.rpartition(".")[2],
        "presets": config.PRESETS,
        "metrics": metrics.METRICS,
        "options": getattr(predict, "Options", NoOptions),
        "about": about.ABOUT,
        "space": getattr(config, "SPACE", COMMON_SPACE),
    }
    if importlib.util.find_spec(f"{package}.page"):
        values["page"] = importlib.import_module(f"{package}.page").PAGE
    return App(summary=summary, **{**functions, **values, **more})


def generating_app(package: str, summary: str, **more: Any) -> App:
    """Return a `usual_app` that writes sequences step by step, for example text or music.

    A lower value of its first metric is better, and it is exported as "loop" and "step".
    `features.targets_of` gives the targets of new data, and `samples.each_epoch` and `samples.write_samples`
    write samples for the tracker.
    """
    places = {
        "targets": ("features", "targets_of"),
        "each_epoch": ("samples", "each_epoch"),
        "show": ("samples", "write_samples"),
    }
    functions = {field: lazy(package, module, name) for field, (module, name) in places.items()}
    shared = {"higher_is_better": False, "executions": lambda config: ("loop", "step")}
    return usual_app(package, summary, **{**functions, **shared, **more})


def stream_app(package: str, summary: str, **more: Any) -> App:
    """Return a `usual_app` that labels windows of streams, or their steps.

    Its settings say for which executions it is exported, `show.show` runs the finished bundle on whole
    streams, and the plots and the targets of new data are those of `tasks`.
    """
    shared = {
        "targets": lazy(f"{__package__}.tasks", "labelling", "targets_of"),
        "plots": lazy(f"{__package__}.tasks", "window_plots", "make_plots"),
        "executions": attrgetter("executions"),
    }
    return usual_app(package, summary, also=("show",), **{**shared, **more})


APPS = f"{__package__.rpartition('.')[0]}.apps".removeprefix(".")
"""The package of the apps: `apps` in a checkout, `unrolled.apps` once installed."""
PROGRAM = "python -m apps" if APPS == "apps" else "unrolled"
"""The command that runs apps."""


def app_names(package: str = APPS) -> list[str]:
    """Return the names of all apps, without importing them. They are the names of their folders."""
    folder = importlib.import_module(package)
    return [module.name for module in pkgutil.iter_modules(folder.__path__) if module.ispkg]


SHIPPED = "shipped"
"""The folder of the bundle that is shipped with an app, in the app's folder."""


def folder_of(name: str) -> Path:
    """Return the folder of the app called `name`."""
    return Path(*importlib.import_module(APPS).__path__, name)


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
        UserError: there is no such app. The message lists the apps.
    """
    key = name.replace("-", "_")
    names = app_names()
    if key not in names:
        raise UserError(f"unknown app {name!r}: expected one of {', '.join(names)}")
    return importlib.import_module(f"{APPS}.{key}").APP
