"""The text of a new scenario: a commented file that runs unchanged."""

from __future__ import annotations

from mocklend.scenarios.schema import FILE

TEXT = """\
# yaml-language-server: $schema={schema}
# A scenario. `mocklend scenario run {file}` runs it on a new local platform and checks each claim.
name: {name}
title: Ada pays, and her status page lags
story: >-
  Write here what happens, as you would tell it to a colleague.

# The sandbox of the scenario. The same seed gives the same ids and the same faults.
seed: 7
starts: "2026-01-05T02:00:00Z"
# sandbox: {{zone: Asia/Shanghai, four_eyes_above_minor: 100000}}

chapters:
  - title: The page lags
    story: At the end of each chapter the open entries of the answer key are counted, and reconcilers can be run.
    # Rules that are armed from here on. `mocklend faults list` lists the faults; docs/rules.md explains rules.
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
      # The clock is manual: only `advance` moves it.
      - do: advance
        with: {{by: PT10S}}
      # `expect` is a claim about this party's view. A claim that fails ends the run and sets the exit code.
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
      # A step that must be refused names the code: `fails: quote_stale`.
    # The number of open entries in the answer key.
    lies: 1
    # The exact findings of each reconciler at this moment.
    reconcile:
      naive:
        - {{class: missing_in_books, entity: $loan.id}}
      thorough:
        - {{class: stale_view, entity: $loan.id}}

  - title: The lag ends
    # At the end no entry may be open and the audit must be clean, unless `open_end: true` is set at the top level.
    story: An hour later the page is refreshed by itself.
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

# The score of each reconciler's findings, by `POST /-/scores` (docs/scoring.md). Ratios have three decimals, and are
# null if their denominator is 0. Further numbers can be claimed, such as verdict, f1 or time_to_detect_s.p50.
expected_score:
  naive: {{precision: 0, recall: 0}}
  thorough: {{precision: 1, recall: 1}}
"""


def skeleton(name: str, file: str) -> str:
    """The text of a new scenario."""
    return TEXT.format(name=name, file=file, schema=FILE)
