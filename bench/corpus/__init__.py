"""Texts that real programs printed, and the scripts that made them."""
