"""The blocks of code in the project's texts, and how each is tested.

A comment above a block of commands, `<!-- test: MARK -->`, says that it is not simply run: `long` runs it in
`make test-long` only, and otherwise parses it; `parse` always parses it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
"""The pages of the site, whose blocks are run."""
READMES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "apps").glob("*/README.md")),
    *sorted((ROOT / "apps").glob("*/shipped/README.md")),
    ROOT / "layers/README.md",
    ROOT / "pipelines/export/README.md",
    *sorted((ROOT / "benchmarks").rglob("README.md")),
]
"""The texts that the site includes, whose commands are parsed: they train for long, or on files."""
MARKS = ("long", "parse")
_BLOCK = re.compile(
    r"(?:<!-- test: (?P<mark>\w+) -->\n)?^(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One block of code."""

    path: str
    """In the checkout."""
    line: int
    language: str
    title: str
    """The file that the block is, or "" if it is none."""
    mark: str
    code: str

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.path}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """Its lines, with those joined that end with a backslash; of a console, those after the prompt."""
        lines = self.code.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        return [line for line in lines if line.strip()]


def blocks(path: Path) -> list[Block]:
    """Return the blocks of a text."""
    text, found = path.read_text(), []
    for match in _BLOCK.finditer(text):
        language, _, rest = match["info"].strip().partition(" ")
        title = re.search(r'title="([^"]+)"', rest)
        found.append(
            Block(
                path.relative_to(ROOT).as_posix(),
                text.count("\n", 0, match.start("code")),
                language,
                title[1] if title else "",
                match["mark"] or "",
                match["code"],
            )
        )
    return found
