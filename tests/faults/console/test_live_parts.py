"""What the page Live shows of the fault layer: injections by rule, and the newest that are still wrong, bounded."""

from __future__ import annotations

from mocklend.config import Settings
from mocklend.console.app import create_console
from mocklend.console.visit import SESSION
from mocklend.language import Language
from mocklend.runtime import Platform
from mocklend_faults.engine import wrong_now
from support.console import Browser, english_sentences, seen
from support.console_control import Control

LOST = {"fault": "callback.dropped"}
SLOW = {"fault": "cache.bounded_stale", "with": {"lag_s": 3_600}, "select": {"probability": 0}}


def test_each_rule_stands_with_what_it_injected_and_what_is_open(browser: Browser, control: Control) -> None:
    assert "No rule is armed." in seen(browser.get("/live"))
    control.call("PUT", "/-/rules/slow", SLOW)
    control.call("PUT", "/-/rules/lost", LOST)
    loans = [control.repay() for _ in range(3)]
    key = control.call("GET", "/-/answer-key?status=active")["entries"]
    counted = {rule["id"]: rule["injected"] for rule in control.call("GET", "/-/rules")["rules"]}
    assert len(key) == 3

    page, part = browser.get("/live"), browser.get("/live/wrong")

    assert "By rule" in seen(page)
    assert seen(f"<body>{part}").removeprefix("> ") in seen(page)
    rows = [seen(f"<body>{row}") for row in part.partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")[:-1]]
    assert [row.split()[-2:] for row in rows] == [[str(counted["lost"]), "3"], [str(counted["slow"]), "0"]]
    assert "Still wrong now 3" in seen(page)
    for loan in loans:
        assert f"/loans/{loan}" in part
    assert part.count("<code>missing_in_books</code>") == 4, "the class, and three entries of it"
    assert "status=active" in part


def test_many_rules_that_did_nothing_are_folded(browser: Browser, control: Control) -> None:
    for n in range(6):
        control.call("PUT", f"/-/rules/slow-{n}", SLOW)
    control.call("PUT", "/-/rules/lost", LOST)
    control.repay()

    shown, _, folded = browser.get("/live/wrong").partition("<details>")

    assert "/rules/lost" in shown
    assert "/rules/slow-" not in shown
    assert "6 rules have injected nothing" in folded
    assert folded.count("/rules/slow-") == 6


def test_only_the_newest_are_listed(browser: Browser, control: Control) -> None:
    control.call("PUT", "/-/rules/lost", LOST)
    loans = [control.repay() for _ in range(wrong_now.NEWEST + 2)]

    part = browser.get("/live/wrong")

    assert f"Still wrong now {len(loans)}" in seen(f"<body>{part}")
    newest = [entry["loan_id"] for entry in control.call("GET", "/-/answer-key?order=newest&status=active")["entries"]]
    listed = [piece.partition('"')[0] for piece in part.split("/loans/")[1:]]
    assert set(listed) <= set(newest)
    assert len(listed) == wrong_now.NEWEST
    assert listed[0] == newest[0] or newest[0] in listed


def test_what_is_over_is_not_wrong_any_more(browser: Browser, control: Control) -> None:
    control.call("PUT", "/-/rules/lag", {"fault": "cache.bounded_stale", "with": {"lag_s": 3_600}})
    control.repay()
    assert "Still wrong now 1" in seen(f"<body>{browser.get('/live/wrong')}")

    control.call("POST", "/-/clock/advance", {"by": "PT2H"})

    assert "Nothing is." in seen(f"<body>{browser.get('/live/wrong')}")


def test_in_chinese_no_english_sentence_is_left(browser: Browser, control: Control) -> None:
    control.call("PUT", "/-/rules/lost", LOST)
    control.repay()

    assert english_sentences(browser.get("/live", Language.ZH)) == []


def test_without_the_truth_there_is_none_of_it(browser: Browser, control: Control) -> None:
    control.call("PUT", "/-/rules/lost", LOST)
    control.repay()

    hidden = browser.get("/live?truth=hidden")
    refused = browser.get("/live/wrong", status=403)

    assert "lost" not in hidden
    assert "missing_in_books" not in hidden
    assert "/live/wrong" not in hidden
    assert "missing_in_books" not in refused


def test_a_student_gets_none_of_it(served: Platform, control: Control) -> None:
    client = create_console(served, Settings(host="0.0.0.0")).test_client()
    client.set_cookie(SESSION, control.key)

    assert "/live/wrong" not in client.get(f"/console/{control.sandbox_id}/live").text
    assert client.get(f"/console/{control.sandbox_id}/live/wrong").status_code == 401
