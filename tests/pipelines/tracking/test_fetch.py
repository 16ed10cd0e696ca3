"""Models in MLflow, by their addresses."""

from pathlib import Path

import pytest

from pipelines.errors import UserError
from pipelines.tracking.fetch import fetch_model, name_of


@pytest.fixture
def run_id(client, tmp_path: Path) -> str:
    """A run with a model, a folder of two, a SavedModel and a bundle; the model is registered."""
    run = client.create_run("0")
    for name in ("one/model.keras", "two/a.h5", "two/b.onnx", "saved/saved_model.pb", "bundle/int8.tflite"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)
        client.log_artifact(run.info.run_id, str(file), file.parent.name)
    return run.info.run_id


def test_a_registered_model_by_version_and_alias(client, run_id: str, tmp_path: Path) -> None:
    client.create_registered_model("words")
    source = f"{client.get_run(run_id).info.artifact_uri}/one"
    client.create_model_version("words", source, run_id)
    client.set_registered_model_alias("words", "best", "1")
    for number, uri in enumerate(("models:/words/1", "models:/words@best")):
        file = fetch_model(uri, tmp_path / str(number))
        assert (file.name, file.read_text()) == ("model.keras", "one/model.keras")
        assert name_of(uri) == "words"
    with pytest.raises(UserError, match=r"^models:/words/2: expected a logged model: "):
        fetch_model("models:/words/2", tmp_path)


def test_files_and_folders_of_a_run(run_id: str, tmp_path: Path) -> None:
    assert fetch_model(f"runs:/{run_id}/one/model.keras", tmp_path / "a").read_text() == "one/model.keras"
    saved = fetch_model(f"runs:/{run_id}/saved", tmp_path / "b")
    assert [each.name for each in saved.iterdir()] == ["saved_model.pb"]
    assert name_of(f"runs:/{run_id}/one") == run_id
    for path, said in {
        "two": "expected one model .*, found a.h5, b.onnx$",
        "bundle": "found int8.tflite; to export the model of a training again, name runs:/ID/keras$",
        "none": "expected a logged model: ",
    }.items():
        with pytest.raises(UserError, match=f"^runs:/{run_id}/{path}: .*{said}"):
            fetch_model(f"runs:/{run_id}/{path}", tmp_path / path)


def test_without_a_store_none_is_made(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(
        UserError, match=r"expected a store of MLflow at .*mlflow\.db, or another in MLFLOW_TR"
    ):
        fetch_model("models:/words/1", tmp_path)
    assert not (tmp_path / "mlruns").exists()
