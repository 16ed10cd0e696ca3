"""The pages of freshly trained networks in every precision, in a real browser.

The tolerances are in `pipelines/page/golden.py`, with what was measured here.
"""

from __future__ import annotations

import pytest
from reference.trainings import command

from pipelines.app import discover, find
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.manifest import PRECISIONS
from pipelines.page.build import write_page

PAGES = [name for name, app in discover().items() if app.page]


@pytest.mark.long
@pytest.mark.parametrize("name", PAGES)
def test_every_precision_says_what_python_says(name, page_tools, measured, tmp_path):
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    checkout.mkdir()
    home.mkdir()
    train = [name, "train", "--preset", "smoke", "--precisions", *PRECISIONS]
    done = command(*train, folder=checkout, home=home, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    bundle = Bundle.open(checkout / "exports" / name / "latest")
    write_page(find(name).of_bundle(bundle), bundle, tmp_path / "page", cache=page_tools)
    rows = measured(tmp_path / "page")
    left_out = {each["file"] for each in bundle.manifest.get("left_out", ())}
    ran = {row["precision"] for row in rows}
    for precision in set(PRECISIONS) - ran:
        assert any(file.startswith(f"{precision}_") for file in left_out), precision
    assert ran >= {"float32", "float16", "int8", "int16x8", "int4"}
    for row in rows:
        assert (row.get("equal"), row.get("total")) == (20, 20), row
