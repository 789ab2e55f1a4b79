"""What a load asks: made prompts of a chosen length, or the user's own from a file.

Whatever is asked, the body is one that any OpenAI-compatible server takes: a stream, with its
usage, at temperature 0.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import random
import secrets
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from conformance.errors import UsageError
from conformance.profile.target import LoadDialect, Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Control = Literal["none", "ignore_eos"]
"""How the length of an answer is controlled: ``none`` gives the most tokens it may have,
``ignore_eos`` asks for exactly so many (vLLM and SGLang take it; others may refuse it)."""

EXAMPLE = '{"messages": [{"role": "user", "content": "…"}], "max_tokens": 128}'

_HEAD_WORDS = 10
"""Out of 64 each: two prompts of 10⁶ begin alike with a probability of 4 · 10⁻⁷."""
_TEXT_WORDS = 8191
_encode = msgspec.json.Encoder().encode


class Envelope(msgspec.Struct, frozen=True):
    """What stands in each request beside the messages and the length."""

    model: str
    dialect: LoadDialect = "chat"
    control: Control = "none"
    extra: dict[str, Any] = {}
    """Members to add; null takes one out that stands there by itself (``temperature``)."""

    def body(self, messages: bytes, tokens: int) -> bytes:
        """Return a request.

        Args:
            messages: The messages, encoded, without the brackets around them.
            tokens: The most tokens of the answer, reasoning included.
        """
        members: dict[str, Any] = {"model": self.model, "stream": True, "temperature": 0}
        if self.dialect == "chat":
            members["stream_options"] = {"include_usage": True}
            members["max_tokens"] = tokens
        else:
            members["store"] = False
            members["max_output_tokens"] = tokens
        if self.control == "ignore_eos":
            members["ignore_eos"] = True
            members["min_tokens"] = tokens
        kept = {name: v for name, v in (members | self.extra).items() if v is not None}
        name = b"messages" if self.dialect == "chat" else b"input"
        return b'%s,"%s":[%s]}' % (_encode(kept)[:-1], name, messages)


class Synthetic(msgspec.Struct, frozen=True):
    """Made prompts of plain words, no two with the same head: no prefix cache helps.

    Lengths are approximate: a word is about one token to the tokenizers in use. The true count is
    what the server's usage says.
    """

    model: str
    dialect: LoadDialect = "chat"
    input_tokens: int = 256
    """Of the whole prompt, shared prefix included; at least 10, which make its head unique."""
    output_tokens: int = 128
    """The most tokens of an answer."""
    control: Control = "none"
    spread: float = 0.0
    """Lengths are uniform within ± this share of what is asked, each by itself; 0: all alike."""
    shared_prefix_tokens: int = 0
    """So many tokens, as the system's message, begin every prompt alike."""
    lang: Literal["en", "zh"] = "en"
    seed: int = msgspec.field(default_factory=lambda: secrets.randbits(32))
    """Drawn anew for each workload, so that a server does not know the prompts of an earlier run;
    with the same one come the same prompts."""
    load: int = 0
    """Which load of a profile this is; see ``renewed``."""
    extra: dict[str, Any] = {}
    """As in ``Envelope``."""

    def __post_init__(self) -> None:
        if self.input_tokens < 1 or self.output_tokens < 1:
            raise UsageError("there is no prompt or answer of no tokens", where="length")
        if not 0 <= self.spread < 1:
            raise UsageError(
                f"{self.spread:g} is no share", where="spread", mend="between 0 and 1: 0.5"
            )
        if not 0 <= self.shared_prefix_tokens < self.input_tokens * (1 - self.spread):
            raise UsageError(
                f"{self.shared_prefix_tokens} tokens do not fit into the shortest prompt of "
                f"{self.input_tokens * (1 - self.spread):.0f}",
                where="shared prefix",
                mend="make the prompts longer, or the prefix shorter",
            )

    def renewed(self, load: int) -> Synthetic:
        """Return the same workload with other prompts, for another load on the same server.

        Without it the second load would find all its prompts in the server's cache.
        """
        return msgspec.structs.replace(self, load=load)

    def steps(self, slot: int) -> Iterator[Step]:
        """Yield what a slot asks, endless."""
        envelope = Envelope(self.model, self.dialect, self.control, self.extra)
        words = _WORDS[self.lang]
        shared = b""
        if self.shared_prefix_tokens:
            text = _filler(self.lang, f"{self.seed}/shared").part(0, self.shared_prefix_tokens)
            shared = _encode({"role": "system", "content": text}) + b","
        filler = _filler(self.lang, str(self.seed))
        source = random.Random(f"{self.seed}/{self.load}/{slot}")
        number = 0
        while True:
            tokens = _spread(source, self.output_tokens, self.spread)
            left = _spread(source, self.input_tokens, self.spread) - self.shared_prefix_tokens
            head = _head(words, f"{self.seed}/{self.load}/{slot}/{number}")
            task = words.task if left >= _HEAD_WORDS + words.task_tokens else ""
            left -= _HEAD_WORDS + (words.task_tokens if task else 0)
            text = head + filler.part(source.randrange(_TEXT_WORDS), max(0, left)) + task
            message = _encode({"role": "user", "content": text})
            yield Step(envelope.body(shared + message, tokens), asked_tokens=tokens)
            number += 1

    def describe(self) -> dict[str, Any]:
        """Return all that makes the prompts."""
        return {"kind": "synthetic", **msgspec.to_builtins(self)}


class Prompt(msgspec.Struct, frozen=True):
    """One line of a user's file."""

    messages: list[dict[str, Any]]
    max_tokens: int = 128


