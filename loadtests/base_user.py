"""Somebody at the platform's counter: asks, looks whether the answer means what it should, says what it makes of it.

A request counts as failed only if its answer contradicts the contract in a way that no armed fault explains. A refusal
that was to be expected ("somebody else has paid it off") is an answer like any other, and is counted by its code.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from checks import Violation, problem, same_again, shortened
from locust.contrib.fasthttp import FastHttpUser
from locust.exception import StopUser
from shared_state import Settings, SharedState

from mocklend.domain.problems import PROBLEMS

CODES = {code: row.status for code, row in PROBLEMS.items()}
SHARED = SharedState()
SETTINGS = Settings.from_environment()
OVER = ("stopping", "stopped", "cleanup")
"""The states of a load that has been told to end."""
REPEATS = 0.05
"""How often a client that has its answer sends the same request again, as one does after a time-out."""

Check = Callable[[Any], Iterable[Violation]]


def nothing(_: Any) -> Iterable[Violation]:
    """No claim beyond what holds for every answer."""
    return ()


class BaseUser(FastHttpUser):
    """The base of borrower and operator. Chance comes from the run's seed and the user's number."""

    abstract = True
    network_timeout = 60.0
    connection_timeout = 30.0
    born = 0

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        BaseUser.born += 1
        self.number = BaseUser.born
        self.chance = random.Random(f"{SETTINGS.seed}:{self.number}")
        self.asked = 0

    def wait_time(self) -> float:
        """People think, some longer than others."""
        return SETTINGS.think_s * self.chance.uniform(0.5, 1.5)

    def look(self, name: str, path: str, check: Check, *, refusals: Collection[str] = ()) -> Any:
        """GET. The document, or None where there is none to go on with."""
        status, doc = self._ask("GET", name, path, None, {}, check, refusals)
        return doc if 200 <= status < 300 else None

    def send(
        self,
        name: str,
        path: str,
        body: Mapping[str, Any],
        check: Check,
        *,
        refusals: Collection[str] = (),
        moves_money: bool = True,
    ) -> Any:
        """POST. With a key of its own if it moves money; now and then once more with the same key."""
        headers = {}
        if moves_money:
            self.asked += 1
            headers["Idempotency-Key"] = f"load-{SETTINGS.seed}-{self.number}-{self.asked}"
        first = self._ask("POST", name, path, body, headers, check, refusals)
        if moves_money and first[0] and self.chance.random() < REPEATS:
            self._repeat(path, body, headers, first)
        return first[1] if 200 <= first[0] < 300 else None

    def _ask(
        self,
        method: str,
        name: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: dict[str, str],
        check: Check,
        refusals: Collection[str],
    ) -> tuple[int, Any]:
        with self._request(method, path, name, body, headers) as response:
            status, doc = response.status_code, _document(response)
            if status == 0:
                SHARED.unexplained["an answer comes"] += 1
                response.failure(f"no answer: {response.error!r}")
            elif 200 <= status < 300:
                self._conclude(
                    response, [Violation("an answer is JSON", shortened(doc))] if doc is None else check(doc)
                )
            else:
                doubts = list(problem(doc, status, response.headers.get("content-type", ""), CODES))
                code = doc.get("code") if isinstance(doc, Mapping) else None
                if code not in refusals:
                    doubts.append(Violation("a refusal was to be expected", f"{status} {shortened(doc)}"))
                SHARED.refused[f"{name}: {code}"] += 1
                self._conclude(response, doubts)
            return status, doc

    def _repeat(self, path: str, body: Mapping[str, Any], headers: dict[str, str], first: tuple[int, Any]) -> None:
        with self._request("POST", path, "the same once more", body, headers) as response:
            if response.status_code == 0:
                SHARED.unexplained["an answer comes"] += 1
                response.failure(f"no answer: {response.error!r}")
                return
            second = (response.status_code, _document(response))
            self._conclude(response, same_again(first, second, response.headers.get("idempotency-replayed")))

    def _request(
        self, method: str, path: str, name: str, body: Mapping[str, Any] | None, headers: dict[str, str]
    ) -> Any:
        if self.environment.runner.state in OVER:
            raise StopUser  # Else a task of four requests would hold up the end by all of them.
        return self.client.request(
            method,
            path,
            name=name,
            json=body,
            headers={"Authorization": f"Bearer {SETTINGS.api_key}", **headers},
            catch_response=True,
            allow_redirects=False,
        )

    @staticmethod
    def _conclude(response: Any, doubts: Iterable[Violation]) -> None:
        unexplained = SHARED.sort(list(doubts), SETTINGS.armed)
        if unexplained:
            response.failure("; ".join(map(str, unexplained)))
        else:
            response.success()


def _document(response: Any) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
