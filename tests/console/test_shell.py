"""The frame of every page: language, look, clock bar, keys, and headers that let no page ask another origin."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.console.app import POLICY, create_console
from mocklend.language import Language
from mocklend.runtime import Platform, make_key
from mocklend.sandboxes.lifecycle import REVEALED, ChangeSandbox
from support.console import Browser, english_sentences, seen
from support.dispute_story import decide, dispute, verify
from support.story import Story


def test_the_first_page_is_one_of_the_default_sandbox(platform: Platform) -> None:
    answer = create_app(Settings(), platform).test_client().get("/", follow_redirects=True)

    assert answer.status_code == 200
    assert answer.request.path.startswith("/console/default/")


def test_addresses_of_the_api_are_no_pages(platform: Platform) -> None:
    client = create_app(Settings(), platform).test_client()

    assert client.get("/consoles").get_json()["code"] == "not_found"
    assert client.get("/-/clock").get_json()["mode"] == "wall"


def test_without_the_extra_the_api_works_and_the_console_says_what_it_needs(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mocklend.console.mount.find_spec", lambda _name: None)
    client = create_app(Settings(), platform).test_client()

    answer = client.get("/")

    assert answer.status_code == 404
    assert answer.get_json()["expected"] == "pip install 'mocklend[console]'"
    assert client.get("/-/clock").status_code == 200


def test_a_page_loads_nothing_from_elsewhere_and_is_not_kept(browser: Browser) -> None:
    answer = browser.client.get(f"/console/{browser.sandbox_id}/loans")

    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["Cache-Control"] == "no-store"
    assert "style=" not in answer.text
    elsewhere = answer.text.replace("http://localhost/", "")  # a command for this server
    assert "http://" not in elsewhere
    assert "https://" not in elsewhere


def test_the_source_of_a_page_is_that_of_its_sandbox(platform: Platform, story: Story) -> None:
    loan_id = story.borrow()
    platform.give_key(story.sandbox_id, key := make_key())
    client = create_app(Settings(), platform).test_client()
    browser = Browser(client, story.sandbox_id)
    links = re.findall(rf'href="(/console/{story.sandbox_id}/[a-z]+)"', browser.get(f"/loans/{loan_id}"))
    asked: set[str] = set()

    for page in (f"/loans/{loan_id}", *links):
        text = browser.get(page)
        assert not re.findall(r'href="/(?!console|static|docs)[^"]+"', text), "a link sends no key"
        asked.update(
            html.unescape(path) for path in re.findall(r"curl -sS -X GET (?:&#39;)?http://localhost([^ &]+)", text)
        )

    assert {f"/-/loans/{loan_id}/views", f"/-/loans/{loan_id}/timeline", "/v1/loans"} <= asked
    for path in asked:
        answer = client.get(path, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200, (path, answer.text)


def test_the_language_is_the_browsers_until_the_viewer_chooses_one(browser: Browser) -> None:
    assert 'lang="zh-CN"' in browser.get("/loans", Language.ZH).partition(">")[2].partition(">")[0]
    assert ">Loans</h1>" in browser.get("/loans?lang=en", Language.ZH)
    assert ">Loans</h1>" in browser.get("/loans", Language.ZH), "the cookie keeps the choice"
    assert ">借款</h1>" in browser.get("/loans?lang=zh", Language.EN)


def test_theme_and_projector_are_kept(browser: Browser) -> None:
    browser.get("/loans?theme=dark&projector=on")

    page = browser.get("/loans")

    assert 'data-theme="dark"' in page
    assert 'data-projector="on"' in page


def test_a_chinese_page_has_no_english_sentence(browser: Browser, story: Story) -> None:
    story.borrow(50_000)

    for path in ("/loans", "/clock", "/loans?status=CLEAR"):
        page = browser.client.get(f"/console/{browser.sandbox_id}{path}", headers={"Accept-Language": "zh"}).text
        assert english_sentences(page) == [], path


def test_the_clock_moves_by_a_day_and_says_what_fell_due(browser: Browser, story: Story) -> None:
    story.order(story.borrow(50_000), 1_000)

    page = browser.go("/clock", {"by": "P1D", "from": f"/console/{browser.sandbox_id}/loans?status=CLEAR"})

    assert "2026-01-06 10:00" in seen_times(page)
    assert "The clock moved by 1 day; " in seen(page)
    assert 'value="CLEAR" selected' in page, "it goes back to where it was"


def test_the_clock_goes_to_the_next_event(browser: Browser, story: Story) -> None:
    story.order(story.borrow(50_000), 1_000)

    browser.go("/clock", {"to": "next", "from": ""})

    assert story.now_ms == story.sandbox.sandbox_ms + 2_000


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"local": "2020-01-01T00:00"}, "clock_backwards"),
        ({"local": "soon"}, "received <code>soon</code>"),
        ({"by": "soon"}, "Expected"),
        ({}, "Expected"),
    ],
)
def test_a_move_that_cannot_be_is_explained_and_moves_nothing(
    browser: Browser, story: Story, form: dict[str, str], says: str
) -> None:
    before_ms = story.now_ms

    answer = browser.post("/clock", form)

    assert answer.status_code == 422
    assert says in answer.text
    assert form.get("local", "") in answer.text, "what was typed is still there"
    assert story.now_ms == before_ms


def test_a_form_of_another_origin_is_refused(browser: Browser) -> None:
    answer = browser.client.post(
        f"/console/{browser.sandbox_id}/clock", data={"by": "P1D"}, headers={"Origin": "http://elsewhere.example"}
    )

    assert answer.status_code == 403


def test_a_form_leads_to_no_other_server(browser: Browser) -> None:
    answer = browser.post("/clock", {"by": "P1D", "from": "https://elsewhere.example/console/x"})

    assert answer.location.startswith("/console/x")


@pytest.mark.parametrize("path", ["/console/sbx_unknown/loans", "/console/default", "/console/x/y/z"])
def test_a_page_that_there_is_not_says_so(browser: Browser, path: str) -> None:
    answer = browser.client.get(path)

    assert answer.status_code == 404
    assert "To the first page" in answer.text


def test_what_there_is_not_leads_back_to_where_the_viewer_was(browser: Browser) -> None:
    loans = f'href="/console/{browser.sandbox_id}/loans"'

    loan = browser.client.get(f"/console/{browser.sandbox_id}/loans/loan_0").text
    assert f"Loan loan_0, looked for in sandbox {browser.sandbox_id}" in seen(loan)
    assert f'class="button" {loans}' in loan
    path = browser.client.get(f"/console/{browser.sandbox_id}/x/y/z").text
    assert f'class="button" {loans}' in path
    sandbox = browser.client.get("/console/sbx_unknown/loans").text
    assert 'href="/console/default/sandboxes">To the list of sandboxes' in sandbox
    assert browser.client.get("/console/default/sandboxes").status_code == 200


@pytest.mark.parametrize(
    ("language", "told"), [(Language.EN, "payout of a compensation"), (Language.ZH, "下一个： ，赔付")]
)
def test_what_is_paid_out_next_is_told_by_its_purpose(
    browser: Browser, story: Story, language: Language, told: str
) -> None:
    loan_id = story.borrow()
    dispute_id = dispute(story, loan_id)
    verify(story, dispute_id)
    decide(story, dispute_id, compensation_minor=5_000)

    assert told in seen(browser.get("/loans", language))


def test_a_borrowers_name_is_text_and_no_markup(browser: Browser, story: Story) -> None:
    story.borrow(50_000, borrower="<script>alert(1)</script>")

    page = browser.get("/loans")

    assert "<script>alert" not in page.lower()
    assert "&lt;script&gt;alert" in page.lower()


@pytest.fixture
def off_loopback(platform: Platform, story: Story) -> FlaskClient:
    """A console that others can reach."""
    return create_console(platform, Settings(host="0.0.0.0", control_token="the-teachers-token")).test_client()


def test_off_loopback_a_viewer_signs_in(off_loopback: FlaskClient, story: Story) -> None:
    loans = f"/console/{story.sandbox_id}/loans"
    assert off_loopback.get(loans).status_code == 401

    refused = off_loopback.post("/console/sign-in", data={"secret": "wrong"})
    entered = off_loopback.post("/console/sign-in", data={"secret": "the-teachers-token"})

    assert refused.status_code == 401
    assert entered.status_code == 303
    assert "HttpOnly; Path=/; SameSite=Strict" in entered.headers["Set-Cookie"]
    assert "the-teachers-token" not in entered.headers["Set-Cookie"]
    assert off_loopback.get(loans).status_code == 200


@pytest.mark.security
def test_whoever_has_not_signed_in_sees_nothing_of_a_sandbox(
    off_loopback: FlaskClient, platform: Platform, story: Story
) -> None:
    story.borrow(50_000)
    platform.run(ChangeSandbox(story.sandbox_id, "The exam", None))

    for path in (f"/console/{story.sandbox_id}/loans", "/console/sign-in", "/console/default/loans"):
        page = off_loopback.get(path).text
        assert "The exam" not in page
        assert 'class="figure' not in page
        assert 'class="bar"' not in page
        assert 'id="secret"' in page


def test_a_student_sees_one_sandbox_and_moves_no_clock(off_loopback: FlaskClient, story: Story) -> None:
    off_loopback.post("/console/sign-in", data={"secret": story.sandbox.api_key})
    own = f"/console/{story.sandbox_id}"

    assert off_loopback.get(f"{own}/loans").status_code == 200
    assert off_loopback.get("/console/default/loans").status_code == 401
    assert off_loopback.post(f"{own}/clock", data={"by": "P1D"}).status_code == 401
    assert 'name="by"' not in off_loopback.get(f"{own}/loans").text


def test_the_truth_is_offered_to_whoever_may_see_it(
    off_loopback: FlaskClient, platform: Platform, story: Story
) -> None:
    page = f"/console/{story.sandbox_id}/loans/{story.borrow(50_000)}?truth=hidden"
    off_loopback.post("/console/sign-in", data={"secret": story.sandbox.api_key})

    assert "Show the truth" not in off_loopback.get(page).text
    platform.run(ChangeSandbox(story.sandbox_id, None, REVEALED))
    assert "Show the truth" in off_loopback.get(page).text


def seen_times(page: str) -> str:
    """The times of a page."""
    return " ".join(part.partition("</time>")[0].partition(">")[2] for part in page.split("<time")[1:])
