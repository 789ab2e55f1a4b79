"""The instruction: a request put together from statements, in a frame that states the rules.

Both languages render the same scenario with the same shapes (a numeral in words is in words in
both). The frames tell every end the family has, in every instance alike.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from . import chinese, english

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.authoring import Lang

    from .scenario import Scenario
    from .tongue import Manner, Tongue

TONGUES: Mapping[Lang, Tongue] = {"zh": chinese.TONGUE, "en": english.TONGUE}
WORDINGS = 3


def write(scenario: Scenario, lang: Lang, wording: int) -> str:
    """Return the instruction, without the answer contract."""
    tongue = TONGUES[lang]
    text = tongue.frames[wording].format(
        today=tongue.today(date.fromisoformat(scenario.today)),
        request=_request(scenario, tongue, tongue.manners[wording]),
    )
    return tongue.set_type(text)


def _request(scenario: Scenario, tongue: Tongue, manner: Manner) -> str:
    labels = tongue.labels
    parts = [
        manner.sentences[said.field].format(tongue.phrase(said, scenario)) for said in scenario.said
    ]
    if scenario.hint:
        parts.insert(len(parts) // 3, manner.hint.format(labels[scenario.about[0]]))
    if scenario.remark is not None:
        remark = manner.remarks[scenario.remark.about]
        parts.insert(len(parts) * 2 // 3, remark.format(**scenario.remark._asdict()))
    if scenario.base is not None:
        changes = tongue.comma.join(labels[name] for name in scenario.changes)
        parts.insert(0, manner.base.format(job=scenario.base, changes=changes))
        parts.append(manner.kept.format(labels[scenario.kept or ""], job=scenario.base))
    if scenario.slip is not None:
        phrase = tongue.phrase(scenario.slip, scenario)
        parts.append(manner.slip.format(labels[scenario.slip.field], phrase))
    if scenario.style == "plain":
        return "\n".join(f"- {part}" for part in parts)
    return tongue.space.join(parts)
