"""Agent sessions from a seed, in four dialects: is ever a request refused, a thought dropped, a prefix broken, an original not given back?"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from random import Random

import anyio

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.laws.clients import CLIENTS
from tests.laws.sessions import Session, draw, outgrowing
from tests.laws.stage import Played, Stage, retrieved

KINDS = {
    "kept": "restarts, workers, other options, mid-way starts", "lost": "the same, and the store lost or emptied in the middle",
    "outgrown": "as the first, longer than the model's window, and with a cold cache now and then; reasoning that OpenAI passes over counts as dropped",
}


def account(session: Session, played: Played) -> Counter[str]:
    """What one session adds to the table. Requests of a session that lost its store are compared on either side of the loss, and
    those of one that was made to fit on either side of each cut."""
    meant = {played.lost_at, *played.rewritten}
    breaks = [n for n in played.breaks(CLIENTS[session.dialect].items) if n not in meant]
    given = Counter[str]()
    for body in played.sent:
        given |= Counter(retrieved(session, body))  # of what was lost with the store, earlier requests tell
    wanted = Counter(ask.expected for ask in played.asked if ask.real)
    if played.rewritten:  # no request need hold all that was given back
        given = Counter({text: wanted[text] for text in given})
    return Counter(
        sessions=1, requests=len(played.sent), refused=len(played.refused), dropped=played.dropped, pairs=max(0, len(played.sent) - 1),
        kept=max(0, len(played.sent) - 1) - len(breaks), rounds=played.rounds, wanted=sum(wanted.values()), exact=sum((wanted & given).values()),
        died=bool(played.died), rewritten=len(played.rewritten), mended=played.mishaps["mended"],
    )


def drawn(dice: Random, kind: str, dialect: str) -> Session:
    if kind == "outgrown":
        return outgrowing(draw(dice, dialect, most=14), dice)
    return draw(dice, dialect, loss=kind == "lost")


async def measure(count: int, seed: int) -> dict[str, Counter[str]]:
    """`count` sessions of each kind, dialects in turn."""
    tables = {kind: Counter[str]() for kind in KINDS}
    names = list(CLIENTS)
    for kind, table in tables.items():
        for n in range(count):
            session = drawn(Random(f"{seed} {kind} {n}"), kind, names[n % len(names)])
            played = await Stage(session).play()
            direct = await Stage(session, alone=True).play()
            table.update(account(session, played) + Counter(unlike=played.shown != direct.shown))
    return tables


def show(kind: str, table: Counter[str]) -> None:
    print(f"{table['sessions']:,} sessions: {KINDS[kind]}")
    print(f"  requests to the model    {table['requests']:8,}   of which retrieval rounds {table['rounds']:,}")
    print(f"  refused by the model     {table['refused']:8,}   reasoning dropped {table['dropped']:,}, left out for good in {table['mended']:,} sessions")
    print(f"  prefix kept              {100 * table['kept'] / max(1, table['pairs']):8.2f} % of {table['pairs']:,}, rewritten on purpose {table['rewritten']:,} times")
    print(f"  originals, byte for byte {table['exact']:8,} of {table['wanted']:,}")
    print(f"  sessions that ended      {table['died']:8,}   that showed the client anything else than direct ones {table['unlike']:,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1000, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(sys.argv[1:] if __name__ == "__main__" else [])
    print(f"seed {given.seed}")
    for kind, table in anyio.run(measure, given.sessions, given.seed).items():
        show(kind, table)


if __name__ == "__main__":
    main()
