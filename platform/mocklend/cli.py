"""The `mocklend` command: each is a few lines over the client; imports that cost time are made inside.

Exit codes are those of `exit_codes`: FAIL is an unclean audit, a demo that is not as told or a score that FAILs,
WRONG_USE is a refusal or no server. With `--json` a command prints one JSON document and nothing else, also when
refused.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from mocklend.domain.names import did_you_mean
from mocklend.exit_codes import ExitCode

if TYPE_CHECKING:
    from mocklend.client import Client, Doc, Exchange
    from mocklend.config import Settings

app = typer.Typer(
    name="mocklend",
    help="A mock consumer-lending platform that misbehaves on purpose, and knows exactly how.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
faults_app = typer.Typer(help="See, arm and disarm faults.", no_args_is_help=True, rich_markup_mode=None)
clock_app = typer.Typer(help="See and move a sandbox's clock.", no_args_is_help=True, rich_markup_mode=None)
scenario_app = typer.Typer(help="Tell a story of things going wrong.", no_args_is_help=True, rich_markup_mode=None)
experiments_app = typer.Typer(help="Let things go wrong by a plan.", no_args_is_help=True, rich_markup_mode=None)
sandboxes_app = typer.Typer(help="See all sandboxes, and delete old ones.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(faults_app, name="faults")
app.add_typer(sandboxes_app, name="sandboxes")
app.add_typer(experiments_app, name="experiments")
app.add_typer(clock_app, name="clock")
app.add_typer(scenario_app, name="scenario")


def _fault_names() -> list[str]:
    """For the shell's completion: the kinds that are installed here, without asking a server."""
    from importlib.metadata import entry_points

    return sorted(one.name for one in entry_points(group="mocklend.faults"))


def _scenario_names() -> list[str]:
    from mocklend.scenarios import scenarios

    return list(scenarios())


def _profile_names() -> list[str]:
    """Of the server, if one answers: a name that cannot be completed is typed."""
    from mocklend.client import Client

    try:
        with Client(os.environ.get("MOCKLEND_URL", DEFAULT_URL), timeout_s=1) as client:
            return [str(one["name"]) for one in client.profiles()["profiles"]]
    except Exception:
        return []


def _statuses() -> list[str]:
    return ["active", "healed", "masked", "pending", "superseded"]


def _reconciler_names() -> list[str]:
    return ["naive", "thorough"]


def _version(asked: bool) -> None:
    if asked:
        from mocklend import __version__

        print(f"mocklend {__version__}")
        raise typer.Exit


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@dataclass(slots=True)
class Target:
    """Whom the commands talk to."""

    url: str
    api_key: str | None = None
    control_token: str | None = None
    operator_token: str | None = None
    channel_token: str | None = None
    bureau_token: str | None = None


DEFAULT_URL = "http://127.0.0.1:8300"
WATCHED_EVERY_S = 0.5
"""So often a terminal hears how far a long advance has come."""
PATIENT_S = 3_600
"""So long may one request take where it does the work of many: a year of many loans, an answer key of a season."""
INTERRUPTED = 130
"""What Typer leaves with after Ctrl-C."""

_target = Target(DEFAULT_URL)


