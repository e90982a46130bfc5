"""Kill the server under load repeatedly, and report which writes were lost or doubled.

        clients: borrow, repay, edit ──▶ log each acknowledged answer; repeat unanswered requests with the same key
        killer:  a time from the seed ──▶ SIGKILL ──▶ start on the same database ──▶ audit ──▶ clients continue
                 on PostgreSQL: to one of two processes, or to PostgreSQL itself
        in the end: everything settles; each acknowledged and each repeated request is on the books exactly once

With `--json` standard output holds one document and nothing else.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import judge
from crash_checks import carried_over, lost_and_doubled, missing_and_extra, not_at_the_channel, stuck_callbacks
from crash_clients import CrashClient, Ledger, ServerAddress
from crash_final import KINDS, FinalState, final_state, repair, undelivered
from crash_targets import Target, opened, until_answered
from rest import come_to_rest
from tool import concluded, say, whole
from webhook_receiver import WebhookReceiver, open_webhook_receiver

from mocklend.client import Doc
from mocklend.exit_codes import ExitCode

SQLITE, POSTGRESQL = "sqlite", "postgresql"
ENGINES = (SQLITE, POSTGRESQL)
KILLS, SERVER_KILLS = {SQLITE: 20, POSTGRESQL: 30}, {SQLITE: 0, POSTGRESQL: 10}
STARTS_AT = "2026-01-05T01:00:00Z"
SPEED = 600
"""A bank transfer then takes three real seconds: as long as an epoch, so that money is on its way at every kill."""
CLIENTS = 8
PROBABILITY = 0.1
FAULTS = (
    "cache.bounded_stale", "callback.dropped", "channel.unrecognised", "operator.marked_overdue",
    "operator.wrong_amount",
)  # fmt: skip
"""One fault for each kind of work that a kill may interrupt. Any other loss or duplicate is caused by a kill."""
AT_AN_ANSWER = 0.5
"""The share of kills right after an answer: other commands of the same commit are then likely still unanswered."""
REST_WITHIN_S = 60
KILLS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of a run. `server_kills` are those of PostgreSQL; `lossy`, they lose what was acknowledged."""

    kills: int
    seed: int
    faults: bool = True
    engine: str = SQLITE
    server_kills: int = 0
    lossy: bool = False


@dataclass(slots=True)
class Course:
    """What happened to the server: its clock after each kill, and how soon it served after each kill of PostgreSQL."""

    kills: int
    processes: int = 1
    server_kills: int = 0
    restarts: list[str] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)


def run(plan: Plan, folder: Path) -> Doc:
    """Run the crash test. Returns the verdict and the figures as one document."""
    began = time.monotonic()
    chance = random.Random(f"{plan.seed}:kills")
    say("starting a server")
    with (
        open_webhook_receiver() as (webhook_receiver, address),
        opened(
            plan.engine, folder, kills=plan.kills, server_kills=plan.server_kills, lossy=plan.lossy, chance=chance
        ) as target,
    ):
        ledger, state, evidence, course = _crash(plan, target, chance, webhook_receiver, address)
    document = conclude(course, ledger, state, evidence)
    return {**document, "engine": plan.engine, "seed": plan.seed, "seconds": round(time.monotonic() - began, 1)}


