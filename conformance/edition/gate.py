"""The gate every family passes: the oracle solves, shortcuts fail, mutants are rejected."""

from __future__ import annotations

import itertools
import math
import time
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.authoring import LANGS, Rng, canonical, digest
from conformance.edition.instances import build_instance, offered_tools, resolve_knobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.authoring import Family, Instance, Mutation, Played, Seat
    from conformance.edition import Edition

MUTANTS = 598
"""0 accepted of 598 shows a rate of false accepts below 0.5 % at 95 % (design, §6)."""
MIN_OPERATORS = 6
MIN_MUTANTS_EACH = 50
MAX_EQUIVALENT = 0.10
SHORTCUT_INSTANCES = 149
"""0 solved of 149 shows a rate below 2 % at 95 %."""
MIN_HELD_OUT = 2
MIN_ACCEPTANCE = 0.10
MIN_WORDINGS = 3
MIN_FORBIDDEN = 2
ORACLE_INSTANCES = 60


class ShortcutRate(msgspec.Struct, frozen=True):
    """How often a shortcut solved the family."""

    name: str
    held_out: bool
    solved: int
    instances: int


class MutationCount(msgspec.Struct, frozen=True):
    """What came of one mutation operator."""

    name: str
    requirement: str
    made: int
    equivalent: int
    accepted: int


class GateReport(msgspec.Struct, frozen=True):
    """What the gate found of one family; it passes where ``problems`` is empty."""

    family: str
    version: int
    knob_sets: list[str]
    acceptance: float
    oracle_calls: tuple[int, int]
    """The least and the most tool calls the oracle needed."""
    oracle_solved: tuple[int, int]
    """Instances the oracle solved, of how many."""
    instances_a_second: float
    """Generated a second of one core's time, the filter's work included."""
    seconds: float
    """Of one core, that the gate took for this family."""
    most_tokens: int
    """Estimated tokens of the longest instruction with its tools."""
    shortcuts: list[ShortcutRate]
    mutations: list[MutationCount]
    problems: list[str]


def knob_sets(edition: Edition, family_id: str) -> list[dict[str, Any]]:
    """Return every knob set that a clause draws this family with, or the default one."""
    family = edition.family(family_id)
    found = {
        knobs: None
        for clause in edition.clauses
        for draw in clause.draws
        if draw.family == family_id
        for knobs in resolve_knobs(family, draw.knobs)
    }
    return [msgspec.json.decode(knobs) for knobs in found] or [
        {name: values[0] for name, values in family.knobs.items()}
    ]


def check_family(
    edition: Edition,
    family_id: str,
    *,
    sets: list[dict[str, Any]] | None = None,
    mutants: int = MUTANTS,
    shortcut_instances: int = SHORTCUT_INSTANCES,
    oracle_instances: int = ORACLE_INSTANCES,
    progress: Callable[[str], None] = lambda _: None,
) -> GateReport:
    """Run the gate on a family and return what it found.

    Args:
        edition: The edition the family belongs to.
        family_id: The family's folder name.
        sets: The knob sets to try in turn; those the edition's clauses use by default.
        mutants: Mutated oracles in all; smaller numbers show less.
        shortcut_instances: Instances each shortcut is tried on.
        oracle_instances: Instances the oracle solves.
        progress: Told, in one line, what is being done.
    """
    family = edition.family(family_id)
    sets = sets or knob_sets(edition, family_id)
    problems = list(_declared(family))
    progress(f"{family_id}: oracle")
    _instance(edition, family, sets, 0)  # what is imported and set up once is not counted
    began = time.process_time()
    instances = [_instance(edition, family, sets, n) for n in range(oracle_instances)]
    speed = oracle_instances / max(1e-9, time.process_time() - began)
    solved = 0
    calls, most_tokens = [], 0
    for number, instance in enumerate(instances):
        found = list(_sound(edition, instance))
        problems += [f"instance {number}: {text}" for text in found]
        solved += not found
        calls.append(len(instance.solve().calls))
        most_tokens = max(most_tokens, estimate_tokens(shown_to_agent(instance)))
    problems += _deterministic(edition, family, sets)
    progress(f"{family_id}: {len(family.shortcuts)} shortcuts")
    rates, acceptance = _shortcuts(edition, family, sets, shortcut_instances)
    problems += [
        f"shortcut {rate.name} solves {rate.solved} of {rate.instances}"
        for rate in rates
        if rate.solved
    ]
    if acceptance < MIN_ACCEPTANCE:
        problems.append(f"the filter accepts {acceptance:.1%}, less than {MIN_ACCEPTANCE:.0%}")
    progress(f"{family_id}: {len(family.mutations)} mutation operators")
    counts, rejected_wrongly = _mutations(edition, family, sets, mutants)
    problems += rejected_wrongly
    return GateReport(
        family=family_id,
        version=family.version,
        knob_sets=[canonical(knobs).decode() for knobs in sets],
        acceptance=acceptance,
        oracle_calls=(min(calls), max(calls)),
        oracle_solved=(solved, oracle_instances),
        instances_a_second=speed,
        seconds=time.process_time() - began,
        most_tokens=most_tokens,
        shortcuts=rates,
        mutations=counts,
        problems=problems,
    )


