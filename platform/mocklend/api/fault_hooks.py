"""Every answer on its way to a client: the seam `api.answer`, met once per request, before the work.

        request ─▶ is a rule at this seam? ─▶ does one select it? ─▶ MeetRequest ─▶ work ─▶ late, other, broken answer
                         no: nothing            no: counted           one commit      └ or a refusal instead of it

What happens is decided before the work and put on record by a command of its own; it is carried out around the work,
in the request's own thread. So a request that sleeps holds that thread and nothing else: no lock, no transaction.
The control plane and the documentation are never asked about, so a fault can always be disarmed.
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
from mocklend.api.idempotency import HEADER, LONGEST
from mocklend.api.json_body import JsonRequest, asked_request, wsgi_name
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
"""The parts of an address that a request can be about, the first one first."""
REFERENCE = "reference"
"""What a client calls a borrower who is to be added."""
NEVER = ("/-/", *OPEN)
KEY = wsgi_name(HEADER)
SKIPPED_REQUEST = "mocklend.glanced"
"""Where a request was looked at, and counted, before it came to Flask: the RequestEvent, and whether a rule selects
it."""


def answer_faultily(app: Flask, platform: Platform) -> None:
    """Let the platform's fault layer decide how requests are answered. Without a layer nothing is hooked in."""
    layer = platform.layer
    if layer is not None:
        app.before_request(partial(meet_request, platform, layer))
        app.after_request(another_answer)


def break_answers(app: Flask) -> None:
    """Let answers be late and broken as was decided. To be called before all that looks at answers: then it is last."""
    app.after_request(late_and_broken)


@dataclass(frozen=True, slots=True)
class MeetRequest:
    """Ask the fault layer what happens to a request, on record. The answer's body has what it changes."""

    idem: ClassVar[None] = None
    sandbox_id: str
    event: ApiAnswer

    def needs(self) -> Iterable[Key]:
        """Nothing."""
        return ()

    def decide(self, work: Work) -> Answer:
        """What happens, at the time of the commit."""
        outcome = work.at(replace(self.event, now_ms=work.now_ms))
        return Answer(200, {"happened": outcome})


def meet_request(platform: Platform, layer: PlatformLayer) -> Response | None:
    """Before the work: what happens to this request, and the refusal that comes instead of the work, if one does."""
    asked = asked_request()
    if asked.url_rule is None or asked.url_rule.rule.startswith(NEVER):
        return None
    try:
        id = sandbox_id()
    except Refused:
        return None  # The view says so itself.
    while (has_rules := layer.has_rules_at(id, ApiAnswer.seam)) is None:
        run(NoOp(id))
    if not has_rules:
        return None
    event = _given(asked, id, platform, layer)
    if event is None:
        return None
    outcome: ApiAnswer = run(MeetRequest(id, event)).body["happened"]
    if outcome == replace(event, now_ms=outcome.now_ms):
        return None
    asked.outcome = outcome
    return _answer_of(outcome) if outcome.before_work and outcome.answer_code else None


def another_answer(response: Response) -> Response:
    """After the work: another answer instead of the true one."""
    outcome = asked_request().outcome
    if outcome is None or not outcome.answer_code or outcome.before_work:
        return response
    return _answer_of(outcome)


def late_and_broken(response: Response) -> Response:
    """When all else is done: the answer late, and broken. A client that sees nothing come may go on from here."""
    outcome = asked_request().outcome
    if outcome is None:
        return response
    if outcome.delay_ms:
        if HOLD in request.environ:
            request.environ[HOLD] = outcome.delay_ms  # Whoever serves us holds the answer back.
        else:
            time.sleep(outcome.delay_ms / 1000)
    return broken(response, outcome.break_how, request.environ)


def _given(asked: JsonRequest, sandbox: str, platform: Platform, layer: PlatformLayer) -> ApiAnswer | None:
    """The request as the seam has it, or None where no rule would do anything about it."""
    assert asked.url_rule is not None
    named: dict[str, str] = asked.view_args or {}
    of_repayment = "repayment_id" in named and asked.path.endswith("/query")
    seen, selected = asked.environ.get(SKIPPED_REQUEST, (None, True))
    if seen is None:
        shape = shape_of(asked.url_rule.rule, asked.endpoint or "")
        entity = _entity(asked, named) or shape.operation
        channel = None if of_repayment else _channel(asked, named)
        seed = platform.seed_of(sandbox)
        seen = RequestEvent(sandbox, seed, ASKED_BY.get(), entity, asked.method, named, shape, channel)
        selected = of_repayment or layer.may_affect(seen)
    if not selected:
        return None  # Without the database, which would cost as much as the rest of the request.
    with platform.snapshot(sandbox) as snapshot:
        seen.now_ms = snapshot.now_ms
        if of_repayment:
            with suppress(Refused):  # One that is not there has no channel; its view says so.
                seen.channel = str(reads.entity(snapshot, Repayment, named["repayment_id"]).channel)
    return seen.whole() if layer.may_affect(seen) else None


def _entity(asked: JsonRequest, named: Mapping[str, str]) -> str | None:
    """Whose request it is, so that nobody else's are counted with it. None where it names nobody."""
    key: str = asked.environ.get(KEY, "")
    if 0 < len(key) <= LONGEST and key.isascii() and key.isprintable():
        return key
    for part in ABOUT:
        if part in named:
            return named[part]
    if named:  # A trade at a channel, a channel's file of a day, a dispute.
        return ".".join(named.values())
    reference = _in_body(asked, REFERENCE) or ""
    return reference if len(reference) <= LONGEST and reference.isprintable() else None


def _channel(asked: JsonRequest, named: Mapping[str, str]) -> str | None:
    """The channel that the request needs and names: in its address, or in its order."""
    return named.get("channel") or _in_body(asked, "channel")


def _in_body(asked: JsonRequest, field: str) -> str | None:
    """A text of the request's body, if that has it."""
    if asked.method != "POST":
        return None
    try:
        document = asked.get_json()
    except Refused:
        return None  # A body that cannot be read is refused by its view.
    named_there = document.get(field) if isinstance(document, dict) else None
    return named_there if isinstance(named_there, str) and named_there else None


def _answer_of(outcome: ApiAnswer) -> Response:
    assert outcome.answer_code is not None
    response = refused(Refused(outcome.answer_code, "the request was not answered as it should be"))
    if outcome.retry_after_s is not None:
        response.headers["Retry-After"] = str(outcome.retry_after_s)
    return response
