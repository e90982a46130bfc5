"""The header `Prefer` (RFC 7240): how long a client wants to wait for an answer. What is not understood is ignored."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response
from werkzeug.http import parse_list_header

from mocklend.domain.numbers import whole_number

ANSWER_WITHIN_S = 20
"""After how many seconds what still runs is answered 202, without a preference of the client."""
WAIT_MAX_S = 60
"""The longest wait that a client may prefer: a request that waits has one of the server's threads."""
DIGITS_MAX = 9
"""Longer numbers of seconds are ignored, as other nonsense is."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """`respond_async`: an answer at once. `wait_s`: the most seconds to wait; None if the client has not said."""

    respond_async: bool = False
    wait_s: int | None = None

    def within_s(self) -> int:
        """How many seconds the answer waits."""
        if self.respond_async:
            return 0
        return ANSWER_WITHIN_S if self.wait_s is None else min(self.wait_s, WAIT_MAX_S)

    def applied(self, response: Response) -> Response:
        """The response, with the preference that was applied, if the client has one."""
        if self.respond_async or self.wait_s is not None:
            waited = "respond-async" if self.respond_async else f"wait={self.within_s()}"
            response.headers["Preference-Applied"] = waited
        return response


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
