"""All that a reconciler may look at, read once over the public API, as the platform and its channels give it.

A `Case` is one loan from every side. What belongs to no loan (receipts that nobody knows, statements) is on the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property, partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from mocklend.client import Client, Doc, ProblemError
from mocklend.domain.money import format_minor
from mocklend.reconcilers.found import Found
from mocklend.reconcilers.patient import Patient
from mocklend.reconcilers.statement import MalformedFile, Row, read_camt053, whole_rows

PAGE = 200
READS = 4
"""How often a statement is asked for that came broken."""
SHANGHAI = ZoneInfo("Asia/Shanghai")
ALWAYS_READ = "CNY"
"""The currency whose statements are read even if no loan and no receipt is in it: channels make them by default."""


class Account(NamedTuple):
    """What a statement is of: a channel keeps one account per currency, with a file for each day."""

    channel: str
    day: date
    currency: str

    @property
    def file_id(self) -> str:
        """The id of the file."""
        return f"{self.channel}.{self.day}.{self.currency}"


@dataclass(frozen=True)
class Case:
    """One loan: what the borrower is shown, what the books say, and what the channels say of each repayment."""

    evidence: Evidence
    listed: Doc  # the loan as the list of loans has it

    @property
    def id(self) -> str:
        """The loan's id."""
        return str(self.listed["id"])

    @property
    def currency(self) -> str:
        """The currency of the loan."""
        return str(self.listed["currency"])

    def money(self, amount_minor: int) -> str:
        """An amount of the loan for people to read, like `1,000.00 CNY`."""
        return format_minor(amount_minor, self.currency)

    def found(self, finding_class: str, entity: str, amount_minor: int, action: str, detail: str) -> Found:
        """A finding about this loan; the amount is in minor units of its currency."""
        return Found(finding_class, entity, self.id, amount_minor, action, detail, currency=self.currency)

    @property
    def _client(self) -> Patient:
        return self.evidence.reads

    @cached_property
    def page(self) -> Doc:
        """The status page."""
        page: Doc = self._client.loan(self.id)
        return page

    def look_again(self) -> Doc:
        """The status page once more: another replica may answer."""
        page: Doc = self._client.loan(self.id)
        return page

    @cached_property
    def books(self) -> Doc:
        """What operations see of the books."""
        books: Doc = self._client.books(self.id)
        return books

    @cached_property
    def plan(self) -> Doc:
        """The instalments that the borrower is shown."""
        plan: Doc = self._client.instalments(self.id)
        return plan

    @cached_property
    def journal(self) -> list[Doc]:
        """Every transaction of the loan, in order."""
        found: list[Doc] = []
        cursor: str | None = None
        while True:
            page = self._client.transactions(loan_id=self.id, cursor=cursor, limit=PAGE)
            found += page["transactions"]
            cursor = page["next_cursor"]
            if not cursor:
                return found

    @cached_property
    def repayments(self) -> list[Doc]:
        """Every order of the loan."""
        return list(_pages(lambda cursor: self._client.repayments(self.id, limit=PAGE, cursor=cursor), "repayments"))

    @cached_property
    def edits(self) -> list[Doc]:
        """What operators did."""
        edits: list[Doc] = self._client.edits(self.id)["edits"]
        return edits

    @cached_property
    def operator_log(self) -> list[Doc]:
        """The log of what operations did, with before and after."""
        operator_log: list[Doc] = self._client.operator_log(self.id)["actions"]
        return operator_log

    @cached_property
    def payouts(self) -> list[Doc]:
        """What was promised and paid out."""
        payouts: list[Doc] = self._client.payouts(self.id)["payouts"]
        return payouts

    @cached_property
    def borrower(self) -> Doc:
        """Who owes it."""
        return self.evidence.borrower(self.listed["borrower_id"])

    @cached_property
    def records(self) -> list[Doc]:
        """What was reported of it to the bureau, oldest first."""
        records: list[Doc] = self._client.bureau_records(self.id)["records"]
        return records

    @cached_property
    def disputes(self) -> list[Doc]:
        """What the borrower disputes about it."""
        ask = partial(self._client.disputes, loan_id=self.id, limit=PAGE)
        return list(_pages(lambda cursor: ask(cursor=cursor), "disputes"))

    def trade(self, repayment: Doc) -> Doc | None:
        """The channel's own word on an order."""
        return self.evidence.trade(repayment["channel"], repayment["out_trade_no"])

    def callback(self, repayment: Doc) -> Doc | None:
        """The channel's delivery log of its message, where it has sent one."""
        return self.evidence.callback(repayment["channel"], repayment["out_trade_no"])


@dataclass(frozen=True, slots=True)
class File:
    """A channel's file of a day: its rows, and what is wrong where it is late or cannot be read."""

    rows: list[Row]
    wrong: str | None = None


