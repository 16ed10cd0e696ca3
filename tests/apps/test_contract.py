"""What every app promises; apps are discovered, not listed."""

import ast
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipelines.app import App, discover
from pipelines.config import Config, from_dict, to_dict
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import runner_of

ROOT = Path(__file__).parents[2]
FILES = {
    "__init__.py",
    "README.md",
    "about.py",
    "config.py",
    "data.py",
    "features.py",
    "metrics.py",
    "model.py",
    "predict.py",
    "results.json",
}
APPS = discover()

each_app = pytest.mark.parametrize("app", APPS.values(), ids=APPS)


def test_every_folder_is_an_app_and_there_is_one_at_least():
    folders = {path.parent.name for path in (ROOT / "apps").glob("*/__init__.py")}
    assert folders == set(APPS)
    assert all(app.name == name for name, app in APPS.items())
    assert "sentiment" in APPS


def test_two_apps_of_one_name_and_a_folder_without_app_are_refused(tmp_path, monkeypatch):
    def write(name, text):
        (tmp_path / "more" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "more" / name / "__init__.py").write_text(text)

    monkeypatch.syspath_prepend(tmp_path)
    write("", "")
    write("one", "from apps.sentiment import APP")
    assert list(discover("more")) == ["sentiment"]
    write("two", "from apps.sentiment import APP")
    with pytest.raises(ValueError, match=r"two apps are called 'sentiment'; the second is in more\.two"):
        discover("more")
    write("two", "")
    monkeypatch.delitem(sys.modules, "more.two")
    with pytest.raises(TypeError, match=r"two/__init__\.py defines no APP"):
        discover("more")


def test_an_app_without_the_usual_presets_is_refused():
    sentiment = APPS["sentiment"]
    with pytest.raises(ValueError, match=r"no preset 'smoke', got \['default'\]"):
        dataclasses.replace(sentiment, presets={"default": sentiment.presets["default"]})


@each_app
def test_the_same_file_names_everywhere(app):
    assert {path.name for path in (ROOT / "apps" / app.name).iterdir()} >= FILES


@each_app
def test_presets_are_of_one_class_and_travel_through_json(app: App):
    classes = {type(config) for config in app.presets.values()}
    assert len(classes) == 1
    assert issubclass(classes.pop(), Config)
    for config in app.presets.values():
        assert from_dict(type(config), json.loads(json.dumps(to_dict(config)))) == config


