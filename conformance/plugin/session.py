"""The run: what is collected, what its reports come to, and how it ends in a bundle.

The controller (or the only process) begins and ends the session; a worker of pytest-xdist takes
part in it. Both have a ``Grading``; what only one of them does says so.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from conformance.campaign.shared import Session, begin_session
from conformance.errors import ConformanceError
from conformance.plugin.baseline import Baseline, read_baseline
from conformance.plugin.ending import Ending, Seen, finish
from conformance.plugin.items import GradeItem, WrongUseItem
from conformance.plugin.options import said
from conformance.plugin.own import OwnTests, is_narrowed
from conformance.plugin.part import Part
from conformance.plugin.plan import make_plan
from conformance.plugin.reports import Amender
from conformance.plugin.section import header_line, print_plan, print_section
from conformance.plugin.trials import Trials
from conformance.pytest_plugin import NAME
from conformance.report.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Generator

    from conformance.plugin.plan import Plan


def begin(config: pytest.Config, handed: dict[str, Any]) -> Grading:
    """Return what does the work of a run in which an agent is named.

    Args:
        config: pytest's.
        handed: ``given``, the options; in a worker also ``out`` and ``session``.

    Raises:
        pytest.UsageError: an option cannot be used, or contradicts another.
    """
    given = handed["given"]
    try:
        plan = make_plan(given, Path(handed["out"]) if "out" in handed else None)
        path = given["baseline"]
        baseline = Baseline() if path is None else read_baseline(Path(path))
    except ConformanceError as error:
        raise pytest.UsageError(said(error)) from None
    if given["collect"]:
        config.option.collectonly = True
    session = msgspec.convert(handed["session"], Session) if "session" in handed else None
    return Grading(config, plan, baseline, session)


class Grading:
    """The plugin at work."""

    def __init__(
        self, config: pytest.Config, plan: Plan, baseline: Baseline, session: Session | None
    ) -> None:
        self._config = config
        self._plan = plan
        self._lang = spoken()
        self._is_worker = session is not None
        self._session = session
        self._part: Part | None = None
        self._trials: Trials | None = None
        self._amender = Amender(plan, baseline, self._lang)
        self._own = OwnTests(plan, baseline)
        self._seen = Seen(plan)
        self._told: tuple[dict[str, Any], str] | None = None
        self._ending = Ending()
        self._held = contextlib.ExitStack()

    @property
    def trials(self) -> Trials:
        """What a vendor's own tests are given."""
        if self._trials is None:
            part = self._joined()
            self._trials = Trials(self._plan, part.loop, part.agent)
        return self._trials

    # Beginning.

    def pytest_report_header(self) -> str:
        """Name agent, plan and run folder."""
        return header_line(self._plan, self._lang)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Controller: begin the session, before there are workers."""
        if self._is_worker or self._config.option.collectonly:
            return
        given = self._plan.given
        try:
            self._session = self._held.enter_context(
                begin_session(
                    self._plan.out, resume=bool(given["resume"]), max_time_s=given["max-time"]
                )
            )
        except ConformanceError as error:
            raise pytest.UsageError(said(error)) from None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Controller: tell a worker what all of them are told."""
        node.workerinput[NAME] = {
            "given": self._plan.given,
            "out": str(self._plan.out),
            "session": msgspec.to_builtins(self._session),
        }

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Add the clauses, before any item is deselected; leave out what is above the claim."""
        try:
            kept, above = self._own.sort(items, is_narrowed=is_narrowed(self._config))
        except ConformanceError as error:
            if not self._is_worker:
                raise pytest.UsageError(said(error)) from None
            wrong = WrongUseItem.from_parent(
                session, name="grade", nodeid="grade", told=said(error)
            )
            items[:] = [wrong]
            return
        graded: list[pytest.Item] = [
            GradeItem.of(session, planned, self._joined(), self._lang)
            for planned in self._plan.planned
        ]
        found = pytest.CollectReport("grade", "passed", None, [*graded])
        self._config.hook.pytest_collectreport(report=found)  # so that the terminal counts them
        for planned, item in zip(self._plan.planned, graded, strict=True):
            (kept if planned.is_in_reach else above).append(item)
        items[:] = kept
        if above:
            self._config.hook.pytest_deselected(items=above)

    # Each test.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a vendor's test for a clause that needs what the agent is denied to have."""
        reason = None if isinstance(item, GradeItem) else self._own.denied(item, self._lang)
        if reason is not None:
            pytest.skip(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Hold a test to the baseline, and tell a fault of the suite from the agent's."""
        return self._amender.amend((yield), item, call)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Controller: keep what the section at the end shows."""
        self._seen.add(report)

    # The end.

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Controller: take what a worker says of the agent; the first that opened it is heard."""
        told = getattr(node, "workeroutput", {}).get(NAME)
        if told and self._told is None:
            self._told = tuple(json.loads(told))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Leave the campaign; the controller seals it once everybody left."""
        with self._held:  # others may have the folder, whatever fails here
            if self._part is not None:
                self._part.leave()
                self._told = self._part.told or self._told
            if self._is_worker:
                output: dict[str, Any] = self._config.workeroutput  # type: ignore[attr-defined]
                output[NAME] = json.dumps(self._told) if self._told else None
            elif self._session is not None:
                is_interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
                self._ending = finish(
                    self._plan, self._session, self._seen, self._told, is_interrupted=is_interrupted
                )

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int
    ) -> None:
        """Controller: print the section, unless nothing was begun for a mistake that is told."""
        if exitstatus == pytest.ExitCode.USAGE_ERROR:
            return
        if self._plan.given["collect"]:
            print_plan(terminalreporter, self._plan, self._lang)
        elif self._session is not None and not self._is_worker:
            print_section(
                terminalreporter, self._plan, self._seen, self._told, self._ending, self._lang
            )

    def _joined(self) -> Part:
        """Return this process's part in the campaign; it opens nothing before it is needed."""
        if self._part is None:
            self._part = Part(self._plan, self._session or Session(""))
        return self._part
