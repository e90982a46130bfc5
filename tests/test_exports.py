"""Files of the answer key: JSON Lines and Parquet hold the same, and the same story makes the same bytes."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mocklend import exports
from mocklend.client import Client, Doc, numbered_keys
from mocklend.exports import CannotExport, export


def exported_pages(url: str, *, seed: int) -> list[bytes]:
    """The answer key of a short story: a late page that healed, and a lost payment."""
    with Client(url) as anyone:
        client = anyone.sandbox(seed=seed, now="2026-01-05T02:00:00Z")
    client.next_key = numbered_keys()
    try:
        client.arm("cache.bounded_stale", match={"channel": "wallet"})
        client.arm("callback.dropped", match={"channel": "bank_card"})
        for reference, channel in (("ada", "wallet"), ("bob", "bank_card")):
            who = client.add_borrower(reference, reference.title())["id"]
            loan = client.borrow(who, 100_000, product_id="jiebei-like")["id"]
            client.settle(client.repay_quote(client.quote(loan), channel))
        client.advance("PT1H")
        return list(client.answer_key_lines())
    finally:
        client.delete_sandbox()
        client.close()


@pytest.fixture
def lines(mocklend_server: str) -> list[bytes]:
    """Of seed 7."""
    return exported_pages(mocklend_server, seed=7)


def test_parquet_holds_what_json_lines_hold(lines: list[bytes], tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    jsonl, parquet = tmp_path / "key.jsonl", tmp_path / "key.parquet"

    assert export(lines, jsonl) == export(lines, parquet) == len(lines) == 2

    entries = [json.loads(line) for line in jsonl.read_text(encoding="utf-8").splitlines()]
    assert [entry_of(row) for row in pq.read_table(parquet).to_pylist()] == entries


def test_equal_seeds_make_equal_bytes_and_other_seeds_do_not(
    lines: list[bytes], mocklend_server: str, tmp_path: Path
) -> None:
    def files(of: list[bytes], name: str) -> list[bytes]:
        paths = [tmp_path / f"{name}{suffix}" for suffix in exports.WRITERS]
        for path in paths:
            export(of, path)
        return [path.read_bytes() for path in paths]

    assert files(exported_pages(mocklend_server, seed=7), "again") == files(lines, "first")
    assert files(exported_pages(mocklend_server, seed=8), "other") != files(lines, "first")


def test_many_rows_are_written_a_group_at_a_time(
    lines: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(exports, "AT_ONCE", 10)

    assert export(lines * 25, tmp_path / "key.parquet") == 50

    assert pq.ParquetFile(tmp_path / "key.parquet").metadata.num_row_groups == 5


def test_an_export_that_breaks_off_leaves_no_file(lines: list[bytes], tmp_path: Path) -> None:
    def broken() -> Any:
        yield lines[0]
        raise ConnectionError("the server is gone")

    with pytest.raises(ConnectionError):
        export(broken(), tmp_path / "key.jsonl")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["key.csv", "key", "nowhere/key.jsonl"])
def test_an_unwritable_file_is_reported(path: str, tmp_path: Path) -> None:
    with pytest.raises(CannotExport):
        export([], tmp_path / path)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)

    with pytest.raises(CannotExport, match=r"mocklend\[data\]"):
        export([], tmp_path / "key.parquet")


def entry_of(row: Doc) -> Doc:
    """A row of a Parquet file as the entry that it was."""

    def moment(at: datetime | None) -> str | None:
        return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    expected = {"class": row.pop("expected_class"), "entity": row.pop("expected_entity")}
    expected["amount_minor"] = row.pop("expected_amount_minor")
    severity = row.pop("expected_severity")
    truth = {when: json.loads(row.pop(f"truth_{when}")) for when in ("before", "after")}
    moments = {name: moment(row.pop(name)) for name in ("at", "visible_from", "visible_until", "ended_at")}
    merged = row | moments | {"served": json.loads(row["served"]), "truth": truth}
    return merged | {"expected": expected if severity is None else expected | {"severity": severity}}
