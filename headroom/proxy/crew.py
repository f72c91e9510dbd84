"""What the supervisor of worker processes decides: whom to start, drain or kill, and when. Pure; `now` is a steady clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

STEADY_SECONDS = 10.0
"""A worker that lived so long died of something that happened, and is replaced at once; one that did not may do so again."""

FIRST_WAIT, LONGEST_WAIT = 0.1, 30.0
"""Seconds before a worker that died young is replaced: doubled with each that follows."""

START_SECONDS = 60.0
"""Until a worker has to be ready; it takes half a second, or some on a machine under load."""

DRAIN_SECONDS = 45.0
"""Until a worker that drains is killed: by itself it gives answers 30 s, then writes down what it has."""

State = Literal["starting", "ready", "draining"]


@dataclass(frozen=True, slots=True)
class Action:
    do: Literal["start", "drain", "kill"]
    worker: int


@dataclass(slots=True)
class _Worker:
    generation: int
    since: float
    """When its state began."""
    started: float
    state: State = "starting"


class Crew:
    """So many workers, as far as we know. Told what happened, and asked what is due."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._workers: dict[int, _Worker] = {}
        self._generation = 0
        self._last = 0
        self._young_deaths = 0
        self._not_before = 0.0
        self._stopping = False
        self._was_ready = False
        self.failure: int | None = None
        """The exit code of a worker that could not start when none ever had: they all would end so."""

    @property
    def ended(self) -> bool:
        return self._stopping and not self._workers

    @property
    def reloading(self) -> bool:
        return any(worker.generation != self._generation for worker in self._workers.values() if worker.state != "draining")

    def due(self, now: float) -> list[Action]:
        """What is to be done now; taken as done."""
        actions = self._overdue(now)
        if self._stopping:
            return actions + self._drained([n for n, w in self._workers.items() if w.state != "draining"], now)
        old = [n for n, w in self._workers.items() if w.state != "draining" and w.generation != self._generation]
        old.sort(key=lambda number: self._workers[number].state != "starting")
        new = [w for w in self._workers.values() if w.state != "draining" and w.generation == self._generation]
        ready = sum(worker.state == "ready" for worker in new)
        actions += self._drained(old[: max(ready + len(old) - self._size, 0)], now)
        missing = self._size - len(new)
        if old:  # one after the other, so that there is never much more or less of us
            missing = min(missing, 1 - (len(new) - ready))
        if now >= self._not_before:
            actions += [self._started(now) for _ in range(missing)]
        return actions

    def next(self, now: float) -> float:
        """Seconds after which to ask again although nothing happened."""
        if self.ended:
            return 0.0
        limits = [worker.since + _patience(worker) for worker in self._workers.values() if worker.state != "ready"]
        if self._not_before > now:
            limits.append(self._not_before)
        return max(min(limits, default=now + STEADY_SECONDS) - now, 0.0)

    def became_ready(self, number: int, now: float) -> None:
        worker = self._workers.get(number)
        if worker is not None and worker.state == "starting":
            worker.state, worker.since, self._was_ready = "ready", now, True

    def exited(self, number: int, code: int, now: float) -> float | None:
        """None where that was wanted, else seconds until it is replaced."""
        worker = self._workers.pop(number)
        if worker.state == "draining" or self._stopping:
            return None
        if worker.state == "starting":
            if not self._was_ready:
                self.failure, self._stopping = code or 1, True
                return None
            self._keep_what_there_is()
        young = now - worker.started < STEADY_SECONDS
        self._young_deaths = self._young_deaths + 1 if young else 0
        wait = min(FIRST_WAIT * 2.0 ** min(self._young_deaths - 1, 30), LONGEST_WAIT) if young else 0.0
        self._not_before = now + wait
        return wait

    def reload(self) -> None:
        """Replace all, each once another one is ready in its stead."""
        self._generation += 1
        self._young_deaths, self._not_before = 0, 0.0

    def stop(self) -> None:
        self._stopping = True

    def _keep_what_there_is(self) -> None:
        """A reload whose workers cannot start is no reload."""
        for worker in self._workers.values():
            worker.generation = self._generation

    def _overdue(self, now: float) -> list[Action]:
        late = [n for n, w in self._workers.items() if w.state != "ready" and now >= w.since + _patience(w)]
        for number in late:
            self._workers[number].since = now  # killed once more if it should still be there then
        return [Action("kill", number) for number in late]

    def _drained(self, numbers: list[int], now: float) -> list[Action]:
        for number in numbers:
            self._workers[number].state, self._workers[number].since = "draining", now
        return [Action("drain", number) for number in numbers]

    def _started(self, now: float) -> Action:
        self._last += 1
        self._workers[self._last] = _Worker(self._generation, now, now)
        return Action("start", self._last)


def _patience(worker: _Worker) -> float:
    return START_SECONDS if worker.state == "starting" else DRAIN_SECONDS
