"""The current alerts: the results of every check, after the sandbox's tolerance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, TypedDict

from mocklend.domain.finding import CLASSES
from mocklend.domain.nouns import ChannelId, Currency, LoanId, one_of, says
from mocklend.language import Language, translate
from mocklend.monitoring.channel_checks import CHANNEL_CHECKS
from mocklend.monitoring.loan_checks import AT_ONCE, LOAN_CHECKS, cases, loans_to_look_at
from mocklend.monitoring.seen import ALL, SandboxCheck, Scope, Seen
from mocklend.monitoring.sentences import Show, detail_of, shown
from mocklend.monitoring.state_checks import STATE_CHECKS
from mocklend.sandboxes.jobs import Progress
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Sandbox

Alert = Seen
"""What a check has seen, if it exceeds the tolerance."""

SANDBOX_CHECKS: dict[str, SandboxCheck] = {**CHANNEL_CHECKS, **STATE_CHECKS}
CHECKS: dict[str, str] = {
    name: (check.__doc__ or "").partition("\n")[0] for name, check in {**SANDBOX_CHECKS, **LOAN_CHECKS}.items()
}
"""The sentence of each check, by name."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How a sandbox is monitored.

    A difference of money between channel and books is reported if it exceeds `tolerance_minor`: each row by itself
    (`none`), or the net difference of a loan (`loan`) or a channel (`channel`). With the last two, two errors may
    cancel and neither is reported.
    """

    enabled: bool
    tolerance_minor: int
    net_by: str

    @classmethod
    def of(cls, sandbox: Sandbox) -> Watch:
        """Return the settings that the sandbox was created with."""
        return cls(bool(sandbox.monitored), sandbox.tolerance_minor, sandbox.net_by)

    def loud(self, seen: Iterable[Seen]) -> Iterator[Seen]:
        """Yield the differences that exceed the tolerance, and everything that is not a difference of money."""
        groups: dict[tuple[str, ...], list[Seen]] = defaultdict(list)
        for item in seen:
            if item.difference_minor is None:
                yield item
            else:
                groups[self._group(item)].append(item)
        for group in groups.values():
            if abs(sum(item.difference_minor or 0 for item in group)) > self.tolerance_minor:
                yield from group

    def _group(self, item: Seen) -> tuple[str, ...]:
        if self.net_by == "loan" and item.loan_id is not None:
            return ("loan", item.loan_id)
        if self.net_by == "channel":
            return ("channel", item.channel or "", item.currency or "")
        return ("row", item.id)


@dataclass(frozen=True, slots=True)
class Alerts:
    """A list page of alerts by id, and the id after which the next page begins."""

    alerts: list[Alert]
    after: str | None


def alerts(
    snapshot: Snapshot,
    *,
    finding_class: str | None = None,
    check: str | None = None,
    loan_id: str | None = None,
    after: str = "",
    limit: int | None = 50,
    progress: Progress | None = None,
) -> Alerts:
    """Return the current alerts, `limit` of them or all. If monitoring is switched off there are none.

    `progress` is called now and then with the number of loans that were looked at; what it raises ends it.
    """
    watch = Watch.of(snapshot.sandbox)
    if not watch.enabled:
        return Alerts([], None)
    matching = sorted(
        (
            alert
            for alert in watch.loud(_seen(snapshot, progress))
            if alert.id > after
            and finding_class in (None, alert.finding_class)
            and check in (None, alert.check)
            and loan_id in (None, alert.loan_id)
        ),
        key=lambda alert: alert.id,
    )
    if limit is None or len(matching) <= limit:
        return Alerts(matching, None)
    return Alerts(matching[:limit], matching[limit - 1].id)


def alerts_of_loan(snapshot: Snapshot, loan_id: str, scope: Scope) -> list[Alert]:
    """Return the current alerts about one loan and its money, by their ids; without looking at any other loan.

    With a tolerance that nets by channel, only the loan's own differences are netted.
    """
    watch = Watch.of(snapshot.sandbox)
    if not watch.enabled:
        return []
    seen = [item for check in SANDBOX_CHECKS.values() for item in check(snapshot, scope)]
    seen += [item for case in cases(snapshot, [loan_id]) for check in LOAN_CHECKS.values() for item in check(case)]
    return sorted(watch.loud(seen), key=lambda alert: alert.id)


def _seen(snapshot: Snapshot, progress: Progress | None) -> Iterator[Seen]:
    for sandbox_check in SANDBOX_CHECKS.values():
        yield from sandbox_check(snapshot, ALL)
    for number, case in enumerate(loans_to_look_at(snapshot)):
        if progress is not None and number % AT_ONCE == 0:
            progress(number)
        for check in LOAN_CHECKS.values():
            yield from check(case)


_Class = TypedDict(
    "_Class",
    {
        "class": Annotated[
            Annotated[str, one_of(CLASSES)] | None,
            says("The class of break; null if no two records disagree and something makes no progress."),
        ]
    },
)


class AlertDoc(_Class):
    """Something that needs staff. `class` is null if no two records disagree and something makes no progress."""

    id: Annotated[str, says("The alert's id.")]
    check: Annotated[str, one_of(CHECKS, "The check that raised it.")]
    title: Annotated[str, says("What the check has found, in a sentence in the language of `Accept-Language`.")]
    entity: Annotated[str, says("The entity: a loan, a repayment, a receipt or a payout, by its id.")]
    loan_id: LoanId | None
    channel: ChannelId | None
    amount_minor: Annotated[int, says("The amount in question, in minor units of `currency`; 0 if there is none.")]
    currency: Currency | None
    since: Annotated[str, says("When its cause began. RFC 3339, on the sandbox's clock.")]
    raised_at: Annotated[str, says("When monitoring noticed it. RFC 3339, on the sandbox's clock.")]
    detail: Annotated[str, says("What is wrong, in a sentence in the language of `Accept-Language`.")]


def alert_doc(alert: Alert, language: Language = Language.EN, show: Show = shown) -> AlertDoc:
    """Return an alert as JSON, with its sentences in a language; `show` shows the values in them."""
    return {
        "id": alert.id,
        "check": alert.check,
        "title": translate(language, CHECKS.get(alert.check, alert.check)),
        "class": alert.finding_class,
        "entity": alert.entity,
        "loan_id": alert.loan_id,
        "channel": alert.channel,
        "amount_minor": alert.amount_minor,
        "currency": alert.currency,
        "since": rfc3339(alert.since_ms),
        "raised_at": rfc3339(alert.raised_ms),
        "detail": detail_of(language, alert.detail, show),
    }
