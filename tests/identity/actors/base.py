"""The base of all actors of the identity: a sandbox of their own, and the invariants after each step."""

from __future__ import annotations

import os
import queue
import tempfile
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from mocklend.audit import subjects
from mocklend.audit.jobs import audited
from mocklend.channels.statements.invariant import check_statements
from mocklend.client import Doc, merged_audits
from mocklend.domain.days import DayCount, TermUnit
from mocklend.domain.problems import Refused
from mocklend.domain.product import PRODUCTS, Method, PayoffInterest, Penalty, PenaltyBase, Product
from mocklend.domain.statuses import EntryStatus
from mocklend.lending import AddBorrower
from mocklend.runtime import Platform
from mocklend.seams.api_answer import ApiAnswer
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.work import Answer, Command, Idempotency
from mocklend.views.page_cache import StatusPages
from mocklend.views.page_reader import PageReader, ReadPage
from mocklend.views.reads import page_text
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.answer_key import KeyFilter, entries
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.fault import Fault

OF_ANSWERS = tuple(kind for kind in installed().values() if kind.seams() == (ApiAnswer.seam,))
"""Kinds that act on one answer. They have a rule of their own, so that the lasting kinds are armed often enough."""
KINDS = tuple(kind for kind in installed().values() if kind not in OF_ANSWERS)
START_MS = 1_767_578_400_000  # 2026-01-05, 10:00 in Shanghai
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
STEPS_A_STORY = 50
LONG_S = 30
LATER_MS = (SECOND, HOUR, DAY, 3 * DAY, 40 * DAY)
"""How much later a sandbox is audited as it is, without what falls due meanwhile."""

SHORT = Product(method=Method.EQUAL_INSTALMENT, terms=3, rate="0.18")
WEEKLY = Product(
    method=Method.EQUAL_INSTALMENT,
    terms=4,
    rate="0.36",
    term_unit=TermUnit.DAY,
    term_length=7,
    day_count=DayCount.THIRTY_360,
)
PAY_TO_THE_END = Product(
    method=Method.EQUAL_INSTALMENT,
    terms=2,
    rate="0.24",
    payoff_interest=PayoffInterest.UNTIL_PERIOD_END,
    penalty=Penalty("1.5", PenaltyBase.PRINCIPAL_AND_INTEREST),
)
OFFERED = {"jiebei-like": PRODUCTS["jiebei-like"], "short": SHORT, "weekly": WEEKLY, "to-the-end": PAY_TO_THE_END}

PLATFORMS: list[Platform] = []
DATABASES: list[str] = []
"""The URL of the database for the platform of all stories, if there is one."""
_folders: list[tempfile.TemporaryDirectory[str]] = []  # Each is removed when the process ends.


PROCESSES = [1]
"""How many processes serve the stories: on PostgreSQL there may be several, of which each request goes to the next."""


def open_platforms() -> None:
    """Open one platform, or several, for all stories; each story has a sandbox of its own.

    They are on SQLite in a folder of its own, or where `DATABASES` or `MOCKLEND_TEST_POSTGRES` says.
    """
    while len(PLATFORMS) < PROCESSES[0]:
        database = DATABASES[-1] if DATABASES else os.environ.get("MOCKLEND_TEST_POSTGRES")
        if not database:
            _folders.append(tempfile.TemporaryDirectory(prefix="mocklend-identity-", ignore_cleanup_errors=True))
            database = str(Path(_folders[-1].name) / "identity.db")
        alone = PROCESSES[0] == 1
        PLATFORMS.append(Platform(database, FaultLayer((*KINDS, *OF_ANSWERS)), fast=True, alone=alone))


@cache
def status_pages(platform: Platform) -> StatusPages:
    """The platform's status pages as the hot path reads and keeps them."""
    return StatusPages(platform.engine, platform.pages)


