"""The chain of a loan's views: a lie shows first where it began, is passed on below, and ends with its repair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from mocklend.api.request_context import EXTENSION
from mocklend.audit import subjects
from mocklend.audit.chain import said_of, traced_loan, views_of
from mocklend.audit.chain.answers import ASKED
from mocklend.audit.chain.docs import SaidDoc, View
from mocklend.audit.chain.edges import IN_ORDER, edge_of
from mocklend.client import Client, Doc, ProblemError, numbered_keys
from mocklend.runtime import Platform
from mocklend.scenarios.narrator import Narrator
from mocklend.scenarios.telling import tell_chapters
from mocklend.scenarios.text import scenarios
from mocklend.seams import SEAMS
from mocklend.seams.edges import Edge
from mocklend.testing import _LOCAL
from mocklend_faults.engine.catalogue import installed
from support import paired_runs
from support.chain_edges import AFTER
from support.sql import Unguarded
from support.story import Story

CHECKED = ("view", "about", "status", "outstanding_minor", "overdue_minor", "paid_minor", "version", "as_of", "mark")
"""The fields of a row that the story below is checked by."""


def chain_of(client: Client, loan_id: str) -> Doc:
    """A loan's views."""
    return client.request(method="GET", path=f"/-/loans/{loan_id}/views")


class Watcher(Narrator):
    """Looks at the chain of the sandbox's first loan after each chapter of a story."""

    def __init__(self) -> None:
        super().__init__(None)
        self.chains: list[Doc] = []

    def scene(self, title: str, story: str) -> None:
        self.look()
        super().scene(title, story)

    def look(self) -> None:
        for loan in self.client.loans()["loans"]:
            self.chains.append(chain_of(self.client, loan["id"]))


@pytest.fixture(scope="module")
def chapters(mocklend_server: str) -> list[Doc]:
    """The chain after each chapter of `settled-shown-unpaid`."""
    scenario = scenarios()["settled-shown-unpaid"]
    watcher = Watcher()
    with Client(mocklend_server) as anyone:
        client = watcher.client = anyone.sandbox(seed=scenario.seed, now=scenario.starts)
    client.on_exchange, client.next_key = watcher.hear, numbered_keys()
    tell_chapters(watcher, scenario)
    watcher.look()
    client.close()
    return watcher.chains


def test_at_its_height_the_lie_is_between_channel_and_books_and_everything_below_repeats_it(
    chapters: list[Doc],
) -> None:
    chain = chapters[2]

    assert [tuple(row[name] for name in CHECKED) for row in chain["rows"]] == [
        ("world", None, "CLEAR", 0, 0, 100_450, None, "2026-01-15T02:10:00.000Z", "agrees"),
        ("channel", "bill_pay", "SUCCESS", None, None, 100_450, None, "2026-01-15T02:10:00.000Z", "agrees"),
        ("console", "receipt", "UNAPPLIED", None, None, 100_450, None, "2026-01-15T02:10:00.000Z", "first_wrong"),
        ("books", None, "OVD", 102_703, 18_325, 0, 3, "2026-03-09T02:10:00.000Z", "passes_on"),
        ("page", None, "OVD", 102_703, 18_325, 0, 3, "2026-03-05T16:00:00.000Z", "passes_on"),
        ("list", None, "OVD", 102_703, 18_325, 0, 3, "2026-03-05T16:00:00.000Z", "passes_on"),
        ("instalments", None, None, 102_703, 18_325, 0, 3, "2026-03-05T16:00:00.000Z", "passes_on"),
        ("report", "ATTENTION", "OVD", 101_395, 9_090, None, 4, "2026-02-28T15:59:59.999Z", "passes_on"),
        ("score", None, "616", None, None, None, None, "2026-03-05T16:00:00.000Z", "passes_on"),
        ("lender", "Harbour Bank", "REFUSED", 101_395, 9_090, None, 4, "2026-03-09T02:10:00.000Z", "passes_on"),
        ("statement", "bill_pay", "READY", None, None, None, None, "2026-01-16T01:00:00.000Z", "agrees"),
    ]
    [first] = [row for row in chain["rows"] if row["mark"] == "first_wrong"]
    [score] = [row for row in chain["rows"] if row["view"] == "score"]
    assert (first["wrong_days"], first["symptom"], score["status_before"]) == (53, "a receipt that is UNAPPLIED", "700")
    assert {row["injection"] for row in chain["rows"] if row["mark"] != "agrees"} == {first["injection"]}


