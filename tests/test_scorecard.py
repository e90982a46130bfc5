"""Findings out of a file, and problems with them by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocklend.client import Client
from mocklend.scorecard import FindingsUnreadable, by_line, read_findings, scorecard


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


@pytest.mark.parametrize(
    ("currency", "none", "five", "payoff"),
    [("CNY", "0.00", "0.05", "10,004.55"), ("JPY", "0", "5", "1,000,455"), ("KWD", "0.000", "0.005", "1,000.455")],
)
def test_money_is_written_in_its_currency(mocklend: Client, currency: str, none: str, five: str, payoff: str) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 1_000_005, product_id="jiebei-like", currency=currency)
    mocklend.arm("callback.dropped")
    lost = mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))["id"]
    mocklend.advance("PT1H")

    nothing = scorecard(mocklend.score([]))
    other = {"class": "missing_in_books", "entity": lost, "amount_minor": 5}
    wrong = scorecard(mocklend.score([other, {"class": "stale_view", "entity": "loan_x", "amount_minor": 7}]))

    assert f"missed: missing_in_books on {lost}, {payoff} {currency}" in nothing
    [money] = [line for line in nothing if line.startswith("money in ")]
    assert f": {none} of {payoff} found; at risk " in money
    assert money.endswith(f" {currency} x hours")
    assert f"wrong amount: missing_in_books on {lost}, {five} {currency}; it is missing_in_books" in wrong
    assert "false positives: stale_view on loan_x, 7 minor units" in wrong
