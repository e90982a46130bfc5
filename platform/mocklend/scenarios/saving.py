"""Saving: what was just done in a sandbox, as a scenario that does it again.

        GET /-/requests ─▶ a step for each request, in order ─▶ a file of YAML

With the same seed the same steps have the same ids and meet the same faults, so the answer key is the same; where the
sandbox's clock ran by itself, but for times, since then the story moves a manual clock to the moment of each request.
On a clock that runs by itself what is due runs a moment late, so an answer may have depended on it: such a story is
told once before it is written, and only what holds then is claimed. The file says what was not.
Ids are not written down: a step says `${step-1.id}`, so the story can be told with another seed, too.
Requests that were made at the same time are told one after another, in the order of their answers.
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
from mocklend.scenarios.telling import ANY, asked, filled

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
"""The calls that are written by the name of their method; any other is written as it came."""
SHOWN = ("status", "outstanding_minor", "state", "amount_minor", "total_minor", "score", "decision")
CLAIMED = {"loan": ("status", "outstanding_minor"), "books": ("status", "outstanding_minor")}
"""What a saved story claims: what the page and the books said."""
_ID = re.compile(r"\b(?:[a-z]{2,4}_[a-z2-7]{20}(?:_\d+)?|ML[A-Z2-7]{20})\b")


class CannotSave(ValueError):
    """There is no whole story to save, and why."""


def saved(record: Mapping[str, Any], *, name: str, title: str, lies: int) -> str:
    """The file's text, of the record of a sandbox and the number of lies that are told there now."""
    if not record["complete"]:
        raise CannotSave(
            "not every request of this sandbox is known: it was made before the server was started, or was asked "
            f"more than the {record['requests_max']} times that are kept"
        )
    if not record["requests"]:
        raise CannotSave("nothing was asked in this sandbox yet")
    left_out = [
        f"{request['method']} {request['path']}: {request['left_out']}"
        for request in record["requests"]
        if request["left_out"]
    ]
    sandbox = record["sandbox"]
    more = {"zone": sandbox["zone"], "monitoring": sandbox["monitoring"]}
    if sandbox["four_eyes_above_minor"] is not None:
        more["four_eyes_above_minor"] = sandbox["four_eyes_above_minor"]
    document = {
        "name": name,
        "title": title,
        "story": "What was done in a sandbox, step by step. Give it chapters and words.",
        "seed": sandbox["seed"],
        "starts": record["starts"],
        "sandbox": more,
        "open_end": True,
        "chapters": [
            {"title": "What was done", "story": "As it was done.", "steps": list(_steps(record)), "lies": lies}
        ],
    }
    ran_by_itself = any(request["at"] is not None for request in record["requests"])
    unclaimed = _claim_what_holds(document) if ran_by_itself else []
    head = [f"# Saved at {record['now']} of the sandbox's clock. Tell it with `mocklend scenario run FILE`."]
    if left_out:
        head += ["# Left out, so it may end otherwise than it did:", *(f"#   {one}" for one in left_out)]
    if unclaimed:
        head += ["# Not claimed, since on the sandbox's own clock it depended on the moment:"]
        head += [f"#   {one}" for one in unclaimed]
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return "\n".join([*head, text])


def _claim_what_holds(document: dict[str, Any]) -> list[str]:
    """Tell the story of a clock that ran by itself on a manual one, and leave out what does not hold; what that was."""
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
            except NotAsTold as otherwise:
                raise CannotSave(
                    f"its clock ran by itself, and without it step {n} cannot be done: {otherwise}"
                ) from None
            if "as" in step:
                kept[step["as"]] = answer
            unclaimed += [f"step {n}, {step['do']}: {what}" for what in _unclaim(step, answer, failed, kept)]
        chapter["lies"] = len(client.answer_key(status="active")["entries"])
    return unclaimed


def _unclaim(step: Step, answer: Doc, failed: str | None, kept: Mapping[str, Any]) -> Iterator[str]:
    """Take from a step what does not hold."""
    wanted = step.get("fails")
    if wanted != ANY and failed != wanted:
        step["fails"] = ANY
        step.pop("shows", None)
        step.pop("expect", None)
        yield f"{wanted or 'it is done'} (told again, {failed or 'it is done'})"
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


