"""What the site has besides the pages in docs/: the READMEs, and the files that they link.

A README stays where it is and becomes a page. A link to a file of the repository becomes a link to its page
in the site: source code is shown, JSON and pictures are copied.
"""

from __future__ import annotations

import posixpath
import re
import subprocess
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PROJECT = ("README.md", "CONTRIBUTING.md", "LICENCES.md")
"""Texts at the top of the repository. The site has a start page of its own, so they move to project/."""
INCLUDED = (*PROJECT, "layers/README.md", "pipelines/export/README.md")
FOLDERS_OF_TEXTS = ("apps/*/README.md", "apps/*/shipped/README.md", "benchmarks/**/README.md")
_LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s]+)\)")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"<pre.*?</pre>|(?<=<code>)[^<]+", re.DOTALL)
"""Blocks of code, to be passed over, and the texts of code in lines."""
_HYPHENED = re.compile(r"(?<!\S)(?=\S*-)\S{1,40}(?!\S)")
"""A short word with a hyphen, such as an option."""
_NOT_SEARCHED = "---\nsearch:\n  exclude: true\n---\n"


def texts() -> list[str]:
    """Return the Markdown files of the repository that are pages, by their paths there."""
    found = (path.relative_to(ROOT) for each in FOLDERS_OF_TEXTS for path in ROOT.glob(each))
    return [*INCLUDED, *sorted(path.as_posix() for path in found)]


def page_of(path: str) -> str:
    """Return where a file of the repository is in the site."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path in PROJECT:
        return f"project/{path}"
    if path.endswith(".md"):
        return path
    if (ROOT / path).is_dir() or path.endswith((".py", ".txt")):
        return f"source/{path}.md"
    return f"files/{path if Path(path).suffix else path + '.txt'}"


def path_of(page: str) -> str:
    """Return the path in the repository of a page: the other way round."""
    known = {page_of(text): text for text in texts()}
    return known.get(page, f"docs/{page}")


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Change what is not in a fenced block of code."""
    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else change(part) for part in parts)


def with_links(text: str, path: str) -> str:
    """Let the links of a page lead to pages of the site."""
    return outside_code(text, lambda part: _LINK.sub(lambda link: _new_link(link, path), part))


def _new_link(link: re.Match[str], path: str) -> str:
    name, address = link.groups()
    target, _, anchor = address.partition("#")
    if not target or "://" in target or not (ROOT / _joined(path, target)).exists():
        return link[0]  # of a page that is missing, mkdocs says so
    new = posixpath.relpath(page_of(_joined(path, target)), posixpath.dirname(page_of(path)) or ".")
    return f"{name}({new}{'#' + anchor if anchor else ''})"


def _joined(path: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def linked(text: str, path: str) -> Iterator[str]:
    """Yield the files of the repository that a page links and that are no pages."""
    for _, address in _LINK.findall("".join(_FENCE.split(text)[::2])):
        target = _joined(path, address.partition("#")[0])
        inside = "://" not in address and not target.startswith(("..", "docs/")) and target != "."
        if inside and not target.endswith(".md") and (ROOT / target).exists():
            yield target


def on_files(files: Files, config: Any) -> Files:
    """Add the READMEs and what they link."""
    wanted: set[str] = set()
    for file in files.documentation_pages():
        wanted |= set(linked(file.content_string, f"docs/{file.src_uri}"))
    for path in texts():
        content = (ROOT / path).read_text()
        wanted |= set(linked(content, path))
        head = _NOT_SEARCHED if path.endswith("LICENCES.md") else ""
        files.append(File.generated(config, page_of(path), content=head + content))
    for path in list(wanted):
        wanted |= set(_members(path))
    for path in sorted(wanted):
        files.append(_file(path, config))
    return files


def _members(folder: str) -> list[str]:
    """Return the files in a folder that git knows."""
    if not (ROOT / folder).is_dir():
        return []
    command = ["git", "-C", str(ROOT), "ls-files", "--", f"{folder}/*.py", f"{folder}/*.txt"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def _file(path: str, config: Any) -> File:
    if not page_of(path).endswith(".md"):
        return File.generated(config, page_of(path), content=(ROOT / path).read_bytes())
    if members := _members(path):
        folder = posixpath.dirname(page_of(path))
        links = (f"- [{each}]({posixpath.relpath(page_of(each), folder)})" for each in members)
        lines = "\n".join(links)
    else:
        language = "python" if path.endswith(".py") else "text"
        lines = f"```{language}\n{(ROOT / path).read_text()}\n```"
    return File.generated(config, page_of(path), content=f"{_NOT_SEARCHED}# {path}\n\n{lines}\n")


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Set the links of a page right."""
    uri = page.file.src_uri
    return markdown if uri.startswith("source/") else with_links(markdown, path_of(uri))


def on_page_content(html: str, page: Page, config: Any, files: Files) -> str:
    """Keep words with hyphens in code, such as options, in one line each (`whole` in extra.css)."""
    return _CODE.sub(_kept_whole, html)


def _kept_whole(code: re.Match[str]) -> str:
    if code[0].startswith("<pre"):
        return code[0]
    return _HYPHENED.sub(lambda word: f'<span class="whole">{word[0]}</span>', code[0])


def on_post_build(config: Any) -> None:
    """Refuse a site whose pages load anything from another host."""
    found = [f"{path}: {address}" for path, address in foreign(Path(config["site_dir"]))]
    if found:
        raise PluginError("a page loads something from another host:\n" + "\n".join(found))


def foreign(site: Path) -> Iterator[tuple[str, str]]:
    """Yield what pages and style sheets load from other hosts, with the name of the page.

    Links that a reader may follow are no loads. The theme's script would load Mermaid for a page with such a
    diagram, so no page may have one.
    """
    for path in sorted([*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg")]):
        text = path.read_text()
        loads = _Loads()
        if path.suffix != ".css":
            loads.feed(text)
        in_styles = re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)", text)
        for address in [*loads.found, *in_styles]:
            yield path.relative_to(site).as_posix(), address


class _Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag != "a":
            names = ("src", "srcset", "href", "xlink:href", "poster", "data")
            addresses = [values[name] for name in names if name in values]
            self.found += [each for each in addresses if each.startswith(("http:", "https:", "//"))]
        if "mermaid" in values.get("class", "").split():
            self.found.append("https://unpkg.com/mermaid")
