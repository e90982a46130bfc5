"""Each text that the console shows exists in Chinese, and no page has a text without a catalogue."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract

from mocklend.language import Language, is_translated
from support.console import ROOMS

MARKED_IN_PYTHON = ("message", "text")
PACKAGES = (ROOMS[0].parent, ROOMS[1].parent)


def in_templates() -> Iterator[tuple[str, str]]:
    """Each text of a template, with the file where it stands."""
    for room in ROOMS:
        for path in sorted(room.rglob("*.html")):
            with path.open("rb") as file:
                for line, text, _comments, _context in extract("jinja2.ext:babel_extract", file):
                    yield f"{path.name}:{line}", text if isinstance(text, str) else text[0]


def in_python() -> Iterator[tuple[str, str]]:
    """Each text that is marked in the packages, or translated in the console."""
    for package in PACKAGES:
        for path in sorted(package.rglob("*.py")):
            marks = MARKED_IN_PYTHON if "console" in path.parts else MARKED_IN_PYTHON[:1]
            source = path.read_text(encoding="utf-8")
            if not any(f"{mark}(" in source for mark in marks):
                continue
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    if called in marks and isinstance(node.args[0].value, str):
                        yield f"{path.name}:{node.lineno}", node.args[0].value


def test_texts_are_found() -> None:
    assert len({text for _, text in in_templates()}) > 30
    assert "Loans" in {text for _, text in in_python()}


def test_each_text_of_a_page_exists_in_chinese() -> None:
    missing = sorted(
        {
            f"{text!r} ({where})"
            for where, text in [*in_templates(), *in_python()]
            if not is_translated(Language.ZH, text)
        }
    )

    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    "path", [path for room in ROOMS for path in sorted(room.rglob("*.html"))], ids=lambda path: path.name
)
def test_a_template_has_no_text_of_its_own(path: Path) -> None:
    source = re.sub(
        r"{#.*?#}|{%.*?%}|{{.*?}}|<(title|code)>.*?</\1>|<[^>]*>",
        " ",
        path.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    words = [
        word
        for word in re.findall(r"[A-Za-z]{3,}", source)
        if word not in ("Mocklend", "English", "JSON", "CSV", "Esc")
    ]

    assert words == []
