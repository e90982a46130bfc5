"""Hot paths: the two requests that a load test sends most are answered in the door, without Flask and its threads.

        GET  /v1/loans/{id}             ─▶ one SQL statement ─▶ the stored status page
        POST /v1/loans/{id}/repayments  ─▶ writer ─▶ the order's answer, once it is durable

A hot path takes a request without query string and without the header `Mocklend-Fault`, with a well-formed id, of a
sandbox that this process knows, and that no rule at `api.answer` selects. All other requests, and those that would be
refused before they reach the writer, go to Flask unchanged. Both ways use the same functions to read, decide, render,
count and log.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from time import perf_counter

import orjson
from flask import Flask
from pydantic import ValidationError

from mocklend.api.fault_hooks import SKIPPED_REQUEST
from mocklend.api.fields import SAFE_ID
from mocklend.api.idempotency import HEADER, fingerprint, is_usable
from mocklend.api.json_body import parse
from mocklend.api.metrics import METERS, Meters
from mocklend.api.problems import refused
from mocklend.api.repayments import NewRepayment, order
from mocklend.api.request_event import RequestEvent, shape_of
from mocklend.api.request_ids import EXTENSION as IDS
from mocklend.api.request_ids import HEADER as REQUEST_ID
from mocklend.api.request_ids import NAMED, RequestIds
from mocklend.api.request_log import ANSWER_MAX, FAULT_HEADER, LoggedRequest, request_log_of
from mocklend.api.responses import JSON, REPLAYED, type_of
from mocklend.domain.problems import Refused
from mocklend.door import Headers, Outcome, ReceivedRequest, Respond
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import DEFAULT
from mocklend.seams.api_answer import ApiAnswer
from mocklend.seams.asking import ASKED_BY
from mocklend.storage.work import Answer, Idempotency
from mocklend.views.page_cache import StatusPages

PREFIX = "/v1/loans/"
LOAN = "/v1/loans/<id:loan_id>"
REPAYMENTS = f"{LOAN}/repayments"
"""The two paths as rules of Flask, the labels under which requests are counted."""
PAGE_OF = re.compile(f"{PREFIX}({SAFE_ID})").fullmatch
REPAYMENTS_OF = re.compile(f"{PREFIX}({SAFE_ID})/repayments").fullmatch
BEARER = "Bearer "
KEY, FAULT = HEADER.lower(), FAULT_HEADER.lower()
"""Header names in lower case, as in ReceivedRequest."""
CONTENT_TYPE, CONTENT_LENGTH = "Content-Type", "Content-Length"
WAITING_MAX = 256
"""How many orders of one sandbox may wait for the writer. Further orders go to Flask, in the sandbox's lane."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A request that a hot path answers."""

    request: ReceivedRequest
    rule: str
    sandbox_id: str
    request_id: str
    key: str | None
    real_ms: int
    began_s: float


