"""Delivery workers: threads that send webhooks, beside everything else, so that a receiver that hangs delays no other.

        offer ─▶ queue of its endpoint ─▶ as many at a time as an endpoint may have ─▶ deliver ─▶ record ─▶ done

An endpoint has a few workers at a time and a sandbox twice that, of many; one whose last receiver did not answer in
time has a single one, and all such together at most half. So what hangs takes its own time and nobody else's.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from mocklend.logs import get_logger
from mocklend.storage.ground import Unavailable

DELIVERY_WORKERS = 128
"""Threads at most. They are made when there is work for them, and only wait for receivers."""
AN_ENDPOINT = 4
A_SANDBOX = 2 * AN_ENDPOINT
SLOW_ALTOGETHER = DELIVERY_WORKERS // 2
QUEUED_MAX = 500
"""So many messages wait here for one endpoint; what is due beyond that waits in the outbox."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message that is due, and where it goes. `due_ms` is on the sandbox's clock; `waits` where order is kept."""

    sandbox_id: str
    endpoint_id: str
    webhook_id: str
    due_ms: int
    in_order: bool

    @property
    def to(self) -> tuple[str, str]:
        """The queue that it stands in."""
        return (self.sandbox_id, self.endpoint_id)


@dataclass(slots=True)
class _Queue:
    waiting: deque[Parcel] = field(default_factory=deque)
    out: int = 0
    slow: bool = False


Carried = tuple[bool, "Future[Any] | None"]
"""Whether the receiver answered in time, and the record of it, which may still be on its way to the database."""


class DeliveryWorkers:
    """Who delivers. `carry` makes one attempt. Thread-safe."""

    def __init__(self, carry: Callable[[Parcel], Carried], *, most: int = DELIVERY_WORKERS) -> None:
        self._carry = carry
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="mocklend-delivery")
        self._max = most
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queues: dict[tuple[str, str], _Queue] = {}
        self._known: set[tuple[str, str]] = set()
        self._out_of: dict[str, int] = {}
        self._out = self._slow_out = 0
        self._closed = False

    def close(self) -> None:
        """Finish what is on its way; what waits stays in the outbox."""
        with self._lock:
            self._closed = True
            for queue in self._queues.values():
                queue.waiting.clear()
        self._pool.shutdown(cancel_futures=True)

    def offer(self, parcel: Parcel) -> bool:
        """Take a message on, unless it is on its way already or its queue is full. Whether it is on its way now."""
        name = (parcel.sandbox_id, parcel.webhook_id)
        with self._lock:
            if name in self._known:
                return True
            queue = self._queues.setdefault(parcel.to, _Queue())
            if self._closed or len(queue.waiting) >= QUEUED_MAX:
                return False
            self._known.add(name)
            queue.waiting.append(parcel)
            self._dispatch()
        return True

    def forget(self, sandbox_id: str) -> None:
        """What waits for a sandbox's receivers does so no more: the sandbox is empty, or gone."""
        with self._changed:
            for key in [key for key in self._queues if key[0] == sandbox_id]:
                queue = self._queues[key]
                self._known.difference_update((one.sandbox_id, one.webhook_id) for one in queue.waiting)
                queue.waiting.clear()
                if not queue.out:
                    del self._queues[key]
            self._changed.notify_all()

    def wait(self, names: set[tuple[str, str]], timeout_s: float) -> bool:
        """Until none of these (sandbox, message) is on its way any more. False where the time was up before."""
        with self._changed:
            return self._changed.wait_for(lambda: self._known.isdisjoint(names), timeout_s)

    # --- with the lock held ---

    def _dispatch(self) -> None:
        for key in list(self._queues):
            queue = self._queues[key]
            while queue.waiting and self._may_go(key[0], queue):
                self._leave(key, queue, queue.waiting.popleft())
            # Turn and turn about: whoever was looked at goes to the end.
            del self._queues[key]
            if queue.waiting or queue.out or queue.slow:
                self._queues[key] = queue

    def _may_go(self, sandbox_id: str, queue: _Queue) -> bool:
        if self._closed or self._out >= self._max or self._out_of.get(sandbox_id, 0) >= A_SANDBOX:
            return False
        if queue.slow:
            return queue.out < 1 and self._slow_out < self._max // 2
        return queue.out < (1 if queue.waiting[0].in_order else AN_ENDPOINT)

    def _leave(self, key: tuple[str, str], queue: _Queue, parcel: Parcel) -> None:
        queue.out += 1
        self._out += 1
        self._slow_out += queue.slow
        self._out_of[key[0]] = self._out_of.get(key[0], 0) + 1
        self._pool.submit(self._deliver, key, parcel, queue.slow)

    # --- on a worker's thread ---

    def _deliver(self, key: tuple[str, str], parcel: Parcel, was_slow: bool) -> None:
        in_time, record = True, None
        try:
            in_time, record = self._carry(parcel)
        except Unavailable:
            pass  # The ground has told of it; the webhook is still due.
        except Exception as failure:
            log.error("a webhook could not be worked off", webhook=parcel.webhook_id, exc_info=failure)
        finally:
            with self._changed:
                queue = self._queues.setdefault(key, _Queue())
                queue.out -= 1
                queue.slow = not in_time
                self._out -= 1
                self._slow_out -= was_slow
                self._out_of[key[0]] -= 1
                if not self._out_of[key[0]]:
                    del self._out_of[key[0]]
                if not self._closed:
                    self._dispatch()
            # The next one may go; this one is not offered again before what came of it is in the outbox.
            if record is None:
                self._done(parcel)
            else:
                record.add_done_callback(lambda _: self._done(parcel))

    def _done(self, parcel: Parcel) -> None:
        with self._changed:
            self._known.discard((parcel.sandbox_id, parcel.webhook_id))
            self._changed.notify_all()
