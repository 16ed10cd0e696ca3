"""Every block of code in the site's own pages is run, page by page, in the order of the page.

A page is run in an empty folder. A block of Python with a title is a file and is written there; other blocks
of a page share their names. Commands run as they stand. Pages that train and export are run in `make
test-long` only; of these, each `make test` compiles the Python, looks for what it imports, and parses the
commands (test_commands).
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from conftest import LONG
from reference.blocks import DOCS, ROOT, Block, blocks

PAGES = [path for path in DOCS if blocks(path)]
IN_CHECKOUT = ("how/",)
"""Pages whose code reads files of the checkout."""
LONG_PAGES = (
    "tutorials/cell.md",
    "tutorials/microcontroller.md",
    "tutorials/phone.md",
    "tutorials/sweep.md",
)
"""Pages that take more than 20 seconds."""
OURS = ("layers", "pipelines", "apps")
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


def named(path: Path) -> str:
    return path.relative_to(ROOT / "docs").as_posix()


def param(path: Path) -> ParameterSet:
    marks = [pytest.mark.long] if named(path) in LONG_PAGES else []
    return pytest.param(path, id=named(path), marks=marks)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", list(map(param, PAGES)))
def test_page(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = named(path).startswith(IN_CHECKOUT)
    monkeypatch.chdir(ROOT if inside else tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])  # as in a session of Python
    run_page(blocks(path), tmp_path)


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_the_python_of_a_page_is_python_and_finds_what_it_imports(path: Path) -> None:
    python = [block for block in blocks(path) if block.language == "python"]
    missing = {
        f"{block.place}: {module}.{name}"
        for block in python
        for module, name in imported(block)
        if not is_there(module, name)
    }
    assert missing == set()


def imported(block: Block) -> Iterator[tuple[str, str]]:
    """Yield what a block imports of this project: module and name."""
    for node in ast.walk(ast.parse(block.code)):
        if isinstance(node, ast.ImportFrom) and not node.level and str(node.module).partition(".")[0] in OURS:
            yield from ((str(node.module), name.name) for name in node.names)


def is_there(module: str, name: str) -> bool:
    """Tell whether a module's text has a name, without an import: that of TensorFlow takes seconds."""
    path = ROOT / module.replace(".", "/")
    files = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()]
    return (path / f"{name}.py").exists() or any(name in file.read_text() for file in files)


def test_an_error_in_a_page_is_found(tmp_path: Path) -> None:
    wrong = Block("page.md", 3, "python", "", "", "assert 1 == 2\n")
    with pytest.raises(AssertionError):
        run_page([wrong], tmp_path)
    with pytest.raises(AssertionError):
        run_page([Block("page.md", 3, "sh", "", "", "python -m apps nothing train\n")], tmp_path)
    assert not is_there("pipelines.ondevice", "Nothing")
    assert not is_there("pipelines.nothing", "Bundle")