def _steps(record: Mapping[str, Any]) -> Iterator[Step]:
    """A step for each request, and on a clock that ran by itself the moves between them."""
    made = [request for request in record["requests"] if not request["left_out"]]
    known: dict[str, tuple[str, str]] = {}
    steps: list[Step] = []
    used: set[str] = set()
    clock = record["starts"]
    for n, one in enumerate(made, 1):
        if one["at"] is not None and one["at"] > clock:
            clock = one["at"]
            steps.append({"do": "advance", "with": {"to": clock}})
        step = _step(one)
        step["with"] = _unnamed(step["with"], known, used)
        step["as"] = f"step-{n}"
        steps.append(step)
        for id, path in _ids(one["answer"], ""):
            known.setdefault(id, (step["as"], path))
    if made and made[-1]["at"] is not None and record["now"] > clock:
        steps.append({"do": "advance", "with": {"to": record["now"]}})
    for step in steps:
        if step.get("as") not in used:
            step.pop("as", None)
        if not step.get("with"):
            step.pop("with", None)
        yield step


def _step(one: Mapping[str, Any]) -> Step:
    """A request as a step: who is asked what, what is shown, and how it failed, if it did."""
    do, arguments = _call(one)
    step: Step = {"do": do, "with": arguments}
    answer = one["answer"] or {}
    if one["broken"]:
        return step | {"fails": ANY}
    if one["status"] >= 300:
        return step | {"fails": answer.get("code", ANY)}
    if shown := [name for name in SHOWN if name in answer]:
        step["shows"] = " ".join(shown)
    if claimed := {name: answer[name] for name in CLAIMED.get(do, ()) if name in answer}:
        step["expect"] = claimed
    return step


def _call(one: Mapping[str, Any]) -> tuple[str, Doc]:
    """The method of the client that makes this request, and its arguments."""
    body = _escaped(one["body"] or {})
    key = {"idempotency_key": _escaped(one["idempotency_key"])} if one["idempotency_key"] else {}
    for method, path, do in CALLS:
        found = re.fullmatch(path, one["path"]) if method == one["method"] else None
        if found is None:
            continue
        arguments = {**found.groupdict(), **body, **key}
        try:
            inspect.signature(getattr(Client, do)).bind(None, **arguments)
        except TypeError:
            break  # Something is in it that the method would not send.
        if len(arguments) == len(found.groupdict()) + len(body) + len(key):
            return do, arguments
    rule = re.fullmatch(r"/-/rules/([^/?]+)", one["path"])
    if rule and one["method"] == "PUT":
        return "put_rule", {"rule_id": rule[1], "rule": body}
    as_it_came: Doc = {"method": one["method"], "path": _escaped(one["path"])}
    if one["body"] is not None:
        as_it_came["body"] = body
    return "request", {**as_it_came, **key}


def _escaped(raw: Any) -> Any:
    """A value in which a dollar sign is no name."""
    if isinstance(raw, str):
        return raw.replace("$", "$$")
    if isinstance(raw, dict):
        return {key: _escaped(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_escaped(value) for value in raw]
    return raw


def _ids(answer: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every id of an answer, and where it stands there."""
    if isinstance(answer, str):
        if _ID.fullmatch(answer):
            yield answer, path
    elif isinstance(answer, dict):
        for name, value in answer.items():
            yield from _ids(value, f"{path}.{name}" if path else name)
    elif isinstance(answer, list):
        for n, value in enumerate(answer):
            yield from _ids(value, f"{path}.{n}")


def _unnamed(raw: Any, known: Mapping[str, tuple[str, str]], used: set[str]) -> Any:
    """A value with every id that an answer has had replaced by where it stood."""
    if isinstance(raw, str):

        def where(found: re.Match[str]) -> str:
            if found[0] not in known:
                return found[0]
            step, path = known[found[0]]
            used.add(step)
            return f"${{{step}.{path}}}"

        return _ID.sub(where, raw)
    if isinstance(raw, dict):
        return {key: _unnamed(value, known, used) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_unnamed(value, known, used) for value in raw]
    return raw
