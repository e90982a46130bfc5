"""The seam `api.answer`: each request passes it once, before its view runs.

        request ─▶ any rule at the seam? ─▶ does one select it? ─▶ MeetRequest ─▶ view ─▶ delayed, replaced or broken
                        no: nothing            no: counted          one commit     └ or a refusal instead of the view

The outcome is decided and committed before the view runs, and carried out around it, in the request's thread. So a
request that sleeps holds that thread, and no lock and no transaction.
The control plane and the documentation do not pass the seam, so a fault can always be disarmed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from flask import Flask, Response, request

from mocklend.api.broken_responses import broken
from mocklend.api.idempotency import HEADER, KEY_LENGTH_MAX
from mocklend.api.json_body import JsonRequest, asked_request, wsgi_name
from mocklend.api.peek import is_peek
from mocklend.api.problems import refused
from mocklend.api.request_context import OPEN, run, sandbox_id
from mocklend.api.request_event import RequestEvent, shape_of
from mocklend.domain.problems import Refused
from mocklend.door import HOLD
from mocklend.runtime import Platform
from mocklend.seams.api_answer import ApiAnswer
from mocklend.seams.asking import ASKED_BY
from mocklend.storage.entities import Repayment
from mocklend.storage.snapshot import PlatformLayer
from mocklend.storage.work import Answer, Key, NoOp, Work
from mocklend.views import reads

ABOUT = ("loan_id", "repayment_id", "borrower_id")
"""The path parameters that name the entity of a request. The first that is there counts."""
REFERENCE = "reference"
"""The field with the client's own name for a borrower to be added."""
EXEMPT = ("/-/", *OPEN)
"""Prefixes of the paths that do not pass the seam."""
KEY = wsgi_name(HEADER)
SKIPPED_REQUEST = "mocklend.skipped_request"
"""The WSGI key under which a hot path leaves its RequestEvent, already counted, and whether a rule selects it."""
MET_REQUEST = "mocklend.met_request"
"""The WSGI key under which a hot path leaves the outcome that it has committed: see `outcome_of`."""


def answer_faultily(app: Flask, platform: Platform) -> None:
    """Hook the platform's fault layer into an app's requests. Without a layer nothing is hooked in."""
    layer = platform.layer
    if layer is not None:
        app.before_request(partial(meet_request, platform, layer))
        app.after_request(another_answer)


def break_answers(app: Flask) -> None:
    """Delay and break responses as was decided. Call this before other `after_request` hooks, so that it runs last."""
    app.after_request(late_and_broken)


@dataclass(frozen=True, slots=True)
class MeetRequest:
    """A command: the outcome of a request at the seam, committed. The answer's body holds it as `happened`."""

    idem: ClassVar[None] = None
    sandbox_id: str
    event: ApiAnswer

    def needs(self) -> Iterable[Key]:
        """Nothing."""
        return ()

    def decide(self, work: Work) -> Answer:
        """The outcome, at the time of the commit."""
        outcome = work.at(replace(self.event, now_ms=work.now_ms))
        return Answer(200, {"happened": outcome})


def meet_request(platform: Platform, layer: PlatformLayer) -> Response | None:
    """Before the view: decide the outcome of this request. Returns the refusal that replaces the view, if any."""
    incoming = asked_request()
    if incoming.url_rule is None or incoming.url_rule.rule.startswith(EXEMPT) or is_peek():
        return None
    try:
        id = sandbox_id()
    except Refused:
        return None  # The view refuses the request itself.
    while (has_rules := layer.has_rules_at(id, ApiAnswer.seam)) is None:
        run(NoOp(id))
    if not has_rules:
        return None
    if MET_REQUEST in incoming.environ:
        outcome: ApiAnswer | None = incoming.environ[MET_REQUEST]
    else:
        event = _selected_event(incoming, id, platform, layer)
        outcome = outcome_of(event, run(MeetRequest(id, event)).body["happened"]) if event is not None else None
    incoming.outcome = outcome
    return _answer_of(outcome) if outcome is not None and outcome.before_work and outcome.answer_code else None


