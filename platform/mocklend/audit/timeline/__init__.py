"""What happened to one loan, in order: what client, channels, books, bureau, lenders, people and faults did.

A reader of the world, as the audit is: it says which events are wrong because of a fault. It reads one loan, by index,
and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from mocklend.audit.chain.bureau_rows import is_true
from mocklend.audit.chain.sentences import fill
from mocklend.audit.chain.subject import Subject
from mocklend.audit.chain.traced import TracedLoan
from mocklend.audit.timeline.docs import SENTENCES, Kind, Party, TimelineDoc, TimelineEvent, Tone
from mocklend.audit.timeline.event import Asked, Event
from mocklend.audit.timeline.money import books_events, channel_events, client_events
from mocklend.audit.timeline.others import (
    alert_events,
    asked_events,
    bureau_events,
    lie_events,
    page_events,
    people_events,
)
from mocklend.audit.timeline.whole import whole
from mocklend.domain.facts import business_date
from mocklend.domain.problems import Refused
from mocklend.domain.replay import replay
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.facts import BOOKS, recorded_by_loan
from mocklend.storage.snapshot import among
from mocklend.views.reads import Lists, cursor

__all__ = ["Asked", "TimelineDoc", "timeline_of"]


def timeline_of(
    loan: TracedLoan,
    asked: Sequence[Asked] = (),
    *,
    kind: str | None = None,
    after: str = "",
    limit: int = 50,
    newest_first: bool = False,
) -> TimelineDoc:
    """A page of a loan's timeline; `asked` are the requests that the server still has.

    Raises Refused `validation_failed` for a wrong cursor.
    """
    subject = whole(loan.subject)
    events = [
        *client_events(subject),
        *channel_events(subject),
        *books_events(subject),
        *page_events(subject),
        *bureau_events(subject),
        *people_events(subject),
        *alert_events(loan.alerts),
        *lie_events(loan.injections),
    ]
    events += asked_events(subject, asked, {event.ref for event in events if event.ref is not None})
    chosen = sorted(
        (event for event in events if kind in (None, event.kind)), key=lambda event: event.key, reverse=newest_first
    )
    start = _place_after(chosen, after) if after else 0
    page = chosen[start : start + limit]
    requests = {(request.entity, request.at_ms): request.id for request in asked if request.entity is not None}
    wrong = _wrong(subject)
    return TimelineDoc(
        loan_id=subject.loan.id,
        currency=subject.loan.currency,
        now=rfc3339(subject.snapshot.now_ms),
        events=[_event_doc(event, subject, wrong, requests.get((event.ref or "", event.at_ms))) for event in page],
        total=len(chosen),
        next_cursor=cursor(Lists.TIMELINE, _key_text(page[-1])) if len(chosen) > start + limit else None,
    )


def _key_text(event: Event) -> str:
    return "/".join(map(str, event.key))


def _place_after(events: Sequence[Event], after: str) -> int:
    for n, event in enumerate(events):
        if _key_text(event) == after:
            return n + 1
    raise Refused("validation_failed", "the cursor is invalid", received=after[:64])


def _wrong(subject: Subject) -> Callable[[int], bool]:
    """Whether the books of a moment (ms) were not as the world was."""
    recorded = recorded_by_loan(subject.snapshot, BOOKS, among([subject.loan.id])).get(subject.loan.id, {})
    zone = subject.snapshot.sandbox.zone

    @cache
    def wrong(at_ms: int) -> bool:
        day = business_date(at_ms, zone)
        known = [fact for fact in subject.books if recorded.get(fact.id, 0) <= at_ms]
        happened = [fact for fact in subject.world if fact.at_ms <= at_ms]
        books, world = (replay(subject.terms, facts, day) for facts in (known, happened))
        return (books.status, books.outstanding_minor, books.paid_minor) != (
            world.status, world.outstanding_minor, world.paid_minor,
        )  # fmt: skip

    return wrong


def _tone(event: Event, subject: Subject, wrong: Callable[[int], bool]) -> Tone:
    if event.party == Party.LIE:
        return Tone.LIE
    if event.record is not None:
        return Tone.TRUE if is_true(subject, event.record) else Tone.WRONG
    if event.at_ms <= subject.snapshot.now_ms and event.party in (Party.BOOKS, Party.PAGE) and event.kind in (
        Kind.POSTINGS, Kind.VIEWS,
    ):  # fmt: skip
        return Tone.WRONG if wrong(event.at_ms) else Tone.TRUE
    return Tone.TRUE


def _event_doc(event: Event, subject: Subject, wrong: Callable[[int], bool], request_id: str | None) -> TimelineEvent:
    return TimelineEvent(
        id=event.id,
        at=rfc3339(event.at_ms),
        party=event.party,
        kind=event.kind,
        code=event.code,
        params=event.params,
        text=fill(SENTENCES[event.code], subject.loan.currency, event.params),
        tone=_tone(event, subject, wrong),
        ref=event.ref,
        amount_minor=event.amount_minor,
        injection=event.injection,
        request_id=request_id,
        due=event.at_ms > subject.snapshot.now_ms,
        postings=list(event.postings),
    )
