"""`mocklend serve` and `mocklend demo`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocklend.cli.lean import lean
from mocklend.cli.output import own_command, refuse
from mocklend.cli.root import DEFAULT_URL, AsJson, InLanguage, language_of

if TYPE_CHECKING:
    from mocklend.config import Settings

commands = typer.Typer()


@commands.command()
def serve(
    host: Annotated[str, typer.Option(envvar="MOCKLEND_HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="MOCKLEND_PORT", min=0, max=65535, help="The port to listen on; 0 selects a free one.")
    ] = 8300,
    database: Annotated[
        str, typer.Option(envvar="MOCKLEND_DATABASE", help="A file for SQLite, or a database's URL.")
    ] = "mocklend.db",
    workers: Annotated[
        int,
        typer.Option(
            envvar="MOCKLEND_WORKERS", min=1, max=64, help="How many processes serve. More than 1 only on PostgreSQL."
        ),
    ] = 1,
    ticker: Annotated[
        bool,
        typer.Option(
            "--ticker/--no-ticker",
            envvar="MOCKLEND_TICKER",
            help="Whether the server runs clocks, or leaves them to `mocklend worker`.",
        ),
    ] = True,
    access_log: Annotated[
        str,
        typer.Option(
            envvar="MOCKLEND_ACCESS_LOG", help="Log each request as a line of JSON to a file, or to stderr with -."
        ),
    ] = "",
    redis: Annotated[
        str,
        typer.Option(
            envvar="MOCKLEND_REDIS_URL", help="The URL of a Redis that keeps status pages, like redis://host:6379/0."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON once the server answers.")] = False,
) -> None:
    """Start the platform."""
    from pydantic import ValidationError

    from mocklend.config import Settings, wrong_settings

    try:
        settings = Settings(
            host=host,
            port=port,
            database=database,
            workers=workers,
            ticker=ticker,
            access_log=access_log,
            redis_url=redis,
        )
    except ValidationError as error:
        refuse(wrong_settings(error), "The settings come from the flags and from MOCKLEND_ variables.")

    with lean():
        from mocklend.server import serve as serve_app
    from mocklend.domain.problems import Refused
    from mocklend.storage.opening import CannotOpen
    from mocklend.supervisor import DiedAtStart

    try:
        serve_app(settings, _announce_json if as_json else _announce)
    except CannotOpen as reason:
        refuse(reason.message, reason.remedy)
    except DiedAtStart as death:
        refuse(f"The server did not start: {death}.", "The process has printed the reason above.")
    except Refused as refused:
        refuse(f"The database cannot be used: {refused.detail}", refused.problem.hint)
    except OSError as failure:
        if access_log and failure.filename == access_log:
            refuse(f"{access_log} cannot be written: {failure.strerror}.", "Give another file with --access-log.")
        other = "Give another port with --port. Or another address with --host."
        refuse(f"{settings.url} cannot be listened on: {failure.strerror}.", other)


@commands.command()
def worker(
    database: Annotated[str, typer.Option(envvar="MOCKLEND_DATABASE", help="The URL of a PostgreSQL database.")],
    host: Annotated[
        str,
        typer.Option(envvar="MOCKLEND_HOST", help="The address of the servers: it decides where webhooks may go."),
    ] = "127.0.0.1",
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON once the clocks run.")] = False,
) -> None:
    """Run the clocks and webhooks of a PostgreSQL database, without serving HTTP."""
    from pydantic import ValidationError

    from mocklend.config import Settings, wrong_settings

    try:
        settings = Settings(host=host, database=database)
    except ValidationError as error:
        refuse(wrong_settings(error), "The settings come from the flags and from MOCKLEND_ variables.")

    from mocklend.clock_worker import work
    from mocklend.domain.problems import Refused
    from mocklend.storage.opening import CannotOpen

    shown = _shown(database)
    up = json.dumps({"database": shown}) if as_json else f"A worker runs the clocks of {shown}. Ctrl-C stops it."
    try:
        work(settings, lambda: print(up, flush=True))
    except CannotOpen as reason:
        refuse(reason.message, reason.remedy)
    except Refused as refused:
        refuse(f"The database cannot be used: {refused.detail}", refused.problem.hint)
    except OSError as failure:
        refuse(f"{host} cannot be resolved: {failure.strerror}.", "Give the servers' address with --host.")


def _announce(settings: Settings, default_key: str) -> None:
    """Print the server's address, its credentials, and what to type next."""
    import shlex
    from importlib.metadata import entry_points
    from importlib.util import find_spec

    from mocklend import __version__

    kinds, command = len(entry_points(group="mocklend.faults")), own_command()
    layer = f"{kinds} kinds of fault" if entry_points(group="mocklend.layer") else "none: nothing will be injected"
    asked = "not needed on loopback" if settings.on_loopback else "X-Mocklend-Control, for /-/"
    lines = [
        f"Mocklend {__version__} is up. Ctrl-C stops it.",
        "",
        f"  address        {settings.url}",
        f"  console        {settings.url}/"
        if find_spec("babel")
        else "  console        pip install 'mocklend[console]'",
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
        # There a request needs the sandbox's key, and each plane its token.
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
    """Return a database as it may be shown: a path in full, a URL without its password."""
    if "://" not in database:
        return str(Path(database).absolute())
    from sqlalchemy import make_url

    return make_url(database).render_as_string(hide_password=True)


@commands.command()
def demo(
    seed: Annotated[int, typer.Option(min=0, help="Another seed: other ids, the same story.")] = 7,
    language: InLanguage = None,
    as_json: AsJson = False,
) -> None:
    """Run the demo: a loan that is repaid, four faults, the answer key, the repairs."""
    from mocklend.demo import run

    raise typer.Exit(run(seed=seed, as_json=as_json, command=own_command(), language=language_of(language)))
