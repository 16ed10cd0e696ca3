"""Bundles logged as models: they answer elsewhere, become versions, and are served."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from reference.tracked_runs import PARAMS, environment_in, free_port, get, path_of

from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.tracking import models
from pipelines.tracking import runs as tracking

FAKE_APP = """
import dataclasses
from pipelines.app import App
from pipelines.config import Config

def predict(bundle, inputs, variant, options):
    return [{"label": bundle.labels["good" in text], "probabilities": {"bad": 0.25, "good": 0.75}}
            for text in inputs]

fields = {field.name: None for field in dataclasses.fields(App) if field.default is dataclasses.MISSING}
presets = {"default": Config(), "smoke": Config()}
APP = App(**{**fields, "name": "fake", "presets": presets, "predict": predict})
"""
GOOD = {"label": "good", "probabilities": {"bad": 0.25, "good": 0.75}}
BAD = {"label": "bad", "probabilities": {"bad": 0.25, "good": 0.75}}


@pytest.fixture
def logged_bundle(client: mlflow.MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a logged bundle whose app is in no checkout but in the model's own code folder."""
    package = tmp_path / "code" / "apps" / "fake"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").write_text(FAKE_APP)
    monkeypatch.syspath_prepend(package.parents[1])
    for name in [name for name in sys.modules if name.partition(".")[0] == "apps"]:
        monkeypatch.delitem(sys.modules, name)
    with tracking.start("counting", "bundle", params=PARAMS, tags={}):
        uri = models.log_bundle_model(_bundle(tmp_path / "bundle"), ["good", "not"])
    for name in ("apps", "apps.fake"):
        monkeypatch.delitem(sys.modules, name)
    return uri


def _bundle(folder: Path) -> Path:
    folder.mkdir()
    (folder / "float32_loop.tflite").write_bytes(b"TFL3")
    variant = {"file": "float32_loop.tflite", "precision": "float32", "execution": "loop", "bytes": 4}
    variant |= {"sha256": hashlib.sha256(b"TFL3").hexdigest(), "ops": {}, "signatures": {}, "runs_on": []}
    variant |= {"max_abs_error": 0, "metric": 1, "latency_ms": {"p50": 1, "p95": 1}}
    manifest = {"format": 1, "app": "fake", "run_id": "1", "created": "", "dataset": "", "preset": ""}
    manifest |= {"config": {}, "labels": ["bad", "good"], "preprocessing": {}, "assets": []}
    manifest |= {"metric": {"name": "accuracy", "value": 1, "higher_is_better": True, "baseline": 0}}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "variants": [variant]}))
    return folder


def _folder_of(client: mlflow.MlflowClient, uri: str) -> Path:
    location = client.get_logged_model(uri.removeprefix("models:/")).artifact_location
    return path_of(location)


def test_the_bundle_answers_where_there_is_no_checkout_and_no_tensorflow(
    logged_bundle: str, client: mlflow.MlflowClient, tmp_path: Path
) -> None:
    folder = _folder_of(client, logged_bundle)
    assert not [path for path in folder.rglob("*") if "pickle" in path.name or path.suffix == ".pkl"]
    requirements = {line.partition("==")[0] for line in (folder / "requirements.txt").read_text().split()}
    assert requirements == {"mlflow", "ai-edge-litert", "numpy"}
    code = f"""
import json, sys, mlflow, numpy, pandas
model = mlflow.pyfunc.load_model({str(folder)!r})
texts = ["good", "not"]
forms = texts, numpy.array(texts), pandas.DataFrame({{"text": texts}})
assert not {{"tensorflow", "keras"}} & set(sys.modules)
print(json.dumps([model.predict(form) for form in forms]))
"""
    environment = {**environment_in(tmp_path), "PYTHONPATH": "", "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, stdout=-1, check=True)
    assert json.loads(done.stdout) == [[GOOD, BAD]] * 3


def test_a_bundle_becomes_a_version_with_the_figures_of_its_variants(
    logged_bundle: str, client: mlflow.MlflowClient, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bundle = Bundle.open(tmp_path / "bundle")
    with tracking.start("counting", "registered", params=PARAMS, tags={}):
        versions = [models.register(logged_bundle, "counter", bundle) for _ in range(2)]
        with pytest.raises(UserError, match=r"registered model 'a/b': .*name"):
            models.register(logged_bundle, "a/b", bundle)
        with pytest.raises(UserError, match="registered model 'counter': "):
            models.register("models:/m-none", "counter", bundle)
    assert versions == [1, 2]
    found = client.get_model_version("counter", "2")
    run_id = client.get_logged_model(logged_bundle.removeprefix("models:/")).source_run_id
    assert found.tags == {
        **{"app": "fake", "run_id": "1", "dataset": "", "preset": ""},
        **{"float32.accuracy": "1", "float32.bytes": "4", "float32.max_abs_error": "0"},
        "float32.latency_p50_ms": "1",
        "card": f"runs:/{run_id}/bundle/README.md",
    }
    experiment = client.get_run(run_id).info.experiment_id
    page = f"#/experiments/{experiment}/runs/{run_id}/artifacts/bundle/README.md"
    assert found.description == f"[Model card]({page})"
    assert found.source == logged_bundle
    assert capfd.readouterr().out == ""


def test_the_bundle_is_served(logged_bundle: str, client: mlflow.MlflowClient, tmp_path: Path) -> None:
    environment, port = {**environment_in(tmp_path), "MLFLOW_DISABLE_TELEMETRY": "true"}, free_port()
    del environment["PYTHONPATH"]
    model = ["-m", str(_folder_of(client, logged_bundle)), "--env-manager", "local"]
    serve = [sys.executable, "-m", "mlflow", "models", "serve", *model, "-h", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(serve, cwd=tmp_path, env=environment) as server:
        try:
            get(f"http://127.0.0.1:{port}/ping", server)
            url = f"http://127.0.0.1:{port}/invocations"
            split = pd.DataFrame({"text": ["good", "not"]}).to_dict(orient="split")
            for body in ({"inputs": ["good", "not"]}, {"dataframe_split": split}):
                assert json.loads(get(url, server, body)) == {"predictions": [GOOD, BAD]}
        finally:
            server.terminate()
