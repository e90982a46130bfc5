"""Every answer on its way to a client: the seam `api.answer`, met once a request, before the work.

        request ─▶ is a rule at this seam? ─▶ does one select it? ─▶ MeetRequest ─▶ work ─▶ late, other, broken answer
                         no: nothing            no: a glance          one commit      └ or a refusal instead of it

What happens is decided before the work and put on record by a command of its own; it is carried out around the work,
in the request's own thread. So a request that sleeps holds that thread and nothing else: no lock, no transaction.
The control plane and the documentation are never asked about: nobody can lock himself out of halting a fault.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar, NamedTuple

from flask import Flask, Response, current_app, g, request

from mocklend.api.asking import OPEN, lender, run, sandbox_id
from mocklend.api.breaking import broken
from mocklend.api.idempotency import HEADER, LONGEST
from mocklend.api.problems import refused
from mocklend.domain.problems import Refused
from mocklend.seams import ASKED_BY, ApiAnswer, Scene
from mocklend.storage.work import Answer, Key, Work
from mocklend.turns import aside
from mocklend.views import reads

ABOUT = ("loan_id", "repayment_id", "borrower_id")
"""The parts of an address that a request can be about, the first one first."""
REFERENCE = "reference"
"""What a client calls a borrower who is to be added."""
NEVER = ("/-/", *OPEN)
DRAWS = 1_000_000
CURRENCY = "CNY"
"""No money is at stake in an answer; the answer key has a currency for every entry."""


def answer_faultily(app: Flask) -> None:
    """Let a fault layer decide how requests are answered. Without a layer nothing is hooked in."""
    app.before_request(meet_request)
    app.after_request(another_answer)


def break_answers(app: Flask) -> None:
    """Let answers be late and broken as was decided. To be called before all that looks at answers: then it is last."""
    app.after_request(late_and_broken)


@dataclass(frozen=True, slots=True)
class MeetRequest:
    """Ask the fault layer what happens to a request, on record. The answer's body has what it changes."""

    idem: ClassVar[None] = None
    sandbox_id: str
    given: ApiAnswer

    def needs(self) -> Iterable[Key]:
        """Nothing."""
        return ()

    def decide(self, work: Work) -> Answer:
        """What happens, at the time of the commit."""
        happened = work.act(replace(self.given, now_ms=work.now_ms))
        return Answer(200, {"happened": happened})


@dataclass(frozen=True, slots=True)
class LoadRules:
    """Do nothing: a sandbox's rules are loaded with its first command."""

    idem: ClassVar[None] = None
    sandbox_id: str

    def needs(self) -> Iterable[Key]:
        """Nothing."""
        return ()

    def decide(self, work: Work) -> Answer:
        """Nothing."""
        return Answer(204, {})


def meet_request() -> Response | None:
    """Before the work: what happens to this request, and the refusal that comes instead of the work, if one does."""
    layer = lender().layer
    if layer is None or request.url_rule is None or request.url_rule.rule.startswith(NEVER):
        return None
    try:
        id = sandbox_id()
    except Refused:
        return None  # The view says so itself.
    while (listens := layer.listens(id, ApiAnswer.seam)) is None:
        run(LoadRules(id))
    if not listens:
        return None
    given = _given(id)
    if given is None:
        return None
    happened: ApiAnswer = run(MeetRequest(id, given)).body["happened"]
    if happened == replace(given, now_ms=happened.now_ms):
        return None
    g.happened = happened
    return _answer_of(happened) if happened.before_work and happened.answer_code else None


def another_answer(response: Response) -> Response:
    """After the work: another answer instead of the true one."""
    happened: ApiAnswer | None = g.get("happened")
    if happened is None or not happened.answer_code or happened.before_work:
        return response
    return _answer_of(happened)


def late_and_broken(response: Response) -> Response:
    """When all else is done: the answer late, and broken. A client that sees nothing come may go on from here."""
    happened: ApiAnswer | None = g.get("happened")
    if happened is None:
        return response
    if happened.delay_ms:
        with aside():
            time.sleep(happened.delay_ms / 1000)
    return broken(response, happened.break_how, request.environ)


