"""Classes over HTTP: 40 groups with copies of one sandbox, one clock, hand-ins, ranks, the end, and the deletion."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable, Mapping, Sequence

import pytest
from flask.testing import FlaskClient

from mocklend.app import create_app
from mocklend.client import Client, Doc
from mocklend.config import Settings
from mocklend.domain.problems import Refused
from mocklend.runtime import Platform, find_layer
from mocklend.sandboxes import copying
from mocklend.scenarios.in_process import InProcess, client_of
from mocklend_faults.api import class_work
from mocklend_faults.engine import classes
from mocklend_faults.engine.catalogue import installed

MONDAY = "2026-01-05T10:00:00+08:00"
TOKEN = "the-teachers-token"
RULES: Mapping[str, Mapping[str, object]] = {
    "lost-callbacks": {"fault": "callback.dropped", "select": {"probability": 0.5}},
    "blank-references": {"fault": "channel.unrecognised", "with": {"garble": "blank"}},
}


class School:
    """A server that others reach, its teacher, and the sandbox that the teacher has prepared."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.app = create_app(Settings(host="0.0.0.0", control_token=TOKEN, default_seed=7), platform)
        self.http = self.app.test_client()
        self.teacher = {"X-Mocklend-Control": TOKEN}
        clock = {"mode": "manual", "now": MONDAY}
        made = self.ask("POST", "/-/sandboxes", {"seed": 7, "clock": clock}, status=201)
        self.sandbox_id, self.key = made["id"], made["api_key"]
        self.client = client_of(self.app.wsgi_app, self.sandbox_id)

    def ask(self, method: str, path: str, body: object = None, *, key: str | None = None, status: int = 200) -> Doc:
        """The teacher's request, or with a `key` that of a student, who has no token."""
        headers = self.teacher if key is None else {"Authorization": f"Bearer {key}"}
        answer = self.http.open(path, method=method, json=body, headers=headers)
        assert answer.status_code == status, (answer.status_code, answer.text[:1000])
        return answer.get_json(silent=True) or {}

    def prepare(self, loans: int = 12) -> list[Doc]:
        """Loans of which some are repaid while two rules act. What is to be found: the open entries."""
        for name, rule in RULES.items():
            self.client.put_rule(name, rule)
        for n in range(loans):
            live(self.client, n)
        self.client.advance("P1D")
        return [
            {"class": entry["expected"]["class"], "entity": entry["expected"]["entity"]}
            for entry in self.client.answer_key(status="active")["entries"]
        ]

    def make(self, size: int = 40, **more: object) -> tuple[Doc, list[str]]:
        """A class of the prepared sandbox, and the keys of its groups."""
        body = {"name": "Accounting 2, spring", "size": size, "sandbox_id": self.sandbox_id, **more}
        answer = self.ask("POST", "/-/classes", {name: value for name, value in body.items() if value}, status=201)
        return answer["made"], [key["api_key"] for key in answer["keys"]]

    def group(self, course: Doc, n: int) -> Client:
        """A client of a group's sandbox that has the control token."""
        sandbox_id = course["groups"][n]["sandbox_id"]
        return Client("http://127.0.0.1", control_token=TOKEN, transport=InProcess(self.app.wsgi_app, sandbox_id))


def live(client: Client, n: int) -> None:
    """A borrower borrows, repays an instalment, and pays a little without an order."""
    borrower = client.add_borrower(f"borrower-{n}", f"Borrower {n}")
    loan = client.borrow(
        borrower["id"], 100_000 + n, product_id="jiebei-like", reference=f"loan-{n}", idempotency_key=f"borrow-{n}"
    )
    client.repay(loan["id"], 5_000 + n, "wallet", "OVD_AND_CURRENT", idempotency_key=f"repay-{n}")
    if n % 4 == 0:
        client.pay_at_channel(
            "bill_pay", 700 + n, payer_name=f"Borrower {n}", payer_reference=loan["id"], idempotency_key=f"push-{n}"
        )


@pytest.fixture
def school(open_platform: Callable[..., Platform]) -> School:
    """A school with the fault layer."""
    return School(open_platform(find_layer()))


