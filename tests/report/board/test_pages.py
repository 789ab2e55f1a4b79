"""What the site's pages say, before any browser: tables, drawings, texts."""

import re
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.evidence.documents import Words
from conformance.report.board.axes import log_axis, rank_axis, share_axis, short
from conformance.report.board.curves import throughput_curves
from conformance.report.board.entries import ClauseRow, Refused
from conformance.report.board.history import build_history
from conformance.report.board.labels import Box, place_labels, width_of
from conformance.report.board.pages import render_agent, render_index
from conformance.report.board.pareto import front_of, resources, spread
from conformance.report.board.rows import make_row
from conformance.report.board.tables import build_tables
from tests.report.board.made_entries import (
    HOSTILE,
    board,
    calibrator,
    entry,
    profile,
    runs,
    uses,
    whole_board,
)


def names(rows):
    return [row.name for row in rows]


def ranks(table):
    return [(row.rank, row.name) for row in table.declared]


def only_table(*entries):
    (table,) = build_tables(board(*entries).entries)
    return table


# --- tables ---------------------------------------------------------------------------------------


def test_results_are_compared_within_an_edition_and_a_plan_alone():
    tables = build_tables(
        board(
            entry("A"),
            entry("B", edition_sha256="cd" * 32),
            entry("C", plan="screen", is_grade=False),
            entry("D", at=1),
        ).entries
    )
    assert [(table.id, names(table.declared)) for table in tables] == [
        ("reference-2026/certify/abababab", ["A", "D"]),
        ("reference-2026/certify/cdcdcdcd", ["B"]),
        ("reference-2026/screen/abababab", ["C"]),
    ]


def test_a_higher_level_stands_first_then_a_higher_grade_and_equals_share_a_rank():
    table = only_table(
        entry("low", level=1, trust=2),
        entry("twin", level=2, trust=1),
        entry("other twin", level=2, trust=1, next_lower=0.5),
        entry("top", level=2, trust=2),
    )
    assert ranks(table) == [(1, "top"), (2, "other twin"), (2, "twin"), (4, "low")]


def test_of_an_agent_and_model_the_latest_result_counts_not_the_best():
    table = only_table(
        entry("A", level=3, at=1),
        entry("A", level=1, at=2),
        entry("A", level=2, at=0),
        entry("A", level=2, at=0.5, model="model-2"),
    )
    assert [(row.level, row.model, row.submissions) for row in table.declared] == [
        ("L2", "model-2", 1),
        ("L1", "model-1", 3),
    ]


def test_calibrators_stand_apart_without_a_rank():
    table = only_table(entry("A"), calibrator("oracle", 3))
    assert names(table.declared) == ["A"]
    assert [(row.name, row.rank) for row in table.calibrators] == [("builtin:oracle", None)]


def test_a_bundle_that_calls_itself_audited_is_listed_as_self_declared():
    table = only_table(entry("bold", claimed_standing="audited by Somebody"), entry("modest"))
    assert table.audited == ()
    bold = next(row for row in table.declared if row.name == "bold")
    assert bold.standing == Words("自我声明", "self-declared")
    assert [note.en for note in bold.notes] == [
        "the bundle calls itself “audited by Somebody”; no attestation of it can be verified"
    ]
    assert next(row for row in table.declared if row.name == "modest").notes == ()


def test_an_audited_entry_would_stand_in_the_audited_table_with_ranks_of_its_own():
    table = only_table(entry("A", standing="audited", level=1), entry("B", level=3))
    assert [(row.name, row.rank, row.standing.en) for row in table.audited] == [("A", 1, "audited")]
    assert ranks(table) == [(1, "B")]


