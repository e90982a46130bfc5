"""Findings out of a file, and problems with them by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocklend.scorecard import FindingsUnreadable, by_line, read_findings


def test_findings_are_read_by_line_and_empty_lines_are_none(tmp_path: Path) -> None:
    path = tmp_path / "findings.jsonl"
    path.write_text(
        '{"class": "stale_view", "entity": "a"}\n\n{"class": "stale_view", "entity": "b"}', encoding="utf-8"
    )

    assert {number: finding["entity"] for number, finding in read_findings(path).items()} == {1: "a", 3: "b"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_findings_that_another_system_has_saved_are_read(encoding: str, end: str, tmp_path: Path) -> None:
    path = tmp_path / "findings.jsonl"
    lines = ['{"class": "stale_view", "entity": "a", "detail": "张三\u2028"}', '{"class": "stale_view", "entity": "b"}']
    path.write_bytes("".join(line + end for line in lines).encode(encoding))

    findings = read_findings(path)

    assert {number: finding["entity"] for number, finding in findings.items()} == {1: "a", 2: "b"}
    assert findings[1]["detail"] == "张三\u2028"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"class": "a"}\n'.decode().encode("utf-16-le"), "line 1: a NUL, as in UTF-16"),
        (b'{}\n{"class": \n', "line 2: not JSON"),
        (b"{}\n\n[]\n", "line 3: not a JSON object"),
        (b'{}\n{"a": "\xff"}\n', "line 2: not UTF-8"),
        (b"[" * 100_000, "line 1: not JSON"),
    ],
)
def test_an_invalid_line_is_named(text: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "findings.jsonl"
    path.write_bytes(text)

    with pytest.raises(FindingsUnreadable, match=message):
        read_findings(path)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FindingsUnreadable, match="cannot be read"):
        read_findings(tmp_path / "nothing.jsonl")


def test_a_problem_with_a_finding_names_its_line() -> None:
    problem = {"detail": "findings.1.class: expected one of …", "errors": [{"field": "findings.1.class"}]}

    errors = by_line(problem, [1, 4])

    assert errors == {"detail": "line 4.class: expected one of …", "errors": [{"field": "line 4.class"}]}