class HotPaths:
    """The hot paths of one app. Called on the event loop only."""

    def __init__(self, app: Flask, platform: Platform, *, on_loopback: bool) -> None:
        self._platform = platform
        self._on_loopback = on_loopback
        self._log = request_log_of(app)
        self._meters: Meters = app.extensions[METERS]
        self._ids: RequestIds = app.extensions[IDS]
        self._pages = StatusPages(platform.engine, platform.pages)
        with app.app_context():
            self._shapes = {
                LOAN: shape_of(LOAN, "loans.get_loan"),
                REPAYMENTS: shape_of(REPAYMENTS, "repayments.repay"),
            }
        self._waiting: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: ReceivedRequest, respond: Respond, hand_back: Callable[[], None]) -> Outcome:
        """Answer a request now or later, if it is on a hot path. NOT_TAKEN: Flask answers it."""
        path = request.path
        if request.query or not path.startswith(PREFIX) or FAULT in request.headers:
            return Outcome.NOT_TAKEN
        if request.method == "GET" and (named := PAGE_OF(path)):
            taken = self._take(request, LOAN)
            return Outcome.ANSWERED if taken and self._page(taken, named[1], respond) else Outcome.NOT_TAKEN
        if request.method == "POST" and (named := REPAYMENTS_OF(path)):
            taken = self._take(request, REPAYMENTS)
            if taken and self._order(taken, named[1], respond, hand_back):
                return Outcome.ANSWERED_LATER
        return Outcome.NOT_TAKEN

    def _take(self, request: ReceivedRequest, rule: str) -> Taken | None:
        """The request, or None where this process does not know its sandbox."""
        began_s = perf_counter()
        sandbox_id = self._sandbox(request.headers.get("authorization"))
        if sandbox_id is None:
            return None
        key = request.headers.get(KEY)
        return Taken(request, rule, sandbox_id, self._ids.next(), key, self._platform.real_ms(), began_s)

    def _no_rule_selects(self, taken: Taken, loan_id: str, channel: str | None = None) -> bool:
        """Whether no rule selects the request. This counts it; the event is left for Flask, which must not count it."""
        layer = self._platform.layer
        has_rules = layer is not None and layer.has_rules_at(taken.sandbox_id, ApiAnswer.seam)
        seed = self._platform.seed_known(taken.sandbox_id)
        if layer is None or has_rules is not True or seed is None:
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

    def _sandbox(self, credential: str | None) -> str | None:
        if credential is None:
            return DEFAULT if self._on_loopback else None
        return self._platform.sandbox_known_by(credential[len(BEARER) :]) if credential.startswith(BEARER) else None

    def _page(self, taken: Taken, loan_id: str, respond: Respond) -> bool:
        if not self._no_rule_selects(taken, loan_id):
            return False
        body = self._pages.body(taken.sandbox_id, loan_id, taken.real_ms)
        if body is None:
            return False
        self._respond(taken, 200, [(CONTENT_TYPE, JSON)], body, respond)
        return True

    def _order(self, taken: Taken, loan_id: str, respond: Respond, hand_back: Callable[[], None]) -> bool:
        request, key = taken.request, taken.key or ""
        if not is_usable(key) or request.headers.get("content-type") != JSON:
            return False
        asked_by = ASKED_BY.set(taken.request_id)
        try:
            document = parse(request.body)
            new = NewRepayment.model_validate(document)
            if not self._no_rule_selects(taken, loan_id, new.channel):
                return False
            idem = Idempotency(key, fingerprint(request.method, request.path, document))
            command = order(taken.sandbox_id, idem, loan_id, new)
            if not self._begin_waiting(taken.sandbox_id):
                return False
            try:
                future = self._platform.writer.submit(command, wait_s=0)
            except BaseException:
                self._end_waiting(taken.sandbox_id)
                raise
        except (Refused, ValidationError):
            return False
        finally:
            ASKED_BY.reset(asked_by)
        future.add_done_callback(lambda decided: self._ordered(taken, decided, respond, hand_back))
        return True

    def _ordered(self, taken: Taken, decided: Future[Answer], respond: Respond, hand_back: Callable[[], None]) -> None:
        """Answer an order with the writer's result. Runs in the writer's thread."""
        self._end_waiting(taken.sandbox_id)
        failure = decided.exception()
        if failure is None:
            answer = decided.result()
            headers = [(CONTENT_TYPE, type_of(answer.status))]
            if answer.replayed:
                headers.append((REPLAYED, "true"))
            self._respond(taken, answer.status, headers, orjson.dumps(answer.body), respond)
        elif isinstance(failure, Refused):
            response = refused(failure)
            headers = [(name, value) for name, value in response.headers if name != CONTENT_LENGTH]
            self._respond(taken, response.status_code, headers, response.get_data(), respond)
        else:
            hand_back()  # Nothing was committed. Flask runs into the same failure and answers it.

    def _respond(self, taken: Taken, status: int, headers: Headers, body: bytes, respond: Respond) -> None:
        request = taken.request
        entry = LoggedRequest(
            taken.real_ms, request.method, request.path, taken.key, request.body, status,
            body if len(body) <= ANSWER_MAX else b"", False, None, taken.request_id,
        )  # fmt: skip
        self._platform.use(taken.sandbox_id)
        self._log.add(taken.sandbox_id, entry)
        self._meters.count(taken.rule, request.method, status, perf_counter() - taken.began_s)
        all_headers = [*headers, (CONTENT_LENGTH, str(len(body))), (REQUEST_ID, taken.request_id)]
        respond(status, all_headers, body, taken.sandbox_id)

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
