"""Commands that compare and judge: the journal, the audit, the answer key, scores, reconcilers, data sets; `doctor`."""

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
from mocklend.domain.money import format_minor
from mocklend.exit_codes import ExitCode

if TYPE_CHECKING:
    from mocklend.client import Client, Doc, Exchange

commands = typer.Typer()


@contextmanager
def _counting_requests(client: Client) -> Iterator[None]:
    """On a terminal, show on stderr how many requests were made so far."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    requests_made = 0
    with console.status("requests: 0 …") as status:

        def count(_: Exchange) -> None:
            nonlocal requests_made
            requests_made += 1
            status.update(f"requests: {requests_made} …")

        client.on_exchange = count
        yield


@commands.command()
def export() -> None:
    """Print the journal as a Beancount file: `mocklend export > books.beancount; bean-check books.beancount`."""
    with connect() as client:
        print(client.beancount(), end="")


@commands.command()
def audit(
    since: Annotated[
        str | None, typer.Option(help="Only what has changed since the audit with this mark, its last line.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare world, books and views. Exits with 1 if a difference is not explained."""
    with connect() as client:
        result = client.audit(since=since)
    unexplained = [discrepancy for discrepancy in result["discrepancies"] if not discrepancy["explained_by"]]
    broken = [invariant for invariant in result["invariants"] if not invariant["holds"]]
    lines = [f"{result['now']}  {'clean' if result['clean'] else 'not clean'}"]
    lines.append(f"discrepancies: {len(result['discrepancies'])}, unexplained: {len(unexplained)}")
    lines += [
        f"  {discrepancy['class']} on {discrepancy['entity']}{_amount_of(discrepancy)}: {discrepancy['detail']}; "
        + (f"explained by {discrepancy['explained_by']}" if discrepancy["explained_by"] else "UNEXPLAINED")
        for discrepancy in result["discrepancies"]
    ]
    lines.append(f"in transit: {len(result['in_transit'])}")
    lines += [f"  {item['entity']}, {item['age_s']} s: {item['detail']}" for item in result["in_transit"]]
    lines.append(f"unobserved injections: {len(result['unobserved'])}")
    lines += [f"  {item['injection']} {item['fault']} on {item['entity']}" for item in result["unobserved"]]
    lines.append(f"invariants: {len(result['invariants'])}, broken: {len(broken)}")
    lines += [f"  {item['name']} {item['states']} Violated: {'; '.join(item['detail'])}" for item in broken]
    if since is not None:
        lines.append(f"loans looked at: {len(result['looked_at'])} of {result['loans']}")
    lines.append(f"mark: {result['mark']}")
    show(result, as_json, *lines)
    raise typer.Exit(ExitCode.FAIL if unexplained or result["unobserved"] or broken else ExitCode.PASS)


def _amount_of(discrepancy: Doc) -> str:
    """How a line says by how much records differ; nothing where it is about no money."""
    currency = discrepancy["currency"]
    return "" if currency is None else f", {format_minor(discrepancy['amount_minor'], currency)}"


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
    """The answer key: every injection, the truth, and what a reconciler should find."""
    if export_to is not None:
        from mocklend.exports import CannotExport
        from mocklend.exports import export as write

        with connect() as client:
            try:
                written = write(client.answer_key_lines(status=status, loan_id=loan), export_to)
            except CannotExport as error:
                refuse(f"{error}.", "For example: --export key.jsonl.")
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
            f"    to find   {expected['class']} on {expected['entity']}, "
            + format_minor(expected["amount_minor"], entry["currency"]),
        ]
    show(key, as_json, *lines)


