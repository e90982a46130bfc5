"""Hot paths: the two requests that a load test sends most are answered in the door, without Flask and its threads.

        GET  /v1/loans/{id}             ─▶ memory, or one SQL statement ─▶ the stored status page
          ├ on PostgreSQL               ─▶ one SQL statement for all that wait ─▶ sandbox unchanged? ─▶ the page
          └ selected by a rule          ─▶ writer ─▶ the page, delayed where the rule delays it
        POST /v1/loans/{id}/repayments  ─▶ writer ─▶ the order's answer, once it is durable

A hot path takes a request without query string and without the header `Mocklend-Fault`, with a well-formed id, of a
sandbox that this process knows. An order must not be selected by a rule at `api.answer`, nor may a status query be
refused or broken by one; on PostgreSQL its sandbox may have no rule there. All other requests, and those that would be
refused before they reach the writer, go to Flask unchanged. Both ways use the same functions to read, decide, render,
count and log.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from time import perf_counter

import orjson
from flask import Flask
from msgspec import Struct
from pydantic import ValidationError

from mocklend.api.fault_hooks import MET_REQUEST, SKIPPED_REQUEST, MeetRequest, outcome_of
from mocklend.api.fields import SAFE_ID
from mocklend.api.idempotency import HEADER, fingerprint, is_usable
from mocklend.api.json_body import parse
from mocklend.api.metrics import METERS, Meters
from mocklend.api.peek import HEADER as PEEK_HEADER
from mocklend.api.problems import refused
from mocklend.api.repayments import NewRepayment, order
from mocklend.api.request_event import RequestEvent, shape_of
from mocklend.api.request_ids import EXTENSION as IDS
from mocklend.api.request_ids import HEADER as REQUEST_ID
from mocklend.api.request_ids import NAMED, RequestIds
from mocklend.api.request_log import ANSWER_MAX, FAULT_HEADER, LoggedRequest, request_log_of
from mocklend.api.responses import IN_ENGLISH, JSON, REPLAYED, type_of
from mocklend.domain.problems import Refused
from mocklend.door import Headers, Respond
from mocklend.language import Language, accepted
from mocklend.received import ReceivedRequest
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import DEFAULT, now_from
from mocklend.seams.api_answer import ApiAnswer
from mocklend.seams.asking import ASKED_BY
from mocklend.storage.quick import QuickReader
from mocklend.storage.work import Answer, Command, Idempotency
from mocklend.views.page_cache import StatusPages
from mocklend.views.page_reader import PageReader, ReadPage

PREFIX = "/v1/loans/"
LOAN = "/v1/loans/<id:loan_id>"
REPAYMENTS = f"{LOAN}/repayments"
"""The two paths as rules of Flask, the labels under which requests are counted."""
PAGE_OF = re.compile(f"{PREFIX}({SAFE_ID})").fullmatch
REPAYMENTS_OF = re.compile(f"{PREFIX}({SAFE_ID})/repayments").fullmatch
BEARER = "Bearer "
KEY, FAULT, PEEK = HEADER.lower(), FAULT_HEADER.lower(), PEEK_HEADER.lower()
"""Header names in lower case, as in ReceivedRequest."""
CONTENT_TYPE, CONTENT_LENGTH = "Content-Type", "Content-Length"
WAITING_MAX = 256
"""How many orders of one sandbox may wait for the writer. Further orders go to Flask, in the sandbox's lane."""


class Taken(Struct, frozen=True):
    """A request that a hot path answers. `key_hash` is that of its sandbox when its key was read; None without one."""

    request: ReceivedRequest
    rule: str
    sandbox_id: str
    key_hash: str | None
    request_id: str
    key: str | None
    real_ms: int


