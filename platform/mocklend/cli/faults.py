"""`mocklend faults`: see, arm and disarm them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mocklend.cli.completion import fault_names, profile_names, seam_names
from mocklend.cli.output import refuse, show
from mocklend.cli.root import AsJson, connect, group
from mocklend.cli.scenarios import write_new
from mocklend.domain.names import did_you_mean
from mocklend.exit_codes import ExitCode

if TYPE_CHECKING:
    from mocklend.client import Doc

commands = typer.Typer()
faults_app = group("faults", "See, arm and disarm faults.", commands)


@faults_app.command("list")
def faults_list(as_json: AsJson = False) -> None:
    """The kinds of fault with their settings, and the rules that are armed."""
    with connect() as client:
        document = client.faults() | client.rules()
    lines = []
    for fault in document["faults"]:
        lines += [f"{fault['id']}", f"    {fault['story'].strip().splitlines()[0]}"]
        lines += [
            f"    {_flag(setting['name'])}  {setting['doc']} "
            f"({setting['type']}; {json.dumps(setting['default'])} by default)"
            for setting in fault["settings"]
        ]
    lines += ["", f"rules: {len(document['rules'])}"]
    lines += [
        f"  {rule['id']}  {rule['fault']}, {rule['state']}: evaluated {rule['evaluated']}, matched {rule['matched']}, "
        f"selected {rule['selected']}, injected {rule['injected']}"
        for rule in document["rules"]
    ]
    show(document, as_json, *lines)


@faults_app.command("new")
def faults_new(
    name: Annotated[str, typer.Argument(help="The kind's name, like callback.lost_twice.")],
    seam: Annotated[
        str, typer.Option(help="The seam at which it acts, like callback.attempt.", autocompletion=seam_names)
    ],
    as_json: AsJson = False,
) -> None:
    """Write a fault and its test: in a checkout of Mocklend also lesson and page, elsewhere a package of its own."""
    from mocklend.cli.new_fault import NAME, PROJECT, new_fault, register
    from mocklend.seams import SEAMS

    if not NAME.fullmatch(name):
        refuse(f"{name!r} is not a name of a fault.", "A family, a dot and what goes wrong: callback.lost_twice.")
    if seam not in SEAMS:
        suggestion = did_you_mean(seam, SEAMS)
        refuse(f"There is no seam {seam!r}{suggestion or '.'}", f"Known: {', '.join(SEAMS)}.")
    here = Path.cwd()
    new = new_fault(name, seam, here)
    existing = [str(file.relative_to(here)) for file in new.files if file.exists()]
    if name in fault_names() or existing:
        refuse(f"The fault {name!r} exists already{': ' if existing else '.'}{', '.join(existing)}", "Give a new name.")
    for file, text in new.files.items():
        write_new(file, text)
    registered = new.registered or register(here / PROJECT, new.entry_point)
    written = [str(file.relative_to(here)) for file in new.files]
    lines = [f"wrote {file}" for file in written]
    if registered:
        lines.append(f"{PROJECT}: {new.entry_point}")
    else:
        lines.append(f'add to the table [project.entry-points."mocklend.faults"] of your {PROJECT}: {new.entry_point}')
    test = next(file for file in written if Path(file).name.startswith("test_"))
    checkout = test.startswith("tests/")
    lines.append(f"next: scripts/test {test}" if checkout else f"next: pip install --editable . && pytest {test}")
    show({"files": written, "entry_point": new.entry_point, "registered": registered}, as_json, *lines)


@faults_app.command("on", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def faults_on(
    context: typer.Context,
    fault: Annotated[str, typer.Argument(help="The kind, like cache.bounded_stale.", autocompletion=fault_names)],
    probability: Annotated[
        float, typer.Option("--probability", min=0, max=1, help="The probability of each injection.")
    ] = 1.0,
    match: Annotated[
        list[str] | None, typer.Option(help="FIELD=VALUE that the event must have; may be repeated.")
    ] = None,
    times: Annotated[int | None, typer.Option(min=1, help="How many injections at most.")] = None,
    rule_id: Annotated[
        str | None, typer.Option("--id", "--rule-id", help="The rule's id; by default the fault's name.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Arm a fault. Further flags are the fault's own settings, like --lag-s 60; `faults list` shows them."""
    with connect() as client:
        settings = _settings(fault, client.faults()["faults"], context.args)
        rule = client.arm(
            fault,
            probability=probability,
            match=dict(_equation(equation) for equation in match or ()) or None,
            times=times,
            rule_id=rule_id,
            **settings,
        )
    show(rule, as_json, f"armed {rule['id']}: {rule['fault']} {json.dumps(rule['with'])}, p = {probability}")