def test_what_is_unknown_is_a_dash_and_zero_is_zero():
    row = make_row(entry("A", **uses(None, None, 0.0, "CNY"), seconds_per_solved=None))
    assert (row.tokens, row.joules, row.cost, row.seconds) == ("–", "–", "0 CNY", "–")
    assert make_row(entry("B", trials=0, solved=0)).solved == "–"


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"evidence_class": "jailed"}, "12,000"),
        ({"evidence_class": "observed"}, "≥ 12,000"),
        ({"evidence_class": "reported"}, "≥ 12,000"),
        ({"tokens_estimated": True}, "≈ 12,000"),
    ],
)
def test_tokens_say_how_surely_they_are_known(changes, shown):
    assert make_row(entry("A", **changes)).tokens == shown


def test_a_chosen_seed_and_a_spent_budget_are_said():
    row = make_row(entry("A", seed_source="applicant", ended_by="budget"))
    assert [note.zh for note in row.notes] == ["种子由申请方选定", "预算用尽，未完成"]


def test_a_version_and_what_bears_on_a_comparison_stand_with_the_name():
    made = board(entry("A", version="2.1", remarks=(Words("限额", "Limits a trial: x"),)))
    assert make_row(made.entries[0]).haystack.split() == ["a", "model-1", "2.1", "chat"]
    for page in (render_index(made), render_agent(made, made.entries[0].slug)):
        assert re.search("<bdi[^>]*>2.1</bdi>", page)
        assert "Limits a trial: x" in page


# --- Pareto ---------------------------------------------------------------------------------------

POINTS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=30)


@given(POINTS)
def test_the_front_is_what_nothing_beats(points):
    def is_beaten(cost, worth):
        return any(c <= cost and w >= worth and (c, w) != (cost, worth) for c, w in points)

    assert front_of(points) == {at for at, p in enumerate(points) if not is_beaten(*p)}


def tokens_of(*entries):
    return resources([make_row(e) for e in entries])[0]


def test_what_is_unknown_is_listed_and_not_drawn():
    tokens = tokens_of(entry("A"), entry("B", **uses(None)))
    assert names(tokens.drawn) == ["A"]
    assert names(tokens.unknown) == ["B"]
    assert all([dot.row.name for dot in plot.dots] == ["A"] for plot in tokens.plots)


def test_nothing_is_drawn_where_nothing_is_known():
    tokens, joules, cost = resources([make_row(entry("A"))])
    assert len(tokens.plots) == 2
    assert joules.plots == cost.plots == ()
    assert names(joules.unknown) == ["A"]


def test_a_cost_of_zero_is_drawn_left_of_all_others():
    rows = [make_row(entry("A", **uses(1.0, cost=0.0, currency="CNY")))]
    rows.append(make_row(entry("B", **uses(1.0, cost=0.001, currency="CNY"))))
    cost = resources(rows)[2]
    free, paid = cost.plots[0].dots
    assert free.x < cost.plots[0].x_ticks[1].at < paid.x
    assert cost.plots[0].x_ticks[0] == (free.x, "0")


def test_money_is_compared_within_a_currency_alone():
    rows = [make_row(entry(c, **uses(1.0, cost=2.0, currency=c))) for c in ("USD", "CNY")]
    costs = resources(rows)[2:]
    assert [(cost.heading.en, names(cost.drawn), names(cost.unknown)) for cost in costs] == [
        ("Money a solved task (CNY)", ["CNY"], ["USD"]),
        ("Money a solved task (USD)", ["USD"], ["CNY"]),
    ]


def test_calibrators_and_partly_metered_results_are_drawn_but_on_no_front():
    tokens = tokens_of(
        entry("A", level=1, **uses(5_000.0)),
        entry("B", level=2, evidence_class="observed", **uses(10.0)),
        calibrator("oracle", 3, tokens_per_solved=1.0),
    )
    level = tokens.plots[0]
    assert [(d.row.name, d.shape, d.is_front) for d in level.dots] == [
        ("A", "full", True),
        ("B", "partial", False),
        ("builtin:oracle", "hollow", False),
    ]
    assert set(tokens.front) == {level.dots[0].row.key}


