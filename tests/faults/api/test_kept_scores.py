"""Scores are kept: who handed in, when, what was right. A student sees the counts of the own ones and no list."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mocklend.app import create_app
from mocklend.client import Client, ProblemError
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer
from mocklend.scorecard import scorecard
from mocklend.views.reads import cursor
from mocklend_faults.engine import kept_scores
from support.caller import Caller, Documented
from support.story import MONDAY_MS

LAG = "cache.bounded_stale"


def stale_loan(client: Client) -> str:
    """A loan whose status page lags behind its books."""
    client.arm(LAG)
    who = client.add_borrower("ada", "Ada")["id"]
    loan = str(client.borrow(who, 100_000, product_id="jiebei-like", reference="ada")["id"])
    client.settle(client.repay_quote(client.quote(loan), "wallet"))
    return loan


def test_each_score_is_kept_with_who_handed_in_the_newest_first(mocklend: Client) -> None:
    loan = stale_loan(mocklend)

    nothing = mocklend.score([], label="Group 7")
    right = mocklend.score([{"class": "stale_view", "entity": loan}], label="Group 8")

    page = mocklend.scores()
    assert [(each["id"], each["label"], each["verdict"]) for each in page["scores"]] == [
        ("scr_2", "Group 8", "PASS"),
        ("scr_1", "Group 7", "FAIL"),
    ]
    assert page["next_cursor"] is None
    assert (nothing["id"], right["id"]) == ("scr_1", "scr_2")
    last = page["scores"][0]
    assert {name: last[name] for name in ("demanded", "found", "missed", "false_positives", "wrong_class")} == {
        "demanded": 1, "found": 1, "missed": 0, "false_positives": 0, "wrong_class": 0,
    }  # fmt: skip
    assert (last["precision"], last["recall"], last["scored_at"]) == (1.0, 1.0, right["scored_at"])
    assert (page["scores"][1]["precision"], page["scores"][1]["recall"]) == (0.0, 0.0)


def test_a_kept_score_is_what_the_request_answered(mocklend: Client) -> None:
    loan = stale_loan(mocklend)
    answered = mocklend.score([{"class": "misapplied", "entity": loan}], label="Group 7")
    mocklend.advance("PT2H")  # The page has caught up: scored now, nothing would be demanded.

    kept = mocklend.kept_score(answered["id"])

    assert kept == answered
    [near] = kept["near"]
    assert (near["said"], near["actual"]) == ("misapplied", "stale_view")


def test_of_long_lists_the_first_items_are_kept_and_the_counts_of_all(mocklend: Client) -> None:
    findings = [{"class": "stale_view", "entity": f"loan_{n}"} for n in range(60)]

    kept = mocklend.kept_score(mocklend.score(findings)["id"])

    assert (kept["counts"]["false_positives"], len(kept["lists"]["false_positives"])) == (60, kept_scores.LISTED_MAX)
    assert kept["lists_cut"] == ["false_positives"]


def test_the_list_is_read_page_by_page_and_the_oldest_are_forgotten(
    mocklend: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_scores, "KEPT_MAX", 5)
    for _ in range(7):
        mocklend.score([])

    first = mocklend.scores(limit=3)
    second = mocklend.scores(limit=3, cursor=first["next_cursor"])

    assert [each["id"] for each in first["scores"]] == ["scr_7", "scr_6", "scr_5"]
    assert [each["id"] for each in second["scores"]] == ["scr_4", "scr_3"]
    assert second["next_cursor"] is None
    with pytest.raises(ProblemError, match="score_unknown"):
        mocklend.kept_score("scr_2")


@pytest.mark.parametrize("after", ["scr_0", "scr_x", "loan_1", "anything"])
def test_a_cursor_of_another_list_is_refused(mocklend: Client, after: str) -> None:
    mocklend.score([])

    with pytest.raises(ProblemError, match="cursor: expected a next_cursor of this list"):
        mocklend.scores(cursor=cursor("scores", after))


def test_a_score_that_is_kept_changes_neither_the_key_nor_another_score(mocklend: Client) -> None:
    loan = stale_loan(mocklend)
    before = mocklend.answer_key()

    one, other = (mocklend.score([{"class": "stale_view", "entity": loan}]) for _ in range(2))

    assert mocklend.answer_key() == before
    assert one | {"id": ""} == other | {"id": ""}
    assert mocklend.audit()["invariants"] == mocklend.audit()["invariants"]


def test_a_reset_forgets_the_scores(mocklend: Client) -> None:
    mocklend.score([])

    mocklend.reset()

    assert mocklend.scores()["scores"] == []
    assert mocklend.score([])["id"] == "scr_1"


class Exam:
    """Off loopback: a sandbox whose truth is hidden, a student with its key, and a teacher."""

    def __init__(self, platform: Platform, *, truth: str) -> None:
        settings = Settings(host="0.0.0.0", control_token="the-control-token")
        app = create_app(settings, platform)
        documented = Documented(app)
        self.platform = platform
        self.sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS, truth=truth, label="Group 7")
        self.student, self.teacher = (Caller(app, documented, self.sandbox.api_key) for _ in range(2))
        self.teacher.headers = {**self.teacher.headers, "X-Mocklend-Control": "the-control-token"}
        self.teacher.made(self.teacher.call("PUT", "/-/rules/lag", json={"fault": LAG}))
        self.loan = self.teacher.borrow()["id"]
        self.teacher.repay(self.loan, 1_000)
        self.teacher.wait("PT1M")


@pytest.mark.security
def test_a_student_hands_in_with_the_key_alone_and_sees_the_counts(open_platform: Callable[..., Platform]) -> None:
    exam = Exam(open_platform(find_layer()), truth="hidden")

    own = exam.student.made(
        exam.student.post("/-/scores", {"findings": [{"class": "misapplied", "entity": exam.loan}]})
    )

    again = exam.student.made(exam.student.get(f"/-/scores/{own['id']}"))
    assert own == again
    assert (own["label"], own["counts"]["demanded"], own["counts"]["wrong_class"]) == ("Group 7", 1, 1)
    assert (own["lists"], own["near"], own["by_class"], own["reasons"]) == ({}, [], {}, [])
    [listed] = exam.student.made(exam.student.get("/-/scores"))["scores"]
    assert (listed["found"], listed["missed"]) == (0, 1)
    full = exam.teacher.made(exam.teacher.get(f"/-/scores/{own['id']}"))
    assert [near["actual"] for near in full["near"]] == ["stale_view"]


@pytest.mark.security
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("thresholds", {"precision_min": None, "recall_min": None, "silent_rules_max": None}),
        ("thresholds", {"harmful_repairs_max": 1}),
        ("window", {"to": "2026-01-05T00:00:00Z"}),
        ("min_visible_s", 0),
        ("checked_at", []),
        ("operators", []),
    ],
)
def test_what_is_demanded_is_the_teachers(open_platform: Callable[..., Platform], name: str, value: object) -> None:
    exam = Exam(open_platform(find_layer()), truth="hidden")
    body = {"findings": [], name: value}

    refused = exam.student.post("/-/scores", body)

    exam.student.problem(refused, 403, "truth_hidden")
    assert f"`{name}`" in refused.get_json()["detail"]
    assert exam.teacher.made(exam.teacher.get("/-/scores"))["scores"] == []
    exam.teacher.made(exam.teacher.post("/-/scores", body))


@pytest.mark.security
def test_in_the_console_what_is_demanded_is_the_teachers_too(open_platform: Callable[..., Platform]) -> None:
    exam = Exam(open_platform(find_layer()), truth="hidden")
    student = create_app(Settings(host="0.0.0.0"), exam.platform).test_client()
    student.post("/console/sign-in", data={"secret": exam.sandbox.api_key})
    page = f"/console/{exam.sandbox.id}/score"
    pasted = {"findings": [], "thresholds": {"recall_min": None, "silent_rules_max": None}}

    refused = student.post(page, data={"findings": json.dumps(pasted)})

    assert refused.status_code == 403
    assert "`thresholds`" in refused.text
    assert student.post(page, data={"findings": "[]"}).status_code == 200
    assert exam.teacher.made(exam.teacher.call("PATCH", f"/-/sandboxes/{exam.sandbox.id}", json={"truth": "revealed"}))
    assert student.post(page, data={"findings": json.dumps(pasted)}).status_code == 200, "it is practice now"


@pytest.mark.security
def test_a_student_sees_neither_money_nor_times_and_leaves_the_lists_to_the_teacher(
    open_platform: Callable[..., Platform],
) -> None:
    exam = Exam(open_platform(find_layer()), truth="hidden")
    usual = {"thresholds": {"precision_min": 1.0, "recall_min": 1.0}, "window": {}, "listed_max": 0}
    found = {"findings": [{"class": "stale_view", "entity": exam.loan}], **usual}

    own = exam.student.made(exam.student.post("/-/scores", found))

    full = exam.teacher.made(exam.teacher.get(f"/-/scores/{own['id']}"))
    for name in ("money", "time_to_detect_s", "time_to_repair_s", "borrower_harm"):
        assert (own[name], bool(full[name])) == ({}, True), name
    assert own["verdict"] == "PASS"
    assert len(full["lists"]["true_positives"]) == own["counts"]["true_positives"] == 1
    lines = scorecard(own)
    assert lines[0].startswith("PASS")
    assert not [line for line in lines if "money" in line or "borrowers" in line]


@pytest.mark.security
@pytest.mark.parametrize(("method", "path"), [("POST", "/-/scores"), ("GET", "/-/scores"), ("GET", "/-/scores/scr_1")])
def test_with_the_truth_shown_or_without_a_key_scores_need_the_control_token(
    open_platform: Callable[..., Platform], method: str, path: str
) -> None:
    platform = open_platform(find_layer())
    exam, shown = Exam(platform, truth="hidden"), Exam(platform, truth="shown")
    body: dict[str, list[object]] | None = {"findings": []} if method == "POST" else None

    shown.student.problem(shown.student.call(method, path, json=body), 401, "credential_missing")
    exam.student.headers = {}
    exam.student.problem(exam.student.call(method, path, json=body), 401, "credential_missing")
    exam.student.headers = {"Authorization": "Bearer mk_wrong"}
    exam.student.problem(exam.student.call(method, path, json=body), 401, "credential_invalid")


@pytest.mark.security
def test_a_student_reads_the_counts_on_the_command_line(open_platform: Callable[..., Platform]) -> None:
    exam = Exam(open_platform(find_layer()), truth="hidden")
    finding = {"class": "misapplied", "entity": exam.loan}

    lines = scorecard(exam.student.made(exam.student.post("/-/scores", {"findings": [finding]})))

    assert lines[0].startswith("FAIL  at ")
    assert exam.loan not in "\n".join(lines)
