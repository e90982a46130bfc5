"""How paths are read: the form of an id, and rules that cost nothing until somebody builds an address from them.

A path with anything else in the place of an id (NUL, a lone surrogate, 1 KB) is 404.
"""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import BaseConverter, Rule

from mocklend.api.fields import SAFE_ID


class IdConverter(BaseConverter):
    """`<id:loan_id>` in a route."""

    regex = SAFE_ID


class MatchedRule(Rule):
    """A rule whose builder of addresses is compiled when it is called.

    werkzeug compiles two for each rule in advance, which is two thirds of the time that making the app takes. Mocklend
    matches addresses and builds none.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        def build(rule: MatchedRule, **values: object) -> tuple[str, str]:
            return Rule._compile_builder(rule, append_unknown)(rule, **values)

        return build
