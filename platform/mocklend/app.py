"""Creates the Flask app of a platform. `mocklend.server` serves it. Nothing is built at import."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from apiflask import APIFlask
from flask import Blueprint

from mocklend.api.alerts import alerts
from mocklend.api.approvals import approvals
from mocklend.api.asked import AskedOfApp
from mocklend.api.audit import audit
from mocklend.api.borrowers import borrowers
from mocklend.api.bureau import bureau
from mocklend.api.callbacks import callbacks
from mocklend.api.certificates import certificates
from mocklend.api.channels import channels
from mocklend.api.clock import clock
from mocklend.api.converters import IdConverter, MatchedRule
from mocklend.api.disputes import disputes
from mocklend.api.docs_pages import pages
from mocklend.api.examples import Examples
from mocklend.api.failures import failures
from mocklend.api.fault_hooks import answer_faultily, break_answers
from mocklend.api.found_loans import found_loans
from mocklend.api.health import health
from mocklend.api.json_body import JsonRequest
from mocklend.api.ledger import ledger
from mocklend.api.live import count_live, live
from mocklend.api.live_stream import live_stream
from mocklend.api.loans import loans
from mocklend.api.methods import answer_options
from mocklend.api.metrics import measure
from mocklend.api.openapi import VERSION, complete
from mocklend.api.operations import operations
from mocklend.api.operator import operator
from mocklend.api.peek import allow_peeks
from mocklend.api.problems import handle_problems, speak
from mocklend.api.products import products
from mocklend.api.queries import refuse_unknown_parameters
from mocklend.api.quotes import quotes
from mocklend.api.receipts import receipts
from mocklend.api.repayments import repayments
from mocklend.api.request_context import EXTENSION, Served, guard_planes, guard_truth
from mocklend.api.request_ids import name_requests
from mocklend.api.request_log import log_requests, requests_made
from mocklend.api.sandboxes import sandboxes
from mocklend.api.schedules import schedules
from mocklend.api.statements import statements
from mocklend.api.summary import summary
from mocklend.api.views import views
from mocklend.api.webhook_endpoints import webhook_endpoints
from mocklend.config import Settings
from mocklend.console.mount import WithConsole
from mocklend.domain.facts import business_date
from mocklend.plugins import installed
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import DEFAULT
from mocklend.storage.snapshot import PlatformLayer

NOUNS = (
    borrowers, products, schedules, loans, quotes, repayments, webhook_endpoints, ledger, callbacks, operator,
    operations, approvals, alerts, channels, bureau, statements, receipts, failures, disputes, certificates,
    sandboxes, clock, summary, found_loans, audit, views, health, requests_made, live,
    live_stream,
)  # fmt: skip
"""One blueprint per noun. The fault layer adds its own."""


class App(APIFlask):
    """A Flask app none of whose functions is a coroutine."""

    def ensure_sync(self, func: Callable[..., object]) -> Callable[..., object]:
        """The function as it is. Flask inspects each of the twenty that a request passes, for 7 % of a small one."""
        return func


def create_app(settings: Settings, platform: Platform) -> App:
    """Create the app of a platform."""
    app = App(
        "mocklend",
        title="Mocklend",
        spec_path=None,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]  # Flask takes None: no static files.
    )
    app.request_class = JsonRequest
    app.url_rule_class = MatchedRule
    app.config.update(
        OPENAPI_VERSION=VERSION,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_404_RESPONSE=False,
        AUTO_200_RESPONSE=False,
    )
    app.extensions[EXTENSION] = Served(platform, settings)
    app.url_map.converters["id"] = IdConverter
    app.url_map.merge_slashes = False  # A path with two slashes is not found, instead of redirected.
    app.spec_processor(lambda spec: complete(spec, _examples(platform)))
    handle_problems(app)
    name_requests(app)
    answer_options(app)
    app.register_blueprint(measure(app, platform))
    app.before_request(guard_planes)
    app.before_request(guard_truth)
    allow_peeks(app)
    break_answers(app)
    count_live(app, platform)
    log_requests(app, platform)
    speak(app)
    answer_faultily(app, platform)
    refuse_unknown_parameters(app)
    for noun in NOUNS:
        app.register_blueprint(noun)
    for blueprint in layer_blueprints(platform.layer):
        app.register_blueprint(blueprint)
    app.register_blueprint(pages(app))
    app.wsgi_app = WithConsole(app.wsgi_app, platform, settings, AskedOfApp(app))  # type: ignore[method-assign]
    platform.ensure_default(settings.default_seed)
    return app


def layer_blueprints(layer: PlatformLayer | None) -> Iterator[Blueprint]:
    """Yield the endpoints of the platform's fault layer, from the entry-point group `mocklend.blueprints`."""
    if layer is not None:
        for entry in installed("mocklend.blueprints"):
            yield from entry.load()(layer)


def _examples(platform: Platform) -> Examples:
    """The documentation's examples, for the sandbox `default` as it is now."""
    with platform.snapshot(DEFAULT) as snapshot:
        return Examples(snapshot.sandbox.seed, business_date(snapshot.now_ms, snapshot.sandbox.zone))
