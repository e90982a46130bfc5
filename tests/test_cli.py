"""The command line against a real platform: what it prints, what it exits with, and how it says no."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import typer

from mocklend.cli import _announce, app, main
from mocklend.client import Client, ProblemError
from mocklend.config import Settings

if not entry_points(group="pytest11", name="mocklend"):
    pytest_plugins = ["mocklend.testing"]

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(mocklend: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in the test's own sandbox."""
    monkeypatch.setenv("MOCKLEND_URL", mocklend.base_url)
    monkeypatch.setenv("MOCKLEND_API_KEY", mocklend.api_key or "")

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["mocklend", *arguments])
        capsys.readouterr()
        try:
            main()
            code: Any = 0
        except SystemExit as left:
            code = left.code
        said = capsys.readouterr()
        return Ran(code or 0, said.out, said.err)

    return run


@pytest.fixture
def loan(mocklend: Client) -> dict[str, Any]:
    """Ada has borrowed 1,000.00."""
    ada = mocklend.add_borrower("ada", "Ada")
    return mocklend.borrow(ada["id"], 100_000, product_id="jiebei-like")


def repay(mocklend: Client, loan: dict[str, Any]) -> None:
    mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))


# --- faults ---


@needs_faults
def test_a_fault_is_armed_with_its_own_settings_as_flags(run: Run, mocklend: Client) -> None:
    ran = run("faults", "on", "cache.bounded_stale", "--p", "0.5", "--lag-s", "90", "--match", "channel=wallet")

    assert ran.code == 0
    rule = mocklend.rule("cache.bounded_stale")
    assert rule["with"] == {"lag_s": 90}
    assert rule["match"] == {"channel": {"equal_to": "wallet"}}
    assert 'armed cache.bounded_stale: cache.bounded_stale {"lag_s": 90}, p = 0.5' in ran.out


@needs_faults
@pytest.mark.parametrize(
    ("flags", "settings"),
    [
        (["callback.dropped"], {"attempts_lost": None}),
        (["callback.dropped", "--attempts-lost=3"], {"attempts_lost": 3}),
        (["callback.dropped", "--attempts-lost", "null"], {"attempts_lost": None}),
        (["operator.wrong_amount", "--slip", "sign_flipped"], {"slip": "sign_flipped"}),
        (["operator.marked_overdue"], {}),
    ],
)
def test_settings_have_the_types_that_the_fault_declares(run: Run, flags: list[str], settings: dict[str, Any]) -> None:
    ran = run("faults", "on", *flags, "--id", "mine", "--json")

    assert (ran.code, ran.document["id"], ran.document["with"]) == (0, "mine", settings)


@needs_faults
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cache.bounded_stale", "--lagg-s", "90"], "has no setting '--lagg-s'; known: --lag-s"),
        (["cache.bounded_stale", "--lag-s"], "--lag-s needs a value"),
        (["operator.marked_overdue", "--lag-s", "1"], "has no setting '--lag-s'; known: none"),
        (["cashe.stale"], "There is no fault 'cashe.stale'; known: "),
        (["cache.bounded_stale", "--match", "wallet"], "--match takes FIELD=VALUE, not 'wallet'"),
        (["cache.bounded_stale", "--lag-s", "soon"], 'received: "soon"'),
        (["cache.bounded_stale", "--match", "colour=red"], "colour"),
    ],
)
def test_what_cannot_be_armed_is_refused_with_what_can(
    run: Run, mocklend: Client, arguments: list[str], said: str
) -> None:
    ran = run("faults", "on", *arguments)

    assert ran.code == 2
    assert said in ran.err
    assert mocklend.rules()["rules"] == []


@needs_faults
def test_lint_says_what_to_expect_and_its_exit_code_whether_to_look(run: Run, mocklend: Client) -> None:
    assert (run("faults", "lint").code, run("faults", "lint").out.strip()) == (0, "no rules")

    run("faults", "on", "cache.bounded_stale", "--times", "3")
    counted, asked = run("faults", "lint"), run("faults", "lint", "--exact", "--json")
    run("faults", "on", "callback.dropped", "--p", "0")
    warned = run("faults", "lint")

    assert counted.code == 0
    assert "cache.bounded_stale  cache.bounded_stale: order_dependent" in counted.out
    assert (asked.code, asked.document["rules"][0]["verdict"]) == (1, "order_dependent")
    assert warned.code == 1
    assert "warning, never_drawn: the probability is 0 at all times" in warned.out


