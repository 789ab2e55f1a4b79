"""What pytest loads of the suite: options, a marker, three fixtures. Silent until asked.

Asked is: an agent is named, by ``--agent``, by ``CONFORMANCE_AGENT`` or by ``grade_agent`` in an
ini file. Only then is anything of the engine imported, and each clause becomes an item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from conformance.plugin.session import Grading
    from conformance.plugin.trials import OpenDoors, Tried, UnderTest

NAME = "conformance-grading"
"""Under which the plugin that does the work is registered, once asked."""
MARKER = (
    "grade(clause, level=None): this test is for a clause, the vendor's own or the edition's; "
    "it is deselected where the level is above the claim, and never alters the grade"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options; those that others may have too come late."""
    from conformance.plugin.options import add_options

    add_options(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Register the short names of options, once every conftest had its say."""
    from conformance.plugin.options import add_short_names, hide_short_values

    hide_short_values(early_config.known_args_namespace, args)
    try:
        return (yield)
    finally:
        add_short_names(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; where an agent is named, begin."""
    config.addinivalue_line("markers", MARKER)
    if config.getoption("help", default=False):
        return
    handed = getattr(config, "workerinput", {}).get(NAME)
    if handed is None:
        from conformance.plugin.options import read_options

        given = read_options(config)
        if given is None:
            return
        handed = {"given": given}
    from conformance.plugin.session import begin

    config.pluginmanager.register(begin(config, handed), NAME)


@pytest.fixture(scope="session")
def agent(request: pytest.FixtureRequest) -> UnderTest:
    """The agent under test, opened: ``spec``, ``describe()``, ``evidence_class``."""
    return _asked(request).trials.under_test()


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Callable[..., Tried]:
    """Run the agent under test once on a task and grade it.

    ``trial(task, *, seed="1", lang="en", knobs={}, wording=0, grader="solved")``: a family's id, a
    ``Family`` or an ``Instance``; a grader's name or a callable. A fault of the suite is an error.
    """
    return _asked(request).trials.run


@pytest.fixture
def gateway(request: pytest.FixtureRequest) -> Callable[..., AbstractContextManager[OpenDoors]]:
    """Open both doors of a task to a test that drives its own code; arguments as of ``trial``.

    ``with gateway(task) as doors:`` gives ``mcp_url``, ``openai_base_url``,
    ``anthropic_base_url``, ``api_key``, ``instruction``, and ``result`` after the block.
    """
    return _asked(request).trials.open_doors


def _asked(request: pytest.FixtureRequest) -> Grading:
    grading: Any = request.config.pluginmanager.get_plugin(NAME)
    if grading is None:
        pytest.skip("no agent is named: pytest --agent agent.toml")
    found: Grading = grading
    return found
