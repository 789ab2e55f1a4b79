"""``python:`` agents: a function, called by ``function_runner`` in an interpreter of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.agents.lookup import Found, find_python
from conformance.agents.process import ProcessTransport
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.sandbox.programs import Program


class FunctionTransport(ProcessTransport):
    """Implements ``agents.external.Transport`` for ``python:MODULE:FUNCTION``."""

    kind = "python"
    named = "function"

    def _read(self, value: str) -> tuple[str, ...]:
        module, _, function = value.partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), *function.split("."))):
            raise UsageError(
                f"{value!r} names no function of a module",
                where="python:",
                mend="write python:MODULE:FUNCTION, such as python:agent:run",
            )
        return (module, function)

    def _program(self) -> Found:
        setup = self.setup
        return find_python(setup.python, setup.folder, is_inside=self._is_container)

    def _arguments(self, told: dict[str, str], work: Path) -> Sequence[str]:
        del told
        runner = Path(__file__).with_name("function_runner.py")
        shutil.copyfile(runner, work / runner.name)
        return (str(work / runner.name), str(self.setup.folder), *self._words)

    def _trial_run(self, program: Program) -> Program:
        # Imported, and not called.
        return program._replace(argv=(*program.argv, "--check"))