@app.callback()
def target(
    url: Annotated[str, typer.Option(envvar="MOCKLEND_URL", help="The platform's address.")] = DEFAULT_URL,
    api_key: Annotated[
        str | None,
        typer.Option(envvar="MOCKLEND_API_KEY", help="The sandbox's key; none on loopback is `default`."),
    ] = None,
    control_token: Annotated[
        str | None,
        typer.Option(envvar="MOCKLEND_CONTROL_TOKEN", help="For /-/, where the server is not on loopback."),
    ] = None,
    operator_token: Annotated[
        str | None,
        typer.Option(envvar="MOCKLEND_OPERATOR_TOKEN", help="For /operator, where the server is not on loopback."),
    ] = None,
    channel_token: Annotated[
        str | None,
        typer.Option(envvar="MOCKLEND_CHANNEL_TOKEN", help="For /channels, where the server is not on loopback."),
    ] = None,
    bureau_token: Annotated[
        str | None,
        typer.Option(envvar="MOCKLEND_BUREAU_TOKEN", help="For /bureau, where the server is not on loopback."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Whom to talk to."""
    _target.url, _target.api_key = url, api_key
    _target.control_token, _target.operator_token = control_token, operator_token
    _target.channel_token, _target.bureau_token = channel_token, bureau_token


def _client() -> Client:
    from mocklend.client import Client

    try:
        return Client(
            _target.url,
            _target.api_key,
            control_token=_target.control_token,
            operator_token=_target.operator_token,
            channel_token=_target.channel_token,
            bureau_token=_target.bureau_token,
        )
    except ValueError as wrong:
        _refuse(f"{wrong}.", "It comes from a flag, or from a MOCKLEND_ variable.")


# --- the server and the demo ---


@app.command()
def serve(
    host: Annotated[str, typer.Option(envvar="MOCKLEND_HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="MOCKLEND_PORT", min=0, max=65535, help="The port to listen on; 0 takes a free one.")
    ] = 8300,
    database: Annotated[
        str, typer.Option(envvar="MOCKLEND_DATABASE", help="A file for SQLite, or a database's URL.")
    ] = "mocklend.db",
    access_log: Annotated[
        str,
        typer.Option(envvar="MOCKLEND_ACCESS_LOG", help="A line of JSON for each request: to a file, or - for stderr."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON once it is up.")] = False,
) -> None:
    """Start the platform."""
    from pydantic import ValidationError

    from mocklend.config import Settings, wrong_settings

    try:
        settings = Settings(host=host, port=port, database=database, access_log=access_log)
    except ValidationError as wrong:
        _refuse(wrong_settings(wrong), "They come from the flags and from MOCKLEND_ variables.")

    from mocklend.app import serve as serve_app
    from mocklend.domain.problems import Refused
    from mocklend.storage.opening import CannotOpen

    try:
        serve_app(settings, _announce_json if as_json else _announce)
    except CannotOpen as reason:
        _refuse(reason.said, reason.remedy)
    except Refused as refused:
        _refuse(f"The database cannot be used: {refused.detail}", refused.problem.hint)
    except OSError as taken:
        if access_log and taken.filename == access_log:
            _refuse(f"{access_log} cannot be written: {taken.strerror}.", "Give another file with --access-log.")
        other = "Give another port with --port. Or another address with --host."
        _refuse(f"{settings.url} cannot be listened on: {taken.strerror}.", other)


def _announce(settings: Settings, default_key: str) -> None:
    """It is up: where, with what, and what to type next."""
    import shlex
    from importlib.metadata import entry_points

    from mocklend import __version__

    kinds, command = len(entry_points(group="mocklend.faults")), _command()
    layer = f"{kinds} kinds of fault" if entry_points(group="mocklend.layer") else "none: this platform is honest"
    asked = "not asked for on loopback" if settings.on_loopback else "X-Mocklend-Control, for /-/"
    lines = [
        f"Mocklend {__version__} is up. Ctrl-C stops it.",
        "",
        f"  address        {settings.url}",
        f"  docs           {settings.url}/docs",
        f"  control token  {settings.control_token}  ({asked})",
    ]
    if not settings.on_loopback:
        lines.append(f"  operator token {settings.operator_token}  (X-Mocklend-Operator, for /operator)")
        lines.append(f"  channel token  {settings.channel_token}  (X-Mocklend-Channel, for /channels)")
        lines.append(f"  bureau token   {settings.bureau_token}  (X-Mocklend-Bureau, for /bureau)")
    lines += [f"  database       {_shown(settings.database)}", f"  fault layer    {layer}", "", "Next, elsewhere:"]
    if settings.url != DEFAULT_URL:
        lines.append(f"  export MOCKLEND_URL={settings.url}")
    ada = """-H 'Content-Type: application/json' -d '{"reference": "ada", "name": "Ada"}'"""
    if not settings.on_loopback:
        # There a request without a key names no sandbox, and each plane asks for its token.
        lines.append(f"  export MOCKLEND_API_KEY={default_key}")
        lines += [
            f"  export MOCKLEND_{plane.upper()}_TOKEN={shlex.quote(getattr(settings, f'{plane}_token'))}"
            for plane in ("control", "operator", "channel", "bureau")
        ]
        ada = f'-H "Authorization: Bearer $MOCKLEND_API_KEY" {ada}'
    lines.append(f"  curl {settings.url}/v1/borrowers {ada}")
    if kinds:
        lines += [f"  {command} faults list", f"  {command} faults on cache.bounded_stale --lag-s 60"]
    lines.append(f"  {command} audit")
    print("\n".join(lines), flush=True)


def _announce_json(settings: Settings, default_key: str) -> None:
    document = {"url": settings.url, "token": settings.control_token, "docs": f"{settings.url}/docs"}
    if not settings.on_loopback:
        document |= {
            f"{plane}_token": getattr(settings, f"{plane}_token") for plane in ("operator", "channel", "bureau")
        } | {"api_key": default_key}
    print(json.dumps(document | {"database": _shown(settings.database)}), flush=True)


def _shown(database: str) -> str:
    """A database as it may be shown: a path in full, a URL without its password."""
    if "://" not in database:
        return str(Path(database).absolute())
    from sqlalchemy import make_url

    return make_url(database).render_as_string(hide_password=True)


def _command() -> str:
    """How this command is typed here: by its name where the shell finds it, else by its path."""
    if shutil.which("mocklend"):
        return "mocklend"
    beside = Path(sys.executable).with_name("mocklend")
    if not beside.exists():
        return f"{Path(sys.executable).name} -m mocklend"
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


@app.command()
def demo(
    seed: Annotated[int, typer.Option(min=0, help="Another seed: other ids, the same story.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Tell the story: a loan repaid, four lies, the answer key, the repairs."""
    from mocklend.demo import run

    raise typer.Exit(run(seed=seed, as_json=as_json, command=_command()))


@scenario_app.command("list")
def scenario_list(as_json: AsJson = False) -> None:
    """Which stories there are."""
    from mocklend.scenarios import listed

    found = listed()
    _print({"scenarios": found}, as_json, *(f"{one['name']}  {one['title']}" for one in found))


@scenario_app.command("run")
def scenario_run(
    name: Annotated[
        str,
        typer.Argument(
            help="A name of `mocklend scenario list`, or a .yaml file. It calls the client, of a platform of its own.",
            autocompletion=_scenario_names,
        ),
    ],
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed: other ids, the same story.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell one story on a platform of its own. It checks its own claims; the exit code says whether they held."""
    from mocklend.scenarios import ScenarioError, read, run, scenarios
    from mocklend.textfiles import NotText, read_text

    if name.endswith((".yaml", ".yml")):
        try:
            raise typer.Exit(run(read(read_text(Path(name)), name), seed=seed, as_json=as_json))
        except (OSError, NotText, ScenarioError) as wrong:
            _refuse(f"{name} cannot be told: {wrong}.", "`mocklend scenario new` writes a file that can.")
    known = scenarios()
    if name not in known:
        meant = did_you_mean(name, known)
        _refuse(f"There is no scenario {name!r}{meant or '.'}", f"Known: {', '.join(known) or 'none'}.")
    raise typer.Exit(run(known[name], seed=seed, as_json=as_json))


@scenario_app.command("new")
def scenario_new(
    name: Annotated[str, typer.Argument(help="The story's name, like late-page; the file is NAME.yaml.")],
    as_json: AsJson = False,
) -> None:
    """Write a commented scenario that runs as it stands, to be changed into yours."""
    from mocklend.scenarios.skeleton import skeleton

    name = name.removesuffix(".yaml")
    file = Path(f"{name}.yaml")
    if not re.fullmatch(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", name):
        _refuse(f"A story cannot be called {name!r}.", "A name is small letters, digits and hyphens: late-page.")
    _write_new(file, skeleton(name, file.name))
    _print({"file": str(file)}, as_json, f"wrote {file}", f"next: {_command()} scenario run {file}")


@scenario_app.command("schema")
def scenario_schema() -> None:
    """Print the JSON Schema of a scenario's YAML, for editors."""
    from mocklend.scenarios.schema import installed

    typer.echo(installed(), nl=False)


@scenario_app.command("save")
def scenario_save(
    file: Annotated[Path, typer.Argument(help="The file to write, like what-i-found.yaml.")],
    title: Annotated[str, typer.Option(help="What the story is called.")] = "What was done in a sandbox",
    as_json: AsJson = False,
) -> None:
    """Write what was just done in a sandbox as a scenario that does it again."""
    from mocklend.scenarios.saving import CannotSave, saved

    with _client() as client:
        record = client.requests_made()
        lies = len(client.answer_key(status="active")["entries"])
    try:
        text = saved(record, name=file.stem, title=title, lies=lies)
    except CannotSave as nothing:
        _refuse(f"There is no story to save: {nothing}.", "`mocklend sandbox` makes one whose story is known whole.")
    _write_new(file, text)
    steps = len(record["requests"])
    document = {"file": str(file), "requests": steps, "lies": lies}
    _print(document, as_json, f"wrote {file}: {steps} requests", f"next: {_command()} scenario run {file}")


def _write_new(file: Path, text: str) -> None:
    """Write a file that is not there yet."""
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except OSError as wrong:
        _refuse(f"{file} cannot be written: {wrong.strerror}.", "Give a new name in a folder that exists.")


# --- sandboxes and their clock ---


@app.command()
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
        _refuse("--speed is for a clock that runs by itself.", "Say --wall, too.")
    starts = now or (None if wall else START)
    mode = "wall" if wall else "manual"
    with _client() as client, client.sandbox(seed=seed, now=starts, clock=mode, speed=speed) as made:
        clock = made.clock()
        document = {"id": made.sandbox_id, "api_key": made.api_key, "seed": made.seed, "clock": clock}
    where = ", where the pytest fixture starts" if starts == START else ""
    moves = "runs by itself" if wall else "moves when told"
    said = f"sandbox {document['id']}, seed {document['seed']}; its clock {moves}, from {clock['now']} on{where}"
    _print(document, as_json, f"# {said}", f"export MOCKLEND_API_KEY={document['api_key']}")
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
    with _client() as client:
        found = list(client.every("sandboxes", unused_for=unused_for))
    lines = [
        f"  {one['id']}  last used {one['last_used_at']}, clock {one['clock']['mode']}, says {one['clock']['now']}"
        for one in found
    ]
    _print({"sandboxes": found}, as_json, f"sandboxes: {len(found)}", *lines)


@sandboxes_app.command("expire")
def sandboxes_expire(
    unused_for: Annotated[
        str, typer.Option("--unused-for", help="How long nobody has asked anything in them: P7D, PT12H.")
    ],
    as_json: AsJson = False,
) -> None:
    """Delete the sandboxes that nobody has used for so long, and everything in them. `default` stays."""
    with _client() as client:
        gone = client.expire_sandboxes(unused_for)
    _print({"deleted": gone}, as_json, f"deleted: {len(gone)}", *(f"  {id}" for id in gone))


@app.command("live")
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

    from mocklend.live import DID, CannotLive, Wanted, live

    console = Console(stderr=True)
    with _client() as client, Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        client.timeout_s = PATIENT_S
        task = bar.add_task("days", total=days)
        try:
            wanted = Wanted(loans, days, seed, wall)
            if profile is not None:
                client.put_profile(profile)
            lived = live(client, wanted, progress=lambda more: bar.advance(task, more))
        except CannotLive as cannot:
            bar.stop()
            _refuse(f"{cannot}.", "`mocklend live --help` has the options; `mocklend sandbox` makes a new sandbox.")
        faulty = _has_faults(client)
        rules = client.rules()["rules"] if faulty else []
        key = client.answer_key()["entries"] if faulty else []
        now = client.clock()["now"]
    told, still = len(key), sum(one["status"] == "active" for one in key)
    fired = sum(rule["injected"] > 0 for rule in rules)
    document = {"loans": loans, "days": days, "seed": seed, "now": now, **lived.to_json()}
    document |= {"rules": len(rules), "rules_that_fired": fired, "lies": told, "lies_open": still}
    command = _command()
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
    _print(document, as_json, *lines)


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

        with _client() as watcher:
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


@contextmanager
def _counting_requests(client: Client) -> Iterator[None]:
    """On a terminal, say on stderr how many requests were made so far."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    made = 0
    with console.status("requests: 0 …") as status:

        def count(_: Exchange) -> None:
            nonlocal made
            made += 1
            status.update(f"requests: {made} …")

        client.on_exchange = count
        yield


def _has_faults(client: Client) -> bool:
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
    with _client() as client:
        clock = client.clock()
    moves = "moves when told" if clock["mode"] == "manual" else f"runs by itself, speed {clock['speed']}"
    _print(clock, as_json, f"{clock['now']}  {clock['mode']}: {moves}; business dates in {clock['zone']}")


@clock_app.command("hold")
def clock_hold(as_json: AsJson = False) -> None:
    """Let a clock that runs by itself stand where it is; from then on it moves only when told."""
    with _client() as client:
        clock = client.hold_clock()
    _print(clock, as_json, f"{clock['now']}  {clock['mode']}: moves when told")


@clock_app.command("run")
def clock_run(
    speed: Annotated[int, typer.Option(min=1, help="So many times as fast as real time; 86400 is a day a second.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Let the clock run on by itself from where it is."""
    with _client() as client:
        clock = client.run_clock(speed=speed)
    _print(clock, as_json, f"{clock['now']}  {clock['mode']}: runs by itself, speed {clock['speed']}")


@clock_app.command("advance")
def clock_advance(
    by: Annotated[str, typer.Argument(help="A duration like PT1H or P1D, or a moment like 2026-02-01T00:00:00Z.")],
    as_json: AsJson = False,
) -> None:
    """Move a manual clock forward and say what fell due on the way."""
    with _client() as client, _watching_the_clock(client):
        client.timeout_s = PATIENT_S
        moved = client.advance(by) if by.upper().startswith("P") else client.advance(to=by)
    released = [f"  {one['at']}  {one['kind']:<11} {one['id']}" for one in moved["released"]]
    if moved["released_more"]:
        released.append(f"  and {moved['released_total'] - len(released)} more")
    _print(moved, as_json, f"now {moved['now']}, {moved['released_total']} released", *released)


# --- faults ---


@faults_app.command("list")
def faults_list(as_json: AsJson = False) -> None:
    """The kinds of fault with their settings, and the rules that are armed."""
    with _client() as client:
        document = client.faults() | client.rules()
    lines = []
    for fault in document["faults"]:
        lines += [f"{fault['id']}", f"    {fault['story'].strip().splitlines()[0]}"]
        lines += [
            f"    {_flag(one['name'])}  {one['doc']} ({one['type']}; {json.dumps(one['default'])} if not given)"
            for one in fault["settings"]
        ]
    lines += ["", f"rules: {len(document['rules'])}"]
    lines += [
        f"  {rule['id']}  {rule['fault']}, {rule['state']}: evaluated {rule['evaluated']}, matched {rule['matched']}, "
        f"selected {rule['selected']}, injected {rule['injected']}"
        for rule in document["rules"]
    ]
    _print(document, as_json, *lines)


@faults_app.command("on", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def faults_on(
    context: typer.Context,
    fault: Annotated[str, typer.Argument(help="The kind, like cache.bounded_stale.", autocompletion=_fault_names)],
    probability: Annotated[
        float, typer.Option("--probability", "--p", min=0, max=1, help="How likely, each time.")
    ] = 1.0,
    match: Annotated[
        list[str] | None, typer.Option(help="FIELD=VALUE that the event must have; may be repeated.")
    ] = None,
    times: Annotated[int | None, typer.Option(min=1, help="At most so many injections.")] = None,
    rule_id: Annotated[
        str | None, typer.Option("--id", "--rule-id", help="The rule's id; the fault's name unless given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Arm a fault. Further flags are the fault's own settings, like --lag-s 60; `faults list` shows them."""
    with _client() as client:
        settings = _settings(fault, client.faults()["faults"], context.args)
        rule = client.arm(
            fault,
            probability=probability,
            match=dict(_equation(one) for one in match or ()) or None,
            times=times,
            rule_id=rule_id,
            **settings,
        )
    _print(rule, as_json, f"armed {rule['id']}: {rule['fault']} {json.dumps(rule['with'])}, p = {probability}")


@faults_app.command("off")
def faults_off(
    rule_id: Annotated[
        str | None,
        typer.Argument(help="The rule's id: the fault's name unless one was given.", autocompletion=_fault_names),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Disarm every rule.")] = False,
    as_json: AsJson = False,
) -> None:
    """Disarm a fault. What it did stays on the answer key."""
    if (rule_id is None) != everything:
        _refuse("Name one rule, or say --all.", "`mocklend faults list` shows the rules.")
    with _client() as client:
        if rule_id is None:
            off = client.halt()["halted"]
        else:
            client.disarm(rule_id)
            off = [rule_id]
    _print({"off": off}, as_json, f"disarmed: {', '.join(off) or 'nothing was armed'}")


@faults_app.command("lint")
def faults_lint(
    exact: Annotated[bool, typer.Option("--exact", help="Ask for rules that can be repeated exactly, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """What to expect of the rules. Exits with 1 where one can hardly be meant, or with --exact is not exact."""
    with _client() as client:
        rules = client.rules()["rules"]
    lines = []
    for rule in rules:
        found = rule["lint"]
        lines.append(f"{rule['id']}  {rule['fault']}: {found['verdict']}")
        lines += [f"    {reason}" for reason in found["reasons"]]
        lines += [f"    warning, {one['code']}: {one['detail']}" for one in found["warnings"]]
    document = {"rules": [{"id": rule["id"], "fault": rule["fault"], **rule["lint"]} for rule in rules]}
    _print(document, as_json, *(lines or ["no rules"]))
    doubtful = [one for one in document["rules"] if one["warnings"] or (exact and one["verdict"] != "exact")]
    if doubtful:
        raise typer.Exit(ExitCode.FAIL)


@faults_app.command("explain")
def faults_explain(
    id: Annotated[
        str, typer.Argument(help="A loan, repayment, receipt or edit, by its id; or a request, by that of its answer.")
    ],
    as_json: AsJson = False,
) -> None:
    """Why each rule fired on something, or on what a request led to, or did not."""
    with _client() as client:
        document = client.explain(request_id=id) if id.startswith("req_") else client.explain(id)
    lines = []
    for rule in document["rules"]:
        lines.append(f"{rule['rule']}  {rule['fault']}" + (f": {rule['why']}" if "why" in rule else ""))
        lines += [
            f"    {one['at'] or '-'}  {one['seam']} {one['entity']} #{one['occurrence']}  "
            f"{one['outcome']}: {one['why']}"
            for one in rule["events"]
        ]
    _print(document, as_json, *(lines or ["no rules"]))


@faults_app.command("profile")
def faults_profile(
    name: Annotated[
        str | None,
        typer.Argument(help="none, realistic, hostile, lessons; none given: see them.", autocompletion=_profile_names),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Switch to a named set of rules, or see which there are."""
    with _client() as client:
        if name is not None:
            on = client.put_profile(name)
            _print(on, as_json, f"profile {on['name']}: {', '.join(on['rules']) or 'no rules'}")
            return
        document = client.profiles() | {"on": client.profile()["name"]}
    lines = [
        f"{'*' if one['name'] == document['on'] else ' '} {one['name']}  {one['title']}, {len(one['rules'])} rules"
        for one in document["profiles"]
    ]
    _print(document, as_json, *lines)


@experiments_app.command("start")
def experiments_start(
    file: Annotated[
        Path, typer.Argument(help="The plan, YAML or JSON: stages with name, duration_s, rules or profile.")
    ],
    id: Annotated[str | None, typer.Option(help="What to call it; by its file's name unless given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Start a plan now: its stages follow each other on the sandbox's clock. The same plan again changes nothing."""
    stages = _stages(file)
    with _client() as client:
        started = client.put_experiment(id or file.stem, stages)
    _print(started, as_json, *_experiment_lines(started))


@experiments_app.command("list")
def experiments_list(as_json: AsJson = False) -> None:
    """The plans of this sandbox, and what each is at."""
    with _client() as client:
        document = client.experiments()
    lines = [line for one in document["experiments"] for line in _experiment_lines(one)]
    _print(document, as_json, *(lines or ["no experiments"]))


@experiments_app.command("stop")
def experiments_stop(
    id: Annotated[str, typer.Argument(help="The experiment's id; `experiments list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Forget a plan and its rules. What they did stays on the answer key."""
    with _client() as client:
        client.delete_experiment(id)
    _print({"stopped": id}, as_json, f"stopped: {id}")


def _experiment_lines(experiment: Mapping[str, Any]) -> list[str]:
    stages = [
        f"    {one['starts_at']}  {one['name']}: {one['state']}, {len(one['rules'])} rules"
        for one in experiment["stages"]
    ]
    return [f"{experiment['id']}: {experiment['running'] or 'over'}", *stages]


def _stages(file: Path) -> list[Doc]:
    """The stages of a plan in a file. What a stage may say, the platform knows."""
    from mocklend.textfiles import read_text, read_yaml

    example = "For example: {stages: [{name: storm, duration_s: 600, profile: hostile}]}."
    try:
        plan = read_yaml(read_text(file))
    except (OSError, ValueError) as wrong:
        _refuse(f"{file} cannot be read as a plan: {wrong}.", example)
    stages = plan.get("stages") if isinstance(plan, dict) else None
    if not isinstance(stages, list) or set(plan) != {"stages"} or not all(isinstance(one, dict) for one in stages):
        _refuse(f"{file} is no plan: expected a list of stages, and nothing beside it.", example)
    return stages


def _settings(fault: str, catalogue: list[Doc], args: list[str]) -> Doc:
    """The flags after a fault's name, as its settings. An unknown one is refused, naming those there are."""
    kind = next((one for one in catalogue if one["id"] == fault), None)
    if kind is None:
        known = [str(one["id"]) for one in catalogue]
        meant = did_you_mean(fault, known) or "."
        _refuse(
            f"There is no fault {fault!r}; known: {', '.join(known)}{meant}", "`mocklend faults list` describes them."
        )
    types = {_flag(one["name"]): (one["name"], str(one["type"])) for one in kind["settings"]}
    settings: Doc = {}
    rest = list(args)
    while rest:
        flag, given, value = rest.pop(0).partition("=")
        if flag not in types:
            meant = did_you_mean(flag, types) or "."
            _refuse(
                f"{fault} has no setting {flag!r}; known: {', '.join(types) or 'none'}{meant}",
                "`mocklend faults list` describes them.",
            )
        if not given:
            if not rest:
                _refuse(f"{flag} needs a value.", f"Write {flag} VALUE.")
            value = rest.pop(0)
        name, type_name = types[flag]
        settings[name] = _value(value, type_name)
    return settings


def _value(text: str, type_name: str) -> Any:
    """A flag's text as the JSON that it stands for. Whether it will do, the platform says."""
    if not type_name.startswith(("integer", "boolean")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _equation(text: str) -> tuple[str, str | int]:
    field, equals, value = text.partition("=")
    if not equals:
        _refuse(f"--match takes FIELD=VALUE, not {text!r}.", "For example: --match channel=wallet.")
    return field, int(value) if field.endswith("_minor") and re.fullmatch("-?[0-9]{1,18}", value) else value


# --- the judge ---


@app.command()
def export() -> None:
    """Print the journal as a Beancount file: `mocklend export > books.beancount; bean-check books.beancount`."""
    with _client() as client:
        print(client.beancount(), end="")


@app.command()
def audit(as_json: AsJson = False) -> None:
    """World against books against views. Exits 1 where something is not explained."""
    with _client() as client:
        found = client.audit()
    unexplained = [one for one in found["discrepancies"] if not one["explained_by"]]
    broken = [one for one in found["invariants"] if not one["holds"]]
    lines = [f"{found['now']}  {'clean' if found['clean'] else 'not clean'}"]
    lines.append(f"discrepancies: {len(found['discrepancies'])}, unexplained: {len(unexplained)}")
    lines += [
        f"  {one['class']} on {one['entity']}, {one['amount_minor']}: {one['detail']}; "
        + (f"explained by {one['explained_by']}" if one["explained_by"] else "UNEXPLAINED")
        for one in found["discrepancies"]
    ]
    lines.append(f"in transit: {len(found['in_transit'])}")
    lines += [f"  {one['entity']}, {one['age_s']} s: {one['detail']}" for one in found["in_transit"]]
    lines.append(f"unobserved injections: {len(found['unobserved'])}")
    lines += [f"  {one['injection']} {one['fault']} on {one['entity']}" for one in found["unobserved"]]
    lines.append(f"invariants: {len(found['invariants'])}, broken: {len(broken)}")
    lines += [f"  {one['name']} {one['states']} Not so: {'; '.join(one['detail'])}" for one in broken]
    _print(found, as_json, *lines)
    raise typer.Exit(ExitCode.FAIL if unexplained or found["unobserved"] or broken else ExitCode.PASS)


@app.command()
def answers(
    status: Annotated[
        str | None, typer.Option(help="active, pending, healed, superseded or masked.", autocompletion=_statuses)
    ] = None,
    loan: Annotated[str | None, typer.Option(help="Only about this loan.")] = None,
    export_to: Annotated[
        Path | None, typer.Option("--export", help="Write it to a file instead: .jsonl, or .parquet (mocklend[data]).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The answer key: every lie that was told, the truth, and what a reconciler should find."""
    if export_to is not None:
        from mocklend.exports import CannotExport
        from mocklend.exports import export as write

        with _client() as client:
            try:
                written = write(client.answer_key_lines(status=status, loan_id=loan), export_to)
            except CannotExport as cannot:
                _refuse(f"{cannot}.", "For example: --export key.jsonl.")
            hint = None if written else client.answer_key()["hint"]
        document = {"file": str(export_to), "entries": written, "hint": hint}
        _print(document, as_json, f"wrote {written} entries to {export_to}", *_hinted(document))
        return
    with _client() as client:
        key = client.answer_key(status=status, loan_id=loan)
    lines = [f"entries: {len(key['entries'])}", *_hinted(key)]
    for one in key["entries"]:
        expected = one["expected"]
        lines += [
            f"{one['at']}  {one['fault']} on {one['entity']}: {one['status']}",
            f"    injection {one['injection']} of rule {one['rule']}",
            f"    truth     {json.dumps(one['truth']['after'])}",
            f"    served    {json.dumps(one['served'])}",
            f"    to find   {expected['class']} on {expected['entity']}, {expected['amount_minor']}",
        ]
    _print(key, as_json, *lines)


@app.command()
def score(
    findings: Annotated[Path, typer.Argument(help="JSON Lines, a finding each, as `reconcile --out` writes them.")],
    precision_min: Annotated[float, typer.Option(min=0, max=1, help="Below it, FAIL.")] = 1.0,
    recall_min: Annotated[float, typer.Option(min=0, max=1, help="Below it, FAIL.")] = 1.0,
    since: Annotated[str | None, typer.Option("--from", help="Judge from this moment on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Judge up to this moment.")] = None,
    bound_s: Annotated[
        int | None, typer.Option(min=0, help="Demand also what healed by itself, if it could be seen for so long.")
    ] = None,
    look: Annotated[
        list[str] | None, typer.Option(help="A moment at which it looked: what was told at none is not demanded.")
    ] = None,
    operator: Annotated[
        list[str] | None, typer.Option(help="Whose acts are judged as repairs; may be repeated; everybody's, if not.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a reconciler's findings by the answer key. Exits 0 on PASS, 1 on FAIL, 3 on INCONCLUSIVE, 2 if refused."""
    from mocklend.client import ProblemError
    from mocklend.scorecard import FindingsUnreadable, by_line, read_findings, scorecard

    try:
        found = read_findings(findings)
    except FindingsUnreadable as unreadable:
        _refuse(f"{unreadable}.", 'A line is one JSON object, like {"class": "stale_view", "entity": "loan_1"}.')
    with _client() as client:
        try:
            told = client.score(
                found.values(),
                thresholds={"precision_min": precision_min, "recall_min": recall_min},
                window={name: at for name, at in (("from", since), ("to", until)) if at is not None},
                bound_s=bound_s,
                looks=look or None,
                operators=operator,
            )
        except ProblemError as problem:
            raise ProblemError(problem.status, by_line(problem.document, list(found))) from None
    _print(told, as_json, *scorecard(told), *_hinted(told))
    raise typer.Exit(ExitCode[told["verdict"]])


@app.command()
def reconcile(
    which: Annotated[
        str,
        typer.Option(
            "--with",
            help="naive, thorough, or a Python file with reconcile(client): it is run as you, so be it code you trust.",
            autocompletion=_reconciler_names,
        ),
    ] = "thorough",
    repair: Annotated[bool, typer.Option(help="Carry out what the findings propose, over the operator's API.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the findings here, a line of JSON each.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let a reconciler look for the platform's lies: findings for `mocklend score`.

    A file is run in a process of its own, with a key that opens no rule and no answer key.
    """
    from mocklend.reconcilers.alone import ReconcilerFailed, run_alone
    from mocklend.reconcilers.named import SHIPPED, UnknownReconciler, known_file
    from mocklend.reconcilers.repair import repair as carry_out

    with _client() as client, _counting_requests(client):
        client.timeout_s = PATIENT_S
        try:
            if which in SHIPPED:
                found = SHIPPED[which](client)
            else:
                known_file(which)
                tokens = {
                    "operator_token": _target.operator_token,
                    "channel_token": _target.channel_token,
                    "bureau_token": _target.bureau_token,
                }
                key = client.staff_key()
                found = run_alone(which, _target.url, timeout_s=PATIENT_S, api_key=key, tokens=tokens)
        except UnknownReconciler as unknown:
            _refuse(str(unknown), "Name naive, thorough, or a file that defines reconcile(client).")
        except ReconcilerFailed as failed:
            _refuse(f"{failed}.", "reconcile(client) gives back a list of mocklend.reconcilers.found.Found.")
        outcomes = [became for _, became in carry_out(client, found)] if repair else [one.action for one in found]
    findings = [one.to_json() for one in found]
    if out is not None:
        try:
            out.write_text("".join(json.dumps(one) + "\n" for one in findings), encoding="utf-8")
        except OSError as wrong:
            _refuse(f"{out} cannot be written: {wrong.strerror}.", "Give a file in a folder that exists.")
    lines = [f"findings: {len(found)}"]
    lines += [
        f"  {one.finding_class} on {one.entity}, {one.amount_minor}: {one.detail}; {one.action}"
        + (f": {became}" if repair else "")
        for one, became in zip(found, outcomes, strict=True)
    ]
    _print({"findings": findings, "outcomes": outcomes if repair else None}, as_json, *lines)


@app.command()
def dataset(
    out: Annotated[Path, typer.Argument(help="The folder to write: a new one.")],
    loans: Annotated[int, typer.Option(help="How many loans.")] = 1_000,
    days: Annotated[int, typer.Option(help="How many days, from 2026-01-05 on.")] = 90,
    profile: Annotated[
        str, typer.Option(help="Which faults: a name of GET /-/profiles; none is honest.")
    ] = "realistic",
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    format: Annotated[str, typer.Option(help="csv, parquet or both; Parquet needs mocklend[data].")] = "csv",
    jobs: Annotated[int, typer.Option(help="Processes at one time; the bytes do not depend on it.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Write labelled data: what a reconciler gets of many loans and, apart, the answer key. Needs no server."""
    from rich.console import Console
    from rich.progress import Progress

    from mocklend.dataset import CannotMake, Wanted, make

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("loans, day by day", total=loans * days)
        try:
            wanted = Wanted(loans, days, profile, seed, format)
            made = make(wanted, out, progress=lambda more: bar.advance(task, more), jobs=jobs)
        except OSError as wrong:
            bar.stop()
            _refuse(f"{out} cannot be written: {wrong.strerror}.", "Give a new folder in one that exists.")
        except CannotMake as cannot:
            bar.stop()
            _refuse(f"{cannot}.", "For example: mocklend dataset season --loans 1000 --days 90 --profile realistic.")
    lines = [f"wrote {out}", *(f"  {rows:>9}  {name}" for name, rows in made.rows.items())]
    _print({"folder": str(out), "rows": made.rows}, as_json, *lines)


@app.command()
def doctor(
    host: Annotated[
        str, typer.Option(envvar="MOCKLEND_HOST", help="The address that `serve` would use.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="MOCKLEND_PORT", min=0, max=65535, help="The port that `serve` would use.")
    ] = 8300,
    database: Annotated[
        str, typer.Option(envvar="MOCKLEND_DATABASE", help="The file or URL that `serve` would use.")
    ] = "mocklend.db",
    as_json: AsJson = False,
) -> None:
    """Look at this machine: would `serve` start, and with what?"""
    from mocklend.doctor import examine

    checks = examine(host=host, port=port, database=database)
    healthy = all(check["ok"] for check in checks)
    lines = [f"{'ok  ' if check['ok'] else 'FAIL'}  {check['name']}: {check['detail']}" for check in checks]
    _print({"healthy": healthy, "checks": checks}, as_json, *lines)
    raise typer.Exit(ExitCode.PASS if healthy else ExitCode.FAIL)


# --- saying it ---


def _hinted(document: Mapping[str, Any]) -> list[str]:
    """What the platform has to say to somebody who sees nothing; with this command as it is typed here."""
    hint = document.get("hint")
    return [] if not hint else [f"hint: {hint}".replace("`mocklend ", f"`{_command()} ")]


def _print(document: Mapping[str, Any], as_json: bool, *lines: str) -> None:
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print("\n".join(lines))


def _refuse(what: str, hint: str) -> NoReturn:
    """Say no in the same form as the platform does, and leave with WRONG_USE."""
    _say_no({"code": "command_refused", "title": what, "hint": hint})
    raise typer.Exit(ExitCode.WRONG_USE)


def _say_no(problem: Mapping[str, Any]) -> None:
    # Asked of the arguments themselves: by now the command with its options is gone.
    if "--json" in sys.argv:
        print(json.dumps(problem, indent=2, ensure_ascii=False))
        return
    lines = [str(problem["title"])]
    if problem.get("detail"):
        lines.append(f"  {problem['detail']}")
    lines += [f"  {name}: {json.dumps(problem[name])}" for name in ("expected", "received") if name in problem]
    lines += [f"  {error}" for error in problem.get("errors", ()) if "expected" not in problem]
    lines.append(f"  {problem['hint']}")
    print("\n".join(lines), file=sys.stderr)


def main() -> None:
    """The entry point: refusals of the platform become sentences and WRONG_USE."""
    try:
        app()
    except SystemExit as leaving:
        # Ctrl-C: Typer leaves with a number of its own, which is none of ours.
        sys.exit(ExitCode.INCONCLUSIVE if leaving.code == INTERRUPTED else leaving.code)
    except UnicodeError:
        _say_no({"code": "command_refused", "title": "An argument is no text.", "hint": "Type it in UTF-8."})
        sys.exit(ExitCode.WRONG_USE)
    except Exception as failure:
        if type(failure).__module__.partition(".")[0] not in ("mocklend", "requests"):
            raise
        _explain(failure)
        sys.exit(ExitCode.WRONG_USE)


def _explain(failure: Exception) -> None:
    import requests

    from mocklend.client import ProblemError

    if type(failure).__name__ == "CannotOpen":  # By its name: most commands need no database of their own.
        _say_no({"code": "command_refused", "title": str(failure), "hint": getattr(failure, "remedy", "")})
    elif isinstance(failure, ProblemError):
        problem = dict(failure.document)
        if failure.code == "not_found":
            problem["hint"] = f"{problem['hint']} Faults and answers need the fault layer, which a server may lack."
        _say_no(problem)
    elif isinstance(failure, requests.ConnectionError):
        start = "Start it with `mocklend serve`, or say where it is with --url or MOCKLEND_URL."
        _say_no({"code": "unreachable", "title": f"Nothing answers at {_target.url}.", "hint": start})
    elif isinstance(failure, requests.RequestException):
        _say_no(
            {
                "code": "no_answer",
                "title": str(failure),
                "hint": "Check --url, and whether the platform is well.",
            }
        )
    else:
        raise failure
