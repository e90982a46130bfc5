"""scripts/same: which differences it ignores, that it finds all others, and that it runs the other commit's code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import recording
import same
import tool
from other_commit import ROOT
from same import Renamed, differences

from mocklend.client import Doc
from mocklend.exit_codes import ExitCode
from mocklend.local import local_platform

NOTHING = Renamed(keys={}, words={}, left_out={})
KEY = {"injection": "inj_a", "told": "late_failure", "amount_minor": 100, "effect": "told: none -> 5", "of": ["a", "b"]}
JOURNAL = [{"seq": 1, "debit": "1101", "amount_minor": 6_000}, {"seq": 2, "debit": "2102", "amount_minor": 9}]
STATEMENT = "渠道,ML1,60.00\r\n渠道,ML2,0.09\r\n".encode("gbk")


def recorded(folder: Path, *, key: Doc = KEY, journal: Sequence[Doc] = JOURNAL, statement: bytes = STATEMENT) -> Path:
    """A recording of one seed, much shorter than a real one."""
    seed = folder / "seed-1"
    (seed / "statements").mkdir(parents=True)
    (seed / "answer-key.jsonl").write_text(json.dumps(key) + "\n")
    (seed / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in journal))
    (seed / "statements" / "wallet-csv-2026-01-05").write_bytes(statement)
    return folder


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return recorded(tmp_path / "before")


def test_equal_recordings_have_no_difference(before: Path, tmp_path: Path) -> None:
    assert list(differences(before, recorded(tmp_path / "now"), NOTHING)) == []


@pytest.mark.parametrize(
    ("planted", "message"),
    [
        ({"journal": [JOURNAL[0] | {"amount_minor": 6_001}, JOURNAL[1]]}, "journal.jsonl:1 amount_minor: 6000 before, 6001 now"),
        ({"journal": JOURNAL[:1]}, "journal.jsonl: 2 lines before, 1 now"),
        ({"journal": JOURNAL[::-1]}, "journal.jsonl:1 seq: 1 before, 2 now"),
        ({"key": KEY | {"told": "late_failures"}}, 'answer-key.jsonl:1 told: "late_failure" before, "late_failures" now'),
        ({"key": KEY | {"of": ["b", "a"]}}, 'answer-key.jsonl:1 of 0: "a" before, "b" now'),
        ({"key": KEY | {"of": ["a"]}}, 'answer-key.jsonl:1 of: ["a", "b"] before, ["a"] now'),
        ({"key": KEY | {"amount_minor": 100.0}}, "answer-key.jsonl:1 amount_minor: 100 before, 100.0 now"),
        ({"key": KEY | {"more": None}}, "answer-key.jsonl:1 more: only now"),
        ({"statement": STATEMENT.replace(b"0.09", b"0.08")}, "statements/wallet-csv-2026-01-05:2: "),
        ({"statement": STATEMENT[:-1]}, "statements/wallet-csv-2026-01-05: 3 lines before, 2 now"),
        ({"statement": STATEMENT.replace(b"\r\n", b"\n")}, "statements/wallet-csv-2026-01-05:1: "),
    ],
)  # fmt: skip
def test_each_changed_cent_word_line_order_or_byte_is_a_difference(
    planted: Doc, message: str, before: Path, tmp_path: Path
) -> None:
    now = recorded(tmp_path / "now", **planted)

    differences_found = list(differences(before, now, NOTHING))

    assert any(finding.startswith(f"seed-1/{message}") for finding in differences_found), differences_found


def test_the_fields_of_an_object_may_be_in_any_order(before: Path, tmp_path: Path) -> None:
    now = recorded(tmp_path / "now", key=dict(reversed(KEY.items())))

    assert list(differences(before, now, NOTHING)) == []


def test_a_file_that_is_there_only_once_is_a_difference(before: Path, tmp_path: Path) -> None:
    now = recorded(tmp_path / "now")
    (now / "seed-1" / "journal.jsonl").unlink()

    assert list(differences(before, now, NOTHING)) == ["seed-1/journal.jsonl: only before"]
    assert list(differences(now, before, NOTHING)) == ["seed-1/journal.jsonl: only now"]


def test_a_renamed_word_is_no_difference_in_keys_texts_and_file_names(before: Path, tmp_path: Path) -> None:
    renamed = Renamed(
        keys={"told": "shown"}, words={"told": "visible", "late_failure": "payment_return", "ML1": "MX1"}, left_out={}
    )
    key = {("shown" if name == "told" else name): value for name, value in KEY.items()}
    key |= {"shown": "payment_return", "effect": "visible: none -> 5"}
    now = recorded(tmp_path / "now", key=key, statement=STATEMENT.replace(b"ML1", b"MX1"))

    assert list(differences(before, now, renamed)) == []
    assert list(differences(before, now, NOTHING)) != []


@pytest.mark.parametrize("text", ["late_failures", "a_late_failure", "late_failure2"])
def test_a_word_within_another_word_is_not_renamed(text: str) -> None:
    assert Renamed(keys={}, words={"late_failure": "x"}, left_out={}).text(text) == text


def test_an_old_word_that_means_something_else_now_is_no_difference(before: Path, tmp_path: Path) -> None:
    renamed = Renamed(keys={"told": "shown"}, words={}, left_out={})

    assert list(differences(before, recorded(tmp_path / "now"), renamed)) == []


def test_a_sentence_has_its_values_where_they_stand_now() -> None:
    sentences = {"of {0} pieces the channels confirm {1}.": "the channels confirm {1} of {0} pieces."}
    renamed = Renamed(keys={}, words={"channels": "shops"}, left_out={}, sentences=sentences)

    assert renamed.text("Of all: of 3 pieces the channels confirm 12.") == "Of all: the shops confirm 12 of 3 pieces."
    assert renamed.text("of 3 more pieces the channels confirm 12.") == "of 3 more pieces the shops confirm 12."


def test_a_renamed_sentence_takes_precedence_over_the_words_in_it() -> None:
    renamed = Renamed(keys={}, words={"told": "shown", "she was told": "she saw"}, left_out={})

    assert renamed.text("told, and she was told") == "shown, and she saw"


def test_a_key_that_is_left_out_is_left_out_on_both_sides(before: Path, tmp_path: Path) -> None:
    now = recorded(tmp_path / "now", journal=[JOURNAL[0] | {"debit": "x"}, {"seq": 2, "amount_minor": 9}])

    assert list(differences(before, now, Renamed(keys={}, words={}, left_out={"debit": "an example"}))) == []


def test_the_file_of_renamed_words_can_be_read() -> None:
    assert isinstance(Renamed.read(ROOT / "loadtests" / "renamed.toml"), Renamed)


def test_a_file_with_another_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "renamed.toml").write_text("[keys]\n[words]\n[left_out]\n[kyes]\n")

    with pytest.raises(tool.NotRun, match="kyes"):
        Renamed.read(tmp_path / "renamed.toml")


@pytest.mark.parametrize("base", ["no-such-commit", "--help-me", ""])
def test_an_unknown_commit_is_wrong_use(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")

    assert same.main(["--seeds", "1", "--", base]) == ExitCode.WRONG_USE

    assert "is not a commit" in capsys.readouterr().err


@pytest.mark.long
def test_a_story_is_recorded_completely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "NEIGHBOURS", 2)
    monkeypatch.setattr(recording, "STATEMENT_DAYS", recording.STATEMENT_DAYS[1:2])
    with local_platform() as url:
        recording.record(url, 1, tmp_path / "seed-1")

    lines = {path.stem: len(path.read_bytes().splitlines()) for path in (tmp_path / "seed-1").glob("*.json*")}
    assert lines.keys() == {"answers", "answer-key", "journal", "audit"}
    assert min(lines["answers"], lines["answer-key"], lines["journal"]) > 20
    assert len(list((tmp_path / "seed-1" / "statements").iterdir())) > 10


def test_a_kind_that_is_left_out_leaves_the_others_as_they_are() -> None:
    rules = recording.rules_of(7)

    rest = recording.rules_of(7, without=["cache.stale_set"])

    assert rules.keys() - rest.keys() == {"cache.stale_set"}
    assert rest == {kind: rule for kind, rule in rules.items() if kind in rest}


def planted_in(clone: Path, plant: Callable[[Path], None]) -> subprocess.CompletedProcess[str]:
    """scripts/same of a clone of this checkout with something planted in it, against the commit without it."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    base = [git, "-c", f"safe.directory={ROOT}", "-c", "safe.directory=*"]
    subprocess.run([*base, "clone", "--quiet", "--shared", str(ROOT), str(clone)], check=True)
    plant(clone)
    command = [sys.executable, str(clone / "loadtests" / "same.py"), "HEAD", "--seeds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    left = subprocess.run([*base, "worktree", "list"], cwd=clone, capture_output=True, text=True, check=True).stdout
    assert len(left.splitlines()) == 1, left
    return done


@pytest.mark.long
def test_one_cent_more_in_the_books_is_found(tmp_path: Path) -> None:
    def a_cent(clone: Path) -> None:
        path = clone / "platform" / "mocklend" / "servicing" / "compensation.py"
        source = path.read_text()
        assert source.count("on, amount_minor, ") == 1
        path.write_text(source.replace("on, amount_minor, ", "on, amount_minor + 1, "))

    done = planted_in(tmp_path / "clone", a_cent)

    assert done.returncode == ExitCode.FAIL, done.stdout + done.stderr
    assert "2000 before, 2001 now" in done.stdout


@pytest.mark.long
def test_the_other_commit_uses_its_own_entry_points(tmp_path: Path) -> None:
    def one_fault_less(clone: Path) -> None:
        path = clone / "pyproject.toml"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith('"transport.rate_limit"')))

    done = planted_in(tmp_path / "clone", one_fault_less)

    assert done.returncode == ExitCode.FAIL, done.stdout + done.stderr
    assert '"rate_limited"' in done.stdout or "transport.rate_limit" in done.stdout
