"""A new scenario: a commented file that runs as it stands."""

from __future__ import annotations

from mocklend.scenarios.schema import FILE

TEXT = """\
# yaml-language-server: $schema={schema}
# A scenario: `mocklend scenario run {file}` tells it, on a platform of its own, and checks each claim.
name: {name}
title: Ada pays, and her page is late
story: >-
  Say here what happens, as you would tell it to a colleague.

# The sandbox that it is told in. The same seed has the same ids and meets the same faults.
seed: 7
starts: "2026-01-05T02:00:00Z"
# sandbox: {{zone: Asia/Shanghai, four_eyes_above_minor: 100000}}

chapters:
  - title: The page is late
    story: One chapter is one moment of the story. At its end the open lies are counted, and reconcilers may look.
    # What goes wrong, from here on: `mocklend faults list` has the faults, docs/rules.md what a rule may say.
    rules:
      late-page: {{fault: cache.bounded_stale, with: {{lag_s: 3600}}, select: {{times: 1}}}}
    steps:
      # `do` is a method of mocklend.client.Client, `with` are its arguments. `as` keeps the answer: $ada.id.
      - who: Ada
        do: add_borrower
        with: {{reference: ada, name: Ada}}
        as: ada
      - who: Ada
        do: borrow
        with: {{borrower_id: $ada.id, principal_minor: 100000, product_id: jiebei-like, reference: ada-1}}
        as: loan
        shows: id status outstanding_minor
      - who: Ada
        do: quote
        with: {{loan_id: $loan.id, type: CLEAR}}
        as: quote
        shows: total_minor
      - who: Ada
        do: repay_quote
        with: {{quote: $quote, channel: wallet}}
        as: payment
        shows: id status
      # The clock moves only when you say so.
      - do: advance
        with: {{by: PT10S}}
      # A claim: what this party sees. One that does not hold ends the story, and shows in the exit code.
      - who: The status page
        do: loan
        with: {{loan_id: $loan.id}}
        shows: status outstanding_minor
        expect: {{status: USING}}
      - who: The books
        do: books
        with: {{loan_id: $loan.id}}
        shows: status outstanding_minor
        expect: {{status: CLEAR, outstanding_minor: 0}}
      # A step that is refused says with which code: `fails: quote_stale`.
    lies: 1
    # What each reconciler must find at this moment, no more and no less.
    reconcile:
      naive:
        - {{class: missing_in_books, entity: $loan.id}}
      thorough:
        - {{class: stale_view, entity: $loan.id}}

  - title: It heals
    # A story ends clean, with no lie told any more; with `open_end: true` at the top level it may end otherwise.
    story: An hour later the page is refreshed, and nobody has done a thing.
    rules: {{late-page: null}}
    steps:
      - do: advance
        with: {{by: PT1H}}
      - who: The status page
        do: loan
        with: {{loan_id: $loan.id}}
        shows: status outstanding_minor
        expect: {{status: CLEAR}}
    lies: 0
    reconcile: {{naive: [], thorough: []}}

# How good each reconciler was with all that it found at these moments, by `POST /-/scores` (docs/scoring.md). Ratios to
# three decimals; more may be claimed, like verdict, f1 or time_to_detect_s.p50. A ratio of nothing to nothing is null.
expected_score:
  naive: {{precision: 0, recall: 0}}
  thorough: {{precision: 1, recall: 1}}
"""


def skeleton(name: str, file: str) -> str:
    """The text of a new scenario."""
    return TEXT.format(name=name, file=file, schema=FILE)
