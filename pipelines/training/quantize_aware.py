"""Fine-tune the network of a finished run for its integer files: training rounds as the file will round.

Source: B. Jacob et al., Quantization and training of neural networks for efficient integer-arithmetic-only
inference, 2018.
"""

from __future__ import annotations

import dataclasses
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..app import App
from ..config import Config, from_dict
from ..errors import ExportError, UserError
from ..export.prepared_model import packet_length
from ..ondevice.manifest import ACTIVATION_BITS, PROBABILITIES
from ..tracking.fetch import fetch_model
from ..tracking.start_from import finished_run
from .calibration import calibration_examples

if TYPE_CHECKING:
    import keras

    from ..data.examples import Features
    from ..export.fake_quantization.places import Places

log = logging.getLogger(__name__)

OPTION = "--quantize-aware"
EPOCHS = 3
"""How many epochs are enough, since the network is trained already."""
_SHARE_OF_RATE = 0.1
"""The learning rate, as a share of the largest one of the run."""


def fine_tuning(app: App, run_id: str) -> tuple[str, Config]:
    """Return the preset and the settings that fine-tune a finished run.

    Raises:
        UserError: there is no such run of the app, or it exports no integer file.
    """
    found = finished_run(run_id, app.name, OPTION)
    config = from_dict(type(app.presets["default"]), found.config)
    tuned = dataclasses.replace(
        config,
        quantize_aware=run_id,
        epochs=EPOCHS,
        pretraining_epochs=0,
        learning_rate=config.learning_rate * _SHARE_OF_RATE,
        patience=EPOCHS,
    )
    _precision(tuned)
    return found.preset, tuned


def require_same_data(app: App, run_id: str, fingerprint: str) -> None:
    """Raise UserError if the data with this hash are not those of the run."""
    if finished_run(run_id, app.name, OPTION).fingerprint != fingerprint:
        raise UserError(f"{OPTION} {run_id}: these are not the data that the run was trained on")


def load_weights(deployed: keras.Model, run_id: str) -> None:
    """Give a network the weights of a finished run.

    Raises:
        UserError: the run's network has other weights.
    """
    from ..export.keras.files import load_keras

    with tempfile.TemporaryDirectory() as folder:
        trained = load_keras(fetch_model(f"runs:/{run_id}/keras", Path(folder)))
    if [each.shape for each in trained.variables] != [each.shape for each in deployed.variables]:
        raise UserError(f"{OPTION} {run_id}: its network has other layers than this version builds")
    for variable, value in zip(deployed.variables, trained.variables, strict=True):
        variable.assign(value)


class QuantizeAware:
    """Lets networks train and answer as the integer file of the present weights would.

    Args:
        config: the settings of the run.
        features: inputs and targets by split.
        model: the network that is trained.
        deployed: the network that is exported; it shares the weights of `model`.
        executions: the executions to export. A file for steps rounds more than one for whole sequences, so
            training computes as it does if it can.
    """

    def __init__(
        self,
        config: Config,
        features: Features,
        *,
        model: keras.Model,
        deployed: keras.Model,
        executions: Sequence[str],
    ) -> None:
        self._models, self._deployed = (model, deployed), deployed
        self._precision = _precision(config)
        self._executions = [each for each in ("step", "loop") if each in executions]
        inputs = features.inputs["test"]
        name = deployed.inputs[0].name
        self._specs = {name: (inputs.shape[1:], str(inputs.dtype))}
        examples = calibration_examples(config, features, deployed)
        self._calibration = [{name: example[None]} for example in examples]

    @contextmanager
    def epoch(self) -> Iterator[None]:
        """Round in a `with` block, with the scales that a file of the weights at its start would have.

        Raises:
            UserError: the file rounds where the network can't: the message names the layers.
        """
        from ..export.fake_quantization.rounding import missing, rounding

        file, places = self._places()
        log.info("training rounds at %d places, as %s does", len(places), file)
        self._trace_anew()
        try:
            with rounding(self._deployed, places) as reached:
                yield
        finally:
            self._trace_anew()
        if layers := missing(places, reached):
            raise UserError(f"{OPTION}: {', '.join(layers)}: in training no operation is that of {file}")

    def _places(self) -> tuple[str, Places]:
        """Return the first file of the present weights that training can compute as, and its places."""
        reasons = []
        for execution in self._executions:
            try:
                return f"{self._precision}_{execution}.tflite", self._places_of(execution)
            except (ExportError, ValueError) as error:
                reasons.append(str(error))
        raise UserError(f"{OPTION}: training can't compute as the file does: {'; '.join(reasons)}")

    def _places_of(self, execution: str) -> Places:
        from ..export.fake_quantization.network import places_of
        from ..export.keras.saved_model import write_saved_model
        from ..export.tflite.convert import Source

        with tempfile.TemporaryDirectory() as folder:
            write_saved_model(
                self._deployed,
                Path(folder) / "model",
                self._specs,
                [PROBABILITIES],
                execution=execution,
                packet=packet_length(self._deployed),
            )
            source = Source(Path(folder) / "model", execution, self._calibration)
            return places_of(self._deployed, source, list(self._specs), precision=self._precision)

    def _trace_anew(self) -> None:
        """Let Keras trace its functions when they are called next."""
        for model in self._models:
            model.train_function = model.test_function = model.predict_function = None


def _precision(config: Config) -> str:
    """Return the precision to train for: the coarser one of those that are exported."""
    for precision in ACTIVATION_BITS:
        if precision in config.precisions:
            return precision
    wanted = " or ".join(ACTIVATION_BITS)
    raise UserError(f"{OPTION}: expected a run that exports {wanted}, got {', '.join(config.precisions)}")