class FromFile(msgspec.Struct, frozen=True):
    """A user's own prompts, sent as they are; each slot goes round the whole file.

    A prompt that comes again, in the same load or a later one, finds itself in the server's
    prefix cache where there is one: ``cached_tokens`` of the points says how much that was.
    """

    model: str
    dialect: LoadDialect
    prompts: tuple[Prompt, ...]
    sha256: str
    """Of the file."""
    control: Control = "none"
    extra: dict[str, Any] = {}
    """As in ``Envelope``."""

    @classmethod
    def read(
        cls, path: Path, model: str, dialect: LoadDialect = "chat", control: Control = "none"
    ) -> FromFile:
        """Read JSON Lines of ``{"messages": […], "max_tokens": N}``; empty lines are passed over.

        Raises:
            UsageError: the file cannot be read, is empty, or a line is no such object.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UsageError(
                f"cannot be read: {error.strerror}", where=str(path), mend="name a file"
            ) from None
        prompts = [
            _prompt(line, f"{path}:{number}")
            for number, line in enumerate(content.split(b"\n"), 1)
            if line.strip()
        ]
        if not prompts:
            raise UsageError("holds no prompt", where=str(path), mend=f"one a line: {EXAMPLE}")
        digest = hashlib.sha256(content).hexdigest()
        return cls(model, dialect, tuple(prompts), digest, control)

    def renewed(self, load: int) -> FromFile:
        """Return itself: what a user brings is not changed."""
        del load
        return self

    def steps(self, slot: int) -> Iterator[Step]:
        """Yield what a slot asks, endless: first the prompt of its number, then ever further on.

        Arrivals of an open loop, each a slot, thus come in the file's order; the long stride
        keeps the slots of a closed loop from following in each other's steps.
        """
        envelope = Envelope(self.model, self.dialect, self.control, self.extra)
        stride = _stride(len(self.prompts))
        at = slot % len(self.prompts)
        while True:
            prompt = self.prompts[at]
            body = envelope.body(_encode(prompt.messages)[1:-1], prompt.max_tokens)
            yield Step(body, asked_tokens=prompt.max_tokens)
            at = (at + stride) % len(self.prompts)

    def describe(self) -> dict[str, Any]:
        """Return how many prompts there are, and of which file."""
        return {
            "kind": "file",
            "prompts": len(self.prompts),
            "sha256": self.sha256,
            "control": self.control,
            "extra": self.extra,
        }


def _prompt(line: bytes, where: str) -> Prompt:
    try:
        prompt = msgspec.json.decode(line, type=Prompt)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"is no prompt ({error})", where=where, mend=EXAMPLE) from None
    if not prompt.messages or not all("role" in message for message in prompt.messages):
        raise UsageError("has no messages with a role", where=where, mend=EXAMPLE)
    if prompt.max_tokens < 1:
        raise UsageError("asks for no tokens", where=where, mend="max_tokens is 1 or more")
    return prompt


def _stride(n: int) -> int:
    """Return a step by which all of n are visited, near the golden part of n."""
    return next(k for k in range(max(1, round(n * 0.618)), n + 2) if math.gcd(k, n) == 1)


def _spread(source: random.Random, tokens: int, share: float) -> int:
    return tokens if not share else max(1, round(tokens * source.uniform(1 - share, 1 + share)))


def _head(words: _Words, of: str) -> str:
    """Return words by which no other prompt begins."""
    digest = hashlib.blake2b(of.encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big")
    found = []
    for _ in range(_HEAD_WORDS):
        number, place = divmod(number, len(words.words))
        found.append(words.words[place])
    return words.space.join(found) + words.space


class _Words(NamedTuple):
    """The words of a language, 64 of them, one token each, about."""

    words: tuple[str, ...]
    space: str
    task: str
    """What ends a prompt, so that the model writes on until it is stopped."""
    task_tokens: int


_EN = """
time year people way day man thing woman life child world school state family student group country
problem hand part place case week company system program question work government number night point
home water room mother area money story fact month lot right study book eye job word business issue
side kind head house service friend father power hour game line end member law
"""
_ZH = """
时间 工作 问题 学习 生活 社会 国家 世界 城市 学校 学生 老师 朋友 家庭 孩子 父母 公司 市场 经济
发展 技术 科学 研究 文化 历史 教育 健康 环境 自然 空气 河流 山脉 天气 春天 夏天 秋天 冬天 早上
晚上 今天 明天 昨天 音乐 电影 图书 报纸 新闻 故事 语言 文字 数字 计划 方法 结果 原因 机会 能力
经验 知识 思想 精神 情况 条件 关系
"""
_WORDS: dict[str, _Words] = {
    "en": _Words(
        tuple(_EN.split()),
        " ",
        "\n\nWrite a long story that uses all of these words. Do not stop early.",
        16,
    ),
    "zh": _Words(
        tuple(_ZH.split()),
        "",
        "\n\n请用以上所有词语写一个长篇故事，不要提前结束。",
        16,
    ),
}


class _Filler:
    """A long text of words, of which prompts take parts from any place."""

    def __init__(self, words: _Words, seed: str) -> None:
        drawn = random.Random(seed).choices(words.words, k=_TEXT_WORDS)
        pieces = [word + words.space for word in drawn]
        self._text = "".join(pieces)
        self._starts = list(itertools.accumulate(map(len, pieces), initial=0))

    def part(self, start: int, words: int) -> str:
        """Return so many words from a place on; the text goes round."""
        rounds, last = divmod(start + words, _TEXT_WORDS)
        if not rounds:
            return self._text[self._starts[start] : self._starts[last]]
        middle = self._text * (rounds - 1)
        return self._text[self._starts[start] :] + middle + self._text[: self._starts[last]]


@functools.lru_cache(maxsize=8)
def _filler(lang: str, seed: str) -> _Filler:
    return _Filler(_WORDS[lang], seed)
