"""What a profile's section says: figures, unknowns with their reasons, gates, devices."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.evidence.documents import Words
from conformance.profile.document import Reason
from conformance.profile.gate_table import GATES as LOAD_GATES
from conformance.profile.solved_gates import SOLVED_GATES
from conformance.report.profile_chain import chain, headline_point
from conformance.report.profile_devices import devices_section
from conformance.report.profile_view import build_profile, point_row
from conformance.report.profile_words import (
    certificate_line,
    figure,
    joules,
    measured_words,
    money,
    reason_words,
    validity,
)
from tests.profile import documents

replace = msgspec.structs.replace
GATES = LOAD_GATES | SOLVED_GATES


def figures(document, step):
    """Return a step's figures in English by label: the value, or the reason in brackets."""
    found = next(item for item in chain(document) if item.id == step)
    return {
        item.label.en: f"({item.why.en})" if item.value is None else item.value.en
        for item in found.figures
    }


def with_energy(document, **changes):
    """Change the energy of every point; what is made of it goes too."""
    points = [
        replace(p, energy=replace(p.energy, **changes), per_token=None) for p in document.points
    ]
    head = replace(document.headline, j_per_output_token=None)
    return replace(document, points=points, headline=head)


# --- the line


def test_the_line_says_what_is_known():
    assert certificate_line(documents.profile_of()) == Words(
        "吞吐测评：并发 256 时每秒输出 3,282 token（TTFT p99 2,254 ms），可持续支撑 12 个智能体，"
        "每小时完成 340 项任务，每完成一项任务耗能 2.1 kJ。",
        "Throughput profile: 3,282 output tokens/s at 256 concurrent requests (TTFT p99 2,254 ms), "
        "12 agents sustained, 340 solved tasks an hour, 2.1 kJ a solved task.",
    )


def test_the_line_leaves_out_what_is_not_known():
    line = certificate_line(documents.without_accelerators()).en
    assert line.endswith("12 agents sustained, 340 solved tasks an hour.")
    alone = certificate_line(documents.client_bound()).en
    assert alone == (
        "Throughput profile: 693 output tokens/s at 16 concurrent requests (TTFT p99 212 ms)."
    )


def test_an_invalid_profile_s_line_has_no_figure_of_the_endpoint():
    line = certificate_line(documents.invalid())
    meaning = GATES["client-cpu"].meaning
    assert line.en == f"Throughput profile invalid: {meaning['en']} (93%, limit 80%)."
    assert line.zh == f"吞吐测评无效：{meaning['zh']}（93%，限值 80%）。"


def test_no_headline_of_an_invalid_profile_reaches_the_line():
    lying = replace(documents.invalid(), headline=documents.profile_of().headline)
    assert "3,282" not in certificate_line(lying).en


def test_a_link_is_part_of_the_line():
    over = replace(documents.client_bound(), link={"name": "geo", "delay_s": 0.24})
    assert certificate_line(over).en.endswith("(TTFT p99 212 ms), over the link geo.")
    assert certificate_line(over).zh.endswith("，链路 geo。")


def test_a_valid_profile_without_any_headline_says_so():
    empty = replace(documents.client_bound(), headline=documents.headline_of(None))
    assert certificate_line(empty).en == "Throughput profile: no figure that can be relied on."


def test_one_agent_is_no_plural():
    one = replace(
        documents.client_bound(),
        headline=documents.headline_of(None, agents=1),
    )
    assert certificate_line(one).en == "Throughput profile: 1 agent sustained."


# --- validity


def test_validity_counts_the_points():
    assert validity(documents.profile_of()).en == "Valid: all 5 load points passed every gate."
    assert validity(documents.client_bound()).en == "Valid: 3 of 5 load points hold."
    assert validity(documents.invalid()).zh == (
        "无效：5 个负载点中没有一个有效，因此不给出结论数值。"
    )
    assert validity(replace(documents.invalid(), points=[])).en == (
        "Invalid: no load point was measured."
    )


