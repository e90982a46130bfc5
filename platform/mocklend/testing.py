"""The pytest plug-in: `mocklend` is a client in a sandbox of its own, fresh for each test and gone after it.

        def test_a_settled_loan_may_still_show_as_unpaid(mocklend):
            ada = mocklend.add_borrower("ada", "Ada")
            ...

One server a run, in this process, started by the first test that asks. The clock is manual and starts at 10:00 on a
Monday in Shanghai. The seed follows from the test's node id, and the client numbers its idempotency keys; so a test
has the same ids and meets the same faults each time. A failure prints the seed, and `--mocklend-seed N` gives another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mocklend.client import Client

SECTION = "mocklend"

_CLIENT = pytest.StashKey["Client"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--mocklend-seed`: the seed of every sandbox, instead of one from each test's node id."""
    parser.getgroup("mocklend").addoption(
        "--mocklend-seed",
        type=int,
        default=None,
        metavar="N",
        help="the seed of the mocklend fixture's sandbox (default: one that follows from the test's node id)",
    )


@pytest.fixture(scope="session")
def mocklend_server() -> Iterator[str]:
    """The address of a platform in this process, with its books in a temporary folder."""
    from mocklend.local import local_platform

    with local_platform() as url:
        yield url


@pytest.fixture
def mocklend(mocklend_server: str, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client bound to a fresh sandbox with a manual clock."""
    from mocklend.client import START, Client, numbered_keys

    seed = request.config.getoption("--mocklend-seed")
    with Client(mocklend_server) as anyone:
        client = anyone.sandbox(seed=seed_of(request.node.nodeid) if seed is None else seed, now=START)
    client.next_key = numbered_keys()
    request.node.stash[_CLIENT] = client
    try:
        yield client
    finally:
        client.delete_sandbox()
        client.close()


def seed_of(node_id: str) -> int:
    """The seed of a test: the same on every machine and in every order of tests."""
    return int.from_bytes(hashlib.blake2b(node_id.encode(), digest_size=4).digest(), "big")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say under a failure which seed replays it, and what was a lie at that moment."""
    report = yield
    client = item.stash.get(_CLIENT, None)
    if report.failed and report.when == "call" and client is not None:
        report.sections.append((SECTION, _account(item.nodeid, client)))
    return report


def _account(node_id: str, client: Client) -> str:
    import requests

    from mocklend.client import ProblemError

    lines = [f'seed {client.seed}; replay: pytest "{node_id}" --mocklend-seed {client.seed}']
    try:
        lines.append(f"the clock says {client.clock()['now']}")
        lies = client.answer_key(status="active")["entries"]
        lines.append(f"lies at this moment, by the answer key: {len(lies)}")
        lines.extend(
            f"  {lie['injection']} {lie['fault']} on {lie['entity']}: served {lie['served']}, "
            f"truth {lie['truth']['after']}"
            for lie in lies
        )
    except (requests.RequestException, ProblemError) as silence:
        # An account of the failure must not hide the failure itself.
        lines.append(f"the platform gave no account: {silence}")
    return "\n".join(lines)
