"""Sandboxes are isolated, and the same seed gives the same sandbox again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs
from msgspec.structs import replace

from mocklend.channels.callback_secrets import callback_secret, secret_at
from mocklend.domain.problems import Refused
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import DEFAULT, SetClock, clock_doc, reset_doc
from mocklend.scheduling.released import Advanced
from mocklend.storage.schema import metadata
from mocklend.storage.work import Sandbox
from mocklend.webhooks.endpoints import AddEndpoint
from support.sql import recorded, rows
from support.story import Story

pytestmark = pytest.mark.security

DAY_MS = 86_400_000


def tell_it(story: Story) -> str:
    """A story with everything in it."""
    loan_id: str = story.borrow()
    story.wait(days=33)
    late = story.repay(loan_id, 9_500, "bank_card")
    story.edit(loan_id, 700)
    story.reverse_edit(story.edit(loan_id, -300))
    story.repay(loan_id, story.quote(loan_id, "OVD_AND_CURRENT")["total_minor"] + 5_000, "auto_debit")
    story.reverse(late)
    story.wait(days=10)
    story.settle(loan_id, "bill_pay")
    return loan_id


def test_the_same_story_in_two_sandboxes_of_one_seed_is_the_same_to_the_byte(tell: Callable[..., Story]) -> None:
    first, other = tell(seed=7), tell(seed=7)

    loans = [tell_it(first), tell_it(other)]

    assert loans[0] == loans[1]
    assert first.everything() == other.everything()
    assert first.discrepancies() == []


def test_another_seed_has_the_same_story_with_other_ids(tell: Callable[..., Story]) -> None:
    first, other = tell(seed=7), tell(seed=8)

    loans = [tell_it(first), tell_it(other)]

    assert loans[0] != loans[1]
    pages = [story.page(loan_id) for story, loan_id in zip((first, other), loans, strict=True)]
    differing = {name for name in pages[0] if pages[0][name] != pages[1][name]}
    assert differing <= {"id", "borrower_id"}


def test_the_order_in_which_loans_are_made_does_not_change_their_ids(tell: Callable[..., Story]) -> None:
    first, other = tell(), tell()

    ids = {name: first.borrow(reference=name) for name in ("x", "y")}

    assert {name: other.borrow(reference=name) for name in ("y", "x")} == ids


def test_a_reset_deletes_from_tables_with_rows_only(platform: Platform, story: Story) -> None:
    with recorded(platform) as statements:
        platform.reset_sandbox(story.sandbox_id)

    assert [sql.split()[2] for sql in statements if sql.startswith("DELETE")] == ["sandboxes", "sandbox_uses"]


def test_a_reset_sandbox_is_empty_and_begins_again(platform: Platform, story: Story) -> None:
    empty = story.everything()
    loan_id = tell_it(story)
    rows = story.everything()

    again = platform.reset_sandbox(story.sandbox_id)

    assert story.everything() == empty
    assert again.sandbox_ms == story.sandbox.sandbox_ms
    assert again.rules_version > story.sandbox.rules_version
    story._keys = 0
    assert tell_it(story) == loan_id
    assert story.everything() == rows


def test_a_reset_keeps_the_key_and_the_seed(platform: Platform, story: Story) -> None:
    again = platform.reset_sandbox(story.sandbox_id)

    assert (again.id, again.key_hash, again.seed) == (story.sandbox.id, story.sandbox.key_hash, story.sandbox.seed)
    assert platform.sandbox_of_key(story.sandbox.api_key) == again.id


def test_a_deleted_sandbox_leaves_nothing_behind(platform: Platform, tell: Callable[..., Story]) -> None:
    gone, stays = tell(), tell()
    tell_it(gone)
    tell_it(stays)
    before = stays.everything()
    assert platform.sandbox_of_key(gone.sandbox.api_key) == gone.sandbox_id

    platform.delete_sandbox(gone.sandbox_id)

    assert not any(gone.everything().values())
    with platform.read() as connection:
        assert (
            rows(connection, str, "SELECT sandbox_id FROM sandbox_uses WHERE sandbox_id = :id", id=gone.sandbox_id)
            == []
        )
    assert stays.everything() == before
    assert platform.sandbox_of_key(gone.sandbox.api_key) is None
    with pytest.raises(Refused, match="sandbox_unknown"):
        gone.borrow()
    with pytest.raises(Refused, match="sandbox_unknown"):
        platform.delete_sandbox(gone.sandbox_id)


def test_a_manual_clock_moves_forward_only(platform: Platform, story: Story) -> None:
    story.wait(60)

    with pytest.raises(Refused, match="clock_backwards"):
        platform.advance(story.sandbox_id, story.now_ms - 1)
    with pytest.raises(Refused, match="clock_backwards"):
        platform.run(SetClock(story.sandbox_id, story.now_ms - 1))

    assert platform.advance(story.sandbox_id, story.now_ms) == Advanced(story.now_ms)


def test_a_running_clock_cannot_be_moved(platform: Platform) -> None:
    wall = platform.create_sandbox(seed=7, mode="wall")

    with pytest.raises(Refused, match="clock_not_manual"):
        platform.advance(wall.id, wall.sandbox_ms + 1)


def test_a_wall_clock_runs_from_where_it_was_set_and_as_fast_as_asked(open_platform: Callable[..., Platform]) -> None:
    real = [1_000_000]
    platform = open_platform(real_ms=lambda: real[0])
    plain = platform.create_sandbox(seed=7, mode="wall")
    fast = platform.create_sandbox(seed=7, mode="wall", now_ms=DAY_MS, speed=86_400)

    real[0] += 2_000

    assert platform.now_ms(plain.id) == 1_002_000
    assert platform.now_ms(fast.id) == DAY_MS + 2 * DAY_MS  # A day a second.


def test_a_wall_clock_does_not_run_backwards_with_the_machine(story: Story) -> None:
    wall = replace(story.sandbox, mode="wall", speed=1, real_ms=5_000)

    assert wall.now_ms(4_000) == wall.sandbox_ms
    assert clock_doc(wall, wall.sandbox_ms)["speed"] == 1


def test_there_is_one_default_sandbox(platform: Platform) -> None:
    sandbox = platform.ensure_default(seed=7)

    assert platform.ensure_default(seed=8) == platform.ensure_default(seed=9)
    assert platform.ensure_default(seed=8).key_hash == sandbox.key_hash
    assert (sandbox.id, sandbox.seed, sandbox.mode) == (DEFAULT, 7, "wall")


def test_an_invalid_key_opens_no_sandbox(platform: Platform, story: Story) -> None:
    assert platform.sandbox_of_key("mk_wrong") is None
    assert platform.sandbox_of_key("") is None
    assert platform.sandbox_of_key(story.sandbox.api_key) == story.sandbox_id


@pytest.mark.sqlite_only("it reads the bytes of the file")
def test_no_key_is_in_the_database(platform: Platform, story: Story, tmp_path: Path) -> None:
    """Somebody who reads the file cannot open a sandbox with it."""
    story.platform.run(AddEndpoint(story.sandbox_id, "http://127.0.0.1:9/", ("*",), "standard"))
    tell_it(story)
    platform.give_key(platform.ensure_default(seed=7).id, "mk_of_the_default_sandbox")

    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert story.sandbox_id.encode() in stored
    assert story.sandbox.key_hash.encode() in stored
    assert story.sandbox.api_key.encode() not in stored
    assert b"mk_" not in stored


def test_a_new_key_replaces_the_old_one(platform: Platform, story: Story) -> None:
    old, new = story.sandbox.api_key, "mk_another_one"
    assert platform.sandbox_of_key(old) == story.sandbox_id

    platform.give_key(story.sandbox_id, new)

    assert (platform.sandbox_of_key(old), platform.sandbox_of_key(new)) == (None, story.sandbox_id)
    with platform.read() as connection:
        assert secret_at(platform.sandbox(connection, story.sandbox_id), "wallet") == callback_secret(new, "wallet")
    story.settle(story.borrow())


def test_no_two_sandboxes_have_one_key(platform: Platform, tell: Callable[..., Story]) -> None:
    first, other = tell(), tell()

    with pytest.raises(Refused, match="opens another sandbox"):
        platform.give_key(first.sandbox_id, other.sandbox.api_key)
    platform.give_key(first.sandbox_id, first.sandbox.api_key)

    assert platform.sandbox_of_key(first.sandbox.api_key) == first.sandbox_id
    assert platform.sandbox_of_key(other.sandbox.api_key) == other.sandbox_id


def test_a_channel_added_after_a_sandbox_has_a_secret_there(story: Story) -> None:
    old = replace(story.sandbox, callback_secrets={})

    assert secret_at(old, "wallet") == secret_at(old, "wallet") != secret_at(old, "bill_pay")
    assert secret_at(old, "wallet") != secret_at(story.sandbox, "wallet")


def test_a_reset_keeps_the_named_columns_of_a_sandbox_and_no_other_row(platform: Platform, story: Story) -> None:
    """Each column of a sandbox's row is either named as kept, or is time, a count, or the rules' version."""
    story.borrow()
    before = story.sandbox

    again = platform.reset_sandbox(story.sandbox_id)

    named = {
        "mode": "clock.mode", "speed": "clock.speed", "endpoints": "webhook_endpoints", "monitored": "monitoring",
        "tolerance_minor": "monitoring", "net_by": "monitoring", "key_hash": "api_key", "callback_secrets": "api_key",
    }  # fmt: skip
    document = reset_doc(again)
    for field in structs.fields(Sandbox):
        if field.name not in (
            "sandbox_ms",
            "real_ms",
            "created_ms",
            "rules_version",
            "target_ms",
            "resets",
            "page_epoch",
            "advances",
            "jobs",
            "story",
        ):
            assert named.get(field.name, field.name) in document["kept"], field.name
            assert getattr(again, field.name) == getattr(before, field.name)
    with platform.read() as connection:
        for table in metadata.sorted_tables:
            if "sandbox_id" in table.columns:
                sql = f"SELECT COUNT(*) FROM {table.name} WHERE sandbox_id = :id"
                left = 1 if table.name == "sandbox_uses" else 0  # It was emptied just now: so it is in use.
                assert rows(connection, int, sql, id=story.sandbox_id) == [left], table.name
