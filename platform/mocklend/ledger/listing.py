"""The journal as a list, by chain or newest first, and the trial balance: for reconcilers, and for people who look.

A list page walks one index, and looks at SCANNED_MAX transactions at most: where a filter passes over more, the page is
short, and its cursor goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, NamedTuple, TypedDict
from zoneinfo import ZoneInfo

from mocklend.domain.nouns import AmountMinor, Currency, LoanId, NextCursor, says
from mocklend.domain.numbers import INT64_DIGITS, whole_number
from mocklend.domain.problems import Refused
from mocklend.ledger.accounts import ACCOUNTS
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.storage.statements import Value
from mocklend.views.reads import Lists, cursor

SCANNED_MAX = 1_000
"""How many transactions a list page looks at."""
BY_CHAIN, NEWEST = "chain", "newest"
ORDERS = (BY_CHAIN, NEWEST)

_COLUMNS = """chain, seq, id, kind, effective_date, recorded_ms, reverses, ref, period_from, period_to,
    currency, prev_hash, hash"""
_IS_ASKED = """CASE WHEN (:kind = '' OR kind = :kind) AND (:account = '' OR EXISTS (SELECT 1 FROM postings
    WHERE postings.sandbox_id = :sandbox_id AND postings.chain = walked.chain AND postings.seq = walked.seq
    AND (debit = :account OR credit = :account))) THEN 1 ELSE 0 END"""
_WALK = f"""SELECT {_COLUMNS}, {_IS_ASKED} FROM (SELECT {_COLUMNS} FROM transactions
    WHERE sandbox_id = :sandbox_id AND {{where}} ORDER BY {{order}} LIMIT :most) AS walked ORDER BY {{order}}"""
_OLDEST_FIRST, _NEWEST_FIRST = "chain, seq", "recorded_ms DESC, chain DESC, seq DESC"
_POSTINGS = """SELECT debit, credit, amount_minor FROM postings
    WHERE sandbox_id = :sandbox_id AND chain = :chain AND seq = :seq ORDER BY line"""
_BALANCES = """SELECT currency, debit, credit, SUM(amount_minor) FROM transactions
    JOIN postings ON postings.sandbox_id = transactions.sandbox_id AND postings.chain = transactions.chain
     AND postings.seq = transactions.seq
    WHERE transactions.sandbox_id = :sandbox_id AND effective_date <= :as_of GROUP BY currency, debit, credit"""


HASH_RULE = (
    "SHA-256, in lower-case hexadecimal, of these texts joined by |: prev_hash, chain, seq, kind, ref, "
    "effective_date, period_from/period_to (empty where null), reverses (None where null), currency, recorded_at in "
    "milliseconds since 1970, and the postings as debit>credit=amount_minor joined by ;."
)
PREV_HASH_RULE = "The hash of the transaction before it in its chain; 64 zeros for the first."


class PostingDoc(TypedDict):
    """An amount that moves from the account `credit` to the account `debit`."""

    debit: Annotated[str, says("The account that is debited, by its number.")]
    credit: Annotated[str, says("The account that is credited, by its number.")]
    amount_minor: AmountMinor
    currency: Currency


class TransactionDoc(TypedDict):
    """A transaction. `reverses` is the `seq` of the one that it reverses."""

    id: Annotated[str, says("The transaction's id.")]
    loan_id: LoanId | None
    chain: Annotated[str, says("The hash chain that it belongs to: a loan's, or a channel's for money without a loan.")]
    seq: Annotated[int, says("Its number in the chain, from 1, without gaps.")]
    kind: Annotated[str, says("The kind of transaction: a disbursement, a repayment, an accrual, and so on.")]
    effective_date: Annotated[
        str, says("The business day on which it takes effect, like 2026-01-05, in the sandbox's zone.")
    ]
    recorded_at: Annotated[str, says("When it was posted. RFC 3339, on the sandbox's clock.")]
    reverses: Annotated[int | None, says("The `seq` of the transaction that it reverses; null where it reverses none.")]
    ref: Annotated[str, says("The id of its cause: a repayment, an edit or a payout.")]
    period_from: Annotated[str | None, says("The first day of an accrual, like 2026-01-05; null for other kinds.")]
    period_to: Annotated[
        str | None, says("The day on which an accrual ends and the next one begins; null for other kinds.")
    ]
    postings: Annotated[list[PostingDoc], says("Its postings; debits and credits are equal.")]
    prev_hash: Annotated[str, says(PREV_HASH_RULE)]
    hash: Annotated[str, says(HASH_RULE)]


class TransactionList(TypedDict):
    """A list page of the journal."""

    transactions: Annotated[list[TransactionDoc], says("The transactions of this list page.")]
    next_cursor: NextCursor | None


def transactions(
    reader: SandboxReader,
    *,
    loan_id: str | None = None,
    account: str | None = None,
    kind: str | None = None,
    recorded_ms: tuple[int, int] | None = None,
    order: str = BY_CHAIN,
    after: str = "",
    limit: int = 50,
) -> TransactionList:
    """A list page of the journal: ordered by chain and number, or the newest first.

    `account` is one that a posting moves; `recorded_ms` the first moment that counts and the first that does not.
    """
    values: dict[str, Value] = {"kind": kind or "", "account": account or ""}
    conditions = ["1 = 1"]
    if after:
        conditions.append(_behind(after, order, values))
    if loan_id is not None:
        conditions.append("chain = :loan_id")
        values["loan_id"] = loan_id
    if recorded_ms is not None:
        conditions.append("recorded_ms >= :from_ms AND recorded_ms < :before_ms")
        values["from_ms"], values["before_ms"] = recorded_ms
    filtered = account is not None or kind is not None
    most = SCANNED_MAX if filtered else limit + 1
    sql = _WALK.format(where=" AND ".join(conditions), order=_NEWEST_FIRST if order == NEWEST else _OLDEST_FIRST)
    walked = reader.rows(_Walked, sql, most=max(most, limit + 1), **values)
    asked = [row for row in walked if row.is_asked]
    page = asked[:limit]
    last = page[-1] if len(asked) > limit else walked[-1] if filtered and len(walked) >= most else None
    return {
        "transactions": [_transaction(reader, row) for row in page],
        "next_cursor": cursor(Lists.JOURNAL.ordered(order), _place(last, order)) if last is not None else None,
    }


def _place(row: _Walked, order: str) -> str:
    return f"{row.recorded_ms}/{row.chain}/{row.seq}" if order == NEWEST else f"{row.chain}/{row.seq}"


def _behind(after: str, order: str, values: dict[str, Value]) -> str:
    """The condition of what comes after a place in the list. Raises Refused `validation_failed`."""
    rest, _, seq = after.rpartition("/")
    moment, chain = rest.split("/", 1) if order == NEWEST and "/" in rest else ("0", rest)
    after_seq, after_ms = (whole_number(number, INT64_DIGITS) for number in (seq, moment))
    if after_seq is None or after_ms is None:
        raise Refused("validation_failed", "the cursor is invalid", received=after[:64])
    values |= {"after_chain": chain, "after_seq": after_seq}
    if order == NEWEST:
        values["after_ms"] = after_ms
        return "(recorded_ms, chain, seq) < (:after_ms, :after_chain, :after_seq)"
    return "(chain, seq) > (:after_chain, :after_seq)"


def day_of(snapshot: Snapshot, day: date) -> tuple[int, int]:
    """The first moment (ms) of a business day in the sandbox's zone, and that of the next day."""
    zone = ZoneInfo(snapshot.sandbox.zone)
    next_day = day + timedelta(days=1) if day < date.max else day  # Nothing is posted on the calendar's last day.
    first, next_ = (
        (datetime.combine(each, time(), zone) - _EPOCH) // timedelta(milliseconds=1) for each in (day, next_day)
    )
    return first, next_


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BalanceDoc(TypedDict):
    """What an account has in one currency."""

    account: Annotated[str, says("The account, by its number; a channel's has its id after a colon.")]
    name: Annotated[str, says("What the account is for.")]
    currency: Currency
    debit_minor: Annotated[int, says("The sum of all its debits, in minor units.")]
    credit_minor: Annotated[int, says("The sum of all its credits, in minor units.")]
    balance_minor: Annotated[int, says("Debits less credits, in minor units.")]


