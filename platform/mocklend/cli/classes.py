"""`mocklend class`: a class of groups, each with a sandbox of its own, on one clock."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from mocklend.cli.completion import scenario_names
from mocklend.cli.output import refuse, show
from mocklend.cli.root import PATIENT_S, AsJson, connect, group
from mocklend.domain.nouns import JsonObject
from mocklend.textfiles import unwritable

commands = typer.Typer()
class_app = group("class", "Give each group of a class a sandbox, follow them, and reveal the truth.", commands)

ClassId = Annotated[str, typer.Argument(metavar="CLASS", help="The id of a class: `mocklend class list` has them.")]
KeysFile = Annotated[
    Path | None, typer.Option("--keys", metavar="FILE.csv", help="Write the keys to this file instead of listing them.")
]
KEY_COLUMNS = ("n", "name", "sandbox_id", "api_key")


@class_app.command("make")
def class_make(
    name: Annotated[str, typer.Argument(help="Its name, which no other class has.")],
    size: Annotated[int | None, typer.Option(min=1, help="How many groups, named by numbers; 40 by default.")] = None,
    groups: Annotated[
        list[str] | None, typer.Option("--group", help="The name of a group, once for each, instead of --size.")
    ] = None,
    sandbox_id: Annotated[
        str | None, typer.Option("--sandbox", help="The sandbox that each gets a copy of; by default that of the key.")
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(help="A scenario to play for them instead.", autocompletion=scenario_names)
    ] = None,
    chapter: Annotated[
        int | None, typer.Option(min=1, help="The chapter at whose end it stops; the first by default.")
    ] = None,
    own_seeds: Annotated[
        bool, typer.Option("--own-seeds", help="Play the scenario with another seed for each group, so with other ids.")
    ] = False,
    keys_file: KeysFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a class, with the truth hidden from its groups, and print their keys, which are shown only here."""
    if keys_file is not None:
        _check(keys_file)
    asked = {"size": size, "groups": groups, "sandbox_id": sandbox_id, "scenario": scenario, "chapter": chapter}
    options: JsonObject = {name: value for name, value in asked.items() if value is not None}
    if own_seeds:
        options["seeds"] = "own"
    with connect() as client:
        client.timeout_s = PATIENT_S
        answer = client.make_class(name, **options)
    made, keys = answer["made"], answer["keys"]
    head = f"class {made['id']}, {made['state']}: {len(keys)} groups"
    show(answer, as_json, head, *_handed_out(keys, keys_file))


@class_app.command("list")
def class_list(as_json: AsJson = False) -> None:
    """List the classes, the newest first."""
    with connect() as client:
        listed = client.classes()
    classes = listed["classes"]
    lines = [f"  {each['id']}  {each['state']:<7}  {each['name']}" for each in classes]
    show(listed, as_json, f"classes: {len(classes)}", *lines)


@class_app.command("show")
def class_show(
    class_id: ClassId,
    by_score: Annotated[bool, typer.Option("--by-score", help="The groups by rank, not by number.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far each group is: the lies it has to find, and what its newest score has found."""
    with connect() as client:
        course = client.class_progress(class_id, order="score" if by_score else None)
    show(course, as_json, *_progress(course))


@class_app.command("clock")
def class_clock(
    class_id: ClassId,
    by: Annotated[
        str,
        typer.Argument(
            help="A duration like PT1H, P1D or P1M, a moment like 2026-02-01T00:00:00Z, or `next`, which is when the "
            "next thing is due in any group's sandbox."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Move the clocks of all groups to one moment. It goes on if it takes long: `class show` says how many arrived."""
    with connect() as client:
        client.timeout_s = PATIENT_S
        moved = client.move_class(class_id, by) if by.upper().startswith("P") else client.move_class(class_id, to=by)
    show(moved, as_json, _clock_line(moved))


@class_app.command("reveal")
def class_reveal(class_id: ClassId, as_json: AsJson = False) -> None:
    """End a class: each group sees the truth of its sandbox, and what it hands in from now on does not count."""
    with connect() as client:
        course = client.reveal_class(class_id)
    show(course, as_json, *_progress(course))


@class_app.command("keys")
def class_keys(class_id: ClassId, keys_file: KeysFile = None, as_json: AsJson = False) -> None:
    """Make a new key for each group. Those of before open nothing any more."""
    if keys_file is not None:
        _check(keys_file)
    with connect() as client:
        answer = client.new_class_keys(class_id)
    show(answer, as_json, f"new keys: {len(answer['keys'])}", *_handed_out(answer["keys"], keys_file))


@class_app.command("delete")
def class_delete(class_id: ClassId, as_json: AsJson = False) -> None:
    """Delete a class with the sandboxes of its groups."""
    with connect() as client:
        client.timeout_s = PATIENT_S
        client.delete_class(class_id)
    show({"deleted": class_id}, as_json, f"deleted: {class_id}")


def _check(keys_file: Path) -> None:
    """Refuse a file that cannot be written, before there are keys that would be lost."""
    why = unwritable(keys_file)
    if why is not None:
        refuse(f"{keys_file} cannot be written: {why}.", "Give a file in a folder that exists.")


def _handed_out(keys: Sequence[JsonObject], keys_file: Path | None) -> list[str]:
    """The keys as lines; or the file to which they were written, which only its owner may read."""
    if keys_file is None:
        return [f"  {key['n']:>3}  {key['name']}  {key['sandbox_id']}  {key['api_key']}" for key in keys]
    keys_file.touch(mode=0o600)
    with keys_file.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, KEY_COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(keys)
    return [f"the keys are in {keys_file}"]


def _progress(course: JsonObject) -> list[str]:
    figures = course["figures"]
    in_state = ", ".join(f"{name.replace('_', ' ')} {figures[name]}" for name in ("looking", "handed_in", "passed"))
    lines = [
        f"class {course['id']}, {course['state']}: {course['name']}",
        _clock_line(course),
        f"groups: {figures['groups']}, {in_state}; wrong findings: {figures['wrong']}",
    ]
    lines += [f"  {each['n']:>3}  {each['name']}  {_how_far(each)}" for each in course["groups"]]
    missed = course["missed"]
    lines += [f"found by: {each['found_all']} of {each['groups']}  {each['finding_class']}" for each in missed]
    return lines


def _how_far(each: JsonObject) -> str:
    if each["found"] is None:
        return f"{each['state'].replace('_', ' ')}, lies {each['lies']}"
    return f"rank {each['rank']}: found {each['found']} of {each['lies']}, wrong {each['wrong']}, {each['verdict']}"


def _clock_line(course: JsonObject) -> str:
    clock = course["clock"]
    if clock["moving_to"] is None:
        return f"clock: {clock['now'] or '-'}"
    return f"clock: {clock['now']}, {clock['arrived']} of {course['figures']['groups']} at {clock['moving_to']}"
