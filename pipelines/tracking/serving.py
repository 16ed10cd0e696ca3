"""A bundle as an MLflow model: the loader that MLflow calls. Imports neither MLflow nor TensorFlow."""

from __future__ import annotations

from typing import Any

from .. import app
from ..ondevice.bundle import Bundle


class Served:
    """The model that MLflow calls: it answers raw inputs with the bundle's first variant."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.app = app.find(bundle.manifest["app"])

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return one answer for each input, as values that JSON can hold.

        Args:
            model_input: a data frame of one column, an array or a list of raw inputs; MLflow's signature
                check and its scoring server convert requests to these.
            params: not used; MLflow passes them.
        """
        return list(self.app.predict(self.bundle, _raw_inputs(model_input), None, self.app.options()))


def _load_pyfunc(data_path: str) -> Served:
    """Return the model for the bundle in `data_path`; MLflow calls this function by its name."""
    return Served(Bundle.open(data_path))


def _raw_inputs(model_input: Any) -> list[Any]:
    if hasattr(model_input, "columns"):
        if len(model_input.columns) != 1:
            raise ValueError(f"expected one column of inputs, got columns {list(model_input.columns)}")
        return model_input.iloc[:, 0].tolist()
    if hasattr(model_input, "reshape"):
        if model_input.size == len(model_input):
            return model_input.reshape(-1).tolist()
        if model_input.dtype.kind in "iuf":  # each input is itself an array
            return list(model_input)
        raise ValueError(f"expected an array of one input per row, got shape {model_input.shape}")
    return list(model_input)
