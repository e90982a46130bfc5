"""A sandbox whose truth is hidden: its key alone opens no answer that names a fault, a rule or an injection."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer
from mocklend_faults.engine.catalogue import installed
from support.caller import Caller, Documented
from support.story import MONDAY_MS

pytestmark = pytest.mark.security

RULES = {
    "rule-of-lag": {"fault": "cache.bounded_stale", "with": {"lag_s": 3_600}},
    "rule-of-loss": {"fault": "callback.dropped"},
}
OPEN = {
    "/-/health", "/-/clock", "/-/summary", "/-/loans", "/-/scores", "/-/scores/<id:score_id>",
    "/-/reports", "/-/reports/<id:report_id>",
    "/-/sandboxes", "/-/sandboxes/<id:id>",
}  # fmt: skip


class Class:
    """A teacher with the control token, and a student with the sandbox's key, on loopback."""

    def __init__(self, platform: Platform, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self.app = create_app(settings, platform)
        documented = Documented(self.app)
        self.sandbox = platform.create_sandbox(seed=7, mode="manual", now_ms=MONDAY_MS)
        self.student = Caller(self.app, documented, self.sandbox.api_key)
        self.teacher = Caller(self.app, documented, self.sandbox.api_key)
        self.teacher.headers = {**self.teacher.headers, "X-Mocklend-Control": settings.control_token}
        self.documented = documented
        for id, rule in RULES.items():
            self.teacher.made(self.teacher.call("PUT", f"/-/rules/{id}", json=rule))
        self.loans = [self.student.borrow(reference=f"loan-{n}")["id"] for n in range(2)]
        self.repayments = [self.student.repay(loan_id, 1_000)["id"] for loan_id in self.loans]
        self.teacher.wait("PT1M")

    def other(self) -> Caller:
        """Somebody with the key of another sandbox of the server, which shows its truth."""
        made = self.teacher.made(self.teacher.post("/-/sandboxes", {"seed": 1}))
        return Caller(self.app, self.documented, made["api_key"])

    def truth(self, shown: str) -> None:
        """The teacher hides or shows the truth."""
        path = f"/-/sandboxes/{self.sandbox.id}"
        self.teacher.made(self.teacher.call("PATCH", path, json={"truth": shown}))


@pytest.fixture
def exam(open_platform: Callable[..., Platform]) -> Class:
    """A class whose sandbox hides its truth."""
    made = Class(open_platform(find_layer()))
    made.truth("hidden")
    return made


def paths(exam: Class) -> list[tuple[str, str]]:
    """Every path that can be read, as declared and with ids of the sandbox in it."""
    ids = {"loan_id": exam.loans[0], "repayment_id": exam.repayments[0], "id": exam.sandbox.id}
    found = []
    for rule in exam.app.url_map.iter_rules():
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<id:{name}>", ids.get(name, "x")).replace(f"<{name}>", ids.get(name, "x"))
        if "GET" in (rule.methods or ()) and rule.rule.startswith(("/v1", "/-", "/operator", "/channels", "/bureau")):
            found.append((rule.rule, path))
    return found


def test_no_answer_to_a_students_key_names_a_fault_a_rule_or_an_injection(exam: Class) -> None:
    entries = exam.teacher.made(exam.teacher.get("/-/answer-key"))["entries"]
    secrets = {entry["injection"] for entry in entries} | set(RULES) | set(installed())
    assert len(entries) >= 2
    score = {"findings": [{"class": "stale_view", "entity": exam.loans[0]}]}

    answers = {path: exam.student.call("GET", path).get_data(as_text=True) for _, path in paths(exam)}
    answers["score"] = exam.student.post("/-/scores", score).get_data(as_text=True)

    for path, text in answers.items():
        assert not [secret for secret in secrets if secret in text], (path, text[:500])


def test_of_the_control_plane_a_student_reads_what_leaves_the_truth_out(exam: Class) -> None:
    for rule, path in paths(exam):
        answer = exam.student.call("GET", path)
        if rule.startswith("/-/") and rule not in OPEN:
            assert (answer.status_code, answer.get_json()["code"]) == (403, "truth_hidden"), path
        else:
            assert (answer.get_json(silent=True) or {}).get("code") != "truth_hidden", path


def test_a_student_sees_views_journal_statements_and_alerts_and_the_own_scores_counts(exam: Class) -> None:
    student, teacher = exam.student, exam.teacher
    score = {"findings": [{"class": "stale_view", "entity": exam.loans[0]}]}

    for path in ("/v1/loans", "/v1/ledger/transactions", "/operator/alerts", f"/operator/loans/{exam.loans[0]}"):
        assert student.get(path).status_code == 200
    summary = student.made(student.get("/-/summary"))
    assert (summary["faults"], summary["last_audit"]) == (None, None)
    assert {loan["open_entries"] for loan in student.made(student.get("/-/loans"))["loans"]} == {None}
    own, full = (caller.made(caller.post("/-/scores", score)) for caller in (student, teacher))
    assert own["counts"] == full["counts"]
    assert (own["lists"], own["by_class"], own["reasons"], own["silent_rules"]) == ({}, {}, [], [])
    assert full["lists"]["missed"]


def test_a_student_neither_moves_the_clock_nor_arms_a_rule_nor_shows_the_truth(exam: Class) -> None:
    student = exam.student
    change = student.call("PATCH", f"/-/sandboxes/{exam.sandbox.id}", json={"truth": "shown"})

    for answer in (
        student.post("/-/clock/advance", {"by": "P1D"}),
        student.call("PUT", "/-/rules/mine", json={"fault": "callback.dropped"}),
        student.post("/-/reset"),
        student.post("/-/audits"),
        change,
    ):
        student.problem(answer, 403, "truth_hidden")


def test_what_a_fault_delays_is_not_next_on_a_students_clock(exam: Class) -> None:
    exam.truth("shown")
    assert exam.student.made(exam.student.get("/-/clock"))["next"]["kind"] == "callback"
    exam.truth("hidden")

    assert exam.student.made(exam.student.get("/-/clock"))["next"]["kind"] == "bureau"
    assert exam.teacher.made(exam.teacher.get("/-/clock"))["next"]["kind"] == "callback"


@pytest.mark.parametrize("fault", ["callback.dropped", "cashe.stale", "callback.dropped; lost=1", ""])
def test_a_student_names_no_fault_in_a_request(open_platform: Callable[..., Platform], fault: str) -> None:
    exam = Class(open_platform(find_layer()), Settings(fault_header="on"))
    exam.truth("hidden")
    path = f"/v1/loans/{exam.loans[0]}/repayments"
    order = {"amount_minor": 1_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}

    refused = exam.student.post(path, order, Mocklend_Fault=fault)

    exam.student.problem(refused, 403, "truth_hidden")
    assert not [name for name in installed() if name != fault.partition(";")[0] and name in refused.text]
    assert {rule["id"] for rule in exam.teacher.made(exam.teacher.get("/-/rules"))["rules"]} == set(RULES)
    assert exam.student.post(path, order).status_code == 202
    exam.teacher.made(exam.teacher.post(path, order, key="of the teacher", Mocklend_Fault="callback.dropped"))
    assert len(exam.teacher.made(exam.teacher.get("/-/rules"))["rules"]) == len(RULES) + 1


def test_metrics_name_no_fault_while_any_sandbox_hides_its_truth(exam: Class) -> None:
    nobody = Caller(exam.app, exam.documented, None)

    for caller in (nobody, exam.other()):
        text = caller.get("/-/metrics").get_data(as_text=True)
        assert "mocklend_requests_total" in text
        assert "# truth_hidden" in text
        assert not [name for name in (*installed(), "mocklend_open_lies") if name in text]
    assert 'fault="callback.dropped"' in exam.teacher.get("/-/metrics").get_data(as_text=True)
    exam.student.problem(exam.student.get("/-/metrics"), 403, "truth_hidden")

    exam.truth("shown")
    assert 'fault="callback.dropped"' in nobody.get("/-/metrics").get_data(as_text=True)


def test_the_teacher_shows_the_truth_again(exam: Class) -> None:
    assert exam.teacher.get("/-/answer-key").status_code == 200
    exam.teacher.made(exam.teacher.post("/-/reset"))
    exam.student.problem(exam.student.get("/-/answer-key"), 403, "truth_hidden")

    exam.truth("shown")

    assert exam.student.get("/-/answer-key").status_code == 200


def test_a_sandbox_has_a_label_that_anybody_may_change(exam: Class) -> None:
    path = f"/-/sandboxes/{exam.sandbox.id}"

    named = exam.student.made(exam.student.call("PATCH", path, json={"label": "第三组"}))

    assert (named["label"], named["truth"]) == ("第三组", "hidden")
    assert exam.student.made(exam.student.get(path))["label"] == "第三组"
    assert exam.student.made(exam.student.call("PATCH", path, json={"label": ""}))["label"] is None
    exam.student.problem(exam.student.call("PATCH", "/-/sandboxes/sbx_x", json={"label": "x"}), 404, "sandbox_unknown")
    made = exam.student.made(exam.student.post("/-/sandboxes", {"seed": 1, "label": "a", "truth": "hidden"}))
    assert (made["label"], made["truth"]) == ("a", "hidden")