def test_the_stair_of_the_front_rises_from_the_foot_through_the_best_to_the_right_edge():
    level = tokens_of(
        entry("cheap", level=1, **uses(1_000.0)),
        entry("beaten", level=1, **uses(2_000.0)),
        entry("dear", level=3, **uses(4_000.0)),
    ).plots[0]
    at = {dot.row.name: dot for dot in level.dots}
    cheap, dear = at["cheap"], at["dear"]
    assert level.front == f"M{cheap.x} 288H{cheap.x}V{cheap.y}H{dear.x}V{dear.y}H526"
    assert not at["beaten"].is_front
    assert cheap.x < at["beaten"].x < dear.x
    assert dear.y < cheap.y


PLACES = st.lists(st.tuples(st.floats(52, 526), st.sampled_from([30.0, 120.0, 210.0])), max_size=40)


@given(PLACES)
def test_dots_are_moved_by_the_room_at_most_and_never_sideways(places):
    moved = spread(places, range(len(places)), 20.0)
    assert [x for x, _ in moved] == [x for x, _ in places]
    assert all(abs(y - v) <= 20 for (_, y), (_, v) in zip(moved, places, strict=True))
    assert not places or moved[0] == places[0]


def test_dots_that_would_cover_each_other_are_moved_apart():
    assert spread([(60.0, 50.0)] * 4, range(4), 9.0) == [(60, 50), (60, 59), (60, 41), (60, 50)]


# --- axes and names -------------------------------------------------------------------------------


@given(st.lists(st.floats(1e-6, 1e12), min_size=1, max_size=20))
def test_a_logarithmic_axis_keeps_the_order_and_names_two_to_five_places(values):
    axis = log_axis(values, 52, 526)
    places = [axis.place(value) for value in sorted(values)]
    assert all(52 <= place <= 526 for place in places)
    assert all(a <= b for a, b in pairwise(places))
    assert 2 <= len(axis.ticks) <= 5
    assert all(52 <= tick.at <= 526 for tick in axis.ticks)


@pytest.mark.parametrize("values", [[], [-1.0, 2.0]])
def test_a_logarithmic_axis_of_nothing_or_below_zero_is_an_error(values):
    with pytest.raises(ValueError, match="0 or more"):
        log_axis(values, 0, 100)


def test_ranks_and_shares_are_named_where_they_lie():
    ranks = rank_axis({0: "L0", 2: "L2"}, 288, 14)
    assert [tick.text for tick in ranks.ticks] == ["L0", "L2"]
    assert ranks.ticks[1].at == ranks.place(2) < ranks.place(0)
    shares = share_axis(288, 14)
    assert [tick.text for tick in shares.ticks] == ["0%", "25%", "50%", "75%", "100%"]


def test_long_figures_of_an_axis_are_short():
    figures = (0.02, 500, 5_000, 20_000, 3e6, 2e9)
    assert [short(v) for v in figures] == ["0.02", "500", "5,000", "20k", "3M", "2G"]


NAMED = st.lists(
    st.tuples(
        st.floats(60, 500), st.floats(20, 280), st.sampled_from(["ab", "小助手", "long name here"])
    ),
    max_size=25,
)


@given(NAMED)
def test_names_cover_neither_each_other_nor_what_is_kept_free_nor_leave_the_frame(dots):
    free = Box(200, 100, 300, 102)
    labels = place_labels(dots, range(len(dots)), Box(52, 14, 526, 288), [free])
    boxes = []
    for label in filter(None, labels):
        wide = width_of(label.text)
        left = label.x - {"start": 0, "middle": wide / 2, "end": wide}[label.anchor]
        boxes.append(Box(left, label.y - 9, left + wide, label.y + 2))
    for at, box in enumerate(boxes):
        assert box.left >= 52
        assert box.right <= 526
        assert not box.meets(free)
        assert not any(box.meets(other) for other in boxes[:at])