def test_a_class_of_forty_from_its_keys_to_its_end(school: School) -> None:
    lies = school.prepare()
    assert len(lies) >= 6

    course, keys = school.make()

    assert (course["state"], len(course["groups"]), len(set(keys))) == ("open", 40, 40)
    assert {(group["state"], group["lies"], group["seed"]) for group in course["groups"]} == {
        ("not_begun", len(lies), 7)
    }
    hand_in(school, keys, lies)
    course = school.ask("GET", f"/-/classes/{course['id']}?order=score")
    figures = course["figures"]
    assert (figures["groups"], figures["passed"], figures["handed_in"], figures["looking"]) == (40, 2, 4, 1)
    assert [group["n"] for group in course["groups"][:4]] == [2, 5, 3, 4]
    assert [group["rank"] for group in course["groups"][:5]] == [1, 2, 3, 4, None]
    third = course["groups"][2]
    assert (third["found"], third["wrong"], third["verdict"]) == (len(lies), 1, "FAIL")
    assert figures["wrong"] == 1
    [worst, *_] = course["missed"]
    assert (worst["groups"], worst["found_all"]) == (4, 3)

    ended = school.ask("POST", f"/-/classes/{course['id']}/reveal")

    assert (ended["state"], ended["ended_at"] is not None) == ("ended", True)
    # Off loopback the answer key needs the token; with it, this is what the group's sandbox is now.
    assert school.ask("GET", f"/-/sandboxes/{course['groups'][0]['sandbox_id']}")["truth"] == "revealed"
    school.group(ended, 9).score([{"class": each["class"], "entity": each["entity"]} for each in lies])
    assert school.ask("GET", f"/-/classes/{course['id']}")["groups"][9]["rank"] is None, "it came too late"


def test_neither_findings_of_everything_nor_thresholds_of_ones_own_win(school: School) -> None:
    lies = school.prepare()
    course, keys = school.make(3)
    everything = [*lies, *({"class": "stale_view", "entity": f"loan_{n}"} for n in range(10 * len(lies)))]
    thresholds = {"precision_min": None, "recall_min": None, "silent_rules_max": None}

    for key, findings in zip(keys, ([], everything, lies[1:]), strict=True):
        school.ask("POST", "/-/scores", {"findings": findings}, key=key)
    # Handed in with the token, the thresholds may be anybody's, and the rank is what was found all the same.
    assert school.group(course, 0).score([], thresholds=thresholds)["verdict"] == "PASS"

    course = school.ask("GET", f"/-/classes/{course['id']}?order=score")

    assert [group["n"] for group in course["groups"]] == [3, 2, 1]


def hand_in(school: School, keys: Sequence[str], lies: Sequence[Doc]) -> None:
    """Group 1 looks. Groups 2 and 5 find all, 3 all with a wrong one, 4 all but one."""
    school.ask("GET", "/v1/loans", key=keys[0])
    wrong = {"class": "stale_view", "entity": "loan_of_nobody"}
    school.ask("POST", "/-/scores", {"findings": []}, key=keys[1])
    for n, findings in ((1, lies), (2, [*lies, wrong]), (3, lies[1:]), (4, lies)):
        score = school.ask("POST", "/-/scores", {"findings": findings}, key=keys[n])
        assert (score["lists"], score["by_class"], score["near"]) == ({}, {}, [])
        assert score["label"] == str(n + 1)


def test_all_groups_have_what_the_prepared_sandbox_has_and_go_on_alike(school: School) -> None:
    school.prepare(6)
    before = school.client.answer_key()
    course, _ = school.make(3)

    clients = [school.client, *(school.group(course, n) for n in range(3))]

    assert [client.answer_key() for client in clients] == [before] * 4
    assert len({str(client.loans()) for client in clients}) == 1
    assert len({str(client.transactions()) for client in clients}) == 1
    assert all(client.audit()["invariants"] == school.client.audit()["invariants"] for client in clients)
    for client in clients:
        for n in (6, 7, 8):
            live(client, n)
        client.advance("P40D")
    after = school.client.answer_key()
    assert after != before
    assert [client.answer_key() for client in clients] == [after] * 4
    for client in clients:
        audit = client.audit()
        assert all(found["explained_by"] for found in audit["discrepancies"])
        assert audit["unobserved"] == []


@pytest.mark.security
def test_a_students_key_says_no_injection_rule_or_fault(school: School) -> None:
    school.prepare()
    secrets = {entry["injection"] for entry in school.client.answer_key()["entries"]} | set(RULES) | set(installed())
    course, keys = school.make(2)
    school.ask("POST", "/-/scores", {"findings": []}, key=keys[0])
    loans = school.ask("GET", "/v1/loans", key=keys[0])["loans"]
    ids = {"loan_id": loans[0]["id"], "score_id": "scr_1", "class_id": course["id"], "id": school.sandbox_id}

    for rule in school.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.rule.startswith(("/v1", "/-", "/operator")):
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<id:{name}>", ids.get(name, "x")).replace(f"<{name}>", ids.get(name, "x"))
        answer = school.http.get(path, headers={"Authorization": f"Bearer {keys[0]}"})
        assert not [secret for secret in secrets if secret in answer.text], path
        if "classes" in path:
            assert answer.status_code == 401, path


