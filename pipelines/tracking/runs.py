"""Training runs in MLflow: the only module that imports it, which takes some three seconds."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import json
import logging
import os
import re
import sqlite3
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..errors import UserError
from ..ondevice.bundle import Bundle
from . import serving
from .provenance import provenance
from .store import alone, sqlite_folder, store_uri

# MLflow reads these while it is imported: no usage reports, no chatter, and no background jobs in the
# server, which would keep their queue outside the checkout.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}.items():
    os.environ.setdefault(_name, _value)

with warnings.catch_warnings():  # about MLflow's own code: nothing that its user could mend
    warnings.simplefilter("ignore")
    import mlflow
    import mlflow.pyfunc
    import mlflow.store.tracking.sqlalchemy_store
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model, ModelSignature, infer_signature
    from mlflow.types import Schema, TensorSpec
    from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS
    from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH, MAX_PARAMS_TAGS_PER_BATCH, MAX_TAG_VAL_LENGTH
    from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)


class Run:
    """One open run. Everything logged can be seen in the UI at once."""

    def __init__(self, run_id: str, logged: set[tuple[str, int]]) -> None:
        self.id = run_id
        self._logged = logged

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers; with `step` (the epoch, from 1) they make a curve.

        A step that the run already has is left as it is: after a kill between logging an epoch and
        saving it, the epoch is trained again and must not show twice.
        """
        fresh = {k: float(v) for k, v in values.items() if step is None or (k, step) not in self._logged}
        mlflow.log_metrics(fresh, step=step, run_id=self.id)
        if step is not None:
            self._logged.update((name, step) for name in fresh)

    def params(self, values: Mapping[str, Any]) -> None:
        """Log settings and facts known before training; nested mappings become dotted names.

        Raises:
            UserError: the run, being resumed, was started with another value.
        """
        flat = {name: _shorten(value, MAX_PARAM_VAL_LENGTH) for name, value in _flatten(values)}
        before = mlflow.get_run(self.id).data.params
        for name in sorted(flat.keys() & before.keys()):
            if flat[name] != before[name]:
                raise UserError(f"run {self.id} was started with {name}={before[name]!r}, got {flat[name]!r}")
        for some in _batches({k: v for k, v in flat.items() if k not in before}):
            mlflow.log_params(some, run_id=self.id)

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags; unlike parameters they may change."""
        for some in _batches({name: _shorten(value, MAX_TAG_VAL_LENGTH) for name, value in _flatten(values)}):
            mlflow.set_tags(some)

    def figure(self, name: str, figure: Figure) -> None:
        """Show a figure as `plots/NAME.png`."""
        mlflow.log_figure(figure, f"plots/{name}.png")

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show rows of one kind as a table, `tables/NAME.json`; one that is there already is replaced."""
        path = f"tables/{name}.json"
        columns = list(rows[0]) if rows else []
        content = {"columns": columns, "data": [[row[column] for column in columns] for row in rows]}
        self.text(path, json.dumps(content, default=_plain))
        # The UI shows as tables the files that this tag lists.
        listed = json.loads(mlflow.get_run(self.id).data.tags.get(MLFLOW_LOGGED_ARTIFACTS, "[]"))
        entry = {"path": path, "type": "table"}
        if entry not in listed:
            mlflow.set_tag(MLFLOW_LOGGED_ARTIFACTS, json.dumps([*listed, entry]))

    def text(self, name: str, text: str) -> None:
        """Keep a text as the artifact `name`, whose ending tells the UI how to show it."""
        mlflow.log_text(text, name, run_id=self.id)

    def folder(self, path: Path, name: str) -> None:
        """Keep a copy of a folder and all that is in it as the artifact folder `name`."""
        mlflow.log_artifacts(str(path), name, run_id=self.id)

    def keras_model(self, model: keras.Model, input_example: np.ndarray) -> str:
        """Log a functional model in Keras's own format; gives the address to load it by.

        The signature is the model's own, so that lengths which the model leaves open stay open.
        """
        logged = Model.log(
            artifact_path=None,
            name="keras",
            flavor=_KerasFlavor,
            run_id=self.id,
            model=model,
            signature=ModelSignature(_schema(model.inputs), _schema(model.outputs)),
            input_example=input_example,
            pip_requirements=_pins("tensorflow", "keras", "numpy"),
            validate_serving_input=False,  # it would load and run the model again, with a bar on stdout
        )
        return logged.model_uri

    def bundle_model(self, bundle: Path, input_example: Sequence[Any]) -> str:
        """Log a bundle as a model that takes a list of raw inputs; gives the address to load it by.

        The model carries the code it needs as files: no pickle, no TensorFlow, only numpy and LiteRT.
        """
        examples: Any = list(input_example)
        if isinstance(examples[0], np.ndarray):  # of any length each, so one has to do
            examples = examples[0][None]
        answers = serving._load_pyfunc(str(bundle)).predict(examples)
        logged = mlflow.pyfunc.log_model(
            name="bundle",
            loader_module=serving.__name__,
            data_path=str(bundle),
            code_paths=[_package_folder(name) for name in (serving.__name__.partition(".")[0], "apps")],
            signature=_signature(examples, answers),
            input_example=examples,
            pip_requirements=_pins("ai-edge-litert", "numpy"),
        )
        return logged.model_uri

    def register(self, model_uri: str, name: str, bundle: Bundle) -> int:
        """Make a version of the registered model `name` from a logged bundle, and return its number.

        The version is found by its tags: app, dataset, preset and the figures of every variant.

        Args:
            model_uri: as `bundle_model` gives it.
            name: made where there is no such registered model.
            bundle: what was logged.

        Raises:
            UserError: the store takes no such name or model.
        """
        facts = {key: bundle.manifest[key] for key in ("app", "run_id", "dataset", "preset")}
        tags = {
            key: _shorten(value, MAX_TAG_VAL_LENGTH) for key, value in {**facts, **figures(bundle)}.items()
        }
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # what it did, in two lines
                return int(mlflow.register_model(model_uri, name, tags=tags).version)
        except MlflowException as error:
            raise UserError(f"registered model {name!r}: {_one_line(error)}") from error


