"""`mocklend scenario`: stories with faults."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocklend.cli.completion import scenario_names
from mocklend.cli.output import own_command, refuse, show
from mocklend.cli.root import TARGET, AsJson, InLanguage, connect, group, language_of
from mocklend.domain.names import did_you_mean
from mocklend.exit_codes import ExitCode
from mocklend.language import Language
from mocklend.textfiles import unwritable

if TYPE_CHECKING:
    from mocklend.scenarios.narrator import Narrator
    from mocklend.scenarios.play import Play

commands = typer.Typer()
scenario_app = group("scenario", "Run a story with faults.", commands)


@scenario_app.command("list")
def scenario_list(language: InLanguage = None, as_json: AsJson = False) -> None:
    """List the scenarios."""
    from mocklend.scenarios.text import listed

    rows = listed(language_of(language))
    show({"scenarios": rows}, as_json, *(f"{row['name']}  {row['title']}" for row in rows))


@scenario_app.command("run")
def scenario_run(
    name: Annotated[
        str,
        typer.Argument(
            help="A name of `mocklend scenario list`, or a .yaml file. It runs on a platform of its own.",
            autocompletion=scenario_names,
        ),
    ],
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed gives other ids, and the same story.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a report of the run as one HTML file.")
    ] = None,
    language: InLanguage = None,
    as_json: AsJson = False,
) -> None:
    """Run a scenario on a platform of its own. It checks its own claims; the exit code says whether they held."""
    from mocklend.scenarios.telling import run
    from mocklend.scenarios.text import ScenarioError, read, scenarios
    from mocklend.textfiles import NotText, read_text

    spoken = language_of(language)
    at_end = None if report is None else reporter(report, name, spoken)
    if name.endswith((".yaml", ".yml")):
        try:
            scenario = read(read_text(Path(name)), name)
            raise typer.Exit(run(scenario, seed=seed, as_json=as_json, language=spoken, at_end=at_end))
        except (OSError, NotText, ScenarioError) as error:
            refuse(f"{name} cannot be run: {error}.", "`mocklend scenario new` writes a file that can.")
    shipped = scenarios()
    if name not in shipped:
        suggestion = did_you_mean(name, shipped)
        refuse(f"There is no scenario {name!r}{suggestion or '.'}", f"Known: {', '.join(shipped) or 'none'}.")
    raise typer.Exit(run(shipped[name], seed=seed, as_json=as_json, language=spoken, at_end=at_end))


@scenario_app.command("play")
def scenario_play(
    name: Annotated[
        str,
        typer.Argument(help="A name of `mocklend scenario list`.", autocompletion=scenario_names),
    ],
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed gives other ids, and the same story.")] = None,
    pace_s: Annotated[float, typer.Option(min=0, max=600, help="Seconds between two steps.")] = 2.0,
    language: InLanguage = None,
    as_json: AsJson = False,
) -> None:
    """Play a scenario on the server, step by step, and print where the console shows it meanwhile."""
    from mocklend.scenarios.playing import console_address, played

    if not isfinite(pace_s):  # Nothing is less than not-a-number, so the bounds let it pass.
        refuse(f"--pace-s {pace_s} is no number of seconds.", "Give one from 0 to 600.")
    with connect() as client:
        begun = client.play_scenario(name, seed=seed, language=language_of(language).value)
    run = begun["run"]
    address = console_address(TARGET.url, run)
    if not as_json:
        print(f"{run['title']}\n  {address}", flush=True)
    with connect(begun["sandbox"]["api_key"]) as player:
        for newest, lines in played(player, begun["run"], pace_s):
            run = newest
            if not as_json:
                print("\n".join(lines), flush=True)
    show({"console": address, **run}, as_json, "", address)
    raise typer.Exit(ExitCode.PASS if run["state"] == "over" else ExitCode.FAIL)


@scenario_app.command("new")
def scenario_new(
    name: Annotated[str, typer.Argument(help="The story's name, like late-page; the file is NAME.yaml.")],
    as_json: AsJson = False,
) -> None:
    """Write a commented scenario that runs as it is, and the schema by which editors complete it."""
    from mocklend.scenarios.schema import FILE, installed
    from mocklend.scenarios.skeleton import skeleton

    name = name.removesuffix(".yaml")
    file = Path(f"{name}.yaml")
    if not re.fullmatch(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", name):
        refuse(f"{name!r} is not a name of a scenario.", "A name is small letters, digits and hyphens: late-page.")
    write_new(file, skeleton(name, file.name))
    schema = file.with_name(FILE)
    if not schema.exists():  # One schema serves all scenarios of the folder.
        write_new(schema, installed())
    show(
        {"file": str(file), "schema": str(schema)},
        as_json,
        f"wrote {file}",
        f"next: {own_command()} scenario run {file}",
    )


@scenario_app.command("schema")
def scenario_schema() -> None:
    """Print the JSON Schema of a scenario's YAML, for editors."""
    from mocklend.scenarios.schema import installed

    typer.echo(installed(), nl=False)


@scenario_app.command("save")
def scenario_save(
    file: Annotated[Path, typer.Argument(help="The file to write, like what-i-found.yaml.")],
    title: Annotated[str, typer.Option(help="The scenario's title.")] = "What was done in a sandbox",
    as_json: AsJson = False,
) -> None:
    """Write what was done in a sandbox as a scenario that does it again."""
    from mocklend.scenarios.saving import CannotSave, saved

    with connect() as client:
        log = client.requests_made()
        lies = len(client.answer_key(status="active")["entries"])
    try:
        text = saved(log, name=file.stem, title=title, lies=lies)
    except CannotSave as error:
        refuse(
            f"Nothing can be saved: {error}.",
            "`mocklend sandbox` creates one whose requests are logged from the start.",
        )
    write_new(file, text)
    steps = len(log["requests"])
    document = {"file": str(file), "requests": steps, "lies": lies}
    show(document, as_json, f"wrote {file}: {steps} requests", f"next: {own_command()} scenario run {file}")


def reporter(file: Path, name: str, language: Language) -> Callable[[Play, Narrator], None]:
    """What writes the report of a run at its end. Refuses at once if the file cannot be written."""
    if find_spec("babel") is None:
        refuse("A report needs the console.", "pip install 'mocklend[console]'")
    from mocklend.reports.collecting import run_of, scenario_report
    from mocklend.reports.page import report_html

    def write(play: Play, narrator: Narrator) -> None:
        played = run_of(play, narrator)
        text = report_html(scenario_report(narrator.client, played, name), language)
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            refuse(f"{file} cannot be written: {error.strerror}.", "Give a name in a folder that exists.")

    if (reason := unwritable(file)) is not None:
        refuse(f"{file} cannot be written: {reason}.", "Give a name in a folder that exists.")
    return write


def write_new(file: Path, text: str) -> None:
    """Write a file that does not exist yet."""
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except OSError as error:
        refuse(f"{file} cannot be written: {error.strerror}.", "Give a new name in a folder that exists.")
