"""What a page's folder holds, when it is refused, and what stays then."""

import dataclasses
import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from pipelines.app import SHIPPED, discover, find, folder_of
from pipelines.commands import page as command
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.page import build, npm
from pipelines.page.golden import CASES, golden, packed
from pipelines.page.npm import runtime_files
from pipelines.page.serve import server_of

PAGES = {name: app for name, app in discover().items() if app.page}
SENTIMENT = folder_of("sentiment") / SHIPPED


@pytest.fixture
def runtime(monkeypatch):
    """LiteRT.js is there, without npm."""
    monkeypatch.setattr(build, "runtime_files", lambda cache: {"core.js": b"//", "wasm/x.wasm": b"\0asm"})


def write(output: Path, folder: Path = SENTIMENT) -> None:
    bundle = Bundle.open(folder)
    build.write_page(find(bundle.manifest["app"]), bundle, output)


def test_a_page_holds_the_bundle_the_runtime_and_the_answers(runtime, tmp_path):
    write(tmp_path / "out" / "page")
    page = tmp_path / "out" / "page"
    assert list(page.parent.iterdir()) == [page]
    described = json.loads((page / "page.json").read_text())
    assert described["app"] == "sentiment"
    assert (page / "apps" / f"{described['module']}.js").is_file()
    bundle = Bundle.open(page / "bundle")
    carried = json.loads((page / "golden.json").read_text())
    assert len(carried["inputs"]) == CASES
    for variant in bundle.variants:
        bundle.variant_path(variant["file"])
        assert len(carried["answers"][variant["file"]]) == CASES
    html = (page / "index.html").read_text()
    assert "http:" not in html + (page / "style.css").read_text()
    for script in ("js/frame.js", "style.css"):
        assert script in html
        assert (page / script).is_file()


def test_files_that_the_page_cannot_run_get_no_answers_and_a_page_needs_one(runtime, tmp_path):
    shutil.copytree(SENTIMENT, tmp_path / "bundle")
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    (loop,) = manifest["variants"]
    manifest["variants"] += [
        {**loop, "file": f"int8_{execution}.tflite", "execution": execution}
        for execution in ("unrolled", "fused")
    ]
    for each in manifest["variants"][1:]:
        shutil.copy(tmp_path / "bundle" / loop["file"], tmp_path / "bundle" / each["file"])
    (tmp_path / "bundle" / "manifest.json").write_text(json.dumps(manifest))
    bundle = Bundle.open(tmp_path / "bundle")
    whole = PAGES["sentiment"].page
    loops = dataclasses.replace(
        whole,
        answers=lambda bundle, file, texts: whole.answers(bundle, file, texts) if "loop" in file else (),
    )
    assert [*golden(whole, bundle)["answers"]] == ["int8_loop.tflite", "int8_unrolled.tflite"]
    assert [*golden(loops, bundle)["answers"]] == ["int8_loop.tflite"]
    none = dataclasses.replace(whole, answers=lambda *given: ())
    with pytest.raises(
        UserError, match=r"bundle: expected a \.tflite file that runs on its page, found none"
    ):
        golden(none, bundle)


def test_an_older_page_is_replaced_and_other_folders_are_left_alone(runtime, tmp_path):
    write(tmp_path / "page")
    (tmp_path / "page" / "old").touch()
    write(tmp_path / "page")
    assert not (tmp_path / "page" / "old").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    with pytest.raises(UserError, match="mine: expected an empty folder or an older page, found other files"):
        write(tmp_path / "mine")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: expected a folder to write, found a file or a link"):
        write(tmp_path / "file")
    with pytest.raises(UserError, match=r"file/page: expected a folder to write to: File exists"):
        write(tmp_path / "file" / "page")


def test_a_changed_bundle_is_refused_and_the_older_page_stays(runtime, tmp_path):
    write(tmp_path / "page")
    shutil.copytree(SENTIMENT, tmp_path / "bundle")
    network = tmp_path / "bundle" / "int8_loop.tflite"
    network.write_bytes(network.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="expected SHA-256"):
        write(tmp_path / "page", tmp_path / "bundle")
    assert {each.name for each in tmp_path.iterdir()} == {"page", "bundle"}
    assert (tmp_path / "page" / "page.json").is_file()


def test_an_app_without_page_says_so(runtime, tmp_path):
    app = dataclasses.replace(find("sentiment"), page=None)
    with pytest.raises(UserError, match="sentiment has no page yet"):
        build.write_page(app, Bundle.open(SENTIMENT), tmp_path / "page")


def test_without_npm_the_command_says_so_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(npm.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match=r"^needs npm, which fetches LiteRT\.js once: install Node\.js"):
        runtime_files(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_what_npm_says_is_one_line_and_nothing_is_kept(tmp_path, monkeypatch):
    def fails(command, **more):
        return subprocess.CompletedProcess(command, 1, "", "\nnpm error network\nmore\n")

    monkeypatch.setattr(npm.shutil, "which", lambda name: name)
    monkeypatch.setattr(npm.subprocess, "run", fails)
    with pytest.raises(UserError, match=r"^npm could not fetch LiteRT\.js: npm error network$"):
        runtime_files(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_lock_of_npm_names_versions_and_hashes_but_no_registry():
    text = (Path(npm.__file__).with_name("package-lock.json")).read_text()
    wanted = json.loads(Path(npm.__file__).with_name("package.json").read_text())["dependencies"]
    packages = json.loads(text)["packages"]
    assert packages.pop("")["dependencies"] == wanted
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert "resolved" not in text
    assert "http" not in text


def test_the_command_takes_a_bundle_or_an_app(runtime, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command.run(command.Page(bundle=Path("sentiment"), output=Path("page")))
    assert capsys.readouterr().out == f"page: the page of {SENTIMENT}\n"
    with pytest.raises(UserError, match=r"nothing/manifest\.json: expected a bundle"):
        command.run(command.Page(bundle=Path("nothing"), output=Path("page")))


def test_a_page_is_served_with_the_types_that_browsers_ask_for(runtime, tmp_path):
    import threading

    write(tmp_path / "page")
    with server_of(tmp_path / "page") as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        types = {}
        for name in ("js/frame.js", "litert/wasm/x.wasm", "page.json"):
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/{name}") as answer:
                types[name] = answer.headers["Content-Type"]
        with pytest.raises(UserError, match="expected a free port: Address already in use"):
            server_of(tmp_path, server.server_port)
        server.shutdown()
        thread.join()
    assert list(types.values()) == ["text/javascript", "application/wasm", "application/json"]


@pytest.mark.parametrize("name", PAGES)
def test_every_module_that_an_app_names_is_there(name):
    static = Path(build.__file__).with_name("static")
    assert (static / "apps" / f"{PAGES[name].page.module}.js").is_file()
    json.dumps(dict(PAGES[name].page.settings), allow_nan=False)


def test_arrays_are_packed_as_little_endian_bytes():
    assert packed({"a": np.array([[1, 256]], ">i2")}) == {
        "a": {"dtype": "int16", "shape": [1, 2], "data": "AQAAAQ=="}
    }
