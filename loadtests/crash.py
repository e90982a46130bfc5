"""Kill the server under load repeatedly, and report which writes were lost or doubled.

        clients: borrow, repay, edit ──▶ log each acknowledged answer; repeat unanswered requests with the same key
        killer:  a time from the seed ──▶ SIGKILL ──▶ start on the same database ──▶ audit ──▶ clients continue
        in the end: everything settles; each acknowledged and each repeated request is on the books exactly once

With `--json` standard output holds one document and nothing else.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import judge
from crash_checks import carried_over, lost_and_doubled, missing_and_extra, not_at_the_channel, stuck_callbacks
from crash_clients import CrashClient, Ledger, ServerAddress
from rest import come_to_rest
from server import Server, ServerFailed
from tool import Failed, concluded, say, whole
from webhook_receiver import WebhookReceiver, open_webhook_receiver

from mocklend.client import Doc, ProblemError
from mocklend.exit_codes import ExitCode

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
EPOCH_S = (0.1, 2.5)
"""How many seconds after an epoch's first answers the kill comes: (minimum, maximum)."""
AT_AN_ANSWER = 0.5
"""The share of kills right after an answer: other commands of the same commit are then likely still unanswered."""
REST_WITHIN_S = 60
DELIVERED_WITHIN_S = 20
KILLS_MAX = 1_000
KINDS = ("loan", "repayment", "edit")


@dataclass(slots=True)
class FinalState:
    """The final state of the platform over the API, and the webhooks that were not delivered."""

    listed: dict[str, list[Doc]]
    journal: dict[str, list[Doc]]
    loans: list[str]
    edits: list[str]
    callbacks: list[Doc]
    trades: list[Doc]
    now: str
    receipts: list[str] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)


def run(kills: int, seed: int, faults: bool, folder: Path) -> Doc:
    """Run the crash test. Returns the verdict and the figures as one document."""
    began = time.monotonic()
    with open_webhook_receiver() as (webhook_receiver, address):
        ledger, state, evidence, restarts = _crash(kills, seed, faults, folder, webhook_receiver, address)
    document = conclude(kills, ledger, state, evidence, restarts)
    return {**document, "seed": seed, "seconds": round(time.monotonic() - began, 1)}


def _crash(
    kills: int, seed: int, faults: bool, folder: Path, webhook_receiver: WebhookReceiver, address: str
) -> tuple[Ledger, FinalState, judge.Evidence, list[str]]:
    from mocklend.client import Client

    database, log = str(folder / "mocklend.db"), folder / "server.log"
    server_address, ledger, chance = ServerAddress(), Ledger(), random.Random(f"{seed}:kills")
    say("starting a server")
    server = Server(database, log)
    try:
        with Client(server.url) as anyone:
            layer = bool(anyone.health()["layer"])
            client = anyone.sandbox(seed=seed, clock="wall", now=STARTS_AT, speed=SPEED)
        client.timeout_s = 120
        webhook_receiver.secret = client.add_webhook_endpoint(address, ["loan.disbursed", "loan.edited"])["secret"]
        kinds = {kind["id"] for kind in client.faults()["faults"]} if layer and faults else set()
        armed = [fault for fault in FAULTS if fault in kinds]
        for fault in armed:
            client.arm(fault, probability=PROBABILITY)
        say(f"faults at p = {PROBABILITY}: {', '.join(armed) or 'none'}")
        delays_s = {channel["id"]: channel["settle_delay_s"] for channel in client.channels()["channels"]}
        api_key = client.api_key or ""
        clients = [CrashClient(n, seed, api_key, server_address, ledger, sorted(delays_s)) for n in range(CLIENTS)]
        audits: list[Doc] = []
        restarts: list[str] = []
        under_load = time.monotonic()
        with ThreadPoolExecutor(CLIENTS, thread_name_prefix="payer") as pool:
            working = [pool.submit(payer.work) for payer in clients]
            try:
                server_address.open(server.url)
                for nth in range(1, kills + 1):
                    server_address.wait_for_answers(CLIENTS)
                    time.sleep(chance.uniform(*EPOCH_S))
                    if chance.random() < AT_AN_ANSWER:
                        server_address.wait_for_an_answer()
                    server.kill()
                    server_address.shut()
                    server = _restart(database, log, nth)
                    client.base_url = server.url
                    restarts.append(client.clock()["now"])
                    audits.append(client.audit())
                    say(f"kill {nth} of {kills}: {len(ledger.acknowledged('repayment'))} repayments acknowledged")
                    server_address.open(server.url)
                server_address.wait_for_answers(CLIENTS)
            finally:
                server_address.close()
            for future in working:
                future.result()
        load_s = time.monotonic() - under_load
        say("letting everything settle")
        time.sleep(max(delays_s.values()) / SPEED + 0.5)
        _repair(client, ledger)
        rest = come_to_rest(client, layer=layer, within_s=REST_WITHIN_S)
        state = _final_state(client, ledger, rest.audit)
        state.undelivered = _undelivered(webhook_receiver, ledger)
        client.close()
        exit_code = server.stop()
    except BaseException:
        server_address.close()
        server.kill()
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
    return ledger, state, evidence, restarts


def _restart(database: str, log: Path, nth: int) -> Server:
    try:
        return Server(database, log)
    except ServerFailed as failure:
        raise Failed(f"after kill {nth} the server did not start on its database: {failure}") from failure


