"""What there is to compare and to judge: the journal, the audit, answers, scores, reconcilers, data sets; `doctor`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocklend.cli.completion import reconciler_names, statuses
from mocklend.cli.output import hinted, refuse, show
from mocklend.cli.root import PATIENT_S, TARGET, AsJson, connect
from mocklend.exit_codes import ExitCode

if TYPE_CHECKING:
    from mocklend.client import Client, Exchange

commands = typer.Typer()


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


@commands.command()
def export() -> None:
    """Print the journal as a Beancount file: `mocklend export > books.beancount; bean-check books.beancount`."""
    with connect() as client:
        print(client.beancount(), end="")


@commands.command()
def audit(as_json: AsJson = False) -> None:
    """World against books against views. Exits 1 where something is not explained."""
    with connect() as client:
        found = client.audit()
    unexplained = [discrepancy for discrepancy in found["discrepancies"] if not discrepancy["explained_by"]]
    broken = [invariant for invariant in found["invariants"] if not invariant["holds"]]
    lines = [f"{found['now']}  {'clean' if found['clean'] else 'not clean'}"]
    lines.append(f"discrepancies: {len(found['discrepancies'])}, unexplained: {len(unexplained)}")
    lines += [
        f"  {discrepancy['class']} on {discrepancy['entity']}, {discrepancy['amount_minor']}: {discrepancy['detail']}; "
        + (f"explained by {discrepancy['explained_by']}" if discrepancy["explained_by"] else "UNEXPLAINED")
        for discrepancy in found["discrepancies"]
    ]
    lines.append(f"in transit: {len(found['in_transit'])}")
    lines += [f"  {one['entity']}, {one['age_s']} s: {one['detail']}" for one in found["in_transit"]]
    lines.append(f"unobserved injections: {len(found['unobserved'])}")
    lines += [f"  {one['injection']} {one['fault']} on {one['entity']}" for one in found["unobserved"]]
    lines.append(f"invariants: {len(found['invariants'])}, broken: {len(broken)}")
    lines += [f"  {one['name']} {one['states']} Not so: {'; '.join(one['detail'])}" for one in broken]
    show(found, as_json, *lines)
    raise typer.Exit(ExitCode.FAIL if unexplained or found["unobserved"] or broken else ExitCode.PASS)


@commands.command()
def answer_key(
    status: Annotated[
        str | None, typer.Option(help="active, pending, healed, superseded or masked.", autocompletion=statuses)
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

        with connect() as client:
            try:
                written = write(client.answer_key_lines(status=status, loan_id=loan), export_to)
            except CannotExport as cannot:
                refuse(f"{cannot}.", "For example: --export key.jsonl.")
            hint = None if written else client.answer_key()["hint"]
        document = {"file": str(export_to), "entries": written, "hint": hint}
        show(document, as_json, f"wrote {written} entries to {export_to}", *hinted(document))
        return
    with connect() as client:
        key = client.answer_key(status=status, loan_id=loan)
    lines = [f"entries: {len(key['entries'])}", *hinted(key)]
    for entry in key["entries"]:
        expected = entry["expected"]
        lines += [
            f"{entry['at']}  {entry['fault']} on {entry['entity']}: {entry['status']}",
            f"    injection {entry['injection']} of rule {entry['rule']}",
            f"    truth     {json.dumps(entry['truth']['after'])}",
            f"    served    {json.dumps(entry['served'])}",
            f"    to find   {expected['class']} on {expected['entity']}, {expected['amount_minor']}",
        ]
    show(key, as_json, *lines)


@commands.command()
def score(
    findings: Annotated[Path, typer.Argument(help="JSON Lines, a finding each, as `reconcile --out` writes them.")],
    precision_min: Annotated[float, typer.Option(min=0, max=1, help="Below it, FAIL.")] = 1.0,
    recall_min: Annotated[float, typer.Option(min=0, max=1, help="Below it, FAIL.")] = 1.0,
    since: Annotated[str | None, typer.Option("--from", help="Judge from this moment on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Judge up to this moment.")] = None,
    min_visible_s: Annotated[
        int | None, typer.Option(min=0, help="Demand also what healed by itself, if it could be seen for so long.")
    ] = None,
    checked_at: Annotated[
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
        refuse(f"{unreadable}.", 'A line is one JSON object, like {"class": "stale_view", "entity": "loan_1"}.')
    with connect() as client:
        try:
            told = client.score(
                found.values(),
                thresholds={"precision_min": precision_min, "recall_min": recall_min},
                window={name: at for name, at in (("from", since), ("to", until)) if at is not None},
                min_visible_s=min_visible_s,
                checked_at=checked_at or None,
                operators=operator,
            )
        except ProblemError as problem:
            raise ProblemError(problem.status, by_line(problem.document, list(found))) from None
    show(told, as_json, *scorecard(told), *hinted(told))
    raise typer.Exit(ExitCode[told["verdict"]])


@commands.command()
def reconcile(
    which: Annotated[
        str,
        typer.Option(
            "--with",
            help="naive, thorough, or a Python file with reconcile(client): it is run as you, so be it code you trust.",
            autocompletion=reconciler_names,
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

    with connect() as client, _counting_requests(client):
        client.timeout_s = PATIENT_S
        try:
            if which in SHIPPED:
                found = SHIPPED[which](client)
            else:
                known_file(which)
                tokens = {
                    "operator_token": TARGET.operator_token,
                    "channel_token": TARGET.channel_token,
                    "bureau_token": TARGET.bureau_token,
                }
                key = client.staff_key()
                found = run_alone(which, TARGET.url, timeout_s=PATIENT_S, api_key=key, tokens=tokens)
        except UnknownReconciler as unknown:
            refuse(str(unknown), "Name naive, thorough, or a file that defines reconcile(client).")
        except ReconcilerFailed as failed:
            refuse(f"{failed}.", "reconcile(client) returns a list of mocklend.reconcilers.found.Found.")
        outcomes = [became for _, became in carry_out(client, found)] if repair else [one.action for one in found]
    findings = [one.to_json() for one in found]
    if out is not None:
        try:
            out.write_text("".join(json.dumps(finding) + "\n" for finding in findings), encoding="utf-8")
        except OSError as wrong:
            refuse(f"{out} cannot be written: {wrong.strerror}.", "Give a file in a folder that exists.")
    lines = [f"findings: {len(found)}"]
    lines += [
        f"  {one.finding_class} on {one.entity}, {one.amount_minor}: {one.detail}; {one.action}"
        + (f": {became}" if repair else "")
        for one, became in zip(found, outcomes, strict=True)
    ]
    show({"findings": findings, "outcomes": outcomes if repair else None}, as_json, *lines)


@commands.command()
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

    from mocklend.dataset import CannotMake, DatasetOptions, make

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("loans, day by day", total=loans * days)
        try:
            options = DatasetOptions(loans, days, profile, seed, format)
            made = make(options, out, progress=lambda more: bar.advance(task, more), jobs=jobs)
        except OSError as wrong:
            bar.stop()
            refuse(f"{out} cannot be written: {wrong.strerror}.", "Give a new folder in one that exists.")
        except CannotMake as cannot:
            bar.stop()
            refuse(f"{cannot}.", "For example: mocklend dataset season --loans 1000 --days 90 --profile realistic.")
    lines = [f"wrote {out}", *(f"  {rows:>9}  {name}" for name, rows in made.rows.items())]
    show({"folder": str(out), "rows": made.rows}, as_json, *lines)


@commands.command()
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
    show({"healthy": healthy, "checks": checks}, as_json, *lines)
    raise typer.Exit(ExitCode.PASS if healthy else ExitCode.FAIL)
