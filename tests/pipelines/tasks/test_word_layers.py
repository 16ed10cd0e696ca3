"""The ratings of VADER's lexicon as layers of a network."""

import keras
import numpy as np
import pytest

from pipelines.data.examples import Features
from pipelines.ondevice.token_ids import VOCABULARY
from pipelines.ondevice.tokenizer import Tokenizer
from pipelines.tasks import vader, word_layers

WORDS = ["good", "bad", "table"]


@pytest.fixture(scope="module")
def outputs():
    """The ratings and the inputs of the summary, for "good good bad table" and for padding alone."""
    tokenizer = Tokenizer.fit([" ".join(WORDS)], 10)
    features = Features({}, {}, (), assets={VOCABULARY: tokenizer.to_json()})
    tokens = keras.Input([None], dtype="int32")
    rated = word_layers.ratings(features, tokens)
    model = keras.Model(tokens, [rated, word_layers.summary(tokens, rated, 5)])
    ids = np.zeros([2, 6], np.int32)
    ids[0, :4] = tokenizer.encode("good good bad table")[:4]
    kernel, bias = model.get_layer("summary").get_weights()
    return model, [each.numpy() for each in model(ids)], kernel, bias


def test_ratings_are_those_of_the_lexicon_and_are_not_trained(outputs):
    model, (rated, _), *_ = outputs
    np.testing.assert_allclose(rated[0, :4], vader.ratings(["good", "good", "bad", "table"]))
    assert (rated[0, 4:] == 0).all()
    assert (rated[1] == 0).all()
    assert {variable.path.split("/")[0] for variable in model.trainable_variables} == {"summary"}


def test_the_summary_by_hand(outputs):
    _, (_, found), kernel, bias = outputs
    good, bad = vader.lexicon()["good"] / 2, -vader.lexicon()["bad"] / 2
    squashed = np.tanh([good, bad / 2, (2 * good - bad) / 2])
    facts = np.array([*squashed, good / 2, bad / 2, 4 / 40])
    np.testing.assert_allclose(found[0], np.tanh(facts @ kernel + bias), atol=1e-6)
    np.testing.assert_allclose(found[1], np.tanh(bias), atol=1e-6)
