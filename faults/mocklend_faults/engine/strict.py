"""Reading JSON that people wrote: each function takes one kind of value, or says what it expected and what came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mocklend.domain.names import did_you_mean
from mocklend.domain.problems import Refused

MOST = 2**63 - 1
SHOWN = 80
"""How much of a wrong value a message repeats."""


def wrong(field: str, *, expected: Any, received: Any) -> Refused:
    """The problem for one field. In the form that every other body's problems have."""
    shown = _short(received)
    return Refused(
        "validation_failed",
        f"{field}: expected {expected}, received {shown!r}",
        expected=expected,
        received=shown,
        errors=[{"field": field, "expected": expected, "received": shown}],
    )


def one_of(known: Iterable[str], received: Any) -> str:
    """What was expected where a name is none of a few, with the one that was probably meant."""
    names = list(known)
    return f"one of {', '.join(names)}{did_you_mean(received, names)}"


def mapping(value: Any, field: str, known: Iterable[str] | None = None) -> Mapping[str, Any]:
    """An object; with `known`, one that has no other keys."""
    if not isinstance(value, Mapping):
        raise wrong(field, expected="an object", received=value)
    if known is not None:
        names = sorted(known)
        for key in value:
            if key not in names:
                here = f"{field}.{key}" if field else str(key)
                raise wrong(here, expected=one_of(names, key) if names else "no fields", received=key)
    return value


def whole(value: Any, field: str, *, least: int = 0, most: int = MOST) -> int:
    """An integer in bounds. `true`, `3.0` and `"5"` are none."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise wrong(field, expected=f"an integer from {least} to {most}", received=value)
    return value


def text(value: Any, field: str, *, most: int = 200) -> str:
    """A text that is not too long."""
    if not isinstance(value, str) or len(value) > most:
        raise wrong(field, expected=f"a text of at most {most} characters", received=value)
    return value


def choice(value: Any, field: str, options: Iterable[str]) -> str:
    """One of a few words."""
    known = list(options)
    if not isinstance(value, str) or value not in known:
        raise wrong(field, expected=one_of(known, value), received=value)
    return value


def flag(value: Any, field: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(field, expected="true or false", received=value)
    return value


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= MOST:
        return value
    shown = value if isinstance(value, str) else repr(value)
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + "…"
