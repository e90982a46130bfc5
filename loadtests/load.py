"""A load test with a verdict: starts a server and a sandbox with faults, runs borrowers and operators, and judges.

        serve ─▶ sandbox, faults on ─▶ locust, in its own process ─▶ come to rest ─▶ audit, answer key ─▶ judge ─▶ stop

With `--json` standard output holds one document and nothing else.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import judge
import requests
from checks import STALE
from generator import Load, run_load
from load_report import load_report, look, require_place, write_report
from rest import Rest, come_to_rest
from server import Server
from shared_state import Settings
from tool import NotRun, concluded, number, say, whole
from watching import live_address, require_console, show_live

from mocklend.cli.root import language_of
from mocklend.client import Client, Doc, ProblemError
from mocklend.exit_codes import ExitCode
from mocklend.language import Language

SQLITE, POSTGRESQL = "sqlite", "postgresql"
STARTS_AT = "2026-01-05T01:00:00Z"
"""Monday morning in Shanghai, so that the business day of a run does not depend on when it runs."""
PROVOKED = (
    "cache.bounded_stale", "callback.dropped", "channel.unrecognised",
    "operator.marked_overdue", "operator.wrong_amount",
)  # fmt: skip
"""The faults for which these users give an occasion within a minute. For others, as those of the bureau, a run may give
none."""
STALE_FOR_S = 3
"""How many real seconds a status page stays stale: long enough for its borrower to see it."""
ANSWER_WITHIN_S = 120
REST_WITHIN_S = 60
"""Real seconds within which the platform has to come to rest. Usually the first audit finds it at rest."""
USERS_MAX, TIME_S_MAX = 2_000, 3600
SPAWN_S_MAX = 100.0
UNITS_S = {"s": 1, "m": 60, "h": 3600}

"""A JSON document."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of a run."""

    users: int
    time_s: int
    spawn_rate: float
    seed: int
    probability: float
    faults: str
    database: str | None
    speed: int
    think_s: float
    engine: str = "sqlite"
    workers: int = 1
    console: bool = False
    report: Path | None = None
    language: Language = Language.EN

    @property
    def command(self) -> str:
        """The command that makes the same requests again, with every option that has an effect on them."""
        words = ["scripts/load", "--users", self.users, "--time", f"{self.time_s}s", "--spawn-rate", self.spawn_rate]
        words += ["--seed", self.seed, "--probability", self.probability, "--faults", self.faults]
        words += ["--speed", self.speed, "--think-ms", round(self.think_s * 1000), "--engine", self.engine]
        words += ["--workers", self.workers]
        words += [] if self.database is None else ["--database", self.database]
        return shlex.join(f"{word:g}" if isinstance(word, float) else str(word) for word in words)


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Run, print, and return the exit code."""
    options = _options(arguments)
    return concluded(lambda: _judged(options), as_json=options.json)


def _judged(options: argparse.Namespace) -> ExitCode:
    if importlib.util.find_spec("locust") is None:
        raise NotRun("locust is not installed: pip install 'mocklend[load]'")
    plan = Plan(
        users=options.users,
        time_s=options.time,
        spawn_rate=options.spawn_rate or min(max(1.0, options.users / 5), SPAWN_S_MAX),
        seed=options.seed,
        probability=options.probability,
        faults="none" if options.no_faults else options.faults,
        database=options.database,
        speed=options.speed,
        think_s=options.think_ms / 1000,
        engine=options.engine,
        workers=options.workers,
        console=options.console,
        report=options.report,
        language=options.language or language_of(None),
    )
    if plan.console:
        require_console()
    if plan.report is not None:
        require_place(plan.report)
    with tempfile.TemporaryDirectory(prefix="mocklend-load-") as folder:
        document = run(plan, Path(folder))
    if options.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        show(document)
    return ExitCode[document["verdict"]]


def run(plan: Plan, folder: Path) -> Doc:
    """Run the load and judge it. Returns the verdict and the figures as one document."""
    began = time.monotonic()
    say("starting a server")
    with _database(plan, folder) as database:
        return _run(plan, folder, Server(database, folder / "server.log", workers=plan.workers), began)


@contextmanager
def _database(plan: Plan, folder: Path) -> Iterator[str]:
    """The database of the options: a URL or a path, a PostgreSQL of its own, or a file in a temporary folder."""
    if plan.engine == SQLITE or plan.database:
        yield plan.database or str(folder / "mocklend.db")
        return
    sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
    from support.postgresql import NotHere, own

    try:
        with own() as database:
            yield database.url
    except NotHere as why:
        raise NotRun(str(why)) from None


def _run(plan: Plan, folder: Path, server: Server, began: float) -> Doc:
    try:
        with Client(server.url, timeout_s=ANSWER_WITHIN_S) as anyone:
            health = anyone.health()
            client = anyone.sandbox(seed=plan.seed, clock="wall", now=STARTS_AT, speed=plan.speed)
        layer = bool(health["layer"])
        with client:
            if plan.console or plan.report is not None:
                client.live()  # From here on each second is counted, for whoever opens the page later.
            if plan.console:
                show_live(live_address(server.url, str(client.sandbox_id)), at_terminal=sys.stderr.isatty())
            armed = _arm(client, plan, layer=layer)
            channels = {channel["id"]: channel["settle_delay_s"] for channel in client.channels()["channels"]}
            load = _load(plan, client, server, folder, armed, channels, layer=layer)
            rest = _rest(client, plan, channels, layer=layer)
            seen = None if plan.report is None else look(client)
        exit_code = server.stop()
    except (requests.RequestException, ProblemError):
        # Most likely the server has ended; the reason for that says more than the failure of a request.
        why = server.gone(within_s=2.0)
        server.kill()
        if why is not None:
            raise why from None
        raise
    except BaseException:
        server.kill()
        raise
    report = load.report
    audit = rest.audit
    verdict = judge.judge(
        judge.Evidence(
            report=report,
            audit=audit,
            entries=rest.entries,
            entries_before=rest.entries_before,
            rules=rest.rules,
            audits_under_load=load.audits,
            armed=armed,
            demanded=PROVOKED if plan.faults == "all" else None,
            channels=sorted(channels),
            run_s=plan.time_s,
            exit_code=exit_code,
            waited_out=rest.reached,
            draining=rest.draining,
            cut_short=load.cut_short,
            users=plan.users,
        )
    )
    document = {
        "verdict": verdict.outcome,
        "reasons": verdict.reasons,
        "notes": verdict.notes,
        **verdict.figures,
        "requests": report["total"]["requests"],
        "rate_per_s": report["total"]["per_s"],
        "operations": report["operations"],
        "total": {**report["total"], "operation": "all"},
        "failures": report["failures"],
        "explained_observations": report["explained"],
        "refusals": report["refused"],
        "unexplained_observations": report["unexplained"],
        "loans": audit.get("loans"),
        "audits_under_load": len(load.audits),
        "users": plan.users,
        "time_s": plan.time_s,
        "took_s": round(time.monotonic() - began, 1),
        "think_ms": round(plan.think_s * 1000),
        "probability": plan.probability if armed else None,
        "armed": list(armed),
        "seed": plan.seed,
        "speed": plan.speed,
        "server_up_in_s": round(server.up_in_s, 2),
        "engine": health["engine"],
        "workers": plan.workers,
        "versions": _versions(health),
    }
    if plan.report is not None and seen is not None:
        write_report(load_report(document, verdict, seen, load.rows, plan.command), plan.report, plan.language)
        say(f"report: {plan.report}")
    return document


def _arm(client: Any, plan: Plan, *, layer: bool) -> list[str]:
    if not layer or plan.faults == "none":
        if plan.faults not in ("none", "all"):
            raise NotRun("this platform has no fault layer, so no fault can be armed: leave out --faults")
        say("no faults: every answer must be right" if layer else "no fault layer: every answer must be right")
        return []
    kinds = {kind["id"]: kind for kind in client.faults()["faults"]}
    # Users and judge are clients, too, and rely on each answer: a broken one would end the run.
    of_answers = {id for id, kind in kinds.items() if kind["finding"] == "timing"}
    faults = sorted(kinds.keys() - of_answers) if plan.faults == "all" else plan.faults.split(",")
    unknown = sorted(set(faults) - kinds.keys())
    if unknown:
        raise NotRun(f"unknown faults: {', '.join(unknown)}; known: {', '.join(kinds)}")
    if of_answers & set(faults):
        names = ", ".join(sorted(of_answers & set(faults)))
        raise NotRun(f"{names}: these users do not repeat broken requests; scripts/latency measures slow answers")
    for fault in faults:
        settings = {"lag_s": STALE_FOR_S * plan.speed} if fault == STALE else {}
        client.arm(fault, probability=plan.probability, **settings)
    say(f"armed at p = {plan.probability}: {', '.join(faults)}")
    return faults


def _load(
    plan: Plan,
    client: Client,
    server: Server,
    folder: Path,
    armed: Sequence[str],
    channels: dict[str, int],
    *,
    layer: bool,
) -> Load:
    """Run the load for its time, or until it ends early."""
    settings = Settings(
        api_key=client.api_key or "",
        seed=plan.seed,
        time_s=plan.time_s,
        speed=plan.speed,
        armed=armed,
        settle_delays_s=channels,
        think_s=plan.think_s,
        report=str(folder / "report.json"),
        progress=str(folder / "progress.json"),
    )
    say(f"{plan.users} users for {plan.time_s} s at {server.url}")
    return run_load(
        settings,
        host=server.url,
        users=plan.users,
        spawn_rate=plan.spawn_rate,
        client=client,
        server=server,
        layer=layer,
        watch=plan.report is not None,
    )


def _rest(client: Client, plan: Plan, channels: dict[str, int], *, layer: bool) -> Rest:
    """Wait as long as the slowest channel takes, since it may have money not yet reported, and then for rest.

    Stale pages are over by then, too.
    """
    stale_s = 0 if plan.faults == "none" else STALE_FOR_S
    longest_s = max([stale_s, *(delay / plan.speed for delay in channels.values())]) + 0.5
    say(f"waiting {longest_s:.0f} s for the slowest channel, then for rest")
    time.sleep(longest_s)
    return come_to_rest(client, layer=layer, within_s=REST_WITHIN_S)


def _versions(health: dict[str, Any]) -> dict[str, str]:
    from importlib.metadata import version

    return {
        "mocklend": str(health["version"]),
        "python": sys.version.split()[0],
        "locust": version("locust"),
    }


# --- the output ---


def show(document: Doc) -> None:
    """Print the figures and the verdict for a terminal."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(title=f"{document['users']} users, {document['time_s']} s, seed {document['seed']}; times in ms")
    table.add_column("operation", no_wrap=True)
    for column in ("sent", "failed", "per s", "p50", "p95", "p99"):
        table.add_column(column, justify="right", no_wrap=True)
    for operation in [*document["operations"], document["total"]]:
        if operation["operation"] == "all":
            table.add_section()
        cells = ("requests", "failures", "per_s", "p50_ms", "p95_ms", "p99_ms")
        table.add_row(operation["operation"], *(f"{operation[name]:g}" for name in cells))
    console.print(table)
    for line in sentences(document):
        console.print(line, markup=False, soft_wrap=True)
    colour = {judge.PASS: "green", judge.FAIL: "red", judge.INCONCLUSIVE: "yellow"}[document["verdict"]]
    console.print(document["verdict"], style=f"bold {colour}")


