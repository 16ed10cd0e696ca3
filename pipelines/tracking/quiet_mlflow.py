"""MLflow without usage reports and chatter. Only this module imports it, since that takes three seconds."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# MLflow reads these while it is imported. Background jobs of the server would keep their queue outside the
# checkout.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "true",
}.items():
    os.environ.setdefault(_name, _value)

with warnings.catch_warnings():  # warnings about MLflow's own code, which users can't change
    warnings.simplefilter("ignore")
    import mlflow
    import mlflow.pyfunc
    import mlflow.store.tracking.sqlalchemy_store
    from mlflow.entities import Dataset, DatasetInput, Experiment, InputTag, Metric
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model, ModelSignature, infer_signature
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.store.db.utils import _initialize_tables as initialize_tables
    from mlflow.tracking.context.registry import resolve_tags
    from mlflow.types import Schema, TensorSpec
    from mlflow.utils import requirements_utils
    from mlflow.utils.mlflow_tags import (
        MLFLOW_DATASET_CONTEXT,
        MLFLOW_GIT_COMMIT,
        MLFLOW_LOGGED_ARTIFACTS,
        MLFLOW_RUN_NOTE,
        MLFLOW_SOURCE_NAME,
    )
    from mlflow.utils.validation import (
        MAX_DATASET_NAME_SIZE,
        MAX_METRICS_PER_BATCH,
        MAX_PARAM_VAL_LENGTH,
        MAX_PARAMS_TAGS_PER_BATCH,
        MAX_TAG_VAL_LENGTH,
    )

__all__ = [
    "MAX_DATASET_NAME_SIZE",
    "MAX_METRICS_PER_BATCH",
    "MAX_PARAMS_TAGS_PER_BATCH",
    "MAX_PARAM_VAL_LENGTH",
    "MAX_TAG_VAL_LENGTH",
    "MLFLOW_DATASET_CONTEXT",
    "MLFLOW_GIT_COMMIT",
    "MLFLOW_LOGGED_ARTIFACTS",
    "MLFLOW_RUN_NOTE",
    "MLFLOW_SOURCE_NAME",
    "Dataset",
    "DatasetInput",
    "Experiment",
    "InputTag",
    "Metric",
    "MlflowException",
    "Model",
    "ModelSignature",
    "Schema",
    "TensorSpec",
    "get_artifact_repository",
    "infer_signature",
    "initialize_tables",
    "mlflow",
    "requirements_given",
    "resolve_tags",
]


@contextmanager
def requirements_given() -> Iterator[None]:
    """Spare a second while a model is logged whose requirements are given.

    MLflow would read which files each installed package has, to find the packages of imported modules.
    """
    before = requirements_utils._MODULES_TO_PACKAGES
    requirements_utils._MODULES_TO_PACKAGES = {}
    try:
        yield
    finally:
        requirements_utils._MODULES_TO_PACKAGES = before
