"""No file of an app is a copy of another app's: what is alike belongs into `pipelines`.

The measure is difflib's ratio over the names, keywords and literals of the code. Imports, docstrings and
punctuation do not count, since they are alike in any two files. Tokens, unlike lines, still match after a
variable is renamed.
"""

import ast
import difflib
import functools
import io
import itertools
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST = 0.5
TEXTS = "about.py"
"""Holds one call with texts, whose arguments have the same names in all apps: there is nothing to share."""


def tokens(source: str) -> list[str]:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [each for each in body if not is_import_or_text(each)] or [ast.Pass()]
    code = io.StringIO(ast.unparse(tree))
    kinds = (tokenize.NAME, tokenize.NUMBER, tokenize.STRING)
    return [token.string for token in tokenize.generate_tokens(code.readline) if token.type in kinds]


def is_import_or_text(statement: ast.stmt) -> bool:
    text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return text or isinstance(statement, ast.Import | ast.ImportFrom)


def similarity(one: list[str], other: list[str]) -> float:
    """Return the ratio, or an upper bound of it where that is small already."""
    match = difflib.SequenceMatcher(None, one, other, autojunk=False)
    for bound in (match.real_quick_ratio(), match.quick_ratio()):
        if bound < MOST:
            return bound
    return match.ratio()


@functools.cache
def files() -> dict[Path, list[str]]:
    found = sorted((ROOT / "apps").glob("*/*.py"))
    return {path: tokens(path.read_text()) for path in found if path.name != TEXTS}


def test_no_two_files_of_different_apps_are_alike():
    pairs = [(one, other) for one, other in itertools.combinations(files(), 2) if one.parent != other.parent]
    assert len(pairs) > 100
    found = {pair: similarity(files()[pair[0]], files()[pair[1]]) for pair in pairs}
    alike = {tuple(str(path.relative_to(ROOT)) for path in pair): r for pair, r in found.items() if r >= MOST}
    assert not alike


def test_a_file_of_texts_holds_nothing_else():
    for path in (ROOT / "apps").glob(f"*/{TEXTS}"):
        *rest, last = ast.parse(path.read_text()).body
        assert all(is_import_or_text(each) for each in rest), path
        assert isinstance(last, ast.Assign), path
        assert isinstance(last.value, ast.Call), path


def test_a_copy_is_noticed_even_with_other_names_imports_and_texts():
    path = ROOT / "apps" / "sentiment" / "predict.py"
    copy = path.read_text().replace("text", "tune").replace('"""', '"""Not the same. ', 1)
    assert similarity(files()[path], tokens("import json\n" + copy)) > 0.8
    other = ROOT / "apps" / "speech_commands" / "predict.py"
    assert similarity(files()[path], files()[other]) < MOST
