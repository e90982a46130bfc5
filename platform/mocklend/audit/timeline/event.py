"""One event of a timeline before it is rendered, and a request that the server still has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from mocklend.audit.chain.docs import Param
from mocklend.audit.timeline.docs import Code, Kind, Party, PostingLine
from mocklend.ledger.accounts import ACCOUNTS
from mocklend.storage.entities import BureauRecord


class Place(IntEnum):
    """The order of events of one moment: causes come first."""

    BORROWING = 0
    ASKING = 1
    ORDERING = 2
    SETTLING = 3
    CALLING = 4
    LYING = 5
    LANDING = 6
    POSTING = 7
    SHOWING = 8
    ACTING = 9
    PUBLISHING = 10
    DECIDING = 11
    ALERTING = 12
    TELLING = 13


class Asked(NamedTuple):
    """A logged request: when it came, and the id of what its answer is about; None where it has none."""

    id: str | None
    at_ms: int
    method: str
    path: str
    status: int
    entity: str | None
    amount_minor: int | None


class Event(NamedTuple):
    """Something that happened at `at_ms`, or will.

    `record` is the bureau's record that it is about, if it is about one.
    """

    at_ms: int
    place: Place
    party: Party
    kind: Kind
    code: Code
    ref: str | None
    amount_minor: int | None
    params: Mapping[str, Param]
    postings: Sequence[PostingLine] = ()
    injection: str | None = None
    record: BureauRecord | None = None
    about: str = ""

    @property
    def id(self) -> str:
        """The same event has the same id in every answer."""
        return f"{self.code.value}.{self.ref or 'loan'}{self.about}"

    @property
    def key(self) -> tuple[int, int, str]:
        """The order of events."""
        return (self.at_ms, int(self.place), self.id)


def lines(postings: Sequence[tuple[str, str, int]]) -> list[PostingLine]:
    """Postings with the names of their accounts."""
    return [
        PostingLine(
            debit=debit, debit_name=name_of(debit), credit=credit, credit_name=name_of(credit), amount_minor=amount
        )
        for debit, credit, amount in postings
    ]


def name_of(account: str) -> str:
    """An account's name in the chart; that of a sub-account is the name of its account."""
    return ACCOUNTS.get(account.partition(":")[0], account)
