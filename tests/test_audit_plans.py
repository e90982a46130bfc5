"""What an audit that continues another one reads does not grow with the sandbox: each query finds its rows by an index."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest

from mocklend import audit as auditing
from mocklend.domain.facts import RECEIPT, Fact
from mocklend.domain.statuses import ReceiptState, TradeState
from mocklend.sandboxes.ids import order_no
from mocklend.storage.driver import fetch
from mocklend.storage.entities import Receipt, Trade
from mocklend.storage.work import Work
from mocklend.world.record import record_in_world
from support.plants import plant
from support.sql import asked
from support.story import Story

AT_EACH_TIME = {"receipts", "statement_files", "a", "c"}
"""What belongs to no loan is looked at as a whole each time: a, c are applications with a partner's copies."""

_STEP = re.compile(r"(SCAN|SEARCH) (\w+)(?: USING .*\((.*)\))?")

pytestmark = pytest.mark.sqlite_only("PostgreSQL chooses its plans by statistics")


def test_each_query_finds_its_rows_by_more_than_the_sandbox(story: Story) -> None:
    loan_id = story.borrow()
    with story.platform.snapshot(story.sandbox_id) as snapshot:
        mark = auditing.audit(snapshot).mark
    plant(story, _money_of_another_loan(loan_id))
    story.order(loan_id, 1_000)
    story.sleep(1)
    with story.platform.snapshot(story.sandbox_id) as snapshot:
        with asked(story.platform.engine) as heard:
            assert auditing.audit(snapshot, mark).looked_at == [loan_id]
        ran = dict(heard)
        plans = [fetch(snapshot.connection, f"EXPLAIN QUERY PLAN {sql}", ran[sql]) for sql in ran]

    steps = [_STEP.match(str(row[3])) for plan in plans for row in plan]
    found_by = {(step[2], step[3]) for step in steps if step is not None}
    assert len(ran) > 25
    whole = {table for table, terms in found_by if terms in (None, "sandbox_id=?")}
    assert whole - {"changes"} <= AT_EACH_TIME, "of the changes it is the first and the last row"


def _money_of_another_loan(loan_id: str) -> Callable[[Work], None]:
    def bug(work: Work) -> None:
        work.put(
            Receipt(
                id="rct_x", state=ReceiptState.UNAPPLIED, loan_id=None, channel="wallet", out_trade_no="PYX",
                channel_trade_no="CHX", amount_minor=500, currency="CNY", scope="OVD_AND_CURRENT", payer_name="Ada",
                payer_reference="?", landed=0, paid_ms=work.now_ms, received_ms=work.now_ms, applied_ms=None,
            )
        )  # fmt: skip
        work.put(
            Trade(
                id=order_no("rct_x"), loan_id="", repayment_id="rct_x", channel="wallet", channel_trade_no="CHX",
                state=TradeState.SUCCESS, amount_minor=500, currency="CNY", payer_name="Ada", payer_reference="?",
                scope="OVD_AND_CURRENT", created_ms=work.now_ms, paid_ms=work.now_ms, due_ms=None,
            )
        )  # fmt: skip
        record_in_world(work, loan_id, Fact("rct_x", RECEIPT, work.now_ms, date(2026, 1, 5), 500, "wallet"))

    return bug
