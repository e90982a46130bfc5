"""`mocklend experiments`: faults by a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mocklend.cli.output import refuse, show
from mocklend.cli.root import AsJson, connect, group

if TYPE_CHECKING:
    from mocklend.client import Doc

commands = typer.Typer()
experiments_app = group("experiments", "Run faults by a schedule of stages.", commands)


@experiments_app.command("start")
def experiments_start(
    file: Annotated[
        Path, typer.Argument(help="The experiment, YAML or JSON: stages with name, duration_s, rules or profile.")
    ],
    id: Annotated[str | None, typer.Option(help="The experiment's id; by default the file's name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Start an experiment now: its stages follow each other on the sandbox's clock. The same again changes nothing."""
    stages = _stages(file)
    with connect() as client:
        started = client.put_experiment(id or file.stem, stages)
    show(started, as_json, *_experiment_lines(started))


@experiments_app.command("list")
def experiments_list(as_json: AsJson = False) -> None:
    """List the experiments of this sandbox, with their stages."""
    with connect() as client:
        document = client.experiments()
    lines = [line for experiment in document["experiments"] for line in _experiment_lines(experiment)]
    show(document, as_json, *(lines or ["no experiments"]))


@experiments_app.command("stop")
def experiments_stop(
    id: Annotated[str, typer.Argument(help="The experiment's id; `experiments list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Delete an experiment and its rules. Its injections stay on the answer key."""
    with connect() as client:
        client.delete_experiment(id)
    show({"stopped": id}, as_json, f"stopped: {id}")


def _experiment_lines(experiment: Mapping[str, Any]) -> list[str]:
    stages = [
        f"    {stage['starts_at']}  {stage['name']}: {stage['state']}, {len(stage['rules'])} rules"
        for stage in experiment["stages"]
    ]
    return [f"{experiment['id']}: {experiment['running'] or 'over'}", *stages]


def _stages(file: Path) -> list[Doc]:
    """Return the stages of an experiment's file. The platform validates them."""
    from mocklend.textfiles import read_text, read_yaml

    example = "For example: {stages: [{name: storm, duration_s: 600, profile: hostile}]}."
    try:
        document = read_yaml(read_text(file))
    except (OSError, ValueError) as error:
        refuse(f"{file} cannot be read as an experiment: {error}.", example)
    stages = document.get("stages") if isinstance(document, dict) else None
    if (
        not isinstance(stages, list)
        or set(document) != {"stages"}
        or not all(isinstance(stage, dict) for stage in stages)
    ):
        refuse(f"{file} is not an experiment: expected a list of stages, and nothing else.", example)
    return stages