@each_app
def test_every_setting_is_read_somewhere_and_explained(app: App):
    config_class = type(app.presets["default"])
    sources = [*(ROOT / "apps" / app.name).rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")]
    trees = [ast.parse(path.read_text()) for path in sources if path.name != "config.py"]
    read = {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    names = {field.name for field in dataclasses.fields(config_class)}
    assert names - read == set()
    for owner in config_class.__mro__[:-1]:
        body = ast.parse(Path(sys.modules[owner.__module__].__file__).read_text()).body
        classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
        fields = classes[owner.__name__].body
        for field, after in zip(fields, [*fields[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign):
                assert isinstance(after, ast.Expr), f"{owner.__name__}.{field.target.id} has no docstring"


@each_app
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("patience", 0),
        ("learning_rate", 0.0),
        ("clip_norm", -1.0),
        ("weight_decay", -0.1),
    ],
)
def test_settings_out_of_range_are_refused_by_the_name_of_their_option(app: App, name, value):
    with pytest.raises(UserError, match=f"--{name.replace('_', '-')}: expected .*, got {value}"):
        dataclasses.replace(app.presets["default"], **{name: value})


@each_app
def test_discovering_an_app_imports_neither_tensorflow_nor_matplotlib(app: App):
    code = (
        f"import sys, apps.{app.name}\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'mlflow', 'sklearn', 'tensorflow_datasets'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_apps_needs_only_numpy_and_tyro():
    """`unrolled --help` shows each app's summary even where the libraries for its data are missing."""
    code = """
import sys

class OthersAreMissing:
    def find_spec(self, name, path=None, target=None):
        known = {*sys.stdlib_module_names, "apps", "pipelines", "numpy", "tyro"}
        if name.partition(".")[0] not in known:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, OthersAreMissing())
from pipelines.app import discover
print(*discover())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == list(APPS)


# The whole road: one training of the smoke preset, looked at from every side.


def test_the_bundle_is_complete(trained):
    bundle = Bundle.open(trained.bundle)
    assert bundle.manifest["app"] == trained.app
    assert trained.bundle.resolve().name == bundle.manifest["run_id"]
    written = {variant["precision"] for variant in bundle.variants}
    assert written | _precisions_left_out(bundle) == set(APPS[trained.app].presets["smoke"].precisions)
    for variant in bundle.variants:
        assert bundle.variant_path(variant["file"]).stat().st_size == variant["bytes"]
        assert "interpreter" in variant["runs_on"]
        assert not [op for op in variant["ops"] if op.startswith(("Flex", "CUSTOM"))]
    for part in bundle.parts:
        assert not [op for op in part["ops"] if op.startswith(("Flex", "CUSTOM"))]
    listed = {record["file"] for record in (*bundle.variants, *bundle.parts, *bundle.manifest["assets"])}
    assert {path.name for path in trained.bundle.iterdir()} == {*listed, "manifest.json", "README.md"}


def test_the_bundle_has_a_card_whose_code_runs(trained, monkeypatch):
    monkeypatch.chdir(trained.bundle)
    bundle, card = Bundle.open("."), Path("README.md").read_text()
    app = APPS[trained.app]
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["pipeline_tag"] == app.about.pipeline_tag
    test, *_ = front["model-index"][0]["results"]
    value = trained.record["scores"]["test"][trained.record["metric"]]
    assert test["metrics"][0]["value"] == pytest.approx(value, abs=1e-6)
    assert app.about.purpose in card
    for method in trained.record["baselines"]:
        assert f" {method.replace('_', ' ')} |" in card
    for file in (*bundle.variants, *bundle.parts):
        assert f"| `{file['file']}` | {file['bytes']:,} |" in card
    assert f"python -m apps {trained.app} train --preset smoke\n" in card
    for folder in (trained.folder, trained.home, ROOT):
        assert str(folder) not in card + Path("manifest.json").read_text()
    code = card.split("```python\n")[1].split("```")[0]
    exec(code.replace("unrolled.ondevice", "pipelines.ondevice"), {})


def _precisions_left_out(bundle: Bundle) -> set[str]:
    """Of quantised files only: a smoke preset's network is hardly trained, and some of its answers flip."""
    left_out = {file.rpartition("_")[0] for file in bundle.left_out}
    assert left_out <= {"dynamic_int8", "int8", "int16x8"}
    return left_out


def test_the_record_has_a_row_for_each_variant(trained):
    names = [row["variant"] for row in trained.record["variants"]]
    variants = [variant["file"] for variant in Bundle.open(trained.bundle).variants]
    assert names == ["Keras", "SavedModel", *variants]
    assert all(np.isfinite(row["metric"]) for row in trained.record["variants"])
    for row in trained.record["variants"]:
        low, high = row["interval"]
        assert low <= row["metric"] <= high


def test_nothing_is_left_outside_the_checkout_nor_half_done_in_it(trained):
    assert list(trained.home.iterdir()) == []
    assert not list((trained.folder / "mlruns" / "checkpoints").iterdir())
    exports = trained.folder / "exports" / trained.app
    assert sorted(path.name for path in exports.iterdir()) == sorted(
        [trained.bundle.resolve().name, "latest"]
    )


def test_what_the_device_sees_is_what_the_network_was_trained_on(trained, monkeypatch):
    monkeypatch.chdir(trained.folder)
    app, bundle = APPS[trained.app], Bundle.open(trained.bundle)
    config = from_dict(type(app.presets["default"]), bundle.manifest["config"])
    data = app.load(config)
    assert data.fingerprint == trained.record["data_sha256"]
    features = app.features(config, data)
    some = slice(0, 100)
    np.testing.assert_array_equal(
        app.encode(bundle, data.splits["test"].inputs[some]), features.inputs["test"][some]
    )
    variant = bundle.variants[0]
    model = runner_of(variant["execution"])(bundle.variant_path(variant["file"]))
    outputs = model.predict(features.inputs["test"])
    value = next(iter(app.of(config).metrics.values()))(outputs, features.targets["test"])
    assert value == pytest.approx(variant["metric"])
    answers = list(app.predict(bundle, data.splits["test"].inputs[some], None, app.options()))
    assert json.loads(json.dumps(answers)) == answers
    assert all("\n" not in app.describe(answer) for answer in answers)


@pytest.fixture
def tracked(trained, monkeypatch):
    """Return the store and the run of a training."""
    monkeypatch.chdir(trained.folder)
    from pipelines.tracking.quiet_mlflow import mlflow
    from pipelines.tracking.store import store_uri

    client = mlflow.MlflowClient(store_uri())
    return client, client.get_run(trained.record["run_id"])


def test_the_run_in_the_tracker_tells_what_it_is(trained, tracked):
    _, run = tracked
    metric, value = (
        trained.record["metric"],
        f"{trained.record['scores']['test'][trained.record['metric']]:.3f}",
    )
    network = APPS[trained.app].presets["smoke"].network
    assert run.info.run_name == f"{network} · smoke · {value}"
    description = run.data.tags["mlflow.note.content"]
    assert description.startswith(f"{metric}: test **{value}**")
    assert f"`python -m apps {trained.app} train --preset smoke`" in description
    (used,) = run.inputs.dataset_inputs
    assert used.dataset.name == trained.record["data"]
    assert trained.record["data_sha256"].startswith(used.dataset.digest)
    assert json.loads(used.dataset.profile).items() >= trained.record["examples"].items()
    assert {f"data.{name}" for name in trained.record["examples"]} <= run.data.params.keys()
    ours = [name for name in run.data.metrics if not name.startswith("system/")]
    assert ours[0] == f"validation.{metric}"
    of_layers = [ours.index(name) for name in ours if name.startswith("diagnostics.")]
    assert ours.index(f"test.{metric}") < min(of_layers)


def test_the_run_in_the_tracker_holds_everything(trained, tracked):
    client, run = tracked
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == str(APPS[trained.app].presets["smoke"].seed)
    assert run.data.tags["data.fingerprint"] == trained.record["data_sha256"]
    metric = trained.record["metric"]
    for name in (f"validation.{metric}", "validation.loss", "loss"):
        epochs = client.get_metric_history(run.info.run_id, name)
        assert [point.step for point in epochs] == list(range(1, trained.record["epochs"] + 1))
    for variant in Bundle.open(trained.bundle).variants:
        for key in (metric, "bytes", "max_abs_error", "latency_p50_ms"):
            assert f"{variant['precision']}.{key}" in run.data.metrics
    for file, reason in Bundle.open(trained.bundle).left_out.items():
        assert run.data.tags[f"left_out.{file}"].startswith(reason[:100])
    folders = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert folders >= {"bundle", "config.json", "plots", "record.json", "saved_model", "tables"}
    assert "plots/learning_curves.png" in {i.path for i in client.list_artifacts(run.info.run_id, "plots")}
