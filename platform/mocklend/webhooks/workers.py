"""Delivery workers: threads that send webhooks, so that a slow receiver delays no other receiver.

        offer ─▶ queue of its endpoint ─▶ limits per endpoint, sandbox, process ─▶ deliver ─▶ log ─▶ done

An endpoint has a few workers at a time, a sandbox twice as many. An endpoint whose last attempt timed out has a single
worker, and all such endpoints together at most half of the workers: slow receivers delay only themselves.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from mocklend.domain.problems import Refused
from mocklend.logs import get_logger

DELIVERY_WORKERS = 128
"""The most threads. They are started when there is work, and mostly wait for receivers."""
PER_ENDPOINT_MAX = 4
PER_SANDBOX_MAX = 2 * PER_ENDPOINT_MAX
"""The most workers at a time for one endpoint, and for all endpoints of one sandbox."""
QUEUED_MAX = 500
"""The most messages that wait here for one endpoint; others wait in the outbox."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Parcel:
    """A due message and its endpoint. `due_ms` is on the sandbox's clock; `in_order` sends one message at a time."""

    sandbox_id: str
    endpoint_id: str
    webhook_id: str
    due_ms: int
    in_order: bool

    @property
    def to(self) -> tuple[str, str]:
        """The key of its queue: (sandbox, endpoint)."""
        return (self.sandbox_id, self.endpoint_id)


@dataclass(slots=True)
class _Queue:
    waiting: deque[Parcel] = field(default_factory=deque)
    out: int = 0
    slow: bool = False


Dispatched = tuple[bool, "Future[Any] | None"]
"""Whether the receiver answered in time, and the future of the logged attempt, if it is not in the database yet."""


class DeliveryWorkers:
    """The delivery workers. `dispatch` makes one attempt. Thread-safe."""

    def __init__(self, dispatch: Callable[[Parcel], Dispatched], *, workers_max: int = DELIVERY_WORKERS) -> None:
        self._dispatch_one = dispatch
        self._pool = ThreadPoolExecutor(workers_max, thread_name_prefix="mocklend-delivery")
        self._max = workers_max
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queues: dict[tuple[str, str], _Queue] = {}
        self._in_progress: set[tuple[str, str]] = set()
        self._out_of: dict[str, int] = {}
        self._out = self._slow_out = 0
        self._closed = False

    def close(self) -> None:
        """Finish attempts in progress; waiting messages stay in the outbox."""
        with self._lock:
            self._closed = True
            for queue in self._queues.values():
                queue.waiting.clear()
        self._pool.shutdown(cancel_futures=True)

    def offer(self, parcel: Parcel) -> bool:
        """Queue a message, unless it is queued already or its queue is full. Returns whether it is queued now."""
        name = (parcel.sandbox_id, parcel.webhook_id)
        with self._lock:
            if name in self._in_progress:
                return True
            queue = self._queues.setdefault(parcel.to, _Queue())
            if self._closed or len(queue.waiting) >= QUEUED_MAX:
                return False
            self._in_progress.add(name)
            queue.waiting.append(parcel)
            self._dispatch()
        return True

    def forget(self, sandbox_id: str) -> None:
        """Remove a sandbox's waiting messages: the sandbox was reset or deleted."""
        with self._changed:
            for key in [key for key in self._queues if key[0] == sandbox_id]:
                queue = self._queues[key]
                self._in_progress.difference_update((parcel.sandbox_id, parcel.webhook_id) for parcel in queue.waiting)
                queue.waiting.clear()
                if not queue.out:
                    del self._queues[key]
            self._changed.notify_all()

    def wait(self, names: set[tuple[str, str]], timeout_s: float) -> bool:
        """Wait until none of these (sandbox, message) is in progress. Returns False after a timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: self._in_progress.isdisjoint(names), timeout_s)

    # --- with the lock held ---

    def _dispatch(self) -> None:
        for key in list(self._queues):
            queue = self._queues[key]
            while queue.waiting and self._may_start(key[0], queue):
                self._start(key, queue, queue.waiting.popleft())
            # Round robin: move the queue to the end.
            del self._queues[key]
            if queue.waiting or queue.out or queue.slow:
                self._queues[key] = queue

    def _may_start(self, sandbox_id: str, queue: _Queue) -> bool:
        if self._closed or self._out >= self._max or self._out_of.get(sandbox_id, 0) >= PER_SANDBOX_MAX:
            return False
        if queue.slow:
            return queue.out < 1 and self._slow_out < self._max // 2
        return queue.out < (1 if queue.waiting[0].in_order else PER_ENDPOINT_MAX)

    def _start(self, key: tuple[str, str], queue: _Queue, parcel: Parcel) -> None:
        queue.out += 1
        self._out += 1
        self._slow_out += queue.slow
        self._out_of[key[0]] = self._out_of.get(key[0], 0) + 1
        self._pool.submit(self._deliver, key, parcel, queue.slow)

    # --- on a worker's thread ---

    def _deliver(self, key: tuple[str, str], parcel: Parcel, was_slow: bool) -> None:
        in_time, logged = True, None
        try:
            in_time, logged = self._dispatch_one(parcel)
        except Refused:
            pass  # The database cannot be used, which is logged, or the writer is full. The webhook is still due.
        except Exception as failure:
            log.error("a webhook could not be delivered", webhook=parcel.webhook_id, exc_info=failure)
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
            # The next message may start; this one is not offered again before its outcome is in the outbox.
            if logged is None:
                self._finish(parcel)
            else:
                logged.add_done_callback(lambda _: self._finish(parcel))

    def _finish(self, parcel: Parcel) -> None:
        with self._changed:
            self._in_progress.discard((parcel.sandbox_id, parcel.webhook_id))
            self._changed.notify_all()
