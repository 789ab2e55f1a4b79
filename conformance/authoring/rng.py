"""Seeded randomness that is the same on every platform and in every version of Python."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.authoring.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

# Crockford's base 32: no I, L, O or U, so a token survives being read aloud.
TOKEN_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # noqa: S105
_BLOCK_BITS = 256


class Rng:
    """A stream of random numbers: the SHA-256 of a key and a block counter.

    Only integers are drawn from the bits, so no platform's floating point enters an instance.
    """

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(key).digest()
        self._block = 0
        self._pool = 0
        self._left = 0

    @classmethod
    def of(cls, *parts: Any) -> Rng:
        """Return the stream named by ``parts`` (any JSON values)."""
        return cls(canonical(list(parts)))

    def fork(self, *parts: Any) -> Rng:
        """Return an independent stream; what was drawn from this one does not matter to it."""
        return Rng(self._key + canonical(list(parts)))

    def bits(self, count: int) -> int:
        """Return ``count`` random bits as an integer in [0, 2**count)."""
        while self._left < count:
            block = hashlib.sha256(self._key + self._block.to_bytes(8, "big")).digest()
            self._pool = (self._pool << _BLOCK_BITS) | int.from_bytes(block, "big")
            self._left += _BLOCK_BITS
            self._block += 1
        self._left -= count
        value = self._pool >> self._left
        self._pool &= (1 << self._left) - 1
        return value

    def below(self, bound: int) -> int:
        """Return an integer uniform in [0, bound)."""
        if bound < 1:
            msg = f"cannot draw below {bound}"
            raise ValueError(msg)
        width = (bound - 1).bit_length()
        while (value := self.bits(width)) >= bound:
            pass
        return value

    def integer(self, low: int, high: int) -> int:
        """Return an integer uniform in [low, high], both ends included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """Return True with a probability of ``percent`` in a hundred."""
        return self.below(100) < percent

    def choice(self, items: Sequence[T]) -> T:
        """Return one of ``items``, each as likely as another."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return ``items`` in random order (Fisher and Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Return ``count`` different places' items, in random order."""
        if count > len(items):
            msg = f"cannot draw {count} of {len(items)} items"
            raise ValueError(msg)
        return self.shuffled(items)[:count]

    def token(self, length: int = 10) -> str:
        """Return a token of ``length`` characters, five random bits each."""
        return "".join(TOKEN_ALPHABET[self.bits(5)] for _ in range(length))


def mint(secret: str, *parts: Any, length: int = 10) -> str:
    """Return the token that ``secret`` gives to ``parts``; nobody without the secret can guess it.

    The same parts give the same token, so a tool that mints one changes no state by it.
    """
    return Rng.of("mint", secret, *parts).token(length)
