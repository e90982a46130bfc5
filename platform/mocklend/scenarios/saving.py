"""Saves the requests of a sandbox as a scenario that repeats them.

        GET /-/requests ─▶ a step for each request, in order ─▶ a YAML file

With the same seed, the same steps get the same ids and meet the same faults, so the answer key is the same. The
scenario runs on a manual clock; if the sandbox's clock was running, steps advance it to the moment of each request, and
times in the answer key may differ. On a running clock, due work runs slightly late, so an answer may have depended on
it: such a scenario is run once before it is saved, and claims that fail in that run are left out. The file lists them.
The file contains no ids: a step refers to `${step-1.id}`, so that the scenario also runs with another seed.
Concurrent requests are repeated one after another, in the order of their answers.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from mocklend.client import Client, Doc, numbered_keys
from mocklend.local import local_platform
from mocklend.scenarios.narrator import NotAsTold, at
from mocklend.scenarios.steps import ANY, asked, filled

Step = dict[str, Any]

CALLS: tuple[tuple[str, str, str], ...] = (
    ("POST", "/v1/borrowers", "add_borrower"),
    ("POST", "/v1/loans", "borrow"),
    ("GET", "/v1/loans/(?P<loan_id>[^/?]+)", "loan"),
    ("GET", "/v1/loans/(?P<loan_id>[^/?]+)/instalments", "instalments"),
    ("POST", "/v1/loans/(?P<loan_id>[^/?]+)/quotes", "quote"),
    ("POST", "/v1/loans/(?P<loan_id>[^/?]+)/repayments", "repay"),
    ("POST", "/v1/loans/(?P<loan_id>[^/?]+)/certificates", "issue_certificate"),
    ("GET", "/v1/repayments/(?P<repayment_id>[^/?]+)", "repayment"),
    ("POST", "/v1/disputes", "open_dispute"),
    ("GET", "/operator/loans/(?P<loan_id>[^/?]+)", "books"),
    ("POST", "/operator/loans/(?P<loan_id>[^/?]+)/edits", "edit"),
    ("POST", "/operator/loans/(?P<loan_id>[^/?]+)/charges", "charge"),
    ("POST", "/operator/loans/(?P<loan_id>[^/?]+)/waivers", "waive"),
    ("POST", "/operator/loans/(?P<loan_id>[^/?]+)/refunds", "refund"),
    ("POST", "/operator/loans/(?P<loan_id>[^/?]+)/refresh", "refresh_page"),
    ("POST", "/operator/edits/(?P<edit_id>[^/?]+)/reverse", "reverse_edit"),
    ("POST", "/operator/repayments/(?P<repayment_id>[^/?]+)/query", "query_repayment"),
    ("POST", "/operator/repayments/(?P<repayment_id>[^/?]+)/reverse", "reverse_repayment"),
    ("POST", "/operator/receipts/(?P<receipt_id>[^/?]+)/match", "match_receipt"),
    ("POST", "/operator/disputes/(?P<dispute_id>[^/?]+)/verify", "verify_dispute"),
    ("POST", "/operator/disputes/(?P<dispute_id>[^/?]+)/decide", "decide_dispute"),
    ("POST", "/channels/(?P<channel>[^/?]+)/payments", "pay_at_channel"),
    ("GET", "/channels/(?P<channel>[^/?]+)/trades/(?P<out_trade_no>[^/?]+)", "trade"),
    ("GET", "/bureau/borrowers/(?P<borrower_id>[^/?]+)/report", "credit_report"),
    ("GET", "/bureau/borrowers/(?P<borrower_id>[^/?]+)/score", "credit_score"),
    ("POST", "/bureau/lenders/(?P<lender>[^/?]+)/applications", "apply"),
    ("POST", "/-/clock/advance", "advance"),
    ("DELETE", "/-/rules/(?P<rule_id>[^/?]+)", "disarm"),
    ("POST", "/-/rules/halt", "halt"),
)
"""Requests that are written as a method of the client: HTTP method, path, name. Others are written as `request`."""
SHOWN = ("status", "outstanding_minor", "state", "amount_minor", "total_minor", "score", "decision")
"""The fields of an answer that a saved step prints."""
CLAIMED = {"loan": ("status", "outstanding_minor"), "books": ("status", "outstanding_minor")}
"""The fields of an answer that a saved step claims, by method."""
_ID = re.compile(r"\b(?:[a-z]{2,4}_[a-z2-7]{20}(?:_\d+)?|ML[A-Z2-7]{20})\b")


class CannotSave(ValueError):
    """The requests of a sandbox cannot be saved; the message says why."""


def saved(log: Mapping[str, Any], *, name: str, title: str, lies: int) -> str:
    """The text of a scenario file. `log`: the request log; `lies`: the open entries of the answer key now.

    Raises CannotSave.
    """
    if not log["complete"]:
        raise CannotSave(
            "the request log of this sandbox is not complete: the sandbox was created before the server was started, "
            f"or had more than {log['requests_max']} requests"
        )
    if not log["requests"]:
        raise CannotSave("there was no request in this sandbox yet")
    left_out = [
        f"{request['method']} {request['path']}: {request['left_out']}"
        for request in log["requests"]
        if request["left_out"]
    ]
    sandbox = log["sandbox"]
    more = {"zone": sandbox["zone"], "monitoring": sandbox["monitoring"]}
    if sandbox["four_eyes_above_minor"] is not None:
        more["four_eyes_above_minor"] = sandbox["four_eyes_above_minor"]
    document = {
        "name": name,
        "title": title,
        "story": "The requests of a sandbox, step by step. Divide it into chapters and describe them.",
        "seed": sandbox["seed"],
        "starts": log["starts"],
        "sandbox": more,
        "open_end": True,
        "chapters": [{"title": "The requests", "story": "In their order.", "steps": list(_steps(log)), "lies": lies}],
    }
    clock_ran = any(request["clock"] == "wall" for request in log["requests"])
    unclaimed = _remove_failing_claims(document) if clock_ran else []
    head = [f"# Saved at {log['now']} of the sandbox's clock. Run it with `mocklend scenario run FILE`."]
    if left_out:
        head += ["# These requests are left out, so the result may differ:", *(f"#   {line}" for line in left_out)]
    if unclaimed:
        head += ["# Not claimed, because it depended on the exact time of the sandbox's running clock:"]
        head += [f"#   {line}" for line in unclaimed]
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return "\n".join([*head, text])


def _remove_failing_claims(document: dict[str, Any]) -> list[str]:
    """Run the scenario once on a manual clock and remove the claims that fail. Returns them, in sentences."""
    [chapter] = document["chapters"]
    unclaimed: list[str] = []
    kept: dict[str, Any] = {}
    with (
        local_platform() as url,
        Client(url) as anyone,
        anyone.sandbox(seed=document["seed"], now=document["starts"], **document["sandbox"]) as client,
    ):
        client.next_key = numbered_keys()
        for n, step in enumerate(chapter["steps"], 1):
            try:
                answer, failed = asked(client, {"fails": ANY, **step}, filled(step.get("with") or {}, kept))
            except NotAsTold as failure:
                raise CannotSave(
                    f"its clock was running, and on a manual clock step {n} cannot be repeated: {failure}"
                ) from None
            if "as" in step:
                kept[step["as"]] = answer
            unclaimed += [f"step {n}, {step['do']}: {claim}" for claim in _unclaim(step, answer, failed, kept)]
        chapter["lies"] = len(client.answer_key(status="active")["entries"])
    return unclaimed


def _unclaim(step: Step, answer: Doc, failed: str | None, kept: Mapping[str, Any]) -> Iterator[str]:
    """Remove the claims of a step that this answer contradicts. Yields each, in a sentence."""
    expected = step.get("fails")
    if expected != ANY and failed != expected:
        step["fails"] = ANY
        step.pop("shows", None)
        step.pop("expect", None)
        yield f"{expected or 'it succeeds'} (in the second run: {failed or 'it succeeds'})"
    for field, value in list(step.get("expect", {}).items()):
        try:
            holds = at(answer, field) == filled(value, kept)
        except NotAsTold:
            holds = False
        if not holds:
            del step["expect"][field]
            yield f"{field} is {value}"
    if not step.get("expect"):
        step.pop("expect", None)


def _steps(log: Mapping[str, Any]) -> Iterator[Step]:
    """A step for each request; if the clock was running, also steps that advance it between them."""
    requests = [request for request in log["requests"] if not request["left_out"]]
    source_of: dict[str, tuple[str, str]] = {}
    steps: list[Step] = []
    used: set[str] = set()
    clock = log["starts"]
    for n, request in enumerate(requests, 1):
        if request["clock"] == "wall" and request["at"] > clock:
            clock = request["at"]
            steps.append({"do": "advance", "with": {"to": clock}})
        step = _step(request)
        step["with"] = _referring(step["with"], source_of, used)
        step["as"] = f"step-{n}"
        steps.append(step)
        for id, path in _ids(request["answer"], ""):
            source_of.setdefault(id, (step["as"], path))
    if requests and requests[-1]["clock"] == "wall" and log["now"] > clock:
        steps.append({"do": "advance", "with": {"to": log["now"]}})
    for step in steps:
        if step.get("as") not in used:
            step.pop("as", None)
        if not step.get("with"):
            step.pop("with", None)
        yield step


def _step(request: Mapping[str, Any]) -> Step:
    """A request as a step: method, arguments, printed fields and claims."""
    do, arguments = _call(request)
    step: Step = {"do": do, "with": arguments}
    answer = request["answer"] or {}
    if request["broken"]:
        return step | {"fails": ANY}
    if request["status"] >= 300:
        return step | {"fails": answer.get("code", ANY)}
    if shown := [name for name in SHOWN if name in answer]:
        step["shows"] = " ".join(shown)
    if claimed := {name: answer[name] for name in CLAIMED.get(do, ()) if name in answer}:
        step["expect"] = claimed
    return step


def _call(request: Mapping[str, Any]) -> tuple[str, Doc]:
    """The method of the client that makes this request, and its arguments."""
    body = _escaped(request["body"] or {})
    key = {"idempotency_key": _escaped(request["idempotency_key"])} if request["idempotency_key"] else {}
    for method, path, do in CALLS:
        match = re.fullmatch(path, request["path"]) if method == request["method"] else None
        if match is None:
            continue
        arguments = {**match.groupdict(), **body, **key}
        try:
            inspect.signature(getattr(Client, do)).bind(None, **arguments)
        except TypeError:
            break  # The method has no parameter for one of the fields.
        if len(arguments) == len(match.groupdict()) + len(body) + len(key):
            return do, arguments
    rule = re.fullmatch(r"/-/rules/([^/?]+)", request["path"])
    if rule and request["method"] == "PUT":
        return "put_rule", {"rule_id": rule[1], "rule": body}
    raw: Doc = {"method": request["method"], "path": _escaped(request["path"])}
    if request["body"] is not None:
        raw["body"] = body
    return "request", {**raw, **key}


def _escaped(raw: Any) -> Any:
    """A value with its dollar signs doubled, so that they do not begin a reference."""
    if isinstance(raw, str):
        return raw.replace("$", "$$")
    if isinstance(raw, dict):
        return {key: _escaped(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_escaped(value) for value in raw]
    return raw


def _ids(answer: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every id in an answer, with its dotted path."""
    if isinstance(answer, str):
        if _ID.fullmatch(answer):
            yield answer, path
    elif isinstance(answer, dict):
        for name, value in answer.items():
            yield from _ids(value, f"{path}.{name}" if path else name)
    elif isinstance(answer, list):
        for n, value in enumerate(answer):
            yield from _ids(value, f"{path}.{n}")


def _referring(raw: Any, source_of: Mapping[str, tuple[str, str]], used: set[str]) -> Any:
    """A value in which each id from an earlier answer is replaced by a reference to it. Adds its step to `used`."""
    if isinstance(raw, str):

        def reference(id: re.Match[str]) -> str:
            if id[0] not in source_of:
                return id[0]
            step, path = source_of[id[0]]
            used.add(step)
            return f"${{{step}.{path}}}"

        return _ID.sub(reference, raw)
    if isinstance(raw, dict):
        return {key: _referring(value, source_of, used) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_referring(value, source_of, used) for value in raw]
    return raw