def test_the_break_names_the_fault_its_rule_and_what_it_changed(chapters: list[Doc]) -> None:
    chain = chapters[2]

    assert [edge["edge"] for edge in chain["breaks"]] == [edge.value for edge in IN_ORDER]
    [broken] = [edge for edge in chain["breaks"] if edge["injections"]]
    [injection] = broken["injections"]
    assert (broken["edge"], broken["after"]) == ("channel_to_books", "console")
    assert (injection["fault"], injection["rule"], injection["seam"], injection["at"]) == (
        "channel.unrecognised", "lost-reference", "payment.reference", "2026-01-15T02:10:00.000Z",
    )  # fmt: skip
    assert injection["changes"] == [{"field": "reference", "before": chain["loan_id"], "after": ""}]


def test_the_explanation_goes_from_the_page_up_to_the_rule_and_the_remedy_can_be_carried_out(
    chapters: list[Doc],
) -> None:
    chain = chapters[2]

    assert chain["sentence"]["text"] == "Paid off on 2026-01-15; 53 days later the page still says OVD."
    assert chain["cause"]["text"] == "1,004.50 arrived, but on no loan: its reference names none."
    assert [step["code"] for step in chain["because"]] == [
        "page_shows_books", "books_differ", "unidentified", "injected_field",
    ]  # fmt: skip
    [remedy] = chain["remedy"]
    [receipt] = [row["id"] for row in chain["rows"] if row["view"] == "console"]
    assert remedy["operations"] == [
        {
            "operation": "matchReceipt",
            "method": "POST",
            "path": f"/operator/receipts/{receipt}/match",
            "body": {"loan_id": chain["loan_id"]},
        }
    ]


def test_once_corrected_the_copies_are_on_their_way_and_in_the_end_every_view_agrees(chapters: list[Doc]) -> None:
    corrected, in_the_end = chapters[3], chapters[4]

    assert {row["view"] for row in corrected["rows"] if row["mark"] == "in_transit"} == {
        "payout", "report", "score", "lender",
    }  # fmt: skip
    assert (corrected["verdict"], corrected["sentence"]["code"]) == ("in_transit", "on_its_way")
    assert {row["mark"] for row in in_the_end["rows"]} == {"agrees"}
    assert (in_the_end["verdict"], in_the_end["because"], in_the_end["remedy"]) == ("agrees", [], [])
    assert in_the_end["sentence"]["text"] == "All views agree."


# --- every kind of fault ---

AT_THE_CLIENT = {kind for kind, fault in installed().items() if set(fault.seams()) == {"api.answer"}}
"""Kinds whose injection is a single answer: it is over at once, and the next answer is right."""


def chains_of(run: paired_runs.StoryRun) -> list[Doc]:
    """The chains of the loans of a lesson."""
    return [chain_of(run.client, loan_id) for loan_id in run.loans]


class Told(NamedTuple):
    """A kind of fault, the chains of its lesson's loans with the fault and repaired, and what looking changed.

    `said` is what their views say with the fault, and `said_blindly` the same read without the world.
    """

    fault: str
    faulty: list[Doc]
    said: list[list[SaidDoc]]
    said_blindly: list[list[SaidDoc]]
    repaired: list[Doc]
    before: tuple[Doc, Doc]
    after: tuple[Doc, Doc]


@pytest.fixture(scope="module")
def served(request: pytest.FixtureRequest, mocklend_server: str) -> Platform:
    """The platform that the server of this process serves."""
    platform: Platform = request.config.stash[_LOCAL].app.extensions[EXTENSION].platform
    return platform


