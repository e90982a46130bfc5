"""Reading from a platform whose answers may be late, broken or refused: asking again, a few times, and only reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from mocklend.client import Client, ProblemError

TRIES = 8
"""With one answer in two lost, one read in 256 fails for good."""


class Patient:
    """A client whose reads are repeated. A read may be asked as often as one likes: it changes nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        read = getattr(self._client, name)

        def ask(*args: Any, **more: Any) -> Any:
            for last in range(1, TRIES + 1):
                try:
                    answer = read(*args, **more)
                    if answer != {}:  # Nothing at all is no answer.
                        return answer
                except requests.RequestException:
                    if last == TRIES:
                        raise
                except ProblemError as problem:
                    lasting = 400 <= problem.status < 500 and problem.status != 429
                    if lasting or last == TRIES:
                        raise
            raise requests.ConnectionError(f"{name}: {TRIES} empty answers")

        return ask
