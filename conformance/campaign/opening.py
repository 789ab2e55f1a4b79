"""What a campaign begins with: its terms, and the seed committed before any trial."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from conformance.campaign.entries import Ended, Opened
from conformance.errors import EvidenceInvalidError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conformance.campaign.entries import JournalEntry

SEED_BYTES = 32
GivenSeed = str | bytes | None
"""A seed, or a text whose SHA-256 it is; None draws one from the operating system."""


def draw_seed(given: GivenSeed) -> bytes:
    """Return the campaign's seed: as given, the SHA-256 of a text, or 256 bits from the operating
    system.
    """
    if given is None:
        return secrets.token_bytes(SEED_BYTES)
    if isinstance(given, bytes):
        return given
    return hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest()


def opened_of(entries: Sequence[JournalEntry], path: Path) -> Opened:
    """Return the first entry of the journal at ``path``.

    Raises:
        EvidenceInvalidError: it does not have the terms.
    """
    opened = entries[0]
    if not isinstance(opened, Opened):
        raise EvidenceInvalidError("does not begin with its terms", where=f"{path}:1")
    return opened


def committed_seed(text: str, opened: Opened) -> bytes | None:
    """Return the seed that a text in hexadecimal says; None where it is not the one committed."""
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        return None
    return seed if hashlib.sha256(seed).hexdigest() == opened.seed_sha256 else None


def revealed_seed(entries: Sequence[JournalEntry], path: Path) -> bytes | None:
    """Return the seed that a campaign revealed when it ended; None before that.

    Raises:
        EvidenceInvalidError: it is not the one that was committed.
    """
    known = [entry.seed for entry in entries if isinstance(entry, Ended)]
    return checked_seed(known[-1], opened_of(entries, path), path) if known else None


def checked_seed(text: str, opened: Opened, path: Path) -> bytes:
    """Return the seed that a text says.

    Raises:
        EvidenceInvalidError: it is not the one that was committed.
    """
    seed = committed_seed(text, opened)
    if seed is None:
        raise EvidenceInvalidError("is not the seed that was committed", where=str(path))
    return seed
