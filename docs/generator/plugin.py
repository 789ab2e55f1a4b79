"""The page on the options of ``pytest --agent``, read from the plugin's own table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.plugin.options import OPTIONS, SHORT
from docs.generator.words import cell, spoken, table, word

if TYPE_CHECKING:
    from conformance.plugin.options import Option
    from docs.generator.words import Lang

_COLUMNS = ("option", "environment", "ini", "default", "what")


def plugin_page(lang: Lang) -> str:
    """Return the page: every option, then the marker and the fixtures."""
    lines = [f"# {word('pytest.heading', lang)}", "", word("generated", lang), ""]
    lines += [word("pytest.lead", lang), ""]
    lines += table(
        [word(f"pytest.{name}", lang) for name in _COLUMNS], [_row(o, lang) for o in OPTIONS]
    )
    lines += ["", f"## {word('pytest.own_tests', lang)}", "", word("pytest.own_tests_lead", lang)]
    lines += [""]
    lines += table(
        ["", ""], [[f"`{name}`", word(f"pytest.{key}", lang)] for name, key in _OWN.items()]
    )
    return "\n".join(lines).rstrip() + "\n"


_OWN = {
    "@pytest.mark.grade(clause=…, level=…)": "marker",
    "agent": "agent",
    "trial(task, *, seed, lang, knobs, wording, grader)": "trial",
    "gateway(task, …)": "gateway",
}


def _row(option: Option, lang: Lang) -> list[str]:
    short = [f"`{name}`" for name, of in SHORT.items() if of == option.name]
    names = ", ".join([*short, f"`{option.flag}`"])
    told = spoken(option.help, lang)
    if option.choices:
        told += word("pytest.choices", lang).format(", ".join(option.choices))
    default = "" if option.default is None else f"`{_plain(option)}`"
    return [names, f"`{option.variable}`", f"`{option.ini}`", default, cell(told)]


def _plain(option: Option) -> Any:
    if option.kind == "time":
        return f"{option.default / 60:g}m"
    return option.default
