"""ThreadTurns: how many work at one time, that nobody waits for long, and that who only waits gives way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mocklend.turns import ThreadTurns, aside

LONG_S = 30


class At:
    """Requests that stay where they are until they are let go."""

    def __init__(self, turns: ThreadTurns) -> None:
        self.order: list[str] = []
        self.left: dict[str, threading.Event] = {}
        self.arrived: dict[str, threading.Event] = {}
        self._app = turns.around(self._work)

    def ask(self, name: str, path: str = "/v1/loans", *, steps_aside: bool = False) -> threading.Thread:
        self.left[name], self.arrived[name] = threading.Event(), threading.Event()
        environ = {"PATH_INFO": path, "name": name, "aside": steps_aside}
        asking = threading.Thread(target=self._app, args=(environ, None))
        asking.start()
        return asking

    def _work(self, environ: dict[str, Any], _start: Any) -> Iterable[bytes]:
        name: str = environ["name"]
        with ExitStack() as stack:
            if environ["aside"]:
                stack.enter_context(aside())
            self.order.append(f"{name} comes")
            self.arrived[name].set()
            assert self.left[name].wait(LONG_S)
            self.order.append(f"{name} goes")
        return [b""]


@pytest.fixture
def at() -> Iterator[Callable[[ThreadTurns], At]]:
    made: list[At] = []

    def one(turns: ThreadTurns) -> At:
        made.append(At(turns))
        return made[-1]

    yield one
    for each in made:
        for left in each.left.values():
            left.set()


def test_another_works_only_once_one_is_done(at: Callable[[ThreadTurns], At]) -> None:
    place = at(ThreadTurns(at_once=1, patience_s=LONG_S))
    place.ask("first")
    assert place.arrived["first"].wait(LONG_S)

    place.ask("second")
    place.left["first"].set()

    assert place.arrived["second"].wait(LONG_S)
    assert place.order == ["first comes", "first goes", "second comes"]


def test_who_only_waits_gives_way(at: Callable[[ThreadTurns], At]) -> None:
    place = at(ThreadTurns(at_once=1, patience_s=LONG_S))
    place.ask("sleeper", steps_aside=True)
    assert place.arrived["sleeper"].wait(LONG_S)

    place.ask("second")

    assert place.arrived["second"].wait(LONG_S)


def test_the_control_plane_takes_no_turn_and_waits_for_none(at: Callable[[ThreadTurns], At]) -> None:
    place = at(ThreadTurns(at_once=1, patience_s=LONG_S))
    for name, path in (("year", "/-/clock/advance"), ("first", "/v1/loans"), ("audit", "/-/audit")):
        place.ask(name, path)
        assert place.arrived[name].wait(LONG_S)


def test_nobody_waits_for_long(at: Callable[[ThreadTurns], At]) -> None:
    place = at(ThreadTurns(at_once=1, patience_s=0.01))
    for name in ("first", "second", "third"):
        place.ask(name)

    assert all(arrived.wait(LONG_S) for arrived in place.arrived.values())


def test_there_are_as_many_turns_afterwards_whatever_happened() -> None:
    turns = ThreadTurns(at_once=2, patience_s=0)

    def breaks(_environ: Any, _start: Any) -> Iterable[bytes]:
        with aside():
            raise LookupError("a bug in the app")

    for _ in range(5):
        with pytest.raises(LookupError):
            turns.around(breaks)({"PATH_INFO": "/v1/loans"}, None)
        turns.around(lambda _environ, _start: [])({"PATH_INFO": "/v1/loans"}, None)

    assert turns.free == 2


def test_where_nobody_takes_turns_there_is_nothing_to_give_away() -> None:
    with aside():
        pass
