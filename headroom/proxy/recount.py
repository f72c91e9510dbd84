"""Exact token counts for reports, where a vocabulary is already on this machine; estimates until then, or for good."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import anyio.to_thread

from headroom import vocabulary
from headroom.conversation import Address, Conversation
from headroom.tokens import EXACT, Counter
from headroom.vocabulary import VocabularyError

log = logging.getLogger(__name__)


class Recount:
    """Called for each request whose body was read."""

    def __init__(self) -> None:
        self.counter = Counter()
        self._exact = False

    def exact(self) -> bool:
        """Whether a vocabulary is loaded."""
        return self._exact

    async def load(self, environ: Mapping[str, str]) -> None:
        """Find a vocabulary and load it in a thread; without one, or with a bad one, estimates stay."""
        try:
            found = vocabulary.find(environ, vocabulary.own_folder(environ))
            if found is None:
                return
            count = await anyio.to_thread.run_sync(vocabulary.load, found.path)
        except VocabularyError as error:
            log.warning("%s; token counts stay estimates", error.message)
            return
        self.counter = Counter(count, EXACT)
        self._exact = True

    async def __call__(self, conversation: Conversation, changes: Mapping[Address, str]) -> tuple[int, int] | None:
        """Tokens before and after; None where the pipeline's estimate stands."""
        if not self._exact:
            return None
        return await anyio.to_thread.run_sync(self._count, conversation, changes)

    def _count(self, conversation: Conversation, changes: Mapping[Address, str]) -> tuple[int, int]:
        count = self.counter
        before = sum(map(count, conversation.others)) + sum(count(p.text) for p in conversation.parts)
        texts = (*((p.at, p.text) for p in conversation.parts), *conversation.definitions)
        saved = sum(count(text) - count(changes[at]) for at, text in texts if at in changes)
        return before, before - saved
