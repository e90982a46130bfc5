"""The console's pages Scenarios: a list, and a story that is played with forms, a step at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points

import pytest

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.language import Language
from mocklend.local import Local, opened_platform
from mocklend.runtime import Platform, find_layer
from mocklend.sandboxes.lifecycle import HIDDEN, REVEALED, ChangeSandbox
from mocklend.scenarios.runs import go_on, play
from support.console import Browser, english_sentences, seen

pytestmark = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)


BELIEVED = r'<th scope="row">([^<]+?)(?: <span class="quiet">\w+</span>)?</th>\s*<td class="n mark (\w+)"'
"""A row of what is believed: the view's name, and its mark."""


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    with opened_platform() as opened:
        yield opened


@pytest.fixture
def browser(local: Local) -> Browser:
    """A viewer of the sandbox `default`."""
    return Browser(local.app.test_client(), "default")


class Reader:
    """Somebody who plays a scenario with the forms of its pages."""

    def __init__(self, browser: Browser, name: str, language: Language = Language.EN) -> None:
        self.browser, self.name, self.language = browser, name, language
        began = browser.post(f"/scenarios/{name}", {"seed": "7"}, language)
        assert began.status_code == 303, began.text
        self.address = began.location.partition("#")[0]
        self.browser.sandbox_id = self.address.split("/")[2]
        self.page = browser.get(self.address, language)

    def go_on(self, until: str = "step") -> str:
        """Press the button as it is on the page."""
        at_step = re.search(r'name="at_step" value="(\d+)"', self.page)
        assert at_step, seen(self.page)
        form = {"until": until, "at_step": at_step[1]}
        self.page = self.browser.go(f"{self.address}/steps", form, self.language)
        return self.page


def test_the_list_names_every_story_and_leads_to_it(browser: Browser) -> None:
    page = browser.get("/scenarios")

    assert "Settled, and still shown as unpaid" in page
    assert 'href="/console/default/scenarios/stale-page"' in page


def test_a_story_begins_in_a_sandbox_of_its_own(browser: Browser) -> None:
    assert ">Play the story</button>" in browser.get("/scenarios/stale-page")
    reader = Reader(browser, "stale-page")

    assert "/console/default/" not in reader.address
    assert "step 0 of 11" in seen(reader.page)


def test_the_lie_stands_where_it_begins_and_is_passed_on(browser: Browser) -> None:
    reader = Reader(browser, "settled-shown-unpaid")
    for _ in range(2):
        page = reader.go_on("chapter")

    believed = re.findall(BELIEVED, page)
    assert believed[0] == ("World", "agrees")
    assert ("Operator console", "first_wrong") in believed
    assert ("Status page", "passes_on") in believed
    assert "unidentified" in page


def test_the_class_guesses_before_the_bank_answers(browser: Browser) -> None:
    reader = Reader(browser, "settled-shown-unpaid")
    reader.go_on("chapter")
    page = reader.go_on("chapter")
    while ">Reveal <kbd>" not in page:
        page = reader.go_on()

    assert "What will the bank say?" in page
    assert "Mortgage of 500,000.00: refused" not in page
    assert "Mortgage of 500,000.00: refused" in reader.go_on()


def test_what_the_last_step_has_changed_is_bold(browser: Browser) -> None:
    reader = Reader(browser, "stale-page")
    while ">Clock</th>" not in reader.page:
        reader.go_on()

    assert 'class="changed"' in reader.page
    changed = re.findall(r'<tr class="changed">\s*<th scope="row">([^<]*)', reader.page)
    assert "Books" in changed


def test_the_scores_page_says_what_the_reconcilers_found_as_of_each_chapter(browser: Browser) -> None:
    reader = Reader(browser, "settled-shown-unpaid")
    assert "as of the end of each chapter" not in browser.get("/score")

    reader.go_on("chapter")

    table = browser.get("/score").partition('aria-labelledby="by-chapter"')[2].partition("</table>")[0]
    naive, thorough = re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL)
    assert "<code>naive</code>" in naive
    assert "nothing" in naive
    assert re.search(r"<code>unidentified</code> <code>rct_\w+</code> CN¥1,004.50", thorough)
    assert "What the two reconcilers find" not in seen(browser.get("/score?truth=hidden"))


def test_a_hidden_truth_shows_what_the_parties_say_and_no_mark(browser: Browser) -> None:
    reader = Reader(browser, "settled-shown-unpaid")
    reader.go_on("chapter")

    hidden = browser.get(f"{reader.address}?truth=hidden")

    assert "first_wrong" not in hidden
    assert ">World<" not in hidden
    assert ">The status page</th>" in hidden


def test_an_earlier_chapter_can_be_read_again(browser: Browser) -> None:
    reader = Reader(browser, "stale-page")
    reader.go_on("chapter")
    reader.go_on()

    assert "An hour later" in seen(reader.page)
    assert "Ada, credit limit 50,000.00" in browser.get(f"{reader.address}?chapter=1")


