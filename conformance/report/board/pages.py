"""The site's pages from the board, the index and one an agent; the same board, the same text."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from conformance.report.board.badges import badge_files
from conformance.report.board.history import build_history
from conformance.report.board.rows import (
    Row,
    board_name,
    edition_name,
    inert_words,
    lang_name,
    make_row,
)
from conformance.report.board.tables import build_tables
from conformance.report.inert import inert_line
from conformance.report.numbers import UNKNOWN, decimal, ends, limit, seconds
from conformance.report.page import page_assets, template
from conformance.report.profile_words import figure, joules
from conformance.report.resources import Fact
from conformance.report.texts import both, joined, load_texts, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.decision.rules import Judgement
    from conformance.evidence.documents import Words
    from conformance.report.board.entries import Board, ClauseRow, Entry

_MOST_PROBLEMS = 5
_LONG = 300


class ClauseLine(NamedTuple):
    """A clause that was observed, in the table of a submission."""

    id: str
    verdict: str
    n: int
    estimate: str
    interval: str
    limit: str


class Submission(NamedTuple):
    """One submission on its agent's page."""

    row: Row
    board: Words
    edition: Words
    facts: tuple[Fact, ...]
    clauses: tuple[ClauseLine, ...]
    """Those that were observed."""
    not_run: tuple[str, ...]
    verify: str
    """What a reader types."""
    profile: tuple[Words, ...]


def render_index(board: Board, files: Sequence[str] = ()) -> str:
    """Return the page of all tables.

    Args:
        board: What is shown.
        files: Relative paths of the site's other files; those under ``data/`` are linked.
    """
    content = {
        **_common(board),
        "tables": build_tables(board.entries),
        "refused": [
            (
                inert_line(item.folder, 120),
                [inert_line(text, _LONG) for text in item.problems[:_MOST_PROBLEMS]],
                max(0, len(item.problems) - _MOST_PROBLEMS),
            )
            for item in board.refused
        ],
        "data": sorted(path for path in files if path.startswith("data/")),
    }
    return str(template("board_index.html.jinja").render(content))


def render_agent(board: Board, slug: str, files: Sequence[str] = ()) -> str:
    """Return the page of an agent: how its results changed, and each submission.

    Args:
        board: What is shown.
        slug: Which agent; one of the board's.
        files: Relative paths of the site's other files; the agent's badges are linked.
    """
    entries = sorted(
        (entry for entry in board.entries if entry.slug == slug),
        key=lambda entry: (-entry.ended, entry.id),
    )
    submissions = [_submission(entry) for entry in entries]
    rows = [item.row for item in submissions]
    content = {
        **_common(board),
        "latest": submissions[0],
        "models": list(dict.fromkeys(row.model for row in rows if row.model)),
        "submissions": submissions,
        "history": build_history(rows),
        "badges": sorted(set(badge_files(slug)) & set(files)),
    }
    return str(template("board_agent.html.jinja").render(content))


def _common(board: Board) -> dict[str, Any]:
    return {
        **page_assets("language.js", "board.js"),
        "lang_name": lang_name,
        "number": figure,
        "shown": load_texts().under("board")["shown"],
        "made_with": inert_line(board.made_with, 60),
        "is_all_declared": bool(board.entries)
        and all(entry.standing != "audited" for entry in board.entries),
    }


def _submission(entry: Entry) -> Submission:
    return Submission(
        row=make_row(entry),
        board=board_name(entry),
        edition=edition_name(entry),
        facts=tuple(_facts(entry)),
        clauses=tuple(_clause(clause) for clause in entry.clauses if clause.n),
        not_run=tuple(inert_line(clause.id, 40) for clause in entry.clauses if not clause.n),
        verify="\n".join(
            (
                f"conformance grade {_typed(entry.folder)}",
                f"sha256sum {_typed(entry.folder + '/manifest.json')}",
            )
        ),
        profile=tuple(_profile(entry)),
    )


def _clause(clause: ClauseRow) -> ClauseLine:
    interval = UNKNOWN
    if clause.lower is not None and clause.upper is not None:
        # ``ends`` reads the two ends alone, which both structs have.
        interval = "[{}, {}]".format(*ends(cast("Judgement", clause), clause.p0))
    return ClauseLine(
        id=inert_line(clause.id, 40),
        verdict=clause.verdict,
        n=clause.n,
        estimate=decimal(clause.estimate),
        interval=interval,
        limit=limit(clause.p0),
    )


def _facts(entry: Entry) -> Iterator[Fact]:
    row = make_row(entry)
    if row.vendor:
        yield Fact(say("board.vendor"), both(row.vendor))
    if row.version:
        yield Fact(say("result.version"), both(row.version))
    if row.model:
        yield Fact(say("board.model"), both(row.model), is_code=True)
    yield Fact(say("board.kind"), both(row.kind), is_code=True)
    if entry.hardware is not None:
        yield Fact(say("board.hardware"), both(inert_line(entry.hardware, 120)))
    yield Fact(say("board.standing"), row.standing)
    yield Fact(say("board.edition"), edition_name(entry))
    yield Fact(say("board.digest"), both(entry.edition_sha256), is_code=True)
    yield Fact(say("board.plan"), inert_words(entry.plan_title))
    yield Fact(say("board.mode"), inert_words(entry.mode), note=row.standing)
    yield Fact(say("board.evidence_class"), both(row.evidence_class))
    yield Fact(say("board.lang"), joined([lang_name(lang) for lang in row.langs]))
    own = entry.seed_source == "os"
    yield Fact(say("board.seed"), say("board.seed_os" if own else "board.seed_applicant"))
    solved = say("board.trials_of", n=entry.trials, solved=entry.solved)
    yield Fact(say("board.trials"), solved, note=row.standing)
    if entry.seconds_per_solved is not None:
        yield Fact(say("board.seconds"), both(row.seconds), note=row.standing)
    yield Fact(say("board.folder"), both(inert_line(entry.folder, 120)), is_code=True)
    yield Fact(say("board.bundle"), both(entry.id), is_code=True)


def _profile(entry: Entry) -> Iterator[Words]:
    found = entry.profile
    if found is None:
        return
    if not found.is_valid or found.tokens_s is None:
        yield say("board.profile_invalid")
        return
    yield say(
        "board.profile_line",
        load=figure(found.concurrency),
        tokens=figure(found.tokens_s),
        ttft=_milliseconds(found.ttft_p50_ms),
        tpot=_milliseconds(found.tpot_p50_ms),
    )
    if found.joules_per_token is not None or found.solved_per_hour is not None:
        yield say(
            "board.profile_more",
            joules=_known(joules(found.joules_per_token), found.joules_per_token),
            solved=_known(figure(found.solved_per_hour), found.solved_per_hour),
        )


def _milliseconds(value: float | None) -> Words:
    return _known(seconds(None if value is None else value / 1000), value)


def _known(shown: str, value: float | None) -> Words:
    return say("board.unknown") if value is None else both(shown)


def _typed(path: str) -> str:
    """Return a path below the published folder as a shell takes it, and nothing else with it."""
    return shlex.quote(inert_line(f"reports/{path}", 200))
