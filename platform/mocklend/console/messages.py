"""The page Messages: callbacks of channels and webhooks to clients, each with its attempts, and sent again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, render_template, request
from pydantic import BaseModel
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.channels import CallbackQuery, callbacks_of
from mocklend.api.webhook_endpoints import MessageQuery, webhooks_of
from mocklend.channels.callbacks import ResendCallback
from mocklend.channels.settlement import AttemptDoc, CallbackDoc
from mocklend.console.formats import indented
from mocklend.console.forms import Filled, back, read_form, sandbox_path, with_query
from mocklend.console.visit import act, open_snapshot, platform, require_teacher, visit
from mocklend.console.words import ABOUT, CALLBACK_EVENTS, DELIVERY, OUTCOMES
from mocklend.domain.channel import channels
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import DeliveryState
from mocklend.scheduling.delivery import resend
from mocklend.storage.entities import Callback, Webhook
from mocklend.storage.snapshot import Snapshot
from mocklend.webhooks.attempts import WebhookAttemptDoc, WebhookDoc
from mocklend.webhooks.events import EVENTS

message_pages = Blueprint("messages", __name__)

CALLBACKS, WEBHOOKS = "callbacks", "webhooks"
PATHS = {CALLBACKS: "/channels/callbacks", WEBHOOKS: "/v1/webhooks"}
"""The tabs, and the endpoint that each shows."""
FILTERS = {CALLBACKS: ("loan_id", "state", "channel"), WEBHOOKS: ("loan_id", "state", "event")}
QUERIES: Mapping[str, type[BaseModel]] = {CALLBACKS: CallbackQuery, WEBHOOKS: MessageQuery}


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as its row shows it; `whom` is its channel, or the URL to which it is sent."""

    id: str
    event: str
    whom: str
    loan_id: str | None
    state: str
    attempts: Sequence[AttemptDoc | WebhookAttemptDoc]
    queued_at: str
    due_at: str | None
    body: str


@message_pages.get("/messages")
def messages() -> str:
    """The messages of one kind, the newest first."""
    tab = WEBHOOKS if request.args.get("tab") == WEBHOOKS else CALLBACKS
    return _page(tab, Filled(request.args.to_dict()))


@message_pages.post("/messages/callbacks/resend")
def resend_callback() -> AnyResponse | tuple[str, int]:
    """Let a channel send a callback again."""
    require_teacher()
    message_id = request.form.get("message", "")
    try:
        act(ResendCallback(visit().sandbox_id, message_id))
    except Refused as refused:
        return _page(CALLBACKS, Filled({}, {}, refused)), refused.problem.status
    return back(resent=message_id)


@message_pages.post("/messages/webhooks/resend")
def resend_webhook() -> AnyResponse | tuple[str, int]:
    """Send a webhook again."""
    message_id = request.form.get("message", "")
    try:
        resend(platform().clocks, visit().sandbox_id, message_id)
    except Refused as refused:
        return _page(WEBHOOKS, Filled({}, {}, refused)), refused.problem.status
    return back(resent=message_id)


def _page(tab: str, filled: Filled) -> str:
    query, asked = QUERIES[tab](), {name: request.args.get(name) for name in (*FILTERS[tab], "cursor")}
    try:
        query = read_form(QUERIES[tab], asked)
    except Refused as refused:
        filled = Filled.refused_with(refused)
    with open_snapshot() as snapshot:
        shown, following = _read(snapshot, query)
        resent = _resent(snapshot, tab, request.args.get("resent", ""))
        endpoints = list(snapshot.sandbox.endpoints)
    opened = request.args.get("open", "")
    here = "" if request.method == "GET" else sandbox_path("messages.messages")  # Short: there is one in each row.
    given = {name: value for name, value in asked.items() if value}
    kept = urlencode({"tab": tab, **given})
    return render_template(
        "messages.html",
        body=next((indented(message.body) for message in shown if message.id == opened), ""),
        callback_events=CALLBACK_EVENTS,
        channels=channels().values(),
        endpoints=endpoints,
        events=list(EVENTS),
        filled=filled,
        filters=FILTERS[tab],
        may_resend=tab == WEBHOOKS or visit().is_teacher,
        loan_links={id: sandbox_path("loans.loan", loan_id=id) for id in {each.loan_id for each in shown} if id},
        messages=shown,
        names=ABOUT,
        next=following,
        open_links={message.id: f"{here}?{kept}&open={message.id}#{message.id}" for message in shown},
        opened=opened,
        outcomes=OUTCOMES,
        path=with_query(PATHS[tab], given),
        resent=resent,
        state_words={state: visit().text(word) for state, word in DELIVERY.items()},
        states=list(DeliveryState),
        tab=tab,
        tabs=tuple(PATHS),
        words=DELIVERY,
    )


def _read(snapshot: Snapshot, query: BaseModel) -> tuple[list[Shown], str | None]:
    if isinstance(query, MessageQuery):
        webhooks = webhooks_of(snapshot, query)
        urls = {endpoint["id"]: endpoint["url"] for endpoint in snapshot.sandbox.endpoints}
        return [_webhook(message, urls) for message in webhooks["webhooks"]], webhooks["next_cursor"]
    assert isinstance(query, CallbackQuery), "there are two tabs"
    callbacks = callbacks_of(snapshot, query)
    return [_callback(message) for message in callbacks["callbacks"]], callbacks["next_cursor"]


def _callback(message: CallbackDoc) -> Shown:
    return Shown(
        message["id"], message["event"], message["channel"], message["loan_id"], message["state"], message["attempts"],
        message["queued_at"], message["next_attempt_at"], message["body"],
    )  # fmt: skip


def _webhook(message: WebhookDoc, urls: Mapping[str, str]) -> Shown:
    return Shown(
        message["id"], message["event"], urls.get(message["endpoint_id"], message["endpoint_id"]), message["loan_id"],
        message["state"], message["attempts"], message["queued_at"], message["next_attempt_at"],
        message["body"],
    )  # fmt: skip


def _resent(snapshot: Snapshot, tab: str, id: str) -> str | None:
    """What came of the last attempt at a message that was sent again just now; None where there is none."""
    if not id:
        return None
    message = snapshot.find(Callback, id) if tab == CALLBACKS else snapshot.find(Webhook, id)
    return message.log[-1].outcome if message is not None and message.log else None