def sentences(document: Doc) -> list[str]:
    """The verdict and the figures as lines for a terminal."""
    by_fault = ", ".join(f"{fault} {count}" for fault, count in document["injections_by_fault"].items())
    seen = sum(document["explained_observations"].values())
    broken = ", ".join(document["broken_invariants"])
    speed = f"{document['requests']} requests, {document['rate_per_s']:g} per second; "
    in_the_end = (
        f"{document['discrepancies']} discrepancies in the end, {document['unexplained_discrepancies']} unexplained; "
    )
    invariants = f"{document['invariants']} invariants over {document['loans']} loans, "
    lines = [
        speed + f"{document['unexplained_failures']} failures that no fault explains.",
        f"{document['injections']} injections" + (f": {by_fault}." if by_fault else "."),
        f"{seen} wrong answers that an armed fault may explain." if document["armed"] else "",
        *(f"  {what}: {count}" for what, count in document["explained_observations"].items()),
        in_the_end + f"{document['unobserved_injections']} injections unobserved.",
        invariants + (f"broken: {broken}." if broken else "all hold."),
        *(f"{document['verdict']}: {reason}" for reason in document["reasons"]),
        *(f"Note: {note}." for note in document["notes"]),
    ]
    return [line for line in lines if line]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/load", description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--users", type=whole(1, USERS_MAX), default=50, help="concurrent (default: %(default)s)")
    parser.add_argument("--time", type=duration_s, default=60, help="how long, like 60s or 5m, at most 1h")
    parser.add_argument(
        "--spawn-rate",
        type=number(0.1, 10_000),
        default=None,
        help="users per second (default: all in 5 s, at most 100 per second)",
    )
    parser.add_argument("--seed", type=whole(0, 2**63 - 1), default=7, help="of all random choices")
    parser.add_argument("--probability", type=number(0, 1), default=0.1, help="of each fault (default: %(default)s)")
    parser.add_argument(
        "--faults", default="all", help="all, none, or names with commas (default: all but those of answers)"
    )
    parser.add_argument("--no-faults", action="store_true", help="the same as --faults none")
    parser.add_argument("--database", default=None, help="a URL or a path (default: SQLite in a temporary folder)")
    parser.add_argument(
        "--engine",
        choices=(SQLITE, POSTGRESQL),
        default=SQLITE,
        help="without --database, one of its own (default: sqlite)",
    )
    parser.add_argument("--workers", type=whole(1, 64), default=1, help="processes of the server, on PostgreSQL")
    parser.add_argument(
        "--speed", type=whole(1, 86_400), default=300, help="sandbox seconds per real second (default: %(default)s)"
    )
    parser.add_argument("--think-ms", type=whole(0, 60_000), default=100, help="between two tasks of a user")
    parser.add_argument(
        "--console", action="store_true", help="print the console's address for this run; opens it from a terminal"
    )
    parser.add_argument(
        "--report", type=Path, default=None, metavar="FILE.html", help="write a report as one HTML file"
    )
    parser.add_argument(
        "--language", type=Language, choices=tuple(Language), default=None, help="of the report (default: LANG's)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    if options.workers > 1 and options.engine == SQLITE and not (options.database or "").startswith(POSTGRESQL):
        parser.error("argument --workers: several processes need PostgreSQL: add --engine postgresql")
    return options


def duration_s(text: str) -> int:
    """Seconds of `60`, `60s`, `5m` or `1h`."""
    match = re.fullmatch(r"(\d{1,6})([smh]?)", text)
    seconds = int(match[1]) * UNITS_S[match[2] or "s"] if match else 0
    if not 1 <= seconds <= TIME_S_MAX:
        raise argparse.ArgumentTypeError(f"expected 1s to 1h, like 60s or 5m, not {text!r}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
