"""Words that are banned in code, docs, scripts and scenarios: what to use instead, and where they are allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STORIES = "a fault's story keeps its voice"


@dataclass(frozen=True)
class Banned:
    """Words for one thing. In prose they are banned at the start of a sentence too; a name is banned as it is written."""

    words: tuple[str, ...]
    instead: str
    prose: bool = False
    allowed: Mapping[str, str] = field(default_factory=dict)
    """Patterns of paths where they may stand, and the reason."""


def _prose(*words: str, instead: str, allowed: Mapping[str, str] | None = None) -> Banned:
    return Banned(words, instead, prose=True, allowed=allowed or {})


BANNED: tuple[Banned, ...] = (
    # Sentences: what an engineer does not say.
    _prose("how manieth", instead="sequence number"),
    _prose("somebody else than", "anybody else than", "nobody else than", instead="anybody but"),
    _prose("at the least", "at the most", instead="at least, at most"),
    _prose("hang on", "hangs on", "hung on", instead="depend on"),
    _prose("give back", "gives back", "gave back", "given back", "giving back", instead="return"),
    _prose(
        *("one query a kind", "a query a kind", "a statement a name", "one module a noun", "one file a channel"),
        *("one file a kind", "one row a seam", "a row a loan", "a line a size", "a line a turn", "a module a noun"),
        instead="one … per …",
    ),
    _prose("to be found as", instead="finding class"),
    _prose("half as many requests more", instead="50 % more requests"),
    _prose("lock himself out", instead="a fault can always be disarmed"),
    _prose("as ever", instead="as before, as usual", allowed={"faults/mocklend_faults/kinds/*.py": STORIES}),
    _prose("hitherto", "whereupon", "thereof", "wherewith", "therein", "whilst", "lest", instead="plain words"),
    _prose("on the dot", instead="at a fixed rate, at its time"),
    _prose("cannot be meant", instead="is invalid"),
    _prose("put down to", instead="explained by"),
    _prose("has teeth", instead="detects its violation, finds each planted bug"),
    _prose("requests a second", "requests a minute", "ms a loan", instead="per second, per minute, per loan"),
    _prose("the way back took", "the ground gives way", "the ground was gone", instead="recovery, outage"),
    _prose("ladder", "ladders", instead="retry schedule"),
    _prose("front page", instead="status page, first page of the docs"),
    _prose("nightly run", "nightly runs", "nightly look", instead="end of day, end-of-day batch"),
    # Names that have a better one.
    Banned(("TouchLoan",), "EndOfDay"),
    Banned(("Unmet", "Glanced"), "PendingEvent, SkippedRequest"),
    Banned(("Scene", "AtSeam", "to_ask", "passed_over", "passes_over"), "EventContext, RuleIndex, candidates, skipped"),
    Banned(("Warned", "Linted"), "LintWarning, LintResult"),
    Banned(("Lie", "told_ms"), "Break, visible_ms"),
    Banned(("keep_due", "moment_for", "bring_up"), "reschedule, next_fact_time, catch_up_to"),
    Banned(("MarkOutdated", "mark.outdated"), "OverrideOutdated, override.outdated"),
    Banned(("log_act", "VERBS", "Wish", "Allowed"), "log_operator_action, ACTIONS, EditRequest, ValidatedEdit"),
    Banned(
        ("known_loan", "carry_over", "put_on", "chosen_loan"),
        "require_loan, opening_balance, apply_to_loan, matched_loan",
    ),
    Banned(("take_back", "claw_back"), "clawback"),
    Banned(("mark_taken_off", "wrong_mark"), "override_reversed, conflicting_override"),
    Banned(("put_right", "papers_of", "bring_payment_return"), "correct, case_file_of, post_payment_return"),
    Banned(("GIVEN_BACK", "Recorded"), "RETURNED_MONEY, LoanAfterFact"),
    Banned(("lost_left",), "attempts_to_lose"),
    Banned(("COURIERS", "_send_out"), "DELIVERY_WORKERS, dispatch"),
    Banned(("give_back", "say_no", "TOLD_AT_MAX"), "hand_back, print_refusal, RELEASED_MAX"),
    Banned(("Wanted", "Lived"), "SeasonOptions, DatasetOptions, SeasonReport"),
    Banned(("LengthOfTime",), "Duration"),
    Banned(("visitor", "letterbox", "aftermath", "Doubt"), "base_user, webhook_receiver, crash_checks, Violation"),
    Banned(("least_minor", "most_minor"), "amount_minor_min, amount_minor_max"),
    Banned(("--p", "--bound-s", "--look"), "--probability, --min-visible-s, --checked-at"),
    Banned(("mocklend answers",), "mocklend answer-key"),
    Banned(("witness", "Looked", "glance"), "record_in_world, KeyView, may_affect"),
    Banned(("ThreadTurns", "Turns", "Nudge", "Remembered"), "ConcurrencyLimiter, ReplicaRotation, NoOp, ReplayStored"),
    Banned(("LATE_FAILED", "late_failed", "failed_at"), "RETURNED, returned, returned_at"),
    Banned(
        ("late_failure", "channel.late_failure"),
        "payment_return, channel.payment_return",
        allowed={
            "loadtests/recording.py": "the kinds of earlier commits",
            "tests/loadtests/test_same.py": "the words of earlier commits",
            "platform/mocklend/channels/statements/record.py": "channel numbers are derived from it, and stay",
        },
    ),
    Banned(("mark_contradicts_books",), "override_contradicts_books"),
    Banned(("Glimpse", "RequestGlimpse"), "RequestEvent"),
    Banned(("def listens", "def glance", "def heard"), "has_rules_at, may_affect, on_signals"),
    Banned(("@described", "def described"), "operation"),
    Banned(("place_percent", "again_id"), "batch_position_percent, duplicate_id"),
    Banned(("named_loan", "pay_unasked"), "loan_by_reference, pay_unsolicited"),
    Banned(("LADDERS", "LOOKING", "PATIENCE_S"), "the retry schedules, CHECKERS, a timeout"),
    Banned(
        ("requests_most", "users_most", "sandboxes_most", "listed_most", "events_kept_most"),
        "requests_max, users_max, sandboxes_max, listed_max, events_kept_max",
    ),
    Banned(("ms_a_loan", "cpu_ms_a_loan", "way_back_s"), "ms_per_loan, cpu_ms_per_loan, recovery_s"),
    Banned(("Troubles", "last_words", "unshown"), "BadClient, end_of_log, doubts"),
    _prose("late failure", "late failures", instead="payment return"),
    _prose("enquiry", "enquiries", instead="inquiry"),
    Banned(("marked_status", "act_doc", "bound_s"), "override_status, operator_action_doc, min_visible_s"),
    Banned(
        ("mocklend.lender",),
        "mocklend.runtime",
        allowed={"loadtests/writer_sample.py": "also measures earlier commits, which call it so"},
    ),
)
"""Once a word has gone from the code it is put here, so that it does not come back."""
