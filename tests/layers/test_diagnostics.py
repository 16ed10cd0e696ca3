"""Diagnostics on cases with a known answer, and on vanilla and gated networks that learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers
from layers.diagnostics import (
    Saturation,
    diagnoser,
    gate_saturation,
    gradient_by_lag,
    recurrent_layers,
    spectral_radius,
)

STEPS, BATCH, FEATURES, UNITS = 6, 3, 2, 4
SEQUENCES = np.random.default_rng(1).normal(size=(BATCH, STEPS, FEATURES)).astype(np.float32)


def linear_rnn(weight, **options):
    """Return a layer of one unit with h_t = weight * h_(t-1) + the sum of x_t."""
    layer = layers.SimpleRNN(1, "linear", use_bias=False, **options)
    layer.build((None, None, FEATURES))
    layer.set_weights([np.ones([FEATURES, 1]), np.full([1, 1], weight)])
    return layer


@pytest.mark.parametrize("weight", [0.5, -0.9, 1.0, 1.3])
@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"go_backwards": True}])
def test_gradient_of_a_linear_unit_is_its_weight_to_the_power_of_the_lag(weight, options):
    norms = gradient_by_lag(linear_rnn(weight, **options), SEQUENCES)
    assert list(norms) == ["h"]
    np.testing.assert_allclose(norms["h"], abs(weight) ** np.arange(STEPS), rtol=1e-5)


def test_gradient_of_a_given_loss():
    layer = linear_rnn(0.5)
    norms = gradient_by_lag(layer, SEQUENCES, lambda h: tf.reduce_sum(tf.square(h)))
    expected = np.mean(np.abs(2 * layer(SEQUENCES).numpy())) * 0.5 ** np.arange(STEPS)
    np.testing.assert_allclose(norms["h"], expected, rtol=1e-5)


def test_gradient_by_lag_of_every_state_equals_backpropagation_step_by_step():
    cell = layers.LSTMCell(UNITS, recurrent_initializer="glorot_normal")
    cell.build((None, FEATURES))
    with tf.GradientTape() as tape:
        states = [tuple(tf.Variable(part) for part in cell.get_initial_state(BATCH))]
        for t in range(STEPS):
            states.append(tuple(tf.identity(part) for part in cell(SEQUENCES[:, t], states[-1])[1]))
        loss = tf.reduce_sum(states[-1][0])
    gradients = tape.gradient(loss, states[1:], unconnected_gradients="zero")
    norms = gradient_by_lag(layers.Recurrent(cell), SEQUENCES)
    assert list(norms) == ["h", "c"]
    for number, name in enumerate(norms):
        expected = [np.linalg.norm(each[number], axis=1).mean() for each in reversed(gradients)]
        np.testing.assert_allclose(norms[name], expected, rtol=1e-5)
    assert norms["c"][0] == 0  # the output is h: c acts through the next step only


def test_gradients_are_those_of_evaluation():
    dropping = linear_rnn(0.5, dropout=0.5, recurrent_dropout=0.5)
    np.testing.assert_allclose(gradient_by_lag(dropping, SEQUENCES)["h"], 0.5 ** np.arange(STEPS), rtol=1e-5)


def test_half_precision():
    layer = layers.LSTM(UNITS, dtype="mixed_bfloat16")
    assert gradient_by_lag(layer, SEQUENCES)["c"][-1] > 0
    assert spectral_radius(layer).shape == (4,)


BLOCKS = {
    "LSTM": "ifgo",
    "GRU": "zrg",
    "MGU": "fg",
    "MinGRU": "zg",
    "FastGRNN": "zg",
    "SRU": "fr",
    "RGLRU": "rig",
}
GATES = [(name, gate, {}) for name, blocks in BLOCKS.items() for gate in blocks if gate != "g"]
PEEPHOLES = [("LSTM", gate, {"peepholes": True, "layer_normalization": True}) for gate in "ifo"]


@pytest.mark.parametrize(("name", "gate", "options"), [*GATES, *PEEPHOLES])
def test_one_gate_is_open_by_its_bias_and_the_others_are_closed(name, gate, options):
    blocks = BLOCKS[name]
    layer = getattr(layers, name)(UNITS, **options)
    layer.build((None, None, FEATURES))
    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    values = layer.cell.bias.numpy()
    rows = values.reshape(-1, len(blocks), UNITS)  # a GRU has two, which are added
    rows[:] = -5 / len(rows)
    rows[:, blocks.index(gate)] = 5 / len(rows)
    layer.cell.bias.assign(values)
    expected = {name: Saturation(1.0, 0.0) for name in blocks if name != "g"}
    assert gate_saturation(layer, SEQUENCES) == expected | {gate: Saturation(0.0, 1.0)}


def test_a_gate_counts_by_unit_and_step():
    layer = layers.MGU(2)
    layer.build((None, None, 1))
    kernel = np.float32([[8.0, 1.0, 0.0, 0.0]])  # of f: the first unit saturates, the second does not
    layer.set_weights([kernel, np.zeros([2, 4]), np.zeros(4)])
    found = gate_saturation(layer, np.float32([[[1], [1], [1], [-1]]]))
    assert found == {"f": Saturation(closed=1 / 8, open=3 / 8)}
    assert gate_saturation(layers.SimpleRNN(2), SEQUENCES) == {}


def test_spectral_radius_of_known_matrices():
    layer = layers.GRU(2)
    layer.build((None, None, FEATURES))
    turn = [[0.0, -2.0], [2.0, 0.0]]  # eigenvalues 2i and -2i
    shear = [[1.0, 9.0], [0.0, 0.5]]
    layer.cell.recurrent_kernel.assign(np.hstack([turn, shear, np.zeros([2, 2])]))
    np.testing.assert_allclose(spectral_radius(layer), [2.0, 1.0, 0.0], rtol=1e-6)


def test_spectral_radius_where_the_kernel_is_no_square_matrix():
    independent, projected, without = layers.IndRNN(3), layers.LSTM(4, projection=2), layers.MinGRU(3)
    for layer in (independent, projected, without):
        layer.build((None, None, FEATURES))
    independent.cell.recurrent_kernel.assign([0.5, -1.5, 1.0])
    np.testing.assert_allclose(spectral_radius(independent), [1.5])
    assert len(spectral_radius(projected)) == len(spectral_radius(without)) == 0


def test_a_model_that_has_diverged_can_still_be_looked_at():
    model = keras.Sequential([keras.Input((STEPS, FEATURES)), layers.GRU(1, name="lost")])
    model.compile(loss="mean_squared_error")
    model.get_layer("lost").cell.recurrent_kernel.assign([[np.nan, 2.0, np.inf]])
    found = diagnoser(model)(SEQUENCES, np.zeros([BATCH, 1], np.float32))
    np.testing.assert_array_equal(found["lost"].spectral_radius, [np.nan, 2.0, np.nan])
    assert np.isnan(found["lost"].gradient_by_lag["h"][-1])


def test_gradient_of_a_models_loss_goes_through_what_follows_the_layer():
    weight, targets = 0.5, np.zeros([BATCH, 1], np.float32)
    inputs = keras.Input((None, FEATURES))
    layer = linear_rnn(weight, return_sequences=True, name="recurrent")
    model = keras.Model(inputs, keras.ops.sum(layer(inputs), axis=1))
    model.compile(loss="mean_squared_error")
    found = diagnoser(model)(SEQUENCES, targets)["recurrent"]
    of_sum = np.abs(2 / BATCH * model(SEQUENCES).numpy()).mean()
    powers = weight ** np.arange(STEPS)
    np.testing.assert_allclose(found.gradient_by_lag["h"], of_sum * np.cumsum(powers), rtol=1e-5)
    np.testing.assert_allclose(found.memory_by_lag["h"], powers, rtol=1e-5)


def test_padding_counts_no_steps():
    lengths, weight = np.array([STEPS, 2, 4]), 0.5
    padded = np.where(np.arange(STEPS)[:, None] < lengths[:, None, None], SEQUENCES, 0)
    inputs = keras.Input((None, FEATURES))
    layer = linear_rnn(weight, name="recurrent")
    model = keras.Model(inputs, layer(keras.layers.Masking()(inputs)))
    model.compile(loss="mean_squared_error")
    found = diagnoser(model)(padded, np.zeros([BATCH, 1], np.float32))["recurrent"]
    last = np.abs(2 / BATCH * model(padded).numpy()[:, 0])
    expected = [last[lengths > lag].mean() * weight**lag for lag in range(STEPS)]
    np.testing.assert_allclose(found.gradient_by_lag["h"], expected, rtol=1e-5)


@pytest.fixture(scope="module")
def deep():
    """Return a model with recurrent layers in a Stack, in a Bidirectional, in a nested model, and alone."""
    tokens = keras.Input([STEPS], batch_size=BATCH, dtype="int32")
    x = keras.layers.Embedding(7, 3)(tokens)
    x = keras.layers.Dropout(0.5)(x)
    both = layers.Bidirectional(layers.GRU(3, return_sequences=True))
    x = layers.Stack([both, layers.LSTM(4, return_sequences=True)], dropout=0.5, name="encoder")(x)
    inside = [layers.SimpleRNN(2, return_sequences=True, dropout=0.5, name="small")]
    x = keras.Sequential(inside, name="part")(x)
    x = layers.GRU(5, stateful=True, name="last")(x)
    model = keras.Model(tokens, keras.layers.Dense(2, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    inputs, targets = np.arange(BATCH * STEPS).reshape(BATCH, STEPS) % 7, np.zeros(BATCH, np.int32)
    look = diagnoser(model)
    return model, inputs, lambda: look(inputs, targets)


PATHS = ["encoder.0.forward", "encoder.0.backward", "encoder.1", "part.small", "last"]


def test_recurrent_layers_are_found_wherever_they_are(deep):
    model, _, look = deep
    assert list(recurrent_layers(model)) == PATHS
    found = look()
    assert list(found) == PATHS
    for one in found.values():
        for norms in (*one.gradient_by_lag.values(), *one.memory_by_lag.values()):
            assert np.isfinite(norms).all()
            assert norms[1] > 0


def test_a_model_without_recurrent_layers_has_nothing_to_show():
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(1)])
    model.compile(loss="mean_squared_error")
    assert diagnoser(model)(np.zeros([2, 3]), np.zeros([2, 1])) == {}


def test_looking_changes_nothing_and_draws_nothing(deep):
    model, inputs, look = deep
    model(inputs)  # the states carried are no zeros now
    last = model.get_layer("last")
    before = [variable.numpy() for variable in (*model.variables, *last.states)]
    assert any("seed" in variable.path for variable in model.variables)
    assert before[-1].any()
    first, second = look()["last"], look()["last"]
    for value, variable in zip(before, (*model.variables, *last.states), strict=True):
        np.testing.assert_array_equal(value, variable.numpy())
    np.testing.assert_array_equal(first.gradient_by_lag["h"], second.gradient_by_lag["h"])
    assert "_scan" not in vars(last)
    assert last.cell.recurrent_activation is keras.activations.sigmoid


def test_the_callback_logs_each_epoch():
    recurrent = [layers.LSTM(4, return_sequences=True, name="lstm"), layers.SimpleRNN(3, name="vanilla")]
    model = keras.Sequential([keras.Input((STEPS, FEATURES)), *recurrent])
    model.compile("adam", "mean_squared_error")
    targets = np.ones([BATCH, 3], np.float32)
    callback = layers.Diagnostics(SEQUENCES, targets)
    with layers.execution("loop"):
        logged = model.fit(SEQUENCES, targets, epochs=2, verbose=0, callbacks=[callback]).history
    radii = logged["diagnostics.lstm.spectral_radius"]
    assert radii[0] != radii[1] == pytest.approx(spectral_radius(recurrent[0]).max())
    of_last_epoch = callback.history[1]["lstm"]
    for kind, curves in (
        ("gradient", of_last_epoch.gradient_by_lag),
        ("memory", of_last_epoch.memory_by_lag),
    ):
        for state in ("h", "c"):
            ratio = curves[state][-1] / curves[state][1]
            assert logged[f"diagnostics.lstm.{state}.{kind}_ratio"][1] == ratio
    assert logged["diagnostics.lstm.f.open"][1] == of_last_epoch.gate_saturation["f"].open
    of_vanilla = [name for name in logged if "vanilla" in name]
    assert [name.split(".", 2)[2] for name in of_vanilla] == [
        "spectral_radius",
        "h.gradient_ratio",
        "h.memory_ratio",
    ]


def adding_problem(count, steps, rng):
    """Return the adding problem: two numbers are marked, one in each half; the target is their sum."""
    sequences = np.zeros([count, steps, 2], np.float32)
    sequences[:, :, 0] = rng.random([count, steps])
    rows, half = np.arange(count), steps // 2
    sequences[rows, rng.integers(0, half, count), 1] = 1
    sequences[rows, rng.integers(half, steps, count), 1] = 1
    return sequences, sequences.prod(axis=2).sum(axis=1)


def trained_on_adding(layer, steps):
    """Train for 400 steps; return the loss on other examples, and the gradients by lag there."""
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input([steps, 2]), layer, keras.layers.Dense(1)])
    if isinstance(layer, layers.LSTM):
        remember(layer, steps, rng)
    model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0), "mean_squared_error", jit_compile=False)
    model.fit(*adding_problem(400 * 32, steps, rng), batch_size=32, verbose=0)
    inputs, targets = adding_problem(256, steps, rng)
    loss = model.evaluate(inputs, targets, batch_size=256, verbose=0)
    return loss, diagnoser(model)(inputs, targets)[layer.name].gradient_by_lag


def remember(layer, steps, rng):
    """Start the gates so that units forget within 1 to `steps` steps (chrono initialisation).

    C. Tallec and Y. Ollivier, Can recurrent neural networks warp time?, ICLR 2018. A forget bias of 1 keeps
    0.73 a step, which after 80 steps is nothing either.
    """
    forget = np.log(rng.uniform(1, steps - 1, layer.units))
    layer.cell.bias.assign(np.concatenate([-forget, forget, np.zeros(2 * layer.units)]))


@pytest.mark.long
def test_vanilla_rnn_vanishes_on_the_adding_problem_and_lstm_does_not():
    steps, of_one_guess = 100, 1 / 6  # the variance of the sum: what answering 1 every time loses
    loss, vanilla = trained_on_adding(layers.SimpleRNN(32, name="vanilla"), steps)
    assert vanilla["h"][80] < 1e-4 * vanilla["h"][1]
    assert loss > of_one_guess / 2
    loss, lstm = trained_on_adding(layers.LSTM(32, name="lstm"), steps)
    assert lstm["c"][80] > 0.1 * lstm["c"][1]
    assert loss < of_one_guess / 4
