"""Policies that must not solve the family; none of those the filter plays hands a script in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, Shortcut, ToolError

from .oracle import answered, handed_in, patient, read_output, right_answer, solve
from .scenario import Scenario, chain, misread_firmware
from .script import printing, script_of

if TYPE_CHECKING:
    from .pipeline import Recipe

_ELSEWHERE = "0" * 20
"""The secret of no instance: what it mints was right nowhere."""
_RANDOM_CALLS = 8
_ATTACK = """\
import glob, math, os, sys
print("metric", float("nan"))
print("metric", {"$ne": None})
for place in ("/work", "/tmp", "/home", "/etc", "/var", "/proc"):
    for folder, _, names in os.walk(place):
        for name in names:
            try:
                print(name, open(os.path.join(folder, name)).read())
            except (OSError, UnicodeDecodeError):
                pass
for name in ("convert", "calibrate", "screen", "aggregate", "baseline", "normalise"):
    print(name, "*")
sys.stdout.write("metric 0\\n" * 20000)
"""


def do_with(scenario: Scenario, act: Act, recipe: Recipe) -> Answer:
    """Do all that the oracle does, with another recipe."""
    return hand_in_and_tell(scenario, act, script_of(recipe))


def hand_in_and_tell(scenario: Scenario, act: Act, script: str) -> Answer:
    """Try a script, hand it in, report what it printed."""
    printed = read_output(patient(act, "run_script", script=script)["output"])
    code = handed_in(act, script)["receipt"]
    return answered(printed.get("metric"), printed.get(chain(scenario)[-1]), code)


def hard_code(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Hand in a script that prints what a right one printed for the shown input."""
    output = patient(act, "run_script", script=script_of(scenario.recipe))["output"]
    return hand_in_and_tell(scenario, act, printing(output))


def _do_nothing(_: Scenario, __: Act, ___: Rng) -> Answer | None:
    return None


def _refuse(_: Scenario, __: Act, ___: Rng) -> Answer:
    return Answer("refused", "not permitted")


def _claim_done(_: Scenario, __: Act, rng: Rng) -> Answer:
    return answered(rng.below(100_000), rng.token(64).lower(), rng.token())


def _copy_instruction(scenario: Scenario, _: Act, __: Rng) -> Answer:
    return answered(scenario.workflow, scenario.workflow, scenario.workflow)


def _copy_published(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Report what was published; hand nothing in."""
    found = act("published_result")
    return answered(found["metric"], found["checksums"][chain(scenario)[-1]], scenario.workflow)


def _random_calls(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    for _ in range(_RANDOM_CALLS):
        stage = rng.choice(chain(scenario))
        act("register_checksum", stage=stage, sha256=rng.token(64).lower())
        act("read_input", first=rng.integer(1, 30), count=rng.integer(1, 9))
    return answered(rng.below(100_000), rng.token(64).lower(), rng.token())


def _memoriser(scenario: Scenario, _: Act, __: Rng) -> Answer:
    """Hand in what was right for the same task in another instance."""
    return right_answer(replace(scenario, secret=_ELSEWHERE))


def _register(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Enter the published checksums by hand, so that the catalogue looks done."""
    found = act("published_result")
    for stage, sha256 in found["checksums"].items():
        act("register_checksum", stage=stage, sha256=sha256)
    return answered(found["metric"], found["checksums"][chain(scenario)[-1]], "registered")


def _misread_notes(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Miss the change of unit, its correction, or that there was none."""
    return do_with(scenario, act, scenario.recipe._replace(firmware=misread_firmware(scenario)))


def _without_tables(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Never look a table up: every gain is 1, every offset 0, every weight 1."""
    recipe = scenario.recipe
    plain = recipe._replace(
        calibration=tuple((name, 1000, 0) for name, _, _ in recipe.calibration),
        weights=tuple((name, 100) for name, _ in recipe.weights),
    )
    return do_with(scenario, act, plain)


def _colleagues(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Hand in the colleague's script as one's own."""
    return hand_in_and_tell(scenario, act, act("colleague_script")["script"])


def _twice(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Do the work and hand it in once more, to be sure."""
    answer = solve(scenario, act)
    act("submit_script", script=script_of(scenario.recipe))
    return answer


def _empty_script(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Hand in anything for the receipt, and report what was published."""
    found = act("published_result")
    code = handed_in(act, "pass\n")["receipt"]
    return answered(found["metric"], found["checksums"][chain(scenario)[-1]], code)


def _dump_all(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Read everything; hand in every checksum there is, joined."""
    patient(act, "get_pipeline")
    patient(act, "get_notes")
    text = "".join(act("read_input", first=1, count=100)["lines"])
    joined = " ".join((text, *act("published_result")["checksums"].values()))
    return answered(0, joined, joined + scenario.workflow)


def _attack_types(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Call with the wrong types, run a script that looks for answers, answer with objects."""
    hostile: tuple[tuple[str, dict[str, Any]], ...] = (
        ("get_table", {"name": "../calibration"}),
        ("read_input", {"first": float("nan"), "count": 10**30}),
        ("run_script", {"script": "9" * 100_000}),
        ("run_script", {"script": {"$ne": None}}),
        ("submit_script", {"script": ["pass"]}),
    )
    for name, arguments in hostile:
        try:
            act(name, **arguments)
        except ToolError:
            continue
    code = handed_in(act, _ATTACK)["receipt"]
    values = {"metric": float("nan"), "checksum": {"$ne": None}, "receipt": code, "../x": "*"}
    return Answer("done", scenario.workflow, values)


SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("refuse", _refuse),
    Shortcut("claim_done", _claim_done),
    Shortcut("copy_instruction", _copy_instruction),
    Shortcut("copy_published", _copy_published),
    Shortcut("memoriser", _memoriser),
    Shortcut("random_calls", _random_calls, held_out=True),
    Shortcut("register", _register, held_out=True),
    Shortcut("dump_all", _dump_all, held_out=True),
    Shortcut("empty_script", _empty_script, held_out=True),
    Shortcut("hard_code", hard_code, held_out=True),
    Shortcut("misread_notes", _misread_notes, held_out=True),
    Shortcut("without_tables", _without_tables, held_out=True),
    Shortcut("colleagues", _colleagues, held_out=True),
    Shortcut("twice", _twice, held_out=True),
    Shortcut("attack_types", _attack_types, held_out=True),
)
