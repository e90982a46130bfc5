"""A sandbox second by second as an event stream: a row as soon as its second is over, without asking for it.

        GET /-/live/stream ─▶ the rows that are kept ─▶ a row a second ─▶ … until sandbox, key or server ends

Like `GET /-/live` it has what this process has counted. Where no server holds the connection, the answer ends after the
rows that there are, and a client goes on from the last one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson
from apiflask import APIBlueprint
from flask import Response, request

from mocklend.api.live import LiveQuery, live_doc, look
from mocklend.api.openapi import operation
from mocklend.api.request_context import CREDENTIAL, current_platform, holds_control, sandbox_id
from mocklend.domain.nouns import JsonObject
from mocklend.domain.numbers import SECOND_DIGITS, whole_number
from mocklend.domain.problems import Refused
from mocklend.event_streams import EVENT_STREAM, HEADERS, STREAM, STREAMS, Ended, EventStreams, Followed, News, Opening
from mocklend.live_series import LiveRow
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import HIDDEN
from mocklend.signing import hash_of_key
from mocklend.storage.ground import Unavailable
from mocklend.storage.work import Sandbox

live_stream = APIBlueprint("live_stream", __name__)

RETRY = b"retry: 2000\n\n"
"""After how many milliseconds a client asks again for a stream that has ended."""
EVENT = {
    "type": "object",
    "description": "One event of the stream, by its fields.",
    "properties": {
        "event": {
            "type": "string",
            "enum": ["series", "message"],
            "description": "The event's name; `message`, which is the name of an event without one, where it is a row.",
        },
        "id": {"type": "string", "pattern": "^[0-9]{1,12}$", "description": "The row's second. The first has none."},
        "data": {"type": "string", "description": "JSON: a row of `GET /-/live`, or its other fields."},
    },
    "required": ["data"],
}
_STREAM = {
    "description": "A stream of events. The first one, `series`, has the fields of `GET /-/live` without the rows; "
    "each other one has a row as its data, and as its id the row's `second`. In long pauses a comment is sent.",
    "content": {EVENT_STREAM: {"schema": EVENT}},
}


def _events(operation: JsonObject) -> JsonObject:
    """The operation with its response 200: a stream of events."""
    return operation | {"responses": {200: _STREAM, **operation["responses"]}}


class Viewer(NamedTuple):
    """Who follows a sandbox: the hash of the key, None where none is needed, and whether a hidden truth is shown."""

    key_hash: str | None
    sees_hidden: bool = False

    def may_see(self, sandbox: Sandbox) -> bool:
        """Whether the sandbox still has this key, and shows its truth to whoever has it."""
        return self.key_hash in (None, sandbox.key_hash) and (self.sees_hidden or sandbox.truth != HIDDEN)


@dataclass(frozen=True)
class LiveRows:
    """What streams of a sandbox follow: its rows, as they are counted since a second."""

    platform: Platform
    sandbox_id: str
    counted_since: int

    def news(self, after: int) -> News | None:
        """The rows after a second. Raises Ended once they are counted anew, and Refused `sandbox_unknown`."""
        rows, counted_since = self.platform.live_series.rows(self.sandbox_id, after)
        if counted_since != self.counted_since:
            raise Ended
        if not rows:
            return None
        try:
            sandbox = look(self.platform, self.sandbox_id)
        except Unavailable:  # The rows are in memory, whatever the database does.
            return News(self.events(rows), rows[-1]["second"], lambda viewer: True)

        def admits(viewer: Hashable) -> bool:
            return isinstance(viewer, Viewer) and viewer.may_see(sandbox)

        return News(self.events(rows), rows[-1]["second"], admits)

    def events(self, rows: Sequence[LiveRow]) -> bytes:
        """The events of these rows."""
        return b"".join(event(row, row["second"]) for row in rows)


@live_stream.get("/-/live/stream")
@live_stream.input(LiveQuery, location="query", arg_name="query")
@live_stream.doc(**_events(operation("getLiveStream", "sandbox_unknown", "too_many_streams", "server_stopping")))
def get_live_stream(query: LiveQuery) -> Response:
    """The same as a stream of events (Server-Sent Events): a row a second, from where the client was."""
    platform, followed_id = current_platform(), sandbox_id()
    wanted = request.headers.get("Last-Event-ID")
    after = query.since if wanted is None else _second(wanted)
    counted = live_doc(platform, followed_id, after)
    rows = counted["rows"]
    about = {name: value for name, value in counted.items() if name != "rows"}
    followed = LiveRows(platform, followed_id, counted["counted_since"])
    first = b"".join((RETRY, event(about, name="series"), followed.events(rows)))
    return streamed(first, followed, Viewer(_key_hash(), holds_control()), last_of(rows, after, followed))


def event(data: object, id: int | None = None, name: str = "") -> bytes:
    """An event as it is sent, with its data as JSON."""
    lines = [f"id: {id}\n"] if id is not None else []
    if name:
        lines.append(f"event: {name}\n")
    return b"".join(("".join(lines).encode(), b"data: ", orjson.dumps(data), b"\n\n"))


def last_of(rows: Sequence[LiveRow], after: int | None, followed: LiveRows) -> int:
    """The second behind which a stream goes on, whose first rows these are."""
    if rows:
        return rows[-1]["second"]
    earliest, latest = followed.counted_since - 1, followed.platform.real_ms() // 1000 - 1
    return max(earliest, min(latest, earliest if after is None else after))


def streamed(first: bytes, followed: Followed, viewer: Viewer, last: int) -> Response:
    """The answer that begins with these events, and goes on where a server holds it. Raises Refused if none may."""
    streams: EventStreams | None = request.environ.get(STREAMS)
    if streams is not None and request.method == "GET":
        streams.refuse_one_more()
        request.environ[STREAM] = Opening(followed, viewer, last)
    return Response(first, headers=HEADERS)


def _second(text: str) -> int:
    second = whole_number(text, SECOND_DIGITS)
    if second is None:
        raise Refused(
            "validation_failed",
            "the header Last-Event-ID is not the id of an event",
            expected="the `second` of the last row",
            received=text[:80],
        )
    return second


def _key_hash() -> str | None:
    key = request.environ.get(CREDENTIAL, "").partition(" ")[2].strip()
    return hash_of_key(key) if key else None
