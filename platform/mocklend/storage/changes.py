"""What has changed in a sandbox since a moment, without looking at all of it: each commit leaves one row, by number.

        commit ─▶ changes: (2, "loan_a +loan_b"), (4, "loan_a rct_x") ─▶ changed_since(2): loan_a, rct_x

The subjects are loans, and receipts, whose money may belong to another loan than their row says. New loans have a +.
A row joins the commit of what it names. Its number is that of the row before and one more for each of its subjects.
Commits in one sandbox come one after the other, whoever makes them, since each locks its row: so who has seen number n
has seen all before it. The rows of the latest KEPT subjects stay, and older ones are deleted now and then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import NamedTuple
from zlib import crc32

from mocklend.seams.seam import Write
from mocklend.storage.entities import BureauAccount, Loan
from mocklend.storage.schema import RECEIPT_PREFIX
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import OUTBOX, statement
from mocklend.storage.work import Entity, Key

INSERT_CHANGES = statement(
    "changes.insert",
    """INSERT INTO changes (sandbox_id, n, subjects)
       SELECT :sandbox_id, COALESCE(MAX(n), 0) + :size, :subjects FROM changes WHERE sandbox_id = :sandbox_id""",
    rank=OUTBOX,
)
DELETE_OLD_CHANGES = statement(
    "changes.delete_old",
    """DELETE FROM changes WHERE sandbox_id = :sandbox_id
       AND n <= (SELECT MAX(n) FROM changes WHERE sandbox_id = :sandbox_id) - :kept""",
    rank=OUTBOX + 1,
)
COUNT_LOANS = statement(
    "loan_counts.add",
    """INSERT INTO loan_counts (sandbox_id, loans) VALUES (:sandbox_id, :loans)
       ON CONFLICT (sandbox_id) DO UPDATE SET loans = loan_counts.loans + excluded.loans""",
    rank=OUTBOX,
)
KEPT = 1_000_000
"""How many changes are known at least: 26 MB, and minutes of a sandbox that is written as fast as it can be."""
DELETED_ONCE_IN = 1_000
"""One of so many commits deletes old rows: by a checksum of what it changes, so that nobody has to count commits."""
NEW = "+"

_LATEST = "SELECT MAX(n) FROM changes WHERE sandbox_id = :sandbox_id"
_SINCE = "SELECT subjects FROM changes WHERE sandbox_id = :sandbox_id AND n > :n"
_LOANS = "SELECT loans FROM loan_counts WHERE sandbox_id = :sandbox_id"
_OLDEST = "SELECT n, subjects FROM changes WHERE sandbox_id = :sandbox_id ORDER BY n LIMIT 1"


class _Row(NamedTuple):
    n: int
    subjects: str


class Changed(NamedTuple):
    """The ids of the loans and receipts that have changed, and how many of the loans are new."""

    subjects: set[str]
    new_loans: int


class ChangedSubjects:
    """The subjects that a group of commands changes, by sandbox."""

    def __init__(self) -> None:
        self._by_sandbox: defaultdict[str, set[str | None]] = defaultdict(set)
        self._new_loans: set[str] = set()

    def note(
        self,
        entities: Mapping[tuple[str, Key], Entity],
        writes: Iterable[Write],
        stored: Mapping[tuple[str, Key], object],
    ) -> None:
        """Note the subjects of entities that are put, by sandbox and key, and of further writes.

        `stored` has the entities as the database has them: a loan that is not there, or None, is new.
        """
        for at, entity in entities.items():
            sandbox_id = at[0]
            if type(entity) is Loan and stored.get(at) is None:
                self._new_loans.add(entity.id)
            loan_id_of, money_id_of = _ids_of(type(entity))
            subjects, money_id = self._by_sandbox[sandbox_id], money_id_of(entity)
            if loan_id_of is not None:
                subjects.add(loan_id_of(entity))
            if RECEIPT_PREFIX in money_id:
                subjects.add(_receipt_in(money_id))
        for _, parameters in writes:
            subjects, id = self._by_sandbox[str(parameters["sandbox_id"])], parameters.get("id")
            if "loan_id" in parameters:
                subjects.add(parameters["loan_id"])
            if isinstance(id, str):
                if id.startswith("loan_"):
                    subjects.add(id)
                elif RECEIPT_PREFIX in id:
                    subjects.add(_receipt_in(id))

    def writes(self) -> list[Write]:
        """The rows of a commit: one per sandbox in which something has changed. Sometimes old ones are deleted."""
        rows: list[Write] = []
        for sandbox_id, subjects in self._by_sandbox.items():
            named = sorted(filter(None, subjects))
            if not named:
                continue
            text = " ".join([NEW + id if id in self._new_loans else id for id in named] if self._new_loans else named)
            rows.append((INSERT_CHANGES, {"sandbox_id": sandbox_id, "size": len(named), "subjects": text}))
            new_loans = sum(id in self._new_loans for id in named) if self._new_loans else 0
            if new_loans:
                rows.append((COUNT_LOANS, {"sandbox_id": sandbox_id, "loans": new_loans}))
            if not crc32(text.encode()) % DELETED_ONCE_IN:
                rows.append((DELETE_OLD_CHANGES, {"sandbox_id": sandbox_id, "kept": KEPT}))
        return rows


def _receipt_in(id: str) -> str:
    """The receipt of a booking, a callback or a return."""
    return id[id.index(RECEIPT_PREFIX) :].partition(".")[0]


@cache
def _ids_of(cls: type[Entity]) -> tuple[Callable[[Entity], str | None] | None, Callable[[Entity], str]]:
    """How to get from an entity the id of its loan, None if it has none, and the id of its money or its own."""
    names = cls.__struct_fields__
    own = attrgetter("id")
    loan = own if cls in (Loan, BureauAccount) else attrgetter("loan_id") if "loan_id" in names else None
    return loan, attrgetter("repayment_id") if "repayment_id" in names else own


def latest_change(reader: SandboxReader) -> int:
    """The number of the sandbox's latest change; 0 if there was none."""
    return reader.number(_LATEST)


def number_of_loans(reader: SandboxReader) -> int:
    """How many loans the sandbox has, from its counter."""
    return next(iter(reader.rows(int, _LOANS)), 0)


def known_since(reader: SandboxReader) -> int:
    """The number after which all changes are known; 0 as long as none was deleted."""
    return max([n - len(subjects.split()) for n, subjects in reader.rows(_Row, _OLDEST)], default=0)


def changed_since(reader: SandboxReader, n: int) -> Changed:
    """What has changed after the change with this number, as far as it is known."""
    subjects = [subject for row in reader.ids(_SINCE, n=n) for subject in row.split()]
    new_loans = {subject.removeprefix(NEW) for subject in subjects if subject.startswith(NEW)}
    return Changed({subject.removeprefix(NEW) for subject in subjects}, len(new_loans))