def test_good_points_do_not_save_a_profile_that_is_wrong_as_a_whole():
    off = replace(
        documents.profile_of(), valid=False, reasons=[Reason("calibration-off", 7.0, 2.0)]
    )
    text = validity(off).en
    assert text.startswith("Invalid: 5 of 5 load points hold, but something is wrong with the")
    assert "(7 ms, limit 2 ms)" in text
    bare = replace(off, headline=documents.headline_of(None))
    wanted = "(the profile as a whole is invalid (calibration-off))"
    assert set(figures(bare, "endpoint").values()) == {wanted}
    assert figures(bare, "task")["Solve rate"] == wanted


# --- the chain


def test_the_chain_goes_from_chip_to_solved_task():
    document = documents.profile_of()
    assert [step.title.en for step in chain(document)] == [
        "Chip",
        "Endpoint",
        "Agent",
        "Solved task",
    ]
    assert chain(document)[0].name.en == "2 × NVIDIA H100 80GB HBM3"
    assert figures(document, "chip") == {
        "Output tokens/s/accelerator": "1,641",
        "Energy an output token": "0.244 J",
    }
    assert figures(document, "endpoint") == {
        "Output tokens/s": "3,282",
        "Concurrent requests": "256",
        "TTFT p50 / p99": "980 / 2,254 ms",
        "TPOT p50": "78 ms",
        "Goodput": "15.9 requests/s",
    }
    assert figures(document, "agent") == {"Agents sustained": "12"}
    assert figures(document, "task") == {
        "Solved tasks an hour": "340",
        "Solve rate": "68%",
        "Energy a solved task": "2.1 kJ",
        "Money a solved task": "0.0125 CNY",
        "Carbon a solved task": "0.42 gCO₂",
    }


def test_without_an_accelerator_energy_is_unknown_and_the_rest_is_given():
    document = documents.without_accelerators()
    assert figures(document, "chip") == {
        "Output tokens/s/accelerator": "(no accelerator was read)",
        "Energy an output token": "(no device's power was read)",
    }
    assert figures(document, "endpoint")["Output tokens/s"] == "3,282"
    assert figures(document, "task")["Energy a solved task"] == "(no device's power was read)"
    assert figures(document, "task")["Carbon a solved task"] == "(no device's power was read)"
    notices = [notice.en for notice in build_profile(document).notices]
    assert len(notices) == 1
    assert notices[0].startswith("No accelerator was read:")


def test_a_processor_s_energy_is_not_taken_for_an_accelerator_s():
    document = documents.profile_of(documents.devices_of("cpu", "a package", 2))
    assert figures(document, "chip")["Output tokens/s/accelerator"] == "(no accelerator was read)"
    assert figures(document, "chip")["Energy an output token"] == "0.244 J"
    assert "CPU packages alone" in build_profile(document).notices[0].en


def test_power_that_cannot_be_relied_on_is_named():
    document = with_energy(
        documents.profile_of(), valid=False, joules=None, reasons=[Reason("power-gap", 4.0, 3.0)]
    )
    assert figures(document, "chip")["Energy an output token"] == (
        "(the energy readings cannot be relied on (power-gap))"
    )


def test_what_was_not_run_is_unknown_for_that_reason():
    document = documents.client_bound()
    assert set(figures(document, "agent").values()) == {"(no transcripts were replayed)"}
    assert set(figures(document, "task").values()) == {"(no graded trials were run)"}


def test_no_point_valid_means_every_speed_is_unknown():
    document = documents.invalid()
    wanted = "(no load point is valid (client-cpu))"
    assert set(figures(document, "endpoint").values()) == {wanted}
    assert set(figures(document, "chip").values()) == {wanted}


def test_valid_points_that_miss_the_objective_give_no_headline():
    document = replace(documents.profile_of(), headline=documents.headline_of(None))
    assert figures(document, "endpoint")["Output tokens/s"] == (
        "(no valid load point keeps the service objective)"
    )


