"""Names for exchanges that sort by time."""

from __future__ import annotations


def uuid7(now_ns: int, noise: bytes) -> str:
    """RFC 9562 §5.7: milliseconds first, so that ids sort by time. `noise`: ten random bytes, which need not be secret."""
    stamp = (now_ns // 1_000_000).to_bytes(6, "big")
    digits = (stamp + bytes((0x70 | noise[0] & 0x0F, noise[1], 0x80 | noise[2] & 0x3F)) + noise[3:10]).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
