"""What the platform's records say about an answer key: who ended which lie, who was harmed, and what was made worse.

Reads only, in the caller's snapshot. The key is read in pages; what is kept of it is only what a score needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from mocklend.domain.finding import Discrepancy
from mocklend.domain.statuses import EntryStatus, LoanStatus
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend_faults.engine.answer_key import REASONS, Entry, stream
from mocklend_faults.engine.scoring import Break, Window

AT_ONCE = 500
REPAYMENT_REVERSED, EDIT_REVERSED = "repayment.reversed", "edit.reversed"
REVERSALS = (REPAYMENT_REVERSED, EDIT_REVERSED)
"""How staff take something back."""


_ACTIONS = """SELECT loan_id, action, about, operator, at_ms FROM operator_actions WHERE sandbox_id = :sandbox_id
    ORDER BY at_ms, loan_id, id"""
# A payoff that the books lack: who made it owes nothing, and is shown as owing.
_PAYOFFS = """SELECT injections.id FROM injections JOIN repayments
    ON repayments.sandbox_id = injections.sandbox_id AND repayments.id = injections.finding_entity
    WHERE injections.sandbox_id = :sandbox_id AND injections.finding_class = 'missing_in_books'
      AND repayments.type = 'CLEAR'"""
_REFUSED = """SELECT id, partner, borrower_id, created_ms FROM applications
    WHERE sandbox_id = :sandbox_id AND decision = 'REFUSED' AND created_ms BETWEEN :from_ms AND :to_ms
    ORDER BY created_ms, id"""
_LOANS_OF = "SELECT id, borrower_id FROM loans WHERE sandbox_id = :sandbox_id AND id IN ({})"
_ANSWERS_TO = "SELECT id, borrower_id FROM score_answers WHERE sandbox_id = :sandbox_id AND id IN ({})"


class OperatorActionDoc(TypedDict):
    """Something that staff did."""

    action: str
    about: str
    loan_id: str
    operator: str
    at: str


class HarmfulRepair(OperatorActionDoc):
    """An act that made right books wrong, and why it is one."""

    reason: str


class RefusedApplication(TypedDict):
    """An application that was refused for what a report or a score said wrongly, and the injections behind that."""

    application_id: str
    lender: str
    borrower_id: str
    at: str
    injections: list[str]


@dataclass(frozen=True, slots=True)
class StaffAction:
    """Something that staff did."""

    loan_id: str
    action: str
    about: str
    operator: str
    at_ms: int

    def to_json(self) -> OperatorActionDoc:
        """The act, as the lists behind a score name it."""
        return {
            "action": self.action,
            "about": self.about,
            "loan_id": self.loan_id,
            "operator": self.operator,
            "at": rfc3339(self.at_ms),
        }


@dataclass(slots=True)
class KeyView:
    """The lies that can be seen, and every id that a lie is about: its entity, its finding's, and what ended it."""

    breaks: list[Break]
    questioned: dict[str, int]  # since when, by id
    overridden: dict[
        str, int
    ]  # loans with a mark that contradicts the books, since when: which edit it was, is not known


def staff_actions(reader: SandboxReader) -> list[StaffAction]:
    """Everything that staff did, oldest first."""
    return reader.rows(StaffAction, _ACTIONS)


def look(snapshot: Snapshot, done: Iterable[StaffAction]) -> KeyView:
    """The answer key as a score needs it. `done` is what staff did."""
    moments = {(id, action.at_ms) for action in done for id in (action.about, action.loan_id)}
    payoffs = set(snapshot.ids(_PAYOFFS))
    looked = KeyView([], {}, {})
    for entry in stream(snapshot):
        by = _signalled(entry)
        for id in (entry.entity, entry.finding.entity, by):
            if id:
                looked.questioned.setdefault(id, entry.at_ms)
        if entry.finding.finding_class == "status_mismatch":
            looked.overridden.setdefault(entry.loan_id, entry.at_ms)
        if entry.status not in (EntryStatus.MASKED, EntryStatus.PENDING):
            looked.breaks.append(_break(entry, by, moments, payoffs))
    return looked


class _Refused(NamedTuple):
    id: str
    partner: str
    borrower_id: str
    at_ms: int


class _Owner(NamedTuple):
    id: str
    borrower_id: str


