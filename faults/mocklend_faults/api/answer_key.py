"""GET /-/answer-key: every injection, what was true, and what was served instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, TypedDict

import orjson
from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import Id, PageSize
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.problems import field_problem
from mocklend.api.request_context import current_platform, open_snapshot, sandbox_id
from mocklend.api.responses import in_full, rendered
from mocklend.domain.nouns import JsonObject, NextCursor, says
from mocklend.domain.problems import Refused
from mocklend.storage.snapshot import Snapshot
from mocklend.validation import OneOf
from mocklend.views.reads import cursor
from mocklend_faults.api.rules import rule_documents
from mocklend_faults.engine.answer_key import STATUSES, EntryDoc, KeyFilter, batches, find, key_page, stream
from mocklend_faults.engine.hints import why_empty

answer_key = APIBlueprint("answer_key", __name__, tag="Faults")

LINES = "application/jsonl"
ANSWER_KEY = "answer_key"
"""The name of this list in its cursors."""


class KeyQuery(Paged):
    """Filters of the answer key. `jsonl` returns all entries, one per line."""

    limit: PageSize = 500
    format: Annotated[str, OneOf(("json", "jsonl"))] = Field(
        default="json", description="`json` is one page; `jsonl` is all entries, one JSON object per line."
    )
    status: Annotated[str, OneOf(STATUSES)] | None = Field(
        default=None,
        description="Only entries in this status: PENDING not visible yet, ACTIVE visible, HEALED over, "
        "SUPERSEDED replaced by a newer injection, MASKED withstood by the platform.",
    )
    entity: Id | None = Field(
        default=None, description="Only entries about this entity: the event's, or that of the expected finding."
    )
    loan_id: LoanId | None = None
    rule: Id | None = Field(default=None, description="Only entries that this rule injected, by its id.")
    fault: Id | None = Field(default=None, description="Only entries of this kind of fault, by its name.")
    order: Annotated[str, OneOf(("oldest", "newest"))] = Field(
        default="oldest", description="`newest` lists the newest entries first; `jsonl` is always oldest first."
    )

    @property
    def wanted(self) -> KeyFilter:
        """The entries that the filters leave."""
        return KeyFilter(self.status, self.entity, self.loan_id, self.rule, self.fault)


class AnswerKey(TypedDict):
    """A page of the answer key, in canonical order or its reverse. If the whole key is empty, `hint` says why."""

    entries: Annotated[list[EntryDoc], says("The entries of this page.")]
    next_cursor: NextCursor | None
    hint: Annotated[str | None, says("If the whole key is empty: why, and what to do. Null otherwise.")]


def _or_lines(operation: JsonObject) -> JsonObject:
    """The operation with a second media type of its response 200: lines of JSON."""
    lines = {"description": "A page; with `format=jsonl`, all.", "content": {LINES: {"schema": {"type": "string"}}}}
    return operation | {"responses": {200: lines, **operation["responses"]}}


@answer_key.get("/-/answer-key")
@answer_key.input(KeyQuery, location="query", arg_name="query")
@answer_key.output(document(AnswerKey))
@answer_key.doc(**_or_lines(operation("getAnswerKey", "conflict")))
def get_answer_key(query: KeyQuery) -> Response:
    """The answer key: every injection, with the truth and what was served instead."""
    if query.format == "jsonl":
        return _exported(query)
    with open_snapshot() as snapshot:
        after = find(snapshot, decode_cursor(ANSWER_KEY, query.cursor)) if query.cursor is not None else None
        if query.cursor is not None and after is None:
            raise field_problem("cursor", "a next_cursor of this list", query.cursor)
        page = key_page(snapshot, query.wanted, after, query.limit + 1, newest_first=query.order == "newest")
        empty = not page and next(stream(snapshot), None) is None
    documents = [entry.to_json() for entry in page[: query.limit]]
    next_cursor = cursor(ANSWER_KEY, page[query.limit - 1].injection) if len(page) > query.limit else None
    hint = why_empty(rule_documents()) if empty else None
    return rendered(AnswerKey(entries=documents, next_cursor=next_cursor, hint=hint))


def _exported(query: KeyQuery) -> Response:
    """The whole key, one line of JSON per entry, as of the start of the request; see `batches` for the guarantee.

    The entries are read in short transactions and kept in a file, which is sent once it is complete: a client that
    reads slowly holds no transaction open.
    """
    if query.cursor is not None:
        raise field_problem("cursor", "no cursor: jsonl has no pages", query.cursor)
    if query.order != "oldest":
        raise field_problem("order", "oldest: jsonl is in canonical order", query.order)
    id, platform = sandbox_id(), current_platform()
    with platform.snapshot(id) as snapshot:
        resets, began_ms = snapshot.sandbox.resets, snapshot.now_ms

    @contextmanager
    def unreset() -> Iterator[Snapshot]:
        with platform.snapshot(id) as snapshot:
            if snapshot.sandbox.resets != resets:
                raise Refused("conflict", "the sandbox was reset while its answer key was read", sandbox_id=id)
            yield replace(snapshot, now_ms=began_ms)

    entries = batches(unreset, query.wanted)
    lines = (orjson.dumps(entry.to_json(), option=orjson.OPT_APPEND_NEWLINE) for batch in entries for entry in batch)
    return in_full(lines, LINES)
