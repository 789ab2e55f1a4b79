"""``edition.yaml`` as data: read with line numbers, checked against its schema."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from conformance.authoring import Text, normalise
from conformance.decision.spec import LevelRule, RuleName
from conformance.errors import EditionError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


Axis = Literal["agency", "trust"]


class Words(msgspec.Struct, frozen=True):
    """A text in both languages."""

    zh: str
    en: str

    def text(self) -> Text:
        """Return it as the engine's text value."""
        return Text(self.zh, self.en)


class Step(msgspec.Struct, frozen=True):
    """A level or a trust grade."""

    id: str
    title: Words


class Axes(msgspec.Struct, frozen=True):
    """One graded axis: its steps from the lowest to the highest."""

    title: Words
    rule: LevelRule
    none: Step
    """What is shown where no step is held: L0, –."""
    steps: list[Step]


class EfficiencyClass(msgspec.Struct, frozen=True):
    """A class: at most ``kappa`` times the oracle's tool calls; None is 'above'."""

    id: str
    kappa: float | None


class RuleDoc(msgspec.Struct, frozen=True):
    """A rule as an edition writes it; what is absent comes from the plan."""

    name: RuleName
    p0: float
    p1: float
    n_max: int | None = None


class Efficiency(msgspec.Struct, frozen=True):
    """The efficiency classes from the best to the worst, and their rule."""

    title: Words
    none: str
    classes: list[EfficiencyClass]
    rule: RuleDoc


class PlanDoc(msgspec.Struct, frozen=True):
    """How much certainty a campaign buys."""

    title: Words
    statement: Words
    alpha: float
    beta: float
    n_min: int
    n_max: int
    rule: RuleName | None = None
    """Put in place of ``betting``, or None."""
    grades: bool = True
    """False: what comes out is a screening, not a grade."""
    clean_run: bool = True
    """False: clean-run clauses are not run."""


class DrawDoc(msgspec.Struct, frozen=True):
    """One family a clause draws from."""

    family: str
    weight: float = 1.0
    knobs: dict[str, Any] = {}


class Observation(msgspec.Struct, frozen=True):
    """The grader that makes a clause's observation, and its options."""

    grader: str
    options: dict[str, Any] = {}


class ClauseDoc(msgspec.Struct, frozen=True):
    """One clause of the edition."""

    id: str
    axis: Axis
    step: str
    dimension: str
    text: Words
    observation: Observation
    rule: RuleDoc
    source: str
    draws: list[DrawDoc] = []
    rider: bool = False
    sealed: bool = False
    pending: str | None = None
    """The families it waits for, or None."""
    repeats: int = 1
    """Trials of one instance that an observation takes: the least of them is observed."""
    optional: bool = False
    ics: str | None = None
    weight: float = 1.0


class Dimension(msgspec.Struct, frozen=True):
    """A side of ability that clauses are sorted by."""

    id: str
    title: Words


class EvaluationItem(msgspec.Struct, frozen=True):
    """One item of the technical evaluation, the part no machine sees."""

    id: str
    text: Words
    evidence: Words


class Document(msgspec.Struct, frozen=True):
    """The whole of ``edition.yaml``."""

    id: str
    normative: bool
    title: Words
    notice: Words
    """Printed on every report."""
    agency: Axes
    trust: Axes
    efficiency: Efficiency
    dimensions: list[Dimension]
    plans: dict[str, PlanDoc]
    clauses: list[ClauseDoc]
    evaluation: list[EvaluationItem] = []


_DEEPEST = 50
_YAML = "tag:yaml.org,2002:"
_FLOAT = f"{_YAML}float"
_NUMBER_TAGS = {_FLOAT, f"{_YAML}int"}
_JSON_TAGS = {*_NUMBER_TAGS, *(f"{_YAML}{kind}" for kind in ("map", "seq", "str", "bool", "null"))}
_KEY_TAGS = {f"{_YAML}str", f"{_YAML}merge"}


