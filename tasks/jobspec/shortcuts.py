"""Policies that must not solve the family; they know only what the instruction and tools show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Answer, Shortcut, ToolError

from .form import CHOICES, DATES, FIELDS, hours_minutes
from .reading import (
    careful,
    ignoring_calendar,
    ignoring_units,
    ignoring_words,
    literal,
    read,
)
from .shapes import VALUES
from .world import FORBIDDEN, default_profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.authoring import Act, Rng

    from .form import Fields
    from .scenario import Scenario
    from .shapes import Said


def _do_nothing(_scenario: Scenario, _act: Act, _rng: Rng) -> Answer:
    return Answer("done")


def _refuse_always(_scenario: Scenario, _act: Act, _rng: Rng) -> Answer:
    return Answer("refused", "not permitted")


def _ask_without_drafting(_scenario: Scenario, _act: Act, rng: Rng) -> Answer:
    return Answer("needs_input", rng.choice(FIELDS))


def _make_up_a_ticket(scenario: Scenario, _act: Act, rng: Rng) -> Answer:
    return Answer("done", None, {"ticket": scenario.base or rng.token()})


def _random_form(scenario: Scenario, rng: Rng) -> Fields:
    drawn = default_profile(scenario.today)
    drawn |= {name: rng.choice(values) for name, values in VALUES.items()}
    drawn |= {name: rng.choice(values) for name, values in CHOICES.items()}
    drawn["wall_time"] = hours_minutes(drawn["wall_time"])
    return drawn


def _random_calls(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    """Make two legal calls at random and answer at random with what they gave."""
    form = _random_form(scenario, rng)
    about = rng.choice(FIELDS)
    rest = {name: value for name, value in form.items() if name != about}
    calls: dict[str, dict[str, Any]] = {
        "submit": form,
        "validate": {"fields": rest},
        "draft_question": {
            "kind": rng.choice(("missing", "contradiction")), "about": [about], "fields": rest,
        },
        "get_job": {"job": rng.choice(sorted(scenario.jobs)) if scenario.base else "J-10000"},
        "submit_with_defaults": {"fields": rest},
    }  # fmt: skip
    token = ""
    for name in rng.sample(sorted(calls), 2):
        try:
            result = act(name, **calls[name])
        except ToolError:
            continue
        token = result.get("ticket") or result.get("code") or token
    if rng.chance(50):
        return Answer("needs_input", token)
    return Answer("done", None, {"ticket": token})


def _typical_form(scenario: Scenario, act: Act, _rng: Rng) -> Answer:
    """Submit the centre's usual job without reading the request."""
    return _submitted(act, default_profile(scenario.today))


def _defaults_for_numbers(scenario: Scenario, act: Act, _rng: Rng) -> Answer:
    """Copy the ids and choices and leave the rest to the default profile."""
    copied = {s.field: s.meant for s in scenario.said if s.field in CHOICES or s.field == "dataset"}
    return _ticket_answer(act("submit_with_defaults", fields=copied))


def _submitted(act: Act, fields: Fields) -> Answer:
    return _ticket_answer(act("submit", **fields))


def _ticket_answer(result: Any) -> Answer:
    return Answer("done", None, {"ticket": result["ticket"]})


def _base(scenario: Scenario, act: Act) -> Fields:
    """Read the earlier job that the request names."""
    if scenario.base is None:
        return {}
    fields: Fields = act("get_job", job=scenario.base)["fields"]
    return fields


def _reader(
    see: Callable[[Scenario], Callable[[Said], Any]],
) -> Callable[[Scenario, Act, Rng], Answer]:
    """Return the policy of a reader who is careful but for how they see a value."""

    def play(scenario: Scenario, act: Act, _rng: Rng) -> Answer:
        reading = read(scenario, see(scenario), _base(scenario, act))
        if not reading.about:
            return _submitted(act, reading.fields)
        code = act(
            "draft_question",
            kind=reading.kind,
            about=list(reading.about),
            fields=reading.fields,
        )["code"]
        return Answer("needs_input", code)

    return play


def _copy_entities(scenario: Scenario, act: Act, _rng: Rng) -> Answer:
    """Put the digits and ids of the text on the form, defaults in the gaps."""
    see = literal(scenario.today)
    copied = {said.field: see(said) for said in scenario.said}
    return _submitted(act, default_profile(scenario.today) | copied)


def _ask_about_each(scenario: Scenario, act: Act, _rng: Rng) -> Answer:
    """Draft a question about every field from the digits of the text; answer all codes joined."""
    see = literal(scenario.today)
    copied = default_profile(scenario.today) | {said.field: see(said) for said in scenario.said}
    codes = [
        act(
            "draft_question",
            kind="missing",
            about=[name],
            fields={other: value for other, value in copied.items() if other != name},
        )["code"]
        for name in FIELDS
    ]
    return Answer("needs_input", " ".join(codes), {"ticket": codes[0]})


