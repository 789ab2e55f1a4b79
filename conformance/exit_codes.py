"""The exit codes of the command: one table, for the code, the docs and whoever reads a CI job.

``exit_code`` in ``conformance/report/texts.yaml`` says what each means, in both languages.
"""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What the command ended with. Its names are keys of the texts."""

    HELD = 0
    NOT_HELD = 1
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4
    NOT_RUN = 5
    UNAVAILABLE = 6
    EVIDENCE_INVALID = 7