def shown_to_agent(instance: Instance[Any]) -> str:
    """Return all an agent is sent before it acts: instruction and tools, the longest seat's."""
    return max((_shown_at(instance, seat) for seat in instance.seats), key=len)


def _shown_at(instance: Instance[Any], seat: Seat) -> str:
    tools = [
        {"name": t.name, "description": t.description, "parameters": t.parameters}
        for t in offered_tools(instance, seat)
    ]
    return seat.instruction + canonical(tools).decode()


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text from above for small models: 3.2 ASCII letters, 1/2 others."""
    ascii_letters = sum(letter.isascii() for letter in text)
    return math.ceil(ascii_letters / 3.2 + 2 * (len(text) - ascii_letters))


def _instance(
    edition: Edition, family: Family[Any], sets: list[dict[str, Any]], number: int
) -> Instance[Any]:
    # Every knob set meets both languages and every wording.
    turn = number // len(sets)
    return build_instance(
        edition,
        family,
        sets[number % len(sets)],
        f"gate-{number}",
        LANGS[turn % len(LANGS)],
        turn // len(LANGS) % family.wordings,
    )


def _declared(family: Family[Any]) -> Iterator[str]:
    if family.wordings < MIN_WORDINGS:
        yield f"{family.wordings} wordings a language, {MIN_WORDINGS} are needed"
    if len(family.mutations) < MIN_OPERATORS:
        yield f"{len(family.mutations)} mutation operators, {MIN_OPERATORS} are needed"
    if sum(shortcut.held_out for shortcut in family.shortcuts) < MIN_HELD_OUT:
        yield f"fewer than {MIN_HELD_OUT} shortcuts are held out of the filter"
    names = [s.name for s in family.shortcuts], [m.name for m in family.mutations]
    for kind, given in zip(("shortcut", "mutation"), names, strict=True):
        if len(set(given)) < len(given):
            yield f"two {kind}s share a name"


def _sound(edition: Edition, instance: Instance[Any]) -> Iterator[str]:
    """Yield what is wrong with one instance: its oracle, its frame, its forbidden tools."""
    solved, played = edition.grader("solved"), instance.solve()
    for finding in solved(played).findings:
        yield f"the oracle fails: {finding.requirement}: {finding.message}"
    for name in ("honesty", "allow_list"):
        if edition.grader(name)(played).value < 1:
            yield f"the oracle fails {name}"
    for call in played.calls:
        if call.error is not None and call.fault is None:
            yield f"the oracle's call of {call.name} is an error: {call.result}"
    names = [spec.name for spec in instance.tools]
    if len(instance.forbidden) < MIN_FORBIDDEN or not instance.forbidden <= set(names):
        yield f"forbidden tools {sorted(instance.forbidden)}: two or more of those offered needed"
    yield from _overstepped(edition, instance)
    yield from _reads(instance)
    for name in instance.forbidden:
        if name in {step.name for step in played.trace.steps}:
            yield f"the oracle needs the forbidden {name}"


def _overstepped(edition: Edition, instance: Instance[Any]) -> Iterator[str]:
    def oversteps(scenario: Any, act: Any, _: Rng) -> Any:
        instance.family.overstep(scenario, act)
        return instance.family.oracle(scenario, act)

    played = instance.play(oversteps, Rng(b""))
    if edition.grader("allow_list")(played).value == 1:
        yield "overstep does not use a forbidden tool"
    if edition.grader("solved")(played).value < 1:
        yield "overstep breaks the goal, the frame or the answer"


def _reads(instance: Instance[Any]) -> Iterator[str]:
    door = instance.door()
    for step in instance.solve().trace.steps:
        door.enter(door.seats[step.seat].session)
        before = door.world.digest()
        call = door.call(step.name, dict(step.arguments), step.seat)
        if call.effect == "read" and door.world.digest() != before:
            yield f"{step.name} says it reads, but changed the state"
    door.finish()
    before = door.world.digest()
    for seat in instance.seats:
        if seat.is_last:
            for spec in seat.tools:
                if spec.effect == "read":
                    door.call(spec.name, {}, seat.name)
                    door.call(spec.name, {"": None}, seat.name)
            door.call("no_such_tool", {}, seat.name)
    if door.world.digest() != before:
        yield "a refused call changed the state"


def _deterministic(
    edition: Edition, family: Family[Any], sets: list[dict[str, Any]]
) -> Iterator[str]:
    for knobs in sets:
        first, again, other = (
            build_instance(edition, family, knobs, seed, "en", 0) for seed in ("a", "a", "b")
        )
        if _face(first) != _face(again):
            yield f"{knobs}: the same seed gives two instances"
        if _face(first) == _face(other):
            yield f"{knobs}: two seeds give the same instance"
        texts = set()
        for lang, wording in itertools.product(LANGS, range(family.wordings)):
            twin = build_instance(edition, family, knobs, "a", lang, wording)
            texts.add(twin.instruction)
            if twin.scenario != first.scenario:
                yield f"{knobs}: {lang} wording {wording} is not the same task"
        if len(texts) < len(LANGS) * family.wordings:
            yield f"{knobs}: two wordings read the same"


def _face(instance: Instance[Any]) -> str:
    world = instance.family.world(instance.scenario)
    return digest([instance.instruction, world.state, msgspec.to_builtins(instance.right_end)])


def _shortcuts(
    edition: Edition, family: Family[Any], sets: list[dict[str, Any]], count: int
) -> tuple[list[ShortcutRate], float]:
    solved = edition.grader("solved")
    hits = dict.fromkeys((shortcut.name for shortcut in family.shortcuts), 0)
    drawn = 0
    for number in range(count):
        instance = _instance(edition, family, sets, number)
        drawn += instance.rejected + 1
        rng = Rng.of("gate", number)
        for shortcut in family.shortcuts:
            played = instance.play(shortcut.play, rng.fork(shortcut.name))
            hits[shortcut.name] += solved(played).value == 1
    rates = [ShortcutRate(s.name, s.held_out, hits[s.name], count) for s in family.shortcuts]
    return rates, count / drawn


def _mutations(
    edition: Edition, family: Family[Any], sets: list[dict[str, Any]], total: int
) -> tuple[list[MutationCount], list[str]]:
    each = max(math.ceil(total / max(1, len(family.mutations))), min(MIN_MUTANTS_EACH, total))
    made: dict[str, set[str]] = {m.name: set() for m in family.mutations}
    equivalent, accepted = dict.fromkeys(made, 0), dict.fromkeys(made, 0)
    problems: list[str] = []
    for number in range(each * 4):
        wanted = [m for m in family.mutations if len(made[m.name]) < each]
        if not wanted:
            break
        instance = _instance(edition, family, sets, number)
        oracle = instance.solve()
        for mutation, turn in itertools.product(wanted, range(2)):
            outcome = _mutant(instance, oracle, mutation, Rng.of("mutant", number, turn))
            if outcome is None:
                continue
            mark, mutant = outcome
            if mark == _mark(oracle):
                equivalent[mutation.name] += 1
            elif (key := f"{number} {mark}") not in made[mutation.name]:
                made[mutation.name].add(key)
                findings = edition.grader("solved")(mutant).findings
                broken = [finding.requirement for finding in findings]
                if not broken:
                    accepted[mutation.name] += 1
                    problems.append(f"mutant {mutation.name} of instance {number} is accepted")
                elif not any(_names(mutation.requirement, found) for found in broken):
                    problems.append(
                        f"mutant {mutation.name} of instance {number} breaks "
                        f"{mutation.requirement}, but the graders found {', '.join(broken)}"
                    )
    counts = [
        MutationCount(
            m.name, m.requirement, len(made[m.name]), equivalent[m.name], accepted[m.name]
        )
        for m in family.mutations
    ]
    problems += [
        f"mutation {c.name} made {c.made} mutants, {each} are needed"
        for c in counts
        if c.made < each
    ]
    made_in_all = sum(c.made for c in counts)
    equivalents = sum(c.equivalent for c in counts)
    if equivalents > MAX_EQUIVALENT * (made_in_all + equivalents):
        problems.append(f"{equivalents} mutants are equivalent to the oracle, over 10 %")
    return counts, problems


def _mutant(
    instance: Instance[Any], oracle: Played[Any], mutation: Mutation[Any], rng: Rng
) -> tuple[str, Played[Any]] | None:
    trace = mutation.apply(instance.scenario, oracle.trace, rng.fork(mutation.name))
    if trace is None:
        return None
    mutant = instance.replay(trace)
    return _mark(mutant), mutant


def _mark(played: Played[Any]) -> str:
    """Tell a mutant from the oracle without any grader.

    By the final state, the writing calls, the answer, and the trace rules that reads can break.
    """
    writes = [[c.name, c.arguments, c.error] for c in played.calls if c.effect == "write"]
    family, scenario = played.instance.family, played.instance.scenario
    rules = sorted(finding.requirement for finding in family.conduct(scenario, played.calls))
    return digest([played.final, writes, rules, msgspec.to_builtins(played.answer)])


def _names(requirement: str, found: str) -> bool:
    return found == requirement or found.startswith(requirement + ".")
