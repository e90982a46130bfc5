"""A channel's file of a day as it was made: when somebody first asks for it, and again when the channel is told to.

GET ──▶ is there a file? ──no──▶ MakeStatement ──▶ statement_files
              │ yes
              ▼
the day's record, as `contents` writes it: the same bytes whenever one asks
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, TypedDict

from mocklend.channels.statements.day import Heading, MalformedStatement, StatementDay
from mocklend.channels.statements.format import Format
from mocklend.channels.statements.formats import FORMATS
from mocklend.channels.statements.invariant import moved_in_the_world, statement_against_world
from mocklend.channels.statements.record import ready_statement
from mocklend.documents import rendering
from mocklend.domain.channel import channel_of
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
"""The format that the audit reads: it has a line for each movement, whatever it is for."""


@dataclass(frozen=True, slots=True)
class MakeStatement:
    """Make a day's file, whose time has come; `again` even if there is one. `row_count` is what moved on the day."""

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
        """201 and the file's record, or 200 where it was there."""
        id = file_id(self.channel, self.day, self.currency)
        known = work.find(StatementFile, id)
        if known is not None and not self.again:
            return Answer(200, file_doc(known))
        heading = Heading(channel_of(self.channel), self.day, self.currency, work.sandbox.zone)
        times = known.made + 1 if known else 1
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
        made = StatementFile(
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
        work.put(made)
        return Answer(201, file_doc(made))


def file_id(channel: str, day: date, currency: str) -> str:
    """A channel makes one file per day and currency; it is the same in all formats."""
    return f"{channel}.{day}.{currency}"


class StatementFileDoc(TypedDict):
    """A file: how many times it was made, and when it can be had."""

    channel: ChannelId
    date: Annotated[str, says("The day that it is of, like 2026-01-05, by the channel's cut-off."), column("day")]
    currency: Currency
    times_made: Annotated[
        int, says("How many times it was made: 1, unless somebody had it made again."), column("made")
    ]
    ready_at: Annotated[str, says("When it can be had. RFC 3339, on the sandbox's clock.")]


file_doc = rendering(StatementFile, StatementFileDoc)
"""A file's record as JSON."""


def file_of(reader: SandboxReader, heading: Heading) -> StatementFile | None:
    """The file as it was made; None where nobody has asked for it yet."""
    return reader.find(StatementFile, file_id(heading.channel.id, heading.day, heading.currency))


def fetch(made: StatementFile, day: StatementDay, format: Format, now_ms: int) -> bytes:
    """The bytes, or Refused `statement_not_ready` where the file is late."""
    if now_ms < made.ready_ms:
        detail = f"the statement of {made.day} is late"
        raise Refused("statement_not_ready", detail, expected=f"from {rfc3339(made.ready_ms)}")
    return contents(made, day, format)


def contents(made: StatementFile, day: StatementDay, format: Format) -> bytes:
    """What is in the file, in one of its formats."""
    again = day.movements[: made.repeated_rows]
    data = format.write(replace(day, movements=(*day.movements, *again)))
    if made.recoded:
        # Somebody's editor has saved it: as what the other channels send, or as what it calls Unicode.
        other = {"application/xml": "utf-16"}.get(format.media_type, "utf-8" if format.charset == "gbk" else "gbk")
        data = data.decode(format.charset).removeprefix("\ufeff").replace("`", "").encode(other, "replace")
    return data[: len(data) * made.kept_percent // 100]


def check_statement_files(snapshot: Snapshot) -> Iterator[Discrepancy]:
    """Each file that somebody has asked for is there in time, can be read, and is what moved: `wrong_statement`."""
    for made in snapshot.where(StatementFile, "TRUE ORDER BY id"):
        wrong = _wrong_with(snapshot, made)
        if wrong is not None:
            yield Discrepancy(Finding("wrong_statement", made.id, 0), None, f"V7: {wrong}")


def _wrong_with(snapshot: Snapshot, made: StatementFile) -> str | None:
    heading = Heading(channel_of(made.channel), date.fromisoformat(made.day), made.currency, snapshot.sandbox.zone)
    try:
        day = ready_statement(snapshot, heading)
        format = FORMATS[CARRIES_ALL]
        read = format.read(fetch(made, day, format, snapshot.now_ms), heading)
    except (Refused, MalformedStatement) as error:
        return str(error)
    moved = moved_in_the_world(snapshot, heading)
    return next((detail for _, detail in statement_against_world(read, moved)), None)