class HotPaths:
    """The hot paths of one app. See `mocklend.door.Hot`."""

    def __init__(self, app: Flask, platform: Platform, *, on_loopback: bool) -> None:
        self._platform = platform
        self._known = platform.known
        self._on_loopback = on_loopback
        self._log = request_log_of(app)
        self._meters: Meters = app.extensions[METERS]
        self._live = platform.live_series
        self._ids: RequestIds = app.extensions[IDS]
        # Each is for one thread: the first two for the server's, the third for whoever holds the lock.
        self._pages = StatusPages(platform.engine, platform.pages)
        self._clocks = QuickReader(platform.engine)
        self._pages_after = StatusPages(platform.engine, platform.pages)
        self._pages_after_lock = threading.Lock()
        # With pages in Redis, Flask asks there first.
        reads = platform.known.shared and platform.shared_pages is None
        self._reader = PageReader(platform.engine, platform.real_ms) if reads else None
        with app.app_context():
            self._shapes = {
                LOAN: shape_of(LOAN, "loans.get_loan"),
                REPAYMENTS: shape_of(REPAYMENTS, "repayments.repay"),
            }
        self._waiting: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many requests were taken and are not answered yet."""
        with self._lock:
            waiting = self._waiting.total()
        return waiting if self._reader is None else waiting + self._reader.taken

    def at_once(self, request: ReceivedRequest, respond: Respond, hand_back: Callable[[], None]) -> bool:
        """Answer a status query; or take it for the reader's next statement, or for the writer if a rule selects it."""
        if request.method != "GET" or request.query or FAULT in request.headers or PEEK in request.headers:
            return False
        named = PAGE_OF(request.path)
        taken = self._take(request, LOAN) if named else None
        if named is None or taken is None:
            return False
        if not self._no_rule_selects(taken, named[1]):
            event, selected = request.carried.get(SKIPPED_REQUEST, (None, False))
            return selected and _in_english(request) and self._selected_page(taken, event, respond, hand_back)
        if self._reader is not None:
            receive = partial(self._read, taken, respond, hand_back)
            return self._reader.ask(taken.sandbox_id, named[1], receive)
        page = self._pages.page(taken.sandbox_id, named[1], taken.real_ms)
        if page is None:
            return False
        self._respond(taken, 200, [(CONTENT_TYPE, JSON)], page.body, respond, stale=page.stale)
        return True

    def soon(self, request: ReceivedRequest, respond: Respond, hand_back: Callable[[], None]) -> bool:
        """Take an order."""
        if request.method != "POST" or request.query or FAULT in request.headers or not _in_english(request):
            return False
        named = REPAYMENTS_OF(request.path)
        taken = self._take(request, REPAYMENTS) if named else None
        return named is not None and taken is not None and self._order(taken, named[1], respond, hand_back)

    def _take(self, request: ReceivedRequest, rule: str) -> Taken | None:
        """The request, or None where this process does not know its sandbox."""
        credential, key_hash = request.headers.get("authorization"), None
        if credential is not None:
            opened = self._known.cached(credential[len(BEARER) :]) if credential.startswith(BEARER) else None
            if opened is None:
                return None
            sandbox_id, key_hash = opened
        elif self._on_loopback:
            sandbox_id = DEFAULT
        else:
            return None
        key = request.headers.get(KEY)
        return Taken(request, rule, sandbox_id, key_hash, self._ids.next(), key, self._platform.real_ms())

    def _read(self, taken: Taken, respond: Respond, hand_back: Callable[[], None], read: ReadPage | None) -> None:
        """Answer a status query with what was read. Flask answers it where its sandbox is not as this process knew it.

        Runs in the reader's thread.
        """
        if read is not None and read.page is not None and taken.key_hash in (None, read.sandbox.key_hash):
            self._known.compare(read.sandbox)  # This forgets the rules that the process has, if there are others now.
            if self._has_no_rules(taken.sandbox_id):
                self._respond(taken, 200, [(CONTENT_TYPE, JSON)], read.page.body, respond, stale=read.page.stale)
                return
        hand_back()

    def _has_no_rules(self, sandbox_id: str) -> bool:
        """Whether no rule is at the seam `api.answer`, as far as the rules are loaded."""
        layer = self._platform.layer
        return layer is None or layer.has_rules_at(sandbox_id, ApiAnswer.seam) is False

    def _no_rule_selects(self, taken: Taken, loan_id: str, channel: str | None = None) -> bool:
        """Whether no rule selects the request. This counts it; the event is left for Flask, which must not count it."""
        layer, seed = self._platform.layer, self._platform.seed_known(taken.sandbox_id)
        if layer is None or self._known.shared:
            return self._has_no_rules(taken.sandbox_id)
        has_rules = layer.has_rules_at(taken.sandbox_id, ApiAnswer.seam)
        if has_rules is not True or seed is None:
            return has_rules is False
        request, key = taken.request, taken.key or ""
        entity, arguments = key if is_usable(key) else loan_id, {"loan_id": loan_id}
        shape = self._shapes[taken.rule]
        event = RequestEvent(
            taken.sandbox_id, seed, taken.request_id, entity, request.method, arguments, shape, channel
        )
        selected = layer.may_affect(event)
        request.carried.update({SKIPPED_REQUEST: (event, selected), NAMED: taken.request_id})
        return not selected

    def _selected_page(
        self, taken: Taken, event: RequestEvent, respond: Respond, hand_back: Callable[[], None]
    ) -> bool:
        """Decide what the rules do to a status query, and answer it if they only delay it. Flask does the rest."""
        layer, sandbox_id = self._platform.layer, taken.sandbox_id
        event.now_ms = now_from(self._clocks, sandbox_id, taken.real_ms)
        if layer is None or event.now_ms is None:
            return False
        if not layer.may_affect(event):  # By its time, no rule selects it.
            taken.request.carried[SKIPPED_REQUEST] = (event, False)
            return False
        whole = event.whole()
        submitted = self._submit(taken, MeetRequest(sandbox_id, whole))
        if submitted is None:
            return False
        submitted.add_done_callback(lambda decided: self._met(taken, whole, decided, respond, hand_back))
        return True

    def _met(
        self, taken: Taken, event: ApiAnswer, decided: Future[Answer], respond: Respond, hand_back: Callable[[], None]
    ) -> None:
        """Answer a status query with the outcome of its event. Runs in the writer's thread."""
        try:
            if decided.exception() is None:
                outcome: ApiAnswer = decided.result().body["happened"]
                taken.request.carried[MET_REQUEST] = outcome_of(event, outcome)
                if outcome.answer_code is None and outcome.break_how == "none":
                    with self._pages_after_lock:
                        page = self._pages_after.page(taken.sandbox_id, event.loan_id, taken.real_ms)
                    if page is not None:
                        headers = [(CONTENT_TYPE, JSON)]
                        self._respond(taken, 200, headers, page.body, respond, outcome.delay_ms, page.stale)
                        return
            hand_back()
        finally:
            self._end_waiting(taken.sandbox_id)  # Last: see `taken`.

    def _order(self, taken: Taken, loan_id: str, respond: Respond, hand_back: Callable[[], None]) -> bool:
        request, key = taken.request, taken.key or ""
        if not is_usable(key) or request.headers.get("content-type") != JSON:
            return False
        try:
            document = parse(request.body)
            new = NewRepayment.model_validate(document)
            version = self._platform.rules_version_known(taken.sandbox_id)  # Before the rules are asked.
            if not self._no_rule_selects(taken, loan_id, new.channel):
                return False
            idem = Idempotency(key, fingerprint(request.method, request.path, document))
            command = self._known.if_unchanged(order(taken.sandbox_id, idem, loan_id, new), taken.key_hash, version)
            submitted = None if command is None else self._submit(taken, command)
        except (Refused, ValidationError):
            return False
        if submitted is None:
            return False
        submitted.add_done_callback(lambda decided: self._ordered(taken, decided, respond, hand_back))
        return True

    def _submit(self, taken: Taken, command: Command) -> Future[Answer] | None:
        """The future of a command, or None where it cannot be queued now."""
        if not self._begin_waiting(taken.sandbox_id):
            return None
        asked_by = ASKED_BY.set(taken.request_id)
        try:
            return self._platform.writer.submit(command)
        except BaseException as failure:
            self._end_waiting(taken.sandbox_id)
            if isinstance(failure, Refused):
                return None
            raise
        finally:
            ASKED_BY.reset(asked_by)

    def _ordered(self, taken: Taken, decided: Future[Answer], respond: Respond, hand_back: Callable[[], None]) -> None:
        """Answer an order with the writer's result. Runs in the writer's thread."""
        failure = decided.exception()
        try:
            if failure is None:
                answer = decided.result()
                headers = [(CONTENT_TYPE, type_of(answer.status))]
                if answer.status >= 400:
                    headers += IN_ENGLISH.items()
                if answer.replayed:
                    headers.append((REPLAYED, "true"))
                self._respond(taken, answer.status, headers, orjson.dumps(answer.body), respond)
            elif isinstance(failure, Refused):
                response = refused(failure)
                headers = [(name, value) for name, value in response.headers if name != CONTENT_LENGTH]
                self._respond(taken, response.status_code, headers, response.get_data(), respond)
            else:
                hand_back()  # Nothing was committed. Flask runs into the same failure and answers it.
        finally:
            self._end_waiting(taken.sandbox_id)  # Last: see `taken`.

    def _respond(
        self,
        taken: Taken,
        status: int,
        headers: Headers,
        body: bytes,
        respond: Respond,
        hold_ms: int = 0,
        stale: bool | None = None,
    ) -> None:
        """Log, count and send an answer. `stale` says of a status page whether there is a newer version."""
        request, took_s = taken.request, perf_counter() - taken.request.came_s
        entry = LoggedRequest(
            taken.real_ms, request.method, request.path, taken.key, request.body, status,
            body if len(body) <= ANSWER_MAX else b"", hold_ms > 0, None, taken.request_id,
        )  # fmt: skip
        self._platform.uses.note(taken.sandbox_id)
        self._log.add(taken.sandbox_id, entry)
        self._meters.count(taken.rule, request.method, status, took_s)
        self._live.count(taken.sandbox_id, status, took_s, delay_ms=hold_ms, stale=stale)
        all_headers = [*headers, (CONTENT_LENGTH, str(len(body))), (REQUEST_ID, taken.request_id)]
        respond(status, all_headers, body, taken.sandbox_id, hold_ms)

    def _begin_waiting(self, sandbox_id: str) -> bool:
        """Count an order that will wait for the writer. False, and not counted, if WAITING_MAX already wait."""
        with self._lock:
            if self._waiting[sandbox_id] >= WAITING_MAX:
                return False
            self._waiting[sandbox_id] += 1
            return True

    def _end_waiting(self, sandbox_id: str) -> None:
        with self._lock:
            self._waiting[sandbox_id] -= 1
            if not self._waiting[sandbox_id]:
                del self._waiting[sandbox_id]


def _in_english(request: ReceivedRequest) -> bool:
    """Whether a problem may be in English: Flask writes those of other clients."""
    header = request.headers.get("accept-language")
    return header is None or accepted(header) is Language.EN
