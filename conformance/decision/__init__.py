"""From observations to verdicts: rules, streams, clauses, levels, trust grades, efficiency.

``course_under_plan`` makes a ``Course`` what a plan has it be; ``climb`` asks for observations,
round after round, and returns a ``Result``; ``draw`` and ``draw_rider`` say which trial each
observation comes from. Everything here is a pure function of its arguments.
"""

from conformance.decision.characteristics import Characteristics, can_pass, characteristics
from conformance.decision.clean_run import chance_to_pass, clean_run_length
from conformance.decision.fixed import FixedPlan, fixed_plan
from conformance.decision.ladder import (
    EFFICIENCY,
    Observation,
    ObservationError,
    Reply,
    Round,
    Stop,
    climb,
    drive,
)
from conformance.decision.plans import Plan, course_under_plan, under_plan
from conformance.decision.result import (
    ClauseResult,
    EfficiencyResult,
    EfficiencyVerdict,
    Requirement,
    Result,
    StepResult,
    exit_code,
)
from conformance.decision.rules import Decision, Judgement, decide, fewest_to_pass, horizon, judge
from conformance.decision.spec import (
    Claim,
    Clause,
    Course,
    EfficiencyClass,
    LevelRule,
    Rule,
    RuleName,
    Source,
    Step,
    Verdict,
)
from conformance.decision.streams import Draw, draw, draw_rider, index_seed

__all__ = [
    "EFFICIENCY",
    "Characteristics",
    "Claim",
    "Clause",
    "ClauseResult",
    "Course",
    "Decision",
    "Draw",
    "EfficiencyClass",
    "EfficiencyResult",
    "EfficiencyVerdict",
    "FixedPlan",
    "Judgement",
    "LevelRule",
    "Observation",
    "ObservationError",
    "Plan",
    "Reply",
    "Requirement",
    "Result",
    "Round",
    "Rule",
    "RuleName",
    "Source",
    "Step",
    "StepResult",
    "Stop",
    "Verdict",
    "can_pass",
    "chance_to_pass",
    "characteristics",
    "clean_run_length",
    "climb",
    "course_under_plan",
    "decide",
    "draw",
    "draw_rider",
    "drive",
    "exit_code",
    "fewest_to_pass",
    "fixed_plan",
    "horizon",
    "index_seed",
    "judge",
    "under_plan",
]
