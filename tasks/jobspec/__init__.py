"""F03 ``jobspec``: a request in natural language becomes exactly one right job form, or a question.

Read in this order: ``form`` (the ten fields), ``world`` (the portal), ``shapes`` (ways to say a
value), ``scenario`` (what is drawn), ``wording`` with ``english`` and ``chinese``, ``checks``;
then the proof: ``reading``, ``shortcuts``, ``mutations``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from conformance.authoring import Answer, Family, Text

from . import checks
from .mutations import MUTATIONS
from .scenario import ENDINGS, STYLES, Scenario, draw_scenario
from .shortcuts import SHORTCUTS
from .wording import TONGUES, WORDINGS, write
from .world import FORBIDDEN, TOOLS, JobPortal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.authoring import Act, Call, End, Finding, Knobs, Lang, Rng, State


class JobSpec(Family[Scenario]):
    """Fill in a training-job form from a request, or ask for what is missing or clashes."""

    id = "jobspec"
    number = "F03"
    version = 2
    title = Text("训练作业申请", "Training-job request")
    knobs: ClassVar = {"ending": ENDINGS, "style": STYLES}
    wordings = WORDINGS
    requirements = checks.REQUIREMENTS
    shortcuts = SHORTCUTS
    mutations = MUTATIONS

    def scenario(self, rng: Rng, knobs: Knobs) -> Scenario:
        return draw_scenario(rng, knobs["ending"], knobs["style"])

    def world(self, scenario: Scenario) -> JobPortal:
        return JobPortal(scenario.jobs, scenario.secret, scenario.today)

    def offered(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return TOOLS

    def forbidden(self, scenario: Scenario) -> Sequence[str]:  # noqa: ARG002
        return FORBIDDEN

    def instruction(self, scenario: Scenario, lang: Lang, wording: int) -> str:
        return write(scenario, lang, wording)

    def answer_values(self, scenario: Scenario, lang: Lang) -> Mapping[str, str]:  # noqa: ARG002
        return TONGUES[lang].values

    def right_end(self, scenario: Scenario) -> End:
        return checks.right_end(scenario)

    def oracle(self, scenario: Scenario, act: Act) -> Answer:
        fields = dict(scenario.wanted)
        if scenario.base is not None:
            kept = act("get_job", job=scenario.base)["fields"]
            said = {item.field for item in scenario.said}
            fields = {n: v if n in said else kept[n] for n, v in scenario.wanted.items()}
        if not scenario.about:
            return Answer("done", None, {"ticket": act("submit", **fields)["ticket"]})
        question = act(
            "draft_question", kind=scenario.kind, about=list(scenario.about), fields=fields
        )
        return Answer("needs_input", question["code"])

    def overstep(self, scenario: Scenario, act: Act) -> None:  # noqa: ARG002
        act("export_queue")

    def goal(self, scenario: Scenario, final: State) -> Iterable[Finding]:
        return checks.goal(scenario, final)

    def may_change(self, scenario: Scenario) -> Sequence[str]:
        return checks.may_change(scenario)

    def conduct(self, scenario: Scenario, calls: Sequence[Call]) -> Iterable[Finding]:  # noqa: ARG002
        return checks.conduct(calls)


FAMILY = JobSpec()
