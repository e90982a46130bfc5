"""A channel's statement file of a day: generated at the first request, and again by an explicit command.

GET ──▶ is there a file? ──no──▶ MakeStatement ──▶ statement_files
              │ yes
              ▼
the day's movements, as `contents` writes them: the same bytes for every request
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated, TypedDict

from mocklend.channels.statements.day import Heading, MalformedStatement, StatementDay
from mocklend.channels.statements.format import Format
from mocklend.channels.statements.formats import FORMATS
from mocklend.channels.statements.invariant import moved_in_the_world, statement_against_world
from mocklend.channels.statements.record import ready_statement
from mocklend.documents import rendering
from mocklend.domain.channel import channel_of
from mocklend.domain.facts import business_date
from mocklend.domain.finding import Discrepancy, Finding
from mocklend.domain.nouns import ChannelId, Currency, column, says
from mocklend.domain.problems import Refused
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.seams.signals import remade
from mocklend.seams.statement_made import StatementMade
from mocklend.storage.entities import StatementFile
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.storage.work import Answer, Idempotency, Key, Work

CARRIES_ALL = "camt053"
"""The format that the audit reads: it has a line for each movement of any purpose."""


@dataclass(frozen=True, slots=True)
class MakeStatement:
    """Generate a day's file once it is due; `again` even if it exists. `row_count` is the number of movements."""

    sandbox_id: str
    channel: str
    day: date
    currency: str
    row_count: int
    again: bool = False
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The file, if there is one."""
        return (("statement_file", file_id(self.channel, self.day, self.currency)),)

    def decide(self, work: Work) -> Answer:
        """201 and the file's document, or 200 if it exists."""
        id = file_id(self.channel, self.day, self.currency)
        existing = work.find(StatementFile, id)
        if existing is not None and not self.again:
            return Answer(200, file_doc(existing))
        heading = Heading(channel_of(self.channel), self.day, self.currency, work.sandbox.zone)
        times = existing.made + 1 if existing else 1
        due_ms = heading.ready_ms if times == 1 else work.now_ms
        work.signal(remade(id))
        outcome = work.at(
            StatementMade(
                entity=id,
                occurrence=times,
                now_ms=work.now_ms,
                channel=self.channel,
                day=str(self.day),
                currency=self.currency,
                rows=self.row_count,
                due_ms=due_ms,
            )
        )
        file = StatementFile(
            id=id,
            channel=self.channel,
            day=str(self.day),
            currency=self.currency,
            made=times,
            ready_ms=due_ms + outcome.late_s * 1000,
            kept_percent=outcome.kept_percent,
            repeated_rows=outcome.repeated_rows,
            recoded=int(outcome.recoded),
        )
        work.put(file)
        return Answer(201, file_doc(file))


def file_id(channel: str, day: date, currency: str) -> str:
    """The id of a file: a channel has one per day and currency, the same for all formats."""
    return f"{channel}.{day}.{currency}"


class StatementFileDoc(TypedDict):
    """A generated statement file, with the time from which it is available."""

    channel: ChannelId
    date: Annotated[str, says("The day of the statement, like 2026-01-05, by the channel's cut-off."), column("day")]
    currency: Currency
    times_made: Annotated[int, says("How often it was generated: 1 unless it was generated again."), column("made")]
    ready_at: Annotated[str, says("When it is available. RFC 3339, on the sandbox's clock.")]


file_doc = rendering(StatementFile, StatementFileDoc)
"""Renders a file as its document."""


def file_at(channel: str, currency: str, at_ms: int, zone: str) -> str:
    """The id of the file that has a movement of this moment, by the channel's cut-off."""
    day = business_date(at_ms, zone)
    heading = Heading(channel_of(channel), day, currency, zone)
    return file_id(channel, day if at_ms < heading.until_ms else day + timedelta(days=1), currency)


def is_damaged(file: StatementFile, now_ms: int) -> bool:
    """Whether a file is late or was not written as its channel has it: then its day is worth reading again."""
    return now_ms < file.ready_ms or file.kept_percent < 100 or file.repeated_rows > 0 or file.recoded == 1


def file_of(reader: SandboxReader, heading: Heading) -> StatementFile | None:
    """The generated file; None if it was not requested yet."""
    return reader.find(StatementFile, file_id(heading.channel.id, heading.day, heading.currency))


def fetch(file: StatementFile, day: StatementDay, format: Format, now_ms: int) -> bytes:
    """The bytes of a file. Raises Refused `statement_not_ready` if the file is late."""
    if now_ms < file.ready_ms:
        detail = f"the statement of {file.day} is late"
        raise Refused("statement_not_ready", detail, expected=f"from {rfc3339(file.ready_ms)}")
    return contents(file, day, format)


def contents(file: StatementFile, day: StatementDay, format: Format) -> bytes:
    """The bytes of the file in one of its formats."""
    repeated = day.movements[: file.repeated_rows]
    data = format.write(replace(day, movements=(*day.movements, *repeated)))
    if file.recoded:
        # As saved by an editor: in the encoding of the other channels, or in UTF-16.
        other = {"application/xml": "utf-16"}.get(format.media_type, "utf-8" if format.charset == "gbk" else "gbk")
        data = data.decode(format.charset).removeprefix("\ufeff").replace("`", "").encode(other, "replace")
    return data[: len(data) * file.kept_percent // 100]


def check_statement_files(snapshot: Snapshot, files: Iterable[StatementFile] | None = None) -> Iterator[Discrepancy]:
    """Check each generated file, or some: ready in time, readable, equal to the movements. Class `wrong_statement`."""
    for file in snapshot.where(StatementFile, "TRUE ORDER BY id") if files is None else files:
        mistake = _mistake_in(snapshot, file)
        if mistake is not None:
            yield Discrepancy(Finding("wrong_statement", file.id, 0), None, file.currency, f"V7: {mistake}")


def _mistake_in(snapshot: Snapshot, file: StatementFile) -> str | None:
    heading = Heading(channel_of(file.channel), date.fromisoformat(file.day), file.currency, snapshot.sandbox.zone)
    try:
        day = ready_statement(snapshot, heading)
        format = FORMATS[CARRIES_ALL]
        read = format.read(fetch(file, day, format, snapshot.now_ms), heading)
    except (Refused, MalformedStatement) as error:
        return str(error)
    movements = moved_in_the_world(snapshot, heading)
    return next((detail for _, detail in statement_against_world(read, movements)), None)
