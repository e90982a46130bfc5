"""`mocklend sandbox`, `sandboxes`, `clock` and `live`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from mocklend.cli.output import own_command, refuse, show
from mocklend.cli.root import PATIENT_S, AsJson, connect, group

if TYPE_CHECKING:
    from mocklend.client import Client

commands = typer.Typer()
sandboxes_app = group("sandboxes", "See all sandboxes, and delete old ones.", commands)
clock_app = group("clock", "See and move a sandbox's clock.", commands)


WATCHED_EVERY_S = 0.5
"""So often a terminal hears how far a long advance has come."""


@commands.command()
def sandbox(
    seed: Annotated[int, typer.Option(min=0, help="The same seed and story give the same ids and faults.")] = 7,
    now: Annotated[
        str | None,
        typer.Option(
            help="The moment its clock starts at. If not given, that of the pytest fixture, 2026-01-05T02:00:00Z; with "
            "--wall, real time."
        ),
    ] = None,
    wall: Annotated[bool, typer.Option("--wall", help="A clock that runs by itself, not a manual one.")] = False,
    speed: Annotated[
        int | None,
        typer.Option(min=1, help="With --wall: how many times as fast as real time; 86400: a day a second."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a sandbox of its own, with a manual clock that starts where that of the pytest fixture does."""
    from mocklend.client import START

    if speed is not None and not wall:
        refuse("--speed is for a clock that runs by itself.", "Say --wall, too.")
    starts = now or (None if wall else START)
    mode = "wall" if wall else "manual"
    with connect() as client, client.sandbox(seed=seed, now=starts, clock=mode, speed=speed) as made:
        clock = made.clock()
        document = {"id": made.sandbox_id, "api_key": made.api_key, "seed": made.seed, "clock": clock}
    where = ", where the pytest fixture starts" if starts == START else ""
    moves = "runs by itself" if wall else "moves when told"
    said = f"sandbox {document['id']}, seed {document['seed']}; its clock {moves}, from {clock['now']} on{where}"
    show(document, as_json, f"# {said}", f"export MOCKLEND_API_KEY={document['api_key']}")
    if not as_json and not sys.stdout.isatty():
        # In `eval "$(mocklend sandbox)"` the shell takes what is printed, and nobody would see it.
        print(said, file=sys.stderr)