def outcome_of(event: ApiAnswer, happened: ApiAnswer) -> ApiAnswer | None:
    """The outcome of an event; None if no fault has changed it."""
    return None if happened == replace(event, now_ms=happened.now_ms) else happened


def another_answer(response: Response) -> Response:
    """After the view: the outcome's refusal instead of the view's response, if there is one."""
    outcome = asked_request().outcome
    if outcome is None or not outcome.answer_code or outcome.before_work:
        return response
    return _answer_of(outcome)


def late_and_broken(response: Response) -> Response:
    """Last: delay and break the response as the outcome says."""
    outcome = asked_request().outcome
    if outcome is None:
        return response
    if outcome.delay_ms:
        if HOLD in request.environ:
            request.environ[HOLD] = outcome.delay_ms  # The server delays the response, without this thread.
        else:
            time.sleep(outcome.delay_ms / 1000)
    return broken(response, outcome.break_how, request.environ)


def _selected_event(incoming: JsonRequest, sandbox: str, platform: Platform, layer: PlatformLayer) -> ApiAnswer | None:
    """The request as an event of the seam, or None where no rule selects it."""
    assert incoming.url_rule is not None
    arguments: dict[str, str] = incoming.view_args or {}
    of_repayment = "repayment_id" in arguments and incoming.path.endswith("/query")
    event, selected = incoming.environ.get(SKIPPED_REQUEST, (None, True))
    if event is None:
        shape = shape_of(incoming.url_rule.rule, incoming.endpoint or "")
        entity = _entity(incoming, arguments) or shape.operation
        channel = None if of_repayment else _channel(incoming, arguments)
        seed = platform.seed_of(sandbox)
        event = RequestEvent(sandbox, seed, ASKED_BY.get(), entity, incoming.method, arguments, shape, channel)
        selected = of_repayment or layer.may_affect(event)
    if not selected:
        return None  # Before the database is read, which would cost as much as the rest of the request.
    with platform.snapshot(sandbox) as snapshot:
        event.now_ms = snapshot.now_ms
        if of_repayment:
            with suppress(Refused):  # An unknown repayment has no channel; the view refuses it.
                event.channel = str(reads.entity(snapshot, Repayment, arguments["repayment_id"]).channel)
    return event.whole() if layer.may_affect(event) else None


def _entity(incoming: JsonRequest, arguments: Mapping[str, str]) -> str | None:
    """The entity whose requests are counted together: key, path parameter or reference. None where there is none."""
    key: str = incoming.environ.get(KEY, "")
    if 0 < len(key) <= KEY_LENGTH_MAX and key.isascii() and key.isprintable():
        return key
    for name in ABOUT:
        if name in arguments:
            return arguments[name]
    if arguments:  # For example a trade at a channel, a channel's statement of a day, a dispute.
        return ".".join(arguments.values())
    reference = _in_body(incoming, REFERENCE) or ""
    return reference if len(reference) <= KEY_LENGTH_MAX and reference.isprintable() else None


def _channel(incoming: JsonRequest, arguments: Mapping[str, str]) -> str | None:
    """The channel that the request names, in its path or its body."""
    return arguments.get("channel") or _in_body(incoming, "channel")


def _in_body(incoming: JsonRequest, field: str) -> str | None:
    """A text field of the request's body; None where the body has no such field."""
    if incoming.method != "POST":
        return None
    try:
        document = incoming.get_json()
    except Refused:
        return None  # The view refuses a body that cannot be read.
    value = document.get(field) if isinstance(document, dict) else None
    return value if isinstance(value, str) and value else None


def _answer_of(outcome: ApiAnswer) -> Response:
    assert outcome.answer_code is not None
    response = refused(Refused(outcome.answer_code, "the request was not answered normally"))
    if outcome.retry_after_s is not None:
        response.headers["Retry-After"] = str(outcome.retry_after_s)
    return response
