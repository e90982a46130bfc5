"""What the console is accepted by, in a real Chromium: in both languages and themes, at the desk and on a phone.

Beside it: every page is accessible (`test_in_chromium.py`), Live moves (`test_live_in_chromium.py`), and what pages and
streams cost (`scripts/pages`, `scripts/streams`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import cycle, product
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from mocklend.app import create_app
from mocklend.audit.chain.docs import View
from mocklend.audit.chain.edges import edge_of
from mocklend.client import Client
from mocklend.config import Settings
from mocklend.console.loan_forms import FORMS
from mocklend.language import Language, translate
from mocklend.runtime import Platform
from mocklend.scenarios.in_process import client_of
from mocklend_faults.engine.catalogue import installed
from support import paired_runs
from support.chain_edges import AFTER
from support.console import english_sentences
from support.databases import Databases
from support.faulty_story import RULES, told, what_is_left
from support.served_console import NARROW, WIDE, ServedConsole, Theme, served_with_faults, windows
from support.sql import without_guards
from support.story import MONDAY_MS, SEED

pytestmark = pytest.mark.long

TOKEN = "the-teachers-token"
START = "2026-01-05T02:00:00Z"


class Look(NamedTuple):
    """How a viewer looks at the console."""

    language: Language
    theme: Theme
    width: int

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{self.width}"


THEMES: tuple[Theme, ...] = ("light", "dark")
LOOKS = [Look(*look) for look in product(Language, THEMES, (WIDE, NARROW))]
EACH_LOOK = pytest.mark.parametrize("look", LOOKS, ids=str)
OPPOSITE_LOOKS = pytest.mark.parametrize("look", [LOOKS[0], LOOKS[-1]], ids=str)
"""Two that have nothing in common, for what takes long: each language, theme and width is one of theirs."""


@pytest.fixture(scope="module")
def console(module_databases: Databases) -> Iterator[ServedConsole]:
    """A served console with the fault layer."""
    with served_with_faults(module_databases()) as opened:
        yield opened


@pytest.fixture
def open_page(chromium_browser: Browser) -> Iterator[Callable[[Look], Page]]:
    """A new window. Whatever it logs or whomever else it asks is a failure."""
    with windows(chromium_browser) as opened:
        yield lambda look: opened(look.language, theme=look.theme, width=look.width)


@pytest.fixture
def client(console: ServedConsole) -> Iterator[Client]:
    """A client in a sandbox of its own."""
    with Client(console.url) as anyone, anyone.sandbox(seed=SEED, now=START) as inside:
        yield inside


def sandbox_url(console: ServedConsole, client: Client) -> str:
    """The address of the pages of a client's sandbox."""
    return f"{console.url}/console/{client.sandbox_id}"


def borrowed(client: Client, name: str = "Ada") -> str:
    """A loan of 1,000.00: its id."""
    borrower = client.add_borrower("ada", name)
    return str(client.borrow(borrower["id"], 100_000, product_id="jiebei-like")["id"])


def all_pages(page: Page, url: str, loan_id: str) -> list[str]:
    """The addresses of the pages of the sidebar, and of a loan's; the page is one of the sandbox."""
    page.goto(f"{url}/loans")
    links = page.locator("nav.side li a").evaluate_all("links => links.map(link => link.href)")
    loan = f"{url}/loans/{loan_id}"
    return [*links, loan, f"{loan}?all=1&open=page", f"{loan}/operator", f"{loan}/forms/repay"]


# --- 1: a newcomer ---


@EACH_LOOK
def test_three_clicks_lead_to_the_first_lie(
    console: ServedConsole, open_page: Callable[[Look], Page], look: Look
) -> None:
    page = open_page(look)
    page.goto(console.url)
    for _ in range(3):
        page.locator(".step.next button:not([disabled])").click()

    expect(page.locator("tr.break")).to_have_count(1)
    expect(page.locator("tr.break .at-break svg")).to_be_visible()


# --- 2: looking changes nothing ---


