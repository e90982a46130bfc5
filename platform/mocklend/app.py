"""Creates the Flask app of a platform, and serves it. Nothing is built at import."""

from __future__ import annotations

import gc
import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator

from apiflask import APIFlask
from flask import Blueprint

from mocklend.access_log import AccessLog
from mocklend.api.alerts import alerts
from mocklend.api.approvals import approvals
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
from mocklend.api.health import health
from mocklend.api.hot import HotPaths
from mocklend.api.json_body import JsonRequest
from mocklend.api.ledger import ledger
from mocklend.api.loans import loans
from mocklend.api.methods import answer_options
from mocklend.api.metrics import measure
from mocklend.api.openapi import VERSION, complete
from mocklend.api.operations import operations
from mocklend.api.operator import operator
from mocklend.api.problems import handle_problems
from mocklend.api.products import products
from mocklend.api.queries import refuse_unknown_parameters
from mocklend.api.quotes import quotes
from mocklend.api.receipts import receipts
from mocklend.api.repayments import repayments
from mocklend.api.request_context import EXTENSION, Served, guard_planes
from mocklend.api.request_ids import name_requests
from mocklend.api.request_log import log_requests, requests_made
from mocklend.api.sandboxes import sandboxes
from mocklend.api.schedules import schedules
from mocklend.api.statements import statements
from mocklend.api.webhook_endpoints import webhook_endpoints
from mocklend.config import Settings, address_of
from mocklend.domain.facts import business_date
from mocklend.door import Door
from mocklend.exit_codes import ExitCode
from mocklend.hosts import HostPolicy
from mocklend.logs import adopt_libraries, conceal, get_logger
from mocklend.runtime import Platform, installed, open_platform
from mocklend.sandboxes.lifecycle import DEFAULT
from mocklend.scheduling.jobs import start_jobs
from mocklend.scheduling.processes import SERVER
from mocklend.serving import Parent, run
from mocklend.storage.opening import CannotOpen, refuse_sqlite
from mocklend.storage.snapshot import PlatformLayer
from mocklend.supervisor import READY, command_for, ignore_the_terminal, listen, supervise

SWITCH_S = 0.0005
"""Python's thread switch interval, instead of 5 ms: an answer needs the interpreter lock several times."""
NOUNS = (
    borrowers, products, schedules, loans, quotes, repayments, webhook_endpoints, ledger, callbacks, operator,
    operations, approvals, alerts, channels, bureau, statements, receipts, failures, disputes, certificates,
    sandboxes, clock, audit, health, requests_made,
)  # fmt: skip
"""One blueprint per noun. The fault layer adds its own."""

log = get_logger()


