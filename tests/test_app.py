"""The app calls its functions without asking whether they are coroutines, so none may be one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction, unwrap

from flask import Flask

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform
from mocklend_faults.engine import FaultLayer


def functions_of(app: Flask) -> Iterator[Callable[..., object]]:
    """The views of an app, and what it calls before and after them."""
    yield from app.view_functions.values()
    for hooks in (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs):
        for functions in hooks.values():
            yield from functions
    for by_code in app.error_handler_spec.values():
        for by_class in by_code.values():
            yield from by_class.values()


def test_no_function_of_the_app_or_of_the_fault_layer_is_a_coroutine(open_platform: Callable[..., Platform]) -> None:
    app = create_app(Settings(), open_platform(FaultLayer()))

    functions = list(functions_of(app))

    assert len(functions) > 100
    assert not [function for function in functions if iscoroutinefunction(unwrap(function))]


def test_a_function_is_not_inspected_at_each_request(platform: Platform) -> None:
    async def later() -> None: ...

    assert create_app(Settings(), platform).ensure_sync(later) is later