def test_the_answer_key_is_the_same_with_live_open_and_every_page_asked_for(
    console: ServedConsole, open_page: Callable[[Look], Page]
) -> None:
    app = create_app(Settings(), console.platform).wsgi_app
    for id in ("alone", "looked-at"):
        console.platform.create_sandbox(seed=SEED, mode="manual", now_ms=MONDAY_MS, id=id)
    url = f"{console.url}/console/looked-at"
    live, page = open_page(LOOKS[0]), open_page(LOOKS[-1])
    live.goto(f"{url}/live")
    looks = 0

    def look(loan_id: str) -> None:
        nonlocal looks
        addresses = all_pages(page, url, loan_id)
        for n in range(4):  # Of some twenty pages these; the next loan gets the next four.
            page.goto(addresses[(looks + n) % len(addresses)])
        looks += 4

    told(client_of(app, "alone"), lambda loan_id: None)
    told(client_of(app, "looked-at"), look)

    alone, looked_at = (what_is_left(console.platform, client_of(app, id), id) for id in ("alone", "looked-at"))
    assert alone == looked_at
    assert alone[0], "something was injected"
    assert looks > 60


# --- 3: the chain, value by value ---

ROWS = """() => [...document.querySelectorAll(".chain tbody tr")].filter(row => !row.querySelector(".what")).map(row => [
    row.querySelector(".status code")?.textContent ?? row.querySelector(".status b").textContent,
    ...[...row.querySelectorAll("td.n")].map(cell => cell.textContent.trim()),
    row.querySelector(".mark").classList[1]])"""
AT_ITS_HEIGHT = [
    ["CLEAR", "0.00", "0.00", "1,004.50", "", "agrees"],  # the world
    ["SUCCESS", "", "", "1,004.50", "", "agrees"],  # the channel
    ["UNAPPLIED", "", "", "1,004.50", "", "first_wrong"],  # a receipt at the operator console
    ["OVD", "1,027.03", "183.25", "0.00", "3", "passes_on"],  # the books
    ["OVD", "1,027.03", "183.25", "0.00", "3", "passes_on"],  # the status page
    ["OVD", "1,027.03", "183.25", "0.00", "3", "passes_on"],  # the list
    ["", "1,027.03", "183.25", "0.00", "3", "passes_on"],  # the instalments
    ["OVD", "1,013.95", "90.90", "", "4", "passes_on"],  # the credit report
    ["616", "", "", "", "", "passes_on"],  # the score
    ["REFUSED", "1,013.95", "90.90", "", "4", "passes_on"],  # a lender's copy
    ["READY", "", "", "", "", "agrees"],  # the statement
]


@pytest.fixture(scope="module")
def settled(console: ServedConsole) -> tuple[str, str]:
    """The pages of the loan of the story, at the end of its third chapter and at the end."""
    addresses = []
    for chapters in (("chapter",) * 3, ("end",)):
        with Client(console.url) as anyone:
            sandbox = anyone.play_scenario("settled-shown-unpaid", seed=7)["sandbox"]
        with Client(console.url, sandbox["api_key"]) as player:
            for until in chapters:
                player.scenario_steps(until)
            [loan] = player.loans()["loans"]
        addresses.append(f"{console.url}/console/{sandbox['id']}/loans/{loan['id']}?all=1")
    return addresses[0], addresses[1]


@EACH_LOOK
def test_the_story_of_a_settled_loan_gives_the_chain_value_by_value(
    settled: tuple[str, str], open_page: Callable[[Look], Page], look: Look
) -> None:
    at_its_height, in_the_end = settled
    page = open_page(look)

    page.goto(at_its_height)
    assert page.evaluate(ROWS) == AT_ITS_HEIGHT
    expect(page.locator("tr.break")).to_have_count(1)
    page.goto(in_the_end)
    assert {row[-1] for row in page.evaluate(ROWS)} == {"agrees"}
    expect(page.locator("tr.break")).to_have_count(0)


# --- 4 and 5: the sign at its edge, and a bug of the platform ---

BREAKS = """() => [...document.querySelectorAll("tr.break")].map(row => {
    let below = row;
    while (below.classList.contains("break")) below = below.nextElementSibling;
    return [row.querySelector(".at-break svg").checkVisibility(), row.querySelector(".what code").textContent.split(" ")[0],
        new URL(below.querySelector("th a").href).searchParams.get("open"), below.querySelector(".mark").classList[1]]; })"""
UNEXPLAINED = ".chain .mark.unexplained"


