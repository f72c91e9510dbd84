"""The kinds of text we can shorten. A new one is a new module and a line in LOSSLESS or LOSSY."""

from __future__ import annotations

from headroom.compressors.base import Compressor
from headroom.compressors.builds import BuildSummary
from headroom.compressors.json import JsonTables
from headroom.compressors.listings import Listings
from headroom.compressors.log_summary import LogSummary
from headroom.compressors.logs import LogTemplates
from headroom.compressors.paths import Paths
from headroom.compressors.reads import NumberedReads
from headroom.compressors.search import SearchResults
from headroom.compressors.test_runs import RunSummary
from headroom.compressors.tracebacks import TraceSummary
from headroom.compressors.trees import Trees
from headroom.compressors.verdicts import Verdicts

LOSSLESS: tuple[Compressor, ...] = (
    NumberedReads(),
    Listings(),
    Trees(),
    Paths(),
    Verdicts(),
    SearchResults(),
    JsonTables(),
    LogTemplates(),
)
"""They compete by size; on a draw the earlier one wins: the more particular kind."""

LOSSY: tuple[Compressor, ...] = (
    RunSummary(),
    TraceSummary(),
    BuildSummary(),
    LogSummary(),
)
"""The surest one wins; of equals the earlier."""

COMPRESSORS = (*LOSSLESS, *LOSSY)
