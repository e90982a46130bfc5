"""Event streams (Server-Sent Events) that stay open: each costs a connection, and neither a thread nor a task.

        app ─▶ first events ─▶ door ─▶ stream ───▶ client
        one thread for all ─▶ what came since, encoded once for those who follow the same ─▶ each stream

Granian sends: nothing here waits for a client. It drops the connection of a client that reads nothing (see `serving`).

A stream ends when what it follows has ended, when its viewer may not see it any more, when its client has gone, and
when the server stops. A client then asks again, with the id of the last event that it got.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Hashable, Sequence
from typing import NamedTuple, Protocol

from mocklend.access_log import Watched
from mocklend.config import LIVE_STREAMS_MAX
from mocklend.domain.problems import Refused
from mocklend.logs import get_logger

LOOK_S = 0.1
"""How often the thread looks whether something came."""
QUIET_S = 10.0
"""After this time without an event a stream gets a comment, so that no proxy takes it for dead."""
HEARTBEAT = b":\n\n"
EVENT_STREAM = "text/event-stream"
HEADERS = {"Content-Type": EVENT_STREAM, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""The headers of a stream. The last one keeps a proxy from collecting it."""
STREAMS = "mocklend.streams"
"""Key of the WSGI environment: the streams of the server, where an answer may become one."""
STREAM = "mocklend.stream"
"""Key of the WSGI environment: the `Opening` of the stream that goes on behind the answer; absent for others."""

Headers = list[tuple[str, str]]

log = get_logger()


class Ended(Exception):
    """There is nothing to follow any more."""


class News(NamedTuple):
    """What came since: the events as they are sent, the id of the last one, and which viewers may see them."""

    events: bytes
    last: int
    admits: Callable[[Hashable], bool]


class Followed(Protocol):
    """What a stream shows. Streams that follow equal ones, and stand at the same event, share one encoding."""

    def __hash__(self) -> int: ...

    def news(self, after: int) -> News | None:
        """What came after the event `after`; None if nothing did. Raises Ended, Refused once nothing more will come."""
        ...


class Opening(NamedTuple):
    """A stream to be opened: what it follows, for whom, and the id of the last of its first events."""

    followed: Followed
    viewer: Hashable
    last: int


class Sending(Protocol):
    """What granian returns at once. It raises if the client has gone."""

    def __await__(self) -> Generator[object, None, None]: ...


class Transport(Protocol):
    """An answer that goes on, as granian has it. It ends once nothing holds this object."""

    def send_bytes(self, data: bytes) -> Sending: ...


class Connection(Protocol):
    """The part of granian's protocol object that is used."""

    def response_stream(self, status: int, headers: Headers) -> Transport: ...


class EventStreams:
    """The streams of a process. Thread-safe."""

    def __init__(self, most: int = LIVE_STREAMS_MAX) -> None:
        self.most = most
        self._open: set[_Stream] = set()
        self._lock = threading.Lock()
        self._looking: threading.Thread | None = None
        self._stopping = threading.Event()

    def __len__(self) -> int:
        return len(self._open)

    def refuse_one_more(self) -> None:
        """Raises Refused `too_many_streams`, `server_stopping`."""
        if self._stopping.is_set():
            raise Refused("server_stopping", "the server is stopping")
        if len(self._open) >= self.most:
            self._send(self._streams(), HEARTBEAT)  # Those whose client has gone make room.
        self._refuse_above()

    def _refuse_above(self) -> None:
        if len(self._open) >= self.most:
            raise Refused("too_many_streams", f"{len(self._open)} streams are open", expected=f"at most {self.most}")

    def begin(self, connection: Connection, headers: Headers, first: bytes, opening: Opening) -> None:
        """Send the first events, and whatever comes after them. Raises Refused as `refuse_one_more`."""
        self.refuse_one_more()
        with self._lock:
            self._refuse_above()
            stream = _Stream(connection, headers, opening)
            stream.send(first)  # Before the thread sends what came since.
            self._open.add(stream)
            if self._looking is None:
                self._looking = threading.Thread(target=self._look, name="mocklend-streams", daemon=True)
                self._looking.start()

    def beat(self) -> None:
        """Send a comment to the streams that were quiet for long: the thread may wait for a database."""
        quiet_since_s = time.monotonic() - QUIET_S
        for stream in self._streams():
            if stream.sent_s < quiet_since_s:
                self._send([stream], HEARTBEAT)

    def stop(self) -> None:
        """End all streams, and open no other."""
        self._stopping.set()
        self._end(self._streams())

    def _streams(self) -> list[_Stream]:
        with self._lock:
            return list(self._open)

    def _look(self) -> None:
        """On the thread: send what came to each stream, until there is none."""
        while True:
            with self._lock:
                if not self._open:
                    self._looking = None
                    return
                streams = list(self._open)
            together: defaultdict[tuple[Followed, int], list[_Stream]] = defaultdict(list)
            for stream in streams:
                together[stream.followed, stream.last].append(stream)
            for (followed, after), followers in together.items():
                self._look_at(followed, after, followers)
            self._stopping.wait(LOOK_S)

    def _look_at(self, followed: Followed, after: int, followers: Sequence[_Stream]) -> None:
        try:
            news = followed.news(after)
        except (Ended, Refused):
            self._end(followers)
            return
        except Exception as failure:
            log.error("what a stream follows could not be read", exc_info=failure)
            self._end(followers)
            return
        if news is None:
            return
        staying: list[_Stream] = []
        leaving: list[_Stream] = []
        for stream in followers:
            (staying if news.admits(stream.viewer) else leaving).append(stream)
            stream.last = news.last
        self._send(staying, news.events)
        self._end(leaving)

    def _send(self, streams: Sequence[_Stream], events: bytes) -> None:
        self._end([stream for stream in streams if not stream.send(events)])

    def _end(self, streams: Sequence[_Stream]) -> None:
        for stream in streams:
            with self._lock:
                was_open = stream in self._open
                self._open.discard(stream)
            if was_open:
                stream.end()


class _Stream:
    """One stream. `last` is the id of its last event, and `sent_s` when something was last sent, by `monotonic`."""

    def __init__(self, connection: Connection, headers: Headers, opening: Opening) -> None:
        self.followed, self.viewer, self.last = opening
        self.sent_s = time.monotonic()
        self._connection = connection
        self._transport: Transport | None = connection.response_stream(200, headers)
        self._length = 0

    def send(self, events: bytes) -> bool:
        """Send events, without waiting. False if the client has gone."""
        transport = self._transport
        if transport is None:
            return False
        self.sent_s = time.monotonic()
        self._length += len(events)
        try:
            for _ in transport.send_bytes(events).__await__():
                pass  # It waits for nothing: it only raises, or not.
        except Exception:
            return False  # Granian has an exception of its own for that.
        return True

    def end(self) -> None:
        """End the answer with its last chunk."""
        self._transport = None
        if isinstance(self._connection, Watched):
            self._connection.streamed(self._length)