def test_one_move_brings_all_clocks_to_one_moment(school: School) -> None:
    school.prepare(2)
    course, _ = school.make(5)
    school.group(course, 1).advance("PT5H")

    moved = school.ask("POST", f"/-/classes/{course['id']}/clock", {"by": "P1D"})

    assert moved["clock"] == {"now": "2026-01-07T07:00:00.000Z", "moving_to": None, "arrived": 5}
    assert {group["now"] for group in moved["groups"]} == {"2026-01-07T07:00:00.000Z"}
    refused = school.ask("POST", f"/-/classes/{course['id']}/clock", {"to": "2026-01-06T00:00:00Z"}, status=422)
    assert refused["code"] == "clock_backwards"


def test_all_clocks_go_to_when_the_next_thing_is_due_in_any_sandbox(school: School) -> None:
    school.prepare(1)
    course, _ = school.make(3)
    first, second = (school.group(course, n) for n in (0, 1))
    first.advance("PT1H")
    loan = second.loans()["loans"][0]["id"]
    second.repay(loan, 2_000, "wallet", "OVD_AND_CURRENT", idempotency_key="two")
    due, furthest = second.clock()["next"]["at"], first.clock()["now"]
    assert second.clock()["now"] < due < furthest

    moves = [school.ask("POST", f"/-/classes/{course['id']}/clock", {"to": "next"})["clock"]["now"] for _ in range(2)]
    each = [school.group(course, n).clock() for n in range(3)]

    assert moves[0] == furthest
    assert moves[1] > furthest
    assert {clock["now"] for clock in each} == {moves[1]}
    assert moves[1] <= min(clock["next"]["at"] for clock in each)


def test_a_class_in_which_nothing_is_due_is_not_moved(school: School) -> None:
    course, _ = school.make(2)

    refused = school.ask("POST", f"/-/classes/{course['id']}/clock", {"to": "next"}, status=409)

    assert refused["code"] == "nothing_due"


