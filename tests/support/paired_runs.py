"""One story run twice with one seed: once honestly, once with one fault armed at p = 1. The difference is the symptom.

Each kind has a lesson, `lessons/<module>.py`: `story(told)` is what happens, `repair(told)` what a good reconciler does
about it, `SETTINGS` what the fault is armed with, `SANDBOX` what the sandbox is made with. Everything goes over HTTP, as
a client's does. Afterwards every view of both tellings is read, and the views that differ are compared with those that
the fault itself names.

        honest   story ──▶ views ─┐
                                  ├─ the views that differ = Fault.symptom
        faulty   story ──▶ views ─┘ ──▶ repair ──▶ nothing is open, the audit is clean
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import requests

from mocklend.client import Client, Doc, ProblemError, numbered_keys
from mocklend.reconcilers.named import SHIPPED

LESSONS = Path(__file__).resolve().parents[1] / "faults" / "lessons"
START = "2026-01-05T02:00:00Z"
SEED = 7
ZONE = ZoneInfo("Asia/Shanghai")

T = TypeVar("T")
Problem = tuple[int, str]
"""An answer's status and the code of its problem."""


@dataclass
class StoryRun:
    """One telling: a client in a sandbox of its own, and what there is to look at when it is over.

    A story names what it makes with `loan`, `repaid` and `paid`, so that their views are read; the answers it gets$
    itself, or looks at on the way, it puts down with `note`.
    """

    client: Client
    webhooks: list[bytes]
    borrowers: list[str] = field(default_factory=list)
    loans: list[str] = field(default_factory=list)
    repayments: list[str] = field(default_factory=list)
    trades: list[tuple[str, str]] = field(default_factory=list)
    disputes: list[str] = field(default_factory=list)
    notes: dict[str, list[object]] = field(default_factory=dict)

    def borrower(self, reference: str = "ada", name: str = "Ada") -> str:
        """Somebody who may borrow: her id."""
        id: str = self.client.add_borrower(reference, name)["id"]
        self.borrowers.append(id)
        return id

    def loan(
        self,
        borrower_id: str | None = None,
        principal_minor: int = 100_000,
        *,
        product_id: str = "jiebei-like",
        reference: str | None = None,
        auto_debit: bool | None = None,
        disburse_to: str | None = None,
    ) -> str:
        """A loan of hers, Jiebei-like unless told otherwise: its id."""
        who = borrower_id or (self.borrowers[0] if self.borrowers else self.borrower())
        id: str = self.client.borrow(
            who,
            principal_minor,
            product_id=product_id,
            reference=reference,
            auto_debit=auto_debit,
            disburse_to=disburse_to,
        )["id"]
        self.loans.append(id)
        return id

    def repaid(self, repayment: Doc, *, settle: bool = True) -> str:
        """A repayment that was ordered, by default until its channel is done with it: its id."""
        self.repayments.append(repayment["id"])
        self.trades.append((repayment["channel"], repayment["out_trade_no"]))
        if settle:
            self.client.settle(repayment)
        return str(repayment["id"])

    def paid_off(self, loan_id: str, channel: str = "wallet") -> str:
        """The loan is quoted and paid off in full: the repayment's id."""
        return self.repaid(self.client.repay_quote(self.client.quote(loan_id), channel))

    def paid(self, payment: Doc) -> str:
        """A payment at a channel without an order: its out_trade_no."""
        self.trades.append((payment["channel"], payment["out_trade_no"]))
        return str(payment["out_trade_no"])

    def note(self, view: str, call: Callable[[], object]) -> None:
        """Put down what a view shows now, or what a call is answered: a value, a problem, or silence."""
        self.notes.setdefault(view, []).append(self.answer_to(call))

    @staticmethod
    def answer_to(call: Callable[[], T]) -> T | Problem | str:
        """What a call is answered. A problem is an answer too, and so is none."""
        try:
            return call()
        except ProblemError as problem:
            return (problem.status, problem.code)
        except (requests.RequestException, OSError) as silence:
            return f"no answer: {type(silence).__name__}"

    def views(self) -> Doc:
        """What every view shows now, with the earlier notes of a view."""
        client = self.client
        answer: dict[str, Any] = {
            "page": {id: client.loan(id) for id in self.loans},
            "list": client.loans(),
            "instalments": {id: client.instalments(id) for id in self.loans},
            "repayment": {id: client.repayment(id) for id in self.repayments},
            "books": {id: (client.books(id), client.transactions(loan_id=id)) for id in self.loans},
            "receipts": client.receipts(),
            "channel": {no: self.answer_to(partial(client.trade, at, no)) for at, no in self.trades},
            "statement": {(at, day): self._statement(at, day) for at in self._channels() for day in self._days()},
            "webhook": list(self.webhooks),
            "console": {id: (client.edits(id), client.operator_log(id)) for id in self.loans},
            "report": {id: client.credit_report(id) for id in self.borrowers},
            "score": {id: client.credit_score(id, transaction_id="a-last-look") for id in self.borrowers},
            "dispute": {id: client.dispute(id) for id in self.disputes},
        }
        if hasattr(client, "alerts"):
            answer["alerts"] = client.alerts()
        for view, noted in self.notes.items():
            answer[view] = (answer.get(view), noted)
        return answer

    def _channels(self) -> list[str]:
        return sorted({channel for channel, _ in self.trades})

    def _days(self) -> list[str]:
        """The days of the story so far, but for today: its statements are not made yet."""
        today = datetime.fromisoformat(self.client.clock()["now"]).astimezone(ZONE).date()
        first = datetime.fromisoformat(START).astimezone(ZONE).date()
        last = min(today - timedelta(days=1), first + timedelta(days=40))
        return [str(date.fromordinal(n)) for n in range(first.toordinal(), last.toordinal() + 1)]

    def _statement(self, channel: str, day: str) -> object:
        return self.answer_to(lambda: self.client.statement(channel, day))


