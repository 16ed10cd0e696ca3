"""The networks that are shipped with the apps, and how one is put there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.app import SHIPPED, discover, folder_of
from pipelines.commands import ship
from pipelines.errors import UserError
from pipelines.export.card.card import CARD, card
from pipelines.ondevice.bundle import Bundle

ROOT = Path(__file__).parents[2]
APPS = discover()
shipped = pytest.mark.parametrize("name", [name for name in APPS if (folder_of(name) / SHIPPED).is_dir()])


@shipped
def test_a_shipped_network_is_small_whole_and_has_a_card(name):
    folder = folder_of(name) / SHIPPED
    bundle = Bundle.open(folder)
    assert bundle.manifest["app"] == name
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 1.1 * ship.MAX_BYTES
    assert not [each for each in bundle.manifest["config"].values() if str(each).startswith("/")]
    for each in bundle.variants:
        assert bundle.variant_path(each["file"]).is_file()
        assert bundle.variant(each["precision"])["precision"] == each["precision"]
    listed = {each["file"] for each in (*bundle.variants, *bundle.parts, *bundle.manifest["assets"])}
    assert {path.name for path in folder.iterdir()} == {*listed, "manifest.json", "README.md"}


@shipped
def test_the_card_of_a_shipped_network_is_what_its_manifest_says(name):
    """Otherwise renew it: python -m pipelines card apps/NAME/shipped."""
    bundle = Bundle.open(folder_of(name) / SHIPPED)
    app = APPS[name].of_bundle(bundle)
    assert {"licence", "data_licence"} <= bundle.manifest.keys()
    assert (bundle.folder / CARD).read_text() in [
        card(bundle.manifest, app, has_page=has_page) for has_page in (False, True)
    ]


@shipped
def test_a_shipped_network_keeps_its_figure(name, training, monkeypatch):
    monkeypatch.chdir(training(name).folder)  # where the data is prepared already
    bundle = Bundle.open(folder_of(name) / SHIPPED)
    kept = bundle.manifest["embedded"]
    found = ship.figure_on_embedded_data(APPS[name], bundle, kept["file"])
    assert found == {**kept, "value": pytest.approx(kept["value"], abs=0.02)}


@pytest.fixture
def smoke(training, tmp_path, monkeypatch) -> Bundle:
    """A trained bundle; whatever is shipped goes to an empty folder."""
    monkeypatch.setattr(ship, "folder_of", lambda name: tmp_path)
    trained = training("sentiment")
    monkeypatch.chdir(trained.folder)
    return Bundle.open(trained.bundle)


def test_the_files_of_a_precision_are_shipped_and_answer_without_the_rest(smoke, tmp_path, capsys):
    (tmp_path / SHIPPED).mkdir()
    (tmp_path / SHIPPED / "old").touch()
    ship.run(ship.Ship(smoke.folder, data_licence="Apache-2.0", precision="float32"))
    bundle = Bundle.open(tmp_path / SHIPPED)
    assert [each["file"] for each in bundle.variants] == ["float32_loop.tflite"]
    assert not list(tmp_path.glob(".ship.*"))
    assert not (bundle.folder / "old").exists()
    assert "Apache-2.0" in (bundle.folder / "README.md").read_text()
    command = [sys.executable, "-m", "apps", "sentiment", "predict", "--json", "--bundle", str(bundle.folder)]
    done = subprocess.run([*command, "fine"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["predictions"][0]["label"] in bundle.labels


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"precision": "int16x8"}, "expected a variant in int16x8, found none"),
        ({"precision": "float32", "execution": "step"}, "expected a variant in float32, found none"),
    ],
)
def test_what_the_bundle_lacks_is_not_shipped(smoke, tmp_path, options, said):
    with pytest.raises(UserError, match=said):
        ship.run(ship.Ship(smoke.folder, data_licence="none", **options))
    assert list(tmp_path.iterdir()) == []


def test_too_large_a_network_is_not_shipped(smoke, tmp_path, monkeypatch):
    monkeypatch.setattr(ship, "MAX_BYTES", 1000)
    with pytest.raises(UserError, match="expected at most 1,000 bytes to ship"):
        ship.run(ship.Ship(smoke.folder, data_licence="none", precision="float32"))
    assert list(tmp_path.iterdir()) == []