@cache
def page_reader(platform: Platform) -> PageReader:
    """The reader of the platform's status pages on PostgreSQL."""
    return PageReader(platform.engine, platform.real_ms, within_s=LONG_S)


def hot_page(platform: Platform, sandbox_id: str, loan_id: str) -> bytes | None:
    """A status page as the hot path sends it; None if it leaves it to Flask."""
    if not platform.known.shared:
        return status_pages(platform).body(sandbox_id, loan_id, platform.real_ms())
    received: queue.Queue[ReadPage | None] = queue.Queue()
    assert page_reader(platform).ask(sandbox_id, loan_id, received.put)
    read = received.get(timeout=LONG_S)
    return None if read is None or read.page is None else read.page.body


class _LoanId(NamedTuple):
    id: str


def outdated_pages(platform: Platform, sandbox_id: str) -> list[tuple[str, str, str]]:
    """The loans whose status page is another one on the hot path than in the database: id, and both documents."""
    differing = []
    with platform.snapshot(sandbox_id) as snapshot:
        for [loan_id] in snapshot.rows(_LoanId, "SELECT id FROM loans WHERE sandbox_id = :sandbox_id"):
            hot, plain = hot_page(platform, sandbox_id, loan_id), page_text(snapshot, loan_id)
            if hot is not None and hot.decode() != plain:
                differing.append((loan_id, hot.decode(), plain))
    return differing


def settings_of(kind: type[Fault], turn: int) -> Doc:
    """Settings of a kind, by turns: its defaults, its options one after the other, numbers from small to large."""
    if turn == 0:
        return {}
    chosen: dict[str, Any] = {}
    for n, field in enumerate(fields(kind)):
        bounds, at = field.metadata, turn + n
        if bounds["options"]:
            chosen[field.name] = bounds["options"][at % len(bounds["options"])]
        elif bounds["nullable"] and at % 3 == 0:
            chosen[field.name] = None
        elif not isinstance(field.default, bool):
            chosen[field.name] = min(bounds["le"], max(bounds["ge"], (1, 2, 60, 3_600, 864_000)[at % 5]))
    return chosen


def discrepancies(platform: Platform, sandbox_id: str) -> list[tuple[str, str, int]]:
    """The left-hand side: (class, entity, amount) of every discrepancy that the audit sees."""
    return sorted(
        (discrepancy.finding.finding_class, discrepancy.finding.entity, discrepancy.finding.amount_minor)
        for discrepancy in platform.audit(sandbox_id).discrepancies
    )


def _comparable(audit: Doc) -> Doc:
    """An audit in one order, without the entries that it does not observe: one that continues another names none."""
    return {**audit, "in_transit": sorted(audit["in_transit"], key=repr), "unobserved": []}


def open_entries(platform: Platform, sandbox_id: str) -> list[tuple[str, str, int]]:
    """The right-hand side: what the answer key expects a reconciler to find, now."""
    with platform.snapshot(sandbox_id) as snapshot:
        key = entries(snapshot, KeyFilter(status=EntryStatus.ACTIVE))
    return sorted((entry.finding.finding_class, entry.finding.entity, entry.finding.amount_minor) for entry in key)


