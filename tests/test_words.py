"""The words that people read: each term of the glossary is used, and no banned word is.

A banned word says what to say instead, and where it is allowed after all, with the reason. The table is
`support/banned_words.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from support.banned_words import BANNED, Banned

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = "docs/glossary.md"
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".sh", ""}
FOLDERS = ("docs", "platform", "faults", "loadtests", "tests", "scripts", "examples")
LEFT_OUT = {
    "*/vendored/*": "taken whole from elsewhere",
    "tests/support/banned_words.py": "the table itself",
    "tests/test_words.py": "plants them",
    "loadtests/renamed.toml": "what was renamed, for comparing with earlier commits",
}
"""Files in which no word is looked for, and why."""


@cache
def texts() -> Mapping[str, str]:
    """Every file that people read, by its path, each white space a single blank."""
    paths = [path for path in ROOT.iterdir() if path.suffix in {".md", ".toml"}]
    for folder in FOLDERS:
        paths += [path for path in (ROOT / folder).rglob("*") if path.suffix in TEXT and path.is_file()]
    named = {path.relative_to(ROOT).as_posix(): path for path in sorted(paths) if "__pycache__" not in path.parts}
    return {
        name: " ".join(path.read_text(encoding="utf-8").split())
        for name, path in named.items()
        if not any(fnmatch(name, pattern) for pattern in LEFT_OUT)
    }


# --- the banned words ---


def places_of(banned: Banned, in_texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each place with a banned word, as path and context."""
    for word in banned.words:
        whole = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])", re.IGNORECASE if banned.prose else 0)
        forms = {word, word[0].upper() + word[1:]} if banned.prose else {word}
        for name, text in in_texts.items():
            if not any(form in text for form in forms) or any(fnmatch(name, pattern) for pattern in banned.allowed):
                continue
            for hit in whole.finditer(text):
                yield name, text[max(0, hit.start() - 40) : hit.end() + 40]


@pytest.mark.parametrize("banned", BANNED, ids=lambda banned: banned.words[0])
def test_no_file_has_a_banned_word(banned: Banned) -> None:
    places = [f"{name}: …{context}…" for name, context in places_of(banned, texts())]

    assert places == [], f"say instead: {banned.instead}"


@pytest.mark.parametrize(
    ("name", "text", "hit"),
    [
        ("docs/planted.md", "The how manieth time it is.", True),
        ("docs/planted.md", "It gives back\nwhat came.", True),
        ("docs/planted.md", "Gives back what came.", True),
        ("platform/mocklend/planted.py", "from mocklend.seams import Unmet", True),
        ("platform/mocklend/planted.py", "class UnmetNeeds: ...", False),
        ("faults/mocklend_faults/kinds/planted.py", "It is as fast as ever.", False),
        ("platform/mocklend/planted.py", "It is as fast as ever.", True),
    ],
)
def test_a_planted_word_is_found(name: str, text: str, hit: bool, tmp_path: Path) -> None:
    planted = tmp_path / name
    planted.parent.mkdir(parents=True)
    planted.write_text(text, encoding="utf-8")
    read = {name: " ".join(planted.read_text(encoding="utf-8").split())}

    hits = [place for banned in BANNED for place in places_of(banned, read)]

    assert bool(hits) == hit


def test_each_banned_word_is_in_the_table_once_and_what_is_allowed_has_a_reason_and_is_there() -> None:
    words = [word for banned in BANNED for word in banned.words]
    patterns = [(banned, pattern, reason) for banned in BANNED for pattern, reason in banned.allowed.items()]

    assert len(set(words)) == len(words)
    assert all(banned.instead for banned in BANNED)
    assert all(reason for _, _, reason in patterns)
    assert [pattern for _, pattern, _ in patterns if not any(fnmatch(name, pattern) for name in texts())] == []


# --- the glossary ---


@cache
def lowered() -> str:
    """All that is read but the glossary, in lower case."""
    return "\n".join(text for name, text in texts().items() if name != GLOSSARY).lower()


def glossary() -> list[tuple[str, str, str]]:
    """The rows of the glossary: English, Chinese, meaning."""
    page = (ROOT / GLOSSARY).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
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
