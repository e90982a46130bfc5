"""What is wrong now, by every check, after the sandbox's tolerance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, TypedDict

from mocklend.domain.finding import CLASSES
from mocklend.domain.nouns import ChannelId, Currency, LoanId, one_of, says
from mocklend.monitoring.channel_checks import CHANNEL_CHECKS
from mocklend.monitoring.loan_checks import LOAN_CHECKS, loans_to_look_at
from mocklend.monitoring.seen import Seen
from mocklend.monitoring.state_checks import STATE_CHECKS
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Sandbox

Alert = Seen
"""What a check has seen, once it is loud enough to be told."""

SANDBOX_CHECKS: dict[str, Callable[[Snapshot], Iterable[Seen]]] = {**CHANNEL_CHECKS, **STATE_CHECKS}
CHECKS: dict[str, str] = {
    name: (check.__doc__ or "").partition("\n")[0] for name, check in {**SANDBOX_CHECKS, **LOAN_CHECKS}.items()
}
"""Every check in one sentence."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How a sandbox is monitored.

    Money that differs between channel and books is told where it is more than `tolerance_minor`: row by row (`none`),
    or only by what is left when the differences of a loan, or of a channel, are set against each other. The last two
    are how two errors cancel and nobody hears of either.
    """

    enabled: bool
    tolerance_minor: int
    net_by: str

    @classmethod
    def of(cls, sandbox: Sandbox) -> Watch:
        """As the sandbox was made."""
        return cls(bool(sandbox.monitored), sandbox.tolerance_minor, sandbox.net_by)

    def loud(self, seen: Iterable[Seen]) -> Iterator[Seen]:
        """What is more than the tolerance, and all that is no difference of money."""
        groups: dict[tuple[str, ...], list[Seen]] = defaultdict(list)
        for one in seen:
            if one.difference_minor is None:
                yield one
            else:
                groups[self._group(one)].append(one)
        for group in groups.values():
            if abs(sum(one.difference_minor or 0 for one in group)) > self.tolerance_minor:
                yield from group

    def _group(self, one: Seen) -> tuple[str, ...]:
        if self.net_by == "loan" and one.loan_id is not None:
            return ("loan", one.loan_id)
        if self.net_by == "channel":
            return ("channel", one.channel or "", one.currency or "")
        return ("row", one.id)


@dataclass(frozen=True, slots=True)
class Alerts:
    """A page of alerts, by id, and where the next one begins."""

    alerts: list[Alert]
    after: str | None


def alerts(
    snapshot: Snapshot,
    *,
    finding_class: str | None = None,
    check: str | None = None,
    loan_id: str | None = None,
    after: str = "",
    limit: int = 50,
) -> Alerts:
    """What monitoring says now. Where it is switched off it looks at nothing."""
    watch = Watch.of(snapshot.sandbox)
    if not watch.enabled:
        return Alerts([], None)
    found = sorted(
        (
            one
            for one in watch.loud(_seen(snapshot))
            if one.id > after
            and finding_class in (None, one.finding_class)
            and check in (None, one.check)
            and loan_id in (None, one.loan_id)
        ),
        key=lambda one: one.id,
    )
    return Alerts(found[:limit], found[limit - 1].id if len(found) > limit else None)


def _seen(snapshot: Snapshot) -> Iterator[Seen]:
    for look in SANDBOX_CHECKS.values():
        yield from look(snapshot)
    for case in loans_to_look_at(snapshot):
        for check in LOAN_CHECKS.values():
            yield from check(case)


_Class = TypedDict(
    "_Class",
    {
        "class": Annotated[
            str | None,
            one_of(
                CLASSES, "The class of break; null where no two records disagree and something merely stands still."
            ),
        ]
    },
)


class AlertDoc(_Class):
    """Something that should not be. `class` is null where no two records disagree and something merely stands still."""

    id: Annotated[str, says("The alert's id.")]
    check: Annotated[str, one_of(CHECKS, "The check that raised it.")]
    entity: Annotated[str, says("What it is about: a loan, a repayment, a receipt, a payout, by its id.")]
    loan_id: LoanId | None
    channel: ChannelId | None
    amount_minor: Annotated[
        int, says("How much money is in question, in minor units of `currency`; 0 where it is no amount.")
    ]
    currency: Currency | None
    since: Annotated[str, says("Since when the state has been wrong. RFC 3339, on the sandbox's clock.")]
    raised_at: Annotated[str, says("When monitoring noticed it. RFC 3339, on the sandbox's clock.")]
    detail: Annotated[str, says("What is wrong, in a sentence.")]


def alert_doc(alert: Alert) -> AlertDoc:
    """An alert as JSON."""
    return {
        "id": alert.id,
        "check": alert.check,
        "class": alert.finding_class,
        "entity": alert.entity,
        "loan_id": alert.loan_id,
        "channel": alert.channel,
        "amount_minor": alert.amount_minor,
        "currency": alert.currency,
        "since": rfc3339(alert.since_ms),
        "raised_at": rfc3339(alert.raised_ms),
        "detail": alert.detail,
    }