def figures(bundle: Bundle) -> dict[str, float]:
    """Return what was measured of a bundle's variants: "int8.bytes", "int8_step.latency_p50_ms"."""
    metric, numbers = bundle.manifest["metric"]["name"], {}
    for file in (*bundle.variants, *bundle.parts):
        form = file.get("part", file["execution"])
        name = file["precision"] if form == "loop" else f"{file['precision']}_{form}"
        if "metric" in file:
            numbers[f"{name}.{metric}"] = file["metric"]
        numbers[f"{name}.bytes"] = file["bytes"]
        numbers[f"{name}.max_abs_error"] = file["max_abs_error"]
        numbers[f"{name}.latency_p50_ms"] = file["latency_ms"]["p50"]
    return numbers


class _KerasFlavor:
    """`mlflow.keras`, which forgets to make the folder for an input example.

    `mlflow.tensorflow` doesn't, but it pickles every registered layer.
    """

    @staticmethod
    def save_model(path: str, validate_serving_input: bool, **options: Any) -> None:
        import mlflow.keras

        Path(path).mkdir()
        mlflow.keras.save_model(path=path, **options)


@contextmanager
def start(
    app_name: str,
    run_name: str,
    params: Mapping[str, Any],
    tags: Mapping[str, Any],
    run_id: str | None = None,
    parent: str | None = None,
) -> Iterator[Run]:
    """Open a new run of the app's experiment, or the run `run_id` again, and close it with its fate.

    The run ends FINISHED, KILLED on Ctrl-C, or else FAILED; the tag `reason` says why.
    `params` are kept whole as `config.json` too, since a parameter's length is limited.
    A new run becomes a child of the run `parent`, where one is given.

    Raises:
        UserError: there is no run `run_id` of this app, or it was started with other parameters.
    """
    uri = prepare()
    with _tracking_uri(uri):
        experiment = _experiment(app_name, uri)
        logged = set() if run_id is None else _reopen(run_id, experiment, app_name)
        opened = mlflow.start_run(
            run_id,
            experiment_id=experiment,
            run_name=None if run_id else run_name,
            parent_run_id=None if run_id else parent,
        )
        run = Run(opened.info.run_id, logged)
        with _closing(run):
            run.params(params)
            run.tags({**provenance(), **tags})
            run.text("config.json", json.dumps(params, indent=1, default=_plain))
            yield run


def checked_id(run_id: str) -> str:
    """Return `run_id`, or raise UserError where it can't be one."""
    if not re.fullmatch("[0-9a-f]{32}", run_id):
        raise UserError(f"run {run_id!r}: expected the 32 letters and digits that MLflow names a run by")
    return run_id


