"""The timeline of one loan as it is drawn: a lane per party, and below it the events by day.

TimelineDoc ─▶ dots on lanes, at per cent of the time between the first event and now ─▶ timeline.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from mocklend.audit.timeline.docs import Kind, Party, TimelineDoc, TimelineEvent, Tone
from mocklend.console.formats import Formats
from mocklend.language import message
from mocklend.sandboxes.timestamps import parse_rfc3339

PARTIES: Mapping[str, str] = {
    Party.CLIENT: message("Client"),
    Party.CHANNEL: message("Channel"),
    Party.BOOKS: message("Books"),
    Party.PAGE: message("Status page"),
    Party.BUREAU: message("Bureau, score"),
    Party.LENDER: message("Other lender"),
    Party.PEOPLE: message("People"),
    Party.MONITORING: message("Monitoring"),
    Party.LIE: message("The lie"),
}
"""The names of the lanes, in their order; a lie has none: it is the shade over all of them."""
KINDS: Mapping[str, str] = {
    Kind.REQUESTS: message("Requests"),
    Kind.MESSAGES: message("Messages"),
    Kind.POSTINGS: message("Postings"),
    Kind.PEOPLE: message("People"),
    Kind.LIES: message("Lies"),
}
"""The filters, in their order."""
LEFT, WIDTH = 14.0, 83.0
"""Where the time begins, and how wide it is, in per cent of the drawing."""
ROOM = 10.0
"""How much room a label of the axis takes, in per cent."""
TOP_PX, LANE_PX = 28, 22


@dataclass(frozen=True, slots=True)
class Dot:
    """An event on its lane; `x` is in per cent, `y` in px."""

    x: float
    y: int
    tone: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The line of a party that took part."""

    party: str
    y: int


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when something false was shown, in per cent."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Day:
    """The events of a business day; `days` is how many days lie between it and the day before it."""

    first: str
    days: int
    events: Sequence[TimelineEvent]


@dataclass(frozen=True, slots=True)
class DrawnTimeline:
    """A timeline, with the height of its drawing in px.

    `lie` is the first lie of the span, and `begins_at` its moment, where there is room for it beside that of the start.
    """

    lanes: Sequence[Lane]
    dots: Sequence[Dot]
    span: Span | None
    now: float
    first_at: str
    height: int
    days: Sequence[Day]
    lie: TimelineEvent | None = None
    begins_at: str | None = None


def draw_timeline(doc: TimelineDoc, write: Formats) -> DrawnTimeline | None:
    """The lanes and the days of a timeline; None where nothing has happened."""
    events = doc["events"]
    if not events:
        return None
    past = [event for event in events if not event["due"]] or events[:1]
    first_ms, now_ms = parse_rfc3339(past[0]["at"]), parse_rfc3339(doc["now"])
    length_ms = max(1, now_ms - first_ms)

    def x(at: str) -> float:
        return round(LEFT + WIDTH * min(1.0, (parse_rfc3339(at) - first_ms) / length_ms), 2)

    parties = [party for party in PARTIES if party != Party.LIE and any(e["party"] == party for e in past)]
    lanes = [Lane(party, TOP_PX + n * LANE_PX) for n, party in enumerate(parties)]
    y_of = {lane.party: lane.y for lane in lanes}
    dots = [Dot(x(event["at"]), y_of[event["party"]], event["tone"]) for event in past if event["party"] in y_of]
    false = [event for event in past if event["tone"] != Tone.TRUE]
    span = None
    if false:
        # It ends where the last event was true again on every lane.
        last_false = past.index(false[-1])
        until = past[last_false + 1]["at"] if last_false + 1 < len(past) and _is_over(past) else doc["now"]
        span = Span(x(false[0]["at"]), round(max(0.4, x(until) - x(false[0]["at"])), 2))
    lie = next((event for event in past if event["tone"] == Tone.LIE), None)
    has_room = span is not None and LEFT + ROOM < span.x < LEFT + WIDTH - ROOM
    return DrawnTimeline(
        lanes,
        dots,
        span,
        x(doc["now"]),
        past[0]["at"],
        TOP_PX + len(lanes) * LANE_PX + 12,
        list(_days(events, write)),
        lie if span is not None and span.x < LEFT + WIDTH / 2 else None,
        false[0]["at"] if has_room else None,
    )


def _is_over(past: Sequence[TimelineEvent]) -> bool:
    """Whether the last thing that happened on each lane was true."""
    return all(
        event["tone"] == Tone.TRUE
        for event in {event["party"]: event for event in past}.values()
        if event["party"] != Party.LIE
    )


def _days(events: Sequence[TimelineEvent], write: Formats) -> Iterator[Day]:
    before: str | None = None
    for _, of_day in groupby(events, key=lambda event: write.full_day(event["at"])):
        listed = list(of_day)
        at = listed[0]["at"]
        yield Day(at, 0 if before is None else write.days_between(before, at), listed)
        before = at