def test_who_is_served_first_has_a_name_and_long_names_are_cut():
    dots = [(100.0, 100.0, "x" * 40)] * 9
    labels = place_labels(dots, [5, *range(9)], Box(52, 14, 526, 288))
    assert labels[5].text == "x" * 23 + "…"


# --- curves and history ---------------------------------------------------------------------------


def test_curves_lie_over_each_other_and_a_broken_load_is_not_joined():
    rows = [make_row(entry("A", **runs(1.0, "one", broken=(4,)))), make_row(entry("none"))]
    rows.append(make_row(entry("B", **runs(2.0, "two"))))
    curves = throughput_curves(rows)
    assert [(c.row.name, c.hardware.en, c.style) for c in curves.curves] == [
        ("A", "one", "c0 d0"),
        ("B", "two", "c1 d0"),
    ]
    throughput, ttft = curves.panels
    first, second = throughput.lines
    assert first.path.count("L") == 3
    assert second.path.count("L") == 4
    assert [mark.is_valid for mark in first.marks] == [True, True, False, True, True]
    assert second.marks[0].y < first.marks[0].y
    assert ttft.lines[1].marks[0].y > ttft.lines[0].marks[0].y


def test_there_are_no_curves_without_a_profile():
    bare = msgspec.structs.replace(profile(), points=())
    assert throughput_curves([make_row(entry("A")), make_row(entry("B", profile=bare))]) is None


def test_history_is_drawn_from_the_second_submission_on():
    one, other = make_row(entry("A", at=0)), make_row(entry("A", at=5, level=2, **uses(None)))
    assert build_history([one]) == ()
    (series,) = build_history([other, one])
    level, solved, tokens = series.panels
    assert [mark.text for mark in level.marks] == ["L1", "L2"]
    assert level.marks[0].x < level.marks[1].x
    assert [tick.text for tick in level.x_ticks] == ["2026-09-21", "2026-09-26"]
    assert [mark.text for mark in solved.marks] == ["75%", "75%"]
    assert [mark.text for mark in tokens.marks] == ["12,000"]


def test_history_joins_results_of_one_model_alone():
    rows = [make_row(entry("A", at=at, model=m)) for at, m in ((0, "x"), (1, "y"), (2, "x"))]
    level = build_history(rows)[0].panels[0]
    assert level.paths == (
        f"M{level.marks[0].x} {level.marks[0].y}L{level.marks[2].x} {level.marks[2].y}",
    )


def test_submissions_of_one_moment_are_one_place_on_the_time_axis():
    rows = [make_row(entry("A", level=level, ended=5.0, id=f"{level}" * 64)) for level in (1, 2)]
    level = build_history(rows)[0].panels[0]
    assert level.marks[0].x == level.marks[1].x == level.x_ticks[0].at


# --- pages ----------------------------------------------------------------------------------------


def test_an_empty_board_says_so_in_both_languages():
    page = render_index(board())
    assert "还没有任何提交。" in page
    assert "There are no submissions yet." in page
    assert "an auditor&#39;s attestation of it can be verified" in page
    assert "All results are self-declared" not in page


def test_the_audited_table_is_there_empty_with_the_reason():
    page = render_index(board(entry("A")))
    heading = page.index('<h3 id="audited-0">')
    following = page[heading : page.index('<h3 id="declared-0">')]
    assert "None yet. A result stands here once an auditor&#39;s attestation" in following
    assert "<table" not in following


def test_a_screening_says_that_it_is_no_grade():
    page = render_index(board(entry("A", plan="screen", is_grade=False)))
    assert "This plan is a screening. Its results are no grades." in page
    assert "This plan is a screening" not in render_index(board(entry("A")))


def test_the_same_board_gives_the_same_pages():
    made = whole_board()
    slug = made.entries[0].slug
    assert render_index(made) == render_index(whole_board())
    assert render_agent(made, slug) == render_agent(whole_board(), slug)


