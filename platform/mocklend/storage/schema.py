"""The tables. `sandbox_id` leads every key and index, so that a sandbox is a shard.

WORLD (`world_facts`, `trades`), BOOKS (`transactions`, `postings`, `book_facts`, `loans`) and VIEWS (`loan_views`) are
apart. What is appended is guarded by triggers in `engines.py`: no update, and no delete while the sandbox lives.
Times are milliseconds UTC, money is minor units, dates are ISO text, JSON is text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    column,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text(name: str, *, null: bool = False) -> Column[str]:
    """A text column."""
    return Column(name, Text, nullable=null)


def whole(name: str, *, null: bool = False) -> Column[int]:
    """A 64-bit integer column: money, milliseconds, counts."""
    return Column(name, BigInteger, nullable=null)


def falling_due(at: str, id: str) -> Index:
    """The index behind a branch of `due.py`: what is due, in its order, with no sorting of all that is due at once.

    Most rows have no due time any more; they are not in it.
    """
    waits = column(at).is_not(None)
    return Index(None, "sandbox_id", at, id, sqlite_where=waits, postgresql_where=waits)


sandboxes = Table(
    "sandboxes",
    metadata,
    text("id"),
    text("key_hash"),
    whole("seed"),
    text("zone"),
    text("mode"),
    whole("sandbox_ms"),
    whole("real_ms"),
    whole("speed"),
    whole("rules_version"),
    text("endpoints"),
    whole("created_ms"),
    whole("four_eyes_above_minor", null=True),  # acts of staff above this need a second person; null: none do
    whole("monitored"),  # 1 if the platform's own monitoring is on
    whole("tolerance_minor"),  # differences of money up to this raise no alert
    text("net_by"),  # none, loan, channel: what differences are set against each other before that
    whole("target_ms", null=True),  # how far a manual clock has been told to go; it may be on its way there
    whole("resets"),
    text("callback_secrets"),  # JSON: by channel
    PrimaryKeyConstraint("id"),
    UniqueConstraint("key_hash"),
)

sandbox_uses = Table(
    "sandbox_uses",  # apart from the sandbox's row: it is written while nobody decides anything
    metadata,
    text("sandbox_id"),
    whole("used_ms"),  # real time, to the minute, at which a request was last made in it
    PrimaryKeyConstraint("sandbox_id"),
)

real_time = Table(
    "real_time",
    metadata,
    Column("id", Integer, nullable=False),
    whole("ms"),  # the latest real time that a process on this database has shown
    PrimaryKeyConstraint("id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    text("sandbox_id"),
    text("key"),
    text("fingerprint"),
    Column("status", Integer, nullable=False),
    text("body"),
    whole("created_ms"),
    PrimaryKeyConstraint("sandbox_id", "key"),
)

borrowers = Table(
    "borrowers",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("reference"),
    text("name"),
    whole("credit_limit_minor"),
    whole("created_ms"),
    PrimaryKeyConstraint("sandbox_id", "id"),
)

loans = Table(
    "loans",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("borrower_id"),
    text("reference"),
    text("currency"),
    text("product_id", null=True),
    text("product"),
    whole("principal_minor"),
    text("start_date"),
    text("disburse_channel"),
    whole("auto_debit"),  # 1 if what is due is debited on the due date
    whole("created_ms"),
    # The books' projection: replay of the loan's facts, kept so that a command need not replay them all.
    whole("version"),
    text("status"),
    whole("outstanding_principal_minor"),
    text("state"),
    whole("next_seq"),
    text("head_hash"),
    whole("edits"),
    text("status_override", null=True),  # JSON: the edit that set the status by hand, until the books derive another
    text("view_versions"),  # JSON: the versions that are on the page or on their way to it
    whole("disbursed_ms", null=True),
    whole("due_ms", null=True),
    whole("debit_ms", null=True),
    whole("missed_ms", null=True),  # when a nightly run left it out that should have brought it up to its day
    whole("cleared_version", null=True),  # the version at which it was last paid off, whatever came after
    PrimaryKeyConstraint("sandbox_id", "id"),
    Index(None, "sandbox_id", "borrower_id"),
    falling_due("due_ms", "id"),
    falling_due("debit_ms", "id"),
)

quotes = Table(
    "quotes",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("loan_id"),
    text("type"),
    text("date"),
    whole("total_minor"),
    whole("valid_until_ms"),
    whole("version"),
    PrimaryKeyConstraint("sandbox_id", "id"),
)

repayments = Table(
    "repayments",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("loan_id"),
    text("status"),
    whole("amount_minor"),
    text("currency"),
    text("channel"),
    text("type"),
    text("quote_id", null=True),
    text("payer_reference", null=True),
    text("channel_trade_no", null=True),
    whole("applied_minor"),
    whole("overpaid_minor"),
    whole("created_ms"),
    whole("paid_ms", null=True),
    whole("applied_ms", null=True),
    text("booked_type", null=True),  # what it is booked as, and the moment that it is booked at
    whole("booked_ms", null=True),
    whole("bookings"),  # how often it was booked
    text("reversal_id", null=True),  # the reversal that took it off its loan
    whole("debit_ms", null=True),  # the attempt of a debit that it is; null where somebody has ordered it
    text("asked_key", null=True),  # the Idempotency-Key of the request that ordered it
    PrimaryKeyConstraint("sandbox_id", "id"),
    Index(None, "sandbox_id", "loan_id", "created_ms"),
)

edits = Table(
    "edits",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("loan_id"),
    whole("n"),  # of those that came over the operator plane; what the desk marks carries the number before it
    text("edit_kind"),
    whole("amount_minor", null=True),
    text("status", null=True),
    text("memo"),
    text("operator"),
    text("approver", null=True),
    text("state"),
    text("before"),
    text("after"),  # JSON; null while it is a draft
    whole("created_ms"),
    text("channel", null=True),
    text("due_date", null=True),
    whole("applied_ms", null=True),
    whole("to_approve_minor", null=True),  # what it is about, where a second person had to look at it
    PrimaryKeyConstraint("sandbox_id", "id"),
    Index(None, "sandbox_id", "loan_id", "n"),
    Index(None, "sandbox_id", "state", "id"),
)

# What staff did, in order: who, why, and the bill before and after. Appended, never changed.
acts = Table(
    "acts",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("loan_id"),
    whole("version"),
    text("verb"),
    text("about"),
    text("memo", null=True),
    text("operator"),
    text("approver", null=True),
    text("before"),
    text("after"),
    whole("at_ms"),
    PrimaryKeyConstraint("sandbox_id", "id"),
    Index(None, "sandbox_id", "loan_id", "at_ms"),
)

transactions = Table(
    "transactions",
    metadata,
    text("sandbox_id"),
    text("chain"),  # the loan, or the channel where there is no loan
    whole("seq"),
    text("id"),
    text("kind"),
    text("effective_date"),
    whole("recorded_ms"),
    whole("reverses", null=True),
    text("ref"),
    text("period_from", null=True),
    text("period_to", null=True),
    text("currency"),
    text("prev_hash"),
    text("hash"),
    PrimaryKeyConstraint("sandbox_id", "chain", "seq"),
    UniqueConstraint("sandbox_id", "id"),
    UniqueConstraint("sandbox_id", "chain", "reverses"),
)

# One row moves an amount from one account to another, so an unbalanced transaction cannot even be written down.
postings = Table(
    "postings",
    metadata,
    text("sandbox_id"),
    text("chain"),
    whole("seq"),
    whole("line"),
    text("debit"),
    text("credit"),
    whole("amount_minor"),
    PrimaryKeyConstraint("sandbox_id", "chain", "seq", "line"),
    ForeignKeyConstraint(
        ["sandbox_id", "chain", "seq"], ["transactions.sandbox_id", "transactions.chain", "transactions.seq"]
    ),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("debit <> credit", name="two_accounts"),
)


def facts_table(name: str, *more: UniqueConstraint) -> Table:
    """WORLD and BOOKS hold facts of one shape: one `replay` reads both."""
    return Table(
        name,
        metadata,
        text("sandbox_id"),
        text("loan_id"),
        text("id"),
        text("kind"),
        whole("at_ms"),
        text("effective_date"),
        whole("amount_minor"),
        text("channel", null=True),
        text("scope", null=True),
        text("edit_kind", null=True),
        text("status", null=True),
        text("reverses", null=True),
        text("due_date", null=True),
        whole("landed"),  # 1 if the money was booked as unapplied before
        whole("recorded_ms"),
        whole("version"),  # of the loan, from when on the books have it; 0 in the world
        PrimaryKeyConstraint("sandbox_id", "loan_id", "id"),
        *more,
    )


# Money whose payer named no loan is in the world under no loan (""), and under one once somebody knows better.
world_facts = facts_table("world_facts")
book_facts = facts_table("book_facts", UniqueConstraint("sandbox_id", "id"))

# Where the journal of a channel stands: money without a loan is booked there, numbered and chained like a loan's.
chains = Table(
    "chains",
    metadata,
    text("sandbox_id"),
    text("id"),
    whole("next_seq"),
    text("head_hash"),
    PrimaryKeyConstraint("sandbox_id", "id"),
)

# What came in without an order of ours: a push payment, known by what its payer typed.
receipts = Table(
    "receipts",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("state"),
    text("loan_id", null=True),
    text("channel"),
    text("out_trade_no"),
    text("channel_trade_no"),
    whole("amount_minor"),
    text("currency"),
    text("scope"),
    text("payer_name"),
    text("payer_reference"),
    whole("landed"),  # 1 if it was booked on the channel's chain, as unapplied
    whole("paid_ms"),
    whole("received_ms"),
    whole("applied_ms", null=True),
    whole("matches"),  # how often an operator has put it on a loan
    # JSON: the loan that the operator meant, and those that were meant before; for the world alone
    text("world_assignment", null=True),
    PrimaryKeyConstraint("sandbox_id", "id"),
    Index(None, "sandbox_id", "state"),
)

trades = Table(
    "trades",
    metadata,
    text("sandbox_id"),
    text("id"),  # the out_trade_no
    text("loan_id"),
    text("repayment_id"),
    text("channel"),
    text("channel_trade_no", null=True),
    text("state"),
    whole("amount_minor"),
    text("currency"),
    text("payer_name", null=True),
    text("payer_reference", null=True),
    text("scope"),
    whole("created_ms"),
    whole("paid_ms", null=True),
    whole("due_ms", null=True),
    whole("failed_ms", null=True),  # when the channel took the money back
    whole("return_due_ms", null=True),  # when it will
    whole("notifies"),  # 0 if it will say nothing of that
    PrimaryKeyConstraint("sandbox_id", "id"),
    falling_due("due_ms", "id"),
    falling_due("return_due_ms", "id"),
    Index(None, "sandbox_id", "channel_trade_no"),
    Index(None, "sandbox_id", "channel", "paid_ms"),
)

# A channel's statement file of a day as it was made, once somebody had asked for it; what is in it is its record's.
statement_files = Table(
    "statement_files",
    metadata,
    text("sandbox_id"),
    text("id"),  # channel, day and currency
    text("channel"),
    text("day"),
    text("currency"),
    whole("made"),  # how many times
    whole("ready_ms"),
    whole("kept_percent"),  # of its bytes; below 100 it breaks off
    whole("repeated_rows"),  # how many of its first rows stand at its end again
    whole("recoded"),  # 1 if it is in another encoding than is announced
    PrimaryKeyConstraint("sandbox_id", "id"),
)

callbacks = Table(
    "callbacks",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("loan_id"),
    text("repayment_id"),
    text("out_trade_no"),
    text("channel"),
    text("state"),
    whole("attempts"),
    whole("attempts_to_lose"),
    text("log"),
    whole("queued_ms"),
    whole("due_ms", null=True),
    whole("acked_ms", null=True),
    whole("applied_ms", null=True),
    PrimaryKeyConstraint("sandbox_id", "id"),
    falling_due("due_ms", "id"),
)

payouts = Table(
    "payouts",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("loan_id"),
    text("purpose"),
    text("channel"),
    whole("amount_minor"),
    text("currency"),
    text("state"),
    whole("created_ms"),
    whole("paid_ms", null=True),
    whole("due_ms", null=True),
    PrimaryKeyConstraint("sandbox_id", "id"),
    falling_due("due_ms", "id"),
    Index(None, "sandbox_id", "loan_id"),
    Index(None, "sandbox_id", "channel", "paid_ms"),
)

webhooks = Table(
    "webhooks",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("endpoint_id"),
    text("loan_id"),
    text("event"),
    text("body"),
    text("state"),
    whole("attempts"),
    text("log"),
    whole("queued_ms"),
    whole("due_ms", null=True),
    whole("acked_ms", null=True),
    PrimaryKeyConstraint("sandbox_id", "id"),
    falling_due("due_ms", "id"),
    # What is due at one endpoint, however much is due at another that does not answer.
    Index(
        None, "sandbox_id", "endpoint_id", "due_ms", "id",
        sqlite_where=column("due_ms").is_not(None), postgresql_where=column("due_ms").is_not(None),
    ),
)  # fmt: skip

loan_views = Table(
    "loan_views",
    metadata,
    text("sandbox_id"),
    text("loan_id"),
    whole("version"),
    whole("made_ms"),
    whole("visible_ms"),  # on the page; the next three have their own moments
    whole("list_ms"),
    whole("instalments_ms"),
    whole("replica_ms"),
    whole("back_ms"),  # from here until `again_ms` what is older is seen again
    whole("again_ms"),
    whole("due_ms", null=True),  # when nothing older is seen any more: set until then
    text("status"),
    text("borrower_id"),
    text("doc"),
    text("state"),
    PrimaryKeyConstraint("sandbox_id", "loan_id", "version"),
    falling_due("due_ms", "loan_id"),
)

# What the credit bureau is told. An account is a loan as its lender reports it; `due_ms` is when it is next looked at.
bureau_accounts = Table(
    "bureau_accounts",
    metadata,
    text("sandbox_id"),
    text("id"),  # the loan
    text("borrower_id"),
    whole("due_ms", null=True),
    whole("version"),  # how many records there are
    text("status", null=True),  # as last reported
    text("months"),
    text("last_month", null=True),
    text("disputes"),  # JSON: the disputes that have marked it
    whole("correct_ms", null=True),  # when a correction was asked for that is not reported yet
    text("correct_reason", null=True),
    whole("ordered_ms", null=True),  # when a correction was last asked for, reported or not
    whole("published_ms", null=True),  # when the newest record is, or will be: files are taken in order
    PrimaryKeyConstraint("sandbox_id", "id"),
    falling_due("due_ms", "id"),
)

bureau_records = Table(
    "bureau_records",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("loan_id"),
    text("borrower_id"),
    whole("version"),
    text("cause"),  # monthly, change, correction
    text("reason", null=True),
    text("as_of"),
    text("status"),
    text("five_class"),
    whole("days_overdue"),
    whole("balance_minor"),
    whole("overdue_minor"),
    text("months"),
    text("last_month"),
    text("line"),  # of the submission file
    whole("cut_ms"),  # it tells what the books knew before this moment
    whole("submitted_ms"),
    whole("published_ms"),
    PrimaryKeyConstraint("sandbox_id", "id"),
    UniqueConstraint("sandbox_id", "loan_id", "version"),
    Index(None, "sandbox_id", "borrower_id"),
    Index(None, "sandbox_id", "as_of"),
)

score_answers = Table(
    "score_answers",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("borrower_id"),
    text("transaction_id"),
    text("body"),
    whole("refreshed_ms"),
    whole("answered_ms"),
    PrimaryKeyConstraint("sandbox_id", "id"),
)

partner_copies = Table(
    "partner_copies",
    metadata,
    text("sandbox_id"),
    text("id"),  # the partner and the borrower
    text("partner"),
    text("borrower_id"),
    text("report"),
    text("score"),
    whole("pulled_ms"),
    whole("decided"),  # how many applications this partner has decided
    PrimaryKeyConstraint("sandbox_id", "id"),
)

applications = Table(
    "applications",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("partner"),
    text("borrower_id"),
    text("product"),
    whole("amount_minor"),
    text("decision"),
    text("reasons"),
    whole("report_version"),
    text("score"),
    whole("n"),  # the how manieth of this borrower with this partner
    whole("asked_anew"),  # 1 if a fresh report was asked for
    whole("pulled_ms"),  # when the copy was pulled that decided it
    whole("created_ms"),
    PrimaryKeyConstraint("sandbox_id", "id"),
    Index(None, "sandbox_id", "borrower_id"),
)

# A borrower's claim that a record is wrong, with the evidence for it. JSON: evidence, findings, progress, decision,
# corrections. `due_ms` is when the clock looks at it: its deadline, then the payout of its compensation.
disputes = Table(
    "disputes",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("loan_id"),
    text("claim"),
    text("statement", null=True),
    text("evidence"),
    text("findings"),
    text("state"),
    text("progress"),
    text("decision", null=True),
    text("corrections"),
    text("left_to_do"),  # what is left to do before it is corrected, as of the last correction
    whole("corrected_version", null=True),  # the version of the loan that was right when it was last CORRECTED
    text("disagreement", null=True),  # what a borrower who was told no puts on record
    whole("compensation_minor"),
    text("compensation_id", null=True),  # the fact that was promised, posted or not
    text("payout_id", null=True),
    whole("marked"),  # 1 while the credit report shows it
    whole("breached"),  # 1 if it was not answered in time
    whole("created_ms"),
    whole("answer_by_ms"),
    whole("taken_up_ms"),  # when the desk gets to it
    whole("due_ms", null=True),
    PrimaryKeyConstraint("sandbox_id", "id"),
    Index(None, "sandbox_id", "loan_id"),
    falling_due("due_ms", "id"),
)

# Paper that says a loan is settled, with the transaction that it rests on.
certificates = Table(
    "certificates",
    metadata,
    text("sandbox_id"),
    text("id"),
    text("loan_id"),
    text("number"),
    whole("issued_ms"),
    whole("journal_seq"),
    text("journal_hash"),
    whole("principal_minor"),
    text("currency"),
    text("settled_on"),
    text("text_zh"),
    text("text_en"),
    PrimaryKeyConstraint("sandbox_id", "id"),
    Index(None, "sandbox_id", "loan_id"),
)
