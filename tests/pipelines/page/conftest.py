"""Pages of the apps' bundles, and a browser that opens them."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.app import SHIPPED, find, folder_of
from pipelines.ondevice.bundle import Bundle
from pipelines.page import build
from pipelines.page.build import write_page
from pipelines.page.serve import server_of

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".cache" / "page"
"""Where `make page-tools` installs LiteRT.js and the driver of the browser."""
MODULES = Path(build.__file__).with_name("static") / "js"
_DRIVER = CACHE / "browser" / "node_modules" / "playwright-core"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_KEEP = """(() => {
  URL.createObjectURL = (blob) => {
    blob.text().then((text) => (globalThis.kept = text));
    return "#";
  };
})()"""
"""Lets a page keep as a text what it would give to download."""


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node.js."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs Node.js: apt install nodejs")
    return found


@pytest.fixture(scope="session")
def page_tools() -> Path:
    """The folder where LiteRT.js is."""
    if not (CACHE / "npm" / "node_modules").is_dir():
        pytest.skip("needs LiteRT.js: make page-tools")
    return CACHE


@pytest.fixture(scope="session")
def page_of(tmp_path_factory, training, page_tools) -> Callable[[str], Path]:
    """Give a function that writes the page of an app's bundle, once, and returns its folder.

    The bundle is the shipped one, or else that of its `smoke` preset.
    """
    pages: dict[str, Path] = {}

    def page(name: str) -> Path:
        if name not in pages:
            pages[name] = tmp_path_factory.mktemp("pages") / name
            shipped = folder_of(name) / SHIPPED
            bundle = Bundle.open(shipped if shipped.is_dir() else training(name).bundle)
            write_page(find(name).of_bundle(bundle), bundle, pages[name], cache=page_tools)
        return pages[name]

    return page


@pytest.fixture
def node_test(node, tmp_path) -> Callable[..., None]:
    """Give a function that runs a file of tests in Node.js on cases, as JSON can hold them."""

    def run(script: str, cases: dict[str, Any], **environment: str) -> None:
        file = tmp_path / "cases.json"
        file.write_text(json.dumps(cases))
        command = [node, "--test", str(Path(__file__).with_name(script))]
        given = {"CASES": str(file), "MODULES": MODULES.as_uri(), "PATH": str(Path(node).parent)}
        done = subprocess.run(command, env=given | environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr

    return run


@pytest.fixture
def browse(node, tmp_path) -> Callable[..., list[Any]]:
    """Give a function that does the steps of `browse.mjs` on a folder, and returns what came of each."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        pytest.skip("needs Chromium: apt install chromium")
    if not _DRIVER.is_dir():
        pytest.skip("needs the driver of the browser: make page-tools")

    def run(folder: Path, *steps: list[Any], **more: Any) -> list[Any]:
        with _served(folder) as address:
            plan = {"address": address, "folder": str(tmp_path / "profile"), "steps": steps, **more}
            script = Path(__file__).with_name("browse.mjs")
            command = [node, str(script), str(_DRIVER), browser, json.dumps(plan)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@pytest.fixture
def measured(browse) -> Callable[[Path], list[dict[str, Any]]]:
    """Give a function that measures all networks of a page, and returns their rows of its JSON.

    The page must be ready, keep no tensor, and ask nobody else.
    """

    def run(page: Path) -> list[dict[str, Any]]:
        done = "document.querySelector('#status').textContent === 'All networks are measured.'"
        state, error, *_, kept, memory, strangers = browse(
            page, ["state", "ready", "broken"], ["text", "#error"], ["click", "#measure"], ["until", done],
            ["evaluate", _KEEP], ["click", "#download"], ["until", "globalThis.kept"],
            ["evaluate", "unrolled.memory()"], ["strangers"],
        )  # fmt: skip
        assert (state, memory["tensors"], strangers) == ("ready", 0, []), error
        return json.loads(kept)["variants"]

    return run


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    with server_of(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
