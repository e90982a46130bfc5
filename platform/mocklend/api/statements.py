"""Channel statements (对账单): a channel's file of the money that it moved on one business day."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import Currency
from mocklend.api.openapi import operation
from mocklend.api.peek import is_peek
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
from mocklend.domain.nouns import ChannelId, CutOff, JsonObject, StatementReady, says
from mocklend.domain.problems import Refused
from mocklend.sandboxes.timestamps import LAST_MS
from mocklend.storage.snapshot import Snapshot
from mocklend.validation import Body, OneOf

statements = APIBlueprint("statements", __name__)

FIRST_DAY, LAST_DAY = dt.date(1970, 1, 2), dt.datetime.fromtimestamp(LAST_MS // 1000, dt.UTC).date()
A_DAY = f"a date like 2026-01-05, from {FIRST_DAY} to {LAST_DAY}"

FormatName = Annotated[str, OneOf(tuple(FORMATS))]


class StatementQuery(Body):
    """The format and currency of a statement. A channel keeps one account per currency."""

    format: FormatName = Field(
        default="camt053", description="The format of the file, one of GET /channels/{channel}/statements."
    )
    currency: Currency = "CNY"


class Remake(Body):
    """The currency of the file to make again."""

    currency: Currency


class FormatDoc(TypedDict):
    """A format of statements."""

    id: Annotated[str, says("The format's name, as `format` takes it.")]
    media_type: Annotated[str, says("The media type of its files.")]
    charset: Annotated[str, says("The character set of its files.")]
    carries: Annotated[list[str], says("The purposes of the movements that it contains.")]


class StatementFormats(TypedDict):
    """The formats of a channel's statements, its cut-off, and when the statement of a day is ready."""

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
    """The formats of a channel's statements."""
    owner = channel_of(channel)
    return rendered(
        StatementFormats(
            channel=owner.id,
            cut_off=owner.cut_off,
            statement_ready=owner.statement_ready,
            formats=[format_doc(format) for format in FORMATS.values()],
        )
    )


def _files(operation: JsonObject) -> JsonObject:
    """The operation with its response 200: a file, in the media type of its format."""
    media_types = sorted({format.media_type for format in FORMATS.values()})
    file = {
        "description": "The file, byte for byte as the channel made it.",
        "headers": {"Content-Disposition": {"description": "The file's name.", "schema": {"type": "string"}}},
        "content": {media_type: {"schema": {"type": "string"}} for media_type in media_types},
    }
    return operation | {"responses": {200: file, **operation["responses"]}}


@statements.get("/channels/<id:channel>/statements/<id:date>")
@statements.input(StatementQuery, location="query", arg_name="query")
@statements.doc(**_files(operation("getStatement", "channel_unknown", "statement_not_ready")))
def get_statement(channel: str, date: str, query: StatementQuery) -> Response:
    """A channel's statement of one business day, which ends at the channel's cut-off. It is ready on the next day."""
    owner, on = channel_of(channel), _read_day(date)
    with open_snapshot() as snapshot:
        heading = Heading(owner, on, query.currency, snapshot.sandbox.zone)
        statement = ready_statement(snapshot, heading)
        file = file_of(snapshot, heading)
    if file is None and is_peek():
        raise Refused("statement_not_ready", "nobody has asked for it yet, and a peek makes no file")
    if file is None:
        # The file is made once and stored, so that every request gets the same bytes.
        run(MakeStatement(snapshot.sandbox_id, owner.id, on, query.currency, len(statement.movements)))
        with open_snapshot() as snapshot:
            file = file_of(snapshot, heading)
        assert file is not None, "MakeStatement stores the file"
    format = FORMATS[query.format]
    response = Response(
        fetch(file, statement, format, snapshot.now_ms), content_type=f"{format.media_type}; charset={format.charset}"
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
    """Make a channel's statement of a day again. The new file does not have the errors of the last one."""
    with open_snapshot() as snapshot:
        command = remake_of(snapshot, channel, date, remake)
    return answered(run(command))


def remake_of(snapshot: Snapshot, channel: str, date: str, remake: Remake) -> MakeStatement:
    """The command for a request. Refused `channel_unknown`, `statement_not_ready`, `validation_failed`."""
    owner, on = channel_of(channel), _read_day(date)
    day = ready_statement(snapshot, Heading(owner, on, remake.currency, snapshot.sandbox.zone))
    return MakeStatement(snapshot.sandbox_id, owner.id, on, remake.currency, len(day.movements), again=True)


def _read_day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise field_problem("date", A_DAY, text) from None
    if str(day) != text or not FIRST_DAY <= day <= LAST_DAY:
        raise field_problem("date", A_DAY, text)
    return day
