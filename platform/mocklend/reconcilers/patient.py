"""Reads from a platform whose answers may be late, broken or refused: repeats them a few times. Reads only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from mocklend.client import Client, ProblemError

TRIES = 8
"""If one answer in two is lost, one read in 256 fails after that many tries."""


class Patient:
    """A client whose reads are repeated, which is safe since they change nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        read = getattr(self._client, name)

        def ask(*args: Any, **kwargs: Any) -> Any:
            for attempt in range(1, TRIES + 1):
                try:
                    answer = read(*args, **kwargs)
                    if answer != {}:  # An empty body is not an answer.
                        return answer
                except requests.RequestException:
                    if attempt == TRIES:
                        raise
                except ProblemError as problem:
                    lasting = 400 <= problem.status < 500 and problem.status != 429
                    if lasting or attempt == TRIES:
                        raise
            raise requests.ConnectionError(f"{name}: {TRIES} empty answers")

        return ask