@needs_faults
def test_the_list_shows_the_kinds_with_their_flags_and_the_rules_with_their_counters(
    run: Run, mocklend: Client, loan: dict[str, Any]
) -> None:
    run("faults", "on", "cache.bounded_stale", "--lag-s", "90")
    repay(mocklend, loan)

    ran = run("faults", "list")

    assert ran.code == 0
    assert "--lag-s" in ran.out
    assert "callback.dropped" in ran.out
    assert "injected 1" in ran.out
    assert {"faults", "rules"} <= set(run("faults", "list", "--json").document)


@needs_faults
def test_a_fault_is_disarmed_by_its_name_and_all_at_once(run: Run, mocklend: Client) -> None:
    for fault in ("cache.bounded_stale", "callback.dropped", "operator.wrong_amount"):
        run("faults", "on", fault)

    assert run("faults", "off", "callback.dropped").out == "disarmed: callback.dropped\n"
    assert sorted(run("faults", "off", "--all", "--json").document["off"]) == [
        "cache.bounded_stale",
        "operator.wrong_amount",
    ]
    assert run("faults", "off").code == 2
    unknown = run("faults", "off", "callback.dropped")
    assert (unknown.code, "no rule" in unknown.err) == (2, True)


# --- the clock, the audit, the answers ---


def test_the_clock_moves_by_a_duration_or_to_a_moment(run: Run) -> None:
    assert run("clock", "show").out.startswith("2026-01-05T02:00:00.000Z  manual: moves when told")
    assert run("clock", "advance", "PT1H").out == "now 2026-01-05T03:00:00.000Z, 0 released\n"
    assert run("clock", "advance", "2026-01-06T00:00:00Z", "--json").document["now"] == "2026-01-06T00:00:00.000Z"


def test_advancing_says_what_fell_due(run: Run, mocklend: Client, loan: dict[str, Any]) -> None:
    mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet")

    ran = run("clock", "advance", "PT2S")

    assert "2 released" in ran.out
    assert "settlement" in ran.out
    assert "callback" in ran.out


def test_a_clock_that_cannot_go_back_says_so_in_the_platforms_words(run: Run) -> None:
    ran = run("clock", "advance", "2025-01-01T00:00:00Z")

    assert ran.code == 2
    assert ran.err.startswith("A clock only moves forward.\n")
    assert "  Advance to a time that is not before now.\n" in ran.err


def test_a_refusal_is_the_problem_document_where_json_was_asked_for(run: Run) -> None:
    ran = run("clock", "advance", "2025-01-01T00:00:00Z", "--json")

    assert (ran.code, ran.document["code"], ran.document["status"]) == (2, "clock_backwards", 422)


def test_honest_books_are_clean(run: Run, mocklend: Client, loan: dict[str, Any]) -> None:
    repay(mocklend, loan)

    ran = run("audit")

    assert ran.code == 0
    assert "clean" in ran.out.splitlines()[0]
    assert run("audit", "--json").document["clean"] is True


PLAN = """
stages:
  - {name: calm, duration_s: 600}
  - name: storm
    duration_s: 300
    rules: {late: {fault: cache.bounded_stale, with: {lag_s: 60}}}
"""


@needs_faults
def test_an_experiment_is_started_from_a_file_looked_at_and_stopped(run: Run, mocklend: Client, tmp_path: Path) -> None:
    file = tmp_path / "weather.yaml"
    file.write_text(PLAN)

    started = run("experiments", "start", str(file))
    again = run("experiments", "start", str(file), "--json")
    mocklend.advance("PT11M")
    listed = run("experiments", "list")
    stopped = run("experiments", "stop", "weather")

    assert started.out.splitlines()[0] == "weather: calm"
    rules = [(one["name"], one["rules"]) for one in again.document["stages"]]
    assert (again.document["running"], rules) == ("calm", [("calm", []), ("storm", ["weather.storm.late"])])
    assert "storm: running, 1 rules" in listed.out
    assert (started.code, again.code, listed.code, stopped.code) == (0, 0, 0, 0)
    assert mocklend.rules()["rules"] == []
    assert run("experiments", "list").out.strip() == "no experiments"
    assert run("experiments", "stop", "weather").code == 2