@pytest.fixture(scope="module", params=sorted(installed()))
def lesson(request: pytest.FixtureRequest, mocklend_server: str, served: Platform) -> Iterator[Told]:
    """The lesson of each kind. All tests of one come after each other: a process tells it once."""
    fault: str = request.param
    told = paired_runs.lesson_of(fault)
    with paired_runs.story_run(mocklend_server, **told.sandbox) as run:
        run.client.add_webhook_endpoint("http://127.0.0.1:9/nobody")  # What a client is told is a row of the chain.
        run.client.arm(fault, rule_id="lesson", match=told.match, select=told.select, **told.settings)
        told.story(run)
        run.views()  # Statements and scores are made when somebody asks for them.
        before = (run.client.answer_key(), run.client.rules())
        faulty = chains_of(run)
        with served.snapshot(str(run.client.sandbox_id)) as snapshot:
            said = [said_of(snapshot, loan_id) for loan_id in run.loans]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(subjects, "world_facts_by_loan", lambda *_: {})
                patch.setattr(subjects, "loans_in_the_world", lambda *_: set())
                said_blindly = [said_of(snapshot, loan_id) for loan_id in run.loans]
        after = (run.client.answer_key(), run.client.rules())
        run.client.halt()
        told.repair(run)
        yield Told(fault, faulty, said, said_blindly, chains_of(run), before, after)


def test_each_kind_shows_first_at_the_edge_of_its_seam(lesson: Told) -> None:
    fault, faulty = lesson.fault, lesson.faulty
    edges = {edge_of(seam) for seam in installed()[fault].seams()}
    broken = [edge for chain in faulty for edge in chain["breaks"] if edge["injections"]]

    assert {edge["edge"] for edge in broken} <= edges
    assert broken
    if fault in AT_THE_CLIENT:
        elsewhere = [row for chain in faulty for row in chain["rows"] if row["view"] not in (View.WEBHOOK, View.CLIENT)]
        assert {row["mark"] for row in elsewhere} == {"agrees"}
    first = [row for chain in faulty for row in chain["rows"] if row["mark"] == "first_wrong"]
    assert first
    assert {row["view"] for row in first} <= {view for edge in edges for view in AFTER[edge]}
    assert {edge["after"] for edge in broken} - {None} <= {row["view"] for row in first}


def test_each_wrong_row_of_each_kind_is_explained(lesson: Told) -> None:
    for chain in (*lesson.faulty, *lesson.repaired):
        assert [row for row in chain["rows"] if row["mark"] == "unexplained"] == []
    now = [row for chain in lesson.repaired for row in chain["rows"] if row["wrong_days"] is not None]
    assert [row for row in now if row["mark"] == "first_wrong"] == []


def test_looking_at_the_chain_changes_neither_key_nor_counters(lesson: Told) -> None:
    assert lesson.before == lesson.after


def test_what_the_views_say_is_said_without_the_world(lesson: Told) -> None:
    assert lesson.said == lesson.said_blindly
    for chain, said in zip(lesson.faulty, lesson.said, strict=True):
        shown = {(row["view"], row["id"]): row for row in chain["rows"]}
        assert {"world", "client"}.isdisjoint(each["view"] for each in said)
        assert {"books", "page"} <= {each["view"] for each in said}
        for each in said:
            row = shown[each["view"], each["id"]]
            if each["view"] != View.STATEMENT:
                assert each == {name: row[name] for name in each}


def test_money_is_said_of_a_loan_once_the_platform_has_it_there(mocklend: Client, served: Platform) -> None:
    mocklend.arm("channel.unrecognised", rule_id="lost-reference")
    loan_id = mocklend.borrow(mocklend.add_borrower("ada", "Ada")["id"], 100_000, product_id="jiebei-like")["id"]
    mocklend.pay_at_channel("bill_pay", 100_000, payer_name="Ada", payer_reference=loan_id, type="CLEAR")
    mocklend.advance("P1D")

    def said() -> list[tuple[str, str | None, int | None]]:
        with served.snapshot(str(mocklend.sandbox_id)) as snapshot:
            rows = said_of(snapshot, loan_id)
        return [
            (row["view"], row["status"], row["paid_minor"]) for row in rows if row["view"] in ("channel", "console")
        ]

    assert said() == []
    [receipt] = mocklend.receipts()["receipts"]
    mocklend.match_receipt(receipt["id"], loan_id, operator="lee", memo="her payslip")
    assert said() == [("channel", "SUCCESS", 100_000), ("console", "APPLIED", 100_000)]