def test_fast_and_wrong_is_no_energy_a_task_not_zero():
    none = documents.solved_of(
        documents.devices_of(),
        solved=0,
        solve_rate=0.0,
        solved_per_hour=0.0,
        j_per_solved_task=None,
        j_per_solved_task_above_idle=None,
        money_per_solved_task=None,
        gco2_per_solved_task=None,
    )
    whole = documents.profile_of()
    document = replace(whole, solved=[none], headline=documents.headline_of(whole.points[-1], none))
    assert figures(document, "task") == {
        "Solved tasks an hour": "0",
        "Solve rate": "0%",
        "Energy a solved task": "(no task was solved)",
        "Money a solved task": "(no task was solved)",
        "Carbon a solved task": "(no task was solved)",
    }
    unread = replace(document, solved=[replace(none, energy=None)])
    assert figures(unread, "task")["Energy a solved task"] == "(no task was solved)"


def test_money_and_carbon_need_what_only_the_applicant_knows():
    whole = documents.profile_of()
    given = replace(whole.inputs, price_per_hour=None, carbon_g_per_kwh=None)
    head = replace(whole.headline, money_per_solved_task=None, gco2_per_solved_task=None)
    document = replace(whole, inputs=given, headline=head)
    assert figures(document, "task")["Money a solved task"] == "(no price was given)"
    assert figures(document, "task")["Carbon a solved task"] == "(no carbon factor was given)"


def test_agents_that_were_tried_and_not_held_are_told_from_agents_not_tried():
    whole = documents.profile_of()
    document = replace(
        whole,
        agents=replace(whole.agents, sustained=None),
        headline=replace(whole.headline, agents=None),
    )
    assert figures(document, "agent")["Agents sustained"].startswith("(no number of agents")


def test_without_an_objective_there_is_no_goodput_and_that_is_why():
    whole = documents.profile_of()
    head = replace(whole.headline, goodput_per_s=None)
    document = replace(whole, slo=type(whole.slo)(), headline=head)
    assert figures(document, "endpoint")["Goodput"] == "(no service objective was set)"
    assert build_profile(document).objective.en.startswith("No service objective was set, so")


def test_no_device_is_why_there_is_no_energy_however_the_speed_is():
    document = replace(documents.invalid(), devices=[], power=[])
    assert figures(document, "chip")["Energy an output token"] == "(no device's power was read)"


def test_the_headline_s_point_is_a_valid_one():
    whole = documents.profile_of()
    assert headline_point(whole).concurrency == 256
    spoilt = [*whole.points[:-1], replace(whole.points[-1], valid=False)]
    assert headline_point(replace(whole, points=spoilt)) is None


def test_every_unknown_has_a_reason():
    for make in (documents.invalid, documents.without_accelerators, documents.client_bound):
        for step in chain(make()):
            assert all((item.value is None) == (item.why is not None) for item in step.figures)


# --- the points


def test_an_invalid_point_keeps_its_figures_and_names_its_codes():
    row = point_row(documents.client_bound().points[-1])
    assert (row.valid, row.codes, row.tokens) == (False, "client-cpu", "3,282")


def test_the_bound_of_p99_stands_beside_it_only_where_there_is_one():
    point = documents.profile_of().points[0]
    assert point_row(point).bound == ""
    many = replace(point, ttft_ms=documents.spread(46.0, 100.0, n=2000))
    assert point_row(many).bound == "≤ 108"


def test_a_figure_that_is_not_known_is_a_dash():
    point = replace(
        documents.profile_of().points[0],
        output_tokens_per_s=None,
        ttft_ms=documents.NOTHING,
        e2e_ms=documents.NOTHING,
        per_token=None,
    )
    row = point_row(point)
    assert (row.tokens, row.ttft_p99, row.e2e, row.j_token) == ("–", "–", "–", "–")


def test_an_open_loop_is_named_by_its_rate():
    point = replace(documents.profile_of().points[2], loop="open", rate=12.5, concurrency=15.8)
    assert point_row(point).load.en == "12.5/s (15.8 in flight)"


# --- gates


