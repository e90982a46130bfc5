"""A data set: the same bytes for the same seed, an answer key that fits the reconciler's files, and bounded memory."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from mocklend import runtime as lending
from mocklend.client import Doc
from mocklend.dataset import CannotMake, DatasetOptions, make, writing
from mocklend.dataset.branch import FIRST_MS, Branch
from mocklend.dataset.columns import FILES, MOMENT, WHOLE, Column, File
from mocklend.dataset.own_platform import own_platform
from mocklend.dataset.story import story

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)

HOSTILE = DatasetOptions(loans=20, days=30, profile="hostile", seed=7)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty loans of a hostile month, in branches of eight."""
    out = tmp_path_factory.mktemp("dataset") / "hostile"
    make(HOSTILE, out, branch_loans=8)
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@needs_faults
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(hostile: Path, tmp_path: Path) -> None:
    make(HOSTILE, tmp_path / "again", branch_loans=8)
    make(DatasetOptions(20, 30, "hostile", 8), tmp_path / "other", branch_loans=8)

    assert contents(tmp_path / "again") == contents(hostile)
    assert contents(tmp_path / "other")["reconciler/loans.csv"] != contents(hostile)["reconciler/loans.csv"]


@pytest.mark.long
@needs_faults
def test_the_number_of_processes_changes_no_byte(hostile: Path, tmp_path: Path) -> None:
    progress: list[int] = []

    make(HOSTILE, tmp_path / "season", branch_loans=8, jobs=2, progress=progress.append)

    assert contents(tmp_path / "season") == contents(hostile)
    assert sum(progress) == 20 * 30


@needs_faults
def test_every_entity_of_the_answer_key_is_in_the_reconcilers_files(hostile: Path) -> None:
    values = {
        value for file in FILES if file.folder == "reconciler" for row in rows_of(hostile / f"{file.path}.csv")
        for value in row.values()
    }  # fmt: skip

    key = rows_of(hostile / "key" / "answer_key.csv")

    assert {row["fault"] for row in key} >= {"cache.bounded_stale", "projection.partial_lag"}
    for row in key:
        assert {row["entity"], row["expected_entity"], row["loan_id"]} - {""} <= values, row


