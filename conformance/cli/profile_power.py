"""Whose devices are read during a profile: this machine's, samplers', or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from contextlib import ExitStack

    from conformance.profile.power.recorder import Recorder


def is_on_this_machine(base_url: str) -> bool:
    """Say whether an endpoint is on loopback."""
    from conformance.profile.power.stream import Address

    return Address(urlsplit(base_url).hostname or "", 0).is_loopback


def recorder_of(
    given: dict[str, Any], base_url: str, stack: ExitStack
) -> tuple[Recorder | None, list[str]]:
    """Return the running recorder of the devices behind the endpoint, and what was not found."""
    from conformance.cli.profile_sampler import token_of
    from conformance.profile.power.find import find_readers
    from conformance.profile.power.recorder import Recorder
    from conformance.profile.power.remote import connect_samplers

    notes: list[str] = []
    token = token_of(given["sampler_token_env"], "--sampler-token-env")
    readers: list[Any] = list(connect_samplers(given["samplers"], token))
    is_local = given["power"] == "local" or (
        given["power"] == "auto" and not readers and is_on_this_machine(base_url)
    )
    if is_local:
        found, notes = find_readers()
        readers += found
    elif not readers:
        why = "the endpoint is not on this machine; run conformance profile sampler beside it"
        notes.append(f"no devices are read: {'--power none' if given['power'] == 'none' else why}")
    return (stack.enter_context(Recorder(readers)) if readers else None), notes
