"""The signatures of public functions are typed: `Any` stands only in the modules of a table, each with its reason.

A module that is not listed fails, and so does a listed one that needs it no more. The table is `support/any_signatures.py`.
An alias that contains `Any`, such as `JsonObject`, is a declared type and is not counted.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from support.any_signatures import ANY_IN

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("platform", "faults", "tests", "loadtests")


def names_any(annotation: ast.expr) -> bool:
    """Whether an annotation contains `Any` by name, as an attribute or in a string."""
    for part in ast.walk(annotation):
        if (isinstance(part, ast.Name) and part.id == "Any") or (
            isinstance(part, ast.Attribute) and part.attr == "Any"
        ):
            return True
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            try:
                if names_any(ast.parse(part.value, mode="eval").body):
                    return True
            except SyntaxError:  # The text of an Annotated or a Literal.
                continue
    return False


def public_with_any(node: ast.AST) -> Iterator[str]:
    """The public functions and methods below a node that have `Any` in their signature; not those within functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            if not child.name.startswith("_"):
                yield from public_with_any(child)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            if child.name.startswith("_") and not child.name.startswith("__"):
                continue
            own = child.args
            arguments = [*own.posonlyargs, *own.args, *own.kwonlyargs, *filter(None, (own.vararg, own.kwarg))]
            annotations = [argument.annotation for argument in arguments] + [child.returns]
            if any(annotation is not None and names_any(annotation) for annotation in annotations):
                yield child.name
        else:
            yield from public_with_any(child)


@cache
def modules() -> dict[str, tuple[str, ...]]:
    """The public functions with `Any` in their signature, by the path of their module."""
    paths = [path for source in SOURCES for path in sorted((ROOT / source).rglob("*.py"))]
    names = {
        path.relative_to(ROOT).as_posix(): tuple(public_with_any(ast.parse(path.read_text(encoding="utf-8"))))
        for path in paths
    }
    assert len(names) > 500
    return {path: functions for path, functions in names.items() if functions}


def test_any_is_used_in_listed_modules_only() -> None:
    assert {path: names for path, names in modules().items() if path not in ANY_IN} == {}


def test_a_listed_module_needs_it_still() -> None:
    assert sorted(ANY_IN.keys() - modules().keys()) == []
    assert all(reason.strip() for reason in ANY_IN.values())


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def read(x: Any) -> int: ...", ["read"]),
        ("def read(*, x: list[typing.Any]) -> int: ...", ["read"]),
        ("def read(*x: int, **y: 'dict[str, Any]') -> int: ...", ["read"]),
        ("async def read() -> Callable[..., Any]: ...", ["read"]),
        ("class Reader:\n    def __init__(self, x: Any) -> None: ...", ["__init__"]),
        ("if TYPE_CHECKING:\n    def read() -> Any: ...", ["read"]),
        ("def _read(x: Any) -> None: ...", []),
        ("class _Reader:\n    def read(self, x: Any) -> None: ...", []),
        ("def read(x: Annotated[str, 'Any text']) -> AnyStr: ...", []),
    ],
)
def test_a_public_signature_with_any_is_seen(source: str, names: list[str]) -> None:
    assert list(public_with_any(ast.parse(source))) == names
