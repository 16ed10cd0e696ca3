"""The limits of CONTRIBUTING that ruff does not check: sizes, positional arguments, docstrings."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("layers", "pipelines", "apps", "benchmarks")
FUNCTION_LINES = 40
"""Lines of a function, decorators and docstring not counted."""
MODULE_LINES = 300
POSITIONAL = 4
"""Arguments that may be passed by position, `self` and `cls` not counted."""
EXEMPT = {
    # TFLite's converter takes the inputs of this function by their order.
    "layers/fused_lstm.py: _lstm can be called with 6 positional arguments",
}
"""Offenders that have a reason, without their line numbers."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef
Sources = dict[str, str]
"""The text of files by path."""
Found = Iterator[tuple[str, int, str]]
"""Path, line and what is wrong there."""
parse = functools.cache(ast.parse)


def sources() -> Sources:
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}


def definitions(node: ast.AST, outer: tuple[Definition, ...] = ()) -> Iterator[tuple[Definition, ...]]:
    """Yield every class and function below a node, each as the last of those that it is nested in."""
    for child in ast.iter_child_nodes(node):
        nested = (*outer, child) if isinstance(child, Definition) else outer
        if nested != outer:
            yield nested
        yield from definitions(child, nested)


def long_functions(files: Sources) -> Found:
    for path, text in files.items():
        for *_, node in definitions(parse(text)):
            if isinstance(node, Function):
                docstring = node.body[0] if ast.get_docstring(node) is not None else None
                skipped = docstring.end_lineno - docstring.lineno + 1 if docstring else 0
                lines = node.end_lineno - node.lineno + 1 - skipped
                if lines > FUNCTION_LINES:
                    yield path, node.lineno, f"{node.name} has {lines} lines"


def long_modules(files: Sources) -> Found:
    """The generators in apps/NAME/embedded hold tables of data, and may be longer."""
    for path, text in files.items():
        lines = len(text.splitlines())
        if lines > MODULE_LINES and "/embedded/" not in path:
            yield path, lines, f"the module has {lines} lines"


def positional_calls(files: Sources) -> Found:
    """Constructors and `call` of layers may take more: their signatures are those of Keras."""
    for path, text in files.items():
        for *outer, node in definitions(parse(text)):
            if not isinstance(node, Function):
                continue
            in_class = bool(outer) and isinstance(outer[-1], ast.ClassDef)
            if in_class and path.startswith("layers/") and node.name in ("__init__", "call"):
                continue
            bound = in_class and "staticmethod" not in map(ast.unparse, node.decorator_list)
            count = len(node.args.posonlyargs) + len(node.args.args) - bound
            if count > POSITIONAL:
                yield path, node.lineno, f"{node.name} can be called with {count} positional arguments"


def undocumented(files: Sources) -> Found:
    """A method that overrides a documented one, or one of a library's class, needs no docstring.

    Neither does the setter of a property.
    """
    classes = {
        nested[-1].name: nested[-1]
        for text in files.values()
        for nested in definitions(parse(text))
        if isinstance(nested[-1], ast.ClassDef)
    }
    for path, text in files.items():
        module = parse(text)
        if ast.get_docstring(module) is None:
            yield path, 1, "the module has no docstring"
        for *outer, node in definitions(module):
            hidden = any(each.name.startswith("_") or isinstance(each, Function) for each in outer)
            if hidden or node.name.startswith("_") or ast.get_docstring(node) is not None:
                continue
            setter = any(ast.unparse(each).endswith(".setter") for each in node.decorator_list)
            if not setter and not (outer and inherits_docstring(outer[-1], node.name, classes)):
                yield path, node.lineno, f"{node.name} has no docstring"


def inherits_docstring(owner: ast.ClassDef, method: str, classes: dict[str, ast.ClassDef]) -> bool:
    for base in owner.bases:
        name = ast.unparse(base).split("[")[0].split(".")[-1]
        if name not in classes:
            return name not in ("NamedTuple", "Protocol", "Generic")
        documented = {
            each.name
            for each in classes[name].body
            if isinstance(each, Function) and ast.get_docstring(each) is not None
        }
        if method in documented or inherits_docstring(classes[name], method, classes):
            return True
    return False


RULES = (long_functions, long_modules, positional_calls, undocumented)


def test_the_tree_keeps_the_limits():
    files = sources()
    found = [each for rule in RULES for each in rule(files)]
    offenders = {f"{path}: {what}" for path, _, what in found}
    new = [f"{path}:{line}: {what}" for path, line, what in found if f"{path}: {what}" not in EXEMPT]
    assert not new, "\n".join(new)
    assert offenders == EXEMPT, "these are fixed: remove them from EXEMPT"


CLASS = "'M.'\nclass A({}):\n 'A.'\n def f(self{}): pass\n"
BASE = "class B:\n 'B.'\n def f(self):\n  {}\n  pass\n"


@pytest.mark.parametrize(
    ("rule", "allowed", "offender", "line"),
    [
        (long_functions, "def f():\n 'A.'\n" + " x\n" * 39, "def f():\n" + " x\n" * 40, 1),
        (long_modules, "x\n" * 300, "x\n" * 301, 301),
        (positional_calls, "def f(a, b, c, d, *e, g): 0", "def f(a, b, /, c, d, e=1): 0", 1),
        (positional_calls, CLASS.format("", ", a, b, c, d, *, e"), CLASS.format("", ", a, b, c, d, e"), 4),
        (undocumented, "'M.'", "0", 1),
        (undocumented, "'M.'\ndef _f(): 0", "'M.'\ndef f(): 0", 2),
        (undocumented, CLASS.format("keras.Layer", ""), CLASS.format("", ""), 4),
        (undocumented, CLASS.format("Layer", ""), CLASS.format("NamedTuple", ""), 4),
        (
            undocumented,
            CLASS.format("B", "") + BASE.format("'F.'"),
            CLASS.format("B", "") + BASE.format(0),
            4,
        ),
    ],
)
def test_each_rule_finds_an_offender_and_spares_what_is_allowed(rule, allowed, offender, line):
    assert list(rule({"apps/a.py": allowed})) == []
    path, found, _ = next(rule({"apps/a.py": offender}))
    assert (path, found) == ("apps/a.py", line)


def test_a_layer_may_take_the_arguments_of_keras_and_a_data_table_may_be_long():
    assert list(positional_calls({"layers/a.py": "class A:\n def call(self, a, b, c, d, e): 0"})) == []
    assert list(long_modules({"apps/a/embedded/table.py": "x\n" * 301})) == []