@pytest.mark.parametrize(("fault", "look"), list(zip(sorted(installed()), cycle(LOOKS), strict=False)), ids=str)
def test_the_sign_of_each_kind_is_at_the_edge_of_its_seam(
    console: ServedConsole, open_page: Callable[[Look], Page], fault: str, look: Look
) -> None:
    lesson, page = paired_runs.lesson_of(fault), open_page(look)
    with paired_runs.story_run(console.url, **lesson.sandbox) as run:
        run.client.arm(fault, rule_id="lesson", match=lesson.match, select=lesson.select, **lesson.settings)
        lesson.story(run)
        run.views()  # Statements and scores are made when somebody asks for them.
        broken = []
        for loan_id in run.loans:
            page.goto(f"{sandbox_url(console, run.client)}/loans/{loan_id}?all=1")
            broken += page.evaluate(BREAKS)
            expect(page.locator(UNEXPLAINED)).to_have_count(0)

    assert broken
    for is_visible, seam, opens, mark in broken:
        assert is_visible
        assert seam in installed()[fault].seams()
        assert mark == "first_wrong"
        assert opens.startswith(tuple(view.value for view in AFTER[edge_of(seam)])), (seam, opens)


@pytest.fixture(scope="module")
def sound_and_broken(module_databases: Databases) -> Iterator[tuple[str, str]]:
    """The pages of two loans, of which a bug of the platform has hit the second."""
    with (
        served_with_faults(module_databases()) as console,
        Client(console.url) as anyone,
        anyone.sandbox(seed=SEED, now=START) as client,
    ):
        sound, broken = borrowed(client), borrowed(client)
        with without_guards(console.platform.engine) as run:
            assert run("UPDATE loans SET status = 'CLEAR' WHERE id = ?", [broken]) == 1
        pages = f"{sandbox_url(console, client)}/loans"
        yield f"{pages}/{sound}", f"{pages}/{broken}"


@EACH_LOOK
def test_what_no_fault_explains_is_called_a_bug(
    sound_and_broken: tuple[str, str], open_page: Callable[[Look], Page], look: Look
) -> None:
    sound, broken = sound_and_broken
    page = open_page(look)
    page.goto(sound)
    expect(page.locator(".chain .mark.agrees").first).to_be_visible()
    expect(page.locator(UNEXPLAINED)).to_have_count(0)

    page.goto(broken)

    expect(page.locator(UNEXPLAINED).first).to_have_text(translate(look.language, "unexplained: a bug"))
    expect(page.locator("tr.break")).to_have_count(0)


# --- 6: what a student may see ---


class Exam(NamedTuple):
    """A served console off loopback, with a sandbox whose truth is hidden, and what nobody in it may read."""

    url: str
    key: str
    loan_id: str
    secrets: frozenset[str]


@pytest.fixture(scope="module")
def exam(module_databases: Databases) -> Iterator[Exam]:
    settings = Settings(host="0.0.0.0", control_token=TOKEN)
    with served_with_faults(module_databases(), settings) as console:
        sandbox = console.platform.create_sandbox(seed=SEED, mode="manual", now_ms=MONDAY_MS, id="exam", truth="hidden")
        loans: list[str] = []
        told(client_of(create_app(settings, console.platform).wsgi_app, "exam", TOKEN), loans.append)
        yield Exam(f"{console.url}/console/exam", sandbox.api_key, loans[-1], frozenset(_secrets(console.platform)))


def _secrets(platform: Platform) -> Iterator[str]:
    """The names of rules, faults and injections."""
    yield from RULES
    yield from (str(rule["fault"]) for rule in RULES.values())
    with platform.snapshot("exam") as snapshot:
        assert platform.layer is not None
        yield from (entry.injection for entry in platform.layer.answer_key(snapshot))


@OPPOSITE_LOOKS
def test_no_byte_for_a_student_names_a_rule_a_fault_or_an_injection(
    chromium_browser: Browser, exam: Exam, look: Look
) -> None:
    with windows(chromium_browser, refused="40") as opened:
        page = opened(look.language, theme=look.theme, width=look.width)
        page.goto(exam.url + "/loans")
        page.fill("#secret", exam.key)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        said = {}
        for address in all_pages(page, exam.url, exam.loan_id):
            answer = page.goto(address)
            assert answer is not None
            said[address] = answer.text() + page.content()
        said["live"] = page.request.get(f"{exam.url}/live/rows").text()

        assert len(said) > 10
        assert len(exam.secrets) > 10
        for url, text in said.items():
            found = {secret for secret in exam.secrets if re.search(rf"\b{re.escape(secret)}\b", text)}
            assert not found, f"{url} says {sorted(found)}"


