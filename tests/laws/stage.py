"""Plays a session: its client, the processes of a proxy on one store, and a scripted model that enforces the providers' rules."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from headroom.cacheguard import Held
from headroom.conversation import Json
from headroom.demo.base import dump
from headroom.demo.model import Model
from headroom.demo.prefix import extends
from headroom.demo.script import Step
from headroom.dialects.hidden.base import NAME
from headroom.errors import HeadroomError
from headroom.http.message import Handler, Request, Response, once
from headroom.stores.base import Store
from headroom.stores.memory import Memory
from tests.laws.clients import CLIENTS, Answer
from tests.laws.process import Place, no_time, process
from tests.laws.sessions import Ask, Round, Session, Turn

FIELDS = [(b"content-type", b"application/json"), (b"x-api-key", b"key"), (b"authorization", b"Bearer key"), (b"x-goog-api-key", b"key")]


class Live(Sequence[Step]):
    """A script that is written while it is read."""

    def __init__(self, thinks: bool) -> None:
        self._thinks = thinks
        self.due: list[Round] = []
        self.asked: list[Ask] = []
        """All calls of our tool that were made."""

    def __len__(self) -> int:
        return 1 << 20

    def __getitem__(self, index: object) -> Step:  # type: ignore[override]
        said = self.due.pop(0) if self.due else Round("", "Nothing more.")
        self.asked += said.asks
        return said.step(self._thinks)

    def __iter__(self) -> Iterator[Step]:
        raise TypeError("endless")


class Provider:
    """The model, which calls our tool where it is offered; keeps what it answered."""

    def __init__(self, session: Session) -> None:
        self._live = Live(session.thinks)
        self.model = Model({f"turn{n}": self._live for n in range(len(session.turns))})
        self._turn: Turn | None = None
        self.sent: list[bytes] = []
        self.rounds = 0
        """Requests beyond the first of an answer."""

    @property
    def asked(self) -> Sequence[Ask]:
        return self._live.asked

    def expect(self, turn: Turn) -> None:
        """What to say next, once it is known whether our tool is offered."""
        self._turn = turn

    async def __call__(self, request: Request) -> Response:
        body = b"".join([chunk async for chunk in request.body])
        first = self._turn
        if first is not None:
            offered = NAME in json.dumps(json.loads(body).get("tools"))
            self._live.due = list(first.rounds) if offered else [first.plain()]
        response = await self.model(replace(request, body=once(body)))
        if response.status == 200:
            self._turn = None
            self.rounds += first is None
            self.sent.append(body)
        return response


@dataclass(frozen=True, slots=True)
class Pair:
    """A request as it came, and as it left."""

    turn: int
    target: str
    came: bytes
    left: bytes


@dataclass
class Played:
    """What came of a session."""

    sent: list[bytes]
    """What the model was sent and answered."""
    lost_at: int | None = None
    """Index in `sent` of the first request after the store was lost."""
    shown: list[tuple[str, str, tuple[tuple[str, Json], ...]]] = field(default_factory=list)
    """What the program sees of each answer."""
    raw: list[bytes] = field(default_factory=list)
    """Answers as the client got them."""
    died: str = ""
    """The answer that ended the session, if it did not end by itself."""
    refused: list[str] = field(default_factory=list)
    dropped: int = 0
    asked: Sequence[Ask] = ()
    rounds: int = 0
    mishaps: Counter[str] = field(default_factory=Counter)
    pairs: list[Pair] = field(default_factory=list)
    """Of all turns that went through the proxy."""
    rewritten: list[int] = field(default_factory=list)
    """Indexes in `sent` of requests that the proxy says to have changed what was sent before in."""

    def breaks(self, items: str) -> list[int]:
        """Requests that do not begin with all of the one before them."""
        return [n for n, (old, new) in enumerate(pairwise(self.sent), 1) if not extends(old, new, items)]


class Stage:
    """`alone`: without any proxy."""

    def __init__(self, session: Session, *, alone: bool = False, store: Store | None = None) -> None:
        self._session, self._alone = session, alone
        self._client = CLIENTS[session.dialect]
        self._provider = Provider(session)
        self._store = store or Memory(no_time)  # closed, it is empty
        self._options = session.options
        self._workers: dict[int, Handler] = {}
        self._history: list[Json] = []
        self._cold = False
        self._held: Held | None = None
        self._played = Played(self._provider.sent)

    async def play(self) -> Played:
        played, model = self._played, self._provider.model
        if self._session.earlier is not None and not self._alone:
            before = (Turn("Before.", (Round("", "", (), (self._session.earlier,)),)), Turn("", (Round("", "I see."),)))
            await Stage(Session(self._session.dialect, before), store=self._store).play()
        due: tuple[Answer, Turn] | None = None
        for number, turn in enumerate(self._session.turns):
            await self._arrange(turn)
            self._history += self._added(number, turn, due)
            answer = await self._ask(number, turn)
            if answer is None:
                break
            self._history += answer.history
            due = answer, turn
        played.refused, played.dropped = model.refused, model.dropped_reasoning
        played.asked, played.rounds = self._provider.asked, self._provider.rounds
        return played

    async def _arrange(self, turn: Turn) -> None:
        """What happens before a turn."""
        self._cold, self._held = turn.cold, None if turn.held is None else Held(turn.held)
        if turn.options is not None:
            self._options = turn.options
        if turn.before in ("restart", "lost") or turn.options is not None:
            self._workers.clear()
        if turn.before in ("emptied", "lost"):
            await self._store.aclose()
            self._played.lost_at = len(self._provider.sent)

    def _added(self, number: int, turn: Turn, due: tuple[Answer, Turn] | None) -> list[Json]:
        if due is not None and due[1].calls:
            return self._client.results(due[0].ids, due[1].calls)
        return [self._client.user(f"{turn.says} [[script:turn{number}]]")]

    async def _ask(self, number: int, turn: Turn) -> Answer | None:
        """None where the session cannot go on."""
        session, played = self._session, self._played
        past, first = self._alone or number < session.foreign, len(played.sent)
        self._provider.expect(turn)
        target, value = self._client.request(session, self._history, stream=turn.stream)
        body = json.dumps(value).encode() if session.spaced else dump(value)
        request = Request("POST", target, [*FIELDS, (b"content-length", b"%d" % len(body))], once(body))
        handler: Handler = self._provider if past else self._worker(turn.worker)
        try:
            response = await handler(request)
            data = b"".join([chunk async for chunk in response.body])
            await response.body.aclose()
        except HeadroomError as error:
            played.died = str(error)
            return None
        if response.status != 200:
            played.died = data.decode()
            return None
        if not past:
            played.pairs.append(Pair(number, target, body, played.sent[first]))
            played.rewritten += [first] if request.draft.rewritten else []
        answer = self._client.answer(data, stream=turn.stream)
        played.raw.append(data)
        played.shown.append(answer.shown)
        return answer

    def _worker(self, number: int) -> Handler:
        if number not in self._workers:
            session = self._session
            place = Place(
                session.dialect, self._store, session.durable, self._provider, self._played.mishaps, session.window, session.thinks,
                cold=lambda name: self._cold, held=lambda name, parts: self._held, vocabulary=number % 2 == 1,
            )
            self._workers[number] = process(place, self._options)
        return self._workers[number]


def retrieved(session: Session, body: bytes) -> Sequence[str]:
    value: Mapping[str, Json] = json.loads(body)
    return CLIENTS[session.dialect].retrieved(value)
