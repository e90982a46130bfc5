"""The pytest plug-in: `mocklend` is a client in a sandbox of its own, fresh for each test and gone after it.

        def test_a_settled_loan_may_still_show_as_unpaid(mocklend):
            ada = mocklend.add_borrower("ada", "Ada")
            ...

One server a run, in this process, started by the first test that asks. The clock is manual and starts at 10:00 on a
Monday in Shanghai. The seed follows from the test's own name, and the client numbers its idempotency keys; so a test
has the same ids and meets the same faults each time. A failure prints the seed and all that was injected, and
`--mocklend-seed N` gives another seed.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mocklend.client import Client
    from mocklend.local import Local

SECTION = "mocklend"
ACCOUNT_WITHIN_S = 20
"""A platform that gives no account within this time is left alone: the failure is to be told, whatever holds it up."""
INJECTIONS_LISTED = 500
"""So many injections are listed one by one; the counts are of all."""
PROJECT_FILES = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "setup.py")
REPOSITORIES = (".git", ".hg")
INSTALLED = ("site-packages", "dist-packages")

Ask = Callable[[str, str, Any], tuple[int, Any]]
AskAs = Callable[[str, str, Any, str | None], tuple[int, Any]]


@dataclass(frozen=True, slots=True)
class Used:
    """The sandbox of a test: its id, key and seed as they were at its beginning, and how the platform is asked."""

    sandbox_id: str
    api_key: str
    seed: int
    ask: Ask


_USED = pytest.StashKey[Used]()
_LOCAL = pytest.StashKey["Local"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--mocklend-seed`: the seed of every sandbox, instead of one from each test's name."""
    parser.getgroup("mocklend").addoption(
        "--mocklend-seed",
        type=int,
        default=None,
        metavar="N",
        help="the seed of the mocklend fixture's sandbox (default: one that follows from the test's name)",
    )


@pytest.fixture(scope="session")
def mocklend_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a platform in this process, with its books in a temporary folder."""
    from mocklend.local import opened_platform

    with opened_platform() as local:
        request.config.stash[_LOCAL] = local
        yield local.url


@pytest.fixture
def mocklend(mocklend_server: str, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client bound to a fresh sandbox with a manual clock."""
    from mocklend.client import Client, numbered_keys

    given = request.config.getoption("--mocklend-seed")
    seed = seed_of(stable_name(request.node)) if given is None else given
    used = _sandbox(mocklend_server, request.config.stash.get(_LOCAL, None), seed)
    client = Client(mocklend_server, used.api_key, next_key=numbered_keys())
    client.sandbox_id, client.seed = used.sandbox_id, used.seed
    request.node.stash[_USED] = used
    try:
        yield client
    finally:
        client.close()
        status, answer = used.ask("DELETE", f"/-/sandboxes/{used.sandbox_id}", None)
        # The test may have removed it itself.
        if status >= 300 and answer.get("code") != "sandbox_unknown":
            raise RuntimeError(f"the sandbox of the test could not be removed: {status} {answer}")


def _sandbox(url: str, local: Local | None, seed: int) -> Used:
    """A new sandbox. A platform of this process is asked in this process: doubles of HTTP do not come in between."""
    from mocklend.client import START

    ask = local.ask if local is not None and local.url == url else _ask_elsewhere(url)
    status, made = ask("POST", "/-/sandboxes", {"seed": seed, "clock": {"mode": "manual", "now": START}}, None)
    if status != 201:
        raise RuntimeError(f"the platform made no sandbox with the seed {seed}: {status} {made}")
    key = str(made["api_key"])
    return Used(made["id"], key, made["seed"], lambda method, path, body: ask(method, path, body, key))


def _ask_elsewhere(url: str) -> AskAs:
    """Ask a platform that somebody else has started, where a project overrides `mocklend_server`."""
    from mocklend.client import Client, ProblemError

    def ask(method: str, path: str, body: Any, key: str | None) -> tuple[int, Any]:
        with Client(url, key) as client:
            try:
                return (201 if method == "POST" else 200), client.request(method, path, body)
            except ProblemError as problem:
                return problem.status, problem.document

    return ask


def seed_of(name: str) -> int:
    """The seed of a test: the same on every machine and in every order of tests."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "backslashreplace"), digest_size=4).digest(), "big")


def stable_name(item: pytest.Item) -> str:
    """A test's name that depends only on where it stands in its project, like `tests/test_ada.py::test_repays`.

    A node id begins where pytest believes the project to begin, and without an ini-file that follows from the folder
    it was started in and from its arguments. See `place_of` for where this name begins.
    """
    return "::".join([place_of(item.path), *_names(item)])


def _names(item: pytest.Item) -> list[str]:
    """The names within the file: of its classes, and of the test with its parameters."""
    names: list[str] = []
    for node in item.listchain():
        # A package was a file, too, before pytest 8; what comes before it says where the run began.
        names = [] if isinstance(node, pytest.Session | pytest.File) else [*names, node.name]
    return names


def place_of(file: Path) -> str:
    """Where a test file stands, the same from whatever folder pytest was started, installed or not.

    In a package: from the outermost package on. Else from the nearest folder that has a file of PROJECT_FILES, which
    is looked for up to the folder of the repository. Else the file's name alone.
    """
    package = file.parent
    while (package / "__init__.py").exists() and package != package.parent:
        package = package.parent
    if package != file.parent:
        return file.relative_to(package).as_posix()
    for folder in file.parents:
        if folder.name in INSTALLED:
            return file.relative_to(folder).as_posix()
        if any((folder / name).is_file() for name in PROJECT_FILES):
            return file.relative_to(folder).as_posix()
        if any((folder / name).exists() for name in REPOSITORIES):
            break
    return file.name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say under a failure which seed replays it, and what was injected until then."""
    report = yield
    # After the sandbox is gone there is nothing to tell.
    if report.failed and report.when != "teardown":
        used = item.stash.get(_USED, None)
        if used is not None:
            # Before what was captured: that may be long.
            report.sections.insert(0, (SECTION, _storable("\n".join(_account(item, used)))))
    return report


