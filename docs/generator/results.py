"""The pages on exit codes, and on how trials and clauses come out: from the tables in the code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from conformance.agents.contract import EvidenceClass
from conformance.decision.spec import Verdict
from conformance.exit_codes import ExitCode
from conformance.report.texts import load_texts, say
from conformance.trial.outcome import TABLE, Outcome
from docs.generator.words import cell, table, word

if TYPE_CHECKING:
    from conformance.evidence.documents import Words
    from docs.generator.words import Lang


def exit_codes_page(lang: Lang) -> str:
    """Return the page on what the command ends with."""
    lines = [f"# {word('exit-codes.heading', lang)}", "", word("generated", lang), ""]
    lines += [word("exit-codes.lead", lang), ""]
    headings = [word(f"exit-codes.{name}", lang) for name in ("code", "name", "meaning")]
    lines += table(
        headings,
        [
            [str(int(code)), f"`{code.name}`", _in(say(f"exit_code.{code.name.lower()}"), lang)]
            for code in ExitCode
        ],
    )
    lines += ["", word("exit-codes.order", lang), "", f"## {word('exit-codes.by_verb', lang)}", ""]
    lines += table(
        [word("exit-codes.command", lang), *headings[::2]],
        [
            [f"`conformance {verb.replace('_', ' ')}`", str(int(code)), _in(told, lang)]
            for verb, code, told in _of_verbs()
        ],
    )
    lines += ["", word("exit-codes.pytest", lang)]
    return "\n".join(lines).rstrip() + "\n"


def outcomes_page(lang: Lang) -> str:
    """Return the page on outcomes and causes of trials, verdicts and reasons, evidence classes."""
    texts = load_texts()
    lines = [f"# {word('outcomes.heading', lang)}", "", word("generated", lang), ""]
    lines += [f"## {word('outcomes.trials', lang)}", "", word("outcomes.trials_lead", lang), ""]
    rows = [
        [
            f"`{outcome}`",
            _in(say(f"outcome.{outcome}"), lang),
            f"`{cause}`",
            _in(say(f"cause.{cause}"), lang),
            word(f"outcomes.{'counts' if treatment.counts else 'again'}", lang),
        ]
        for outcome in get_args(Outcome)
        for cause, treatment in TABLE.items()
        if treatment.outcome == outcome
    ]
    lines += table([word(f"outcomes.{name}", lang) for name in _TRIALS], rows)
    lines += ["", f"## {word('outcomes.verdicts', lang)}", ""]
    lines += table(
        [word(f"outcomes.{name}", lang) for name in ("verdict", "shown", "meaning")],
        [
            [f"`{name}`", _in(say(f"verdict.{name}"), lang), word(f"outcomes.of.{name}", lang)]
            for name in get_args(Verdict)
        ],
    )
    lines += ["", f"## {word('outcomes.reasons', lang)}", ""]
    lines += [word("outcomes.reasons_lead", lang), ""]
    lines += table(
        [word(f"outcomes.{name}", lang) for name in ("reason", "shown")],
        [
            [f"`{name}`", cell(re.sub(r"\{(\w+)\}", "…", _in(told, lang)))]
            for name, told in texts.under("reason").items()
            if name not in ("other", "pending_for")
        ],
    )
    lines += ["", f"## {word('outcomes.classes', lang)}", "", word("outcomes.classes_lead", lang)]
    lines += ["", *table(["", ""], [_evidence(name, lang) for name in get_args(EvidenceClass)])]
    return "\n".join(lines).rstrip() + "\n"


_TRIALS = ("outcome", "shown", "cause", "what_happened", "treatment")


def _of_verbs() -> list[tuple[str, ExitCode, Words]]:
    """Return what a code means for one verb alone: keys ``VERB_NAME`` of ``exit_code_of``."""
    found = []
    for key, told in load_texts().under("exit_code_of").items():
        verb, _, name = key.partition(".")
        found.append((verb, ExitCode[name.upper()], told))
    return found


def _evidence(name: str, lang: Lang) -> list[str]:
    told = _in(say(f"deviations.{name.replace('-', '_')}"), lang)
    return [f"`{name}`", re.sub(r"^.*?[:：] *", "", told, count=1)]


def _in(words: Words, lang: Lang) -> str:
    return str(getattr(words, lang))