class Located:
    """A YAML document together with the line of each of its nodes.

    Raises:
        EditionError: the file is missing, is not UTF-8, or is not YAML.
    """

    def __init__(self, path: Path) -> None:
        import yaml

        self.path = path
        self._lines: dict[tuple[Any, ...], int] = {}
        try:
            text = path.read_text(encoding="utf-8")
            loader: Any = _loader(text)
            node = loader.get_single_node()
            if node is not None:
                self._locate(node, (), ())
            self.value: Any = None if node is None else loader.construct_document(node)
        except OSError as error:
            raise EditionError(
                "cannot be read", where=str(path), mend=str(error.strerror)
            ) from error
        except UnicodeDecodeError as error:
            raise EditionError("is not UTF-8", where=str(path), mend="save it as UTF-8") from error
        except yaml.YAMLError as error:
            problem, line = _yaml_problem(error, text)
            raise self._refused(
                line, f"is not YAML: {problem}", "mend the syntax at that line"
            ) from error
        except RecursionError as error:
            raise EditionError(
                "is nested too deeply", where=str(path), mend="an edition is six levels deep"
            ) from error

    def line(self, key: Iterable[Any]) -> int:
        """Return the line of a node, or of the nearest one above it."""
        place = tuple(key)
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def where(self, key: Iterable[Any]) -> str:
        """Return ``file:line: key`` for an error."""
        place = list(key)
        dotted = ".".join(self._named(place)) or "(top)"
        return f"{self.path}:{self.line(place)}: {dotted}"

    def _named(self, place: list[Any]) -> list[str]:
        """Write a list item that has an id by its id: ``clauses[L1-UND-1]``."""
        names: list[str] = []
        value = self.value
        for part in place:
            value = value[part] if _has(value, part) else None
            if isinstance(part, int) and names:
                label = value.get("id", part) if isinstance(value, dict) else part
                names[-1] += f"[{label}]"
            else:
                names.append(str(part))
        return names

    def _locate(self, node: Any, key: tuple[Any, ...], above: tuple[Any, ...]) -> None:
        """Note the line of each node; refuse what YAML allows and JSON does not."""
        import yaml

        line = node.start_mark.line + 1
        self._lines.setdefault(key, line)
        if any(node is other for other in above):
            raise self._refused(line, "an alias stands inside what it names", "write it out")
        if node.tag not in _JSON_TAGS:
            kind = node.tag.rsplit(":", 1)[-1]
            raise self._refused(line, f"a {kind} stands where JSON has none", "put it in quotes")
        if isinstance(node, yaml.MappingNode):
            for name, child in node.value:
                here = name.start_mark.line + 1
                if name.tag not in _KEY_TAGS:
                    shown = name.value if isinstance(name, yaml.ScalarNode) else "here"
                    raise self._refused(here, f"the key {shown} is no text", "quote it")
                below = (*key, name.value)
                if below in self._lines:
                    what = f"{name.value} stands twice, first in line {self._lines[below]}"
                    raise self._refused(here, what, "keep one")
                self._lines[below] = here
                self._locate(child, below, (*above, node))
        elif isinstance(node, yaml.SequenceNode):
            for index, child in enumerate(node.value):
                self._locate(child, (*key, index), (*above, node))
        elif node.tag in _NUMBER_TAGS and not _is_number(node):
            raise self._refused(line, f"{node.value} is no number", "write one")

    def _refused(self, line: int, what: str, mend: str) -> EditionError:
        return EditionError(what, where=f"{self.path}:{line}", mend=mend)


def _loader(text: str) -> Any:
    """Return a loader of a text: libyaml's, a tenth of the time, where it can be trusted with it.

    That one overflows the stack on deep nesting, and says less of what is wrong.
    """
    import yaml

    fast: Any = getattr(yaml, "CSafeLoader", None)
    if fast is not None:
        depth = 0
        try:
            for event in yaml.parse(text, Loader=fast):  # reads no deeper than it is told
                if isinstance(event, yaml.CollectionStartEvent):
                    depth += 1
                    if depth > _DEEPEST:
                        break
                elif isinstance(event, yaml.CollectionEndEvent):
                    depth -= 1
            else:
                return fast(text)
        except yaml.YAMLError:
            pass
    return yaml.SafeLoader(text)


def _yaml_problem(error: Any, text: str) -> tuple[str, int]:
    """Return what is wrong, in one line, and the line it is at."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return str(error.problem), mark.line + 1
    # A character that YAML does not allow: the error has its position in the text alone.
    return str(error.reason), text.count("\n", 0, error.position) + 1


def _is_number(node: Any) -> bool:
    from yaml.constructor import SafeConstructor

    maker = SafeConstructor()
    make = maker.construct_yaml_float if node.tag == _FLOAT else maker.construct_yaml_int
    try:
        return math.isfinite(make(node))
    except ValueError:
        return False


def _has(value: Any, part: Any) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def read_document(path: Path) -> tuple[Document, Located]:
    """Read ``edition.yaml`` and check it against ``edition.schema.json``.

    Raises:
        EditionError: with the file, the line, the key and the mend.
    """
    from conformance.schemas import first_error

    located = Located(path)
    error = first_error("edition", located.value)
    if error is not None:
        raise EditionError(error.message, where=located.where(error.path), mend=error.mend)
    # JSON Schema takes 30.0 for an integer; normalised, so does everything else.
    return msgspec.convert(normalise(located.value), Document), located
