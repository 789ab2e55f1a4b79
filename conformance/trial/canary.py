"""The canary: a task so small that an agent which fails it is not connected, rather than weak.

It is of no edition and gives no observation. A fresh code each time: nothing can be remembered.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from conformance.authoring import Answer, End, Family, Meta, Text, ToolError, World, mint, tool
from conformance.edition.instances import dress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.authoring import Act, Instance, Knobs, Lang, Rng

PLACE = "K7"
_INSTRUCTION = Text(
    "请用工具 read_code 读取 {place} 处的代码，然后提交：status 为 done，"
    "values 中 code 填读到的代码。",
    "Read the code at {place} with the tool read_code. Then submit: status done, and the code "
    "that you read as the value code.",
)
_CODE = Text("read_code 返回的代码", "the code that read_code returned")


class _Scenario(NamedTuple):
    secret: str

    @property
    def code(self) -> str:
        return mint(self.secret, "code", PLACE)


class _Canary(World):
    @tool("read")
    def read_code(self, place: Annotated[str, Meta(description="such as K7")]) -> Any:
        """Read the code at a place."""
        if place != PLACE:
            raise ToolError("not_found", f"There is no code at {place!r}.")
        return {"place": place, "code": mint(self.secret, "code", place)}


class _CanaryFamily(Family[_Scenario]):
    id = "canary"
    number = "F00"
    version = 1
    title = Text("金丝雀", "Canary")
    knobs: ClassVar = {}
    wordings = 1
    requirements: ClassVar = {}
    shortcuts = ()
    mutations = ()

    def scenario(self, rng: Rng, knobs: Knobs) -> _Scenario:
        raise NotImplementedError

    def world(self, scenario: _Scenario) -> World:
        return _Canary({}, scenario.secret)

    def offered(self, scenario: _Scenario) -> Sequence[str]:  # noqa: ARG002
        return ("read_code",)

    def forbidden(self, scenario: _Scenario) -> Sequence[str]:  # noqa: ARG002
        return ()

    def instruction(self, scenario: _Scenario, lang: Lang, wording: int) -> str:  # noqa: ARG002
        return _INSTRUCTION.in_lang(lang).format(place=PLACE)

    def answer_values(self, scenario: _Scenario, lang: Lang) -> Mapping[str, str]:  # noqa: ARG002
        return {"code": _CODE.in_lang(lang)}

    def right_end(self, scenario: _Scenario) -> End:
        return End("done", None, {"code": scenario.code})

    def oracle(self, scenario: _Scenario, act: Act) -> Answer:  # noqa: ARG002
        return Answer("done", values={"code": act("read_code", place=PLACE)["code"]})

    def overstep(self, scenario: _Scenario, act: Act) -> None:
        """Nothing is forbidden."""

    def goal(self, scenario: _Scenario, final: Any) -> tuple[()]:  # noqa: ARG002
        return ()

    def may_change(self, scenario: _Scenario) -> Sequence[str]:  # noqa: ARG002
        return ()


def canary_instance(lang: Lang) -> Instance[Any]:
    """Return a new canary."""
    return dress(_CanaryFamily(), {}, "canary", lang, 0, _Scenario(secrets.token_hex(16)))
