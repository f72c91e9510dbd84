"""A tool of ours in each API, which the client never sees: one file a dialect."""