class TrialBalance(TypedDict):
    """Every account's balance. The balances of a currency add up to 0."""

    as_of: Annotated[str | None, says("The last business day that is included, like 2026-01-05; null for all.")]
    balanced: Annotated[bool, says("Whether the balances of each currency add up to 0.")]
    balances: Annotated[list[BalanceDoc], says("The balances, by currency and account.")]


def trial_balance(reader: SandboxReader, as_of: date | None = None) -> TrialBalance:
    """The sums of all accounts, by the days on which transactions take effect. It reads the whole journal."""
    until = date.max.isoformat() if as_of is None else as_of.isoformat()
    debits: dict[tuple[str, str], int] = {}
    credits_: dict[tuple[str, str], int] = {}
    for currency, debit, credit, minor in reader.rows(_Moved, _BALANCES, as_of=until):
        debits[currency, debit] = debits.get((currency, debit), 0) + int(minor)
        credits_[currency, credit] = credits_.get((currency, credit), 0) + int(minor)
    balances = [
        BalanceDoc(
            account=account,
            name=ACCOUNTS.get(account.partition(":")[0], ""),
            currency=currency,
            debit_minor=debits.get((currency, account), 0),
            credit_minor=credits_.get((currency, account), 0),
            balance_minor=debits.get((currency, account), 0) - credits_.get((currency, account), 0),
        )
        for currency, account in sorted({*debits, *credits_})
    ]
    return {
        "as_of": None if as_of is None else as_of.isoformat(),
        "balanced": _is_balanced(balances),
        "balances": balances,
    }


def _is_balanced(balances: Sequence[BalanceDoc]) -> bool:
    sums: dict[str, int] = {}
    for balance in balances:
        sums[balance["currency"]] = sums.get(balance["currency"], 0) + balance["balance_minor"]
    return not any(sums.values())


class _Moved(NamedTuple):
    currency: str
    debit: str
    credit: str
    amount_minor: int


class _Walked(NamedTuple):
    chain: str
    seq: int
    id: str
    kind: str
    effective_date: str
    recorded_ms: int
    reverses: int | None
    ref: str
    period_from: str | None
    period_to: str | None
    currency: str
    prev_hash: str
    hash: str
    is_asked: int


class _Posting(NamedTuple):
    debit: str
    credit: str
    amount_minor: int


def _transaction(reader: SandboxReader, row: _Walked) -> TransactionDoc:
    chain, seq, id, kind, on, recorded_ms, reverses, ref, start, stop, currency, prev, digest, _ = row
    postings = reader.rows(_Posting, _POSTINGS, chain=chain, seq=seq)
    return {
        "id": id,
        "loan_id": chain if chain.startswith("loan_") else None,
        "chain": chain,
        "seq": seq,
        "kind": kind,
        "effective_date": on,
        "recorded_at": rfc3339(recorded_ms),
        "reverses": reverses,
        "ref": ref,
        "period_from": start,
        "period_to": stop,
        "postings": [
            {"debit": debit, "credit": credit, "amount_minor": amount, "currency": currency}
            for debit, credit, amount in postings
        ],
        "prev_hash": prev,
        "hash": digest,
    }
