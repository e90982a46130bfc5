"""The console in a real Chromium: the first lie by three clicks, keys, no violation of policy or accessibility."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.language import Language
from mocklend.sandboxes.lifecycle import DEFAULT
from mocklend.scenarios.in_process import client_of
from support.accessibility import barriers
from support.classroom import a_class
from support.databases import Databases
from support.served_console import (
    NARROW,
    WIDE,
    ServedConsole,
    Theme,
    served_with_faults,
    windows,
)
from support.story import MONDAY_MS

pytestmark = pytest.mark.long

SETTLED = {Language.EN: "Settled", Language.ZH: "已结清"}
UNPAID = {Language.EN: "Unpaid", Language.ZH: "未还清"}
LANGUAGES = pytest.mark.parametrize("language", list(Language))


@pytest.fixture(scope="module")
def console(module_databases: Databases) -> Iterator[ServedConsole]:
    """A served console with the fault layer."""
    with served_with_faults(module_databases()) as opened:
        yield opened


@pytest.fixture
def open_page(chromium_browser: Browser) -> Iterator[Callable[..., Page]]:
    """A new window. Whatever it logs or whomever else it asks is a failure."""
    with windows(chromium_browser) as opened:
        yield opened


def first_lie(page: Page, url: str) -> None:
    """Three clicks from `/`."""
    page.goto(url)
    for _ in range(3):
        page.locator(".step.next button:not([disabled])").click()
    page.wait_for_load_state()


@LANGUAGES
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_newcomer_sees_the_first_lie_after_three_clicks(
    console: ServedConsole, open_page: Callable[..., Page], language: Language, scripts: bool
) -> None:
    page = open_page(language, scripts=scripts)

    first_lie(page, console.url)

    expect(page.locator(".beside > div").nth(0).locator(".big")).to_have_text(SETTLED[language])
    expect(page.locator(".beside > div").nth(1).locator(".big")).to_have_text(UNPAID[language])
    expect(page.locator("tr.break")).to_have_count(1)
    cross = page.locator("tr.break .at-break svg").bounding_box()
    assert cross is not None
    assert min(cross["width"], cross["height"]) >= 10


COLOUR = "([row, cell]) => { const line = document.querySelector('tr.break').cloneNode(); line.className = row; const made = line.insertCell(); made.className = cell; document.querySelector('.chain tbody').append(line); return getComputedStyle(made).color; }"


def test_a_difference_on_its_way_is_not_in_the_colour_of_lies(
    console: ServedConsole, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    first_lie(page, console.url)

    on_its_way, lie = (page.evaluate(COLOUR, [row, "n off"]) for row in ("true", "false broken"))

    assert (on_its_way, lie) == ("rgb(122, 82, 0)", "rgb(179, 38, 30)")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize(("theme", "other"), [("light", "Dark"), ("dark", "Light")])
def test_the_first_click_on_the_theme_changes_it(
    console: ServedConsole, open_page: Callable[..., Page], theme: Theme, other: str, scripts: bool
) -> None:
    page = open_page(theme=theme, scripts=scripts)
    page.goto(f"{console.url}/console/{DEFAULT}/loans")
    choice = page.locator(".choices").locator(".to-light:visible, .to-dark:visible")
    expect(choice).to_have_text(other)

    choice.click()

    expect(page.locator("html")).to_have_attribute("data-theme", other.lower())
    expect(choice).to_have_text(theme.capitalize())


SMALL = """[...document.querySelectorAll("main summary, main .right a, main .legend a")]
    .filter(each => each.offsetParent && each.getBoundingClientRect().height < 32).map(each => each.textContent)"""


def test_on_a_phone_targets_are_large_and_a_value_stands_beside_its_label(
    console: ServedConsole, open_page: Callable[..., Page]
) -> None:
    page = open_page(width=NARROW)
    first_lie(page, console.url)
    page.click(".foot a[href*='/loans/']")
    small = page.evaluate(SMALL)
    page.goto(f"{page.url.partition('/loans/')[0]}/faults")
    small += page.evaluate(SMALL)

    assert small == []
    cell = page.locator("table.cards td[data-label]").first
    assert cell.evaluate("cell => getComputedStyle(cell).justifyContent") == "normal"


def test_a_projector_folds_the_sidebar(console: ServedConsole, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{console.url}/console/{DEFAULT}/loans?projector=on")
    expect(page.locator("#side")).to_be_hidden()
    page.click(".top a[href='#side']")

    page.click("#side a[href*='projector=off']")

    expect(page.locator("#side")).to_be_visible()


def test_no_key_leads_to_two_places(console: ServedConsole, open_page: Callable[..., Page]) -> None:
    page = open_page()
    first_lie(page, console.url)

    keys = page.locator("[data-key]").evaluate_all("all => all.map(each => each.dataset.key)")

    assert len(keys) == len(set(keys)), sorted(keys)
    page.keyboard.press("Shift+H")
    expect(page.locator(".told button")).to_be_focused()
    page.click(".side [data-key='g l']")
    page.wait_for_url("**/loans")
    page.wait_for_load_state()  # A key that is pressed before its script is there does nothing.
    page.keyboard.press("j")
    expect(page.locator("tbody tr").first.locator("a").first).to_be_focused()


def test_the_first_lie_is_reached_by_keys_alone(console: ServedConsole, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(console.url)
    page.locator(".step.next button").focus()

    for step in range(3):
        page.keyboard.press("Enter")
        expect(page.locator(".step .done")).to_have_count(step + 1)
        expect(page.locator(".step.next button")).to_be_focused()

    expect(page.locator("tr.break")).to_have_count(1)
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page.locator("h1")).to_have_text("Loans")


def test_keys_move_the_clock(console: ServedConsole, open_page: Callable[..., Page]) -> None:
    page = open_page()
    first_lie(page, console.url)

    page.keyboard.press("d")

    expect(page.locator(".bar .now b")).to_have_text("2026-01-06 10:01")
    expect(page.locator(".moved")).to_contain_text("fell due")


@LANGUAGES
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_page_is_accessible_and_fits(
    console: ServedConsole, open_page: Callable[..., Page], language: Language, theme: Theme, width: int
) -> None:
    page = open_page(language, theme=theme, width=width)
    first_lie(page, console.url)
    page.click(".foot a[href*='/loans/']")
    loan = page.url
    page.goto(f"{console.url}/console/{DEFAULT}/alerts")
    page.click("main form button.strong, .actions form button")
    links = [link.get_attribute("href") for link in page.locator("nav.side li a").all()]
    found: list[str] = []
    for address in (
        loan,
        f"{loan}?open=page&all=1",
        f"{loan}/operator",
        f"{loan}/forms/openDispute",
        f"{loan}/forms/applyAtLender",
        f"{console.url}/console/{DEFAULT}/messages?tab=webhooks",
        f"{loan.partition('/loans/')[0]}/rules/slow-page",
        f"{loan.partition('/loans/')[0]}/faults/import",
        *(f"{console.url}{link}" for link in links),
    ):
        page.goto(address)
        found += barriers(page)

    assert not found, "\n".join(found)


TABLE = """chart => [...document.querySelectorAll(`#table-${chart} tbody tr`)]
    .map(row => [...row.cells].slice(1).map(cell => cell.textContent === "" ? null : Number(cell.textContent.replaceAll(",", ""))))"""
DRAWN = "chart => { const [, ...lines] = document.getElementById(`plot-${chart}`).drawn.data; return lines[0].map((_, n) => lines.map(line => line[n])); }"
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
BOTH = f"chart => JSON.stringify([({TABLE})(chart), ({DRAWN})(chart)])"


def is_under_load(console: ServedConsole) -> None:
    """Requests as a load test makes them, and what faults did to them."""
    count = console.platform.live_series.count
    for n in range(20):
        count(DEFAULT, 200, 0.001 + n / 10_000, stale=n % 4 == 0)
    count(DEFAULT, 422, 0.002)
    count(DEFAULT, 200, 0.002, delay_ms=1_500)


def test_the_page_moves_while_requests_come(console: ServedConsole, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{console.url}/console/{DEFAULT}/live")
    expect(page.locator("#plot-requests canvas")).to_be_visible()

    is_under_load(console)

    expect(page.locator("#figure-requests span")).to_have_text("of 22", timeout=5_000)
    expect(page.locator("#figure-refused b")).to_have_text("1")
    expect(page.locator("#figure-stale b")).to_have_text("25")


def test_each_table_equals_its_chart(console: ServedConsole, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{console.url}/console/{DEFAULT}/live")
    is_under_load(console)
    for summary in page.locator(".live summary").all():
        summary.click()
    expect(page.locator("#table-requests tbody tr").nth(2)).to_be_attached(timeout=10_000)

    for chart in ("requests", "latency", "stale", "lies"):
        table, drawn = page.evaluate(f"chart => JSON.parse(({BOTH})(chart))", chart)
        assert table == drawn
        assert len(table) >= 3


@pytest.mark.parametrize("why", ["paused", "hidden"])
def test_a_page_that_nobody_follows_asks_nothing(
    console: ServedConsole, open_page: Callable[..., Page], why: str
) -> None:
    quiet = console.platform.create_sandbox(seed=1, mode="manual", now_ms=MONDAY_MS)
    page = open_page()
    page.clock.install()
    with page.expect_request("**/live/events*"):
        page.goto(f"{console.url}/console/{quiet.id}/live")
    expect(page.locator("#nothing-latency")).to_be_visible()
    expect(page.locator("#nothing-requests")).to_be_hidden()
    if why == "paused":
        page.keyboard.press("Space")
        expect(page.locator("#pause span")).to_have_text("Go on")
        expect(page.locator("#behind")).to_have_text("Paused.")
    else:
        page.evaluate(HIDE, True)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.clock.run_for(10_000)

    assert asked == []
    with page.expect_request("**/live/events*"):
        page.click("#pause") if why == "paused" else page.evaluate(HIDE, False)


@LANGUAGES
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_with_open_tables_it_is_accessible_and_fits(
    console: ServedConsole,
    open_page: Callable[..., Page],
    language: Language,
    theme: Theme,
    width: int,
) -> None:
    page = open_page(language, theme=theme, width=width)
    page.goto(f"{console.url}/console/{DEFAULT}/live?window=all")
    is_under_load(console)
    for summary in page.locator(".live summary").all():
        summary.click()
    expect(page.locator("#table-requests tbody tr").nth(1)).to_be_attached(timeout=10_000)

    assert not barriers(page)


@pytest.fixture(scope="module")
def course(console: ServedConsole) -> str:
    """The path of a class of six groups, of whom four have handed in."""
    return a_class(console.platform, ("Teacher", "Accounting 2, spring"), 6)


@LANGUAGES
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_class_is_accessible_and_fits(
    console: ServedConsole, open_page: Callable[..., Page], course: str, language: Language, theme: Theme, width: int
) -> None:
    page = open_page(language, theme=theme, width=width)
    found: list[str] = []
    for address in (course, f"{course}/end", f"{course}/delete"):
        page.goto(f"{console.url}{address}")
        found += barriers(page)

    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_no_id_is_broken_where_there_are_many(
    console: ServedConsole, open_page: Callable[..., Page], course: str, language: Language, width: int
) -> None:
    page = open_page(language, width=width)
    prepared = f"{console.url}{course.partition('/class/')[0]}"
    found: list[str] = []
    for path in ("loans", "ledger", "ledger?balance=1", "messages", "rules/lost-callbacks", "score", "reports", "key"):
        page.goto(f"{prepared}/{path}")
        found += barriers(page)
    page.click(".actions button.strong")
    found += barriers(page)
    page.locator("table.key a[href*='/loans/']").first.click()
    found += barriers(page)

    assert not found, "\n".join(found)
    page.evaluate("document.querySelector('main .crumbs code').style.cssText = 'display: inline-block; width: 4em'")
    assert len(barriers(page)) == 1


@pytest.mark.parametrize("kind", ["pages", "reports"])
def test_a_dark_page_prints_in_ink_on_white(
    console: ServedConsole, open_page: Callable[..., Page], course: str, kind: str
) -> None:
    page = open_page(theme="dark")
    prepared = f"{console.url}{course.partition('/class/')[0]}"
    page.goto(f"{prepared}/reports")
    if kind == "reports":
        page.click(".actions button.strong")
        page.locator("tbody th a").first.click()

    page.emulate_media(media="print")

    colours = page.evaluate(
        "(style => [style.color, style.backgroundColor])(getComputedStyle(document.documentElement))"
    )
    assert colours == ["rgb(26, 25, 22)", "rgb(255, 255, 255)"]
    assert page.locator("button:visible, nav.side:visible").count() == 0


def test_tiles_follow_what_groups_hand_in(console: ServedConsole, open_page: Callable[..., Page], course: str) -> None:
    page = open_page()
    page.clock.install()
    page.goto(f"{console.url}{course}?order=number")
    expect(page.locator(".tile").nth(0)).to_contain_text("not begun")
    expect(page.locator(".tile").nth(1)).to_contain_text("#")
    sandbox = str(page.locator(".tile a").nth(0).get_attribute("href")).split("/")[2]
    client_of(create_app(Settings(), console.platform).wsgi_app, sandbox).score([])

    page.clock.run_for(6_000)

    expect(page.locator(".tile").nth(0)).to_contain_text("0 found")
    expect(page.locator(".tile").nth(0)).to_contain_text("#5")


def test_a_link_with_a_key_fills_the_form(console: ServedConsole, open_page: Callable[..., Page]) -> None:
    page = open_page()

    page.goto(f"{console.url}/console/sign-in#mk_a-key")

    expect(page.locator("#secret")).to_have_value("mk_a-key")
    assert page.url.endswith("/sign-in")
