"""The kinds of text we can shorten. A new one is a new module and a line in KINDS or LOSSY."""

from __future__ import annotations

from headroom.compressors.base import Compressor
from headroom.compressors.blobs import Blobs
from headroom.compressors.builds import BuildSummary
from headroom.compressors.columns import Columns
from headroom.compressors.diff_summary import DiffSummary
from headroom.compressors.diffs import Diffs
from headroom.compressors.environment import Environment
from headroom.compressors.gitlog import GitLog
from headroom.compressors.json import JsonTables
from headroom.compressors.json_sample import JsonSample
from headroom.compressors.listings import Listings
from headroom.compressors.log_summary import LogSummary
from headroom.compressors.logs import LogTemplates
from headroom.compressors.mixed import Mixed
from headroom.compressors.paths import Paths
from headroom.compressors.prose import ProseExtract
from headroom.compressors.reads import NumberedReads
from headroom.compressors.records import Records
from headroom.compressors.records_sample import RecordsSample
from headroom.compressors.search import SearchResults
from headroom.compressors.search_summary import SearchSummary
from headroom.compressors.test_runs import RunSummary
from headroom.compressors.tracebacks import TraceSummary
from headroom.compressors.trees import Trees
from headroom.compressors.verdicts import Verdicts
from headroom.compressors.webpages import WebPages
from headroom.tokens import estimate

KINDS: tuple[Compressor, ...] = (
    NumberedReads(),
    Listings(),
    Trees(),
    Paths(),
    GitLog(),
    Diffs(),
    Verdicts(),
    Environment(),
    Columns(),
    SearchResults(),
    Records(),
    JsonTables(),
    LogTemplates(),
)
"""Without loss, each for one kind. They compete by size; on a draw the earlier one wins: the more particular kind."""

LOSSLESS: tuple[Compressor, ...] = (*KINDS, Mixed(KINDS, estimate))

LOSSY: tuple[Compressor, ...] = (
    RunSummary(),
    TraceSummary(),
    BuildSummary(),
    DiffSummary(),
    SearchSummary(),
    WebPages(),
    JsonSample(),
    RecordsSample(),
    LogSummary(),
    Blobs(),
    ProseExtract(),
)
"""Views. The surest one wins; of equals the earlier."""

COMPRESSORS = (*LOSSLESS, *LOSSY)
