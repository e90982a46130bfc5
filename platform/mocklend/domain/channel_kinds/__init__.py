"""One module per channel. A new channel is a new module here, with its CHANNEL."""
