"""Borrowers and operators at work on one sandbox. Question: is everything that a client sees either true or on the key?

Started by `load.py`, which makes the sandbox, arms the faults and asks the judge afterwards. On its own it wants the
settings of `desk.Settings` in the environment.
"""

from __future__ import annotations

import time
from typing import Any

import gevent
from base_user import SETTINGS, SHARED
from borrower_user import Borrower
from locust import events
from operator_user import Operator
from shared_state import write_report

BROKEN: list[str] = []
PROGRESS_EVERY_S = 1.0
SPAN: dict[str, float] = {}
"""When the load began and ended, in seconds of this process, and the highest number of people."""


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def begin(environment: Any, **_: Any) -> None:
    """The load is on: say how far it is until it is over."""
    SPAN.update(began=time.monotonic(), users_max=0)
    gevent.spawn(_tell_progress, environment)
    gevent.spawn(_end_in_time, environment)


@events.test_stopping.add_listener  # type: ignore[untyped-decorator]
def end(**_: Any) -> None:
    """The load is over, since its time is or since somebody told this process to stop."""
    SPAN.setdefault("ended", time.monotonic())


def _end_in_time(environment: Any) -> None:
    """After just as long as was asked for: Locust's own timer also counts what it took to start, so it is early."""
    while (left_s := SPAN["began"] + SETTINGS.time_s - time.monotonic()) > 0:
        gevent.sleep(min(left_s, PROGRESS_EVERY_S))
    environment.runner.quit()


def _tell_progress(environment: Any) -> None:
    while "ended" not in SPAN:
        total, users = environment.stats.total, environment.runner.user_count
        SPAN["users_max"] = max(SPAN["users_max"], users)
        progress = {"users": users, "requests": total.num_requests, "failures": total.num_failures + len(BROKEN)}
        write_report(SETTINGS.progress, {**progress, "per_s": round(total.current_rps)})
        gevent.sleep(PROGRESS_EVERY_S)


@events.user_error.add_listener  # type: ignore[untyped-decorator]
def note_crash(exception: BaseException, tb: Any, **_: Any) -> None:
    """A user that breaks is a failure too: the answer was not what the contract says, in a way that nobody foresaw."""
    where = tb
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    at = f"{where.tb_frame.f_code.co_name}:{where.tb_lineno}" if where is not None else "?"
    BROKEN.append(f"{type(exception).__name__} in {at}: {exception}")


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def leave_report(environment: Any, **_: Any) -> None:
    """What was asked, how long it took, and what was seen."""
    stats = environment.stats
    operations = [_figures(entry) for entry in sorted(stats.entries.values(), key=lambda entry: entry.name)]
    write_report(
        SETTINGS.report,
        {
            "operations": operations,
            "total": _figures(stats.total),
            "failures": [
                {"operation": error.name, "error": str(error.error), "occurrences": error.occurrences}
                for error in stats.errors.values()
            ],
            "user_errors": len(BROKEN),
            "lasted_s": SPAN.get("ended", time.monotonic()) - SPAN["began"] if SPAN else 0,
            "users_max": SPAN.get("users_max", 0),
            "last_user_error": BROKEN[-1] if BROKEN else None,
            **SHARED.report(),
        },
    )


def _figures(entry: Any) -> dict[str, Any]:
    return {
        "operation": entry.name,
        "method": entry.method,
        "requests": entry.num_requests,
        "failures": entry.num_failures,
        "per_s": round(entry.total_rps, 2),
        **{f"p{n}_ms": entry.get_response_time_percentile(n / 100) for n in (50, 95, 99)},
    }


__all__ = ["Borrower", "Operator"]
