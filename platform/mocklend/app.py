"""Wiring: the app of one platform, and serving it. Nothing is built at import."""

from __future__ import annotations

import gc
import http.client
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from apiflask import APIFlask
from granian.constants import HTTPModes, Interfaces
from granian.server import MTServer

from mocklend.api.addresses import IdConverter
from mocklend.api.alerts import alerts
from mocklend.api.answering import answer_faultily, break_answers
from mocklend.api.approvals import approvals
from mocklend.api.asking import EXTENSION, Served, guard_planes
from mocklend.api.audit import audit
from mocklend.api.borrowers import borrowers
from mocklend.api.bureau import bureau
from mocklend.api.callbacks import callbacks
from mocklend.api.certificates import certificates
from mocklend.api.channels import channels
from mocklend.api.clock import clock
from mocklend.api.desk import desk
from mocklend.api.disputes import disputes
from mocklend.api.examples import Examples
from mocklend.api.failures import failures
from mocklend.api.health import health
from mocklend.api.ledger import ledger
from mocklend.api.loans import loans
from mocklend.api.metrics import measure
from mocklend.api.openapi import VERSION, complete
from mocklend.api.operator import operator
from mocklend.api.pages import pages
from mocklend.api.problems import handle_problems
from mocklend.api.products import products
from mocklend.api.queries import refuse_unknown_parameters
from mocklend.api.quotes import quotes
from mocklend.api.reading import JsonRequest
from mocklend.api.receipts import receipts
from mocklend.api.record import keep_record, requests_made
from mocklend.api.repayments import repayments
from mocklend.api.request_ids import name_requests
from mocklend.api.sandboxes import sandboxes
from mocklend.api.schedules import schedules
from mocklend.api.statements import statements
from mocklend.api.webhook_endpoints import webhook_endpoints
from mocklend.config import Settings
from mocklend.domain.facts import business_date
from mocklend.jobs import start_jobs
from mocklend.lender import Lender, find_layer
from mocklend.logs import adopt_libraries, conceal
from mocklend.sandboxes.lifecycle import DEFAULT
from mocklend.turns import ThreadTurns

NOUNS = (
    borrowers, products, schedules, loans, quotes, repayments, webhook_endpoints, ledger, callbacks, operator, desk,
    approvals, alerts, channels, bureau, statements, receipts, failures, disputes, certificates, sandboxes, clock,
    audit, health, requests_made,
)  # fmt: skip
"""One blueprint a noun. The fault layer brings its own."""

THREADS = 256
"""A sleeping fault holds a thread, so there are many more than cores. Few of them work at one time (see `turns`)."""


CONNECTIONS_MOST = 16_384
"""As many clients may keep a connection. Granian counts those that idle too, and would serve 1,024: the next one waits
until somebody hangs up."""
BACKLOG = 4_096
FILES_BESIDE = 1_024
"""Files of the database, of webhooks on their way and of the log."""


def create_app(settings: Settings, lender: Lender | None = None) -> APIFlask:
    """The app of a platform; of a new one, opened as the settings say, where none is given."""
    platform = lender or open_lender(settings)
    app = APIFlask(
        "mocklend",
        title="Mocklend",
        spec_path=None,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]  # Flask takes None: no static files.
    )
    app.request_class = JsonRequest
    app.config.update(
        OPENAPI_VERSION=VERSION,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_404_RESPONSE=False,
        AUTO_200_RESPONSE=False,
    )
    app.extensions[EXTENSION] = Served(platform, settings)
    app.url_map.converters["id"] = IdConverter
    app.spec_processor(lambda spec: complete(spec, _examples(platform)))
    handle_problems(app)
    name_requests(app)
    app.register_blueprint(measure(app, platform))
    app.before_request(guard_planes)
    break_answers(app)
    keep_record(app, platform)
    answer_faultily(app, platform)
    refuse_unknown_parameters(app)
    for noun in NOUNS:
        app.register_blueprint(noun)
    layer: Any = platform.layer
    if layer is not None:
        app.register_blueprint(layer.blueprint(platform))
    app.register_blueprint(pages(app))
    platform.ensure_default(settings.default_seed)
    return app


def _examples(platform: Lender) -> Examples:
    """The examples of the documentation, told in the sandbox `default` as it stands now."""
    with platform.read() as connection:
        sandbox = platform.sandbox(connection, DEFAULT)
    return Examples(sandbox.seed, business_date(sandbox.now_ms(platform.real_ms()), sandbox.zone))


def open_lender(settings: Settings) -> Lender:
    """The platform that the settings describe, with the fault layer where one is installed."""
    return Lender(
        settings.database,
        find_layer(),
        fast=settings.durability == "fast",
        loopback_only=settings.on_loopback,
    )


class OneProcess(MTServer):
    """Granian's server with its worker as a thread of this process.

    Granian otherwise forks a worker, and a kill of the parent would leave it at the port and at the database. The
    thread mode is meant for a Python without the interpreter lock, and works as well with it: the threads take turns.
    """

    def _check_gil(self) -> None:
        """Whether there is a lock makes no difference to us."""


def serve(settings: Settings, ready: Callable[[Settings, str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; requests that are running are answered first.

    `ready` is called once the server answers, with the settings as they turned out (port 0 has become a real one) and
    the key of the sandbox `default`, which off loopback has to be named as any other.
    """
    adopt_libraries()
    conceal(getattr(settings, f"{plane}_token") for plane in ("control", "operator", "channel", "bureau"))
    settings = settings.model_copy(update={"port": settings.port or _free_port(settings.host)})
    refuse_taken(settings)
    allow_many_files()
    lender = open_lender(settings)
    try:
        app = create_app(settings, lender)
        ticker = start_jobs(lender)
        try:
            app.wsgi_app = ThreadTurns().around(app.wsgi_app)  # type: ignore[assignment]
            server = OneProcess(
                "mocklend",
                address=settings.host,
                port=settings.port,
                interface=Interfaces.WSGI,
                blocking_threads=THREADS,
                backlog=BACKLOG,
                backpressure=CONNECTIONS_MOST,
                http=HTTPModes.http1,
                websockets=False,
                log_enabled=False,
            )
            # What is there by now stays: a full collection that need not look at it takes 3 ms instead of 90.
            gc.collect()
            gc.freeze()
            if ready is not None:
                key = lender.ensure_default(settings.default_seed).api_key
                told = (settings, lambda: ready(settings, key))
                threading.Thread(target=_when_ready, args=told, name="mocklend-ready", daemon=True).start()
            server.serve(target_loader=lambda: app, wrap_loader=False)
        finally:
            ticker.shutdown()
    finally:
        lender.close()


def allow_many_files() -> None:
    """Let this process have as many open files as the system lets it take: a connection is one, and 1,024 are few."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MOST + FILES_BESIDE
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        # Where the system has a limit of its own below the one that it names (macOS does), things stay as they are.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def refuse_taken(settings: Settings) -> None:
    """OSError where somebody else listens already: the server itself would share the port with them."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((settings.host, settings.port))


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _when_ready(settings: Settings, ready: Callable[[], None]) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    while True:
        try:
            connection = http.client.HTTPConnection(host, settings.port, timeout=5)
            connection.request("GET", "/-/health")
            if connection.getresponse().status == 200:
                return ready()
        except OSError:
            time.sleep(0.02)