def test_the_story_is_told_to_its_end_in_chinese_without_an_english_sentence(browser: Browser) -> None:
    assert english_sentences(browser.get("/scenarios", Language.ZH)) == []
    assert english_sentences(browser.get("/scenarios/wrong-amount", Language.ZH)) == []
    reader = Reader(browser, "wrong-amount", Language.ZH)
    pages = [reader.page, reader.go_on(), reader.go_on("end")]

    assert [english_sentences(page) for page in pages] == [[], [], []]
    assert "故事讲完了。" in pages[-1]
    assert "张三" in pages[1]


def test_two_rows_of_the_operator_console_are_told_apart(browser: Browser) -> None:
    page = seen(Reader(browser, "settled-shown-unpaid").go_on("end"))

    assert "Operator console receipt" in page
    assert "Operator console dispute" in page


def test_a_seed_that_is_no_number_is_refused_beside_its_field(browser: Browser) -> None:
    answer = browser.post("/scenarios/stale-page", {"seed": "many"})

    assert answer.status_code == 422
    assert 'value="many"' in answer.text
    assert 'id="error-seed"' in answer.text


def test_a_story_that_does_not_exist_is_refused_with_the_nearest_name(browser: Browser) -> None:
    assert "stale-page" in browser.get("/scenarios/stale-pages", status=404)


# --- by itself, again, and from elsewhere ---


def test_the_address_of_a_step_restores_what_was_shown_then(browser: Browser) -> None:
    reader = Reader(browser, "settled-shown-unpaid")
    pages = [reader.page]
    for _ in range(13):
        pages.append(reader.go_on())

    for step in (0, 1, 5, 9, 12):
        again = browser.get(f"{reader.address}?step={step}")
        assert f"step {step} of 31" in seen(again)
        assert told(again) == told(pages[step]), step
    assert "step=13&amp;lang=en" in reader.page
    assert "step 13 of 31" in seen(browser.get(f"{reader.address}?step=99")), "a step to come is the newest"
    assert "step 13 of 31" in seen(browser.get(f"{reader.address}?step=x"))


def told(page: str) -> tuple[list[str], list[str]]:
    """The lines of a page, and who believes what on it."""
    lines = re.findall(r'<th scope="row">([^<]+)</th>\s*<td>(.*?)</td>', page, re.DOTALL)
    believes = re.findall(BELIEVED, page)
    return [seen(f"<body>{each}") for each in lines], [str(each) for each in believes]


def test_an_earlier_step_asks_its_question_again(browser: Browser) -> None:
    reader = Reader(browser, "settled-shown-unpaid")
    while ">Reveal <kbd>" not in reader.page:
        reader.go_on()
    at = re.search(r"step (\d+) of 31", seen(reader.page))
    assert at
    reader.go_on()
    reader.go_on()

    earlier = browser.get(f"{reader.address}?step={at[1]}")

    assert "What will the bank say?" in earlier
    assert "Mortgage of 500,000.00: refused" not in earlier
    assert f'step={int(at[1]) + 1}"' in earlier, "the next step is a link, and makes no request"
    assert 'name="at_step"' not in earlier


def test_a_story_that_plays_by_itself_goes_on_playing_after_a_step(browser: Browser) -> None:
    reader = Reader(browser, "stale-page")

    playing = browser.post(f"{reader.address}/steps", {"until": "step", "at_step": "0", "play": "on"})
    paused = browser.post(f"{reader.address}/steps", {"until": "step", "at_step": "1", "play": ""})

    assert playing.location.endswith("/scenarios/stale-page?play=on#now")
    assert paused.location.endswith("/scenarios/stale-page#now")


def test_the_script_learns_of_steps_that_are_made_elsewhere(browser: Browser) -> None:
    reader = Reader(browser, "stale-page")
    at = re.search(r'data-at="([^"]+)"', reader.page)
    assert at
    assert json.loads(browser.get(at[1])) == {"step": 0}

    reader.go_on()

    assert json.loads(browser.get(at[1])) == {"step": 1}
    assert "data-at" not in browser.get(f"{reader.address}?step=0"), "who reads an earlier step stays there"


@pytest.mark.security
def test_a_student_of_an_exam_does_not_see_which_story_is_played(open_platform: Callable[..., Platform]) -> None:
    platform = open_platform(find_layer())
    app = create_app(Settings(), platform)
    run, made = play(app.wsgi_app, platform, "settled-shown-unpaid", 7, Language.EN)
    for _ in range(2):
        go_on(app.wsgi_app, platform, run.sandbox_id, "chapter")
    student = create_app(Settings(host="0.0.0.0"), platform).test_client()
    student.post("/console/sign-in", data={"secret": made["api_key"]})
    story = f"/console/{run.sandbox_id}/scenarios/settled-shown-unpaid"
    pages = [f"{story}{more}" for more in ("", "?chapter=1", "?step=3", "/at")]
    assert "Who finds it?" in student.get(pages[1]).text

    platform.run(ChangeSandbox(run.sandbox_id, None, HIDDEN))
    answers = [student.get(page) for page in pages]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 403]
    for answer in answers:
        for told in ("Who believes what", "Who finds it?", "unidentified", 'id="story"', "?chapter=2"):
            assert told not in answer.text, told
    assert "<button" not in answers[0].text.partition("<main")[2], "only a teacher plays"
    platform.run(ChangeSandbox(run.sandbox_id, None, REVEALED))
    assert "Who finds it?" in student.get(pages[0]).text