def drawn(seed: int, entity: str, occurrence: int) -> int:
    """The chance of a request: 0 to 999,999, from the seed and the entity's own count alone."""
    key = f"{seed}\x1fapi.answer\x1f{entity}\x1f{occurrence}"
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") % DRAWS


def _given(sandbox: str) -> ApiAnswer | None:
    """The request as the seam has it, or None where no rule would do anything about it."""
    assert request.url_rule is not None
    platform = lender()
    layer = platform.layer
    assert layer is not None
    named: dict[str, str] = request.view_args or {}
    shape = _shape(request.url_rule.rule, request.endpoint or "")
    entity = _entity(named) or shape.operation
    of_repayment = "repayment_id" in named and request.path.endswith("/query")
    seed = platform.seed_of(sandbox)
    nth = layer.nth(None, sandbox, ApiAnswer.seam, entity)
    asked = ApiAnswer(
        entity=entity,
        occurrence=nth or 0,
        now_ms=0,
        loan_id=named.get("loan_id", ""),
        plane=shape.plane,
        method=request.method,
        operation=shape.operation,
        path=shape.path,
        writes=request.method not in ("GET", "HEAD", "OPTIONS"),
        channel=None if of_repayment else _channel(named),
        currency=CURRENCY,
        draw=drawn(seed, entity, nth) if nth else 0,
    )
    if nth and not of_repayment and not layer.glance(Scene(sandbox, seed, 0, ASKED_BY.get()), asked, timed=False):
        return None  # Without the database, which would cost as much as the rest of the request.
    with platform.read() as connection:
        now_ms = platform.sandbox(connection, sandbox).now_ms(platform.real_ms())
        nth = nth or layer.nth(connection, sandbox, ApiAnswer.seam, entity)
        assert nth is not None, "with a connection it can be counted"
        channel = asked.channel
        if of_repayment:
            with suppress(Refused):  # One that is not there has no channel; its view says so.
                channel = str(reads.entity(connection, sandbox, "repayment", named["repayment_id"]).channel)
        draw = drawn(seed, entity, nth)
        given = replace(asked, occurrence=nth, now_ms=now_ms, channel=channel, draw=draw)
        return given if layer.glance(Scene(sandbox, seed, now_ms, ASKED_BY.get()), given) else None


def _entity(named: Mapping[str, str]) -> str | None:
    """Whose request it is, so that nobody else's are counted with it. None where it names nobody."""
    key = request.headers.get(HEADER, "")
    if 0 < len(key) <= LONGEST and key.isascii() and key.isprintable():
        return key
    about = next((named[part] for part in ABOUT if part in named), None)
    if about is not None:
        return about
    if named:  # A trade at a channel, a channel's file of a day, a dispute.
        return ".".join(named.values())
    reference = _in_body(REFERENCE) or ""
    return reference if len(reference) <= LONGEST and reference.isprintable() else None


class _Shape(NamedTuple):
    """What all requests to one address have in common."""

    plane: str
    operation: str
    path: str


@cache
def _shape(rule: str, endpoint: str) -> _Shape:
    view = current_app.view_functions[endpoint]
    operation = str(getattr(view, "_spec", {}).get("operation_id", endpoint))
    return _Shape(rule.split("/")[1], operation, rule.replace("<id:", "{").replace("<", "{").replace(">", "}"))


def _channel(named: dict[str, str]) -> str | None:
    """The channel that the request needs and names: in its address, or in its order."""
    return named["channel"] if "channel" in named else _in_body("channel")


def _in_body(field: str) -> str | None:
    """A text of the request's body, if that has it."""
    with suppress(Refused):  # A body that cannot be read is refused by its view.
        if request.method == "POST" and isinstance(document := request.get_json(), dict):
            named_there = document.get(field)
            return named_there if isinstance(named_there, str) and named_there else None
    return None


def _answer_of(happened: ApiAnswer) -> Response:
    assert happened.answer_code is not None
    response = refused(Refused(happened.answer_code, "the request was not answered as it should be"))
    if happened.retry_after_s is not None:
        response.headers["Retry-After"] = str(happened.retry_after_s)
    return response
