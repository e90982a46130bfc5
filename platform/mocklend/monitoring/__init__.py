"""The platform's own monitoring: a reconciliation job and checks of abnormal states, which can be switched off.

        channels' records ──┐
        books ──────────────┼── checks ── tolerance ──▶ alerts
        pages, bureau ──────┘

It sees what the staff of a real lender could see: never the world, the audit or the answer key. So it misses what
cannot be seen from there, such as a wrong amount that an operator booked with care. And it reports what needs staff
although nothing is wrong, such as money whose payer named no loan.

Alerts are computed on request, so that they do not slow down clients, an outage loses none, and the same request has
the same answer. An alert is open as long as its cause exists, and gone after the repair.
"""

from mocklend.monitoring.alerts import Alert, Alerts, Watch, alerts

__all__ = ["Alert", "Alerts", "Watch", "alerts"]
