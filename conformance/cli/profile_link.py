"""A profile over an impaired link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from conformance.link.model import Link
    from conformance.profile.run import Plan


def impaired(
    plan: Plan, link: Link | None, stack: ExitStack
) -> tuple[Plan, Callable[[], dict[str, Any]] | None]:
    """Return the plan with the link in between, and what says what the link did."""
    if link is None:
        return plan, None
    from conformance.link.endpoint import describe_link, linked

    target = plan.target
    far = stack.enter_context(linked(target.base_url, link, ca_file=target.ca_file))
    return msgspec.structs.replace(plan, via=far.base_url), lambda: describe_link(link, far.seen())