def _crash(
    plan: Plan, target: Target, chance: random.Random, webhook_receiver: WebhookReceiver, address: str
) -> tuple[Ledger, FinalState, judge.Evidence, Course]:
    from mocklend.client import Client

    server_address, ledger = ServerAddress(), Ledger()
    course = Course(plan.kills, target.processes, plan.server_kills, back_s=target.back_s)
    try:
        with Client(target.url) as anyone:
            layer = bool(anyone.health()["layer"])
            client = anyone.sandbox(seed=plan.seed, clock="wall", now=STARTS_AT, speed=SPEED)
        client.timeout_s = 120
        webhook_receiver.secret = client.add_webhook_endpoint(address, ["loan.disbursed", "loan.edited"])["secret"]
        kinds = {kind["id"] for kind in client.faults()["faults"]} if layer and plan.faults else set()
        armed = [fault for fault in FAULTS if fault in kinds]
        for fault in armed:
            client.arm(fault, probability=PROBABILITY)
        say(f"faults at p = {PROBABILITY}: {', '.join(armed) or 'none'}")
        delays_s = {channel["id"]: channel["settle_delay_s"] for channel in client.channels()["channels"]}
        api_key = client.api_key or ""
        clients = [CrashClient(n, plan.seed, api_key, server_address, ledger, sorted(delays_s)) for n in range(CLIENTS)]
        audits: list[Doc] = []
        under_load = time.monotonic()
        planned = target.kills(chance)
        with ThreadPoolExecutor(CLIENTS, thread_name_prefix="payer") as pool:
            working = [pool.submit(payer.work) for payer in clients]
            try:
                server_address.open(target.url)
                for nth, what in enumerate(planned, start=1):
                    server_address.wait_for_answers(CLIENTS)
                    time.sleep(chance.uniform(*target.epoch_s))
                    if chance.random() < AT_AN_ANSWER:
                        server_address.wait_for_an_answer()
                    target.strike(what, server_address)
                    client.base_url = target.url
                    course.restarts.append(until_answered(client.clock)["now"])
                    audits.append(until_answered(client.audit))
                    repayments = len(ledger.acknowledged("repayment"))
                    say(f"kill {nth} of {len(planned)}, {what}: {repayments} repayments acknowledged")
                    server_address.open(target.url)
                server_address.wait_for_answers(CLIENTS)
            finally:
                server_address.close()
            for future in working:
                future.result()
        load_s = time.monotonic() - under_load
        say("letting everything settle")
        time.sleep(max(delays_s.values()) / SPEED + 0.5)
        repair(client, ledger)
        rest = come_to_rest(client, layer=layer, within_s=REST_WITHIN_S)
        state = final_state(client, ledger, rest.audit)
        state.undelivered = undelivered(webhook_receiver, ledger)
        client.close()
        exit_code = target.stop()
    except BaseException:
        server_address.close()
        target.kill()
        raise
    evidence = judge.Evidence(
        audit=rest.audit,
        entries=rest.entries,
        entries_before=rest.entries_before,
        rules=rest.rules,
        audits_under_load=audits,
        armed=armed,
        demanded=armed,
        run_s=load_s,
        exit_code=exit_code,
        waited_out=rest.reached,
        draining=rest.draining,
    )
    return ledger, state, evidence, course


def conclude(course: Course, ledger: Ledger, state: FinalState, evidence: judge.Evidence) -> Doc:
    """The verdict from the clients' requests and the final state of the platform. Pure."""
    verdict = judge.Verdict()
    judge.judge_platform(evidence, verdict)
    answers = {kind: [request.answer for request in ledger.acknowledged(kind) if request.answer] for kind in KINDS}
    lost, doubled = lost_and_doubled(answers["repayment"], state.listed, state.journal)
    for kind, there in (("loan", state.loans), ("edit", state.edits)):
        more = missing_and_extra(kind, answers[kind], there)
        lost, doubled = lost + more[0], doubled + more[1]
    payments = [request.answer for request in ledger.acknowledged("payment") if request.answer]
    pushed = [{"id": payment["out_trade_no"]} for payment in payments]
    more = missing_and_extra("payment", pushed, state.receipts)
    lost, doubled = lost + more[0], doubled + more[1]
    lost += not_at_the_channel(answers["repayment"], state.trades)
    stuck = stuck_callbacks(state.callbacks, state.now)
    over = carried_over((doc for docs in state.listed.values() for doc in docs), course.restarts)
    in_doubt = [request for request in ledger.requests if request.in_doubt]
    unavailable = [request for request in ledger.requests if request.unavailable]
    for kind_of_failure, failures in (
        ("lost", lost),
        ("doubled", doubled),
        ("callbacks stuck", stuck),
        ("webhooks not delivered", state.undelivered),
        ("refusals that nothing explains", ledger.unexplained),
    ):
        if failures:
            verdict.fail(f"{len(failures)} {kind_of_failure}, such as {failures[0]}")
    if not in_doubt:
        verdict.inconclusive("no request was unanswered at any kill")
    if course.server_kills and not unavailable:
        verdict.inconclusive("no request was answered 503 while PostgreSQL was away")
    if not over:
        verdict.inconclusive("no repayment was in transit at any kill")
    return {
        "verdict": verdict.outcome,
        "reasons": verdict.reasons,
        "notes": verdict.notes,
        "kills": course.kills,
        "processes": course.processes,
        "server_kills": course.server_kills,
        "slowest_reconnect_s": round(max(course.back_s, default=0.0), 2),
        "acknowledged": len(answers["repayment"]),
        "acknowledged_loans": len(answers["loan"]),
        "acknowledged_edits": len(answers["edit"]),
        "acknowledged_payments": len(pushed),
        "lost": len(lost),
        "doubled": len(doubled),
        "in_doubt": len(in_doubt),
        "in_doubt_had_happened": sum(request.had_happened for request in in_doubt),
        "unavailable": len(unavailable),
        "unavailable_had_happened": sum(request.had_happened for request in unavailable),
        "carried_over": over,
        "callbacks": dict(sorted(Counter(callback["state"] for callback in state.callbacks).items())),
        "callbacks_stuck": len(stuck),
        "webhooks_undelivered": len(state.undelivered),
        **verdict.figures,
        "audits_after_restart": len(evidence.audits_under_load),
        "armed": list(evidence.armed),
    }


