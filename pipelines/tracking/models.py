"""Log models to MLflow: the Keras model, the bundle, and versions of registered models."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..app import APPS
from ..data.strokes import Drawing
from ..errors import UserError
from ..ondevice.bundle import Bundle
from . import serving
from .keras_file import name_package
from .quiet_mlflow import (
    MAX_TAG_VAL_LENGTH,
    MlflowException,
    Model,
    ModelSignature,
    Schema,
    TensorSpec,
    infer_signature,
    mlflow,
    requirements_given,
)
from .run import Run
from .values import one_line, shorten

if TYPE_CHECKING:
    import keras


CARD_OF_RUN = "bundle/README.md"
"""The card among the artifacts of a run."""
_LOGGED = "models:/"


def log_keras_model(run: Run, model: keras.Model, input_example: np.ndarray) -> str:
    """Log a functional model in Keras's own format, and return the address to load it from.

    The signature is made from the model, not from the example, so that open lengths stay open.
    """
    with requirements_given():
        logged = Model.log(
            artifact_path=None,
            name="keras",
            flavor=_KerasFlavor,
            run_id=run.id,
            model=model,
            signature=ModelSignature(_schema(model.inputs), _schema(model.outputs)),
            input_example=input_example,
            pip_requirements=_requirements("tensorflow", "keras", "numpy"),
            validate_serving_input=False,  # it would load and run the model again, with a bar on stdout
        )
    return logged.model_uri


def log_bundle_model(bundle: Path, input_example: Sequence[Any]) -> str:
    """Log a bundle to the active run as a model that takes a list of raw inputs.

    The model holds the code that it needs as files. It needs numpy and LiteRT, no TensorFlow and no pickle.

    Args:
        bundle: the folder of the bundle.
        input_example: a few raw inputs, of one type.

    Returns:
        The address to load the model from.
    """
    examples: Any = [each.points if isinstance(each, Drawing) else each for each in input_example]
    if isinstance(examples[0], np.ndarray):  # they may differ in length, so only one
        examples = examples[0][None]
    elif isinstance(examples[0], tuple):  # words: served models take texts
        examples = [" ".join(words) for words in examples]
    answers = serving._load_pyfunc(str(bundle)).predict(examples)
    packages = {name.partition(".")[0] for name in (serving.__name__, APPS)}
    with requirements_given():
        logged = mlflow.pyfunc.log_model(
            name="bundle",
            loader_module=serving.__name__,
            data_path=str(bundle),
            code_paths=[_package_folder(name) for name in sorted(packages)],
            signature=_signature(examples, answers),
            input_example=examples,
            pip_requirements=_requirements("ai-edge-litert", "numpy"),
        )
    return logged.model_uri


def register(model_uri: str, name: str, bundle: Bundle) -> int:
    """Make a version of a registered model from a logged bundle, and return the number of the version.

    Its tags are the app, data set, preset and the metrics of every variant, so that searches can find it.

    Args:
        model_uri: the address that `log_bundle_model` returned.
        name: the registered model; it is made if it does not exist.
        bundle: the bundle that was logged.

    Raises:
        UserError: the store refuses the name or the model.
    """
    values = {key: bundle.manifest[key] for key in ("app", "run_id", "dataset", "preset")}
    values |= variant_metrics(bundle)
    tags = {key: shorten(value, MAX_TAG_VAL_LENGTH) for key, value in values.items()}
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # it prints two lines about its work
            version = int(mlflow.register_model(model_uri, name, tags=tags).version)
        _link_card(model_uri, name, version)
    except MlflowException as error:
        raise UserError(f"registered model {name!r}: {one_line(error)}") from error
    return version


def _link_card(model_uri: str, name: str, version: int) -> None:
    """Link a version to the card in its run: by a tag for programs, and by its description for people.

    The link in the description is relative, so that it holds on every server.
    """
    client = mlflow.MlflowClient()
    run_id = client.get_logged_model(model_uri.removeprefix(_LOGGED)).source_run_id
    experiment = client.get_run(run_id).info.experiment_id
    client.set_model_version_tag(name, str(version), "card", f"runs:/{run_id}/{CARD_OF_RUN}")
    page = f"#/experiments/{experiment}/runs/{run_id}/artifacts/{CARD_OF_RUN}"
    client.update_model_version(name, str(version), f"[Model card]({page})")


def variant_metrics(bundle: Bundle) -> dict[str, float]:
    """Return the measurements of a bundle's files by name, for example "int8_step.latency_p50_ms"."""
    metric, values = bundle.manifest["metric"]["name"], {}
    for file in (*bundle.variants, *bundle.parts):
        kind = file.get("part", file["execution"])
        name = file["precision"] if kind == "loop" else f"{file['precision']}_{kind}"
        if "metric" in file:
            values[f"{name}.{metric}"] = file["metric"]
        values[f"{name}.bytes"] = file["bytes"]
        values[f"{name}.max_abs_error"] = file["max_abs_error"]
        values[f"{name}.latency_p50_ms"] = file["latency_ms"]["p50"]
    return values


class _KerasFlavor:
    """A wrapper of `mlflow.keras` that makes the folder for the input example, which MLflow forgets.

    It also names the package of our layers in the file.

    `mlflow.tensorflow` makes the folder, but it pickles every registered layer.
    """

    @staticmethod
    def save_model(path: str, validate_serving_input: bool, **options: Any) -> None:
        Path(path).mkdir()
        mlflow.keras.save_model(path=path, **options)
        name_package(Path(path, "data", "model.keras"))


def _schema(tensors: Sequence[keras.KerasTensor]) -> Schema:
    """Return the schema of inputs or outputs: -1 for an open length; names where there are several."""
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
    with warnings.catch_warnings():  # warnings about missing integers; these inputs are always complete
        warnings.filterwarnings("ignore", "Hint: Inferred schema contains integer")
        signature = infer_signature(examples, answers)
    if isinstance(examples, np.ndarray):
        signature.inputs = Schema([TensorSpec(examples.dtype, (-1, -1, *examples.shape[2:]))])
    return signature


def _requirements(*libraries: str) -> list[str]:
    return [f"{name}=={importlib.metadata.version(name)}" for name in libraries]


def _package_folder(name: str) -> str:
    return str(Path(importlib.import_module(name).__path__[0]))
