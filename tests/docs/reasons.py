"""Why a line of the docs is held against its command's options and not run; the first that fits.

``tests/docs/test_commands.py`` demands that each reason still has a line.
"""

import re
from typing import NamedTuple


class Reason(NamedTuple):
    pattern: str
    why: str

    def fits(self, line):
        return re.search(self.pattern, line) is not None


REASONS = (
    Reason(r"pip (install|wheel)", "needs a package registry; .ci/run and nox install it"),
    Reason(r"\bnox -[sl]\b", "is a session: its name and its arguments are checked"),
    Reason(r"^conformance model get", "needs a package registry; nox -s certify runs it"),
    Reason(r"(chat:|--endpoint )local", "needs the embedded model; nox -s certify and profile"),
    Reason(r"--base-url|--endpoint|chat:MODEL", "needs an endpoint; tests/cli runs its like"),
    Reason(r"agent (a2a|acp|http):", "needs the reader's agent; tests/cli/test_external.py"),
    Reason(r"--agent agent\.toml", "needs the reader's agent; nox -s agents runs thirteen files"),
    Reason(r"^conformance serve|profile sampler", "serves until it is stopped"),
    Reason(r"tasks play|human:", "asks at the terminal"),
)


def reason_for(line):
    """Return why a line is not run, or None."""
    return next((reason for reason in REASONS if reason.fits(line)), None)
