"""Runs the story of many borrowers with more seeds than the tests do, and with every selection that lint calls exact.

Exits with FAIL if answer keys of one seed differ, or if a discrepancy has no entry that explains it. With --processes N
the story runs on two servers as `mocklend serve` starts them, each on a PostgreSQL database of its own: one of a single
process, and one of N.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mocklend.exit_codes import ExitCode, sigterm_as_ctrl_c

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "loadtests")]

SELECTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"select": {"unit": "entity"}},
    {"select": {"times_per": {"entity": 1}}},
    {"activate": {"start_delay_s": 60, "duration_s": 60 * 86_400}},
    {"activate": {"schedule": "0 9-23 * * *", "duration_s": 5_400}},
    {"activate": {"ramp": {"over_s": 30 * 86_400, "from": 0.2}}},
)
"""Each kind of fault has one of them, another one with the next seed."""
SEEDS_MAX = 100_000
PROCESSES_MAX = 16
BORROWERS_MAX = 1_000


@dataclass
class Place:
    """Where the story runs: a server's address, how many clients come one after another, and who had any of them."""

    url: str
    clients: Sequence[int]
    processes: int = 1
    serving: Callable[[], set[int]] = set
    """The process ids of the server that have a connection of a client now."""
    served: set[int] = field(default_factory=set)

    def note(self) -> None:
        """Note which processes have a client."""
        self.served |= self.serving()


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Print a line per seed: the number of injections, and whether they were the same. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/determinism", description=__doc__)
    parser.add_argument("--seeds", type=int, default=12, help="how many seeds (default: %(default)s)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (default: %(default)s)")
    parser.add_argument(
        "--processes", type=int, default=1, choices=range(1, PROCESSES_MAX + 1), metavar="N",
        help="compare a server of one process with one of N, both on PostgreSQL (default: one, on SQLite)",
    )  # fmt: skip
    parser.add_argument("--borrowers", type=int, default=32, help="how many borrowers (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not 1 <= options.seeds <= SEEDS_MAX:
        parser.error(f"argument --seeds: expected 1 to {SEEDS_MAX}, not {options.seeds}")
    if options.first < 0:
        parser.error(f"argument --first: expected 0 or more, not {options.first}")
    if not 1 <= options.borrowers <= BORROWERS_MAX:
        parser.error(f"argument --borrowers: expected 1 to {BORROWERS_MAX}, not {options.borrowers}")

    from tool import NotRun

    from support.postgresql import NotHere

    logging.disable(logging.CRITICAL)  # The server says that requests wait, and that answers break off.
    opened = _here() if options.processes == 1 else _servers(options.processes)
    try:
        with sigterm_as_ctrl_c(), opened as places:
            return _verdict(places, range(options.first, options.first + options.seeds), options.borrowers)
    except KeyboardInterrupt:
        print("INCONCLUSIVE: interrupted before all seeds were run", flush=True)
    except (NotHere, NotRun) as reason:
        print(f"INCONCLUSIVE: {reason}", flush=True)
    return ExitCode.INCONCLUSIVE


@contextmanager
def _here() -> Iterator[list[Place]]:
    """A platform in this process."""
    from mocklend.local import local_platform

    with local_platform() as url:
        yield [Place(url, (1, 8, 32))]


@contextmanager
def _servers(processes: int) -> Iterator[list[Place]]:
    """A server of one process and one of several. Raises NotHere without a PostgreSQL, NotRun if one does not start."""
    import psutil
    from crash_targets import has_client
    from server import Server

    from support.databases import Server as Databases
    from support.postgresql import running

    def serving(server: Server) -> set[int]:
        port = int(server.url.rpartition(":")[2])
        return {child.pid for child in psutil.Process(server.pid).children() if has_client(child, port)}

    with running() as url, closing(Databases(url)) as databases, tempfile.TemporaryDirectory() as folder:
        servers: list[Server] = []
        try:
            for count in (1, processes):
                servers.append(Server(databases.take(), Path(folder, f"{count}.log"), workers=count))
            one, several = servers
            yield [
                Place(one.url, (1, 8)),
                Place(several.url, (8, 32), processes, lambda: serving(several)),
            ]
        finally:
            for server in servers:
                server.stop()


def _verdict(places: Sequence[Place], seeds: range, borrowers: int) -> ExitCode:
    failed = False
    for seed in seeds:
        failed = _differ(places, seed, borrowers) or failed
    for place in places:
        if place.processes > 1 and len(place.served) < place.processes:
            print(f"INCONCLUSIVE: only {len(place.served)} of {place.processes} processes were seen with a client")
            return ExitCode.FAIL if failed else ExitCode.INCONCLUSIVE
    return ExitCode.FAIL if failed else ExitCode.PASS


def _differ(places: Sequence[Place], seed: int, borrowers: int) -> bool:
    """Whether the seed came out in two ways, or with something that is not explained."""
    from support.concurrent_stories import tell

    runs = [
        tell(
            place.url, _rules(seed), seed=seed, clients=clients, neighbours=borrowers, backwards=clients == 8,
            after_chapter=place.note,
        )
        for place in places
        for clients in place.clients
    ]  # fmt: skip
    audits = [entry.audit for entry in runs]
    unexplained = sum(discrepancy["explained_by"] is None for audit in audits for discrepancy in audit["discrepancies"])
    unobserved = sum(len(audit["unobserved"]) for audit in audits)
    verdicts = " ".join(sorted(frozenset.union(*(entry.verdicts for entry in runs))))
    same = len({entry.key for entry in runs}) == 1
    print(
        f"seed {seed}: {verdicts}, {len(runs[0].entries)} lies with {_where(places)}, "
        f"{'byte for byte the same' if same else 'AND NOT THE SAME'}; "
        f"{unexplained} discrepancies unexplained, {unobserved} open entries unobserved",
        flush=True,
    )
    return not same or verdicts != "exact" or unexplained + unobserved > 0


def _where(places: Sequence[Place]) -> str:
    """The clients of each place, in words."""
    if len(places) == 1:
        return f"{_listed(places[0].clients)} clients"
    return " and ".join(
        f"{_listed(place.clients)} clients of {place.processes} process{'' if place.processes == 1 else 'es'}"
        for place in places
    )


def _listed(numbers: Sequence[int]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} and {last}"


def _rules(seed: int) -> Mapping[str, Mapping[str, object]]:
    """A rule for each kind, with the selection that is its turn at this seed."""
    from mocklend_faults.engine.catalogue import installed
    from support.concurrent_stories import rule_of

    rules = {}
    for n, kind in enumerate(sorted(installed())):
        more = SELECTIONS[(n + seed) % len(SELECTIONS)]
        select = {"probability": 0.5} | more.get("select", {})
        rules[kind] = rule_of(kind, **select) | {"activate": more.get("activate", {})}
    return rules


if __name__ == "__main__":
    sys.exit(main())