# --- 8: languages and hostile names ---


def test_a_chinese_page_has_no_english_sentence_and_a_borrowers_script_is_text(
    console: ServedConsole, client: Client, open_page: Callable[[Look], Page]
) -> None:
    name = "<script>document.title = 'wrong'</script>"
    loan_id = borrowed(client, name)
    page = open_page(Look(Language.ZH, "light", WIDE))

    for address in all_pages(page, sandbox_url(console, client), loan_id):
        page.goto(address)
        shown = re.sub(
            r"<(textarea|option|pre)\b.*?</\1>", "", page.content().replace("document.title", ""), flags=re.DOTALL
        )
        assert english_sentences(shown) == [], address
        assert page.title() != "wrong"

    page.goto(f"{sandbox_url(console, client)}/loans/{loan_id}")
    expect(page.locator("h1")).to_contain_text(name)


# --- 11: what was opened ---


@OPPOSITE_LOOKS
def test_an_opened_event_stays_open_and_a_link_restores_it_with_its_filter(
    console: ServedConsole, client: Client, open_page: Callable[[Look], Page], look: Look
) -> None:
    loan_id = borrowed(client)
    client.repay(loan_id, 5_000, "wallet", "OVD_AND_CURRENT")
    page = open_page(look)
    page.goto(f"{sandbox_url(console, client)}/loans/{loan_id}?kind=requests")
    page.locator(".day .what a").first.click()
    expect(page.locator(".day .asked")).to_have_count(1)
    opened = page.locator(".day .asked").text_content()
    before = page.locator(".bar .now b").text_content()
    page.wait_for_load_state()  # A key that is pressed before its script is there does nothing.

    page.keyboard.press("d")

    expect(page.locator(".bar .now b")).not_to_have_text(str(before))
    expect(page.locator(".day .asked")).to_have_text(str(opened))
    expect(page.locator(".legend a[aria-current='true']")).to_have_attribute("href", re.compile("kind=requests"))
    other = open_page(look)
    other.goto(page.url)
    expect(other.locator(".day .asked")).to_have_text(str(opened))
    expect(other.locator(".legend a[aria-current='true']")).to_have_attribute("href", re.compile("kind=requests"))


# --- 12: forms ---

TYPED = "main form input:not([type]):visible, main form textarea:visible"
EMPTIED = ("operator", "approver", "statement")
"""Fields that accept any text; they are left empty."""


@pytest.mark.parametrize(("operation", "look"), list(zip(sorted(FORMS), cycle(LOOKS), strict=False)), ids=str)
def test_each_form_has_its_errors_by_their_fields_and_keeps_what_was_typed(
    console: ServedConsole, client: Client, chromium_browser: Browser, operation: str, look: Look
) -> None:
    with windows(chromium_browser, refused="status of 4") as opened:
        page = opened(look.language, theme=look.theme, width=look.width)
        page.goto(f"{sandbox_url(console, client)}/loans/{borrowed(client)}/forms/{operation}")
        fields = page.locator(TYPED)
        for field in fields.all():
            field.fill("" if field.get_attribute("name") in EMPTIED else "?!")

        page.locator("main form button.strong").click()

        wrong = page.locator("main [aria-invalid='true']")
        expect(wrong.first).to_be_focused()
        for field in wrong.all():
            expect(page.locator(f"[id='{field.get_attribute('aria-describedby')}']")).to_be_visible()
        for field in fields.all():
            expect(field).to_have_value("" if field.get_attribute("name") in EMPTIED else "?!")


# --- 13: an outage ---


@OPPOSITE_LOOKS
def test_during_a_full_outage_every_page_answers_and_says_what_a_client_gets(
    console: ServedConsole, client: Client, open_page: Callable[[Look], Page], look: Look
) -> None:
    loan_id = borrowed(client)
    client.put_rule("down", {"fault": "outage.full"})
    page = open_page(look)

    for address in all_pages(page, sandbox_url(console, client), loan_id):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address

    page.goto(f"{sandbox_url(console, client)}/loans/{loan_id}")
    row = page.locator(".chain tr", has=page.locator(f"th a[href*='open={View.PAGE.value}']"))
    expect(row).to_contain_text("503 unavailable")
