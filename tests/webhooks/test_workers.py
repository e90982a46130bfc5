"""Delivery workers: a receiver that hangs delays no other."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from mocklend.webhooks.workers import PER_ENDPOINT_MAX, PER_SANDBOX_MAX, QUEUED_MAX, DeliveryWorkers, Parcel

pytestmark = pytest.mark.security


class Roads:
    """Receivers that hang until they are released, and others that answer at once; keeps the deliveries in order."""

    def __init__(self) -> None:
        self.hanging: set[str] = set()
        self.go = threading.Event()
        self.arrived: list[str] = []
        self.on_the_way: Counter[str] = Counter()
        self.at_once_max: Counter[str] = Counter()
        self.in_time = True
        self.record: Future[None] | None = None
        self.changed = threading.Condition()

    def carry(self, parcel: Parcel) -> tuple[bool, Future[None] | None]:
        hangs = parcel.endpoint_id in self.hanging
        with self.changed:
            self.on_the_way[parcel.endpoint_id] += 1
            most = max(self.at_once_max[parcel.endpoint_id], self.on_the_way[parcel.endpoint_id])
            self.at_once_max[parcel.endpoint_id] = most
            self.changed.notify_all()
        if hangs:
            assert self.go.wait(30)
        with self.changed:
            self.on_the_way[parcel.endpoint_id] -= 1
            self.arrived.append(parcel.webhook_id)
            self.changed.notify_all()
        return self.in_time or not hangs, self.record

    def until(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, 10)


@pytest.fixture
def roads() -> Roads:
    return Roads()


@pytest.fixture
def delivery_workers(roads: Roads) -> Iterator[DeliveryWorkers]:
    workers = DeliveryWorkers(roads.carry, workers_max=32)
    yield workers
    roads.go.set()
    workers.close()


def parcel(n: int, endpoint: str = "a", sandbox: str = "s", *, in_order: bool = False) -> Parcel:
    return Parcel(sandbox, f"{sandbox}.{endpoint}", f"{sandbox}.{endpoint}.{n}", n, in_order)


def test_a_receiver_that_hangs_delays_no_other_sandbox(delivery_workers: DeliveryWorkers, roads: Roads) -> None:
    roads.hanging = {"s.a"}
    for n in range(100):
        delivery_workers.offer(parcel(n))

    delivery_workers.offer(parcel(0, sandbox="other"))

    roads.until(lambda: roads.arrived == ["other.a.0"])


def test_a_receiver_that_hangs_delays_no_other_of_its_sandbox(delivery_workers: DeliveryWorkers, roads: Roads) -> None:
    roads.hanging = {"s.a"}
    for n in range(100):
        delivery_workers.offer(parcel(n))

    for n in range(20):
        delivery_workers.offer(parcel(n, "b"))

    roads.until(lambda: len(roads.arrived) == 20)
    assert {id.rpartition(".")[0] for id in roads.arrived} == {"s.b"}


def test_hanging_receivers_of_one_sandbox_have_a_limited_number_of_workers(
    delivery_workers: DeliveryWorkers, roads: Roads
) -> None:
    roads.hanging = {f"s.{n}" for n in range(16)}
    for endpoint in range(16):
        for n in range(10):
            delivery_workers.offer(parcel(n, str(endpoint)))
    roads.until(lambda: sum(roads.on_the_way.values()) == PER_SANDBOX_MAX)

    delivery_workers.offer(parcel(0, sandbox="other"))

    roads.until(lambda: roads.arrived == ["other.a.0"])
    assert sum(roads.on_the_way.values()) == PER_SANDBOX_MAX
    assert max(roads.at_once_max.values()) <= PER_ENDPOINT_MAX


def test_receivers_known_to_hang_have_one_worker_each_and_half_of_all(
    delivery_workers: DeliveryWorkers, roads: Roads
) -> None:
    """Every sandbox's receiver hangs: the first attempt teaches it, and from then on half of the delivery_workers are free."""
    everybody = [f"box{n}" for n in range(40)]
    roads.hanging, roads.in_time = {f"{sandbox}.a" for sandbox in everybody}, False
    for sandbox in everybody:
        delivery_workers.offer(parcel(0, sandbox=sandbox))
    roads.go.set()
    roads.until(lambda: len(roads.arrived) == 40)
    roads.go.clear()
    for sandbox in everybody:
        for n in range(1, 5):
            delivery_workers.offer(parcel(n, sandbox=sandbox))
    roads.until(lambda: sum(roads.on_the_way.values()) == 16)

    for n in range(10):
        delivery_workers.offer(parcel(n, sandbox="healthy"))

    roads.until(lambda: len(roads.arrived) == 50)
    assert sum(roads.on_the_way.values()) == 16


