"""The platform's own monitoring: a reconciliation job and a watch on abnormal states, which can be switched off.

        channels' records ──┐
        books ──────────────┼── checks ── tolerance ──▶ alerts
        pages, bureau ──────┘

It sees what the staff of a real lender could see: never what really happened, never the audit, never the answer key. So
it misses what cannot be seen from there, such as a wrong amount that an operator booked with care. And it
tells what needs somebody's eye though nobody is to blame, such as money whose payer named no loan.

Alerts are worked out when somebody asks, so nothing slows down what clients do, an outage loses none, and asking twice
says the same. An alert is open for as long as its cause is there, and gone after the repair.
"""

from mocklend.monitoring.alerts import Alert, Alerts, Watch, alerts

__all__ = ["Alert", "Alerts", "Watch", "alerts"]