def test_clocks_that_did_not_arrive_are_seen_and_the_same_moment_goes_on(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.prepare(1)
    course, _ = school.make(4)
    stuck = course["groups"][2]["sandbox_id"]
    advance = class_work._advance
    monkeypatch.setattr(
        class_work, "_advance", lambda platform, id, to_ms: None if id == stuck else advance(platform, id, to_ms)
    )

    left = school.ask("POST", f"/-/classes/{course['id']}/clock", {"to": "2026-01-08T00:00:00Z"})["clock"]
    monkeypatch.undo()
    done = school.ask("POST", f"/-/classes/{course['id']}/clock", {"to": "2026-01-08T00:00:00Z"})["clock"]

    assert (left["moving_to"], left["arrived"]) == ("2026-01-08T00:00:00.000Z", 3)
    assert (done["moving_to"], done["arrived"], done["now"]) == (None, 4, "2026-01-08T00:00:00.000Z")


def test_a_scenario_is_played_for_groups_with_seeds_of_their_own(school: School) -> None:
    before = len(school.ask("GET", "/-/sandboxes")["sandboxes"])

    course, _ = school.make(
        2, sandbox_id=None, scenario="settled-shown-unpaid", chapter=2, seeds="own", seed=11, language="zh"
    )

    assert (course["state"], course["scenario"], course["seeds"]) == ("open", "settled-shown-unpaid", "own")
    assert [group["seed"] for group in course["groups"]] == [11, 12]
    keys = [school.group(course, n).answer_key()["entries"] for n in range(2)]
    assert [len(entries) for entries in keys] == [1, 1]
    assert keys[0][0]["expected"]["entity"] != keys[1][0]["expected"]["entity"]
    assert len(school.ask("GET", "/-/sandboxes")["sandboxes"]) == before + 2, "nothing of the playing is left"


def test_new_keys_open_the_sandboxes_and_those_of_before_open_nothing(school: School) -> None:
    course, keys = school.make(2)

    fresh = school.ask("POST", f"/-/classes/{course['id']}/keys")["keys"]

    school.ask("GET", "/v1/loans", key=keys[0], status=401)
    school.ask("GET", "/v1/loans", key=fresh[0]["api_key"])
    assert [key["name"] for key in fresh] == ["1", "2"]


@pytest.mark.parametrize("path", ["reveal", "keys"])
@pytest.mark.parametrize(
    ("body", "status", "code"), [("[[", 400, "body_not_json"), ('{"x": 1}', 422, "validation_failed")]
)
def test_the_end_of_a_class_and_new_keys_have_no_body_and_change_nothing_if_one_comes(
    school: School, path: str, body: str, status: int, code: str
) -> None:
    course, keys = school.make(1)
    address, typed = f"/-/classes/{course['id']}", school.teacher | {"Content-Type": "application/json"}

    refused = school.http.post(f"{address}/{path}", data=body, headers=typed)

    assert (refused.status_code, refused.get_json()["code"]) == (status, code)
    assert school.ask("GET", address)["state"] == "open"
    school.ask("GET", "/v1/loans", key=keys[0])
    assert school.http.post(f"{address}/{path}", json={}, headers=school.teacher).status_code == 200


def test_csv_has_a_row_for_each_group_and_runs_no_formula(school: School) -> None:
    course, _ = school.make(0, groups=["=1+1", "第二组, rot", "C"])

    answer = school.http.get(f"/-/classes/{course['id']}/csv", headers=school.teacher)

    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["'=1+1", "第二组, rot", "C"]
    assert tuple(rows[0]) == classes.COLUMNS


def test_a_deleted_class_takes_its_sandboxes_and_a_deleted_sandbox_is_gone_from_its_class(school: School) -> None:
    school.prepare(1)
    course, keys = school.make(3)
    school.ask("DELETE", f"/-/sandboxes/{course['groups'][1]['sandbox_id']}", status=204)
    states = [group["state"] for group in school.ask("GET", f"/-/classes/{course['id']}")["groups"]]

    school.ask("DELETE", f"/-/classes/{course['id']}", status=204)

    assert states == ["not_begun", "gone", "not_begun"]
    assert school.ask("GET", "/-/classes") == {"classes": []}
    school.ask("GET", "/v1/loans", key=keys[0], status=401)
    assert school.ask("GET", f"/-/classes/{course['id']}", status=404)["code"] == "class_unknown"
    school.make(1)  # Its name is free again.


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": " "}, "name"),
        ({"name": "\u3000\n"}, "name"),
        ({"name": "B", "groups": ["a", " "]}, "groups.1"),
        ({"name": "B", "size": 0}, "size"),
        ({"name": "B", "size": 61}, "size"),
        ({"name": "B", "groups": []}, "groups"),
        ({"name": "B", "groups": ["a", "b", "a"]}, "groups.2"),
        ({"name": "B", "groups": ["a"], "size": 1}, "size"),
        ({"name": "B", "groups": [str(n) for n in range(61)]}, "groups"),
        ({"name": "B", "seeds": "own"}, "seeds"),
        ({"name": "B", "chapter": 1}, "chapter"),
        ({"name": "B", "seed": 1}, "seed"),
        ({"name": "B", "scenario": "stale-page", "chapter": 99}, "chapter"),
        ({"name": "B", "size": 3, "scenario": "stale-page", "seeds": "own", "seed": 2**63 - 2}, "seed"),
        ({"name": "B", "scenario": "stale-page", "sandbox_id": "sbx_1"}, "sandbox_id"),
    ],
)
def test_a_class_that_cannot_be_made_says_which_field_is_wrong(school: School, body: Doc, field: str) -> None:
    with_source = body if "scenario" in body else {"sandbox_id": school.sandbox_id, **body}

    problem = school.ask("POST", "/-/classes", with_source, status=422)

    assert [error["field"] for error in problem["errors"]] == [field]
    assert school.ask("GET", "/-/classes") == {"classes": []}


