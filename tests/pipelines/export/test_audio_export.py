"""Models of raw samples: every variant, streams included, computes the same features as Keras."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import layers
from pipelines.errors import ExportError
from pipelines.export.any_model import export_model
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.packets import packets
from pipelines.export.tflite import convert, keep_in_float
from pipelines.export.tflite.audit import list_ops
from pipelines.export.tflite.passes import weights_to_float16
from pipelines.export.verify.compiled_process import CompiledModelProcess
from pipelines.export.verify.reference import Reference
from pipelines.export.verify.tflite_file import TFLiteFile
from pipelines.ondevice.model import Model, Stream

HOP, CLIP = 320, 3300  # ten frames, and 100 samples that do not fill another
TOLERANCES = {
    "float32": 1e-5,
    "float16": 2e-3,
    "dynamic_int8": 0.02,
    "int8": 0.06,
    "int16x8": 0.02,
    "int4": 0.3,
}
"""The largest error of a probability that is allowed; measured: 2e-7, 5e-4, 6e-3, 3e-2 and 5e-3."""
FILTERS_IN_FLOAT16 = 2e-3
"""How far features may be off in int4, whose mel filters are float16; in all other files they are exact."""
FEATURES = ("log_mel", "mfcc", "pcen")
HEADS = ("of_log_mel", "of_mfcc", "of_pcen", "of_convolution")


def clips(count: int) -> np.ndarray:
    """Return a silent clip, then clips of short tones in noise, at different volumes."""
    rng, t = np.random.default_rng(4), np.arange(CLIP) / 16000
    rows = [np.zeros(CLIP)]
    for _ in range(count - 1):
        tone = np.sin(2 * np.pi * rng.uniform(100, 4000) * t)
        shape = rng.uniform(0.05, 0.9) * np.exp(-(((t - rng.uniform(0.05, 0.15)) / 0.03) ** 2))
        rows.append(tone * shape + 10 ** rng.uniform(-2.5, -1) * rng.normal(size=CLIP))
    return np.clip(rows, -1, 1).astype(np.float32)


def model_of_sound() -> keras.Model:
    """Return a model with each kind of features below a recurrent layer; features are outputs too."""
    keras.utils.set_random_seed(3)
    x = keras.Input([CLIP], name="samples")
    log_mel = layers.LogMel(offset=1e-9, name="log_mel")(x)  # the offset is 0 in float16
    mfcc = layers.MFCC(window_ms=30, mean=[-40.0, *[0.0] * 12], scale=[20.0, *[5.0] * 12], name="mfcc")(x)
    pcen = layers.PCEN(name="pcen")(layers.Mel(bins=30)(x))
    hidden = keras.layers.Reshape([-1, 40, 1])(log_mel)
    hidden = layers.CausalConv2D(4, (3, 5), strides=(1, 2), activation="relu")(hidden)
    hidden = keras.layers.Reshape([-1, 40])(keras.layers.MaxPooling2D([1, 2])(hidden))
    answers = [layers.GRU(12)(log_mel), layers.LSTM(12)(mfcc), layers.GRU(12)(pcen), layers.GRU(12)(hidden)]
    heads = [
        keras.layers.Dense(4, "softmax", name=name)(each) for name, each in zip(HEADS, answers, strict=True)
    ]
    outputs = dict(zip((*FEATURES, *HEADS), (log_mel, mfcc, pcen, *heads), strict=True))
    return keras.Model(x, outputs)


class Exported:
    """The model, its outputs in Keras, and its SavedModels by execution; each is made once."""

    def __init__(self, folder: Path) -> None:
        self.model, self.samples = model_of_sound(), clips(6)
        self.expected = {name: np.asarray(value) for name, value in self.model(self.samples).items()}
        examples = [{"samples": clip[None]} for clip in clips(30)]
        self.sources = {}
        for execution in ("loop", "step"):
            specs = {"samples": ((CLIP,), "float32")}
            outputs = list(self.expected)
            write_saved_model(self.model, folder / execution, specs, outputs, execution=execution, packet=HOP)
            self.sources[execution] = convert.Source(folder / execution, execution, examples)

    def errors(self, content: bytes, execution: str) -> dict[str, float]:
        """Return the largest difference from Keras by output."""
        answers = self._streamed(content) if execution == "step" else Model(content).predict(self.samples)
        return {name: float(np.abs(answers[name] - self.expected[name]).max()) for name in self.expected}

    def _streamed(self, content: bytes) -> dict[str, np.ndarray]:
        stream, rows = Stream(content), []
        for clip in self.samples:
            stream.reset()
            steps = [stream(**packet) for packet in packets(stream, {"samples": clip[None]})]
            features = {name: np.concatenate([step[name] for step in steps], axis=1) for name in FEATURES}
            rows.append(steps[-1] | features)
        return {name: np.concatenate([row[name] for row in rows]) for name in self.expected}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return Exported(tmp_path_factory.mktemp("sound"))


@pytest.mark.parametrize("execution", ["loop", "step"])
@pytest.mark.parametrize("precision", TOLERANCES)
def test_every_variant_computes_the_features_and_outputs_of_keras(
    exported: Exported, precision: str, execution: str
) -> None:
    content = exported.sources[execution].convert(precision)
    assert list_ops(content)["RFFT2D"] >= 2, "builtin ops compute each different spectrum once"
    errors = exported.errors(content, execution)
    exact = FILTERS_IN_FLOAT16 if precision == "int4" else 1e-4
    assert {name: errors[name] for name in FEATURES if errors[name] > exact} == {}
    assert {name: errors[name] for name in HEADS if errors[name] > TOLERANCES[precision]} == {}


@pytest.mark.parametrize(
    ("precision", "place", "rule", "without"),
    [
        ("int16x8", keep_in_float, "ops_in_float_scope", lambda graph: ()),
        ("float16", weights_to_float16, "ops_in_float_scope", lambda graph: ()),
        ("dynamic_int8", layers.spectrogram, "_SMALL", 10**6),
    ],
)
def test_a_precision_needs_its_rule_for_exact_features(
    precision: str, place, rule: str, without, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(place, rule, without)
    x = keras.Input([CLIP], name="samples")
    model, samples = keras.Model(x, layers.LogMel()(x)), clips(2)
    write_saved_model(model, tmp_path, {"samples": ((CLIP,), "float32")}, ["log_mel"])
    examples = [{"samples": clip[None]} for clip in samples]
    answers = Model(convert.convert(tmp_path, precision, calibration=examples)).predict(samples)
    assert not np.abs(answers - model(samples)).max() < 0.01


@pytest.mark.parametrize("precision", ["float16", "int8", "int4"])
def test_compiled_model_runs_it(precision: str, tmp_path: Path) -> None:
    samples = clips(3)
    x = keras.Input([CLIP], name="samples")
    outputs = keras.layers.Dense(4, "softmax")(layers.GRU(8)(layers.PCEN()(layers.Mel()(x))))
    model = keras.Model(x, outputs)
    write_saved_model(model, tmp_path, {"samples": ((CLIP,), "float32")}, ["p"])
    content = convert.convert(tmp_path, precision, calibration=[{"samples": clip[None]} for clip in samples])
    expected = np.asarray(model(samples))
    with CompiledModelProcess() as compiled:
        outputs = compiled.outputs(
            TFLiteFile(content, "loop"), Reference({"samples": samples}, {"p": expected})
        )
    np.testing.assert_allclose(outputs["p"], expected, atol=TOLERANCES[precision])


def test_a_keras_file_becomes_a_stream_in_packets_of_a_hop(tmp_path: Path) -> None:
    x = keras.Input([CLIP], name="samples")
    hidden = layers.LSTM(6, return_sequences=True)(layers.MFCC(hop_ms=25)(x))
    keras.Model(x, keras.layers.Dense(3, name="scores")(hidden)).save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    samples = clips(4)
    report = export_model(
        model,
        tmp_path,
        "made",
        precisions=["float32", "int8"],
        executions=["step"],
        calibration={"samples": samples},
    )
    assert len(report.variants) == 2
    stream = Stream(report.bundle.variant_path("float32_step.tflite"))
    assert stream.inputs["samples"].shape == (1, 400)
    rows = [stream(**packet)["scores"] for packet in packets(stream, {"samples": samples[:1]})]
    np.testing.assert_allclose(np.concatenate(rows, axis=1), model(samples[:1]), atol=1e-5)


def test_fused_keeps_the_spectrogram_in_float32_or_is_refused(tmp_path: Path) -> None:
    x = keras.Input([CLIP], name="samples")
    model = keras.Model(x, keras.layers.Dense(3)(layers.LSTM(6)(layers.MFCC()(x))))
    write_saved_model(model, tmp_path, {"samples": ((CLIP,), "float32")}, ["scores"], execution="fused")
    examples = [{"samples": clip[None]} for clip in clips(2)]
    content, samples = convert.convert(tmp_path, "float16", "fused"), clips(3)
    np.testing.assert_allclose(Model(content).predict(samples), model(samples), atol=2e-3)
    with pytest.raises(ExportError, match="int8: fused can't keep a spectrogram in float32"):
        convert.convert(tmp_path, "int8", "fused", examples)
