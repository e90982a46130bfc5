"""Values from outside, shortened and safe to be returned or stored."""

from __future__ import annotations

from collections.abc import Mapping

TEXT_MAX = 80
ITEMS_MAX = 8


def is_storable(text: str) -> bool:
    """Whether every database stores and returns the text unchanged: no NUL, no half of a surrogate pair."""
    if "\0" in text:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def storable(text: str, longest: int = TEXT_MAX) -> str:
    """Return the text, shortened and safe to be shown."""
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\u0000")
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def shown(value: object, deep: bool = True) -> object:
    """Return a value from outside as an answer may repeat it: JSON, short, and at most two levels deep."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else _long_number(value)
    if isinstance(value, float):
        return value
    if deep and isinstance(value, Mapping) and len(value) <= ITEMS_MAX:
        return {storable(str(name)): shown(inner, deep=False) for name, inner in value.items()}
    if deep and isinstance(value, list | tuple) and len(value) <= ITEMS_MAX:
        return [shown(inner, deep=False) for inner in value]
    if isinstance(value, Mapping):
        return "an object"
    return "an array" if isinstance(value, list | tuple) else storable(str(value))


def _long_number(value: int) -> str:
    try:
        return f"{str(value)[:24]}…"
    except ValueError:  # Python does not format a number of more than some thousand digits.
        return "a number of far too many digits"
