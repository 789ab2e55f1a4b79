"""The runner that content gets: a provider with a memory of what it ran already."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from conformance.authoring import Ran, digest
from conformance.authoring.code import NoSandboxError
from conformance.sandbox.contract import Limits, Provider, SandboxBrokenError

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMEMBERED = 512
_TRIES = 2


class CachedRunner:
    """Runs scripts with a provider; the same script with the same files is run once.

    What a busy machine may have brought about (a limit of time) is not remembered.
    """

    def __init__(self, provider: Provider, limits: Limits | None = None) -> None:
        self.provider = provider
        self.limits = limits or Limits()
        self._known: OrderedDict[str, Ran] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, script: str, files: Mapping[str, str], /) -> Ran:
        """Run ``script`` in an empty folder that holds ``files``.

        Raises:
            NoSandboxError: the sandbox stopped working.
        """
        key = digest([_plain(script), sorted((n, _plain(text)) for n, text in files.items())])
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        ran = self._run(script, files)
        if ran.limit != "time":
            with self._lock:
                self._known[key] = ran
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return ran

    def _run(self, script: str, files: Mapping[str, str]) -> Ran:
        for _ in range(_TRIES):
            try:
                return self.provider.run(script, files, self.limits)
            except SandboxBrokenError as error:
                detail = error.detail
        raise NoSandboxError(f"the sandbox stopped working: {detail}")


def _plain(text: str) -> str:
    """Return a text without half a surrogate pair, as it is written into a file."""
    return text.encode("utf-8", "replace").decode()