@needs_faults
def test_an_experiment_may_be_json_and_has_the_name_that_it_is_given(
    run: Run, mocklend: Client, tmp_path: Path
) -> None:
    file = tmp_path / "Plan A.json"
    file.write_text('{"stages": [{"name": "storm", "duration_s": 60, "profile": "lessons"}]}')

    refused = run("experiments", "start", str(file))
    named = run("experiments", "start", str(file), "--id", "plan-a")

    assert (refused.code, named.code) == (2, 0)
    assert mocklend.experiment("plan-a")["running"] == "storm"


@needs_faults
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_plan_that_another_system_has_saved_is_read(
    run: Run, mocklend: Client, tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "weather.yaml"
    file.write_bytes(PLAN.replace("\n", "\r\n").encode(encoding))

    assert run("experiments", "start", str(file)).code == 0
    assert mocklend.experiment("weather")["running"] == "calm"


def test_files_in_an_encoding_that_they_do_not_say_are_refused_in_a_sentence(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "weather.yaml"
    file.write_bytes(PLAN.encode("utf-16-le"))
    mine = tmp_path / "mine.py"
    mine.write_bytes("def reconcile(client):\n    return []\n".encode("utf-16-le"))
    findings = tmp_path / "findings.jsonl"
    findings.write_bytes('{"class": "stale_view", "entity": "张三"}'.encode("gbk"))

    for command in (
        ["experiments", "start", str(file)],
        ["scenario", "run", str(file)],
        ["score", str(findings)],
        ["reconcile", "--with", str(mine)],
    ):
        ran = run(*command)
        assert (ran.code, "Traceback" in ran.err, "Errno" in ran.err) == (2, False, False), command
        assert "UTF-8" in ran.err or "cannot be read as Python" in ran.err, ran.err


@pytest.mark.parametrize(
    "text",
    ["", "{", "stages: 5", "stages: [calm]", "stages: []\nname: x", "- {name: calm}", "stages: [{name: 2026-01-05}]"],
)
def test_a_file_that_is_no_plan_is_refused(run: Run, tmp_path: Path, text: str) -> None:
    file = tmp_path / "weather.yaml"
    file.write_text(text)

    assert run("experiments", "start", str(file)).code == 2
    assert run("experiments", "start", str(tmp_path / "nothing.yaml")).code == 2


@needs_faults
def test_a_stage_that_the_platform_refuses_is_said_by_its_field(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "weather.yaml"
    file.write_text("stages: [{name: calm, duration_s: 0}]")

    ran = run("experiments", "start", str(file))

    assert ran.code == 2
    assert "stages[0].duration_s" in ran.err


@needs_faults
def test_what_a_request_met_is_explained(run: Run, mocklend: Client, loan: dict[str, Any]) -> None:
    mocklend.arm("transport.abort", match={"loan_id": "loan_1"})
    mocklend.loan(loan["id"])
    [asked] = [one["id"] for one in mocklend.requests_made()["requests"] if one["path"] == f"/v1/loans/{loan['id']}"]

    ran = run("faults", "explain", asked)

    assert ran.code == 0
    assert "not_matched: loan_id is" in ran.out
    assert "api.answer" in ran.out


@needs_faults
def test_a_lie_that_the_answer_key_explains_does_not_fail_the_audit(
    run: Run, mocklend: Client, loan: dict[str, Any]
) -> None:
    mocklend.arm("cache.bounded_stale", lag_s=60)
    repay(mocklend, loan)

    ran = run("audit")

    assert ran.code == 0
    assert "discrepancies: 1, unexplained: 0" in ran.out
    assert "stale_view on loan_" in ran.out


def test_an_unexplained_discrepancy_fails_the_audit(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stray = {"class": "stale_view", "entity": "loan_1", "loan_id": "loan_1", "amount_minor": 1, "detail": "behind"}
    found = {
        "now": "2026-01-05T02:00:00.000Z", "clean": False, "discrepancies": [stray | {"explained_by": None}],
        "in_transit": [], "unobserved": [], "invariants": [],
    }  # fmt: skip
    monkeypatch.setattr(Client, "audit", lambda self: found)

    ran = run("audit")

    assert ran.code == 1
    assert "UNEXPLAINED" in ran.out
    assert run("audit", "--json").code == 1


@needs_faults
def test_the_answers_show_truth_and_what_was_served(run: Run, mocklend: Client, loan: dict[str, Any]) -> None:
    mocklend.arm("cache.bounded_stale", lag_s=60)
    repay(mocklend, loan)

    ran = run("answers", "--status", "active", "--loan", loan["id"])

    assert ran.code == 0
    assert f"cache.bounded_stale on {loan['id']}: active" in ran.out
    assert '"status": "CLEAR"' in ran.out
    assert '"status": "USING"' in ran.out
    assert run("answers", "--status", "healed", "--json").document == {"entries": [], "hint": None}


# --- sandboxes, the doctor, help ---


@needs_faults
def test_a_reconciler_finds_a_lost_payment_writes_it_down_and_repairs_it(
    run: Run, mocklend: Client, loan: dict[str, Any], tmp_path: Path
) -> None:
    mocklend.arm("callback.dropped")
    repayment = mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))
    mocklend.halt()
    file = tmp_path / "findings.jsonl"

    ran = run("reconcile", "--with", "thorough", "--repair", "--out", str(file))

    assert (ran.code, ran.out.splitlines()[0]) == (0, "findings: 1")
    [finding] = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert (finding["class"], finding["entity"]) == ("missing_in_books", repayment["id"])
    assert mocklend.loan(loan["id"])["status"] == "CLEAR"
    assert run("reconcile", "--json").document == {"findings": [], "outcomes": None}


def test_a_reconciler_of_ones_own_is_a_file(run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("def reconcile(client):\n    return []\n", encoding="utf-8")

    assert run("reconcile", "--with", str(mine)).out == "findings: 0\n"
    mine.write_text("def reconcile(client):\r\n    return []\r\n", encoding="utf-8-sig")
    assert run("reconcile", "--with", str(mine)).out == "findings: 0\n"


@pytest.mark.parametrize("which", ["clever", "not-there.py"])
def test_an_unknown_reconciler_is_refused_with_the_known_ones(run: Run, which: str) -> None:
    ran = run("reconcile", "--with", which)

    assert ran.code == 2
    assert "naive, thorough" in ran.err


def test_a_sandbox_can_be_made_and_used_from_the_shell(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run("sandbox", "--seed", "9", "--now", "2026-03-01T00:00:00Z")

    assert ran.code == 0
    monkeypatch.setenv("MOCKLEND_API_KEY", ran.out.split("export MOCKLEND_API_KEY=")[1].strip())
    assert run("clock", "show", "--json").document["now"] == "2026-03-01T00:00:00.000Z"


def test_a_sandbox_starts_where_the_fixture_does_and_says_so(
    run: Run, mocklend: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run("sandbox")
    monkeypatch.setenv("MOCKLEND_API_KEY", ran.out.split("export MOCKLEND_API_KEY=")[1].strip())

    assert "its clock moves when told, from 2026-01-05T02:00:00.000Z on, where the pytest fixture starts" in ran.out
    assert run("clock", "show", "--json").document == mocklend.clock()


def test_a_running_sandbox_may_be_fast_and_starts_at_real_time_unless_told(run: Run) -> None:
    fast = run("sandbox", "--wall", "--speed", "86400", "--now", "2026-01-05T02:00:00Z", "--json").document
    real = run("sandbox", "--wall")
    refused = run("sandbox", "--speed", "2")

    assert (fast["clock"]["mode"], fast["clock"]["speed"]) == ("wall", 86_400)
    assert "runs by itself" in real.out
    assert "2026-01-05T02:00:00" not in real.out
    assert "pytest" not in real.out
    assert (refused.code, "--wall" in refused.err) == (2, True)


def test_a_clock_is_held_and_let_run_from_the_shell(run: Run, mocklend: Client) -> None:
    running = run("clock", "run", "--speed", "60")
    held = run("clock", "hold")

    assert "wall: runs by itself, speed 60" in running.out
    assert "manual: moves when told" in held.out
    assert mocklend.clock()["mode"] == "manual"


@needs_faults
def test_people_live_in_the_sandbox_and_the_command_says_what_they_did_and_what_lied(
    run: Run, mocklend: Client, tmp_path: Path
) -> None:
    honest = run("live", "--loans", "2", "--days", "3")
    lied = run("live", "--loans", "4", "--days", "40", "--profile", "hostile", "--json")

    assert honest.code == 0
    assert "3 days lived, 2026-01-06 to 2026-01-08; the clock says 2026-01-09T04:00:00.000Z" in honest.out
    assert "  2  loans" in honest.out
    assert "live --profile hostile" in honest.out
    document = lied.document
    assert (document["did"]["borrow"], document["now"]) == (4, mocklend.clock()["now"])
    assert document["lies"] == len(mocklend.answer_key()["entries"]) > 0
    assert document["rules_that_fired"] > 1
    assert mocklend.profile()["name"] == "hostile"


def test_a_season_of_no_size_is_refused_in_words(run: Run) -> None:
    ran = run("live", "--loans", "0")

    assert (ran.code, "loans is a number from 1 to 10000, not 0" in ran.err) == (2, True)


@needs_faults
def test_an_empty_key_and_a_score_of_nothing_say_what_to_type(run: Run, mocklend: Client, tmp_path: Path) -> None:
    findings = tmp_path / "findings.jsonl"
    findings.write_text("")
    mocklend.arm("callback.dropped")

    said = [run("answers"), run("score", str(findings)), run("answers", "--export", str(tmp_path / "key.jsonl"))]

    for ran in said:
        assert "hint: No request has met a rule yet: 1 rule armed." in ran.out
        assert "mocklend live`" in ran.out
    assert run("answers", "--json").document["hint"].startswith("No request has met a rule yet")


def test_nobody_there_is_said_with_how_to_start(run: Run) -> None:
    ran = run("--url", "http://127.0.0.1:9", "audit")

    assert ran.code == 2
    assert "Nothing answers at http://127.0.0.1:9." in ran.err
    assert "mocklend serve" in ran.err


def test_the_doctor_sees_whether_serve_would_start(run: Run, tmp_path: Path, mocklend: Client) -> None:
    well = run("doctor", "--database", str(tmp_path / "new.db"), "--port", "0", "--json")
    taken = run("doctor", "--port", mocklend.base_url.rpartition(":")[2], "--database", str(tmp_path / "no" / "x.db"))

    assert (well.code, well.document["healthy"]) == (0, True)
    assert list(tmp_path.iterdir()) == []
    assert [check["name"] for check in well.document["checks"]] == [
        "python", "versions", "settings", "database", "port", "fault layer", "faults",
    ]  # fmt: skip
    assert taken.code == 1
    assert taken.out.count("FAIL") == 2


def test_the_doctor_tells_a_database_from_any_other_file(run: Run, tmp_path: Path) -> None:
    letter = tmp_path / "letter.db"
    letter.write_text("Dear Ada, " * 1000)

    ran = run("doctor", "--database", str(letter), "--port", "0")

    assert ran.code == 1
    assert "not a database" in ran.out


def test_the_doctor_looks_at_what_serve_would_start_with(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = tmp_path / "letter.db"
    letter.write_text("Dear Ada, " * 1000)
    monkeypatch.setenv("MOCKLEND_DATABASE", str(letter))
    monkeypatch.setenv("MOCKLEND_HOST", "127.0.0.2")
    monkeypatch.setenv("MOCKLEND_PORT", "0")
    monkeypatch.setenv("MOCKLEND_CONTROL_TOKEN", "short")

    ran = run("doctor", "--json")

    checks = {check["name"]: check for check in ran.document["checks"]}
    assert ran.code == 1
    assert str(letter) in checks["database"]["detail"]
    assert checks["port"]["detail"] == "0 on 127.0.0.2 is free"
    assert not checks["settings"]["ok"]
    assert "control_token" in checks["settings"]["detail"]
    assert "short" not in checks["settings"]["detail"].replace("shorter", "")


def test_serve_refuses_a_bad_database_in_the_doctors_words(run: Run, tmp_path: Path) -> None:
    told = run("doctor", "--database", str(tmp_path), "--port", "0", "--json")
    served = run("serve", "--database", str(tmp_path), "--port", "0", "--json")

    said = {check["name"]: check["detail"] for check in told.document["checks"]}["database"]
    assert served.code == 2
    assert f"{served.document['title']} {served.document['hint']}" == said


def test_help_imports_nothing_heavy() -> None:
    heavy = {"requests", "flask", "apiflask", "sqlalchemy", "pydantic", "rich", "granian", "waitress"}
    script = f"""
import sys
sys.argv = ["mocklend", "--help"]
from mocklend.cli import main
try:
    main()
except SystemExit:
    pass
print(sorted({heavy!r} & set(sys.modules)))
"""

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert "Usage: mocklend" in said
    assert said.splitlines()[-1] == "[]"


# --- serve ---


@needs_faults
def test_serve_says_where_it_is_and_what_to_type_next(capsys: pytest.CaptureFixture[str]) -> None:
    _announce(Settings(port=8400, database="mocklend.db"), "mk_default")

    said = capsys.readouterr().out
    assert "  address        http://127.0.0.1:8400\n" in said
    assert "(not asked for on loopback)" in said
    assert "  export MOCKLEND_URL=http://127.0.0.1:8400\n" in said
    assert "faults on cache.bounded_stale --lag-s 60\n" in said


def test_a_server_for_others_shows_all_tokens_and_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    _announce(Settings(host="0.0.0.0", database="postgresql+psycopg://ada:secret@db/mocklend"), "mk_default")

    said = capsys.readouterr().out
    assert "X-Mocklend-Operator" in said
    assert "X-Mocklend-Channel" in said
    assert "export MOCKLEND_CONTROL_TOKEN=" in said
    assert "secret" not in said


def test_a_port_that_is_taken_is_refused_before_anything_is_opened(run: Run, mocklend: Client, tmp_path: Path) -> None:
    ran = run("serve", "--port", mocklend.base_url.rpartition(":")[2], "--database", str(tmp_path / "books.db"))

    assert ran.code == 2
    assert "Give another port with --port." in ran.err
    assert not (tmp_path / "books.db").exists()


def test_settings_that_cannot_be_used_are_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKLEND_CONTROL_TOKEN", "short")

    ran = run("serve")

    assert ran.code == 2
    assert "control_token" in ran.err


@pytest.fixture
def served(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """`mocklend serve --json`, and the line that it prints once it is up."""
    command = [
        sys.executable,
        "-m",
        "mocklend",
        "serve",
        "--port",
        "0",
        "--database",
        str(tmp_path / "books.db"),
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline()) | {"process": process}
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_serve_prints_one_line_once_it_answers_and_stops_when_told(served: dict[str, Any], tmp_path: Path) -> None:
    process: subprocess.Popen[str] = served["process"]
    with Client(served["url"]) as anyone, anyone.sandbox(seed=7) as client:
        client.add_borrower("ada", "Ada")
        health = anyone.health()

    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)

    assert health["status"] == "ok"
    assert len(served["token"]) >= 8
    assert (process.returncode, rest) == (0, "")
    assert (tmp_path / "books.db").exists()


@pytest.mark.parametrize("to", ["-", "access.jsonl"])
def test_an_access_log_is_written_beside_what_serve_prints(tmp_path: Path, to: str) -> None:
    command = [
        *[sys.executable, "-m", "mocklend", "serve", "--port", "0", "--database", str(tmp_path / "books.db")],
        *["--json", "--access-log", to],
    ]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, text=True, **pipes) as process:
        assert process.stdout is not None
        try:
            served = json.loads(process.stdout.readline())
            with Client(served["url"]) as anyone, anyone.sandbox(seed=7) as client:
                client.add_borrower("ada", "Ada")
                with pytest.raises(ProblemError, match="body_too_large"):
                    client.add_borrower("ada", "A" * 70_000)
            process.send_signal(signal.SIGTERM)
            rest, errors = process.communicate(timeout=30)
        finally:
            process.kill()

    written = (tmp_path / "access.jsonl").read_text() if to != "-" else errors
    lines = [json.loads(line) for line in written.splitlines()]
    borrowers = [line for line in lines if line["path"] == "/v1/borrowers"]
    assert rest == ""
    assert to == "-" or errors == ""
    assert [line["status"] for line in borrowers] == [201, 413]
    assert {line["sandbox"] for line in borrowers} == {client.sandbox_id}
    assert all(line["request_id"].startswith("req_") for line in lines)
    assert (client.api_key or "none") not in written


def test_an_access_log_that_cannot_be_written_is_said_before_anything_is_served(run: Run, tmp_path: Path) -> None:
    ran = run("serve", "--port", "0", "--database", str(tmp_path / "books.db"), "--access-log", str(tmp_path))

    assert ran.code == 2
    assert f"{tmp_path} cannot be written: Is a directory." in ran.err
    assert not (tmp_path / "books.db").exists()


def test_the_key_of_default_is_the_one_of_the_last_start_and_is_not_in_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, key = tmp_path / "books.db", "mk_chosen_by_the_operator"
    command = [
        *[sys.executable, "-m", "mocklend", "serve", "--host", "0.0.0.0", "--port", "0"],
        *["--database", str(database), "--json"],
    ]
    known = {}
    for start, chosen in (("first", None), ("second", None), ("third", key)):
        if chosen is not None:
            monkeypatch.setenv("MOCKLEND_DEFAULT_KEY", chosen)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                served = json.loads(process.stdout.readline())
                known[start] = served["api_key"]
                opens = {}
                for of, one in known.items():
                    with Client(served["url"], one) as client:
                        opens[of] = _opens(client)
            finally:
                process.kill()
        assert opens == {of: of == start for of in known}
        stored = b"".join(one.read_bytes() for one in tmp_path.glob("books.db*"))
        assert not any(one.encode() in stored for one in known.values())
    assert known["third"] == key


def _opens(client: Client) -> bool:
    try:
        client.loans()
    except ProblemError as problem:
        assert problem.code == "credential_invalid"
        return False
    return True


def test_a_key_of_default_that_no_header_can_carry_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKLEND_DEFAULT_KEY", "with a blank")

    ran = run("serve")

    assert ran.code == 2
    assert "default_key" in ran.err
    assert "blank" not in ran.err


# --- scores ---


@needs_faults
def test_a_score_exits_by_its_verdict_and_shows_what_is_behind_it(
    run: Run, mocklend: Client, loan: dict[str, Any], tmp_path: Path
) -> None:
    findings = tmp_path / "findings.jsonl"
    mocklend.arm("cache.bounded_stale")
    repay(mocklend, loan)
    assert run("reconcile", "--out", str(findings)).code == 0

    passed = run("score", str(findings))
    findings.write_text("")
    failed = run("score", str(findings))
    mocklend.arm("callback.dropped", rule_id="silent")
    findings.write_text(json.dumps({"class": "stale_view", "entity": loan["id"]}) + "\n")
    unsure = run("score", str(findings), "--json")

    assert (passed.code, passed.out.splitlines()[0].split()[0]) == (0, "PASS")
    assert (failed.code, failed.out.splitlines()[0].split()[0]) == (1, "FAIL")
    assert f"missed: stale_view on {loan['id']}" in failed.out
    assert (unsure.code, unsure.document["verdict"], unsure.document["silent_rules"]) == (3, "INCONCLUSIVE", ["silent"])


@needs_faults
def test_a_score_may_be_asked_for_what_was_told_at_the_looks(
    run: Run, mocklend: Client, loan: dict[str, Any], tmp_path: Path
) -> None:
    findings = tmp_path / "findings.jsonl"
    findings.write_text("")
    before = mocklend.clock()["now"]
    mocklend.arm("cache.bounded_stale", lag_s=3_600)
    repay(mocklend, loan)
    during = mocklend.clock()["now"]
    mocklend.advance("P1D")

    assert run("score", str(findings), "--look", before).code == 3
    assert run("score", str(findings), "--look", before, "--look", during).code == 1
    assert run("score", str(findings), "--look", "2999-01-01T00:00:00Z").code == 2


@needs_faults
def test_a_threshold_may_be_lower(run: Run, mocklend: Client, loan: dict[str, Any], tmp_path: Path) -> None:
    findings = tmp_path / "findings.jsonl"
    mocklend.arm("cache.bounded_stale")
    repay(mocklend, loan)
    guesses = [{"class": "stale_view", "entity": one} for one in (loan["id"], "loan_2")]
    findings.write_text("".join(json.dumps(one) + "\n" for one in guesses))

    assert run("score", str(findings)).code == 1
    assert run("score", str(findings), "--precision-min", "0.5").code == 0


@needs_faults
def test_a_line_that_is_no_finding_is_refused_by_its_number(run: Run, tmp_path: Path) -> None:
    findings = tmp_path / "findings.jsonl"
    findings.write_text('{"class": "stale_view", "entity": "a"}\n\n{"class": "stale", "entity": "a"}\n')
    unknown = run("score", str(findings))
    findings.write_text('{"class": "stale_view", "entity": "a"}\nnot json\n')
    unreadable = run("score", str(findings))

    assert (unknown.code, unreadable.code) == (2, 2)
    assert "line 3.class" in unknown.err
    assert "line 2: not JSON" in unreadable.err


def test_the_help_of_score_says_its_exit_codes(run: Run) -> None:
    assert "0 on PASS, 1 on FAIL, 3 on INCONCLUSIVE" in " ".join(run("score", "--help").out.split())


@needs_faults
@pytest.mark.parametrize("name", ["key.jsonl", "key.parquet"])
def test_the_answer_key_is_exported(
    run: Run, mocklend: Client, loan: dict[str, Any], tmp_path: Path, name: str
) -> None:
    mocklend.arm("cache.bounded_stale")
    repay(mocklend, loan)

    ran = run("answers", "--export", str(tmp_path / name), "--json")

    assert (ran.code, ran.document["entries"]) == (0, 1)
    assert (tmp_path / name).stat().st_size > 100
    assert run("answers", "--export", str(tmp_path / "key.csv")).code == 2


def test_a_data_set_is_written_and_says_what_is_in_it(run: Run, tmp_path: Path) -> None:
    ran = run("dataset", str(tmp_path / "season"), "--loans", "3", "--days", "5", "--profile", "none", "--json")

    assert ran.code == 0, ran.err
    assert ran.err == "", "no progress where nobody looks"
    assert ran.document["rows"]["reconciler/loans"] == 3
    assert (tmp_path / "season" / "reconciler" / "journal.csv").exists()


def test_a_data_set_that_cannot_be_made_is_refused_in_words(run: Run, tmp_path: Path) -> None:
    ran = run("dataset", str(tmp_path / "season"), "--loans", "0", "--profile", "none")

    assert ran.code == 2
    assert "--loans is 0, and should be from 1" in ran.err
    assert not list(tmp_path.iterdir())


def test_sandboxes_are_listed_and_old_ones_go_from_the_shell(run: Run, mocklend: Client) -> None:
    listed = run("sandboxes", "list")
    assert listed.out.splitlines()[0] == f"sandboxes: {len(run('sandboxes', 'list', '--json').document['sandboxes'])}"
    assert f"  {mocklend.sandbox_id}  last used " in listed.out
    assert mocklend.api_key is not None
    assert mocklend.api_key not in listed.out

    assert run("sandboxes", "list", "--unused-for", "P1D").out == "sandboxes: 0\n"
    assert run("sandboxes", "expire", "--unused-for", "P1D", "--json").document == {"deleted": []}
    assert run("sandboxes", "expire", "--unused-for", "P1D").out == "deleted: 0\n"
    refused = run("sandboxes", "expire", "--unused-for", "PT1S")
    assert (refused.code, "at least PT1M" in refused.err) == (2, True)
    assert run("sandboxes", "expire").code == 2


# --- what --json promises ---


def commands_with_json() -> set[str]:
    """Every command that takes `--json`, by its words."""

    def walk(command: Any, words: tuple[str, ...]) -> Iterator[str]:
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, (*words, name))
        if any("--json" in parameter.opts for parameter in command.params):
            yield " ".join(words)

    return set(walk(typer.main.get_command(app), ()))


@needs_faults
def test_with_json_standard_output_is_one_document_and_nothing_else(
    run: Run, loan: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weather.yaml").write_text("stages: [{name: calm, duration_s: 600}]\n", encoding="utf-8")
    (tmp_path / "findings.jsonl").write_text("", encoding="utf-8")
    told = {
        "answers": [], "audit": [], "clock advance": ["PT1H"], "clock hold": [], "clock run": [], "clock show": [],
        "dataset": ["season", "--loans", "2", "--days", "3", "--profile", "none"],
        "demo": [], "doctor": ["--database", "new.db", "--port", "0"], "experiments list": [],
        "experiments start": ["weather.yaml"], "experiments stop": ["weather"], "faults explain": [loan["id"]],
        "faults lint": [], "faults list": [], "faults off": ["--all"], "faults on": ["cache.bounded_stale", "--lag-s", "60"],
        "faults profile": ["none"], "live": ["--loans", "2", "--days", "5"], "reconcile": ["--out", "found.jsonl"],
        "sandbox": [], "sandboxes expire": ["--unused-for", "P300D"], "sandboxes list": [], "scenario list": [],
        "scenario new": ["late-page"], "scenario run": ["late-page.yaml"], "scenario save": ["done.yaml"],
        "score": ["findings.jsonl"],
    }  # fmt: skip
    order = [
        "faults on",
        "experiments start",
        "scenario new",
        "clock hold",
        *sorted(set(told) - {"clock run"}),
        "clock run",
    ]

    for command in dict.fromkeys(order):
        ran = run(*command.split(), *told[command], "--json")
        assert ran.code in (0, 1, 3), (command, ran.err)
        json.loads(ran.out)

    assert set(told) == commands_with_json() - {"serve"}  # Which has a test of its own, as it does not end.
