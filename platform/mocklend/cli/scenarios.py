"""`mocklend scenario`: stories of things going wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from mocklend.cli.completion import scenario_names
from mocklend.cli.output import own_command, refuse, show
from mocklend.cli.root import AsJson, connect, group
from mocklend.domain.names import did_you_mean

commands = typer.Typer()
scenario_app = group("scenario", "Tell a story of things going wrong.", commands)


@scenario_app.command("list")
def scenario_list(as_json: AsJson = False) -> None:
    """Which stories there are."""
    from mocklend.scenarios import listed

    found = listed()
    show({"scenarios": found}, as_json, *(f"{one['name']}  {one['title']}" for one in found))


@scenario_app.command("run")
def scenario_run(
    name: Annotated[
        str,
        typer.Argument(
            help="A name of `mocklend scenario list`, or a .yaml file. It calls the client, of a platform of its own.",
            autocompletion=scenario_names,
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
            refuse(f"{name} cannot be told: {wrong}.", "`mocklend scenario new` writes a file that can.")
    known = scenarios()
    if name not in known:
        meant = did_you_mean(name, known)
        refuse(f"There is no scenario {name!r}{meant or '.'}", f"Known: {', '.join(known) or 'none'}.")
    raise typer.Exit(run(known[name], seed=seed, as_json=as_json))


@scenario_app.command("new")
def scenario_new(
    name: Annotated[str, typer.Argument(help="The story's name, like late-page; the file is NAME.yaml.")],
    as_json: AsJson = False,
) -> None:
    """Write a commented scenario that runs as it stands, and beside it the schema by which editors complete it."""
    from mocklend.scenarios.schema import FILE, installed
    from mocklend.scenarios.skeleton import skeleton

    name = name.removesuffix(".yaml")
    file = Path(f"{name}.yaml")
    if not re.fullmatch(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", name):
        refuse(f"A story cannot be called {name!r}.", "A name is small letters, digits and hyphens: late-page.")
    write_new(file, skeleton(name, file.name))
    schema = file.with_name(FILE)
    if not schema.exists():  # One serves every scenario of the folder.
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
    title: Annotated[str, typer.Option(help="What the story is called.")] = "What was done in a sandbox",
    as_json: AsJson = False,
) -> None:
    """Write what was just done in a sandbox as a scenario that does it again."""
    from mocklend.scenarios.saving import CannotSave, saved

    with connect() as client:
        record = client.requests_made()
        lies = len(client.answer_key(status="active")["entries"])
    try:
        text = saved(record, name=file.stem, title=title, lies=lies)
    except CannotSave as nothing:
        refuse(f"There is no story to save: {nothing}.", "`mocklend sandbox` makes one whose story is known whole.")
    write_new(file, text)
    steps = len(record["requests"])
    document = {"file": str(file), "requests": steps, "lies": lies}
    show(document, as_json, f"wrote {file}: {steps} requests", f"next: {own_command()} scenario run {file}")


def write_new(file: Path, text: str) -> None:
    """Write a file that is not there yet."""
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except OSError as wrong:
        refuse(f"{file} cannot be written: {wrong.strerror}.", "Give a new name in a folder that exists.")
