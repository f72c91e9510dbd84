"""The kinds of text we can shorten. A new one is a new module and a line in COMPRESSORS."""

from __future__ import annotations

from headroom.compressors.base import Compressor
from headroom.compressors.json import JsonTables
from headroom.compressors.listings import Listings
from headroom.compressors.logs import LogTemplates
from headroom.compressors.paths import Paths
from headroom.compressors.reads import NumberedReads
from headroom.compressors.search import SearchResults
from headroom.compressors.test_runs import RunSummary
from headroom.compressors.trees import Trees

COMPRESSORS: tuple[Compressor, ...] = (
    NumberedReads(),
    Listings(),
    Trees(),
    Paths(),
    SearchResults(),
    JsonTables(),
    LogTemplates(),
    RunSummary(),
)
"""On a draw the earlier one wins: the more particular kind."""
