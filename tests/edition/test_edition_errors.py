"""A malformed edition is refused with the file, the line or key, and the mend."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance import cli, edition
from conformance.decision.spec import Claim
from conformance.edition.course import plan_course
from conformance.edition.lint import all_problems
from conformance.edition.template import TEMPLATE, start_edition
from conformance.errors import EditionError

MANIFEST = "tasks/edition.yaml"
FAMILY = "tasks/example/__init__.py"
DRAW = "      - {family: example, knobs: {ending: [open, frozen]}}\n"
CLAUSE = Path(TEMPLATE, MANIFEST).read_text("utf-8").partition("clauses:\n")[2].partition("\n\n")[0]
LEVELS = "    - {id: L1, title: {zh: 响应级, en: responsive}}\n"
SECOND = "    - {id: L2, title: {zh: 工具级, en: tool-using}}\n"


@pytest.fixture
def root(tmp_path):
    start_edition(tmp_path / "ed")
    return tmp_path / "ed"


def edit(root, old, new, file=MANIFEST):
    """Put ``new`` in place of the first ``old``; return the line it begins at."""
    path = root / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def line_of(root, text, file=MANIFEST):
    content = (root / file).read_text("utf-8")
    return content[: content.index(text)].count("\n") + 1


def refused(capsys, root):
    """Check the edition by the command; return what it says of it, a line each, without root."""
    assert cli.run(["edition", "check", str(root)]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    lead = f"conformance: {root}/"
    assert all(line.startswith(lead) for line in captured.err.splitlines())
    return [line.removeprefix(lead) for line in captured.err.splitlines()]


def not_loaded(root):
    """Load the edition as ``certify`` does; return the error without root."""
    with pytest.raises(EditionError) as caught:
        edition.load(root)
    return str(caught.value).removeprefix(f"{root}/")


def test_the_edition_that_the_others_break_is_whole(root):
    assert list(all_problems(edition.load(root))) == []


def test_a_missing_key(root, capsys):
    line = edit(root, "p0: 0.90, ", "")
    says = f"{MANIFEST}:{line}: clauses[L1-TOL-1].rule: 'p0' is a required property — add p0"
    assert refused(capsys, root) == [says]
    assert not_loaded(root) == says


def test_a_missing_key_at_the_top(root, capsys):
    edit(root, "normative: false\n", "")
    (says,) = refused(capsys, root)
    assert says.endswith("(top): 'normative' is a required property — add normative")


def test_an_unknown_key_names_those_that_are_known(root, capsys):
    edit(root, "    source: proposal\n", "    source: proposal\n    colour: red\n")
    (says,) = refused(capsys, root)
    line = line_of(root, "  - id: L1-TOL-1")
    assert says.startswith(f"{MANIFEST}:{line}: clauses[L1-TOL-1]: ")
    assert "('colour' was unexpected) — keys known here: axis, dimension, draws, ics, id," in says


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("alpha: 0.05", "alpha: low", 'plans.certify.alpha: "low" does not fit — write number'),
        (
            "alpha: 0.05",
            "alpha: 1.5",
            ("plans.certify.alpha: 1.5: is greater than or equal to the maximum of 1"
            " — write a number between 0 and 1"),
        ),
        ("normative: false", "normative: no way", 'normative: "no way" does not fit'),
        ("id: example-edition", "id: 2026", "id: 2026 does not fit — write string"),
        ("axis: agency", "axis: ability", 'axis: "ability" does not fit — use one of agency,'),
        ("id: L1-TOL-1", "id: tools", "an id like L1-TOL-1"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_or_form(root, capsys, old, new, says):
    line = edit(root, old, new)
    (found,) = refused(capsys, root)
    assert found.startswith(f"{MANIFEST}:{line}: ")
    assert says in found


def test_an_unknown_family_is_an_error_of_loading_that_names_it(root, capsys):
    line = edit(root, "family: example", "family: nothing")
    says = (
        f"{MANIFEST}:{line}: clauses[L1-TOL-1].draws[0].family: the folder has no family nothing"
        " — add tasks/nothing, or mark the clause pending"
    )
    assert refused(capsys, root) == [says]
    assert not_loaded(root) == says


def test_a_family_named_twice_in_one_clause(root, capsys):
    line = edit(root, DRAW, DRAW + DRAW) + 1
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line}: clauses[L1-TOL-1].draws[1]: example is named twice"
            " — name it once; a list of knob values is a choice"
        )
    ]


def test_an_unknown_knob(root, capsys):
    line = edit(root, "ending: [open, frozen]", "colour: red")
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line}: clauses[L1-TOL-1].draws[0].knobs.colour:"
            " example has no knob colour — knobs: ending, items"
        )
    ]


@pytest.mark.parametrize("value", ["boiled", "[open, boiled]", "[]", "{open: 1}"])
def test_an_unknown_value_of_a_knob(root, capsys, value):
    line = edit(root, "[open, frozen]", value)
    (says,) = refused(capsys, root)
    assert says.startswith(f"{MANIFEST}:{line}: clauses[L1-TOL-1].draws[0].knobs.ending: ")
    assert says.endswith(" is no value of example's knob ending — values: open, frozen")


def test_an_unknown_grader(root, capsys):
    line = edit(root, "grader: solved", "grader: solvent")
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line}: clauses[L1-TOL-1].observation.grader: there is no grader solvent"
            " — add graders/solvent.py"
        )
    ]


@pytest.mark.parametrize(
    ("observation", "says"),
    [
        ("grader: solved, options: {kappa: 2}", "got an unexpected keyword argument 'kappa'"),
        ("grader: efficiency", "missing a required argument: 'kappa'"),
    ],
)
def test_options_that_the_grader_does_not_take(root, capsys, observation, says):
    line = edit(root, "grader: solved", observation)
    (found,) = refused(capsys, root)
    assert found.startswith(f"{MANIFEST}:{line}: clauses[L1-TOL-1].observation.options: ")
    assert f"does not take these options: {says} — see grade in graders/" in found


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("- id: T1-CTL-1", "- id: L1-TOL-1", "clauses[L1-TOL-1].id: L1-TOL-1"),
        ("{id: CTL,", "{id: TOL,", "dimensions[TOL].id: TOL"),
        ("{id: B, kappa", "{id: A, kappa", "efficiency.classes[A].id: A"),
        ("{id: T1,", "{id: L1,", "trust.steps[L1].id: L1"),
        ("{id: B, kappa", "{id: T1, kappa", "efficiency.classes[T1].id: T1"),
    ],
)
def test_an_id_that_stands_twice(root, capsys, old, new, key):
    line = edit(root, old, new)
    found = refused(capsys, root)
    assert f"{MANIFEST}:{line}: {key} stands twice — rename one of them" in found


def test_a_clause_of_a_step_that_is_not_on_its_axis(root, capsys):
    line = edit(root, "step: L1\n", "step: L2\n")
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line_of(root, '- {id: L1')}: agency.steps[L1]: L1 has no mandatory clause"
            " — add one, or take the step out"
        ),
        (
            f"{MANIFEST}:{line}: clauses[L1-TOL-1].step: L2 is no step of the agency axis"
            " — use one of L1"
        ),
    ]


def test_a_clause_on_the_wrong_axis_does_not_count_for_its_step(root, capsys):
    line = edit(root, "axis: agency", "axis: trust")
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line_of(root, '- {id: L1')}: agency.steps[L1]: L1 has no mandatory clause"
            " — add one, or take the step out"
        ),
        (
            f"{MANIFEST}:{line + 1}: clauses[L1-TOL-1].step: L1 is no step of the trust axis"
            " — use one of T1"
        ),
    ]


def test_an_unknown_dimension(root, capsys):
    line = edit(root, "dimension: TOL", "dimension: PLN")
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line}: clauses[L1-TOL-1].dimension: there is no dimension PLN"
            " — add it under dimensions, or use one that is there"
        )
    ]


def with_a_second_level(root, knobs):
    edit(root, LEVELS, LEVELS + SECOND)
    second = CLAUSE.replace("L1", "L2").replace("ending: [open, frozen]", knobs)
    edit(root, CLAUSE, f"{CLAUSE}\n{second}")


def test_two_levels_whose_clauses_share_a_knob_set(root, capsys):
    with_a_second_level(root, "ending: frozen, items: [4, 8]")
    line = line_of(root, "ending: frozen")
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line}: clauses[L2-TOL-1].draws[0].knobs: "
            'shares example {"ending":"frozen","items":4} with L1-TOL-1 of L1'
            " — give the clauses of different steps different knobs"
        )
    ]


def test_two_levels_of_disjoint_knob_sets_are_in_order(root):
    with_a_second_level(root, "ending: [open, frozen], items: 8")
    assert list(all_problems(edition.load(root))) == []


def test_a_level_without_a_clause_that_must_pass(root, capsys):
    edit(root, "    source: proposal\n", "    source: proposal\n    optional: true\n")
    line = line_of(root, "- {id: L1,")
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line}: agency.steps[L1]: L1 has no mandatory clause"
            " — add one, or take the step out"
        )
    ]


@pytest.mark.parametrize("new", [DRAW + "    pending: later\n", DRAW + "    rider: true\n"])
def test_a_clause_that_draws_and_waits_or_rides(root, capsys, new):
    edit(root, DRAW, new)
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line_of(root, '  - id: L1-TOL-1')}: clauses[L1-TOL-1]:"
            " a clause has draws, or is a rider, sealed or pending: exactly one of them — keep one"
        )
    ]


def test_a_clause_with_nothing_to_look_at(root, capsys):
    edit(root, "    rider: true\n", "")
    (says,) = refused(capsys, root)
    assert "clauses[T1-CTL-1]: a clause has draws, or is a rider, sealed or pending" in says


def test_a_rule_whose_numbers_are_the_wrong_way_round(root, capsys):
    line = edit(root, "p1: 0.97", "p1: 0.80")
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line}: clauses[L1-TOL-1].rule: p0 0.9 is not below p1 0.8"
            " — p0 is what a clause demands, p1 what a good agent has"
        )
    ]


def test_a_plan_that_asks_for_more_trials_than_it_allows(root, capsys):
    line = edit(root, "n_min: 30", "n_min: 301")
    assert refused(capsys, root) == [
        f"{MANIFEST}:{line}: plans.certify.n_min: n_min 301 is above n_max 300 — lower n_min"
    ]


def test_efficiency_classes_out_of_order(root, capsys):
    line = edit(root, "{id: B, kappa: null}", "{id: B, kappa: 1.2}")
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line}: efficiency.classes[B].kappa:"
            " the classes do not stand from the best to the worst"
            " — let kappa rise from class to class, null last"
        )
    ]


def test_a_clause_that_cannot_be_passed_is_refused_where_the_plan_grades(root, capsys):
    line = edit(root, "p1: 0.97}", "p1: 0.97, n_max: 10}")
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line}: clauses[L1-TOL-1].rule:"
            " cannot be passed within n_max under certify, not even by a flawless agent"
            " — raise n_max, or lower p0"
        )
    ]
    screened = plan_course(edition.load(root), "screen", Claim())
    assert screened.levels[0].clauses[0].not_run == "plan"


def test_a_clause_that_a_screening_cannot_pass_is_listed_as_not_run(root, capsys):
    edit(root, "p0: 0.90, p1: 0.97", "p0: 0.96, p1: 0.99")
    assert cli.run(["edition", "check", str(root), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    passable = {(item["plan"], item["clause"]): item["can_pass"] for item in found["clauses"]}
    assert passable == {
        ("certify", "L1-TOL-1"): True,
        ("certify", "T1-CTL-1"): True,
        ("screen", "L1-TOL-1"): False,
        ("screen", "T1-CTL-1"): False,
    }
    assert cli.run(["edition", "check", str(root), "--plan", "screen"]) == 0
    assert capsys.readouterr().out.count("not run (plan)") == 2
    course = plan_course(edition.load(root), "screen", Claim())
    assert [c.not_run for step in (*course.levels, *course.trust) for c in step.clauses] == [
        "plan",
        "plan",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "import conformance.trial",
        "from conformance.trial import run",
        "import requests",
        "from tasks import example",
        "def f():\n    from conformance.decision import rules",
    ],
)
def test_content_imports_nothing_of_the_engine_but_authoring(root, capsys, statement):
    with (root / "graders" / "solved.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\ndef unused():\n    {statement}\n" if ":" not in statement else "")
    if ":" in statement:
        edit(root, "def grade", f"{statement}\n\n\ndef grade", "graders/solved.py")
    line = line_of(root, statement.splitlines()[-1].strip(), "graders/solved.py")
    module = statement.split()[-3 if "from" in statement else -1]
    assert refused(capsys, root) == [
        (
            f"graders/solved.py:{line}: imports {module} — content imports Python, numpy, scipy,"
            " conformance.authoring and its own edition by relative import"
        )
    ]


def test_content_may_import_what_is_allowed(root):
    line = "from typing import Any\n"
    allowed = "import json\nimport numpy as np\nfrom scipy import optimize\nfrom . import answer\n"
    edit(root, line, line + allowed, "graders/solved.py")
    assert list(all_problems(edition.load(root))) == []


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ("FAMILY = Example(1)", "does not load: TypeError: Example() takes no arguments"),
        ("FAMILY = Exemplar()", "does not load: NameError: name 'Exemplar' is not defined"),
        ("FAMILY = = Example()", "does not load: SyntaxError: invalid syntax"),
        ("import no_such_module", "does not load: ModuleNotFoundError: No module named"),
    ],
)
def test_a_family_that_does_not_load_names_file_and_line(root, capsys, new, says):
    line = edit(root, "FAMILY = Example()", new, FAMILY)
    assert refused(capsys, root)[0].startswith(f"{FAMILY}:{line}: {says}")
    assert not_loaded(root).startswith(f"{FAMILY}:{line}: {says}")
    assert not_loaded(root).endswith(" — mend the code")


def test_a_module_of_a_family_that_does_not_load_names_that_module(root):
    line = edit(root, "MUTATIONS: tuple", "1 / 0\nMUTATIONS: tuple", "tasks/example/proofs.py")
    assert not_loaded(root).startswith(
        f"tasks/example/proofs.py:{line}: does not load: ZeroDivisionError"
    )


def test_a_family_folder_without_a_family(root):
    edit(root, "FAMILY = Example()", "", FAMILY)
    assert not_loaded(root) == f"{FAMILY}: no FAMILY in it — add FAMILY = YourFamily()"


def test_a_family_under_another_name(root):
    edit(root, 'id = "example"', 'id = "sample"', FAMILY)
    assert not_loaded(root) == (
        "tasks/example: the family calls itself 'sample' — name the folder so"
    )


def test_a_grader_without_grade(root, capsys):
    edit(root, "def grade", "def judge", "graders/allow_list.py")
    assert refused(capsys, root) == [
        "graders/allow_list.py: no grade in it — add def grade(played, …)"
    ]


def test_what_is_not_yaml(root, capsys):
    edit(root, "agency:\n", "agency: [\n")
    (says,) = refused(capsys, root)
    line = line_of(root, "  rule: all-clauses")
    assert says.startswith(f"{MANIFEST}:{line}: is not YAML: expected ',' or ']'")
    assert says.endswith(" — mend the syntax at that line")


def test_a_tab_is_found_in_its_line(root, capsys):
    line = edit(root, "  rule: all-clauses\n", "\trule: all-clauses\n")
    (says,) = refused(capsys, root)
    assert says.startswith(f"{MANIFEST}:{line}: is not YAML: ")


def test_a_character_that_yaml_does_not_allow(root, capsys):
    line = edit(root, "example-edition", "example\0edition")
    assert refused(capsys, root) == [
        (
            f"{MANIFEST}:{line}: is not YAML: special characters are not allowed"
            " — mend the syntax at that line"
        )
    ]


def test_what_is_not_utf_8(root, capsys):
    (root / MANIFEST).write_bytes("title: 示例".encode("gb18030"))
    assert refused(capsys, root) == [f"{MANIFEST}: is not UTF-8 — save it as UTF-8"]


@pytest.mark.parametrize(("content", "shown"), [("", "null"), ("- a\n", '["a"]'), ("x\n", '"x"')])
def test_what_is_no_object(root, capsys, content, shown):
    (root / MANIFEST).write_text(content)
    assert refused(capsys, root) == [f"{MANIFEST}:1: (top): {shown} does not fit — write object"]


def test_a_key_that_stands_twice_is_not_silently_the_last(root, capsys):
    line = edit(root, "    step: L1\n", "    step: L1\n    step: L2\n")
    assert refused(capsys, root) == [
        f"{MANIFEST}:{line + 1}: step stands twice, first in line {line} — keep one"
    ]


@pytest.mark.parametrize("number", [".nan", ".inf", "-.INF", "1.0e+999", "!!float x", "!!int x"])
def test_what_is_no_number(root, capsys, number):
    line = edit(root, "p0: 0.98", f"p0: {number}")
    shown = number.split()[-1]
    assert refused(capsys, root) == [f"{MANIFEST}:{line}: {shown} is no number — write one"]


def test_an_anchor_and_a_merge_key_are_read_as_what_they_stand_for(root):
    edit(root, "rule: {name: betting, p0: 0.90", "rule: &level {name: betting, p0: 0.90")
    edit(root, "{name: clean-run, p0: 0.98, p1: 0.999}", "{<<: *level, name: clean-run}")
    rule = edition.load(root).clause("T1-CTL-1").rule
    assert (rule.name, rule.p0, rule.p1) == ("clean-run", 0.90, 0.97)


def test_an_alias_to_what_it_stands_in(root, capsys):
    line = edit(root, "id: example-edition", "id: &self [*self]")
    assert refused(capsys, root) == [
        f"{MANIFEST}:{line}: an alias stands inside what it names — write it out"
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("id: example-edition", "id: 2026-01-01", "a timestamp stands where JSON has none"),
        ("ending: [open", "ending: !!set {open", "a set stands where JSON has none"),
        ("ending: [open", "7: [open", "the key 7 is no text"),
        ("ending: [open", "no: [open", "the key no is no text"),
        ("ending: [open", "[a, b]: [open", "the key here is no text"),
        ("ending: [open", "ending: !knob [open", "a !knob stands where JSON has none"),
    ],
)
def test_what_yaml_knows_and_json_does_not(root, capsys, old, new, says):
    line = edit(root, old, new)
    if "{" in new:
        edit(root, "frozen]", "frozen}")
    (found,) = refused(capsys, root)
    assert found.startswith(f"{MANIFEST}:{line}: {says} — ")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("n_max: 300", "n_max: 10001", "plans.certify.n_max"),
        ("p1: 0.97}", "p1: 0.97, n_max: 10001}", "clauses[L1-TOL-1].rule.n_max"),
        ("p0: 0.98, p1: 0.999", "p0: 0.9999, p1: 0.99999", "clauses[T1-CTL-1].rule.p0"),
    ],
)
def test_more_trials_than_a_campaign_can_run(root, capsys, old, new, key):
    line = edit(root, old, new)
    (found,) = refused(capsys, root)
    assert found.startswith(f"{MANIFEST}:{line}: {key}: needs more than 10000 trials — lower ")


def test_thirty_is_an_integer_however_it_is_written(root):
    edit(root, "n_min: 30", "n_min: 30.0")
    assert edition.load(root).plan("certify").n_min == 30


def test_a_document_nested_beyond_all_reason(root, capsys):
    (root / MANIFEST).write_text("[" * 5000)
    (says,) = refused(capsys, root)
    assert says.startswith(f"{MANIFEST}: is nested too deeply")


def test_a_folder_that_is_not_there(tmp_path, capsys):
    assert cli.run(["edition", "check", str(tmp_path / "none")]) == 4
    assert capsys.readouterr().err == (
        f"conformance: {tmp_path}/none: there is no such folder — name an edition's folder\n"
    )


def test_a_folder_that_holds_no_edition(tmp_path, capsys):
    assert refused(capsys, tmp_path) == [f"{MANIFEST}: cannot be read — No such file or directory"]


def test_every_problem_is_listed_at_once(root, capsys):
    edit(root, "dimension: TOL", "dimension: PLN")
    edit(root, "grader: solved", "grader: solvent")
    edit(root, "family: example", "family: nothing")
    edit(root, "p1: 0.999", "p1: 0.9")
    assert len(refused(capsys, root)) == 4


def test_json_holds_the_problems_and_the_code(root, capsys):
    edit(root, "grader: solved", "grader: solvent")
    assert cli.run(["edition", "check", str(root), "--json"]) == 4
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == 4
    assert len(found["problems"]) == 1
    assert found["clauses"] == []


def paths_of(value, key=()):
    """Yield the key of every node, the whole one excepted."""
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*key, name)
            yield from paths_of(item, (*key, name))


WHOLE = yaml.safe_load(Path(TEMPLATE, MANIFEST).read_text("utf-8"))
GONE = object()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(list(paths_of(WHOLE))),
    st.sampled_from([GONE, None, True, -1, 1e9, "", "L1", "example", [], {}, ["L1"], {"id": 1}]),
)
def test_whatever_is_broken_the_answer_is_an_edition_error(root, key, value):
    document = json.loads(json.dumps(WHOLE))
    place = document
    for part in key[:-1]:
        place = place[part]
    if value is GONE:
        del place[key[-1]]
    else:
        place[key[-1]] = value
    (root / MANIFEST).write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    try:
        found = list(all_problems(edition.read(root)))
    except EditionError as error:
        found = [error]
    assert all(error.what and error.where and error.mend for error in found)
