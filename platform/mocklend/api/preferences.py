"""The header `Prefer` (RFC 7240): how long a client wants to wait for an answer. What is not understood is ignored."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.http import parse_list_header

from mocklend.domain.numbers import whole_number

DIGITS_MAX = 9
"""Longer numbers of seconds are ignored, as other nonsense is."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """`respond_async`: an answer at once. `wait_s`: the most seconds to wait; None if the client has not said."""

    respond_async: bool = False
    wait_s: int | None = None


def preferences(header: str | None) -> Preferences:
    """The preferences of a header. Each counts where it first stands; its parameters are ignored."""
    respond_async, wait_s = False, None
    for preference in parse_list_header(header or ""):
        name, _, value = (part.strip() for part in preference.partition(";")[0].partition("="))
        value = value.strip('"')
        if name.lower() == "respond-async":
            respond_async = True
        elif name.lower() == "wait" and wait_s is None:
            wait_s = whole_number(value, DIGITS_MAX)
    return Preferences(respond_async, wait_s)
