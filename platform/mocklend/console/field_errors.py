"""What was wrong with a field, in the viewer's language.

    "an integer from 1 to 60" ─▶ matches "an integer from {least} to {most}" ─▶ "{least} 到 {most} 之间的整数"

An answer of the API says in English what was expected, and the console reads the same errors. The texts here are those
of the console's forms; another one is shown in English.
"""

from __future__ import annotations

import json
import re

from mocklend.console.recognised import recognised
from mocklend.domain.problems import FieldErrorDoc
from mocklend.language import Language, message, translate

REQUIRED = message("a value: the field is required")
EXPECTED = (
    REQUIRED,
    message("an integer from {least} to {most}"),
    message("an integer"),
    message("a number from {least} to {most}"),
    message("a number"),
    message("a string of at most {most} characters"),
    message("a string of {least} to {most} characters"),
    message("a string of {length} characters"),
    message("a string"),
    message("an array of at most {most} entries"),
    message("an array of {least} to {most} entries"),
    message("an array"),
    message("an object"),
    message("true or false"),
    message("one of the list"),
    message("one of {words}"),
    message("no field but {names}"),
    message("no such field"),
    message("a moment like {example}, from {first} to {last}, or next"),
    message("a moment like {example}, from {first} to {last}"),
    message("a date like {example}, or a date and a time"),
    message("a date like {example}, from {first} to {last}"),
    message("a date like {example}"),
    message("a duration that ends at {moment} or earlier"),
    message("a duration of at least {least}"),
    message("seconds, or a duration like {example}"),
    message("a time not after {moment}"),
    message("not before {moment}"),
    message("a person's name of at most {most} characters, not only blanks"),
    message("an id: letters, digits, _ . - and at most 80 of them"),
    message("an id like {example}"),
    message("an id that no other rule has"),
    message("an id that no other rule of the list has"),
    message("a kind of GET /-/faults"),
    message("a name that no other class has"),
    message("a name that no other group has"),
    message("a chapter of the scenario, {first} to {last}"),
    message("a regular expression of RE2, without look-around or back-reference ({reason})"),
    message("a cron expression like {example} ({reason})"),
    message("a text or an integer"),
    message("exactly one of {one} and {other}"),
    message("a next_cursor of this list"),
    message("an account like {example}, or {other}"),
    message("text in UTF-8 without control characters"),
    message("text without NUL and lone surrogates"),
    message("the parameter once"),
    message("no value: a manual clock does not run"),
    message("no value: `groups` names them"),
    message("no value: a sandbox is copied, and no scenario played"),
    message("no value: a scenario is played"),
    message("no value: {reason}"),
    message("no value beside {other}"),
    message("a value: {reason}"),
    message("at most {most}"),
)
"""What fields expect. The first text that fits is taken: one that fits more stands further down."""
MEANT = message("{expected} (did you mean {name}?)")
_MEANT = re.compile(r"(?P<expected>.*); did you mean '(?P<name>.*)'\?", re.DOTALL)


def expected_text(language: Language, expected: str) -> str:
    """What was expected, in a language; as it is where no text fits."""
    if language is Language.EN:
        return expected
    meant = _MEANT.fullmatch(expected)
    if meant is not None:
        return translate(language, MEANT, expected=expected_text(language, meant["expected"]), name=meant["name"])
    return recognised(language, expected, EXPECTED)


def wrong_text(error: FieldErrorDoc) -> tuple[str, str]:
    """How a wrong field is told of, in English, and what was received: empty for a field without a value."""
    received = error["received"]
    if received is None or received == "" or error["expected"] == REQUIRED:
        return message("Expected {expected}; received nothing."), ""
    shown = received if isinstance(received, str) else json.dumps(received, ensure_ascii=False, default=str)
    return message("Expected {expected}; received {received}."), shown
