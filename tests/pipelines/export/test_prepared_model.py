"""How many elements a step of a stream takes, and which executions a model can't run in."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import layers
from pipelines.export.prepared_model import PreparedModel, packet_length
from pipelines.export.trained import RunInfo, _with_packet
from pipelines.export.verify.reference import Reference


def of_sound(*hops_ms: int) -> keras.Model:
    samples = keras.Input([1600], name="samples")
    return keras.Model(samples, [layers.LogMel(hop_ms=hop)(samples) for hop in hops_ms])


def of_steps() -> keras.Model:
    given = keras.Input([4, 3], batch_size=1, name="x")
    return keras.Model(given, layers.GRU(2, stateful=True, name="gru")(given))


@pytest.mark.parametrize(("hops_ms", "packet"), [((20,), 320), ((10, 25), 800)])
def test_a_packet_of_samples_holds_whole_hops(hops_ms: tuple[int, ...], packet: int) -> None:
    assert packet_length(of_sound(*hops_ms)) == packet


def test_the_manifest_says_the_packet_of_a_model_of_samples_only() -> None:
    info = RunInfo("a", "run", "embedded", "default", {}, [], {"sample_rate": 16000}, 0.0)
    assert _with_packet(info, of_sound(20)).preprocessing == {"sample_rate": 16000, "packet": 320}
    assert _with_packet(info, of_steps()).preprocessing == info.preprocessing


def test_a_stateful_layer_is_a_stream_only(tmp_path: Path) -> None:
    specs = {"x": ((4, 3), "float32")}
    prepared = PreparedModel(of_steps(), specs, [], Reference({}, {"y": np.zeros((1, 2))}))
    with pytest.raises(ValueError, match="gru: execution 'loop': it is stateful"):
        prepared.saved_model(tmp_path, "loop")
    assert not list(tmp_path.iterdir())
    folder = prepared.saved_model(tmp_path, "step")
    written = (folder / "saved_model.pb").stat().st_mtime_ns
    assert prepared.saved_model(tmp_path, "step") == folder
    assert (folder / "saved_model.pb").stat().st_mtime_ns == written
