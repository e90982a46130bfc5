"""What a score reads beside the answer key: operator actions that ended a break or did harm, and harm to borrowers.

Reads only, in the caller's snapshot. The key is read in batches, and only what a score needs is kept.
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
"""How many ids one query looks up."""
REPAYMENT_REVERSED, EDIT_REVERSED = "repayment.reversed", "edit.reversed"
REVERSALS = (REPAYMENT_REVERSED, EDIT_REVERSED)
"""The operator actions that reverse something."""


_ACTIONS = """SELECT loan_id, action, about, operator, at_ms FROM operator_actions WHERE sandbox_id = :sandbox_id
    ORDER BY at_ms, loan_id, id"""
# A payoff that the books lack: its borrower owes nothing, and is shown as owing.
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
    """An operator action in the lists of a score. `at` is RFC 3339, on the sandbox's clock."""

    action: str
    about: str
    loan_id: str
    operator: str
    at: str


class HarmfulRepair(OperatorActionDoc):
    """An operator action that made correct books wrong, and why it counts as one."""

    reason: str


class RefusedApplication(TypedDict):
    """An application that was refused because of a wrong report, score or copy, and the injections behind that."""

    application_id: str
    lender: str
    borrower_id: str
    at: str
    injections: list[str]


@dataclass(frozen=True, slots=True)
class StaffAction:
    """An operator action: `about` is the id of the repayment, edit or other entity, `at_ms` on the sandbox's clock."""

    loan_id: str
    action: str
    about: str
    operator: str
    at_ms: int

    def to_json(self) -> OperatorActionDoc:
        """The action as the lists of a score show it."""
        return {
            "action": self.action,
            "about": self.about,
            "loan_id": self.loan_id,
            "operator": self.operator,
            "at": rfc3339(self.at_ms),
        }


@dataclass(slots=True)
class KeyView:
    """The answer key as a score needs it: the visible breaks, and since when each id was about to be repaired.

    `questioned` has, by id, the time of the first injection about it: its entity, its finding's, or what ended it.
    `overridden` has, by loan, the time of the first status override that contradicts the books; the edit that set it
    is not known. Both in milliseconds of the sandbox's clock.
    """

    breaks: list[Break]
    questioned: dict[str, int]
    overridden: dict[str, int]


def staff_actions(reader: SandboxReader) -> list[StaffAction]:
    """Every operator action, oldest first."""
    return reader.rows(StaffAction, _ACTIONS)


def view_key(snapshot: Snapshot, actions: Iterable[StaffAction]) -> KeyView:
    """The answer key as a score needs it, given the operator actions of the sandbox."""
    times = {(id, action.at_ms) for action in actions for id in (action.about, action.loan_id)}
    payoffs = set(snapshot.ids(_PAYOFFS))
    view = KeyView([], {}, {})
    for entry in stream(snapshot):
        ended_by = _ended_by_id(entry)
        for id in (entry.entity, entry.finding.entity, ended_by):
            if id:
                view.questioned.setdefault(id, entry.at_ms)
        if entry.finding.finding_class == "status_mismatch":
            view.overridden.setdefault(entry.loan_id, entry.at_ms)
        if entry.status not in (EntryStatus.MASKED, EntryStatus.PENDING):
            view.breaks.append(_break(entry, ended_by, times, payoffs))
    return view


class _Refused(NamedTuple):
    id: str
    partner: str
    borrower_id: str
    at_ms: int


class _Owner(NamedTuple):
    id: str
    borrower_id: str


def refused(reader: SandboxReader, breaks: Iterable[Break], window: Window) -> list[RefusedApplication]:
    """Applications that were refused while the borrower's report or score was wrong, or because of a stale copy."""
    applications = reader.rows(_Refused, _REFUSED, from_ms=window.from_ms, to_ms=window.to_ms)
    if not applications:
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
    documents: list[RefusedApplication] = []
    for id, partner, borrower_id, at_ms in applications:
        causes = [
            break_
            for break_ in wrong[borrower_id]
            if break_.from_ms <= at_ms and (break_.end_ms is None or at_ms < break_.end_ms)
        ]
        causes += [of_copies[id]] if id in of_copies else []
        if causes:
            injections = sorted(break_.injection for break_ in causes)
            documents.append(
                {
                    "application_id": id,
                    "lender": partner,
                    "borrower_id": borrower_id,
                    "at": rfc3339(at_ms),
                    "injections": injections,
                }
            )
    return documents


def harmful(
    actions: Sequence[StaffAction], view: KeyView, unexplained: Iterable[Discrepancy], *, named: bool
) -> list[HarmfulRepair]:
    """Those of the judged actions that made correct books wrong, with the reason.

    An action is harmful if it reversed something that no injection is about, or if it is the newest action on an entity
    where an audit finds a discrepancy that no injection explains (`unexplained`). Reversing an edit counts only if the
    request `named` the operators who repair, since staff may reverse an edit of their own; reversing a repayment always
    counts.
    """
    judged = REVERSALS if named else (REPAYMENT_REVERSED,)
    reasons: dict[StaffAction, str] = {}
    for action in actions:
        if action.action in judged and not _questioned(action, view):
            reasons[action] = "it reversed an entity that was not wrong"
    for discrepancy in unexplained:
        finding, loan_id = discrepancy.finding, discrepancy.loan_id
        suspects = [action for action in actions if action.about == finding.entity]
        suspects = suspects or [action for action in actions if loan_id and action.loan_id == loan_id]
        if suspects:
            reasons.setdefault(suspects[-1], f"{finding.finding_class} on {finding.entity}: {discrepancy.detail}")
    return [HarmfulRepair(**action.to_json(), reason=reasons[action]) for action in actions if action in reasons]


def _questioned(action: StaffAction, view: KeyView) -> bool:
    """Whether an injection was about the entity that the action reversed, before the action."""
    since = [view.questioned.get(action.about)]
    if action.action == EDIT_REVERSED:
        since.append(view.overridden.get(action.loan_id))
    return any(at_ms is not None and at_ms <= action.at_ms for at_ms in since)


def _ended_by_id(entry: Entry) -> str | None:
    """The entity of the signal that ended the entry; None where it ended by itself or by another injection."""
    kind, _, id = (entry.ended_by or "").partition(":")
    return id if kind in REASONS and kind != "injection" else None


def _break(entry: Entry, ended_by: str | None, times: Collection[tuple[str, int]], payoffs: Collection[str]) -> Break:
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
        repaired=ended_by is not None and _by_staff(entry, ended_by, times),
        unpaid=shown_unpaid or entry.injection in payoffs,
        reported=reported,
    )


def _by_staff(entry: Entry, ended_by: str, times: Collection[tuple[str, int]]) -> bool:
    """Whether there is an operator action on what ended the entry, or on its loan, in the millisecond of its end."""
    return any((id, entry.ended_ms) in times for id in (ended_by, entry.loan_id) if id)


def _owners(reader: SandboxReader, sql: str, ids: Collection[str]) -> dict[str, str]:
    """The borrowers of these loans or scores, by their ids, in queries of AT_ONCE ids each."""
    owners: dict[str, str] = {}
    for chunk in _chunks(sorted(ids)):
        names = {f"id_{n}": id for n, id in enumerate(chunk)}
        of_chunk = sql.format(", ".join(f":{name}" for name in names))
        owners |= dict(reader.rows(_Owner, of_chunk, **names))
    return owners


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