def test_files_of_the_site_are_linked_by_those_they_belong_to():
    made = board(entry("A"), entry("B"))
    one, other = sorted({e.slug for e in made.entries})
    files = ("data/leaderboard.csv", f"badges/{one}-level.svg", f"badges/{other}-level.svg")
    index = render_index(made, files)
    assert 'href="data/leaderboard.csv"' in index
    assert "badges/" not in index
    page = render_agent(made, one, files)
    assert f'href="../badges/{one}-level.svg"' in page
    assert f"badges/{other}" not in page


def test_the_pages_name_no_place_but_the_site():
    made = whole_board()
    pages = [render_index(made), *(render_agent(made, e.slug) for e in made.entries)]
    for page in pages:
        assert set(re.findall(r"(?:src|href)=\"(https?:[^\"]*)", page)) == set()
        assert "default-src &#39;none&#39;" in page


def test_hostile_names_are_inert_everywhere():
    made = board(
        entry(
            HOSTILE,
            vendor=HOSTILE,
            model=HOSTILE,
            kind=HOSTILE,
            folder=HOSTILE,
            evidence_class=HOSTILE,
            claimed_standing=HOSTILE,
            version=HOSTILE,
            level=1,
            langs=(HOSTILE,),
            edition_title=Words(HOSTILE, HOSTILE),
            plan_title=Words(HOSTILE, HOSTILE),
            level_title=Words(HOSTILE, HOSTILE),
            mode=Words(HOSTILE, HOSTILE),
            clauses=(ClauseRow(HOSTILE, "pass", 0.9, 0.8, 1.0, 0.5, 9),),
            **uses(5.0, 6.0, 7.0, HOSTILE),
            **runs(1.0, HOSTILE),
        ),
        refused=[Refused(HOSTILE, (HOSTILE,) * 8)],
    )
    for page in (render_index(made), render_agent(made, made.entries[0].slug)):
        assert "<img" not in page
        assert "window.pwned = 2</script>" not in page
        assert not set(page) & set("\x00\x1b\u202e\u202c\u200b")
        assert "⟨U+202E⟩gnirts⟨U+202C⟩ ⟨ESC⟩[31mred ⟨NUL⟩ ⟨U+200B⟩&lt;img" in page
        assert "A" * 400 not in page
        assert len(page) < 150_000


def test_a_command_to_copy_holds_nothing_but_the_folder():
    made = board(entry("A", folder="x; rm -rf ~ $(id)"))
    page = render_agent(made, made.entries[0].slug)
    assert "conformance grade &#39;reports/x; rm -rf ~ $(id)&#39;\n" in page
    assert "sha256sum &#39;reports/x; rm -rf ~ $(id)/manifest.json&#39;" in page


def test_an_interval_is_rounded_outwards_and_never_across_its_limit():
    clauses = (ClauseRow("L1-UND-1", "pass", 0.9, 0.80004, 0.98761, 0.8, 40),)
    made = board(entry("A", clauses=clauses))
    page = render_agent(made, made.entries[0].slug)
    assert "[0.80004, 0.988]" in page


def test_problems_of_a_refused_folder_are_named_the_first_of_them():
    refused = [Refused("bad", tuple(f"problem {n}" for n in range(7)))]
    page = render_index(board(entry("A"), refused=refused))
    assert "problem 4" in page
    assert "problem 5" not in page
    assert "2 more problems" in page


def test_a_technical_evaluation_that_nobody_attests_is_called_self_declared():
    evaluated = entry(
        "A", mode=Words("智能体检测+技术评价", "agent testing plus technical evaluation")
    )
    made = board(evaluated)
    page = render_agent(made, evaluated.slug)
    (fact,) = re.findall(r"agent testing plus technical evaluation.*?</dd>", page, re.DOTALL)
    assert "self-declared" in fact