@needs_faults
def test_the_key_as_csv_is_the_key_as_json_lines(hostile: Path) -> None:
    entries = [
        json.loads(line) for line in (hostile / "key" / "answer_key.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    rows = rows_of(hostile / "key" / "answer_key.csv")

    assert [row["injection"] for row in rows] == [entry["injection"] for entry in entries]
    assert [row["at"] for row in rows] == [entry["at"] for entry in entries]
    assert [json.loads(row["served"]) for row in rows] == [entry["served"] for entry in entries]


@needs_faults
def test_the_reconcilers_files_do_not_have_the_answers(hostile: Path) -> None:
    for path in (hostile / "reconciler").iterdir():
        text = path.read_text(encoding="utf-8")
        assert "inj_" not in text
        assert "hostile" not in text


def test_the_files_have_no_path_or_time_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    create = lending.Platform.create_sandbox

    def remember(self: Any, **_: Any) -> Any:
        calls.append(create(self, **_))
        return calls[-1]

    monkeypatch.setattr(lending.Platform, "create_sandbox", remember)

    make(DatasetOptions(10, 10), tmp_path / "season", branch_loans=5)

    everything = b"".join(contents(tmp_path / "season").values())
    assert calls
    for answer in calls:
        assert answer.id.encode() not in everything
        assert answer.api_key.encode() not in everything
    assert b"whe_" not in everything
    assert b"whsec_" not in everything
    assert str(tmp_path).encode() not in everything


def test_ids_are_unique_over_twenty_branches(tmp_path: Path) -> None:
    make(DatasetOptions(20, 2), tmp_path / "season", branch_loans=1)

    for file, name in (("loans", "loan_id"), ("journal", "transaction_id"), ("webhooks", "webhook_id")):
        rows = [(row[name], row.get("line")) for row in rows_of(tmp_path / "season" / "reconciler" / f"{file}.csv")]
        assert rows
        assert len(rows) == len(set(rows))


def test_an_honest_season_has_an_empty_key_and_needs_no_fault_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mocklend.dataset.own_platform.find_layer", lambda: None)

    manifest = make(DatasetOptions(12, 30), tmp_path / "honest")

    assert manifest.rows["key/answer_key"] == 0
    assert manifest.rows["reconciler/loans"] == 12
    assert manifest.rows["reconciler/pages"] > 0
    with pytest.raises(CannotMake, match="needs the fault layer"):
        make(DatasetOptions(12, 30, "hostile"), tmp_path / "hostile")
    assert not list(tmp_path.glob("hostile*"))


def test_the_last_page_of_an_honest_season_agrees_with_the_journal(tmp_path: Path) -> None:
    make(DatasetOptions(15, 40), tmp_path / "honest")

    folder = tmp_path / "honest" / "reconciler"
    last = {row["loan_id"]: row for row in rows_of(folder / "pages.csv") if row["view"] == "page"}
    owed = dict.fromkeys(last, 0)
    for row in rows_of(folder / "journal.csv"):
        id = row["chain"]
        # The books are read some hours after the last look at the pages.
        if id in owed and row["recorded_at"] <= last[id]["sampled_at"]:
            owed[id] += int(row["amount_minor"]) * ((row["debit"] == "1101") - (row["credit"] == "1101"))
    assert len(owed) == 15
    assert {id: int(row["outstanding_principal_minor"]) for id, row in last.items()} == owed


def test_memory_is_bounded_by_one_branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "AT_ONCE", 16)

    few = make(DatasetOptions(10, 14), tmp_path / "few", branch_loans=10)
    many = make(DatasetOptions(60, 14), tmp_path / "many", branch_loans=10)

    assert many.rows["reconciler/loans"] == 6 * few.rows["reconciler/loans"]
    assert sum(many.rows.values()) > 4 * sum(few.rows.values())
    # Of ten loans, in two weeks: four views each, twice.
    assert few.held_max <= 10 * 4 * 2
    assert many.held_max <= 10 * 4 * 2


def test_the_manifest_has_each_file_with_its_hash(tmp_path: Path) -> None:
    make(DatasetOptions(6, 8, seed=3), tmp_path / "season")

    manifest = json.loads((tmp_path / "season" / "manifest.json").read_text(encoding="utf-8"))

    files = contents(tmp_path / "season")
    assert (manifest["seed"], manifest["loans"], manifest["days"], manifest["profile"]) == (3, 6, 8, "none")
    assert set(manifest["files"]) == set(files) - {"manifest.json"}
    for name, listed in manifest["files"].items():
        assert listed["sha256"] == hashlib.sha256(files[name]).hexdigest()
        assert listed["bytes"] == len(files[name])
    for file in FILES:
        listed = manifest["files"][f"{file.path}.csv"]
        rows = rows_of(tmp_path / "season" / f"{file.path}.csv")
        assert listed["rows"] == len(rows)
        assert files[f"{file.path}.csv"].decode().splitlines()[0] == ",".join(
            column["name"] for column in listed["columns"]
        )
        for column in file.columns:
            assert column.doc
            assert f"| `{column.name}` | {column.type} |" in files["README.md"].decode()


@needs_faults
def test_parquet_and_csv_have_the_same_rows(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")

    make(DatasetOptions(20, 30, "hostile", 7, "both"), tmp_path / "season", branch_loans=8)

    for file in FILES:
        path = tmp_path / "season" / file.path
        table = pq.read_table(path.with_suffix(".parquet"))
        assert [as_csv(row, file) for row in table.to_pylist()] == rows_of(path.with_suffix(".csv"))
        for column in file.columns:
            kind = str(table.schema.field(column.name).type)
            assert (
                kind
                == {WHOLE: "int64", MOMENT: "timestamp[ms, tz=UTC]", "day": "date32[day]", "text": "string"}[
                    column.type
                ]
            )


def as_csv(row: Doc, file: File) -> dict[str, str]:
    def as_text(column: Column) -> str:
        value = row[column.name]
        if value is None:
            return ""
        if column.type == MOMENT:
            return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
        return str(value)

    return {column.name: as_text(column) for column in file.columns}


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (DatasetOptions(0, 10), "--loans is 0, and should be from 1"),
        (DatasetOptions(10, 0), "--days is 0, and should be from 1"),
        (DatasetOptions(10, 4_000), "--days is 4000, and should be from 1 to 1095"),
        (DatasetOptions(10, 10, seed=-1), "--seed is -1"),
        (DatasetOptions(10, 10, format="xlsx"), "--format is 'xlsx', and should be one of csv, parquet, both"),
        pytest.param(DatasetOptions(10, 10, "hostil"), "unknown profile 'hostil'; known: hostile", marks=needs_faults),
    ],
)
def test_invalid_options_are_refused_in_words_and_leave_no_file(
    order: DatasetOptions, says: str, tmp_path: Path
) -> None:
    with pytest.raises(CannotMake, match=says.replace("(", r"\(")):
        make(order, tmp_path / "season")

    assert not list(tmp_path.iterdir())


def test_the_number_of_processes_is_limited(tmp_path: Path) -> None:
    for jobs in (0, 65):
        with pytest.raises(CannotMake, match=f"--jobs is {jobs}, and should be from 1 to 64"):
            make(DatasetOptions(10, 10), tmp_path / "season", jobs=jobs)


def test_an_existing_folder_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(CannotMake, match="exists already"):
        make(DatasetOptions(10, 10), tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failed_run_leaves_no_partial_data_set(jobs: int, tmp_path: Path) -> None:
    def break_off(_loan_days: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(DatasetOptions(5, 5), tmp_path / "season", progress=break_off, jobs=jobs)

    assert not list(tmp_path.iterdir())


def test_the_files_of_a_killed_run_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "season.part").mkdir()

    with pytest.raises(CannotMake, match="remove it first"):
        make(DatasetOptions(5, 5), tmp_path / "season")

    assert [path.name for path in tmp_path.iterdir()] == ["season.part"]


def test_a_full_disk_is_reported_in_words_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing.CsvFile, "write", full)

    with pytest.raises(CannotMake, match="No space left on device"):
        make(DatasetOptions(5, 5), tmp_path / "season")

    assert not list(tmp_path.iterdir())


@needs_faults
def test_the_key_of_a_branch_explains_all_that_its_audit_finds() -> None:
    stories = [story(7, n, 60) for n in range(60)]
    with own_platform(seed=7, now_ms=FIRST_MS) as platform:
        platform.arm("hostile")
        Branch(platform, 0, stories, 60).play(lambda loan_days: None)

        audit = platform.control.get("/-/audit", headers=platform.headers).get_json()

    assert audit["discrepancies"]
    assert [discrepancy for discrepancy in audit["discrepancies"] if not discrepancy["explained_by"]] == []
    assert audit["unobserved"] == []
    assert [invariant for invariant in audit["invariants"] if not invariant["holds"]] == []


def test_progress_is_called_for_every_day_of_every_loan(tmp_path: Path) -> None:
    progress: list[int] = []

    make(DatasetOptions(12, 6), tmp_path / "season", progress=progress.append, branch_loans=5)

    assert sum(progress) == 12 * 6