def test_a_gate_is_told_once_with_every_place_and_how_to_mend_it():
    found = build_profile(documents.client_bound()).gates
    assert [gate.code for gate in found] == ["client-cpu"]
    assert found[0].meaning.en == GATES["client-cpu"].meaning["en"]
    assert found[0].mend.zh == GATES["client-cpu"].mend["zh"]
    assert [(place.en, value.en) for place, value in found[0].places] == [
        ("64 concurrent", "93%, limit 80%"),
        ("256 concurrent", "93%, limit 80%"),
    ]


def test_gates_broken_by_agents_and_trials_are_told_too():
    whole = documents.profile_of()
    late = Reason("send-lag", 9.0, 5.0)
    items = [
        replace(item, point=replace(item.point, valid=False, reasons=[late]))
        for item in whole.agents.points[:1]
    ]
    document = replace(
        whole,
        agents=replace(whole.agents, points=items),
        solved=[documents.solved_of(whole.devices, valid=False, reasons=[late])],
    )
    places = [place.en for place, _ in build_profile(document).gates[0].places]
    assert places == ["4 agents", "graded trials (12 at once)"]


@pytest.mark.parametrize("code", sorted(GATES))
def test_every_gate_reads_as_a_sentence_in_both_languages(code):
    words = reason_words(Reason(code, 1.0, 2.0))
    assert words.en.startswith(GATES[code].meaning["en"])
    assert words.zh.startswith(GATES[code].meaning["zh"])


def test_a_code_that_is_not_known_is_shown_as_it_is():
    assert reason_words(Reason("not-a-gate", detail="why")).en == "not-a-gate (why)"


def test_what_was_measured_is_never_shown_as_its_limit():
    near = measured_words(Reason("power-coverage", 0.99996, 1.0))
    assert near.en == "99.996%, limit 100%"
    assert measured_words(Reason("loop-lag", 5.0004, 5.0)).en == "5.0004 ms, limit 5 ms"


# --- devices


def test_nodes_are_kept_apart_and_summed():
    found = devices_section(documents.supernode())
    assert [len(node.rows) for node in found.nodes] == [8, 8]
    assert [node.total.label.en for node in found.nodes] == [
        "node node-a: 8 devices",
        "node node-b: 8 devices",
    ]
    assert [node.total.watts for node in found.nodes] == ["3,200 W", "3,200 W"]
    assert found.total.label.zh == "合计：16 个设备，2 个节点"
    assert (found.total.watts, found.total.joules) == ("6,400 W", "192 kJ ± 1.28 kJ")


def test_a_device_of_unknown_energy_makes_its_node_s_sum_unknown_not_smaller():
    whole = documents.supernode()
    best = whole.points[-1]
    used = [replace(best.energy.devices[0], joules=None), *best.energy.devices[1:]]
    broken = replace(
        best.energy, devices=used, joules=None, valid=False, reasons=[Reason("power-missing")]
    )
    points = [*whole.points[:-1], replace(best, energy=broken)]
    found = devices_section(replace(whole, points=points))
    assert [node.total.joules for node in found.nodes] == ["–", "96 kJ"]
    assert (found.total.joules, found.reasons) == ("–", "power-missing")


def test_a_device_without_any_reading_is_still_listed():
    whole = documents.profile_of()
    point = whole.points[-1]
    energy = replace(point.energy, devices=point.energy.devices[:1])
    points = [*whole.points[:-1], replace(point, energy=energy)]
    rows = devices_section(replace(whole, points=points)).nodes[0].rows
    assert rows[1].method.en == "no readings in this window"
    assert (rows[1].joules, rows[0].joules) == ("–", "12 kJ ± 80 J")


def test_how_a_device_was_read_is_said():
    counted = devices_section(documents.profile_of()).nodes[0].rows[0]
    assert (counted.method.en, counted.against) == ("energy counter, 600 readings", "+1.0%")
    sampled = devices_section(documents.supernode()).nodes[0].rows[0]
    assert (sampled.method.zh, sampled.against) == ("功率采样，600 次，20 Hz", "–")


