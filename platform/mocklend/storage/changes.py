"""What has changed in a sandbox since a moment, without looking at all of it: each commit leaves one row, by number.

        commit ─▶ changes: (3, "loan_a loan_b"), (4, "loan_a rct_x") ─▶ changed_since(3): loan_a, rct_x

The subjects are loans, and receipts, whose money may belong to another loan than their row says. A row joins the commit
of what it names. Commits in one sandbox come one after the other, whoever makes them, since each locks its row: so the
numbers have no gap, and who has seen number n has seen all before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter

from mocklend.seams.seam import Write
from mocklend.storage.entities import BureauAccount, Loan
from mocklend.storage.schema import RECEIPT_PREFIX
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.statements import OUTBOX, statement
from mocklend.storage.work import Entity, Key

INSERT_CHANGES = statement(
    "changes.insert",
    """INSERT INTO changes (sandbox_id, n, subjects)
       SELECT :sandbox_id, COALESCE(MAX(n), 0) + 1, :subjects FROM changes WHERE sandbox_id = :sandbox_id""",
    rank=OUTBOX,
)
_LATEST = "SELECT MAX(n) FROM changes WHERE sandbox_id = :sandbox_id"
_SINCE = "SELECT subjects FROM changes WHERE sandbox_id = :sandbox_id AND n > :n"


class ChangedSubjects:
    """The subjects that a group of commands changes, by sandbox."""

    def __init__(self) -> None:
        self._by_sandbox: defaultdict[str, set[str | None]] = defaultdict(set)

    def note(self, entities: Mapping[tuple[str, Key], Entity], writes: Iterable[Write]) -> None:
        """Note the subjects of entities that are put, by sandbox and key, and of further writes."""
        for (sandbox_id, _), entity in entities.items():
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
        """The rows of a commit: one per sandbox in which something has changed."""
        return [
            (INSERT_CHANGES, {"sandbox_id": sandbox_id, "subjects": " ".join(named)})
            for sandbox_id, subjects in self._by_sandbox.items()
            if (named := sorted(filter(None, subjects)))
        ]


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


def changed_since(reader: SandboxReader, n: int) -> set[str]:
    """The loans and receipts that have changed after the change with this number."""
    return {subject for subjects in reader.ids(_SINCE, n=n) for subject in subjects.split()}
