"""The secrets that channels sign their callbacks with: one per sandbox and channel."""

from __future__ import annotations

from mocklend.domain.channel import channels
from mocklend.signing import secret_under
from mocklend.storage.work import Sandbox


def callback_secret(api_key: str, channel_id: str) -> str:
    """The secret that a channel signs its callbacks to one sandbox with, in Standard Webhooks' form."""
    return secret_under(api_key, f"callback:{channel_id}")


def callback_secrets(api_key: str) -> dict[str, str]:
    """The secrets of all channels, as a sandbox keeps them: it does not keep the key that they follow from."""
    return {id: callback_secret(api_key, id) for id in channels()}


def secret_at(sandbox: Sandbox, channel_id: str) -> str:
    """What a channel signs its callbacks to a sandbox with.

    A channel that came to the platform after the sandbox has one that no client can work out.
    """
    return sandbox.callback_secrets.get(channel_id) or callback_secret(sandbox.key_hash, channel_id)
