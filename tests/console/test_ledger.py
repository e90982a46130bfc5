"""The page Ledger: the journal newest first, its filters, and the trial balance on request."""

from __future__ import annotations

from mocklend.console.words import KINDS
from mocklend.language import Language
from support.console import Browser, english_sentences, seen
from support.story import Story


def test_an_empty_ledger_says_what_would_be_there(browser: Browser) -> None:
    assert "Nothing is posted here" in seen(browser.get("/ledger"))


def test_the_journal_shows_debit_and_credit_of_each_transaction(browser: Browser, story: Story) -> None:
    story.order(story.borrow(), 10_000)
    story.wait(60)

    page = seen(f"<body>{browser.get('/ledger').partition('<tbody')[2]}")

    assert "principal receivable" in page
    assert page.index("repayment") < page.index("disbursement accepted"), "the newest is first"


def test_the_trial_balance_is_read_only_when_asked_for(browser: Browser, story: Story) -> None:
    story.borrow()

    assert "debits and credits are equal" not in seen(browser.get("/ledger"))
    assert "debits and credits are equal" in seen(browser.get("/ledger?balance=1"))


def test_a_filter_that_cannot_be_is_explained_beside_its_field(browser: Browser) -> None:
    page = browser.get("/ledger?account=cash")

    assert 'aria-describedby="error-account"' in page
    assert 'value="cash"' in page


def test_the_chinese_ledger_has_no_english_sentence(browser: Browser, story: Story) -> None:
    story.order(story.borrow(), 10_000)
    story.wait(60)

    assert english_sentences(browser.get("/ledger?balance=1", Language.ZH)) == []


def test_each_kind_that_a_story_posts_has_a_word(browser: Browser, story: Story) -> None:
    story.order(story.borrow(), 10_000)
    story.wait(60)

    with story.platform.snapshot(story.sandbox_id) as snapshot:
        kinds = set(snapshot.ids("SELECT DISTINCT kind FROM transactions WHERE sandbox_id = :sandbox_id"))

    assert kinds <= set(KINDS)