@sandboxes_app.command("list")
def sandboxes_list(
    unused_for: Annotated[
        str | None, typer.Option("--unused-for", help="Only those in which nobody has asked anything for so long: P7D.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The sandboxes of the server, and when each was last used."""
    with connect() as client:
        found = list(client.every("sandboxes", unused_for=unused_for))
    lines = [
        f"  {one['id']}  last used {one['last_used_at']}, clock {one['clock']['mode']}, says {one['clock']['now']}"
        for one in found
    ]
    show({"sandboxes": found}, as_json, f"sandboxes: {len(found)}", *lines)


@sandboxes_app.command("expire")
def sandboxes_expire(
    unused_for: Annotated[
        str, typer.Option("--unused-for", help="How long nobody has asked anything in them: P7D, PT12H.")
    ],
    as_json: AsJson = False,
) -> None:
    """Delete the sandboxes that nobody has used for so long, and everything in them. `default` stays."""
    with connect() as client:
        gone = client.expire_sandboxes(unused_for)
    show({"deleted": gone}, as_json, f"deleted: {len(gone)}", *(f"  {id}" for id in gone))


@commands.command("live")
def live_here(
    loans: Annotated[int, typer.Option(help="How many people, with a loan each.")] = 30,
    days: Annotated[int, typer.Option(help="For how many days, from the sandbox's next one on.")] = 45,
    profile: Annotated[
        str | None, typer.Option(help="Switch to this profile first; the rules as they are, if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed: other people, who do other things.")] = 7,
    wall: Annotated[
        bool, typer.Option("--wall", help="Wait for a clock that runs by itself, instead of moving it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let people live in the sandbox: they borrow, repay on time, late, twice or not at all; staff work; days pass.

    A manual clock is moved from act to act. A clock that runs by itself, as that of the sandbox `default`, is held
    meanwhile, and runs on from where the season ends. In a fresh sandbox the same seed and options give the same
    answer key.
    """
    from rich.console import Console
    from rich.progress import Progress

    from mocklend.live import DID, CannotLive, SeasonOptions, live

    console = Console(stderr=True)
    with connect() as client, Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        client.timeout_s = PATIENT_S
        task = bar.add_task("days", total=days)
        try:
            options = SeasonOptions(loans, days, seed, wall)
            if profile is not None:
                client.put_profile(profile)
            lived = live(client, options, progress=lambda more: bar.advance(task, more))
        except CannotLive as cannot:
            bar.stop()
            refuse(f"{cannot}.", "`mocklend live --help` has the options; `mocklend sandbox` makes a new sandbox.")
        faulty = has_faults(client)
        rules = client.rules()["rules"] if faulty else []
        key = client.answer_key()["entries"] if faulty else []
        now = client.clock()["now"]
    told, still = len(key), sum(one["status"] == "active" for one in key)
    fired = sum(rule["injected"] > 0 for rule in rules)
    document = {"loans": loans, "days": days, "seed": seed, "now": now, **lived.to_json()}
    document |= {"rules": len(rules), "rules_that_fired": fired, "lies": told, "lies_open": still}
    command = own_command()
    lines = [
        f"{days} days lived, {lived.first_day} to {lived.last_day}; the clock says {now}",
        *(f"  {lived.did[verb]:>5}  {called}" for verb, called in DID.items() if lived.did[verb]),
    ]
    if lived.refused:
        said = ", ".join(f"{code} {count}" for code, count in sorted(lived.refused.items()))
        lines.append(f"refused, as in life: {said}")
    if lived.asked_again:
        lines.append(f"asked again, since the answer was late, broken or a no for now: {lived.asked_again}")
    if lived.given_up:
        lines.append(f"given up, since nobody answered: {lived.given_up}")
    lines.append(f"rules: {len(rules)}, fired: {fired}; lies on the answer key: {told}, still told: {still}")
    if rules:
        lines.append(f"next: {command} answers, {command} reconcile --out findings.jsonl, {command} audit")
    elif faulty:
        lines.append(f"no rule is armed, so nothing lied; next: {command} live --profile hostile")
    show(document, as_json, *lines)


@contextmanager
def _watching_the_clock(client: Client) -> Iterator[None]:
    """On a terminal, say on stderr how far a long advance has come: the clock shows it while the advance runs."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    from threading import Event, Thread

    from mocklend.client import ProblemError

    over = Event()
    status = console.status("the clock moves …")

    def watch() -> None:
        import requests

        with connect() as watcher:
            while not over.wait(WATCHED_EVERY_S):
                with suppress(ProblemError, requests.RequestException):
                    status.update(f"the clock moves: {watcher.clock()['now']} …")

    thread = Thread(target=watch, daemon=True)
    with status:
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def has_faults(client: Client) -> bool:
    from mocklend.client import ProblemError

    try:
        client.faults()
    except ProblemError as problem:
        if problem.code == "not_found":
            return False
        raise
    return True


@clock_app.command("show")
def clock_show(as_json: AsJson = False) -> None:
    """What time the sandbox has."""
    with connect() as client:
        clock = client.clock()
    moves = "moves when told" if clock["mode"] == "manual" else f"runs by itself, speed {clock['speed']}"
    show(clock, as_json, f"{clock['now']}  {clock['mode']}: {moves}; business dates in {clock['zone']}")


@clock_app.command("hold")
def clock_hold(as_json: AsJson = False) -> None:
    """Let a clock that runs by itself stand where it is; from then on it moves only when told."""
    with connect() as client:
        clock = client.hold_clock()
    show(clock, as_json, f"{clock['now']}  {clock['mode']}: moves when told")


@clock_app.command("run")
def clock_run(
    speed: Annotated[int, typer.Option(min=1, help="So many times as fast as real time; 86400 is a day a second.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Let the clock run on by itself from where it is."""
    with connect() as client:
        clock = client.run_clock(speed=speed)
    show(clock, as_json, f"{clock['now']}  {clock['mode']}: runs by itself, speed {clock['speed']}")


@clock_app.command("advance")
def clock_advance(
    by: Annotated[str, typer.Argument(help="A duration like PT1H or P1D, or a moment like 2026-02-01T00:00:00Z.")],
    as_json: AsJson = False,
) -> None:
    """Move a manual clock forward and say what fell due on the way."""
    with connect() as client, _watching_the_clock(client):
        client.timeout_s = PATIENT_S
        moved = client.advance(by) if by.upper().startswith("P") else client.advance(to=by)
    released = [f"  {one['at']}  {one['kind']:<11} {one['id']}" for one in moved["released"]]
    if moved["released_more"]:
        released.append(f"  and {moved['released_total'] - len(released)} more")
    show(moved, as_json, f"now {moved['now']}, {moved['released_total']} released", *released)