def prepare() -> str:
    """Create the store where it is a missing SQLite file; return its address.

    Raises:
        UserError: it can't be written, is no store, or is of another version of MLflow.
    """
    uri = store_uri()
    try:
        with alone(uri):
            mlflow.MlflowClient(uri)
    except (OSError, sqlite3.Error, SQLAlchemyError, MlflowException) as error:
        raise UserError(f"{uri}: expected a store of MLflow: {_one_line(error)}") from error
    return uri


def serve_ui(host: str, port: int) -> NoReturn:
    """Become MLflow's UI over the store, at http://HOST:PORT; also before there is any run."""
    uri = prepare()
    folder = sqlite_folder(uri)
    if folder is None:
        raise UserError(f"MLFLOW_TRACKING_URI={uri}: expected a SQLite store; open a server in the browser")
    artifacts = (folder / "artifacts").as_uri()
    server = ["server", "--backend-store-uri", uri, "--host", host, "--port", str(port), "--workers", "1"]
    places = ["--default-artifact-root", artifacts, "--artifacts-destination", artifacts]
    print(f"http://{host}:{port}", file=sys.stderr, flush=True)
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *server, *places])


@contextmanager
def _closing(run: Run) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        name = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        try:
            run.tags({"reason": _one_line(f"{name}{error}")})
            mlflow.end_run(status)
        except MlflowException as second:  # a full disk, say: what happened first counts
            log.warning("run %s could not be marked as %s: %s", run.id, status, second)
        raise
    mlflow.end_run("FINISHED")


@contextmanager
def _tracking_uri(uri: str) -> Iterator[None]:
    """Set MLflow's own idea of the store, which is one variable for the whole process."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


def _experiment(name: str, uri: str) -> str:
    """Return the id of the experiment called `name`; make it where it is missing."""
    folder = sqlite_folder(uri)
    artifacts = None if folder is None else (folder / "artifacts" / name).as_uri()
    with alone(uri):
        found = mlflow.get_experiment_by_name(name)
        if found is None:
            return mlflow.create_experiment(name, artifacts)
    if found.lifecycle_stage == "deleted":
        raise UserError(
            f"experiment {name!r} was deleted: bring it back with "
            f"MLFLOW_TRACKING_URI={uri} mlflow experiments restore -x {found.experiment_id}"
        )
    return found.experiment_id


def _reopen(run_id: str, experiment: str, app_name: str) -> set[tuple[str, int]]:
    """Check that the run can go on; return the metrics and steps that it has."""
    client = mlflow.MlflowClient()
    try:
        found = client.get_run(checked_id(run_id))
    except MlflowException as error:
        raise UserError(f"no run {run_id} in {mlflow.get_tracking_uri()}") from error
    if found.info.experiment_id != experiment:
        raise UserError(f"run {run_id} is not a run of {app_name}")
    if "reason" in found.data.tags:
        client.delete_tag(run_id, "reason")
    return {(name, m.step) for name in found.data.metrics for m in client.get_metric_history(run_id, name)}


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _plain(value: Any) -> Any:
    """What JSON can't hold: NumPy's numbers as Python's, and anything else as text."""
    return value.item() if isinstance(value, np.generic) else str(value)


def _shorten(value: object, length: int) -> str:
    text = str(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def _batches(values: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Cut into as many at a time as MLflow takes."""
    items = list(values.items())
    for i in range(0, len(items), MAX_PARAMS_TAGS_PER_BATCH):
        yield dict(items[i : i + MAX_PARAMS_TAGS_PER_BATCH])


def _schema(tensors: Sequence[keras.KerasTensor]) -> Schema:
    """The schema of a model's inputs or outputs: -1 where a length is open; names where there are several."""
    return Schema(
        [
            TensorSpec(
                np.dtype(tensor.dtype),
                [-1 if length is None else length for length in tensor.shape],
                tensor.name if len(tensors) > 1 else None,
            )
            for tensor in tensors
        ]
    )


def _signature(examples: list[Any] | np.ndarray, answers: list[dict[str, Any]]) -> ModelSignature:
    with warnings.catch_warnings():  # that whole numbers can't be missing: these never are
        warnings.filterwarnings("ignore", "Hint: Inferred schema contains integer")
        signature = infer_signature(examples, answers)
    if isinstance(examples, np.ndarray):
        signature.inputs = Schema([TensorSpec(examples.dtype, (-1, -1, *examples.shape[2:]))])
    return signature


def _pins(*libraries: str) -> list[str]:
    return [f"{name}=={importlib.metadata.version(name)}" for name in libraries]


def _package_folder(name: str) -> str:
    return str(Path(importlib.import_module(name).__path__[0]))
