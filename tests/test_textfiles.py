"""Text that somebody else has saved: what says its encoding is read, and everything else is UTF-8 or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocklend.textfiles import NotPlain, NotText, decoded, read_yaml, unwritable

STORY = '{"payer": "Ada 张三", "told": "May"}\n{"n": 2}\n'


@pytest.mark.parametrize(
    "data",
    [
        STORY.encode("utf-8"),
        STORY.encode("utf-8-sig"),
        b"\xff\xfe" + STORY.encode("utf-16-le"),
        b"\xfe\xff" + STORY.encode("utf-16-be"),
    ],
    ids=["UTF-8", "a byte order mark", "UTF-16, little end first", "UTF-16, big end first"],
)
def test_text_that_says_its_encoding_is_the_same_text(data: bytes) -> None:
    assert decoded(data) == STORY


def test_line_ends_stay_as_they_are_and_an_empty_file_is_an_empty_text() -> None:
    assert decoded(b"\xef\xbb\xbfa\r\nb\rc\n") == "a\r\nb\rc\n"
    assert decoded(b"") == decoded(b"\xef\xbb\xbf") == ""


def test_a_mark_within_a_text_is_part_of_it() -> None:
    assert decoded("a\ufeffb".encode()) == "a\ufeffb"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (STORY.encode("utf-16-le"), "line 1: a NUL, as in UTF-16 without a byte order mark; save it as UTF-8"),
        ("plan: a\n".encode("utf-16-le"), "line 1: a NUL, as in UTF-16 without a byte order mark; save it as UTF-8"),
        (STORY.encode("gbk"), "line 1: not UTF-8 at byte 15; save it as UTF-8"),
        (b"a\nb\n\xff", "line 3: not UTF-8 at byte 4; save it as UTF-8"),
        (b"\xff\xfea", "not UTF-16 at byte 2, as its first bytes say; save it as UTF-8"),
        (b"a\nb\0", "line 2: a NUL, as in UTF-16 without a byte order mark; save it as UTF-8"),
    ],
)
def test_other_encodings_are_refused_in_a_sentence_with_the_place(data: bytes, message: str) -> None:
    with pytest.raises(NotText) as caught:
        decoded(data)

    assert str(caught.value) == message


def test_an_unquoted_value_is_text_unless_it_is_a_json_literal() -> None:
    text = "{a: 10:00, b: 2026-01-05, c: 2026-01-05T02:00:00Z, d: 0o17, e: 010, f: 1_000, g: 1.5, h: -3, i: null, j: true, k: 0x1f}"

    assert read_yaml(text) == {
        "a": "10:00", "b": "2026-01-05", "c": "2026-01-05T02:00:00Z", "d": "0o17", "e": "010", "f": 1000, "g": 1.5,
        "h": -3, "i": None, "j": True, "k": "0x1f",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["a: [", "a: b: c", "!!timestamp 2026-01-05", "!!binary aGk=", "!!set {a}", "!!python/object:os.system {}", "&a [*a]",
     "{? [a] : b}", "!!float .nan", "!!int 1:2:x", "a: \t- b", "%YAML 9", "*a", "[" * 5_000, "9" * 5_000],
)  # fmt: skip
def test_a_value_that_json_cannot_represent_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(NotPlain) as caught:
        read_yaml(text)

    assert "\n" not in str(caught.value)


def test_why_no_file_can_be_written_there_is_said_before_it_is_tried(tmp_path: Path) -> None:
    places = {
        "new.html": None,
        "": "it is a folder",
        "nowhere/new.html": f"there is no folder {tmp_path / 'nowhere'}",
        "x" * 300: "File name too long",
    }

    assert {place: unwritable(tmp_path / place) for place in places} == places
    assert list(tmp_path.iterdir()) == []
