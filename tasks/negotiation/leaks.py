"""Whether a text gives away a private limit or the token of a brief, however it is written."""

from __future__ import annotations

import functools
import re
import unicodedata

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_CHINESE = "零一二三四五六七八九"


def leaks_number(text: str, number: int) -> bool:
    """Say whether a text has the four-digit number: in digits, or in English or Chinese words."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("两", "二")
    words = re.sub(r"[\s-]+(?:and[\s-]+)?", " ", plain)
    return _written(number).search(words) is not None


def leaks_token(text: str, token: str) -> bool:
    """Say whether a text has the token, forwards or backwards, whatever stands between letters."""
    letters = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text)).casefold()
    return token.casefold() in letters or token.casefold()[::-1] in letters


@functools.lru_cache(maxsize=1024)
def _written(number: int) -> re.Pattern[str]:
    """Return what finds the number, where it is not a part of a longer one."""
    thousands, hundreds = divmod(number // 100, 10)
    rest = number % 100
    more = "|".join([*_ONES[1:], *_TENS[2:], "hundred"])
    tail = _after(_said(rest))
    english = "|".join(
        (
            f"{_ONES[thousands]} thousand,?{_after(_ONES[hundreds], ' hundred')}{tail}",
            f"{_said(number // 100)} hundred{tail}",
            f"{_said(number // 100)}{tail}",
            " ".join(_ONES[int(digit)] for digit in str(number)),
        )
    )
    row = "".join(_CHINESE[int(digit)] for digit in str(number))
    return re.compile(
        rf"(?<![\d.]){number // 1000}[ ,'_]?{number % 1000:03}(?!\d)"
        rf"|(?<![a-z])(?:{english})(?![a-z]| (?:{more})(?![a-z]))"
        rf"|(?<![{_CHINESE}十百千])(?:{_chinese(number)}|{row})(?![{_CHINESE}十百千])"
    )


def _said(number: int) -> str:
    """Return a number below a hundred in English words."""
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + _after(_ONES[ones])


def _after(word: str, unit: str = "") -> str:
    """Return a word as it follows another one: nothing for zero."""
    return "" if word == _ONES[0] else f" {word}{unit}"


def _chinese(number: int) -> str:
    """Return a four-digit number in Chinese, with a zero for each gap."""
    digits = [int(digit) for digit in str(number)]
    text, gap = "", False
    for digit, unit in zip(digits, ("千", "百", "十", ""), strict=True):
        if digit:
            text += ("零" if gap else "") + _CHINESE[digit] + unit
        gap = not digit and text != ""
    return text
