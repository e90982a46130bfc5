"""Beancount, an independent accounting program, reads our journal and computes our balances."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mocklend.channels.payments import PayAtChannel
from mocklend.ledger.accounts import ACCOUNTS
from mocklend.ledger.beancount import NAMES, account_name, export
from support.story import Story


def exported(story: Story) -> str:
    """The sandbox's journal as a Beancount file."""
    with story.platform.read() as connection:
        return "\n".join(export(story.snapshot(connection))) + "\n"


def bean_check(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """The output of bean-check for a file."""
    file = folder / "books.beancount"
    file.write_text(text)
    program = Path(sys.executable).parent / "bean-check"
    return subprocess.run([str(program), "--no-cache", str(file)], capture_output=True, text=True, check=False)


@pytest.fixture
def busy(story: Story) -> Story:
    """A sandbox with a bit of everything: repaid, overdue, edited, reversed, unapplied."""
    settled, late, edited = (story.borrow(100_000, reference=name) for name in ("settled", "late", "edited"))
    story.settle(settled)
    story.wait(2)
    story.edit(edited, 700)
    paid = story.repay(edited, 20_000)
    story.reverse(paid)
    push = PayAtChannel(story.sandbox_id, story.key(), "bill_pay", 4_321, "CNY", "Ada", "thanks", "CLEAR")
    story.platform.run(push)
    story.wait(days=70)
    assert story.page(late)["status"] == "OVD"
    return story


def test_every_account_of_the_chart_has_a_beancount_name() -> None:
    assert set(NAMES) == set(ACCOUNTS)
    assert account_name("1002:bank_card") == "Assets:Clearing:BankCard"


def test_bean_check_accepts_the_journal_with_our_balances(busy: Story, tmp_path: Path) -> None:
    output = bean_check(tmp_path, exported(busy))

    assert (output.returncode, output.stderr) == (0, "")


def test_bean_check_finds_a_changed_figure(busy: Story, tmp_path: Path) -> None:
    text = exported(busy)
    changed = text.replace("-1000.00 CNY", "-1000.01 CNY", 1)

    output = bean_check(tmp_path, changed)

    assert changed != text
    assert output.returncode != 0
    assert "does not balance" in output.stderr


def test_bean_check_finds_a_missing_transaction(busy: Story, tmp_path: Path) -> None:
    parts = exported(busy).split("\n\n")
    rest = [part for n, part in enumerate(parts) if n != 2]

    output = bean_check(tmp_path, "\n\n".join(rest))

    assert output.returncode != 0
    assert "Balance failed" in output.stderr


def test_an_empty_journal_is_an_empty_file(story: Story, tmp_path: Path) -> None:
    assert bean_check(tmp_path, exported(story)).returncode == 0
