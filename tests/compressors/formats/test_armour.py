"""Armoured blocks are found wherever they stand, whole or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.formats.armour import MIN_DATA, blocks

DATA = ["MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ"] * 5 + ["RTESMBA="]


def block(label: str, headers: str = "", dashes: str = "-----", end: str = "\n", indent: str = "") -> str:
    """One block, as a tool prints it."""
    return end.join(indent + line for line in (f"{dashes}BEGIN {label}{dashes[::-1]}{headers}", *DATA, f"{dashes}END {label}{dashes[::-1]}"))


CASES = {
    "PEM": (block("CERTIFICATE"), "CERTIFICATE"),
    "encrypted": (block("RSA PRIVATE KEY", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,7B\n"), "RSA PRIVATE KEY"),
    "OpenPGP": (block("PGP SIGNATURE", "\nComment: some words and then some\n"), "PGP SIGNATURE"),
    "SSH2": (block("SSH2 PUBLIC KEY", '\nComment: "rsa"', "---- "), "SSH2 PUBLIC KEY"),
    "CRLF": (block("X509 CRL", end="\r\n"), "X509 CRL"),
    "in a string": (f'{{"key": "{block("CERTIFICATE REQUEST", end=chr(92) + "n")}"}}', "CERTIFICATE REQUEST"),
    "quoted": (block("PGP MESSAGE", indent="> > "), "PGP MESSAGE"),
    "in a diff": (block("CERTIFICATE", indent="+    "), "CERTIFICATE"),
}


@pytest.mark.parametrize(("text", "label"), CASES.values(), ids=CASES)
def test_data_are_found(text: str, label: str) -> None:
    found = list(blocks(f"before\n{text}\n{text}"))
    assert [(each.label, each.lines) for each in found] == [(label, len(DATA))] * 2
    for each in found:
        data = f"before\n{text}\n{text}"[each.start : each.end]
        assert data.startswith(DATA[0])
        assert data.endswith(DATA[-1])


@pytest.mark.parametrize(
    "text",
    [
        "", "BEGIN ", "-----BEGIN CERTIFICATE-----", block("CERTIFICATE").rsplit("\n", 1)[0], block("CERTIFICATE").replace("END CERT", "END PGP"),
        "-----BEGIN TEXT-----\n" + "Words of prose, " * 50 + "\n-----END TEXT-----", "-----BEGIN CERTIFICATE-----\n" + "A" * (MIN_DATA - 1) + "\n-----END CERTIFICATE-----",
        "BEGIN TRANSACTION;\n" * 50, "-----BEGIN A KEY-----\n" * 50, "\n".join(f"{i:>6}\t{line}" for i, line in enumerate(block("CERTIFICATE").split("\n"))),
    ],
    ids=["nothing", "a word", "a beginning", "no end", "another end", "prose", "short", "SQL", "beginnings", "numbered"],
)
def test_others_are_none(text: str) -> None:
    assert list(blocks(text)) == []


PIECES = st.sampled_from([block("CERTIFICATE"), block("PGP MESSAGE", "\n"), "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "\n", DATA[0], "\\n", "BEGIN ", "----", " ", "é"])


@settings(deadline=None, max_examples=200)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_blocks_are_apart_and_hold_nothing_but_data(text: str) -> None:
    at = 0
    for each in blocks(text):
        assert at <= each.start < each.end <= len(text)
        assert "BEGIN" not in text[each.start : each.end] or "-" not in text[each.start : each.end]
        assert text[: each.start].rfind("BEGIN ") >= at
        at = each.end


@pytest.mark.parametrize("text", ["-----BEGIN A KEY-----" * 100_000, "BEGIN " * 300_000, "-" * 2_000_000, block("CERTIFICATE") * 5_000, "-----BEGIN A KEY-----\n" + "A" * 2_000_000])
def test_work_is_bounded(text: str) -> None:
    assert len(list(blocks(text))) in (0, 5_000)