def test_each_vendor_is_called_by_its_own_name():
    labels = [node.rows[0].label.zh for node in devices_section(documents.chinese_vendors()).nodes]
    assert labels == [
        "沐曦 MetaX 曦云 C550 #0",
        "壁仞 Biren 壁砺 106 #0",
        "天数智芯 Iluvatar 天垓 150 #0",
        "昇腾 Ascend 昇腾 910B #0",
        "寒武纪 Cambricon 思元 590 #0",
        "海光 Hygon 深算 K100 #0",
        "摩尔线程 Moore Threads MTT S4000 #0",
    ]


# --- calibration, objective, inputs


def test_the_client_s_own_error_is_the_greatest_that_is_not_void():
    text = build_profile(documents.profile_of()).calibration_lead.en
    assert text.endswith("at most 0.9 ms in TTFT p50 and 3.1 ms in p99.")
    half = replace(documents.profile_of(), calibration=documents.calibration_of(is_void=True))
    assert "at most 0.2 ms in TTFT p50" in build_profile(half).calibration_lead.en


def test_an_error_below_zero_is_an_error():
    whole = documents.profile_of()
    point = replace(whole.calibration.points[0], ttft_p50_error_ms=-4.0)
    off = replace(whole, calibration=replace(whole.calibration, points=[point]))
    assert "at most 4 ms in TTFT p50" in build_profile(off).calibration_lead.en


def test_a_calibration_that_says_nothing_says_so():
    whole = documents.profile_of()
    void = [replace(point, is_void=True) for point in whole.calibration.points]
    late = replace(whole, calibration=replace(whole.calibration, points=void))
    assert build_profile(late).calibration_lead.en.startswith("The calibration is void")
    none = build_profile(replace(whole, calibration=None))
    assert none.calibration_lead.zh == "未做校准：客户端自身误差未知。"
    assert none.calibration == ()


def test_the_objective_and_the_knee_are_told():
    assert build_profile(documents.profile_of()).objective.en == (
        "Service objective: TTFT ≤ 2,500 ms, TPOT ≤ 100 ms; kept by at least 90% of the requests. "
        "Knee: 256 concurrent requests still held; no load was seen that did not."
    )


def test_what_was_given_and_what_was_not():
    facts = {fact.label.en: fact.value.en for fact in build_profile(documents.profile_of()).inputs}
    assert facts == {
        "PUE": "1.3",
        "Carbon factor": "550 g/kWh",
        "Price of energy": "not given",
        "Price of the endpoint": "4.25 CNY an hour",
        "Price of tokens": "not given",
        "Link": "none added",
    }
    bare = replace(documents.profile_of(), inputs=type(documents.profile_of().inputs)())
    assert build_profile(bare).inputs[0].value.en.startswith("not given; 1 is taken")


# --- numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.9, "0.9"), (12.0, "12"), (99.96, "100"), (1234.5, "1,234"),
        (0.00001234, "0.0000123"), (-2.5, "-2.5"), (None, "–"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_a_figure_has_three_digits_that_count(value, text):
    assert figure(value) == text


@given(st.floats(min_value=1e-9, max_value=1e12))
def test_a_figure_is_within_half_a_percent_of_the_value(value):
    assert float(figure(value).replace(",", "")) == pytest.approx(value, rel=0.005)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (0.0, "0 J"), (0.05, "50 mJ"), (0.2444, "0.244 J"), (714.0, "714 J"),
        (2100.0, "2.1 kJ"), (3.2e6, "3.2 MJ"), (5e9, "5 GJ"),
    ],
)  # fmt: skip
def test_energy_comes_in_the_unit_of_its_size(value, text):
    assert joules(value) == text


def test_money_has_the_applicant_s_currency():
    assert money(0.0125, "CNY") == "0.0125 CNY"
    assert money(0.0125, "") == "0.0125"
    assert money(None, "CNY") == "–"


def test_agents_of_a_profile_that_is_invalid_as_a_whole_say_so():
    document = documents.profile_of(reasons=[Reason("not-calibrated")], valid=False)
    empty = msgspec.structs.replace(document.headline, agents=None)
    view = build_profile(msgspec.structs.replace(document, headline=empty))
    (agents,) = [step for step in view.chain if step.id == "agent"]

    assert "not-calibrated" in str(agents.figures[0])
