"""The operator's log: one line on standard error per event, without local variables and without secrets.

        2026-11-28T15:30:00Z error "a request failed" trace=1f0c… error="KeyError: 'x'" at="loans.py:31 list > …"

Standard output is for a command's result. The logger is Mocklend's own: a process that only uses the fixture keeps its
own configuration of structlog and `logging`.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterable
from typing import Any

import structlog

FRAMES_MAX = 12
"""How many calls of a traceback are logged: the last ones."""
TEXT_MAX = 300

_NAMES = (
    r"authorization|x-mocklend-(?:control|operator|channel|bureau)|pass(?:word|wd)?|secret|[a-z_]*token|api[_-]?key"
)
_MASKED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(://[^\s:/@]*:)\S*@"), r"\1***@"),
    (re.compile(r"\b(?:mk_|whsec_)[\w+/=-]+"), "***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 ***"),
    (re.compile(r"\bv1,[A-Za-z0-9+/=]{16,}"), "***"),
    (
        re.compile(rf"""(?i)(["']?\b(?:{_NAMES})["']?\s*[:=]\s*)(["']?)(?!(?:bearer|basic)\s)[^\s"',;&)}}]+"""),
        r"\1\2***",
    ),
)
_concealed: set[str] = set()


def conceal(values: Iterable[str]) -> None:
    """Mask these values in every line: tokens that have no recognisable form."""
    _concealed.update(value for value in values if value)


def masked(text: str) -> str:
    """Return a text with credentials, secrets and the passwords of database URLs replaced by `***`."""
    for value in _concealed:
        text = text.replace(value, "***")
    for pattern, replacement in _MASKED:
        text = pattern.sub(replacement, text)
    return text


def in_a_line(failure: BaseException) -> str:
    """Return an exception's type and the first line of its message. SQL and its parameters come after that line."""
    message = str(failure).strip().partition("\n")[0]
    return masked(f"{type(failure).__name__}: {message}" if message else type(failure).__name__)[:TEXT_MAX]


def traced(failure: BaseException) -> str:
    """Return the calls that led to an exception, outermost first, and its cause. Without values."""
    frames = traceback.extract_tb(failure.__traceback__)[-FRAMES_MAX:]
    calls = " > ".join(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)
    cause = failure.__cause__ or (None if failure.__suppress_context__ else failure.__context__)
    return f"{calls} < {in_a_line(cause)}" if cause is not None else calls


def _short(filename: str) -> str:
    return "/".join(filename.replace("\\", "/").rsplit("/", 2)[-2:])


def get_logger() -> Any:
    """Return Mocklend's logger."""
    return structlog.wrap_logger(_StandardError(), processors=_PROCESSORS, wrapper_class=structlog.BoundLogger)


def adopt_libraries() -> None:
    """In a server: log the warnings of libraries and the failures of threads in the same format."""
    handler = _Adopted()
    handler.setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)
    log = get_logger()

    def died(about: threading.ExceptHookArgs) -> None:
        if about.exc_value is not None and not isinstance(about.exc_value, SystemExit):
            name = about.thread.name if about.thread else "none"
            log.error("a thread failed", thread=name, exc_info=about.exc_value)

    threading.excepthook = died


class _StandardError:
    """Writes lines to the current standard error."""

    def msg(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    debug = info = warning = error = critical = msg


class _Adopted(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            exc = record.exc_info[1] if record.exc_info else None
            getattr(get_logger(), record.levelname.lower())(record.getMessage(), of=record.name, exc_info=exc)
        except Exception:
            self.handleError(record)


def _failure(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    failure = event.pop("exc_info", None)
    if isinstance(failure, BaseException):
        event["error"], event["at"] = in_a_line(failure), traced(failure)
    return event


def _without_secrets(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    return {name: masked(value) if isinstance(value, str) else value for name, value in event.items()}


_PROCESSORS: Any = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True, key="time"),
    _failure,
    _without_secrets,
    structlog.processors.LogfmtRenderer(key_order=["time", "level", "event"], drop_missing=True),
]