@dataclass
class Evidence:
    """The whole: every loan, every receipt, every statement that is out. `zone` is where business dates are counted."""

    client: Client
    zone: ZoneInfo = SHANGHAI
    _borrowers: dict[str, Doc] = field(default_factory=dict)
    _trades: dict[tuple[str, str], Doc | None] = field(default_factory=dict)

    @cached_property
    def reads(self) -> Patient:
        """The client, for reading."""
        return Patient(self.client)

    @cached_property
    def now(self) -> datetime:
        """When this is: a user's own clock would say so, but a sandbox's clock is set by its tests."""
        return datetime.fromisoformat(self.reads.clock()["now"])

    @cached_property
    def cases(self) -> list[Case]:
        """Every loan."""
        listed = _pages(lambda cursor: self.reads.loans(limit=PAGE, cursor=cursor), "loans")
        return [Case(self, loan) for loan in listed]

    @cached_property
    def receipts(self) -> list[Doc]:
        """Money that came without an order."""
        return list(_pages(lambda cursor: self.reads.receipts(limit=PAGE, cursor=cursor), "receipts"))

    @cached_property
    def borrowers(self) -> list[str]:
        """Everybody who has a loan, by id."""
        return sorted({case.listed["borrower_id"] for case in self.cases})

    @cached_property
    def keeps_days(self) -> dict[str, int]:
        """For how long each partner lender says that it keeps a copy."""
        return {lender["id"]: lender["keeps_days"] for lender in self.reads.lenders()["lenders"]}

    @cached_property
    def channels(self) -> dict[str, time]:
        """The channels by id, and when each has its statement ready, on the day after."""
        return {
            channel["id"]: time.fromisoformat(channel["statement_ready"])
            for channel in self.reads.channels()["channels"]
        }

    @cached_property
    def currencies(self) -> list[str]:
        """The currencies whose statements are read: those of loans and receipts, and `ALWAYS_READ`."""
        of_receipts = {receipt["currency"] for receipt in self.receipts}
        return sorted({ALWAYS_READ, *of_receipts, *(case.currency for case in self.cases)})

    @cached_property
    def statements(self) -> dict[Account, list[Row]]:
        """Each channel's statement of each day that is over, since the first loan, where one can be read."""
        return {of: file.rows for of, file in self.files.items() if file.wrong is None}

    @cached_property
    def files(self) -> dict[Account, File]:
        """Every statement whose time has come, since the first loan, with what can be made out of it."""
        days = [self.business_date(case.listed["disbursed_at"]) for case in self.cases if case.listed["disbursed_at"]]
        found: dict[Account, File] = {}
        day = min(days, default=self.now.astimezone(self.zone).date())
        while day < self.now.astimezone(self.zone).date():
            for channel, ready in self.channels.items():
                if datetime.combine(day + timedelta(days=1), ready, self.zone) <= self.now:
                    for currency in self.currencies:
                        account = Account(channel, day, currency)
                        found[account] = self._statement(account)
            day += timedelta(days=1)
        return found

    def callback(self, channel: str, out_trade_no: str) -> Doc | None:
        """The channel's delivery log of its message about an order; None where it has sent none."""
        found: Doc | None = _maybe(lambda: self.reads.callback(channel, out_trade_no))
        return found

    def _statement(self, account: Account) -> File:
        """A statement: wrong where there is none, or none that can be read however often one asks."""
        file = File([])
        for _ in range(READS):
            ask = partial(self.reads.statement, account.channel, str(account.day), currency=account.currency)
            data: bytes | None = _maybe(partial(ask, format="camt053"))
            if data is None:
                return File([], "it is not there in time")
            try:
                return File(read_camt053(data))
            except MalformedFile as error:
                file = File(whole_rows(data), f"it cannot be read: {error}")
        return file

    def day_over(self, moment: str) -> datetime:
        """The midnight at which the day of a moment ends, where the platform is."""
        day = self.business_date(moment) + timedelta(days=1)
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)

    def business_date(self, moment: str) -> date:
        """The day of a moment, where the platform is."""
        return datetime.fromisoformat(moment).astimezone(self.zone).date()

    def borrower(self, id: str) -> Doc:
        """Somebody who borrows."""
        if id not in self._borrowers:
            self._borrowers[id] = self.reads.borrower(id)
        return self._borrowers[id]

    def trade(self, channel: str, out_trade_no: str) -> Doc | None:
        """The channel's own word on an order; None where it knows none."""
        key = (channel, out_trade_no)
        if key not in self._trades:
            self._trades[key] = _maybe(lambda: self.reads.trade(channel, out_trade_no))
        return self._trades[key]


def _pages(ask: Callable[[str | None], Doc], name: str) -> Iterator[Doc]:
    cursor: str | None = None
    while True:
        page = ask(cursor)
        yield from page[name]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _maybe(ask: Callable[[], Any]) -> Any:
    """What is answered, or None where there is no such thing, or not yet."""
    try:
        return ask()
    except ProblemError as problem:
        if problem.status in (404, 409):
            return None
        raise