@commands.command()
def score(
    findings: Annotated[
        Path, typer.Argument(help="JSON Lines, one finding per line, as `reconcile --out` writes them.")
    ],
    precision_min: Annotated[float, typer.Option(min=0, max=1, help="Below it the verdict is FAIL.")] = 1.0,
    recall_min: Annotated[float, typer.Option(min=0, max=1, help="Below it the verdict is FAIL.")] = 1.0,
    since: Annotated[str | None, typer.Option("--from", help="Score from this time on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Score up to this time.")] = None,
    min_visible_s: Annotated[
        int | None,
        typer.Option(min=0, help="Also expect what healed by itself, if it was visible for at least this time."),
    ] = None,
    checked_at: Annotated[
        list[str] | None,
        typer.Option(help="A time at which it ran; may be repeated. What was visible at none of them is not expected."),
    ] = None,
    operator: Annotated[
        list[str] | None, typer.Option(help="Whose actions count as repairs; may be repeated; by default all.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Who hands in; by default the sandbox's label.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score a reconciler's findings by the answer key. Exits 0 on PASS, 1 on FAIL, 3 on INCONCLUSIVE, 2 if refused."""
    from mocklend.client import ProblemError
    from mocklend.scorecard import FindingsUnreadable, by_line, read_findings, scorecard

    try:
        by_number = read_findings(findings)
    except FindingsUnreadable as error:
        refuse(f"{error}.", 'A line is one JSON object, like {"class": "stale_view", "entity": "loan_1"}.')
    with connect() as client:
        try:
            result = client.score(
                by_number.values(),
                thresholds={"precision_min": precision_min, "recall_min": recall_min},
                window={name: at for name, at in (("from", since), ("to", until)) if at is not None},
                min_visible_s=min_visible_s,
                checked_at=checked_at or None,
                operators=operator,
                label=label,
            )
        except ProblemError as problem:
            raise ProblemError(problem.status, by_line(problem.document, list(by_number))) from None
    show(result, as_json, *scorecard(result), *hinted(result))
    raise typer.Exit(ExitCode[result["verdict"]])


@commands.command()
def reconcile(
    which: Annotated[
        str,
        typer.Option(
            "--with",
            help="naive, thorough, or a Python file with reconcile(client), which is run with your rights.",
            autocompletion=reconciler_names,
        ),
    ] = "thorough",
    repair: Annotated[bool, typer.Option(help="Carry out the findings' actions, over the operator's API.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the findings to a file, one line of JSON each.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a reconciler, which looks for the platform's breaks. Its findings are for `mocklend score`.

    A file is run in a process of its own, with a key that opens neither rules nor the answer key.
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
        except UnknownReconciler as error:
            refuse(str(error), "Name naive, thorough, or a file that defines reconcile(client).")
        except ReconcilerFailed as error:
            refuse(f"{error}.", "reconcile(client) returns a list of mocklend.reconcilers.found.Found.")
        outcomes = (
            [outcome for _, outcome in carry_out(client, found)] if repair else [finding.action for finding in found]
        )
    findings = [finding.to_json() for finding in found]
    if out is not None:
        try:
            out.write_text("".join(json.dumps(finding) + "\n" for finding in findings), encoding="utf-8")
        except OSError as error:
            refuse(f"{out} cannot be written: {error.strerror}.", "Give a file in a folder that exists.")
    lines = [f"findings: {len(found)}"]
    lines += [
        f"  {finding.finding_class} on {finding.entity}, {finding.amount}: {finding.detail}; {finding.action}"
        + (f": {outcome}" if repair else "")
        for finding, outcome in zip(found, outcomes, strict=True)
    ]
    show({"findings": findings, "outcomes": outcomes if repair else None}, as_json, *lines)


@commands.command()
def dataset(
    out: Annotated[Path, typer.Argument(help="The folder to create.")],
    loans: Annotated[int, typer.Option(help="How many loans.")] = 1_000,
    days: Annotated[int, typer.Option(help="How many days, from 2026-01-05 on.")] = 90,
    profile: Annotated[
        str, typer.Option(help="The faults: a profile of GET /-/profiles; `none` has no faults.")
    ] = "realistic",
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    format: Annotated[str, typer.Option(help="csv, parquet or both; Parquet needs mocklend[data].")] = "csv",
    jobs: Annotated[int, typer.Option(help="How many processes; the bytes do not depend on it.")] = 1,
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
        except OSError as error:
            bar.stop()
            refuse(f"{out} cannot be written: {error.strerror}.", "Give a new folder in one that exists.")
        except CannotMake as error:
            bar.stop()
            refuse(f"{error}.", "For example: mocklend dataset season --loans 1000 --days 90 --profile realistic.")
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
    redis: Annotated[
        str, typer.Option(envvar="MOCKLEND_REDIS_URL", help="The URL of the Redis that `serve` would use.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check whether `serve` would start on this machine, and with what."""
    from mocklend.doctor import examine

    checks = examine(host=host, port=port, database=database, redis=redis)
    healthy = all(check["ok"] for check in checks)
    lines = [f"{'ok  ' if check['ok'] else 'FAIL'}  {check['name']}: {check['detail']}" for check in checks]
    show({"healthy": healthy, "checks": checks}, as_json, *lines)
    raise typer.Exit(ExitCode.PASS if healthy else ExitCode.FAIL)
