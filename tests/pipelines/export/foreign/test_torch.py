"""PyTorch modules and files of torch.export become Keras models that answer the same."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import layers
from pipelines.commands.export import Export, run
from pipelines.errors import UserError
from pipelines.export.any_model import convert, load_model
from pipelines.export.foreign import recurrent
from pipelines.export.foreign.torch_model import from_torch
from pipelines.ondevice.model import Model, Stream

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of torch about its own code
    torch = pytest.importorskip("torch", reason='needs torch: pip install ".[torch]"')
nn = torch.nn

ROWS, STEPS, FEATURES, UNITS, WORDS = 2, 6, 5, 4, 9


class Chain(nn.Module):
    """Any chain of functions and modules."""

    def __init__(self, *parts: Any) -> None:
        super().__init__()
        self.parts = parts
        for i, part in enumerate(parts):
            if isinstance(part, nn.Module):
                self.add_module(f"part{i}", part)

    def forward(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x


def output(results: Any) -> Any:
    return results[0]


def last_step(results: Any) -> Any:
    return results[0][:, -1]


def last_state(results: Any) -> Any:
    states = results[1]
    return (states[0] if isinstance(states, tuple) else states)[-1]


def both_last_states(results: Any) -> Any:
    return torch.cat((results[1][0][-2], results[1][0][-1]), dim=1)


def turned(x: Any) -> Any:
    return x.transpose(1, 2)


def steps_first(x: Any) -> Any:
    return x.transpose(0, 1)


def states_side_by_side(results: Any) -> Any:
    return results[1].permute(1, 0, 2).flatten(1)


def layers_apart(results: Any) -> Any:
    return results[1].view(2, 2, -1, UNITS)[-1].mean(0)


def mean_and_max(results: Any) -> Any:
    return torch.cat([results[0].mean(dim=1), results[0].amax(dim=1)], dim=-1)


def normalised(x: Any) -> Any:
    return (x - 2.0) / 0.5 * torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])


def residual(x: Any) -> Any:
    return x + torch.sigmoid(x) * 0.3


def folded(results: Any) -> Any:
    return results[0].contiguous().view(-1, UNITS)


class Explicit(nn.Module):
    """Zeros as first states, written as many tutorials do."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = lstm(num_layers=2)

    def forward(self, x: Any) -> Any:
        start = [torch.zeros(2, x.size(0), UNITS).to(x.device).detach() for _ in "hc"]
        return self.lstm(x, tuple(start))[0][:, -1, :].max(dim=1, keepdim=True)[0]


class Translating(nn.Module):
    """The last states of one layer are the first ones of another."""

    def __init__(self, kind: Any, **options: Any) -> None:
        super().__init__()
        self.encoder = kind(FEATURES, UNITS, batch_first=True, **options)
        self.decoder = kind(FEATURES, UNITS, batch_first=True, **options)
        self.dense = nn.Linear(UNITS * (2 if options.get("bidirectional") else 1), 3)

    def forward(self, x: Any) -> Any:
        return self.dense(self.decoder(x * 0.5, self.encoder(x)[1])[0])


def lstm(**options: Any) -> Any:
    return nn.LSTM(FEATURES, UNITS, batch_first=True, **options)


def gru(**options: Any) -> Any:
    return nn.GRU(FEATURES, UNITS, batch_first=True, **options)


