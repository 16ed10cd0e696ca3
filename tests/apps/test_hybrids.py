"""Stacks of different layers, such as a GRU that reads a temporal convolution, in the apps."""

import dataclasses

import numpy as np
import pytest

import layers
from apps.forecasting.config import PRESETS as FORECASTING
from apps.forecasting.model import build_model as forecaster
from apps.sentiment.config import PRESETS as SENTIMENT
from apps.sentiment.model import build_model as sentiment
from apps.speech_commands.config import PRESETS as SPEECH
from apps.speech_commands.model import build_model as speech
from pipelines.data.examples import Features
from pipelines.errors import UserError

HYBRIDS = ("tcn+gru", "gru+transformer")
KINDS = {
    "tcn+gru": [layers.TemporalConvolution, layers.GRU],
    "gru+transformer": [layers.GRU, layers.CausalTransformer],
}


def _features(**inputs) -> Features:
    return Features(inputs, {}, ("a", "b"), counts={"vocabulary": 9})


@pytest.mark.parametrize("cell", HYBRIDS)
def test_the_layers_are_stacked_in_this_order(cell) -> None:
    config = dataclasses.replace(SPEECH["smoke"], cell=cell)
    model = speech(config, _features(train=np.zeros((1, 16_000), np.float32)))
    assert [type(each) for each in model.get_layer("recurrent").layers] == KINDS[cell]
    config = dataclasses.replace(FORECASTING["smoke"], cell=cell, units=8)
    scale = {"targets": ["a"], "mean": [0.0, 0.0], "deviation": [1.0, 1.0]}
    features = Features({"test": np.zeros((1, 40, 2))}, {}, (), preprocessing=scale)
    model = forecaster(config, features)
    assert [type(each) for each in model.get_layer("recurrent").layers] == KINDS[cell]
    config = dataclasses.replace(SENTIMENT["smoke"], cell=cell, bidirectional=False)
    stack = sentiment(config, _features()).get_layer("recurrent")
    assert [type(each) for each in stack.layers] == KINDS[cell]


def test_hybrids_take_what_their_layers_take() -> None:
    with pytest.raises(UserError, match=r"--units: expected a multiple of 4, .*transformer"):
        dataclasses.replace(SPEECH["smoke"], cell="gru+transformer", units=6)
    dataclasses.replace(SPEECH["smoke"], cell="tcn+gru", units=6)
    with pytest.raises(UserError, match=r"--bidirectional: expected False with --cell tcn\+gru"):
        dataclasses.replace(SENTIMENT["smoke"], cell="tcn+gru", bidirectional=True)
    assert dataclasses.replace(SPEECH["smoke"], cell="tcn+gru", depth=2).kinds == ("tcn", "gru") * 2