def test_every_edge_is_in_the_chain_and_a_seam_that_is_gone_counts_as_the_clients() -> None:
    assert set(IN_ORDER) == set(Edge)
    assert set(IN_ORDER) == {edge_of(seam) for seam in SEAMS}
    assert edge_of("a.seam.of.another.package") == Edge.CLIENT


# --- what a client is told ---


def webhook_rows(client: Client, loan_id: str) -> list[tuple[str, str, str, int]]:
    """Event, status, mark and version of each row of the view."""
    rows = [row for row in chain_of(client, loan_id)["rows"] if row["view"] == View.WEBHOOK]
    return [(row["about"], row["status"], row["mark"], row["version"]) for row in rows]


def test_the_newest_message_about_its_status_is_a_row_of_the_chain(mocklend: Client) -> None:
    mocklend.add_webhook_endpoint("http://127.0.0.1:9/nobody")
    mocklend.add_webhook_endpoint("http://127.0.0.1:9/some", events=["loan.disbursed"])
    ada = mocklend.add_borrower("ada", "Ada")
    loan_id = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")["id"]
    told = webhook_rows(mocklend, loan_id)
    mocklend.repay_quote(mocklend.quote(loan_id), "wallet")
    mocklend.advance("PT1H")

    assert told == [("loan.disbursed", "USING", "in_transit", 1)]
    assert webhook_rows(mocklend, loan_id) == [("loan.cleared", "CLEAR", "in_transit", 2)]


def test_a_message_that_says_what_wrong_books_say_passes_it_on(mocklend: Client) -> None:
    mocklend.add_webhook_endpoint("http://127.0.0.1:9/nobody")
    mocklend.arm("channel.unrecognised", rule_id="lost-reference")
    ada = mocklend.add_borrower("ada", "Ada")
    loan_id = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")["id"]
    owed = mocklend.quote(loan_id)["total_minor"]
    mocklend.pay_at_channel("bill_pay", owed, payer_name="Ada", payer_reference=loan_id, type="CLEAR")
    mocklend.advance("P40D")

    assert webhook_rows(mocklend, loan_id) == [("loan.overdue", "OVD", "passes_on", 2)]


# --- bugs of the platform ---


@pytest.mark.parametrize(
    ("sql", "view"),
    [
        ("UPDATE loan_views SET doc = replace(doc, '\"paid_minor\":9500', '\"paid_minor\":9400')", "page"),
        ("UPDATE loans SET state = replace(state, '9500', '9501')", "books"),
        ("UPDATE loans SET status = 'CLEAR'", "books"),
        ("DELETE FROM loan_views", "page"),
    ],
)
def test_what_no_fault_explains_is_a_bug_of_the_platform(story: Story, raw: Unguarded, sql: str, view: str) -> None:
    loan_id = story.borrow()
    story.repay(loan_id, 9_500)
    with story.platform.snapshot(story.sandbox_id) as snapshot:
        assert views_of(traced_loan(snapshot, None, loan_id))["verdict"] == "agrees"

    assert raw(sql) > 0

    with story.platform.snapshot(story.sandbox_id) as snapshot:
        chain = views_of(traced_loan(snapshot, None, loan_id))
    assert view in [row["view"] for row in chain["rows"] if row["mark"] == "unexplained"]
    assert (chain["verdict"], chain["sentence"]["code"]) == ("unexplained", "unexplained")
    assert "no_fault" in [step["code"] for step in chain["because"]]


