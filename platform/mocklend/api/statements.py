"""Channel statements (对账单): what a channel says, the morning after, that it moved on a day."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import Currency
from mocklend.api.openapi import operation
from mocklend.api.problems import field_problem
from mocklend.api.request_context import open_snapshot, run
from mocklend.api.responses import answered, rendered
from mocklend.channels.statements.day import Heading
from mocklend.channels.statements.files import MakeStatement, StatementFileDoc, fetch, file_of
from mocklend.channels.statements.format import Format
from mocklend.channels.statements.formats import FORMATS
from mocklend.channels.statements.record import ready_statement
from mocklend.documents import rendering
from mocklend.domain.channel import channel_of
from mocklend.domain.nouns import ChannelId, CutOff, StatementReady, says
from mocklend.sandboxes.timestamps import LAST_MS
from mocklend.validation import Body, OneOf

statements = APIBlueprint("statements", __name__)

FIRST_DAY, LAST_DAY = dt.date(1970, 1, 2), dt.datetime.fromtimestamp(LAST_MS // 1000, dt.UTC).date()
A_DAY = f"a date like 2026-01-05, from {FIRST_DAY} to {LAST_DAY}"

FormatName = Annotated[str, OneOf(tuple(FORMATS))]


class StatementQuery(Body):
    """Which file. A channel keeps an account a currency."""

    format: FormatName = Field(
        default="camt053", description="The format of the file, one of GET /channels/{channel}/statements."
    )
    currency: Currency = "CNY"


class Remake(Body):
    """Which file to make again, beside the address."""

    currency: Currency


class FormatDoc(TypedDict):
    """A format, and the purposes that it has lines for."""

    id: Annotated[str, says("The format's name, as `format` takes it.")]
    media_type: Annotated[str, says("The media type of its files.")]
    charset: Annotated[str, says("The character set of its files.")]
    carries: Annotated[list[str], says("The purposes of movements that it has lines for.")]


class StatementFormats(TypedDict):
    """The formats of a channel's statements, and its clock: when a day ends, and when its file is ready."""

    channel: ChannelId
    cut_off: CutOff
    statement_ready: StatementReady
    formats: Annotated[list[FormatDoc], says("The formats.")]


format_doc = rendering(Format, FormatDoc)
"""A format as JSON."""


@statements.get("/channels/<id:channel>/statements")
@statements.output(document(StatementFormats))
@statements.doc(**operation("listStatementFormats", "channel_unknown"))
def list_formats(channel: str) -> Response:
    """The formats in which a channel's statements can be had."""
    its = channel_of(channel)
    return rendered(
        StatementFormats(
            channel=its.id,
            cut_off=its.cut_off,
            statement_ready=its.statement_ready,
            formats=[format_doc(format) for format in FORMATS.values()],
        )
    )


def _files(operation: dict[str, Any]) -> dict[str, Any]:
    """The operation with its 200: a file, in the media type of its format."""
    media_types = sorted({one.media_type for one in FORMATS.values()})
    file = {
        "description": "The file, byte by byte as the channel made it.",
        "headers": {"Content-Disposition": {"description": "The file's name.", "schema": {"type": "string"}}},
        "content": {media_type: {"schema": {"type": "string"}} for media_type in media_types},
    }
    return operation | {"responses": {200: file, **operation["responses"]}}


@statements.get("/channels/<id:channel>/statements/<id:date>")
@statements.input(StatementQuery, location="query", arg_name="query")
@statements.doc(**_files(operation("getStatement", "channel_unknown", "statement_not_ready")))
def get_statement(channel: str, date: str, query: StatementQuery) -> Response:
    """A channel's statement of a day, by the channel's own cut-off. It is ready on the next day."""
    found, on = channel_of(channel), _read_day(date)
    with open_snapshot() as snapshot:
        heading = Heading(found, on, query.currency, snapshot.sandbox.zone)
        statement = ready_statement(snapshot, heading)
        made = file_of(snapshot, heading)
    if made is None:
        # A channel makes a file once; that is put on record, so that asking twice gives the same bytes.
        run(MakeStatement(snapshot.sandbox_id, found.id, on, query.currency, len(statement.movements)))
        with open_snapshot() as snapshot:
            made = file_of(snapshot, heading)
        assert made is not None, "a file that was made is there"
    format = FORMATS[query.format]
    response = Response(
        fetch(made, statement, format, snapshot.now_ms), content_type=f"{format.media_type}; charset={format.charset}"
    )
    name = f"{heading.account}-{on}-{format.id}.{format.extension}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@statements.post("/channels/<id:channel>/statements/<id:date>/remake")
@statements.input(Remake, arg_name="remake")
@statements.output(document(StatementFileDoc), status_code=201)
@statements.doc(**operation("remakeStatement", "channel_unknown", "statement_not_ready"))
def remake_statement(channel: str, date: str, remake: Remake) -> Response:
    """Ask a channel to make its file of a day again: what was wrong with the last one is not on the next."""
    found, on = channel_of(channel), _read_day(date)
    with open_snapshot() as snapshot:
        day = ready_statement(snapshot, Heading(found, on, remake.currency, snapshot.sandbox.zone))
    return answered(
        run(MakeStatement(snapshot.sandbox_id, found.id, on, remake.currency, len(day.movements), again=True))
    )


def _read_day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise field_problem("date", A_DAY, text) from None
    if str(day) != text or not FIRST_DAY <= day <= LAST_DAY:
        raise field_problem("date", A_DAY, text)
    return day
