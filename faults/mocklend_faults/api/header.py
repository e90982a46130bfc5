"""The header Mocklend-Fault: a client names a fault in its own request, which changes that request's loan, once.

        POST /v1/loans/{id}/repayments
        Idempotency-Key: order-1
        Mocklend-Fault: callback.dropped; attempts_lost=2

Off by default. A server's settings switch it on, for the kinds that they list and for a number of requests per sandbox.
The rule's id is derived from the Idempotency-Key, so a retry arms no second rule, and the same story has the same
answer key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from flask import Blueprint, request

from mocklend.api.idempotency import idempotency
from mocklend.api.json_body import wsgi_name
from mocklend.api.problems import field_problem
from mocklend.api.request_context import current_platform, refuse_hidden_truth, run, sandbox_id, served
from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused
from mocklend.sandboxes.ids import make_id
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend_faults.api.this_layer import fault_layer
from mocklend_faults.engine.catalogue import find
from mocklend_faults.engine.commands import ALL, Ruleset, read, replace_group, write
from mocklend_faults.engine.rules import Rule

HEADER = "Mocklend-Fault"
WSGI_HEADER = wsgi_name(HEADER)
GROUP = "header"
LENGTH_MAX = 500

header = Blueprint("fault_header", __name__)


@header.before_app_request
def arm_from_header() -> None:
    """Before each request: if it carries the header, arm a rule for its loan.

    Raises Refused `validation_failed` if the server has the header switched off, the request is no POST about a loan,
    or the fault or its settings are wrong; `truth_hidden`; `fault_unknown`; `idempotency_key_missing`.
    """
    value = request.environ.get(WSGI_HEADER)
    if value is None or request.routing_exception is not None:
        return
    settings, catalogue = served().settings, fault_layer().catalogue
    if settings.fault_header == "off":
        raise field_problem(HEADER, "no such header: this server has MOCKLEND_FAULT_HEADER=off", value)
    loan_id = (request.view_args or {}).get("loan_id")
    if request.method != "POST" or loan_id is None:
        here = f"{request.method} {request.path}"
        raise field_problem(HEADER, "a POST about one loan, like /v1/loans/{id}/repayments", here)
    # Before the value is read: a refusal of it lists the kinds.
    refuse_hidden_truth(f"the header {HEADER} arms a rule")
    fault, fault_settings = parse_header(value)
    kinds = settings.fault_header_kinds_listed or tuple(catalogue)
    if fault not in kinds and fault in catalogue:
        allowed = f"one of {', '.join(kinds)}: this server allows these{did_you_mean(fault, kinds)}"
        raise field_problem(HEADER, allowed, fault)
    find(catalogue, fault)
    sandbox = sandbox_id()
    seed = current_platform().seed_of(sandbox)
    rule = {"fault": fault, "with": fault_settings, "match": {"loan_id": loan_id}, "select": {"times": 1}}
    id = f"{GROUP}.{make_id('hdr', seed, idempotency().key)}"
    run(ArmOnce(sandbox, Rule.from_json(id, rule, catalogue), settings.fault_header_max))


def parse_header(text: str) -> tuple[str, dict[str, int | str | None]]:
    """The fault and its settings by name. Digits are a number, `null` is null, anything else is text.

    Raises Refused `validation_failed`.
    """
    if len(text) > LENGTH_MAX or not text.isascii() or not text.isprintable():
        raise field_problem(HEADER, f"at most {LENGTH_MAX} printable ASCII characters", text)
    fault, *parts = [part.strip() for part in text.split(";")]
    settings: dict[str, int | str | None] = {}
    for part in parts:
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or name in settings:
            raise field_problem(HEADER, "a fault and its settings, like cache.bounded_stale; lag_s=60", text)
        if re.fullmatch(r"-?[0-9]{1,19}", value):
            settings[name] = int(value)
        else:
            settings[name] = None if value == "null" else value
    return fault, settings


@dataclass(frozen=True, slots=True)
class ArmOnce:
    """Arm the rule of one request. A retry of the request finds it armed already."""

    sandbox_id: str
    rule: Rule
    rules_max: int

    idem: ClassVar[Idempotency | None] = None

    def needs(self) -> Iterable[Key]:
        """The ruleset."""
        return ((Ruleset.kind, ALL),)

    def decide(self, work: Work) -> Answer:
        """200. Raises Refused `validation_failed` if the sandbox has used the header as often as the server allows."""
        stored = read(work)
        if self.rule.id in stored:
            return Answer(200, {})
        count = sum(rule.get("group") == GROUP for rule in stored.values())
        if count >= self.rules_max:
            raise Refused(
                "validation_failed",
                f"{HEADER}: this sandbox has used the header as often as the server allows",
                expected=f"at most {self.rules_max} requests with it",
                received=count,
            )
        write(work, replace_group(work, stored, GROUP, [self.rule]))
        return Answer(200, {})
