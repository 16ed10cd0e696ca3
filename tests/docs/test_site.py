"""The site is built without a warning, loads nothing from elsewhere, and has every public name.

The tools of `make docs` are in an environment of their own: where they are not installed, the tests that need
them are skipped.
"""

import ast
import re
import subprocess
from pathlib import Path

import pytest
from reference.blocks import ROOT, blocks

MKDOCS = ROOT / ".cache/docs/bin/mkdocs"
PICTURES = sorted((ROOT / "docs/pictures").iterdir())


@pytest.mark.long
@pytest.mark.skipif(not MKDOCS.exists(), reason="`make docs` has not installed its tools")
def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    command = [MKDOCS, "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr  # docs/hooks.py refuses loads from other hosts
    pages = {path.relative_to(tmp_path / "site").as_posix() for path in tmp_path.rglob("*.html")}
    assert {"index.html", "how/cell.html", "apps/sentiment/index.html"} <= pages
    loads = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//")
    assert [path for path in pages if loads.search((tmp_path / "site" / path).read_text())] == []


@pytest.mark.skipif(not MKDOCS.exists(), reason="`make docs` has not installed its tools")
def test_a_load_from_another_host_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="https://host/link">x</a><img src="a.png"><script src="//host/1.js"></script>'
        '<link rel="stylesheet" href="https://host/2.css"><pre class="mermaid">x</pre>'
    )
    (tmp_path / "b.css").write_text("p { background: url(https://host/3.png) } q { background: url(b.png) }")
    code = f"import hooks, pathlib; print(*(a for _, a in hooks.foreign(pathlib.Path({str(tmp_path)!r}))))"
    found = subprocess.run(
        [MKDOCS.parent / "python", "-c", code], cwd=ROOT / "docs", capture_output=True, text=True, check=True
    )
    expected = ["//host/1.js", "https://host/2.css", "https://unpkg.com/mermaid", "https://host/3.png"]
    assert found.stdout.split() == expected


@pytest.mark.skipif(not MKDOCS.exists(), reason="`make docs` has not installed its tools")
def test_no_line_ends_within_an_option() -> None:
    html = "<pre><code>run --a-b</code></pre><p>a-b <code>run --a-b x</code></p>"
    code = f"import hooks; print(hooks.on_page_content({html!r}, None, None, None))"
    command = [MKDOCS.parent / "python", "-c", code]
    done = subprocess.run(command, cwd=ROOT / "docs", capture_output=True, text=True, check=True)
    kept = html.replace("run --a-b x", 'run <span class="whole">--a-b</span> x')
    assert done.stdout.strip() == kept


def test_every_public_name_is_in_the_reference() -> None:
    text = (ROOT / "docs/reference/layers.md").read_text()
    module = ast.parse((ROOT / "layers/__init__.py").read_text()).body
    public = next(ast.literal_eval(node.value) for node in module if isinstance(node, ast.Assign))
    assert len(public) > 50
    assert {name for name in public if f"::: layers.{name}\n" not in text} == set()
    for page, needed in {
        "ondevice": ("Bundle", "Model", "Stream"),
        "export": ("any_model.convert", "foreign.torch_model.from_torch"),
    }.items():
        text = (ROOT / "docs/reference" / f"{page}.md").read_text()
        assert all(f"::: pipelines.{page}.{name}\n" in text for name in needed)


def test_every_app_is_on_the_start_page_in_the_list_and_in_the_navigation() -> None:
    apps = {path.parent.name for path in (ROOT / "apps").glob("*/README.md")}
    for file in ("docs/index.md", "docs/apps/index.md", "mkdocs.yml"):
        text = (ROOT / file).read_text()
        assert {name for name in apps if f"apps/{name}/README.md" not in text} == set(), file


def test_pictures_are_small_and_made_by_the_command_beside_them() -> None:
    assert sum(path.stat().st_size for path in PICTURES) < 1_000_000
    assert [path.name for path in PICTURES if path.stat().st_size > 100_000] == []
    made = (ROOT / "docs/pictures.py").read_text()
    assert [path.name for path in PICTURES if f'"{path.name}"' not in made] == []
    shown = (ROOT / "docs/index.md").read_text()
    assert [path.name for path in PICTURES if f"pictures/{path.name}" not in shown] == []


def test_pictures_of_a_tutorial_are_small_and_made_by_its_code() -> None:
    pictures = [path for path in (ROOT / "docs/tutorials").iterdir() if path.suffix != ".md"]
    assert [path.name for path in pictures if path.stat().st_size > 100_000] == []
    pages = {path: path.read_text() for path in (ROOT / "docs/tutorials").glob("*.md")}
    code = "".join(block.code for path in pages for block in blocks(path))
    for path in pictures:
        assert path.name in code, f"{path.name}: no tutorial makes it"
        assert any(f"]({path.name})" in text for text in pages.values()), f"{path.name}: no tutorial shows it"


def test_all_versions_of_the_tools_are_fixed() -> None:
    lines = (ROOT / "docs/requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in wanted if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
