"""The load for Locust: borrowers and operators on one sandbox, with a report of their checks.

Started by `load.py`, which creates the sandbox, arms the faults and calls the judge afterwards. Run alone, it needs the
settings of `shared_state.Settings` in the environment.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

import gevent
from base_user import SETTINGS, SHARED
from borrower_user import Borrower
from locust import events
from locust.env import Environment
from operator_user import Operator
from shared_state import write_report

BROKEN: list[str] = []
PROGRESS_EVERY_S = 1.0
SPAN: dict[str, float] = {}
"""When the load began and ended, in seconds of `time.monotonic`, and the highest number of users."""


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def begin(environment: Environment, **_: object) -> None:
    """At the start of the load: report progress until its end."""
    SPAN.update(began=time.monotonic(), users_max=0)
    gevent.spawn(_write_progress, environment)
    gevent.spawn(_end_in_time, environment)


@events.test_stopping.add_listener  # type: ignore[untyped-decorator]
def end(**_: object) -> None:
    """At the end of the load: its time is over, or a signal has stopped this process."""
    SPAN.setdefault("ended", time.monotonic())


def _end_in_time(environment: Any) -> None:
    """End the load after exactly its time: Locust's own timer includes the start, so it would end too early."""
    while (left_s := SPAN["began"] + SETTINGS.time_s - time.monotonic()) > 0:
        gevent.sleep(min(left_s, PROGRESS_EVERY_S))
    environment.runner.quit()


def _write_progress(environment: Any) -> None:
    while "ended" not in SPAN:
        total, users = environment.stats.total, environment.runner.user_count
        SPAN["users_max"] = max(SPAN["users_max"], users)
        progress = {"users": users, "requests": total.num_requests, "failures": total.num_failures + len(BROKEN)}
        write_report(SETTINGS.progress, {**progress, "per_s": round(total.current_rps)})
        gevent.sleep(PROGRESS_EVERY_S)


@events.user_error.add_listener  # type: ignore[untyped-decorator]
def note_crash(exception: BaseException, tb: TracebackType | None, **_: object) -> None:
    """An exception in a user is a failure, too: an answer violated the contract in a way that no check covers."""
    where = tb
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    at = f"{where.tb_frame.f_code.co_name}:{where.tb_lineno}" if where is not None else "?"
    BROKEN.append(f"{type(exception).__name__} in {at}: {exception}")


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def leave_report(environment: Environment, **_: object) -> None:
    """Write the report: requests, their times, failures, and the counted violations."""
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
