"""The words that people read: each term of the glossary is used."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = "docs/glossary.md"
READ = {
    "docs": ("*.md",),
    "platform": ("*.py", "*.yaml"),
    "faults": ("*.py", "*.yaml"),
}
"""Folders with text that people read, and which files of them."""


@cache
def texts() -> dict[str, str]:
    """Every file that people read, by its path."""
    paths = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
    for folder, patterns in READ.items():
        paths += [path for pattern in patterns for path in sorted((ROOT / folder).rglob(pattern))]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


@cache
def lowered() -> str:
    """All of it but the glossary, in lower case."""
    return "\n".join(text for page, text in texts().items() if page != GLOSSARY).lower()


# --- the glossary ---


def glossary() -> list[tuple[str, str, str]]:
    """The rows of the glossary: English, Chinese, meaning."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", texts()[GLOSSARY], re.MULTILINE)
    return [row for row in rows if row[0] != "English" and not row[0].startswith("---")]


@pytest.mark.parametrize("term", [english for english, _, _ in glossary()])
def test_a_term_of_the_glossary_is_used(term: str) -> None:
    word = re.escape(term.lower()).replace(r"\ ", r"[\s_-]").replace(r"\-", r"[\s_-]?")

    assert re.search(word, lowered()), f"nothing says {term!r}"


def test_the_glossary_has_each_term_once_and_in_both_languages() -> None:
    terms = [english for english, _, _ in glossary()]

    assert len(terms) > 60
    assert sorted(set(terms)) == sorted(terms)
    assert all(re.search(r"[\u4e00-\u9fff]", chinese) for _, chinese, _ in glossary())
