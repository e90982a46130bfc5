"""The builder of stories in one sandbox, with one short method per step, which most tests use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TypeVar, cast

from sqlalchemy import Connection, inspect

from mocklend.client import Doc
from mocklend.domain.channel import channel_of
from mocklend.domain.product import PRODUCTS, Product
from mocklend.ledger import listing
from mocklend.lending import AddBorrower, Borrow, MakeQuote, Repay
from mocklend.lending.quotes import QuoteDoc
from mocklend.lending.repay import RepaymentDoc
from mocklend.runtime import NewSandbox, Platform
from mocklend.sandboxes.ids import callback_of, order_no
from mocklend.sandboxes.lifecycle import SetClock
from mocklend.scheduling.due import command_for, due
from mocklend.scheduling.released import Released
from mocklend.servicing import Edit, QueryChannel, ReverseEdit, ReverseRepayment
from mocklend.servicing.operations import EditDoc
from mocklend.storage.entities import Trade
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.statements import Value
from mocklend.storage.work import Command, Entity, Idempotency
from mocklend.views import reads
from support.sql import rows

MONDAY_MS = 1_767_578_400_000
"""2026-01-05T10:00 in Shanghai."""
DAY_MS = 86_400_000
SEED = 7

D = TypeVar("D", bound=Mapping[str, object])
E = TypeVar("E", bound=Entity)


class Clock:
    """The real time of a test: it advances only when the test says so."""

    def __init__(self) -> None:
        self.ms = MONDAY_MS

    def __call__(self) -> int:
        return self.ms


class Story:
    """A story in one sandbox. Its idempotency keys are numbered, so the same story has the same ids."""

    def __init__(self, platform: Platform, sandbox: NewSandbox) -> None:
        self.platform = platform
        self.sandbox_id = sandbox.id
        self.sandbox = sandbox
        self._keys = 0

    def key(self) -> Idempotency:
        """A fresh idempotency key."""
        self._keys += 1
        return Idempotency(f"key-{self._keys}", f"fingerprint-{self._keys}")

    @property
    def now_ms(self) -> int:
        """The sandbox's clock."""
        return self.platform.now_ms(self.sandbox_id)

    def run(self, command: Command, document: type[D]) -> D:
        """Run a command that is answered by this document."""
        return cast(D, self.platform.run(command).body)

    # --- what clients do ---

    def borrow(
        self,
        principal_minor: int = 100_000,
        *,
        product: Product = PRODUCTS["jiebei-like"],
        reference: str | None = None,
        borrower: str = "ada",
        limit_minor: int = 10**12,
    ) -> str:
        """Ada borrows 1,000.00."""
        ada = self.platform.run(AddBorrower(self.sandbox_id, borrower, borrower.title(), limit_minor)).body["id"]
        borrowing = Borrow(self.sandbox_id, self.key(), ada, principal_minor, "CNY", product, None, reference)
        loan_id: str = self.platform.run(borrowing).body["id"]
        return loan_id

    def quote(self, loan_id: str, type: str = "CLEAR", on: date | None = None) -> QuoteDoc:
        """What would it take?"""
        return self.run(MakeQuote(self.sandbox_id, loan_id, type, on), QuoteDoc)

    def order(
        self,
        loan_id: str,
        amount_minor: int,
        channel: str = "wallet",
        type: str = "OVD_AND_CURRENT",
        *,
        key: Idempotency | None = None,
        quote_id: str | None = None,
    ) -> str:
        """Order a repayment; the money is not there yet."""
        order = self.repayment(loan_id, amount_minor, channel, type, key=key, quote_id=quote_id)
        return self.run(order, RepaymentDoc)["id"]

    def repayment(
        self,
        loan_id: str,
        amount_minor: int,
        channel: str = "wallet",
        type: str = "OVD_AND_CURRENT",
        *,
        key: Idempotency | None = None,
        quote_id: str | None = None,
    ) -> Repay:
        """The order as a command."""
        key = key or self.key()
        return Repay(self.sandbox_id, key, loan_id, amount_minor, channel, type, quote_id, None)

    def repay(self, loan_id: str, amount_minor: int, channel: str = "wallet", type: str = "OVD_AND_CURRENT") -> str:
        """Repay, and wait until the channel has settled and called back."""
        repayment_id = self.order(loan_id, amount_minor, channel, type)
        self.wait(channel_of(channel).settle_delay_s)
        return repayment_id

    def settle(self, loan_id: str, channel: str = "wallet") -> str:
        """Pay off what a quote asks for."""
        return self.repay(loan_id, self.quote(loan_id)["total_minor"], channel, "CLEAR")

    # --- what staff do ---

    def edit(
        self, loan_id: str, amount_minor: int | None, kind: str = "MODIFY_BILL_AMOUNT", status: str | None = None
    ) -> str:
        """An operator edits the bill."""
        edit = Edit(self.sandbox_id, self.key(), loan_id, kind, amount_minor, status, "a memo", "op", None)
        return self.run(edit, EditDoc)["id"]

    def reverse_edit(self, edit_id: str) -> EditDoc:
        """An operator takes an edit back."""
        return self.run(ReverseEdit(self.sandbox_id, self.key(), edit_id, "a memo", "op"), EditDoc)

    def reverse(self, repayment_id: str) -> RepaymentDoc:
        """An operator takes a repayment off its loan."""
        return self.run(ReverseRepayment(self.sandbox_id, self.key(), repayment_id, "a memo", "op"), RepaymentDoc)

    def query_channel(self, repayment_id: str) -> RepaymentDoc:
        """An operator asks the channel what became of an order."""
        return self.run(QueryChannel(self.sandbox_id, self.key(), repayment_id, "op"), RepaymentDoc)

    # --- time ---

    def wait(self, seconds: int = 0, *, days: int = 0) -> list[Released]:
        """Let time pass; returns what that released."""
        return self.platform.advance(self.sandbox_id, self.now_ms + seconds * 1000 + days * DAY_MS).released

    def settle_silently(self, repayment_id: str) -> None:
        """The channel gets its money, and its callback waits."""
        trade_id = order_no(repayment_id)
        settles_ms = self.entity(Trade, trade_id).due_ms
        assert settles_ms is not None
        due_ms = max(self.now_ms, settles_ms)
        settling = self.command(due_ms, "settlement", trade_id)
        self.platform.writer.run_all([SetClock(self.sandbox_id, due_ms), settling])

    def callback(self, repayment_id: str) -> Command:
        """The attempt to deliver a callback that is due."""
        return self.command(self.now_ms, "callback", callback_of(repayment_id))

    def command(self, until_ms: int, name: str, id: str) -> Command:
        """The command that works off one due item."""
        with self.platform.read() as connection:
            items = due(self.snapshot(connection), until_ms, 10_000, only=(name,))
        return command_for(self.sandbox_id, next(item for item in items if item.id == id))

    def sleep(self, seconds: int = 0, *, days: int = 0) -> None:
        """Move the clock without doing the due work."""
        to_ms = self.now_ms + seconds * 1000 + days * DAY_MS
        self.platform.writer.run_all([SetClock(self.sandbox_id, to_ms)])

    # --- what can be seen ---

    def snapshot(self, connection: Connection, later_ms: int = 0) -> Snapshot:
        """The sandbox as a connection sees it, at its time or so much later."""
        # By this connection alone: who holds one and waits for another may wait for ever behind a pooler.
        sandbox = self.platform.sandbox(connection, self.sandbox_id)
        return Snapshot(connection, sandbox, sandbox.now_ms(self.platform.real_ms()) + later_ms)

    def page(self, loan_id: str) -> Doc:
        """What the status page says."""
        with self.platform.read() as connection:
            return dict(reads.page(self.snapshot(connection), loan_id))

    def entity(self, cls: type[E], id: str) -> E:
        """A row as the platform has it."""
        with self.platform.read() as connection:
            return reads.entity(self.snapshot(connection), cls, id)

    def entities(self, cls: type[E]) -> list[E]:
        """All rows of a kind as the platform has them, by id."""
        with self.platform.read() as connection:
            return self.snapshot(connection).where(cls, "id > '' ORDER BY id")

    def journal(self, loan_id: str) -> list[listing.TransactionDoc]:
        """The loan's transactions."""
        with self.platform.read() as connection:
            return listing.transactions(self.snapshot(connection), loan_id=loan_id, limit=10_000)["transactions"]

    def receivable(self, loan_id: str) -> int:
        """What the journal says is still owed."""
        total = 0
        for transaction in self.journal(loan_id):
            for posting in transaction["postings"]:
                sides = posting["debit"].startswith("110"), posting["credit"].startswith("110")
                total += posting["amount_minor"] * (sides[0] - sides[1])
        return total

    def discrepancies(self) -> list[tuple[str, str, int]]:
        """What the audit finds: class, entity, amount."""
        audit = self.platform.audit(self.sandbox_id).discrepancies
        return [(d.finding.finding_class, d.finding.entity, d.finding.amount_minor) for d in audit]

    def broken(self) -> set[str]:
        """The names of the invariants that do not hold."""
        return set(self.platform.audit(self.sandbox_id).broken())

    def everything(self, *, without: frozenset[str] = frozenset()) -> dict[str, list[dict[str, Value]]]:
        """Every row of the sandbox, table by table: to tell whether anything at all has changed.

        When it was last used is real time, and no part of what happened in it.
        """
        contents: dict[str, list[dict[str, Value]]] = {}
        tables = inspect(self.platform.engine)
        with self.platform.read() as connection:
            for table in sorted(tables.get_table_names()):
                columns = [column["name"] for column in tables.get_columns(table)]
                if "sandbox_id" in columns and table not in without | {"sandbox_uses"}:
                    columns.remove("sandbox_id")
                    sql = (
                        f"SELECT {', '.join(columns)} FROM {table} WHERE sandbox_id = :id ORDER BY {', '.join(columns)}"
                    )
                    stored = rows(connection, lambda *row: row, sql, id=self.sandbox_id)
                    contents[table] = [dict(zip(columns, row, strict=True)) for row in stored]
        return contents


def repaid_and_settled(story: Story, loan_id: str) -> Iterator[None]:
    """Repay a loan in part, let 40 days pass, settle it, and let a second pass. After each step comes a look."""
    story.repay(loan_id, 5_000)
    yield
    story.wait(days=40)
    yield
    story.settle(loan_id)
    yield
    story.wait(1)
    yield