class Base(RuleBasedStateMachine):
    """A story in a sandbox of its own; it holds the two sides of the identity against each other."""

    steps = 0

    @initialize(seed=st.integers(0, 2**32), four_eyes=st.sampled_from([None, None, 0, 2_000]))
    def open_sandbox(self, seed: int, four_eyes: int | None) -> None:
        open_platforms()
        self.turn = 0
        self.sandbox = self.platform.create_sandbox(
            seed=seed, mode="manual", now_ms=START_MS, four_eyes_above_minor=four_eyes
        )
        self.id = self.sandbox.id
        self.now_ms = START_MS
        self.keys = 0
        self.loans: list[str] = []
        self.repayments: list[str] = []
        self.edits: list[str] = []
        self.disputes: list[str] = []
        self.rule_ids: list[str] = []
        self.repeatable: list[tuple[Command, Answer]] = []
        self.last_audit: Doc | None = None
        self.taken = 0
        self.ada = self.run(AddBorrower(self.id, "ada", "Ada", 10**12)).body["id"]

    @property
    def platform(self) -> Platform:
        """The platform of the process that takes what comes next: each in turn."""
        self.turn += 1
        return PLATFORMS[self.turn % len(PLATFORMS)]

    def key(self) -> Idempotency:
        self.keys += 1
        return Idempotency(f"key-{self.keys}", f"fingerprint-{self.keys}")

    def run(self, command: Command) -> Answer:
        return self.platform.run(command)

    def attempt(self, command: Command) -> Answer | None:
        """Refusals are fine, and change nothing: the invariant looks. Anything else is a bug."""
        try:
            answer = self.run(command)
        except Refused:
            return None
        self.repeatable.append((command, answer))
        return answer

    @invariant()
    def identity_holds(self) -> None:
        if not hasattr(self, "id"):
            return
        type(self).steps += 1
        left, right = discrepancies(self.platform, self.id), open_entries(self.platform, self.id)
        assert left == right, f"the audit sees {left}, the answer key says {right}; {self.in_words(left, right)}"
        differing = outdated_pages(self.platform, self.id)
        assert not differing, f"a kept status page is not the page of the database: {differing}"
        self.taken += 1
        if self.taken % 3 == 0:  # Of one change, and of several.
            self.audits_merge()

    def audits_merge(self) -> None:
        """An audit of what has changed, or of what time alone changes, merged with the one before is a full audit."""
        later_ms = LATER_MS[self.taken % len(LATER_MS)]
        with self.platform.snapshot(self.id) as snapshot:
            later = Snapshot(snapshot.connection, snapshot.sandbox, snapshot.now_ms + later_ms)
            full, full_later = self.audited(snapshot), self.audited(later)
            before = self.last_audit or full
            pairs = [
                (before, self.audited(snapshot, before["mark"]), full),
                (full, self.audited(later, full["mark"]), full_later),
            ]
        for earlier, newer, whole in pairs:
            merged = merged_audits(earlier, newer)
            assert _comparable(merged) == _comparable(whole), f"{earlier} merged with {newer} is {merged}, not {whole}"
        self.last_audit = full

    def audited(self, snapshot: Snapshot, since: str | None = None) -> Doc:
        return dict(audited(snapshot, self.platform.layer, since))

    def in_words(self, left: list[tuple[str, str, int]], right: list[tuple[str, str, int]]) -> list[str]:
        """What the audit has to say of that which no entry explains."""
        unexplained = {entity for _, entity, _ in set(left) - set(right)}
        discrepancies = self.platform.audit(self.id).discrepancies
        return [
            f"{finding.finding.entity}: {finding.detail}"
            for finding in discrepancies
            if finding.finding.entity in unexplained
        ]

    def statements_hold(self) -> None:
        """V7, of each day that is over: a channel states what the world saw move there, whatever faults were armed."""
        with self.platform.snapshot(self.id) as snapshot:
            wrong = check_statements(snapshot)
        assert not wrong, f"statements and the world disagree: {wrong}"

    def groups_make_no_difference(self) -> None:
        """An audit finds in groups of loans what it finds in each loan alone."""
        together = self.platform.audit(self.id)
        at_once, subjects.AT_ONCE = subjects.AT_ONCE, 1
        try:
            alone = self.platform.audit(self.id)
        finally:
            subjects.AT_ONCE = at_once
        assert alone.discrepancies == together.discrepancies
        assert sorted(alone.in_transit, key=repr) == sorted(together.in_transit, key=repr)

    def teardown(self) -> None:
        if hasattr(self, "id"):
            self.statements_hold()
            self.groups_make_no_difference()
            self.platform.delete_sandbox(self.id)
