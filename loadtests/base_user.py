"""The base of the load's users: sends a request, checks the answer, and reports the result to Locust.

A request fails only if its answer violates the contract in a way that no armed fault explains. An expected refusal, as
of a loan that another user has paid off, is an answer like any other, and is counted by its code.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from checks import Violation, problem, same_again, shortened
from locust.contrib.fasthttp import FastHttpUser
from locust.env import Environment
from locust.exception import StopUser
from shared_state import Settings, SharedState

from mocklend.client import Doc
from mocklend.domain.problems import PROBLEMS

if TYPE_CHECKING:
    from locust.contrib.fasthttp import ResponseContextManager

CODES = {code: row.status for code, row in PROBLEMS.items()}
SHARED = SharedState()
SETTINGS = Settings.from_environment()
OVER = ("stopping", "stopped", "cleanup")
"""The states of a load that is ending."""
REPEATS = 0.05
"""The share of answered requests that a user sends again with the same key, as after a time-out."""

Check = Callable[[Doc], Iterable[Violation]]
"""A check of a successful answer: its JSON document, and the violations in it."""


def no_check(_: object) -> Iterable[Violation]:
    """No check beyond those of every answer."""
    return ()


class BaseUser(FastHttpUser):
    """The base of borrower and operator. Its random choices depend on the run's seed and the user's number."""

    abstract = True
    network_timeout = 60.0
    connection_timeout = 30.0
    born = 0

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        BaseUser.born += 1
        self.number = BaseUser.born
        self.chance = random.Random(f"{SETTINGS.seed}:{self.number}")
        self.keys_used = 0

    def wait_time(self) -> float:
        """The pause before the next task, in seconds: half to one and a half times the think time."""
        return SETTINGS.think_s * self.chance.uniform(0.5, 1.5)

    def get(self, name: str, path: str, check: Check, *, refusals: Collection[str] = ()) -> Doc | None:
        """Send a GET. Returns the JSON document of a 2xx answer, else None."""
        status, doc = self._ask("GET", name, path, None, {}, check, refusals)
        return doc if 200 <= status < 300 else None

    def send(
        self,
        name: str,
        path: str,
        body: Mapping[str, object],
        check: Check,
        *,
        refusals: Collection[str] = (),
        moves_money: bool = True,
    ) -> Doc | None:
        """Send a POST, with a key of its own if it moves money, and sometimes twice with the same key.

        Returns the JSON document of a 2xx answer, else None. `refusals` are the codes that are expected.
        """
        headers = {}
        if moves_money:
            self.keys_used += 1
            headers["Idempotency-Key"] = f"load-{SETTINGS.seed}-{self.number}-{self.keys_used}"
        first = self._ask("POST", name, path, body, headers, check, refusals)
        if moves_money and first[0] and self.chance.random() < REPEATS:
            self._repeat(path, body, headers, first)
        return first[1] if 200 <= first[0] < 300 else None

    def _ask(
        self,
        method: str,
        name: str,
        path: str,
        body: Mapping[str, object] | None,
        headers: dict[str, str],
        check: Check,
        refusals: Collection[str],
    ) -> tuple[int, Any]:
        with self._request(method, path, name, body, headers) as response:
            status, doc = response.status_code, _document(response)
            if status == 0:
                SHARED.unexplained["a request is answered"] += 1
                response.failure(f"no answer: {response.error!r}")
            elif 200 <= status < 300:
                self._conclude(
                    response, [Violation("an answer is JSON", shortened(doc))] if doc is None else check(doc)
                )
            else:
                violations = list(problem(doc, status, response.headers.get("content-type", ""), CODES))
                code = doc.get("code") if isinstance(doc, Mapping) else None
                if code not in refusals:
                    violations.append(Violation("a refusal is an expected one", f"{status} {shortened(doc)}"))
                SHARED.refused[f"{name}: {code}"] += 1
                self._conclude(response, violations)
            return status, doc

    def _repeat(self, path: str, body: Mapping[str, object], headers: dict[str, str], first: tuple[int, Any]) -> None:
        with self._request("POST", path, "repeat with the same key", body, headers) as response:
            if response.status_code == 0:
                SHARED.unexplained["a request is answered"] += 1
                response.failure(f"no answer: {response.error!r}")
                return
            second = (response.status_code, _document(response))
            self._conclude(response, same_again(first, second, response.headers.get("idempotency-replayed")))

    def _request(
        self, method: str, path: str, name: str, body: Mapping[str, object] | None, headers: dict[str, str]
    ) -> ResponseContextManager:
        if self.environment.runner.state in OVER:
            raise StopUser  # Otherwise a task of four requests would delay the end of the load.
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
    def _conclude(response: Any, violations: Iterable[Violation]) -> None:
        unexplained = SHARED.sort(list(violations), SETTINGS.armed)
        if unexplained:
            response.failure("; ".join(map(str, unexplained)))
        else:
            response.success()


def _document(response: ResponseContextManager) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
