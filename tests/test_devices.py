"""No code names a device to run on, and a GPU changes nothing but what shares work among a processor's cores.

The machines of the tests have no GPU: where one must be seen, TensorFlow's lists of devices are replaced.
"""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf

from layers import LSTM, LSTMCell, devices, halves, scan
from pipelines.devices import import_tensorflow

ROOT = Path(__file__).parent.parent
FOLDERS = ("layers", "pipelines", "apps")
_DEVICE = re.compile(r"\b[CGT]PU:\d", re.IGNORECASE)
_PINNING = {"device", "device_scope", "set_visible_devices"}
GPU = tf.config.LogicalDevice("/device:GPU:0", "GPU")


def pinned(source: str) -> list[int]:
    """Return the lines that name a device, or call what chooses one."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _DEVICE.search(node.value):
            lines.append(node.lineno)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _PINNING:
            lines.append(node.lineno)
    return lines


def test_no_source_names_a_device_to_run_on() -> None:
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 300
    assert {path: found for path in paths if (found := pinned(path.read_text()))} == {}


@pytest.mark.parametrize(
    "source",
    [
        'where = "/CPU:0"',
        'where = "/job:worker/device:GPU:1"',
        "with tf.device(where): pass",
        "with keras.device(where): pass",
        'tf.config.set_visible_devices([], "GPU")',
    ],
)
def test_the_check_of_sources_finds_what_pins(source: str) -> None:
    assert pinned(source) == [1]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let TensorFlow list one GPU."""
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [GPU] if kind == "GPU" else [])


@pytest.mark.usefixtures("gpu")
def test_on_a_gpu_the_gradient_is_compiled_as_on_a_processor() -> None:
    chosen = []

    @tf.function(autograph=False)
    def step(x: tf.Tensor) -> tf.Tensor:
        chosen.append(scan.chosen_execution(training=True))
        return x

    step(tf.zeros([1]))
    assert devices.sees_gpu()
    assert chosen == ["compiled"]


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_on_a_gpu_the_policy_of_precision_decides(policy: str) -> None:
    layer = LSTM(2, dtype=policy)
    assert layer(tf.zeros([1, 3, 2])).dtype == keras.DTypePolicy(policy).compute_dtype
    assert {weight.dtype for weight in layer.weights} == {"float32"}


def test_on_a_gpu_no_batch_is_cut_in_halves(request: pytest.FixtureRequest) -> None:
    x = tf.zeros([64, 3, 2])
    if halves.usable_cores() > 1:
        assert len(halves.parts_of_batch(LSTMCell(128), x, training=True)) == 2
    request.getfixturevalue("gpu")
    assert halves.parts_of_batch(LSTMCell(128), x, training=True) == (halves.WHOLE,)


def test_a_gpu_gives_memory_as_needed_and_multiplies_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [tf.config.PhysicalDevice(f"/physical_device:GPU:{i}", "GPU") for i in range(2)]
    calls: list[Any] = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: seen if kind == "GPU" else [])
    experimental = tf.config.experimental
    monkeypatch.setattr(experimental, "set_memory_growth", lambda gpu, on: calls.append((gpu, on)))
    monkeypatch.setattr(experimental, "enable_tensor_float_32_execution", calls.append)
    import_tensorflow.__wrapped__()
    assert calls == [False, (seen[0], True), (seen[1], True)]


def test_a_gpu_in_use_already_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [GPU])
    monkeypatch.setattr(tf.config.experimental, "enable_tensor_float_32_execution", lambda on: None)
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", refuse)
    import_tensorflow.__wrapped__()


def test_without_a_gpu_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", None)
    monkeypatch.setattr(tf.config.experimental, "enable_tensor_float_32_execution", None)
    import_tensorflow.__wrapped__()


_ON_THE_SECOND = """
import json
import tensorflow as tf
from layers import GRU, LSTM, Bidirectional, Stack

processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
found = []
for device in ("CPU:0", "CPU:1"):
    tf.keras.utils.set_random_seed(1)
    with tf.device(device):
        network = Stack([Bidirectional(GRU(4, return_sequences=True)), LSTM(3)])
        x = tf.random.stateless_normal([8, 5, 2], [1, 2])
        network.build(x.shape)

        @tf.function(autograph=False)
        def gradients(x):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(network(x, training=True) ** 2)
            return tape.gradient(loss, network.trainable_variables)

        made = gradients(x)
    found.append([sorted({each.device[-5:] for each in made}), [each.numpy().tolist() for each in made]])
print(json.dumps(found))
"""


def test_a_training_runs_on_the_device_that_it_is_given() -> None:
    """Of two devices the second computes the whole gradient, and the same one: nothing goes to the first."""
    done = subprocess.run([sys.executable, "-c", _ON_THE_SECOND], capture_output=True, text=True, check=True)
    (first, expected), (second, given) = json.loads(done.stdout.splitlines()[-1])
    assert (first, second) == (["CPU:0"], ["CPU:1"])
    for one, other in zip(tf.nest.flatten(given), tf.nest.flatten(expected), strict=True):
        assert one == pytest.approx(other, abs=1e-6)