def _repair(client: Any, ledger: Ledger) -> None:
    """Query the channel for each order that is still open, as a reconciler does about callbacks that never came."""
    for loan in ledger.acknowledged("loan"):
        assert loan.answer is not None
        for doc in _pages(client.repayments, "repayments", loan.answer["id"]):
            if doc["status"] == "PROCESSING":
                _once_paid(client.query_repayment, doc["id"], key=f"repair-{doc['id']}")
    there = set(_receipts(client))
    for payment in ledger.acknowledged("payment"):
        assert payment.answer is not None
        channel, number = payment.answer["channel"], payment.answer["out_trade_no"]
        if number not in there:
            _once_paid(client.query_payment, channel, number, key=f"repair-{number}")


def _once_paid(query: Callable[..., object], *of: str, key: str) -> None:
    """Query the channel, again and again until it has settled: on a busy machine that takes longer than its delay."""
    until = time.monotonic() + REST_WITHIN_S
    for attempt in itertools.count(1):
        try:
            query(*of, operator="op-repair", idempotency_key=f"{key}-{attempt}")  # A refusal is kept under its key.
            return
        except ProblemError as problem:
            if problem.code != "trade_not_paid" or time.monotonic() > until:
                raise
        time.sleep(0.2)


def _receipts(client: Any) -> Iterator[str]:
    """The order number of every push payment that the books have, applied or not."""
    for doc in _pages(lambda state, **page: client.receipts(state=state, **page), "receipts", None):
        yield doc["out_trade_no"]


def _final_state(client: Any, ledger: Ledger, audit: Doc) -> FinalState:
    """Read the final state over the API."""
    loan_ids = [request.answer["id"] for request in ledger.acknowledged("loan") if request.answer]
    borrowers = sorted({request.body["borrower_id"] for request in ledger.requests if request.kind == "loan"})
    listed = {id: list(_pages(client.repayments, "repayments", id)) for id in loan_ids}
    orders = [doc for docs in listed.values() for doc in docs]

    def transactions(loan_id: str, **page: Any) -> Doc:
        answer: Doc = client.transactions(loan_id=loan_id, **page)
        return answer

    return FinalState(
        listed=listed,
        journal={id: list(_pages(transactions, "transactions", id)) for id in loan_ids},
        loans=[doc["id"] for borrower in borrowers for doc in client.loans(borrower_id=borrower, limit=500)["loans"]],
        edits=[doc["id"] for id in loan_ids for doc in client.edits(id)["edits"] if doc["operator"] != "operations"],
        callbacks=[client.callback(doc["channel"], doc["out_trade_no"]) for doc in orders],
        trades=[client.trade(doc["channel"], doc["out_trade_no"]) for doc in orders],
        now=audit["now"],
        receipts=list(_receipts(client)),
    )


def _undelivered(webhook_receiver: WebhookReceiver, ledger: Ledger) -> list[str]:
    """The acknowledged loans and edits without a delivered webhook after DELIVERED_WITHIN_S."""
    until = time.monotonic() + DELIVERED_WITHIN_S
    ids = {kind: [request.answer["id"] for request in ledger.acknowledged(kind) if request.answer] for kind in KINDS}
    while True:
        missing = webhook_receiver.missing("loan.disbursed", ids["loan"]) + webhook_receiver.missing(
            "loan.edited", ids["edit"]
        )
        if not missing or time.monotonic() > until:
            return missing
        time.sleep(0.2)


def _pages(ask: Any, name: str, id: str | None) -> Iterator[Doc]:
    cursor: str | None = None
    while True:
        page = ask(id, limit=500, cursor=cursor)
        yield from page[name]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def conclude(kills: int, ledger: Ledger, state: FinalState, evidence: judge.Evidence, restarts: Sequence[str]) -> Doc:
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
    over = carried_over((doc for docs in state.listed.values() for doc in docs), restarts)
    in_doubt = [request for request in ledger.requests if request.in_doubt]
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
    if not over:
        verdict.inconclusive("no repayment was in transit at any kill")
    return {
        "verdict": verdict.outcome,
        "reasons": verdict.reasons,
        "notes": verdict.notes,
        "kills": kills,
        "acknowledged": len(answers["repayment"]),
        "acknowledged_loans": len(answers["loan"]),
        "acknowledged_edits": len(answers["edit"]),
        "acknowledged_payments": len(pushed),
        "lost": len(lost),
        "doubled": len(doubled),
        "in_doubt": len(in_doubt),
        "in_doubt_had_happened": sum(request.had_happened for request in in_doubt),
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
        document = run(options.kills, options.seed, not options.no_faults, Path(folder))
    if options.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print("\n".join(sentences(document)))
    return ExitCode[document["verdict"]]


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
    return [
        f"{document['kills']} kills in {document['seconds']} s, seed {document['seed']}.",
        acknowledged + f"{document['lost']} lost, {document['doubled']} doubled.",
        f"{document['in_doubt']} requests were in doubt; {document['in_doubt_had_happened']} of them were carried out.",
        over
        + f"{document['callbacks_stuck']} callbacks stuck, {document['webhooks_undelivered']} webhooks not delivered.",
        f"{document['injections']} injections" + (f": {by_fault}." if by_fault else "."),
        audits + f"{len(document['broken_invariants'])} of {document['invariants']} invariants broken.",
        *(f"{document['verdict']}: {reason}" for reason in document["reasons"]),
        *(f"Note: {note}." for note in document["notes"]),
        document["verdict"],
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--kills", type=whole(1, KILLS_MAX), default=20, help="how often (default: %(default)s)")
    parser.add_argument(
        "--seed", type=whole(0, 2**63 - 1), default=7, help="of the times of the kills and of the faults"
    )
    parser.add_argument("--no-faults", action="store_true", help="arm nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
