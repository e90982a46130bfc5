"""One file per channel. A new channel is a new file here, with its CHANNEL."""
