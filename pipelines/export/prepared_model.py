"""A Keras model that is ready for export, with the data that calibrates and checks its files."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from .._layers import layers
from .keras.lengths import WithLength
from .keras.saved_model import InputSpecs, write_saved_model
from .keras.signature import Signature
from .keras.texts import HostWork
from .verify.reference import Reference


@dataclass(frozen=True)
class PreparedModel:
    """A built model of this project's layers, and the reference that its files are compared with."""

    model: keras.Model
    input_specs: InputSpecs
    calibration: Sequence[Mapping[str, np.ndarray]]
    """Examples with a batch of 1. The range of every tensor in int8 and int16x8 is measured on them, and
    weights of int4 are rounded for them."""
    reference: Reference
    """Inputs and the Keras model's outputs for them, in the model's order."""
    whole_inputs: Collection[str] = ()
    """Inputs that are not sequences; each step of a stream takes them whole."""
    random_inputs: bool = False
    """Whether the examples were drawn, since there are no real ones. No weights are rounded for them."""
    host: HostWork = field(default_factory=HostWork)
    """What the host does before it calls a file."""

    def saved_model(self, workspace: Path, execution: str) -> Path:
        """Return the SavedModel in `workspace`; write it if it is not there yet.

        Raises:
            ValueError: the model can't run in this execution. The message names the layer and says why.
        """
        folder = workspace / ("saved_model" if execution == "loop" else f"saved_model_{execution}")
        if not folder.exists():
            self._check_execution(execution)
            write_saved_model(
                self.model,
                folder,
                self.input_specs,
                list(self.reference.outputs),
                execution=execution,
                packet=packet_length(self.model),
                whole=self.whole_inputs,
            )
        return folder

    def streams(self) -> bool:
        """Return whether the model can run one step per call."""
        try:
            self._check_execution("step")
            layers.OneStep(self.model)
        except ValueError:
            return False
        return True

    def _check_execution(self, execution: str) -> None:
        stateful = [each.name for each in self.model._flatten_layers() if getattr(each, "stateful", False)]
        if stateful and execution != "step":
            raise ValueError(
                f"{stateful[0]}: execution {execution!r}: it is stateful, so it can only run as a stream: "
                "expected 'step'"
            )
        written = [each.name for each in self.model._flatten_layers() if isinstance(each, Signature)]
        if written and execution != "loop":
            raise ValueError(
                f"{written[0]}: execution {execution!r}: its steps are as TensorFlow wrote them: "
                "expected 'loop'"
            )
        if execution == "step" and isinstance(self.model, WithLength):
            raise ValueError("a stream ends with its last step and needs no lengths")


def packet_length(model: keras.Model) -> int:
    """Return how many elements of a sequence one step of a stream takes.

    For a model of raw samples this is the hop of its spectrogram, for every other model 1.
    """
    return math.lcm(*(each.hop for each in model._flatten_layers() if isinstance(each, layers.Mel)))
