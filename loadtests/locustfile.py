"""Borrowers and operators at work on one sandbox. Question: is everything that a client sees either true or on the key?

Started by `run.py`, which makes the sandbox, arms the faults and asks the judge afterwards. On its own it wants the
settings of `desk.Settings` in the environment.
"""

from __future__ import annotations

from typing import Any

from borrower_user import Borrower
from desk import write_report
from locust import events
from operator_user import Operator
from visitor import DESK, SETTINGS

BROKEN: list[str] = []


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
            "last_user_error": BROKEN[-1] if BROKEN else None,
            **DESK.report(),
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