# --- the command ---


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Run, print, and return the exit code."""
    options = _options(arguments)
    return concluded(lambda: _judged(options), as_json=options.json)


def _judged(options: argparse.Namespace) -> ExitCode:
    with tempfile.TemporaryDirectory(prefix="mocklend-crash-") as folder:
        document = run(_plan(options), Path(folder))
    if options.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print("\n".join(sentences(document)))
    return ExitCode[document["verdict"]]


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        kills=KILLS[options.engine] if options.kills is None else options.kills,
        seed=options.seed,
        faults=not options.no_faults,
        engine=options.engine,
        server_kills=SERVER_KILLS[options.engine] if options.server_kills is None else options.server_kills,
        lossy=options.lossy,
    )


def sentences(document: Doc) -> list[str]:
    """The verdict and the figures as lines for a terminal."""
    by_fault = ", ".join(f"{fault} {count}" for fault, count in document["injections_by_fault"].items())
    acknowledged = f"{document['acknowledged']} repayments, {document['acknowledged_payments']} push payments, "
    acknowledged += (
        f"{document['acknowledged_loans']} loans and {document['acknowledged_edits']} edits were acknowledged: "
    )
    over = f"{document['carried_over']} repayments were in transit at a kill and settled after it; "
    audits = f"{document['audits_after_restart'] + 1} audits: "
    audits += f"{document['unexplained_discrepancies']} discrepancies unexplained, "
    audits += f"{document['unobserved_injections']} injections unobserved, "
    away = (
        f"{document['unavailable']} requests were answered 503 while PostgreSQL was away, "
        f"{document['unavailable_had_happened']} of them had been carried out; "
        f"it was used again within {document['slowest_reconnect_s']} s."
    )
    return [
        f"{_kills(document)} in {document['seconds']} s, seed {document['seed']}.",
        acknowledged + f"{document['lost']} lost, {document['doubled']} doubled.",
        f"{document['in_doubt']} requests were in doubt; {document['in_doubt_had_happened']} of them were carried out.",
        *([away] if document["server_kills"] else []),
        over
        + f"{document['callbacks_stuck']} callbacks stuck, {document['webhooks_undelivered']} webhooks not delivered.",
        f"{document['injections']} injections" + (f": {by_fault}." if by_fault else "."),
        audits + f"{len(document['broken_invariants'])} of {document['invariants']} invariants broken.",
        *(f"{document['verdict']}: {reason}" for reason in document["reasons"]),
        *(f"Note: {note}." for note in document["notes"]),
        document["verdict"],
    ]


def _kills(document: Doc) -> str:
    if document["processes"] == 1:
        return f"{document['kills']} kills"
    of_processes = f"{document['kills']} kills of one of {document['processes']} processes"
    return f"{of_processes} and {document['server_kills']} of PostgreSQL"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--engine", choices=ENGINES, default=SQLITE, help="the database (default: %(default)s)")
    parser.add_argument(
        "--kills", type=whole(1, KILLS_MAX), default=None,
        help="how often the server is killed, or on PostgreSQL one of its two processes (default: 20, or 30)",
    )  # fmt: skip
    parser.add_argument(
        "--server-kills", type=whole(0, KILLS_MAX), default=None, help="how often PostgreSQL is killed (default: 10)"
    )
    parser.add_argument(
        "--seed", type=whole(0, 2**63 - 1), default=7, help="of the times of the kills and of the faults"
    )
    parser.add_argument("--no-faults", action="store_true", help="arm nothing")
    parser.add_argument(
        "--lossy",
        action="store_true",
        help="PostgreSQL does not wait for the disk: kills lose writes, so it must FAIL",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    if options.engine == SQLITE and (options.server_kills or options.lossy):
        parser.error("--server-kills and --lossy are about PostgreSQL: add --engine postgresql")
    return options


if __name__ == "__main__":
    sys.exit(main())
