"""The verbs of the command line, and the modules that run them. Needs no installed library."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

VERBS = {
    "export": "Turn a model of Keras, PyTorch or ONNX into verified .tflite files.",
    "benchmark": "Measure the .tflite files of a bundle, or a single one: time, memory, size, operations.",
    "page": "Write a page that runs a bundle in the browser, also without a network.",
    "card": "Write the card of a bundle again, README.md.",
    "ship": "Put one precision of a bundle into the package, so that it can be tried without training.",
    "ui": "Serve MLflow's UI over mlruns/, even before the first run.",
}
"""The verbs that need no app. Each has a module in this folder with its options, `Verb`, and `run`."""
APP_VERBS = {
    "train": "Train on the data, log to MLflow, export to TFLite, verify every file.",
    "sweep": "Search settings: many trainings on Optuna, each verified and measured; the best are kept.",
    "compare": "Train kinds of networks whose files have the same size, and compare what they give and cost.",
    "evaluate": "Score a bundle's model on data.",
    "predict": "Run the model of a bundle on inputs, without TensorFlow.",
}
"""The verbs of every app. `app.options_of` gives their options, and `app.run` runs them."""


def load(verb: str) -> tuple[ModuleType, Any]:
    """Import the module of a verb that needs no app; return it and its dataclass of options."""
    module = importlib.import_module(f".{verb}", __package__)
    return module, getattr(module, verb.capitalize())
