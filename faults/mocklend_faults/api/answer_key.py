"""GET /-/answer-key: which answers were lies, and what the truth was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Annotated, Any

import orjson
from apiflask import APIBlueprint
from flask import Response
from sqlalchemy import Connection

from mocklend.api.answers import in_full, rendered
from mocklend.api.asking import lender, sandbox_id, snapshot
from mocklend.api.fields import Choice, Doc, Id, PageSize
from mocklend.api.lists import Paged, cursor_of, place
from mocklend.api.openapi import described
from mocklend.api.problems import field_problem
from mocklend.domain.problems import Refused
from mocklend_faults.api.rules import rules_told
from mocklend_faults.engine.answer_key import STATUSES, find, pages, stream
from mocklend_faults.engine.hints import no_lies

answer_key = APIBlueprint("answer_key", __name__, tag="Faults")

LINES = "application/jsonl"


class KeyQuery(Paged):
    """Which entries. `entity` is the seam's or the finding's. As `jsonl` they come all, a line each."""

    limit: PageSize = 500
    format: Annotated[str, Choice(("json", "jsonl"))] = "json"
    status: Annotated[str, Choice(STATUSES)] | None = None
    entity: Id | None = None
    loan_id: Id | None = None


class EntryDoc(Doc):
    """One injection: what was true, what was served, and what a reconciler should find."""

    injection: str
    rule: str
    fault: str
    seam: str
    entity: str
    loan_id: str
    occurrence: int
    at: str
    effect: str
    truth: dict[str, Any]
    served: dict[str, Any]
    amount_minor: int
    currency: str
    visible_from: str
    visible_until: str | None
    expected: dict[str, Any]
    status: Annotated[str, Choice(STATUSES)]
    status_reason: str | None
    ended_at: str | None


class AnswerKey(Doc):
    """A page of the answer key, in canonical order. `hint` says why the whole key is empty, where it is."""

    entries: list[EntryDoc]
    next_cursor: str | None
    hint: str | None


def _or_lines(operation: dict[str, Any]) -> dict[str, Any]:
    """The operation, whose 200 may also be lines of JSON."""
    lines = {"description": "A page; with `format=jsonl`, all.", "content": {LINES: {"schema": {"type": "string"}}}}
    return operation | {"responses": {200: lines, **operation["responses"]}}


@answer_key.get("/-/answer-key")
@answer_key.input(KeyQuery, location="query", arg_name="query")
@answer_key.output(AnswerKey)
@answer_key.doc(**_or_lines(described("getAnswerKey", "conflict")))
def get_answer_key(query: KeyQuery) -> Response:
    """Which answers were lies, and what the truth was."""
    if query.format == "jsonl":
        return _exported(query)
    entries = partial(stream, status=query.status, entity=query.entity, loan_id=query.loan_id)
    with snapshot() as (connection, sandbox, now_ms):
        after = find(connection, sandbox, now_ms, place(query.cursor)) if query.cursor is not None else None
        if query.cursor is not None and after is None:
            raise field_problem("cursor", "a next_cursor of this list", query.cursor)
        page = list(islice(entries(connection, sandbox, now_ms, after=after), query.limit + 1))
        empty = not page and next(stream(connection, sandbox, now_ms), None) is None
    documents = [entry.to_json() for entry in page[: query.limit]]
    next_cursor = cursor_of(page[query.limit - 1].injection) if len(page) > query.limit else None
    hint = no_lies(rules_told()) if empty else None
    return rendered({"entries": documents, "next_cursor": next_cursor, "hint": hint})


def _exported(query: KeyQuery) -> Response:
    """The whole key, a line of JSON each, as it stood when this began: see `pages` for what is promised.

    It is read in short transactions and kept in a file, and sent once it is whole: a client that does not read holds
    up nobody.
    """
    if query.cursor is not None:
        raise field_problem("cursor", "no cursor with jsonl, which is not in pages", query.cursor)
    id, platform = sandbox_id(), lender()
    with platform.read() as connection:
        began = platform.sandbox(connection, id)

    @contextmanager
    def same_life() -> Iterator[Connection]:
        with platform.read() as connection:
            if platform.sandbox(connection, id).resets != began.resets:
                raise Refused("conflict", "the sandbox was emptied while its answer key was read", sandbox_id=id)
            yield connection

    wanted = {"status": query.status, "entity": query.entity, "loan_id": query.loan_id}
    found = pages(same_life, id, began.now_ms(platform.real_ms()), **wanted)
    lines = (orjson.dumps(one.to_json(), option=orjson.OPT_APPEND_NEWLINE) for page in found for one in page)
    return in_full(lines, LINES)