class Starting(nn.Module):
    """A learned first state."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.ones(1, 1, UNITS))
        self.gru = gru()

    def forward(self, x: Any) -> Any:
        return self.gru(x, self.start.expand(1, x.size(0), UNITS).contiguous())[0]


CHAINS: dict[str, tuple[Any, ...]] = {
    "lstm alone": (lstm(), output),
    "lstm, steps first": (nn.LSTM(FEATURES, UNITS), output),
    "gru, steps first, all results": (nn.GRU(FEATURES, UNITS, num_layers=2),),
    "lstm without bias": (lstm(bias=False), last_step, nn.Linear(UNITS, 3, bias=False)),
    "lstm of two layers": (lstm(num_layers=2, dropout=0.5), last_state, nn.Linear(UNITS, 3)),
    "lstm of both directions": (lstm(bidirectional=True), both_last_states, nn.Linear(2 * UNITS, 3)),
    "lstm of two layers and both directions": (lstm(num_layers=2, bidirectional=True), last_step),
    "lstm with projection": (lstm(proj_size=3), output, nn.Linear(3, 2)),
    "lstm with projection, two layers, both directions": (
        lstm(proj_size=3, num_layers=2, bidirectional=True),
        mean_and_max,
    ),
    "gru": (gru(), last_step, nn.Tanh(), nn.Linear(UNITS, 3), nn.Softmax(dim=-1)),
    "gru of both directions": (gru(bidirectional=True), states_side_by_side),
    "gru of two layers and both directions": (gru(num_layers=2, bidirectional=True), layers_apart),
    "gru without bias": (gru(bias=False), last_state),
    "rnn": (nn.RNN(FEATURES, UNITS, batch_first=True), last_step),
    "rnn of relu": (nn.RNN(FEATURES, UNITS, 2, nonlinearity="relu", batch_first=True), output),
    "transposed for the rnn": (steps_first, nn.RNN(FEATURES, UNITS), output, steps_first),
    "tokens": (nn.Embedding(WORDS, FEATURES, padding_idx=0), nn.Dropout(0.5), lstm(), last_state),
    "convolution": (
        *(turned, nn.Conv1d(FEATURES, 6, 3, padding=1), nn.BatchNorm1d(6), nn.ReLU(), turned),
        *(nn.GRU(6, UNITS, batch_first=True), last_step, nn.LayerNorm(UNITS), nn.Linear(UNITS, 3)),
        nn.LogSoftmax(dim=1),
    ),
    "depthwise convolution": (
        *(turned, nn.Conv1d(FEATURES, 10, 3, stride=2, dilation=2, groups=FEATURES, padding=4), nn.GELU()),
        *(nn.MaxPool1d(2), turned, nn.LSTM(10, UNITS, batch_first=True), last_step),
    ),
    "causal convolution": (
        *(turned, lambda x: nn.functional.pad(x, (4, 0)), nn.Conv1d(FEATURES, 3, 3, dilation=2), turned),
        *(nn.GRU(3, UNITS, batch_first=True), output),
    ),
    "padded": (turned, lambda x: nn.functional.pad(x, (1, 2)), turned, gru(), last_step),
    "convolution alone": (turned, nn.Conv1d(FEATURES, 3, 4, padding="same"), nn.AdaptiveAvgPool1d(1)),
    "arithmetic": (normalised, residual, gru(), output, nn.PReLU(), nn.LeakyReLU(0.2), nn.Hardtanh()),
    "activations": (
        *(lstm(), output, nn.ELU(0.7), nn.SELU(), nn.SiLU(), nn.Mish(), nn.Softplus(), nn.Softsign()),
        *(nn.Hardsigmoid(), nn.Hardswish(), nn.ReLU6(), nn.LogSigmoid(), nn.GELU(approximate="tanh")),
    ),
    "in place": (
        *(lstm(), output, nn.ReLU(inplace=True), nn.LeakyReLU(inplace=True)),
        lambda x: (x.abs().sqrt() - x).sum(1, keepdim=True),
    ),
    "learned first state": (Starting(),),
    "both directions apart": (
        *(lstm(bidirectional=True), output, lambda x: torch.stack(x.chunk(2, dim=-1), dim=1)),
        *(lambda x: x.unbind(1), lambda parts: parts[0] * 2 + parts[1]),
    ),
    "explicit zeros": (Explicit(),),
    "encoder and decoder": (Translating(nn.LSTM),),
    "deep encoder and decoder of both directions": (Translating(nn.GRU, num_layers=2, bidirectional=True),),
    "gated convolution": (
        *(turned, nn.utils.parametrizations.weight_norm(nn.Conv1d(FEATURES, 6, 3, padding=1)), nn.GLU(dim=1)),
        *(turned, nn.GRU(3, UNITS, batch_first=True), last_state),
    ),
    "a head after sequences": (lstm(), output, nn.Linear(UNITS, 3), nn.LayerNorm([3]), turned),
}
FIXED: dict[str, tuple[Any, ...]] = {
    "flattened": (gru(), output, nn.Flatten(), nn.Linear(STEPS * UNITS, 3)),
    "flattened channels": (
        *(turned, nn.Conv1d(FEATURES, 3, 1), nn.Flatten(), nn.BatchNorm1d(3 * STEPS)),
        nn.Linear(3 * STEPS, 2),
    ),
    "a step in the middle": (gru(), output, lambda x: x[:, 2:4, 1:], lambda x: x[:, 0]),
    "one feature": (lambda x: x[:, :, 0].unsqueeze(-1), nn.LSTM(1, UNITS, batch_first=True), last_step),
    "batch and steps folded": (gru(), folded, nn.Linear(UNITS, 3), nn.ReLU(), lambda x: x.view(ROWS, -1, 3)),
    "dense": (nn.Linear(FEATURES, 3), nn.Sigmoid(), nn.Flatten(1)),
}
"""Chains for sequences of one length."""


def module_of(*parts: Any, seed: int = 0) -> Any:
    """Return a module with random weights, biases and statistics."""
    torch.manual_seed(seed)
    module = Chain(*parts)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.5 if "var" in name else 0.6 * torch.randn_like(tensor))
    return module.eval()


def fresh(parts: tuple[Any, ...], steps: int, seed: int = 5) -> np.ndarray:
    """Return an input of the kind that the chain takes."""
    rng = np.random.default_rng(seed)
    if isinstance(parts[0], nn.Embedding):
        return rng.integers(0, WORDS, (ROWS, steps))
    return rng.normal(size=(ROWS, steps, FEATURES)).astype(np.float32)


def compare(parts: tuple[Any, ...], model: Any, module: Any, steps: int) -> None:
    """Assert that model and module answer the same."""
    x = fresh(parts, steps)
    first = isinstance(parts[0], nn.RNNBase) and not parts[0].batch_first
    with torch.no_grad():
        wanted = module(torch.from_numpy(np.moveaxis(x, 0, 1) if first else x))
    wanted = torch.utils._pytree.tree_leaves(wanted)
    found = model(x)
    found = found if isinstance(found, (list, tuple)) else [found]
    assert len(found) == len(wanted)
    for got, want in zip(found, wanted, strict=True):
        want = np.moveaxis(want.numpy(), 1, 0) if first else want.numpy()
        np.testing.assert_allclose(got, want, atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_answers_as_in_torch_at_any_length(name: str) -> None:
    parts = CHAINS[name]
    module = module_of(*parts)
    model = from_torch(module)
    compare(parts, model, module, steps=STEPS)
    compare(parts, model, module, steps=2 * STEPS)
    assert not module.training


@pytest.mark.parametrize("name", FIXED)
def test_a_chain_for_one_length_answers_as_in_torch(name: str) -> None:
    parts = FIXED[name]
    module = module_of(*parts).train()
    model = from_torch(module, torch.from_numpy(fresh(parts, STEPS)))
    assert module.training
    compare(parts, model, module.eval(), steps=STEPS)


def test_layers_and_inputs_of_one_name() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x, self.y = nn.Linear(FEATURES, 3), nn.Linear(FEATURES, 3)

        def forward(self, x: Any, y: Any) -> Any:
            return self.x(x) + self.y(y)

    x = torch.ones(ROWS, FEATURES)
    assert {each.name for each in from_torch(Net(), x, x).layers} >= {"x", "y", "x_1", "y_1"}


def test_double_precision_and_streaming_convolutions() -> None:
    model = from_torch(module_of(*CHAINS["causal convolution"]).double())
    assert [type(each).__name__ for each in model.layers] == ["InputLayer", "CausalConv1D", "GRU"]
    assert layers.OneStep(model)


def test_layers_return_no_more_than_is_read() -> None:
    model = from_torch(module_of(gru(num_layers=2), last_step, nn.Linear(UNITS, 3)))
    lower, higher = (each for each in model.layers if type(each).__name__ == "GRU")
    assert (lower.return_sequences, lower.return_state) == (True, False)
    assert (higher.return_sequences, higher.return_state) == (False, False)


SWAPS = {
    "lstm": ("ifgo", ["fi", "ig", "io", "fg", "fo", "go"], lstm()),
    "gru": ("zrg", ["zr", "zg", "rg"], gru()),
}


@pytest.mark.parametrize(("cell", "pair"), [(cell, pair) for cell in SWAPS for pair in SWAPS[cell][1]])
def test_swapped_gates_are_never_returned(cell: str, pair: str, monkeypatch) -> None:
    gates, _, part = SWAPS[cell]
    one, other = pair
    swapped = gates.translate(str.maketrans({one: other, other: one}))
    monkeypatch.setitem(recurrent.GATES, cell, swapped)
    with pytest.raises(UserError, match="differs from the original"):
        from_torch(module_of(part, output))


@pytest.mark.parametrize("part", [gru(), lstm(proj_size=UNITS - 1, bidirectional=True)], ids=["gru", "lstm"])
@pytest.mark.parametrize("mutant", ["biases", "directions", "products"])
def test_exchanged_weights_are_never_returned(part: Any, mutant: str, monkeypatch) -> None:
    arrays = recurrent._arrays

    def mutated(network: Any, weights: recurrent.Weights) -> list[np.ndarray]:
        made = arrays(network, weights)
        if mutant == "biases":
            made[2] = made[2][::-1]
        elif mutant == "products":
            made[1] = made[1][::-1]
        elif weights is network.weights[0][-1]:
            made = arrays(network, network.weights[0][0])
            made[1] = -made[1] if len(network.weights[0]) == 1 else made[1]
        return made

    monkeypatch.setattr(recurrent, "_arrays", mutated)
    with pytest.raises(UserError, match="differs from the original"):
        from_torch(module_of(part, output))


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = gru()
        self.attention = nn.MultiheadAttention(UNITS, 2, batch_first=True)

    def forward(self, x: Any) -> Any:
        x = self.gru(x)[0]
        return self.attention(x, x, x)[0]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            Attending(),
            r"Attending: attention \(MultiheadAttention\): .* has no counterpart: accepted are LSTM",
        ),
        (
            Chain(gru(), output, lambda x: x.repeat(1, 2, 1)),
            "Chain: repeat has no counterpart: accepted are LSTM",
        ),
        (Chain(gru(), output, lambda x: x.flatten(0, 1)), "output: mixes the batch with the steps"),
        (Chain(gru(), output, lambda x: x.flatten()), "mixes the batch, axis 0, with other axes"),
        (Chain(gru(), output, lambda x: x.cumsum(1)), "cumsum has no counterpart"),
        (nn.GroupNorm(1, 3), r"GroupNorm: expected an example of its input, from_torch\(module, x\)"),
        (nn.Conv1d(4, 6, 3, groups=2), "Conv1d: expected 1 group or one for each of 4 channels, got 2"),
        ("a", "from_torch: expected a torch.nn.Module, not of torch.jit, got str"),
    ],
    ids=["attention", "repeat", "folded", "batch", "cumsum", "no example", "groups", "text"],
)
def test_what_is_not_accepted_is_named(module: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        from_torch(module)
    assert "\n" not in str(error.value)


def test_a_module_of_torch_jit_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(nn.Linear(2, 3), torch.zeros(1, 2))
    with pytest.raises(
        UserError, match=r"expected a torch\.nn\.Module, not of torch\.jit, got TopLevelTraced"
    ):
        from_torch(traced)


def saved(module: Any, file: Path, *inputs: Any, **options: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module.eval(), inputs, **options), file)
    return file


def test_a_file_answers_as_its_module(tmp_path: Path) -> None:
    parts = CHAINS["convolution"]
    module = module_of(*parts)
    file = saved(module, tmp_path / "net.pt2", torch.zeros(1, STEPS, FEATURES))
    model = load_model(file)
    assert model.input_shape == (None, STEPS, FEATURES)
    compare(parts, model, module, steps=STEPS)


def test_a_file_with_an_open_batch_answers_as_its_module(tmp_path: Path) -> None:
    parts = CHAINS["tokens"]
    module = module_of(*parts)
    tokens = torch.zeros(2, STEPS, dtype=torch.long)
    rows = {0: torch.export.Dim("rows")}
    model = load_model(saved(module, tmp_path / "net.pt2", tokens, dynamic_shapes=[rows]))
    assert model.input_shape == (None, STEPS)
    compare(parts, model, module, steps=STEPS)


def test_the_command_exports_a_file(tmp_path: Path, capsys) -> None:
    parts = (gru(), output, nn.Linear(UNITS, 3))
    module = module_of(*parts)
    file = saved(module, tmp_path / "net.pt2", torch.zeros(1, STEPS, FEATURES))
    run(Export(file, tmp_path, precision=(("float32",),), execution=(("loop", "step"),)))
    assert "float32_step.tflite" in capsys.readouterr().out
    x = fresh(parts, STEPS)[:1]
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)).numpy()
    (answer,) = Model(tmp_path / "net" / "float32_loop.tflite")(x=x).values()
    np.testing.assert_allclose(answer, wanted, atol=1e-5)
    stream = Stream(tmp_path / "net" / "float32_step.tflite")
    steps = [next(iter(stream(x=x[:, i : i + 1]).values())) for i in range(STEPS)]
    np.testing.assert_allclose(np.concatenate(steps, 1), wanted, atol=1e-5)


def test_a_module_converts_in_one_call_of_each_function() -> None:
    parts = CHAINS["lstm of both directions"]
    model = from_torch(module_of(*parts))
    assert convert(model, steps=STEPS)[4:8] == b"TFL3"


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


@pytest.mark.parametrize(
    "kind", ["pickled module", "state", "bare pickle", "jit", "text", "older", "weights"]
)
def test_other_files_are_refused_and_never_unpickled(kind: str, tmp_path: Path) -> None:
    file, trap = tmp_path / "net.pt2", tmp_path / "sprung"
    module = nn.Linear(2, 3)
    found = "found a pickle"
    if kind == "pickled module":
        torch.save([module, Trap(trap)], file)
    elif kind == "state":
        torch.save(module.state_dict(), file)
    elif kind == "bare pickle":
        file.write_bytes(pickle.dumps(Trap(trap)))
    elif kind == "jit":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.trace(module, torch.zeros(1, 2)).save(file)
        found = "found TorchScript"
    elif kind == "text":
        file.write_text("no network")
        found = "it is damaged, or no file of PyTorch"
    elif kind == "older":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("serialized_exported_program.json", "{}")
        found = "found a file of torch before 2.8"
    else:
        _with_pickled_weights(saved(module, file, torch.zeros(1, 2)), trap)
        found = "weight is stored as a pickle"
    with pytest.raises(UserError, match=r"net\.pt2: expected a file of torch\.export\.save.*: .*" + found):
        load_model(file)
    assert not trap.exists()


def _with_pickled_weights(file: Path, trap: Path) -> None:
    """Rewrite a file so that a weight in it is a pickle."""
    old = {name: zipfile.ZipFile(file).read(name) for name in zipfile.ZipFile(file).namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in old.items():
            if name.endswith("model_weights_config.json"):
                config = json.loads(content)
                for entry in config["config"].values():
                    entry["use_pickle"] = True
                content = json.dumps(config).encode()
            archive.writestr(name, pickle.dumps(Trap(trap)) if "/weight_" in name else content)


def test_a_cut_file_is_refused_in_one_line(tmp_path: Path) -> None:
    content = saved(nn.Linear(2, 3), tmp_path / "net.pt2", torch.zeros(1, 2)).read_bytes()
    (tmp_path / "cut.pt2").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"cut\.pt2: expected a file of torch\.export\.save"):
        load_model(tmp_path / "cut.pt2")
