"""The load's users under every installed kind of fault: each violation that they see is explained by that fault.

The same borrowers and operators as under Locust, one step after the other, on a manual clock and without sockets. Each
kind is armed alone, so an answer that violates the contract and that `checks.py` does not explain by that kind would
FAIL a load with that kind armed. A new kind is included without being listed.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from checks import STALE
from flask.testing import FlaskClient
from shared_state import SETTINGS, Settings, SharedState
from werkzeug.test import TestResponse

from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings as ServerSettings
from mocklend.runtime import Platform
from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.catalogue import installed
from support.databases import Databases

KINDS = sorted(id for id, kind in installed().items() if kind.seams() != (ApiAnswer.seam,))
"""Those of the answer itself are not armed under load: nobody there asks again."""
STEPS, BORROWERS = 140, 3
SPEED = 300
WAITED_S, NIGHT_S = 120, 20 * 3600
SEED = 7
START = "2026-01-05T01:00:00Z"
PEOPLE = ("base_user", "borrower_user", "operator_user")


class Person:
    """What Locust's user is to the people of the load."""

    def __init__(self, environment: SimpleNamespace) -> None:
        self.environment, self.client = environment, environment.client


class Moment:
    """The clock on the people's wall, in real seconds."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


class Answer:
    """What Locust hands out for a request: a context, and its outcome."""

    error = None

    def __init__(self, answer: TestResponse) -> None:
        self.status_code, self.headers = answer.status_code, {name.lower(): value for name, value in answer.headers}
        self._text = answer.get_data(as_text=True)

    def json(self) -> Doc:
        document: Doc = json.loads(self._text)
        return document

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left open."""

    def success(self) -> None:
        """Counted by the shared state."""

    def failure(self, why: str) -> None:
        """Counted by the shared state."""


@dataclass
class RawClient:
    """Requests without a socket. Who repeats one does so after some minutes, as a client that had waited does."""

    http: FlaskClient
    keys: set[str] = field(default_factory=set)

    def request(self, method: str, path: str, *, json: object, headers: Mapping[str, str], **_: object) -> Answer:
        key = headers.get("Idempotency-Key", "")
        if key in self.keys:
            advance(self.http, headers["Authorization"], WAITED_S)
        elif key:
            self.keys.add(key)
        return Answer(self.http.open(path, method=method, json=json, headers=dict(headers)))


def advance(http: FlaskClient, authorization: str, by_s: int) -> None:
    """Let time pass for the sandbox."""
    moved = http.post("/-/clock/advance", json={"by": by_s}, headers={"Authorization": authorization})
    assert moved.status_code == 200, moved.get_json()


@pytest.fixture(scope="module")
def people() -> Iterator[dict[str, ModuleType]]:
    """The modules of the load's people, on a stand-in for Locust: the real one patches the process that imports it."""
    locust, fast, left = ModuleType("locust"), ModuleType("locust.contrib.fasthttp"), ModuleType("locust.exception")
    env = ModuleType("locust.env")

    def task(weight: int) -> Any:
        def weighted(method: Any) -> Any:
            method.weight = weight
            return method

        return weighted

    locust.task, fast.FastHttpUser, left.StopUser = task, Person, StopIteration  # type: ignore[attr-defined]
    env.Environment = object  # type: ignore[attr-defined]
    nothing = Settings("", 0, 60, SPEED, (), {}, 0, "", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SETTINGS, nothing.to_environment()[SETTINGS])
        for stub in (locust, fast, left, env, ModuleType("locust.contrib")):
            patch.setitem(sys.modules, stub.__name__, stub)
        for name in PEOPLE:
            patch.delitem(sys.modules, name, raising=False)
        yield {name: importlib.import_module(name) for name in PEOPLE}
        for name in PEOPLE:
            patch.delitem(sys.modules, name)


@pytest.fixture(scope="module")
def platform(module_databases: Databases) -> Iterator[FlaskClient]:
    """A client of the real application, with all kinds."""
    database = module_databases("kinds")
    platform = Platform(database, FaultLayer(installed().values()), fast=True)
    yield create_app(ServerSettings(database=database), platform).test_client()
    platform.close()


@dataclass
class Walked:
    """What the people saw, and how often each rule was met and acted."""

    shared: SharedState
    matched: dict[str, int]
    injected: dict[str, int]


def walk(
    platform: FlaskClient, people: Mapping[str, ModuleType], kinds: Sequence[str], *, probability: float
) -> Walked:
    """The people's steps with these kinds armed."""
    sandbox = platform.post("/-/sandboxes", json={"seed": SEED, "clock": {"mode": "manual", "now": START}}).get_json()
    authorization = f"Bearer {sandbox['api_key']}"
    key = {"Authorization": authorization}
    for kind in kinds:
        settings = {"lag_s": 3 * SPEED} if kind == STALE else None
        rule = {"fault": kind, "with": settings, "select": {"probability": probability}}
        armed = platform.put(f"/-/rules/{kind}", json=rule, headers=key)
        assert armed.status_code in (200, 201), armed.get_json()
    channels = platform.get("/channels", headers=key).get_json()["channels"]
    delays = {channel["id"]: channel["settle_delay_s"] for channel in channels}
    shared, wall, chance = SharedState(), Moment(), random.Random(SEED)
    run = Settings(sandbox["api_key"], SEED, 60, SPEED, kinds, delays, 0, "", "")
    for name, value in (("SHARED", shared), ("SETTINGS", run), ("time", wall), ("REPEATS", 0.3)):
        users = [module for module in people.values() if hasattr(module, name)]
        assert users, f"no module has {name}"
        for module in users:
            setattr(module, name, value)
    environment = SimpleNamespace(client=RawClient(platform), runner=SimpleNamespace(state="running"))
    crowd = [people["borrower_user"].Borrower(environment) for _ in range(BORROWERS)]
    crowd.append(people["operator_user"].Operator(environment))
    for client in crowd:
        client.on_start()
    for _ in range(STEPS):
        client = chance.choice(crowd)
        tasks = [method for method in vars(type(client)).values() if hasattr(method, "weight")]
        chance.choices(tasks, [method.weight for method in tasks])[0](client)
        if chance.random() < 0.3:
            by_s = NIGHT_S if chance.random() < 0.1 else chance.randrange(1, 10) * SPEED
            wall.now_s += by_s / SPEED
            advance(platform, authorization, by_s)
    rules = platform.get("/-/rules", headers=key).get_json()["rules"]
    counts = ({rule["fault"]: rule[count] for rule in rules} for count in ("matched", "injected"))
    return Walked(shared, *counts)


@pytest.fixture(scope="module")
def together(platform: FlaskClient, people: Mapping[str, ModuleType]) -> Walked:
    """All kinds at once, as `scripts/load` arms them."""
    return walk(platform, people, KINDS, probability=0.2)


def test_without_a_fault_there_is_no_violation(platform: FlaskClient, people: Mapping[str, ModuleType]) -> None:
    assert walk(platform, people, (), probability=0).shared.unexplained == {}


def test_with_all_faults_every_violation_is_explained_by_one_of_them(together: Walked) -> None:
    assert together.shared.unexplained == {}
    assert sum(times > 0 for times in together.injected.values()) > 15


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_with_one_fault_every_violation_is_explained_by_it(
    platform: FlaskClient, people: Mapping[str, ModuleType], together: Walked, kind: str
) -> None:
    if not together.matched[kind]:
        return  # Nothing that these people do gives it an occasion.

    assert walk(platform, people, [kind], probability=0.5).shared.unexplained == {}
