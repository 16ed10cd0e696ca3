"""MLflow without usage reports and chatter. Only this module imports it, since that takes three seconds."""

from __future__ import annotations

import os
import warnings

# MLflow reads these while it is imported. Background jobs of the server would keep their queue outside the
# checkout.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}.items():
    os.environ.setdefault(_name, _value)

with warnings.catch_warnings():  # warnings about MLflow's own code, which users can't change
    warnings.simplefilter("ignore")
    import mlflow
    import mlflow.pyfunc
    import mlflow.store.tracking.sqlalchemy_store
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model, ModelSignature, infer_signature
    from mlflow.types import Schema, TensorSpec
    from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS
    from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH, MAX_PARAMS_TAGS_PER_BATCH, MAX_TAG_VAL_LENGTH

__all__ = [
    "MAX_PARAMS_TAGS_PER_BATCH",
    "MAX_PARAM_VAL_LENGTH",
    "MAX_TAG_VAL_LENGTH",
    "MLFLOW_LOGGED_ARTIFACTS",
    "MlflowException",
    "Model",
    "ModelSignature",
    "Schema",
    "TensorSpec",
    "infer_signature",
    "mlflow",
]
