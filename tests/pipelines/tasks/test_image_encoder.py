"""The image encoder."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from pipelines.errors import UserError
from pipelines.tasks.image_encoder import Coordinates, EncoderSettings, build_encoder


def test_places_know_where_they_are() -> None:
    answer = np.asarray(Coordinates()(np.zeros((2, 3, 4, 1), np.float32)))
    np.testing.assert_allclose(answer[1, 0, :, 1], np.linspace(-1, 1, 4), atol=1e-6)
    np.testing.assert_allclose(answer[0, :, 2, 2], [-1, 0, 1], atol=1e-6)


def test_encoders_of_keras_applications_have_places_too() -> None:
    settings = EncoderSettings(image_size=64, units=5, kind="mobilenet_v3_small")
    encoder = build_encoder(settings)
    assert encoder(np.zeros((1, 64, 64, 3), np.uint8)).shape == (1, 4, 5)


def test_weights_that_cannot_be_downloaded_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(**_: object) -> None:
        raise OSError("URL fetch failure\non a server: no route")

    monkeypatch.setattr(keras.applications, "EfficientNetV2B0", offline)
    settings = EncoderSettings(image_size=64, units=5, kind="efficientnet_v2_b0", weights="imagenet")
    with pytest.raises(
        UserError, match=r"^--encoder-weights imagenet: can't be downloaded \(on a server: no route\)"
    ):
        build_encoder(settings)