def test_a_loan_that_there_is_not_is_refused(mocklend: Client) -> None:
    with pytest.raises(ProblemError, match="loan_unknown"):
        chain_of(mocklend, "loan_x")


def test_money_that_is_merely_on_its_way_is_no_lie(mocklend: Client) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")
    mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet")

    chain = chain_of(mocklend, loan["id"])

    assert [(row["view"], row["status"]) for row in chain["rows"] if row["mark"] == "in_transit"] == [
        ("channel", "CREATED"), ("repayment", "PROCESSING"),
    ]  # fmt: skip
    assert chain["verdict"] == "in_transit"


# --- what a client gets now ---


def answers_of(client: Client, loan_id: str) -> dict[str, Doc]:
    """What a client gets instead of each view."""
    return {row["view"]: row["answer"] for row in chain_of(client, loan_id)["rows"] if row["answer"] is not None}


def test_during_a_full_outage_a_client_gets_a_503_instead_of_every_view(mocklend: Client) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")["id"]
    assert answers_of(mocklend, loan) == {}

    mocklend.arm("outage.full", rule_id="down")
    before = (mocklend.answer_key(), mocklend.rules())
    answers = answers_of(mocklend, loan)

    assert {"books", "page", "list", "instalments"} <= set(answers)
    assert answers["page"] == {
        "status": 503, "code": "unavailable", "broken": "none", "delay_ms": 0, "percent": 100, "rules": ["down"],
    }  # fmt: skip
    assert (mocklend.answer_key(), mocklend.rules()) == before
    with pytest.raises(ProblemError, match="unavailable"):
        mocklend.loan(loan)

    mocklend.halt()

    assert answers_of(mocklend, loan) == {}


@pytest.mark.parametrize(
    ("fault", "settings", "page"),
    [
        ("outage.brownout", {"errors_percent": 20, "delay_ms": 1}, (503, "none", 1, 20)),
        ("outage.brownout", {"errors_percent": 0, "delay_ms": 7}, (200, "none", 7, 100)),
        ("transport.latency", {"delay_ms": 9}, (200, "none", 9, 100)),
        ("transport.truncated", {}, (200, "truncated", 0, 100)),
        ("outage.write_only", {}, None),
        ("outage.dependency", {}, None),
    ],
)
def test_other_faults_of_the_answer_say_what_and_how_often(
    mocklend: Client, fault: str, settings: Doc, page: tuple[object, ...] | None
) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")["id"]

    mocklend.arm(fault, rule_id="rule", **settings)
    answer = answers_of(mocklend, loan).get("page")

    assert page == (answer and tuple(answer[name] for name in ("status", "broken", "delay_ms", "percent")))


def test_each_view_is_asked_for_by_its_operation(mocklend: Client) -> None:
    paths = mocklend.request(method="GET", path="/openapi.json")["paths"]

    for operation, path in ASKED.values():
        assert paths[path]["get"]["operationId"] == operation


def test_a_wrong_answer_stands_under_the_break_of_the_client_and_is_over(mocklend: Client) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")["id"]
    mocklend.arm("outage.full", rule_id="down", select={"times": 2})
    for _ in range(2):
        with pytest.raises(ProblemError, match="unavailable"):
            mocklend.loan(loan)

    chain = chain_of(mocklend, loan)

    rows = [row for row in chain["rows"] if row["view"] == "client"]
    [edge] = [edge for edge in chain["breaks"] if edge["injections"]]
    assert [(row["mark"], row["status"], row["wrong_days"]) for row in rows] == [
        ("first_wrong", "unavailable", None)
    ] * 2
    assert (edge["edge"], edge["after"]) == ("client", "client")
    assert [row["injection"] for row in rows] == [injection["id"] for injection in edge["injections"]]
    assert (chain["verdict"], chain["sentence"]["code"]) == ("agrees", "answer_was_wrong")
    [remedy] = chain["remedy"]
    assert remedy["action"].startswith("Repeat later")
    assert (remedy["operations"], remedy["ends_at"]) == ([], None)