def create_app(settings: Settings, platform: Platform | None = None) -> APIFlask:
    """Create the app of a platform; without one, a platform is opened as the settings say."""
    platform = platform or open_platform(settings)
    app = APIFlask(
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
    break_answers(app)
    log_requests(app, platform)
    answer_faultily(app, platform)
    refuse_unknown_parameters(app)
    for noun in NOUNS:
        app.register_blueprint(noun)
    for blueprint in layer_blueprints(platform.layer):
        app.register_blueprint(blueprint)
    app.register_blueprint(pages(app))
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


def serve(settings: Settings, ready: Callable[[Settings, str], None] | None = None) -> None:
    """Serve until a signal is received; requests in progress are answered first (see `serving`).

    `ready` is called once the server answers, with the settings as resolved (port 0 replaced by the real port) and the
    API key of the sandbox `default`, which is needed if the server is not on loopback. Raises CannotOpen, OSError.
    """
    adopt_libraries()
    _conceal_secrets(settings)
    # The server takes addresses only, and whether it is on loopback depends on the address, not on the host's name.
    settings = settings.model_copy(update={"host": address_of(settings.host)})
    if not settings.ticker:
        refuse_sqlite(settings.database, "without a ticker its clocks never run", "Leave --no-ticker out")
    if settings.workers > 1:
        _serve_with_several(settings, ready)
        return
    settings = settings.model_copy(update={"port": settings.port or _free_port(settings.host)})
    refuse_taken(settings)

    def announce() -> None:
        if ready is not None:
            _when_ready(settings, lambda: ready(settings, settings.default_key))

    _serve_alone(settings, lambda _app: announce(), parent=None)


def _conceal_secrets(settings: Settings) -> None:
    conceal(getattr(settings, f"{plane}_token") for plane in ("control", "operator", "channel", "bureau"))
    conceal([settings.default_key])


def _serve_alone(settings: Settings, ready: Callable[[APIFlask], None], *, parent: Parent | None) -> None:
    """Serve in this process. `ready` is called, in a thread, once it accepts connections."""
    access = AccessLog(settings.access_log) if settings.access_log else None
    platform = open_platform(settings, alone=parent is None)
    try:
        app = create_app(settings, platform)
        if parent is None:
            platform.give_key(DEFAULT, settings.default_key)
        processes = platform.join(SERVER, runs_clocks=settings.ticker)
        ticker = start_jobs(platform.tick, None if processes is None else processes.beat)
    except BaseException:
        platform.close()
        raise
    hosts = HostPolicy(on_loopback=settings.on_loopback, allowed=settings.allowed_hosts_listed)
    hot = HotPaths(app, platform, on_loopback=settings.on_loopback)
    door = Door(app.wsgi_app, hosts=hosts, port=settings.port, hot=hot, access=access)

    def close() -> None:
        ticker.shutdown()
        platform.close()
        if access is not None:
            access.close()

    sys.setswitchinterval(SWITCH_S)
    # Objects created so far stay: a full collection that need not visit them takes 3 ms instead of 90.
    gc.collect()
    gc.freeze()
    run(
        door,
        host=settings.host,
        port=settings.port,
        ready=lambda: ready(app),
        stopping=platform.stop_clocks,
        close=close,
        parent=parent,
    )


def _serve_with_several(settings: Settings, ready: Callable[[Settings, str], None] | None) -> None:
    """Serve with several processes (see `supervisor`): this one only starts and watches them."""
    refuse_sqlite(settings.database, f"{settings.workers} processes cannot serve it", "Leave --workers out")
    with listen(settings.host, settings.port) as listening:
        settings = settings.model_copy(update={"port": listening.getsockname()[1]})
        if settings.access_log:
            AccessLog(settings.access_log).close()  # Now, so that a file that cannot be written is reported here.
        platform = open_platform(settings)
        try:
            platform.ensure_default(settings.default_seed)
            platform.give_key(DEFAULT, settings.default_key)
        finally:
            platform.close()

        def announce() -> None:
            if ready is not None:
                _when_ready(settings, lambda: ready(settings, settings.default_key))

        command = command_for("mocklend.app:serve_part")
        supervise(command, settings.model_dump_json().encode(), listening, settings.workers, announce)


def serve_part(listens_at: int) -> None:
    """Serve as one of several processes. The parent started it with the listening socket; see `supervisor`."""
    ignore_the_terminal()
    says_ready, from_parent = os.dup(1), sys.stdin.fileno()
    os.dup2(2, 1)  # Whatever else is printed is not for the parent.
    settings = Settings(**json.loads(sys.stdin.buffer.readline()))
    adopt_libraries()
    _conceal_secrets(settings)

    def report(app: APIFlask) -> None:
        while app.test_client().get("/-/health").status_code != 200:
            time.sleep(0.02)
        os.write(says_ready, READY)
        os.close(says_ready)

    try:
        _serve_alone(settings, report, parent=Parent(listens_at, from_parent))
    except CannotOpen as reason:
        log.error("a process of the server cannot start", why=reason.message)
        raise SystemExit(ExitCode.WRONG_USE) from None


def refuse_taken(settings: Settings) -> None:
    """Raises OSError if another process listens on the port: the server itself would share the port with it."""
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
