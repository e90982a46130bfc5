"""V7: a channel's statement of a day is what really moved there on that day, by the channel's own cut-off.

For the audit, the judge and the tests: the platform itself never reads the world. It costs a look at all of a day's
facts, so an audit that asks for every day and channel pays for the whole history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from mocklend.channels.statements.day import Heading, StatementDay
from mocklend.channels.statements.record import ready_statement
from mocklend.domain.channel import channel_of
from mocklend.domain.facts import business_date
from mocklend.domain.problems import Refused
from mocklend.sandboxes.ids import order_no, receipt_behind
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.world.reading import Moment, moments, moved_between

ONE_DAY = timedelta(days=1)

STATES = "A channel's statement of a day is what the world saw move there, by the channel's own cut-off."

Moved = tuple[str, int, int]
"""The order's number, the second, and the amount with its sign."""

_IN_OTHER_MONEY = """SELECT repayment_id FROM trades
    WHERE sandbox_id = :sandbox_id AND channel = :channel AND currency <> :currency
    UNION ALL SELECT id FROM payouts
    WHERE sandbox_id = :sandbox_id AND channel = :channel AND currency <> :currency"""

_MOMENTS = """SELECT channel, paid_ms FROM trades WHERE sandbox_id = :sandbox_id AND paid_ms IS NOT NULL
    UNION SELECT channel, returned_ms FROM trades WHERE sandbox_id = :sandbox_id AND returned_ms IS NOT NULL
    UNION SELECT channel, paid_ms FROM payouts WHERE sandbox_id = :sandbox_id AND paid_ms IS NOT NULL"""
_CURRENCIES = """SELECT currency FROM trades WHERE sandbox_id = :sandbox_id
    UNION SELECT currency FROM payouts WHERE sandbox_id = :sandbox_id"""


def moved_in_the_world(reader: SandboxReader, heading: Heading) -> Counter[Moved]:
    """What really moved on a day at a channel.

    Left out is what no channel keeps a record of yet: a disbursement that was never ordered as a payout.
    """
    channel = heading.channel.id
    others = set(reader.ids(_IN_OTHER_MONEY, channel=channel, currency=heading.currency))
    moved: Counter[Moved] = Counter()
    for id, kind, at_ms, amount in moved_between(reader, channel, heading.from_ms, heading.until_ms):
        about = receipt_behind(id)
        if about in others or (kind == "disbursement" and not id.startswith("out_")):
            continue
        order = order_no(about) if kind in ("receipt", "payment_return") else id
        moved[(order, at_ms // 1000 * 1000, amount if kind == "receipt" else -amount)] += 1
    return moved


def check_statements(snapshot: Snapshot) -> list[tuple[str, str]]:
    """V7, of every statement that is there: of each channel, on each day on which either side saw money move."""
    sandbox = snapshot.sandbox
    days: set[tuple[str, date]] = set()
    for channel, at_ms in {*snapshot.rows(Moment, _MOMENTS), *moments(snapshot)}:
        on = business_date(at_ms, sandbox.zone)
        days |= {(channel, on), (channel, on + ONE_DAY)}  # After the cut-off it is the next day's.
    wrong: list[tuple[str, str]] = []
    for channel, day in sorted(days):
        for currency in snapshot.ids(_CURRENCIES):
            heading = Heading(channel_of(channel), day, currency, sandbox.zone)
            try:
                stated = ready_statement(snapshot, heading)
            except Refused:
                continue  # It is not there yet.
            wrong += statement_against_world(stated, moved_in_the_world(snapshot, heading))
    return wrong


def statement_against_world(day: StatementDay, moved: Counter[Moved]) -> Iterator[tuple[str, str]]:
    """V7, of one whole statement: what is on it and never moved, and what moved and is not on it."""
    stated = Counter((movement.order_no, movement.at_ms, movement.amount_minor) for movement in day.movements)
    for element in sorted((stated - moved).elements()):
        yield "V7", f"{day.heading.account} {day.heading.day} states {element[0]} of {element[2]}, which never moved"
    for element in sorted((moved - stated).elements()):
        yield "V7", f"{day.heading.account} {day.heading.day} lacks {element[0]} of {element[2]}"