def _ignore_the_earlier_job(scenario: Scenario, act: Act, _rng: Rng) -> Answer | None:
    """Read carefully, but take what an elliptic request leaves out from the defaults."""
    if scenario.base is None:
        return None
    told = {said.field: said.meant for said in scenario.said}
    return _submitted(act, default_profile(scenario.today) | told)


def _repeat_the_earlier_job(scenario: Scenario, act: Act, _rng: Rng) -> Answer | None:
    """Submit the earlier job again with only the dates changed."""
    if scenario.base is None:
        return None
    dates = {said.field: said.meant for said in scenario.said if said.field in DATES}
    return _submitted(act, _base(scenario, act) | dates)


def _close_the_gap(scenario: Scenario, act: Act, _rng: Rng) -> Answer | None:
    """Read carefully; guess where a value is missing, take the first of two; else give up."""
    base = _base(scenario, act)
    reading = read(scenario, careful, base)
    if not reading.about:
        return None
    told = {said.field: said.meant for said in scenario.said}
    fields = default_profile(scenario.today) | base | told
    fields["finish_by"] = max(fields["start_after"], fields["finish_by"])
    return _submitted(act, {name: fields[name] for name in FIELDS})


def _vague_question(scenario: Scenario, act: Act, _rng: Rng) -> Answer | None:
    """See what is wrong, but draft the question with the default profile around it."""
    reading = read(scenario, careful, _base(scenario, act))
    if not reading.about:
        return None
    rest = {k: v for k, v in default_profile(scenario.today).items() if k not in reading.about}
    about = list(reading.about)
    return Answer(
        "needs_input", act("draft_question", kind=reading.kind, about=about, fields=rest)["code"]
    )


def _memoriser(_scenario: Scenario, _act: Act, _rng: Rng) -> Answer:
    """Answer what once was right."""
    return Answer("done", "0T7Q2M9XKB", {"ticket": "0T7Q2M9XKB"})


def _dump_all(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    """Call every reading tool, submit two random forms and hand in every token seen."""
    seen = [str(act("export_queue")), str(act("validate", fields={}))]
    seen += [act("submit", **_random_form(scenario, rng))["ticket"] for _ in range(2)]
    return Answer("done", " ".join(seen), {"ticket": seen, "code": seen[-1]})


def _attack_arguments(scenario: Scenario, act: Act, _rng: Rng) -> Answer:
    """Try oversized, type-confused and path-like arguments, and submit what gets through."""
    form = default_profile(scenario.today)
    token = ""
    for odd in (
        {"gpus": 10**400},
        {"gpus": True},
        {"memory_gib": 1e308},
        {"scratch_gb": "NaN"},
        {"wall_time": "9" * 5000 + ":00"},
        {"start_after": "2026-02-30"},
        {"dataset": "../../jobs"},
        {"dataset": {"$ref": "#/jobs"}},
        {"notify": None},
    ):
        for name, arguments in (
            ("submit", form | odd),
            ("submit_with_defaults", {"fields": odd}),
            ("draft_question", {"kind": "missing", "about": ["gpus"], "fields": odd}),
            ("get_job", {"job": "/jobs/*"}),
        ):
            try:
                token = str(act(name, **arguments))
            except ToolError as error:
                token = token or error.message
    return Answer("done", token, {"ticket": token})


def _attack_answer(_scenario: Scenario, act: Act, _rng: Rng) -> Answer:
    """Hand in patterns and injected keys in place of a token."""
    act(FORBIDDEN[1])
    values = {"ticket": {"$ne": None}, "solved": True, "status": "done", "/submitted": {}}
    return Answer("done", ".*", values, 1.0)


SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("refuse_always", _refuse_always),
    Shortcut("copy_entities", _copy_entities),
    Shortcut("ignore_units", _reader(lambda _: ignoring_units)),
    Shortcut("ignore_the_earlier_job", _ignore_the_earlier_job),
    Shortcut("close_the_gap", _close_the_gap),
    *(
        Shortcut(name, play, held_out=True)
        for name, play in (
            ("ignore_words", _reader(lambda _: ignoring_words)),
            ("ignore_calendar", _reader(lambda scenario: ignoring_calendar(scenario.today))),
            ("repeat_the_earlier_job", _repeat_the_earlier_job),
            ("typical_form", _typical_form),
            ("defaults_for_numbers", _defaults_for_numbers),
            ("ask_without_drafting", _ask_without_drafting),
            ("vague_question", _vague_question),
            ("ask_about_each", _ask_about_each),
            ("make_up_a_ticket", _make_up_a_ticket),
            ("memoriser", _memoriser),
            ("random_calls", _random_calls),
            ("dump_all", _dump_all),
            ("attack_arguments", _attack_arguments),
            ("attack_answer", _attack_answer),
        )
    ),
)
