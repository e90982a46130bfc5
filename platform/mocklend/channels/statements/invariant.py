"""V7: a channel's statement of a day equals the world's movements of that day, by the channel's cut-off.

For the audit, the judge and the tests: the platform itself never reads the world. A check reads all facts of a day, so
an audit over every day and channel reads the whole history.
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

STATES = "A channel's statement of a day equals the world's movements there, by the channel's cut-off."

Moved = tuple[str, int, int]
"""(order number, time in ms at a full second, signed amount in minor units)."""

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
    """The movements of a day at a channel in the world.

    Without disbursements that were not ordered as a payout, of which channels have no entry.
    """
    channel = heading.channel.id
    others = set(reader.ids(_IN_OTHER_MONEY, channel=channel, currency=heading.currency))
    movements: Counter[Moved] = Counter()
    for id, kind, at_ms, amount in moved_between(reader, channel, heading.from_ms, heading.until_ms):
        about = receipt_behind(id)
        if about in others or (kind == "disbursement" and not id.startswith("out_")):
            continue
        order = order_no(about) if kind in ("receipt", "payment_return") else id
        movements[(order, at_ms // 1000 * 1000, amount if kind == "receipt" else -amount)] += 1
    return movements


def check_statements(snapshot: Snapshot) -> list[tuple[str, str]]:
    """V7 for every available statement: of each channel, on each day with movements on either side."""
    sandbox = snapshot.sandbox
    days: set[tuple[str, date]] = set()
    for channel, at_ms in {*snapshot.rows(Moment, _MOMENTS), *moments(snapshot)}:
        on = business_date(at_ms, sandbox.zone)
        days |= {(channel, on), (channel, on + ONE_DAY)}  # After the cut-off it belongs to the next day.
    wrong: list[tuple[str, str]] = []
    for channel, day in sorted(days):
        for currency in snapshot.ids(_CURRENCIES):
            heading = Heading(channel_of(channel), day, currency, sandbox.zone)
            try:
                stated = ready_statement(snapshot, heading)
            except Refused:
                continue  # It is not available yet.
            wrong += statement_against_world(stated, moved_in_the_world(snapshot, heading))
    return wrong


def statement_against_world(day: StatementDay, movements: Counter[Moved]) -> Iterator[tuple[str, str]]:
    """V7 for one statement: its lines that never moved, and the movements that it lacks."""
    stated = Counter((movement.order_no, movement.at_ms, movement.amount_minor) for movement in day.movements)
    for element in sorted((stated - movements).elements()):
        yield "V7", f"{day.heading.account} {day.heading.day} states {element[0]} of {element[2]}, which never moved"
    for element in sorted((movements - stated).elements()):
        yield "V7", f"{day.heading.account} {day.heading.day} lacks {element[0]} of {element[2]}"
