"""Every block of code in the site's own pages is run, page by page, in the order of the page.

A page is run in an empty folder. A block of Python with a title is a file and is written there; other blocks
of a page share their names. Commands run as they stand.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LONG
from reference.blocks import DOCS, ROOT, Block, blocks

PAGES = [path for path in DOCS if blocks(path)]
IN_CHECKOUT = ("how/",)
"""Pages whose code reads files of the checkout."""
SMALL = ("layers", "pipelines")
"""What a page with an app of its own needs of the checkout."""


def run_page(page: list[Block], folder: Path) -> None:
    """Run all blocks of a page in a folder."""
    names: dict[str, object] = {"__name__": "example"}
    for block in page:
        if block.title:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code)
            compile(block.code, block.place, "exec")
        elif block.language == "python":
            code = "\n" * block.line + block.code  # so that a traceback has the line of the page
            exec(compile(code, block.path, "exec"), names)
        elif block.language == "sh" and block.mark != "parse" and (LONG or block.mark != "long"):
            run_commands(block, folder)


def run_commands(block: Block, folder: Path) -> None:
    own = (folder / "apps").exists()
    if own:
        for name in SMALL:
            (folder / name).exists() or (folder / name).symlink_to(ROOT / name)
        for name in ("__init__.py", "__main__.py"):
            (folder / "apps" / name).write_text((ROOT / "apps" / name).read_text())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder if own else ROOT)}
    for command in block.commands:
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block.place}: {command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])
def test_page(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = path.relative_to(ROOT / "docs").as_posix().startswith(IN_CHECKOUT)
    monkeypatch.chdir(ROOT if inside else tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    run_page(blocks(path), tmp_path)


def test_an_error_in_a_page_is_found(tmp_path: Path) -> None:
    wrong = Block("page.md", 3, "python", "", "", "assert 1 == 2\n")
    with pytest.raises(AssertionError):
        run_page([wrong], tmp_path)
    with pytest.raises(AssertionError):
        run_page([Block("page.md", 3, "sh", "", "", "python -m apps nothing train\n")], tmp_path)
