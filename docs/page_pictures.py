"""Pages of shipped networks on a phone, as pictures. Needs Chromium and `make page-tools`."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from pipelines.app import find
from pipelines.ondevice import Bundle
from pipelines.page.build import write_page
from pipelines.page.npm import CACHE
from pipelines.page.serve import server_of

WIDTH = 400
_SCRIPT = Path(__file__).parent.parent / "tests/pipelines/page/browse.mjs"
_BOTTOM = "document.querySelector('#app').getBoundingClientRect().bottom"


def photographed(
    app: str, bundle: Bundle, steps: Sequence[Sequence[str]], *, dark: bool = False
) -> tuple[Image.Image, int]:
    """Return the page of an app after these steps of browse.mjs, and where the part ends that one uses."""
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder, "page"), Path(folder, "shot.png")
        write_page(find(app).of_bundle(bundle), bundle, page)
        plan = {"folder": str(Path(folder, "profile")), "width": WIDTH, "dark": dark}
        all_steps = [["state", "ready"], *steps, ["evaluate", _BOTTOM], ["screenshot", str(shot)]]
        *_, bottom, _ = _browse(page, {**plan, "steps": all_steps})
        return Image.open(shot).convert("RGB"), round(float(bottom))


def beside(pictures: Sequence[Image.Image], height: int, gap: int = 20) -> Image.Image:
    """Return the upper parts of pictures beside each other."""
    whole = Image.new("RGB", (len(pictures) * (WIDTH + gap) - gap, height), "#808080")
    for number, picture in enumerate(pictures):
        whole.paste(picture.crop((0, 0, WIDTH, height)), (number * (WIDTH + gap), 0))
    return whole


def _browse(page: Path, plan: dict[str, object]) -> list[str]:
    driver = (CACHE / "browser/node_modules/playwright-core").resolve()
    browser = shutil.which("chromium") or "chromium"
    with server_of(page) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            plan = {"address": f"http://127.0.0.1:{server.server_port}/", **plan}
            command = ["node", str(_SCRIPT), str(driver), browser, json.dumps(plan)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        finally:
            server.shutdown()
    return [json.loads(line) for line in done.stdout.splitlines()]
