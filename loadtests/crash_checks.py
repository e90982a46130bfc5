"""Checks after the crashes: acknowledged answers against the final state. Pure functions over documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from checks import moment

from mocklend.client import Doc


def lost_and_doubled(
    acknowledged: Iterable[Doc], listed: Mapping[str, Sequence[Doc]], journal: Mapping[str, Sequence[Doc]]
) -> tuple[list[str], list[str]]:
    """Acknowledged repayments that are not on the books as acknowledged, and repayments that are there twice.

    `listed` and `journal` are the repayments and transactions of each loan in the end. Each unanswered request was
    repeated until it was answered, so a repayment without an acknowledgement is one that was carried out twice.
    """
    lost, doubled = [], []
    acknowledgements: Counter[str] = Counter()
    rows = {doc["id"]: doc for docs in listed.values() for doc in docs}
    times = Counter(doc["id"] for docs in listed.values() for doc in docs)
    receipts = {loan_id: live_receipts(transactions) for loan_id, transactions in journal.items()}
    for answer in acknowledged:
        acknowledgements[answer["id"]] += 1
        row = rows.get(answer["id"])
        if row is None or row["status"] != "S" or row["amount_minor"] != answer["amount_minor"]:
            lost.append(f"{answer['id']} of {answer['amount_minor']}: {row['status'] if row else 'not there'}")
            continue
        posted = receipts.get(answer["loan_id"], {}).get(answer["id"], [])
        if not posted or posted[0] != answer["amount_minor"]:
            lost.append(f"{answer['id']} of {answer['amount_minor']}: the journal has {posted}")
        elif len(posted) > 1:
            doubled.append(f"{answer['id']} of {answer['amount_minor']}: the journal has {posted}")
    doubled += [f"{id}: acknowledged for {count} keys" for id, count in acknowledgements.items() if count > 1]
    doubled += [f"{id}: listed {count} times" for id, count in times.items() if count > 1]
    doubled += [f"{id}: on the books without acknowledgement" for id in rows if id not in acknowledgements]
    return lost, doubled


def live_receipts(transactions: Iterable[Doc]) -> dict[str, list[int]]:
    """The amounts that a loan's journal has received by repayment, without those that were reversed."""
    amounts: dict[str, list[int]] = {}
    for transaction in transactions:
        if transaction["kind"] in ("receipt", "receipt_reversal"):
            amount = sum(posting["amount_minor"] for posting in transaction["postings"])
            of_repayment = amounts.setdefault(transaction["ref"], [])
            if transaction["kind"] == "receipt":
                of_repayment.append(amount)
            elif amount in of_repayment:
                of_repayment.remove(amount)
    return amounts


def missing_and_extra(kind: str, answers: Iterable[Doc], there: Iterable[str]) -> tuple[list[str], list[str]]:
    """Acknowledged ids that do not exist, and ids that exist or were acknowledged more than once, or exist only."""
    acknowledged, existing = Counter(answer["id"] for answer in answers), Counter(there)
    lost = [f"{kind} {id}: not there" for id in acknowledged if not existing[id]]
    doubled = [
        f"{kind} {id}: more than once" for id in acknowledged | existing if max(acknowledged[id], existing[id]) > 1
    ]
    return lost, doubled + [f"{kind} {id}: not acknowledged" for id in existing if not acknowledged[id]]


def not_at_the_channel(acknowledged: Iterable[Doc], trades: Iterable[Doc]) -> list[str]:
    """Acknowledged repayments for which the channel has not exactly one successful trade of that amount."""
    trades_of: dict[str, list[tuple[str, int]]] = {}
    for trade in trades:
        trades_of.setdefault(trade["out_trade_no"], []).append((trade["state"], trade["amount_minor"]))
    return [
        f"{answer['id']} of {answer['amount_minor']}: the channel has {trades_of.get(answer['out_trade_no'], [])}"
        for answer in acknowledged
        if trades_of.get(answer["out_trade_no"]) != [("SUCCESS", answer["amount_minor"])]
    ]


def stuck_callbacks(callbacks: Iterable[Doc], now: str) -> list[str]:
    """Callbacks that are stuck: neither finished nor scheduled for a later time."""
    stuck = []
    for callback in callbacks:
        waits = callback["next_attempt_at"] is not None and moment(callback["next_attempt_at"]) > moment(now)
        if callback["state"] not in ("ACKED", "EXHAUSTED") and not waits:
            stuck.append(f"{callback['id']}: {callback['state']}, next at {callback['next_attempt_at']}, now {now}")
    return stuck


def carried_over(repayments: Iterable[Doc], restarts: Sequence[str]) -> int:
    """How many repayments were ordered before a restart and applied after it."""
    at = [moment(restart) for restart in restarts]
    return sum(
        any(moment(doc["created_at"]) < restart <= moment(doc["applied_at"]) for restart in at)
        for doc in repayments
        if doc["applied_at"] is not None
    )