def test_a_receiver_that_answers_again_has_all_its_workers_again(
    delivery_workers: DeliveryWorkers, roads: Roads
) -> None:
    roads.hanging, roads.in_time = {"s.a"}, False
    delivery_workers.offer(parcel(0))
    roads.go.set()
    roads.until(lambda: len(roads.arrived) == 1)
    roads.in_time = True
    delivery_workers.offer(parcel(1))
    roads.until(lambda: len(roads.arrived) == 2)

    roads.go.clear()
    for n in range(2, 20):
        delivery_workers.offer(parcel(n))

    roads.until(lambda: roads.on_the_way["s.a"] == PER_ENDPOINT_MAX)


def test_on_a_manual_clock_an_endpoint_receives_messages_in_order(
    delivery_workers: DeliveryWorkers, roads: Roads
) -> None:
    names = [f"s.a.{n}" for n in range(50)]
    for n in range(50):
        delivery_workers.offer(parcel(n, in_order=True))

    assert delivery_workers.wait({("s", name) for name in names}, 10)
    assert roads.arrived == names
    assert roads.at_once_max["s.a"] == 1


def test_a_message_is_attempted_once_until_its_result_is_stored(
    delivery_workers: DeliveryWorkers, roads: Roads
) -> None:
    roads.record = Future()
    delivery_workers.offer(parcel(1))
    roads.until(lambda: roads.arrived == ["s.a.1"])

    assert delivery_workers.offer(parcel(1))
    assert not delivery_workers.wait({("s", "s.a.1")}, 0.01)
    roads.record.set_result(None)
    assert delivery_workers.wait({("s", "s.a.1")}, 10)
    assert roads.arrived == ["s.a.1"]


def test_a_failing_attempt_ends_and_the_next_one_starts(roads: Roads) -> None:
    def breaks(first: Parcel) -> tuple[bool, None]:
        if first.due_ms == 0:
            raise ConnectionError("the database is gone")
        roads.carry(first)
        return True, None

    delivery_workers = DeliveryWorkers(breaks, workers_max=1)
    delivery_workers.offer(parcel(0))
    delivery_workers.offer(parcel(1))

    assert delivery_workers.wait({("s", "s.a.0"), ("s", "s.a.1")}, 10)
    assert roads.arrived == ["s.a.1"]
    delivery_workers.close()


def test_the_queue_is_limited_and_the_rest_stays_in_the_outbox(delivery_workers: DeliveryWorkers, roads: Roads) -> None:
    roads.hanging = {"s.a"}

    accepted = sum(delivery_workers.offer(parcel(n)) for n in range(QUEUED_MAX + 100))

    assert QUEUED_MAX <= accepted <= QUEUED_MAX + PER_ENDPOINT_MAX


def test_queued_messages_of_a_reset_sandbox_are_discarded(delivery_workers: DeliveryWorkers, roads: Roads) -> None:
    roads.hanging = {"s.a"}
    for n in range(20):
        delivery_workers.offer(parcel(n, in_order=True))
    roads.until(lambda: roads.on_the_way["s.a"] == 1)

    delivery_workers.forget("s")
    roads.go.set()

    assert delivery_workers.wait({("s", f"s.a.{n}") for n in range(20)}, 10)
    assert roads.arrived == ["s.a.0"]