def refused(reader: SandboxReader, breaks: Iterable[Break], window: Window) -> list[RefusedApplication]:
    """Applications that were refused while the borrower's report or score was wrong, or by a copy that was too old."""
    found = reader.rows(_Refused, _REFUSED, from_ms=window.from_ms, to_ms=window.to_ms)
    if not found:
        return []
    of_copies = {
        break_.entity: break_ for break_ in breaks if not break_.loan_id and break_.finding_class == "stale_view"
    }
    wrong: dict[str, list[Break]] = defaultdict(list)
    reported = [break_ for break_ in breaks if break_.reported]
    owners = _owners(reader, _LOANS_OF, {break_.loan_id for break_ in reported if break_.loan_id})
    owners |= _owners(reader, _ANSWERS_TO, {break_.entity for break_ in reported if not break_.loan_id})
    for break_ in reported:
        wrong[owners.get(break_.loan_id or break_.entity, "")].append(break_)
    told: list[RefusedApplication] = []
    for id, partner, borrower_id, at_ms in found:
        by = [
            break_
            for break_ in wrong[borrower_id]
            if break_.from_ms <= at_ms and (break_.end_ms is None or at_ms < break_.end_ms)
        ]
        by += [of_copies[id]] if id in of_copies else []
        if by:
            injections = sorted(break_.injection for break_ in by)
            told.append(
                {
                    "application_id": id,
                    "lender": partner,
                    "borrower_id": borrower_id,
                    "at": rfc3339(at_ms),
                    "injections": injections,
                }
            )
    return told


def harmful(
    done: Sequence[StaffAction], looked: KeyView, unexplained: Iterable[Discrepancy], *, named: bool
) -> list[HarmfulRepair]:
    """The acts that made right books wrong, with the reason.

    Either it took something back that no lie is about; or it is the newest act on what an audit finds wrong and no
    injection explains, which is `unexplained`. `done` are the acts that are judged. Staff may well take back an edit of
    their own, so that is only held against those who were `named` as repairing; a repayment that somebody made, against
    everybody.
    """
    right_as_it_was = REVERSALS if named else (REPAYMENT_REVERSED,)
    reasons: dict[StaffAction, str] = {}
    for action in done:
        if action.action in right_as_it_was and not _questioned(action, looked):
            reasons[action] = "nothing was wrong with what it took back"
    for discrepancy in unexplained:
        finding, loan_id = discrepancy.finding, discrepancy.loan_id
        blamed = [action for action in done if action.about == finding.entity]
        blamed = blamed or [action for action in done if loan_id and action.loan_id == loan_id]
        if blamed:
            reasons.setdefault(blamed[-1], f"{finding.finding_class} on {finding.entity}: {discrepancy.detail}")
    return [HarmfulRepair(**action.to_json(), reason=reasons[action]) for action in done if action in reasons]


def _questioned(action: StaffAction, looked: KeyView) -> bool:
    """Whether a lie was about what the act took back, before it did."""
    since = [looked.questioned.get(action.about)]
    if action.action == EDIT_REVERSED:
        since.append(looked.overridden.get(action.loan_id))
    return any(at_ms is not None and at_ms <= action.at_ms for at_ms in since)


def _signalled(entry: Entry) -> str | None:
    """The id that the signal was about which ended the lie; None where it ended by itself or by another injection."""
    kind, _, id = (entry.ended_by or "").partition(":")
    return id if kind in REASONS and kind != "injection" else None


def _break(entry: Entry, by: str | None, moments: Collection[tuple[str, int]], payoffs: Collection[str]) -> Break:
    finding_class = entry.expect.get("class", entry.finding.finding_class)
    truth, served = entry.truth_after.get("status"), entry.served.get("status")
    reported = entry.finding.finding_class == "wrong_bureau"
    shown_unpaid = not reported and truth == LoanStatus.CLEAR and served not in (None, LoanStatus.CLEAR)
    return Break(
        injection=entry.injection,
        rule=entry.rule,
        fault=entry.fault,
        finding_class=finding_class,
        entity=entry.finding.entity,
        loan_id=entry.loan_id,
        amount_minor=entry.finding.amount_minor,
        currency=entry.currency,
        from_ms=entry.from_ms,
        end_ms=entry.ended_ms,
        repaired=by is not None and _by_staff(entry, by, moments),
        unpaid=shown_unpaid or entry.injection in payoffs,
        reported=reported,
    )


def _by_staff(entry: Entry, by: str, moments: Collection[tuple[str, int]]) -> bool:
    """Whether staff acted on it, or on its loan, at the very moment at which the lie ended."""
    return any((id, entry.ended_ms) in moments for id in (by, entry.loan_id) if id)


def _owners(reader: SandboxReader, sql: str, ids: Collection[str]) -> dict[str, str]:
    """Whose these are, some at a time."""
    owners: dict[str, str] = {}
    for some in _chunks(sorted(ids)):
        names = {f"id_{n}": id for n, id in enumerate(some)}
        chosen = sql.format(", ".join(f":{name}" for name in names))
        owners |= dict(reader.rows(_Owner, chosen, **names))
    return owners


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