def looks_twice(run: StoryRun) -> None:
    """A story of one answer: she looks at her loan, and looks again."""
    loan = run.loan()
    run.note("answer", lambda: run.client.loan(loan))
    run.note("page", lambda: run.client.loan(loan))


def pays_again(run: StoryRun) -> None:
    """She pays by her quote; whatever she is answered, she sends the same request again under the same key."""
    quote = run.client.quote(run.loan())
    run.note("answer", lambda: run.client.repay_quote(quote, "wallet", idempotency_key="order-1"))
    run.repaid(run.client.repay_quote(quote, "wallet", idempotency_key="order-1"))


def open_entries(run: StoryRun) -> list[tuple[str, str]]:
    """What the answer key says is wrong; the audit has found exactly that."""
    key = run.client.answer_key(status="active")["entries"]
    audit = run.client.audit()
    named = sorted((entry["expected"]["class"], entry["expected"]["entity"]) for entry in key)
    assert named == sorted((discrepancy["class"], discrepancy["entity"]) for discrepancy in audit["discrepancies"])
    return named


@dataclass(frozen=True)
class Lesson:
    """A kind of fault, and its story."""

    fault: str
    story: Callable[[StoryRun], None]
    repair: Callable[[StoryRun], None]
    settings: Mapping[str, Any]
    match: Mapping[str, Any] | None
    select: Mapping[str, Any] | None
    sandbox: Mapping[str, Any]


@dataclass(frozen=True)
class LessonResult:
    """The result of a lesson."""

    differ: tuple[str, ...]  # views, by name
    key: tuple[Mapping[str, Any], ...]  # the answer key when the story was over
    discrepancies: tuple[Mapping[str, Any], ...]  # the audit's, then
    unobserved: tuple[Mapping[str, Any], ...]  # open entries that no discrepancy shows
    repaired_key: tuple[Mapping[str, Any], ...]
    repaired_audit: Mapping[str, Any]
    honest_audit: Mapping[str, Any]


def lesson_of(fault: str) -> Lesson:
    """The lesson of a kind."""
    module = _module(fault.replace(".", "_"))
    return Lesson(
        fault,
        module.story,
        getattr(module, "repair", lambda run: None),
        getattr(module, "SETTINGS", {}),
        getattr(module, "MATCH", None),
        getattr(module, "SELECT", None),
        getattr(module, "SANDBOX", {}),
    )


@cache
def run_lesson(fault: str, url: str) -> LessonResult:
    """Tell a kind's story both ways on the platform at `url`, look, repair, and look again."""
    lesson = lesson_of(fault)
    with story_run(url, **lesson.sandbox) as honest:
        lesson.story(honest)
        truth, honest_audit = honest.views(), honest.client.audit()
    with story_run(url, **lesson.sandbox) as faulty:
        faulty.client.arm(fault, rule_id="lesson", match=lesson.match, select=lesson.select, **lesson.settings)
        lesson.story(faulty)
        lies, key, audit = faulty.views(), _key(faulty), faulty.client.audit()
        faulty.client.halt()  # A repair is not to be hit as well.
        lesson.repair(faulty)
        repaired_key, repaired_audit = _key(faulty), faulty.client.audit()
    return LessonResult(
        differ=tuple(sorted(view for view in truth.keys() | lies.keys() if truth.get(view) != lies.get(view))),
        key=tuple(key),
        discrepancies=tuple(audit["discrepancies"]),
        unobserved=tuple(audit["unobserved"]),
        repaired_key=tuple(repaired_key),
        repaired_audit=repaired_audit,
        honest_audit=honest_audit,
    )


@cache
def scored(fault: str, url: str) -> Mapping[str, Doc]:
    """Tell a kind's story with the fault, let each reconciler look once when it is over, and score what it finds."""
    lesson = lesson_of(fault)
    with story_run(url, **lesson.sandbox) as run:
        run.client.arm(fault, rule_id="lesson", match=lesson.match, select=lesson.select, **lesson.settings)
        lesson.story(run)
        now = run.client.clock()["now"]
        return {
            name: run.client.score([finding.to_json() for finding in reconcile(run.client)], window={"from": now})
            for name, reconcile in SHIPPED.items()
        }


def _key(run: StoryRun) -> list[Mapping[str, Any]]:
    """What the lesson's own rule did. A story may arm another, in both tellings, to come to where it begins."""
    return [entry for entry in run.client.answer_key()["entries"] if entry["rule"] == "lesson"]


@contextmanager
def story_run(url: str, *, four_eyes_above_minor: int | None = None) -> Iterator[StoryRun]:
    """A story run on the platform at `url`, in a new sandbox with these settings."""
    inbox = _inbox()
    with Client(url) as anyone:
        client = anyone.sandbox(seed=SEED, now=START, four_eyes_above_minor=four_eyes_above_minor)
    client.next_key = numbered_keys()
    inbox.webhooks.clear()
    client.add_webhook_endpoint(inbox.url)
    try:
        yield StoryRun(client, inbox.webhooks)
    finally:
        client.delete_sandbox()
        client.close()


class WebhookInbox:
    """A client's own webhook address, and what has come to it, in that order. Ids of webhooks follow from the address."""

    def __init__(self) -> None:
        bodies: list[bytes] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.webhooks = bodies
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, name="webhooks", daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/"


@cache
def _inbox() -> WebhookInbox:
    return WebhookInbox()


def _module(name: str) -> ModuleType:
    path = LESSONS / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"lesson_{name}", path)
    assert spec is not None, f"no lesson {path}"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