def test_two_classes_have_two_names_and_a_server_has_so_many(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    school.make(1)
    body = {"name": "Accounting 2, spring", "sandbox_id": school.sandbox_id}
    assert school.ask("POST", "/-/classes", body, status=422)["errors"][0]["field"] == "name"
    monkeypatch.setattr(classes, "CLASSES_MAX", 1)

    assert school.ask("POST", "/-/classes", body | {"name": "B"}, status=409)["code"] == "too_many_classes"


def test_a_sandbox_that_is_too_large_or_unknown_is_not_copied(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    school.prepare(2)
    monkeypatch.setattr(class_work, "LOANS_MAX", 1)
    body = {"name": "B", "sandbox_id": school.sandbox_id}

    assert school.ask("POST", "/-/classes", body, status=422)["code"] == "class_too_large"
    unknown = school.ask("POST", "/-/classes", body | {"sandbox_id": "sbx_unknown"}, status=404)
    assert unknown["code"] == "sandbox_unknown"
    story = {"name": "B", "scenario": "stale-pag"}
    assert "did you mean" in school.ask("POST", "/-/classes", story, status=404)["detail"]


def test_a_class_that_could_not_be_made_says_why_and_is_deleted(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.prepare(1)

    def broken(*_: object) -> None:
        raise ArithmeticError("by design")

    monkeypatch.setattr(copying, "copy", broken)

    course, keys = school.make(2)

    assert (course["state"], course["problem"]["code"]) == ("failed", "internal_error")
    school.ask("GET", "/v1/loans", key=keys[0], status=401)
    for path in ("clock", "reveal", "keys"):
        body = {"by": "P1D"} if path == "clock" else None
        problem = school.ask("POST", f"/-/classes/{course['id']}/{path}", body, status=409)
        assert problem["code"] == "class_not_ready"
    school.ask("DELETE", f"/-/classes/{course['id']}", status=204)


def test_a_class_whose_process_died_has_failed_and_is_deleted_with_all_that_was_left(
    school: School, open_platform: Callable[..., Platform], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, over = threading.Event(), threading.Event()

    def hangs(*_: object) -> None:
        reached.set()
        over.wait(60)
        raise Refused("server_stopping", "it was killed long ago")

    monkeypatch.setattr(copying, "copy", hangs)
    monkeypatch.setattr(class_work.ClassWork.begin, "__defaults__", (0.0,))
    next_one = School(open_platform(find_layer()))  # The next process of the database. The first does nothing more.
    before = sandboxes_of(next_one)
    story = {"sandbox_id": None, "scenario": "settled-shown-unpaid", "seeds": "own"}
    try:
        course, _ = school.make(2, **story)
        assert reached.wait(60)
        path = f"/-/classes/{course['id']}"

        assert (school.ask("GET", path)["state"], next_one.ask("GET", path)["state"]) == ("making", "failed")
        left = next_one.ask("GET", path)
        assert left["problem"]["code"] == "class_interrupted"
        assert [group["state"] for group in left["groups"]] == ["not_made"] * 2
        assert [listed["state"] for listed in next_one.ask("GET", "/-/classes")["classes"]] == ["failed"]
        assert next_one.ask("POST", f"{path}/keys", status=409)["detail"].endswith("the class is failed")
        assert len(sandboxes_of(next_one)) == len(before) + 2, "that of the first group, and that of the scenario"
        monkeypatch.setattr(class_work.ClassWork.begin, "__defaults__", (60.0,))
        next_one.ask("DELETE", path, status=204)
        assert sandboxes_of(next_one) == before
    finally:
        over.set()
    monkeypatch.undo()
    assert next_one.make(1)[0]["state"] == "open", "its name is free again"


def sandboxes_of(school: School) -> list[str]:
    """The ids of all sandboxes."""
    return sorted(sandbox["id"] for sandbox in school.ask("GET", "/-/sandboxes")["sandboxes"])


def test_while_something_of_a_class_is_done_another_thing_is_refused(school: School) -> None:
    course, _ = school.make(1)
    work = class_work.work_of(school.platform)
    refused: list[Doc] = []

    work.begin(
        course["id"],
        lambda: refused.append(school.ask("POST", f"/-/classes/{course['id']}/clock", {"by": "P1D"}, status=409)),
    )

    assert [problem["code"] for problem in refused] == ["class_not_ready"]
    assert not work.is_busy(course["id"])


@pytest.mark.security
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/-/classes"),
        ("POST", "/-/classes"),
        ("GET", "/-/classes/x"),
        ("POST", "/-/classes/x/clock"),
        ("POST", "/-/classes/x/reveal"),
        ("POST", "/-/classes/x/keys"),
        ("GET", "/-/classes/x/csv"),
        ("DELETE", "/-/classes/x"),
    ],
)
def test_a_class_is_the_teachers(
    school: School, open_platform: Callable[..., Platform], method: str, path: str
) -> None:
    _, keys = school.make(1)

    problem = school.ask(method, path, {}, key=keys[0], status=401)
    on_loopback: FlaskClient = create_app(Settings(), school.platform).test_client()
    hidden = on_loopback.open(path, method=method, json={}, headers={"Authorization": f"Bearer {keys[0]}"})

    assert problem["code"] == "credential_missing"
    assert hidden.get_json()["code"] == "truth_hidden"