@faults_app.command("off")
def faults_off(
    rule_id: Annotated[
        str | None,
        typer.Argument(help="The rule's id, by default the fault's name.", autocompletion=fault_names),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Disarm every rule.")] = False,
    as_json: AsJson = False,
) -> None:
    """Disarm a fault. Its injections stay on the answer key."""
    if (rule_id is None) != everything:
        refuse("Name one rule, or say --all.", "`mocklend faults list` shows the rules.")
    with connect() as client:
        if rule_id is None:
            off = client.halt()["halted"]
        else:
            client.disarm(rule_id)
            off = [rule_id]
    show({"off": off}, as_json, f"disarmed: {', '.join(off) or 'nothing was armed'}")


@faults_app.command("lint")
def faults_lint(
    exact: Annotated[bool, typer.Option("--exact", help="Also require rules that can be repeated exactly.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what to expect of the rules. Exits with 1 if one has a warning, or with --exact is not exact."""
    with connect() as client:
        rules = client.rules()["rules"]
    lines = []
    for rule in rules:
        lint = rule["lint"]
        lines.append(f"{rule['id']}  {rule['fault']}: {lint['verdict']}")
        lines += [f"    {reason}" for reason in lint["reasons"]]
        lines += [f"    warning, {entry['code']}: {entry['detail']}" for entry in lint["warnings"]]
    document = {"rules": [{"id": rule["id"], "fault": rule["fault"], **rule["lint"]} for rule in rules]}
    show(document, as_json, *(lines or ["no rules"]))
    doubtful = [entry for entry in document["rules"] if entry["warnings"] or (exact and entry["verdict"] != "exact")]
    if doubtful:
        raise typer.Exit(ExitCode.FAIL)


@faults_app.command("explain")
def faults_explain(
    id: Annotated[str, typer.Argument(help="The id of a loan, repayment, receipt, edit or request.")],
    as_json: AsJson = False,
) -> None:
    """Explain why each rule fired, or did not, on an entity or on what a request led to."""
    with connect() as client:
        document = client.explain(request_id=id) if id.startswith("req_") else client.explain(id)
    lines = []
    for rule in document["rules"]:
        lines.append(f"{rule['rule']}  {rule['fault']}" + (f": {rule['why']}" if "why" in rule else ""))
        lines += [
            f"    {event['at'] or '-'}  {event['seam']} {event['entity']} #{event['occurrence']}  "
            f"{event['outcome']}: {event['why']}"
            for event in rule["events"]
        ]
    show(document, as_json, *(lines or ["no rules"]))


@faults_app.command("profile")
def faults_profile(
    name: Annotated[
        str | None,
        typer.Argument(
            help="none, realistic, hostile or lessons; without one they are listed.", autocompletion=profile_names
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Switch to a named set of rules, or list them."""
    with connect() as client:
        if name is not None:
            current = client.put_profile(name)
            show(current, as_json, f"profile {current['name']}: {', '.join(current['rules']) or 'no rules'}")
            return
        document = client.profiles() | {"on": client.profile()["name"]}
    lines = [
        f"{'*' if profile['name'] == document['on'] else ' '} {profile['name']}  {profile['title']}, "
        f"{len(profile['rules'])} rules"
        for profile in document["profiles"]
    ]
    show(document, as_json, *lines)


def _settings(fault: str, catalogue: list[Doc], args: list[str]) -> Doc:
    """Return the flags after a fault's name as its settings. An unknown flag is refused."""
    kind = next((entry for entry in catalogue if entry["id"] == fault), None)
    if kind is None:
        known = [str(entry["id"]) for entry in catalogue]
        suggestion = did_you_mean(fault, known) or "."
        refuse(
            f"There is no fault {fault!r}; known: {', '.join(known)}{suggestion}",
            "`mocklend faults list` describes them.",
        )
    types = {_flag(entry["name"]): (entry["name"], str(entry["type"])) for entry in kind["settings"]}
    settings: Doc = {}
    rest = list(args)
    while rest:
        flag, equals, value = rest.pop(0).partition("=")
        if flag not in types:
            suggestion = did_you_mean(flag, types) or "."
            refuse(
                f"{fault} has no setting {flag!r}; known: {', '.join(types) or 'none'}{suggestion}",
                "`mocklend faults list` describes them.",
            )
        if not equals:
            if not rest:
                refuse(f"{flag} needs a value.", f"Write {flag} VALUE.")
            value = rest.pop(0)
        name, type_name = types[flag]
        settings[name] = _value(value, type_name)
    return settings


def _value(text: str, type_name: str) -> Any:
    """Convert a flag's text into JSON. The platform validates it."""
    if not type_name.startswith(("integer", "boolean")):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _equation(text: str) -> tuple[str, str | int]:
    field, equals, value = text.partition("=")
    if not equals:
        refuse(f"--match takes FIELD=VALUE, not {text!r}.", "For example: --match channel=wallet.")
    return field, int(value) if field.endswith("_minor") and re.fullmatch("-?[0-9]{1,18}", value) else value
