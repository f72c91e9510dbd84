"""What recorded work would have cost through Headroom: sessions are read from disk, replayed, priced. Nothing is sent."""
