"""A provider's refusal, told in the terms of the body that the client sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headroom import positions
from headroom.conversation import Address
from headroom.dialects.document import Document, Rewrite, Unreadable
from headroom.http.coding import decode
from headroom.http.message import DESCRIBES_THE_BODY, Body, Response, once
from headroom.positions import Positions
from headroom.proxy.prepared import Prepared

READ = 64 * 1024
"""Bytes of a refusal that are read; those of providers have some hundred."""

LENGTH = frozenset((b"content-length",))

Aside = Callable[[int, Callable[[], str]], Awaitable[str]]
"""Compression.aside."""


@dataclass(frozen=True, slots=True)
class Made:
    """A body as it left, and how it was made of the client's."""

    body: bytes
    client: bytes
    """Not as it was read, which takes much more room while an answer comes."""
    edits: Mapping[Address, str]
    rewrites: Sequence[Rewrite]
    turns: str

    def members(self) -> set[str]:
        return {self.turns, *(rewrite.member for rewrite in self.rewrites)}

    def steps(self) -> list[Positions]:
        """As positions.told has them."""
        document = Document.parse(self.client)
        found = [positions.positions(document, self.edits, self.rewrites, self.turns)]
        before = document.splice(self.edits, self.rewrites)
        if before == self.body:
            return found
        try:  # reasoning was left out of it since
            return [positions.between(before, self.body, self.turns), *found]
        except Unreadable:  # what we put in made it longer than can be read
            return found


def made(prepared: Prepared) -> Made | None:
    """None where the client's body left as it came, or was not read."""
    reading, fitted = prepared.reading, prepared.fitted
    if reading is None or not prepared.changed:
        return None
    edits, rewrites = ({}, ()) if fitted is None else (fitted.outcome.edits, fitted.rewrites)
    return Made(prepared.body, reading.document.splice({}), edits, rewrites, reading.dialect.turns)


async def told(response: Response, made: Made | None, aside: Aside) -> Response:
    """An answer to that body: if it is a refusal that names places in it, then those that they have in the client's."""
    if made is None or not 400 <= response.status < 500:
        return response
    _, response = await peeked(response)
    if response.body.data is None:  # too long to be one
        return response
    try:
        text = decode(response.body.data, (response.get(b"content-encoding") or b"").decode("latin-1"), READ).decode()
    except ValueError:  # of no coding that we know, or no text
        return response
    if not positions.named(text, made.members()):
        return response
    new = await aside(len(made.body), lambda: positions.told(text, made.steps()))
    if new == text:
        return response
    data = new.encode()
    fields = [field for field in response.fields if field[0] not in DESCRIBES_THE_BODY | LENGTH]
    return Response(response.status, [*fields, (b"content-length", b"%d" % len(data))], once(data))


async def peeked(response: Response) -> tuple[bytes, Response]:
    """An answer's body, at most about READ bytes of it, and the answer, still whole: with `data`, if that was all of it."""
    if response.body.data is not None:
        return response.body.data, response
    chunks = response.body.__aiter__()
    read: list[bytes] = []
    try:
        while sum(map(len, read)) <= READ:
            read.append(await chunks.__anext__())
    except StopAsyncIteration:
        await response.body.aclose()
        text = b"".join(read)
        return text, replace(response, body=once(text))
    except BaseException:
        await response.body.aclose()
        raise

    async def resumed(rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        for chunk in read:
            yield chunk
        async for chunk in rest:
            yield chunk

    return b"".join(read), replace(response, body=Body(resumed(chunks), response.body.aclose))
