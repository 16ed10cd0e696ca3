"""The layers and pipelines as a package: `unrolled.layers`, `unrolled.pipelines`, `unrolled.convert`."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
CODE = """
import sys
import unrolled, unrolled.pipelines.ondevice
assert not {"tensorflow", "keras", "mlflow"} & set(sys.modules)
assert not hasattr(unrolled, "nothing")
from unrolled.pipelines._layers import layers
import keras
assert layers.__name__ == "unrolled.layers"
assert not {"layers", "pipelines", "apps"} & set(sys.modules)
model = keras.Sequential([keras.Input([5, 2]), layers.LSTM(3)])
config = keras.saving.serialize_keras_object(model.layers[0])
assert config["registered_name"] == "unrolled>LSTM", config
stock = keras.Sequential([keras.Input([5, 2], name="x"), keras.layers.LSTM(3, name="y")])
content = unrolled.convert(stock)
x = keras.random.normal([1, 5, 2]).numpy()
answer = unrolled.pipelines.ondevice.Model(content)(x=x)["y"]
assert abs(answer - stock(x).numpy()).max() < 1e-6, answer
"""


def test_the_wheel_holds_the_packages_and_works_from_another_folder(tmp_path):
    source = tmp_path / "source"
    for folder in ("layers", "pipelines"):
        shutil.copytree(ROOT / folder, source / folder)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    done = subprocess.run([*build, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("unrolled-*.whl")
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        assert tops == {"unrolled", wheel.name.split("-py3")[0] + ".dist-info"}
        archive.extractall(site)
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(
        command, cwd=elsewhere, env={"PYTHONPATH": str(site)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
