"""The curves of a profile: what is joined, what is hollow, what is not drawn."""

import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from conformance.profile.document import Reason
from conformance.report.profile_charts import (
    NAMES,
    curve,
    draw_curves,
    load_dots,
    shown_points,
    throughput_dots,
    write_curves,
)
from tests.profile import documents
from tests.report.drawings import curves_of

replace = msgspec.structs.replace


def ttft(point):
    return point.ttft_ms.p50


def segments(dots):
    """Return the labels of the dots that a line joins."""
    found = {}
    for dot in dots:
        found.setdefault(dot.segment, []).append(dot.label)
    return list(found.values())


def spoil(document, *concurrencies, reasons=(documents.BUSY,)):
    """Make points invalid."""
    return [
        replace(p, valid=False, reasons=list(reasons)) if p.concurrency in concurrencies else p
        for p in document.points
    ]


def test_no_line_goes_through_or_over_an_invalid_point():
    points = spoil(documents.profile_of(), 16)
    dots = load_dots(points, "TTFT p50", ttft)
    assert segments(dots) == [["1", "4"], ["16 ✕ client-cpu"], ["64", "256"]]
    assert [dot.is_valid for dot in dots] == [True, True, False, True, True]


def test_no_line_bridges_a_load_whose_figure_is_unknown():
    points = documents.profile_of().points
    points[2] = replace(points[2], ttft_ms=documents.NOTHING)
    assert segments(load_dots(points, "s", ttft)) == [["1", "4"], ["64", "256"]]


def test_a_figure_of_zero_has_no_place_on_a_logarithmic_axis():
    points = documents.profile_of().points
    points[0] = replace(points[0], ttft_ms=documents.spread(0.0, 0.0))
    assert [dot.label for dot in load_dots(points, "s", ttft)] == ["4", "16", "64", "256"]


def test_the_front_is_joined_and_a_dominated_point_is_not():
    points = documents.profile_of().points
    worse = documents.spread(20.0, 25.0)
    points[3] = replace(points[3], user_tokens_per_s=worse, output_tokens_per_s=500.0)
    assert segments(throughput_dots(points)) == [["1", "4", "16"], ["64"], ["256"]]


def test_an_invalid_point_takes_no_other_off_the_front():
    points = documents.profile_of().points
    fast = documents.spread(500.0, 600.0)
    points[4] = replace(
        points[4],
        user_tokens_per_s=fast,
        output_tokens_per_s=9e9,
        valid=False,
        reasons=[documents.BUSY],
    )
    found = segments(throughput_dots(points))
    assert found == [["1", "4", "16", "64"], ["256 ✕ client-cpu"]]


def test_an_open_loop_s_point_is_named_by_its_rate():
    point = replace(documents.profile_of().points[0], rate=12.5)
    assert throughput_dots([point])[0].label == "12.5/s"


def drawn(svg):
    """Return how many round marks a chart has: filled ones, hollow ones."""
    paths = re.findall(r'<path[^>]*d="M\d[^"]*A[^"]*"[^>]*>', svg)
    hollow = sum('fill="white"' in path for path in paths)
    return len(paths) - hollow, hollow


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_valid_points_are_filled_and_invalid_ones_hollow(lang):
    assert drawn(curves_of(documents.profile_of)["throughput"][lang]) == (5, 0)
    assert drawn(curves_of(documents.client_bound)["throughput"][lang]) == (3, 2)
    assert drawn(curves_of(documents.client_bound)["latency"][lang]) == (15, 10)
    assert drawn(curves_of(documents.client_bound)["energy"][lang]) == (6, 4)


def test_an_invalid_point_is_named_in_every_chart():
    for name in NAMES:
        svg = curves_of(documents.client_bound)[name]["en"]
        assert "256 ✕ client-cpu" in svg
        assert "16 ✕" not in svg


@pytest.mark.parametrize("name", NAMES)
def test_each_language_has_its_own_words(name):
    zh, en = (curves_of(documents.profile_of)[name][lang] for lang in ("zh", "en"))
    assert re.search(r"[\u4e00-\u9fff]", zh)
    assert not re.search(r"[\u4e00-\u9fff]", en)
    assert len(ET.fromstring(zh).findall(".//{*}path")) == len(
        ET.fromstring(en).findall(".//{*}path")
    )


def test_curves_are_files_one_for_each_language(tmp_path):
    written = write_curves(curves_of(documents.profile_of), tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in written) == [
        f"curves/{name}-{lang}.svg"
        for name in ("energy", "latency", "throughput")
        for lang in ("en", "zh")
    ]
    assert all(ET.parse(path).getroot().tag.endswith("svg") for path in written)


def test_without_energy_there_is_no_energy_curve_and_no_old_one(tmp_path):
    write_curves(curves_of(documents.profile_of), tmp_path)
    written = write_curves(curves_of(documents.without_accelerators), tmp_path)
    assert {path.name.split("-")[0] for path in written} == {"throughput", "latency"}
    assert sorted((tmp_path / "curves").iterdir()) == sorted(written)


def test_a_profile_without_points_draws_nothing(tmp_path):
    drawn = draw_curves(replace(documents.invalid(), points=[]))
    assert drawn == {name: {} for name in NAMES}
    assert write_curves(drawn, tmp_path) == []


def test_the_same_profile_draws_the_same_curve():
    once = curves_of(documents.profile_of)["latency"]["zh"]
    assert curve(documents.profile_of(), "latency", "zh") == once


def test_hostile_codes_are_letters_in_a_curve():
    for name in NAMES:
        svg = curves_of(documents.hostile)[name]["en"]
        tags = {node.tag.split("}")[1] for node in ET.fromstring(svg).iter()}
        assert tags <= {"svg", "rect", "g", "line", "path", "text"}
        assert not set(svg) & set("\x00\x1b\u202e\u200b")
    assert "&lt;/text&gt;" in curves_of(documents.hostile)["throughput"]["en"]


def test_a_point_that_is_invalid_without_a_reason_is_still_named():
    points = spoil(documents.profile_of(), 4, reasons=())
    assert [dot.label for dot in throughput_dots(points)][1] == "4 ✕ ?"


def test_one_point_alone_can_be_drawn():
    whole = documents.profile_of()
    document = replace(whole, points=[replace(whole.points[2], reasons=[Reason("x")])])
    assert drawn(curve(document, "latency", "en")) == (5, 0)


def test_of_a_load_that_was_measured_again_the_valid_point_is_drawn():
    document = documents.profile_of()
    first, *others = document.points
    bad = replace(first, valid=False, reasons=[documents.BUSY])

    assert shown_points([bad, *others, first])[0] is first
    assert shown_points([first, *others, bad])[0] is first
    assert shown_points([bad, bad]) == [bad]
    open_loop = replace(first, loop="open", rate=3.0)
    assert shown_points([first, open_loop]) == [first, open_loop]
