"""The pytest plug-in: `mocklend` is a client in a sandbox of its own, created for each test and deleted after it.

        def test_a_settled_loan_may_still_show_as_unpaid(mocklend):
            ada = mocklend.add_borrower("ada", "Ada")
            ...

There is one server per run, in this process, started by the first test that uses it. The clock is manual and starts at
10:00 on a Monday in Shanghai. The seed is derived from the test's name, and the client numbers its idempotency keys; so
a test has the same ids and meets the same faults in every run. A failure prints the seed and all injections, and
`--mocklend-seed N` sets another seed.
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
"""How long a failure report waits for the platform's account of the test."""
INJECTIONS_LISTED = 500
"""How many injections a failure report lists; the counts include all of them."""
PROJECT_FILES = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "setup.py")
REPOSITORIES = (".git", ".hg")
INSTALLED = ("site-packages", "dist-packages")

Ask = Callable[[str, str, Any], tuple[int, Any]]
AskAs = Callable[[str, str, Any, str | None], tuple[int, Any]]


@dataclass(frozen=True, slots=True)
class SandboxOfTest:
    """A test's sandbox: its id, key and seed, and the function that sends it requests."""

    sandbox_id: str
    api_key: str
    seed: int
    ask: Ask


_USED = pytest.StashKey[SandboxOfTest]()
_LOCAL = pytest.StashKey["Local"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--mocklend-seed`: the seed of every sandbox, instead of one derived from each test's name."""
    parser.getgroup("mocklend").addoption(
        "--mocklend-seed",
        type=int,
        default=None,
        metavar="N",
        help="the seed of the mocklend fixture's sandbox (default: derived from the test's name)",
    )


@pytest.fixture(scope="session")
def mocklend_database() -> str | None:
    """The URL of the server's database, to be overridden; None is a file in a temporary folder."""
    return None


@pytest.fixture(scope="session")
def mocklend_server(request: pytest.FixtureRequest, mocklend_database: str | None) -> Iterator[str]:
    """The URL of a platform in this process, with its database in a temporary folder or in `mocklend_database`."""
    from mocklend.local import opened_platform

    with opened_platform(mocklend_database) as local:
        request.config.stash[_LOCAL] = local
        yield local.url


@pytest.fixture
def mocklend(mocklend_server: str, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client of a new sandbox with a manual clock."""
    from mocklend.client import Client, numbered_keys

    option = request.config.getoption("--mocklend-seed")
    seed = seed_of(stable_name(request.node)) if option is None else option
    own = _sandbox(mocklend_server, request.config.stash.get(_LOCAL, None), seed)
    client = Client(mocklend_server, own.api_key, next_key=numbered_keys())
    client.sandbox_id, client.seed = own.sandbox_id, own.seed
    request.node.stash[_USED] = own
    try:
        yield client
    finally:
        client.close()
        status, answer = own.ask("DELETE", f"/-/sandboxes/{own.sandbox_id}", None)
        # The test may have deleted it itself.
        if status >= 300 and answer.get("code") != "sandbox_unknown":
            raise RuntimeError(f"the sandbox of the test could not be removed: {status} {answer}")


def _sandbox(url: str, local: Local | None, seed: int) -> SandboxOfTest:
    """Create a sandbox. A platform of this process is called without HTTP, for which a test may have doubles."""
    from mocklend.client import START

    ask = local.ask if local is not None and local.url == url else _ask_elsewhere(url)
    status, created = ask("POST", "/-/sandboxes", {"seed": seed, "clock": {"mode": "manual", "now": START}}, None)
    if status != 201:
        raise RuntimeError(f"the platform made no sandbox with the seed {seed}: {status} {created}")
    key = str(created["api_key"])
    return SandboxOfTest(created["id"], key, created["seed"], lambda method, path, body: ask(method, path, body, key))


def _ask_elsewhere(url: str) -> AskAs:
    """Return a function that calls a platform of another process, if a project overrides `mocklend_server`."""
    from mocklend.client import Client, ProblemError

    def ask(method: str, path: str, body: Any, key: str | None) -> tuple[int, Any]:
        with Client(url, key) as client:
            try:
                return (201 if method == "POST" else 200), client.request(method, path, body)
            except ProblemError as problem:
                return problem.status, problem.document

    return ask


def seed_of(name: str) -> int:
    """Return the seed of a test's name: the same on every machine and in every order of tests."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "backslashreplace"), digest_size=4).digest(), "big")


def stable_name(item: pytest.Item) -> str:
    """Return a test's name that depends only on its place in its project, like `tests/test_ada.py::test_repays`.

    A node id begins at pytest's root folder, which without an ini-file depends on the folder and the arguments of the
    run. `place_of` says where this name begins.
    """
    return "::".join([place_of(item.path), *_names(item)])


def _names(item: pytest.Item) -> list[str]:
    """Return the names within the file: of the classes, and of the test with its parameters."""
    names: list[str] = []
    for node in item.listchain():
        # Before pytest 8 a package was a file, too; the nodes before it depend on where the run began.
        names = [] if isinstance(node, pytest.Session | pytest.File) else [*names, node.name]
    return names


def place_of(file: Path) -> str:
    """Return a test file's path, the same for every folder that pytest is started in, installed or not.

    In a package: from the outermost package on. Else from the nearest folder that has a file of PROJECT_FILES, searched
    up to the repository's folder. Else the file's name alone.
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
    """Add to a failure's report the seed that replays it, and the injections so far."""
    report = yield
    # After the teardown the sandbox is gone.
    if report.failed and report.when != "teardown":
        used = item.stash.get(_USED, None)
        if used is not None:
            # Before the captured output, which may be long.
            report.sections.insert(0, (SECTION, _storable("\n".join(_account(item, used)))))
    return report


def _account(item: pytest.Item, used: SandboxOfTest) -> list[str]:
    """Return all lines of the report. It must neither hide the test's failure nor end the run.

    Anything may be wrong here: the test may have replaced modules by doubles, stopped the platform or broken its
    database. So every exception becomes one line, except those by which pytest itself ends a run.
    """
    lines: list[str] = []
    accounts: list[list[str]] = []
    errors: list[BaseException] = []

    def collect() -> None:
        try:
            accounts.append(list(_platform_account(used)))
        except BaseException as trouble:
            errors.append(trouble)

    try:
        lines.append(f"seed {used.seed}; replay: pytest {_as_typed(item)} --mocklend-seed {used.seed}")
        # On a thread of its own, since it may block: on a lock that the test holds, or on a locked database.
        collector = threading.Thread(target=collect, name="mocklend-account", daemon=True)
        collector.start()
        collector.join(ACCOUNT_WITHIN_S)
        if accounts:
            broken_faults = [line for line in accounts[0] if line.startswith("fault ")]
            return [*broken_faults, *lines, *(line for line in accounts[0] if line not in broken_faults)]
        why = _in_a_line(errors[0]) if errors else f"it did not answer within {ACCOUNT_WITHIN_S} s"
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise
    except BaseException as trouble:  # pytest.fail, of a time-out, is not an Exception.
        why = _in_a_line(trouble)
    return [*lines, f"the platform gave no account: {why}"]


def _platform_account(used: SandboxOfTest) -> Iterator[str]:
    """Yield the broken faults, the clock, the rules and the injections, as the platform reports them."""
    status, clock = used.ask("GET", "/-/clock", None)
    if status != 200:
        yield f"the platform gave no account: {clock.get('detail', status)} (was the sandbox deleted by the test?)"
        return
    status, requests = used.ask("GET", "/-/requests", None)
    answers = [request["answer"] or {} for request in requests["requests"]] if status == 200 else []
    yield from dict.fromkeys(str(answer["detail"]) for answer in answers if answer.get("code") == "fault_broke")
    yield f"the clock says {clock['now']}"
    status, rule_list = used.ask("GET", "/-/rules", None)
    if status != 200:
        yield "there is no fault layer: nothing was injected"
        return
    entries = _entries(used)
    active = [entry for entry in entries if entry["status"] == "active"]
    yield f"active injections, by the answer key: {len(active)}"
    by_rule = Counter(entry["rule"] for entry in entries)
    rules = {rule["id"]: rule for rule in rule_list["rules"]}
    disarmed = [id for id in dict.fromkeys([*_armed(requests), *by_rule]) if id not in rules]
    yield f"rules armed: {len(rules)}" + (f", disarmed by now: {len(disarmed)}" if disarmed else "")
    for id, rule in rules.items():
        yield (
            f"  {id}: {rule['fault']}, {rule['state']}; evaluated {rule['evaluated']}, matched {rule['matched']}, "
            f"selected {rule['selected']}, injected {rule['injected']}"
        )
    for id in disarmed:
        yield f"  {id}: disarmed; injected {by_rule[id]}"
    by_status = Counter(entry["status"] for entry in entries)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(by_status.items()))
    yield f"injections of this test: {len(entries)}" + (f" ({counts})" if counts else "")
    for entry in entries[:INJECTIONS_LISTED]:
        yield _entry(entry)
    if len(entries) > INJECTIONS_LISTED:
        yield f"  and {len(entries) - INJECTIONS_LISTED} more, which mocklend.answer_key() lists"


def _entries(used: SandboxOfTest) -> list[Mapping[str, Any]]:
    """Return the whole answer key, page by page."""
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
    """Yield the ids of the rules that the test has armed one by one, as far as its requests were logged."""
    for request in (requests or {}).get("requests", ()):
        if request["method"] == "PUT" and request["path"].startswith("/-/rules/") and request["status"] < 300:
            yield (request["answer"] or {}).get("id") or request["path"].removeprefix("/-/rules/")


def _entry(entry: Mapping[str, Any]) -> str:
    reason = f", {entry['status_reason']}" if entry.get("status_reason") else ""
    return (
        f"  {entry['injection']} {entry['fault']} on {entry['entity']}: served {entry['served']}, "
        f"truth {entry['truth']['after']}; rule {entry['rule']}, {entry['status']}{reason}"
    )


def _as_typed(item: pytest.Item) -> str:
    """Return the test as it can be typed in the folder that this run was started in."""
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
    """Escape lone surrogates, which would end the worker of pytest-xdist."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
