"""A scripted model, sessions recorded from real agents, and a player: Headroom shown at work on one machine."""