def _account(item: pytest.Item, used: Used) -> list[str]:
    """All that there is to say. An account of the failure must not hide the failure, nor end the run.

    Anything may be wrong here: the test may have put doubles in the place of modules, stopped the platform or broken
    its database. So all that goes wrong is told in one line, but for what pytest itself ends a run by.
    """
    lines: list[str] = []
    told: list[list[str]] = []
    troubles: list[BaseException] = []

    def tell() -> None:
        try:
            told.append(list(_happened(used)))
        except BaseException as trouble:
            troubles.append(trouble)

    try:
        lines.append(f"seed {used.seed}; replay: pytest {_as_typed(item)} --mocklend-seed {used.seed}")
        # On a thread of its own, since it may hang: on a lock that the test holds, or on a database that is locked.
        telling = threading.Thread(target=tell, name="mocklend-account", daemon=True)
        telling.start()
        telling.join(ACCOUNT_WITHIN_S)
        if told:
            broken = [line for line in told[0] if line.startswith("fault ")]
            return [*broken, *lines, *(line for line in told[0] if line not in broken)]
        why = _in_a_line(troubles[0]) if troubles else f"it did not answer within {ACCOUNT_WITHIN_S} s"
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise
    except BaseException as trouble:  # pytest.fail, of a time-out, is no Exception.
        why = _in_a_line(trouble)
    return [*lines, f"the platform gave no account: {why}"]


def _happened(used: Used) -> Iterator[str]:
    """The faults that broke, the clock, the rules and the injections, as the platform tells them."""
    status, clock = used.ask("GET", "/-/clock", None)
    if status != 200:
        yield f"the platform gave no account: {clock.get('detail', status)} (was the sandbox deleted by the test?)"
        return
    status, requests = used.ask("GET", "/-/requests", None)
    answers = [request["answer"] or {} for request in requests["requests"]] if status == 200 else []
    yield from dict.fromkeys(str(answer["detail"]) for answer in answers if answer.get("code") == "fault_broke")
    yield f"the clock says {clock['now']}"
    status, listed = used.ask("GET", "/-/rules", None)
    if status != 200:
        yield "there is no fault layer: nothing was injected"
        return
    entries = _entries(used)
    lies = [entry for entry in entries if entry["status"] == "active"]
    yield f"lies at this moment, by the answer key: {len(lies)}"
    by_rule = Counter(entry["rule"] for entry in entries)
    rules = {rule["id"]: rule for rule in listed["rules"]}
    gone = [id for id in dict.fromkeys([*_armed(requests), *by_rule]) if id not in rules]
    yield f"rules armed: {len(rules)}" + (f", disarmed by now: {len(gone)}" if gone else "")
    for id, rule in rules.items():
        yield (
            f"  {id}: {rule['fault']}, {rule['state']}; evaluated {rule['evaluated']}, matched {rule['matched']}, "
            f"selected {rule['selected']}, injected {rule['injected']}"
        )
    for id in gone:
        yield f"  {id}: disarmed; injected {by_rule[id]}"
    by_status = Counter(entry["status"] for entry in entries)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(by_status.items()))
    yield f"injections of this test: {len(entries)}" + (f" ({counts})" if counts else "")
    for entry in entries[:INJECTIONS_LISTED]:
        yield _entry(entry)
    if len(entries) > INJECTIONS_LISTED:
        yield f"  and {len(entries) - INJECTIONS_LISTED} more, which mocklend.answer_key() lists"


def _entries(used: Used) -> list[Mapping[str, Any]]:
    """The whole answer key, page by page."""
    entries: list[Mapping[str, Any]] = []
    cursor = ""
    while True:
        status, page = used.ask("GET", f"/-/answer-key{cursor}", None)
        if status != 200:
            raise RuntimeError(f"the answer key: {page.get('detail', status)}")
        entries += page["entries"]
        if not page.get("next_cursor"):
            return entries
        cursor = f"?cursor={page['next_cursor']}"


def _armed(requests: Any) -> Iterator[str]:
    """The ids of the rules that the test has armed one by one, as far as its requests are on record."""
    for one in (requests or {}).get("requests", ()):
        if one["method"] == "PUT" and one["path"].startswith("/-/rules/") and one["status"] < 300:
            yield (one["answer"] or {}).get("id") or one["path"].removeprefix("/-/rules/")


def _entry(entry: Mapping[str, Any]) -> str:
    over = f", {entry['status_reason']}" if entry.get("status_reason") else ""
    return (
        f"  {entry['injection']} {entry['fault']} on {entry['entity']}: served {entry['served']}, "
        f"truth {entry['truth']['after']}; rule {entry['rule']}, {entry['status']}{over}"
    )


def _as_typed(item: pytest.Item) -> str:
    """The test as it can be typed in the folder that this run was started in."""
    file = os.path.relpath(item.path, item.config.invocation_params.dir)
    typed = "::".join([file, *_names(item)])
    return shlex.quote(typed) if set(typed) & set('"$`\\!') else f'"{typed}"'


def _in_a_line(trouble: BaseException) -> str:
    try:
        text = " ".join(str(trouble).split())[:300]
    except Exception:
        text = "its text cannot be had"
    return f"{type(trouble).__name__}: {text}" if text else type(trouble).__name__


def _storable(text: str) -> str:
    """The text as it can go through a pipe and to a terminal: a lone surrogate would end the worker of pytest-xdist."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
