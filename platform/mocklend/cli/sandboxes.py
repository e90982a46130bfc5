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
"""How often a terminal shows the progress of a long advance."""


@commands.command()
def sandbox(
    seed: Annotated[int, typer.Option(min=0, help="The same seed and story give the same ids and faults.")] = 7,
    now: Annotated[
        str | None,
        typer.Option(
            help="When its clock starts. By default as the pytest fixture's, at 2026-01-05T02:00:00Z; with --wall, at "
            "real time."
        ),
    ] = None,
    wall: Annotated[bool, typer.Option("--wall", help="A clock that runs by itself, not a manual one.")] = False,
    speed: Annotated[
        int | None,
        typer.Option(min=1, help="With --wall: how many times as fast as real time; 86400 is a day per second."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a sandbox, with a manual clock that starts at the same time as that of the pytest fixture."""
    from mocklend.client import START

    if speed is not None and not wall:
        refuse("--speed is for a clock that runs by itself.", "Add --wall.")
    start = now or (None if wall else START)
    mode = "wall" if wall else "manual"
    with connect() as client, client.sandbox(seed=seed, now=start, clock=mode, speed=speed) as created:
        clock = created.clock()
        document = {"id": created.sandbox_id, "api_key": created.api_key, "seed": created.seed, "clock": clock}
    as_fixture = ", as that of the pytest fixture" if start == START else ""
    moves = "runs by itself" if wall else "is manual"
    summary = f"sandbox {document['id']}, seed {document['seed']}; its clock {moves}, at {clock['now']}{as_fixture}"
    show(document, as_json, f"# {summary}", f"export MOCKLEND_API_KEY={document['api_key']}")
    if not as_json and not sys.stdout.isatty():
        # In `eval "$(mocklend sandbox)"` the shell takes the printed lines, so they would not be shown.
        print(summary, file=sys.stderr)


@sandboxes_app.command("list")
def sandboxes_list(
    unused_for: Annotated[
        str | None, typer.Option("--unused-for", help="Only those that were not used for this time: P7D.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the sandboxes of the server, and when each was last used."""
    with connect() as client:
        listed = list(client.every("sandboxes", unused_for=unused_for))
    lines = [
        f"  {entry['id']}  last used {entry['last_used_at']}, "
        f"clock {entry['clock']['mode']}, says {entry['clock']['now']}"
        for entry in listed
    ]
    show({"sandboxes": listed}, as_json, f"sandboxes: {len(listed)}", *lines)


@sandboxes_app.command("expire")
def sandboxes_expire(
    unused_for: Annotated[str, typer.Option("--unused-for", help="For how long they were not used: P7D, PT12H.")],
    as_json: AsJson = False,
) -> None:
    """Delete the sandboxes that were not used for a time, and everything in them. `default` stays."""
    with connect() as client:
        deleted = client.expire_sandboxes(unused_for)
    show({"deleted": deleted}, as_json, f"deleted: {len(deleted)}", *(f"  {id}" for id in deleted))


@commands.command("live")
def live_here(
    loans: Annotated[int, typer.Option(help="How many borrowers, with one loan each.")] = 30,
    days: Annotated[int, typer.Option(help="How many days, from the sandbox's next day on.")] = 45,
    profile: Annotated[
        str | None, typer.Option(help="Switch to this profile first; by default the rules stay as they are.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other borrowers, who do other things.")] = 7,
    wall: Annotated[
        bool, typer.Option("--wall", help="Wait for a clock that runs by itself, instead of moving it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Play a season in the sandbox: borrowers borrow, repay on time, late, twice or not at all; staff work; days pass.

    A manual clock is moved from action to action. A clock that runs by itself, as that of the sandbox `default`, is
    stopped meanwhile, and runs on from where the season ends. In a fresh sandbox the same seed and options give the
    same answer key.
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
            season = live(client, options, progress=lambda more: bar.advance(task, more))
        except CannotLive as error:
            bar.stop()
            refuse(f"{error}.", "`mocklend live --help` has the options; `mocklend sandbox` makes a new sandbox.")
        faulty = has_faults(client)
        rules = client.rules()["rules"] if faulty else []
        key = client.answer_key()["entries"] if faulty else []
        now = client.clock()["now"]
    injected, active = len(key), sum(entry["status"] == "active" for entry in key)
    fired = sum(rule["injected"] > 0 for rule in rules)
    document = {"loans": loans, "days": days, "seed": seed, "now": now, **season.to_json()}
    document |= {"rules": len(rules), "rules_that_fired": fired, "lies": injected, "lies_open": active}
    command = own_command()
    lines = [
        f"{days} days played, {season.first_day} to {season.last_day}; the clock says {now}",
        *(f"  {season.did[verb]:>5}  {label}" for verb, label in DID.items() if season.did[verb]),
    ]
    if season.refused:
        codes = ", ".join(f"{code} {count}" for code, count in sorted(season.refused.items()))
        lines.append(f"refused: {codes}")
    if season.asked_again:
        lines.append(f"retried, since the answer was late, broken or a temporary refusal: {season.asked_again}")
    if season.given_up:
        lines.append(f"given up, since no answer came: {season.given_up}")
    lines.append(
        f"rules: {len(rules)}, fired: {fired}; injections on the answer key: {injected}, still active: {active}"
    )
    if rules:
        lines.append(f"next: {command} answer-key, {command} reconcile --out findings.jsonl, {command} audit")
    elif faulty:
        lines.append(f"no rule is armed, so nothing was injected; next: {command} live --profile hostile")
    show(document, as_json, *lines)


@contextmanager
def _watching_the_clock(client: Client) -> Iterator[None]:
    """On a terminal, show on stderr how far a long advance has come."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    from threading import Event, Thread

    from mocklend.client import ProblemError

    finished = Event()
    status = console.status("the clock moves …")

    def watch() -> None:
        import requests

        with connect() as watcher:
            while not finished.wait(WATCHED_EVERY_S):
                with suppress(ProblemError, requests.RequestException):
                    status.update(f"the clock moves: {watcher.clock()['now']} …")

    thread = Thread(target=watch, daemon=True)
    with status:
        thread.start()
        try:
            yield
        finally:
            finished.set()
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
    """Show the sandbox's time."""
    with connect() as client:
        clock = client.clock()
    moves = "moves by `clock advance`" if clock["mode"] == "manual" else f"runs by itself, speed {clock['speed']}"
    coming = clock["next"]
    lines = [] if coming is None else [f"next: {coming['kind']} at {coming['at']}  {coming['loan_id'] or ''}".rstrip()]
    show(clock, as_json, f"{clock['now']}  {clock['mode']}: {moves}; business dates in {clock['zone']}", *lines)


@clock_app.command("hold")
def clock_hold(as_json: AsJson = False) -> None:
    """Stop a clock that runs by itself where it is; from then on it moves only by `clock advance`."""
    with connect() as client:
        clock = client.hold_clock()
    show(clock, as_json, f"{clock['now']}  {clock['mode']}: moves by `clock advance`")


@clock_app.command("run")
def clock_run(
    speed: Annotated[
        int, typer.Option(min=1, help="How many times as fast as real time; 86400 is a day per second.")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Let the clock run by itself from where it is."""
    with connect() as client:
        clock = client.run_clock(speed=speed)
    show(clock, as_json, f"{clock['now']}  {clock['mode']}: runs by itself, speed {clock['speed']}")


@clock_app.command("advance")
def clock_advance(
    by: Annotated[
        str,
        typer.Argument(
            help="A duration like PT1H, P1D or P1M, a moment like 2026-02-01T00:00:00Z, or `next`, which is when the "
            "next thing is due."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Move a manual clock forward, and print what fell due on the way."""
    with connect() as client, _watching_the_clock(client):
        moved = client.advance(by) if by.upper().startswith("P") else client.advance(to=by)
    released = [f"  {item['at']}  {item['kind']:<11} {item['id']}" for item in moved["released"]]
    if moved["released_more"]:
        released.append(f"  and {moved['released_total'] - len(released)} more")
    show(moved, as_json, f"now {moved['now']}, {moved['released_total']} released", *released)
