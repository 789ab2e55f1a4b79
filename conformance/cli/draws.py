"""The options that choose one instance of a family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

from conformance.cli.options import task_lang_option
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.authoring import Instance
    from conformance.decision.streams import Draw
    from conformance.edition import Edition

_OPTIONS = (
    click.option("--seed", default="1", show_default=True, help="Any text."),
    task_lang_option,
    click.option("--wording", default=0, show_default=True, help="Which wording."),
    click.option("--knob", multiple=True, metavar="NAME=VALUE", help="Set a difficulty knob."),
)


def draw_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument FAMILY and the options that choose one of its instances."""
    return click.argument("family")(which_options(function))


def which_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose one of a family's instances."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def known_families(edition: Edition, names: Iterable[str]) -> None:
    """Check names of families.

    Raises:
        UsageError: one is none.
    """
    known = edition.family_ids()
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no family {name!r}", where="FAMILY", mend=f"families: {', '.join(known)}"
            )


def instance_of(edition: Edition, given: dict[str, Any]) -> Instance[Any]:
    """Return the instance that the options of ``draw_options`` choose.

    Raises:
        UsageError: no such family, or a knob that is not NAME=VALUE.
        EditionError: an unknown knob or value.
    """
    family = given["family"]
    known_families(edition, (family,))
    knobs: dict[str, Any] = {}
    for item in given["knob"]:
        name, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"{item!r} is no NAME=VALUE", where="--knob", mend="write ending=done")
        allowed = edition.family(family).knobs.get(name, ())
        knobs[name] = next((known for known in allowed if str(known) == value), value)
    return edition.instance(
        family, knobs, seed=given["seed"], lang=given["lang"], wording=given["wording"]
    )


def draw_of(instance: Instance[Any]) -> Draw:
    """Return the draw that gives an instance again."""
    from conformance.decision.streams import Draw

    family = instance.family
    return Draw(
        family.id, family.version, instance.knobs, instance.wording, instance.lang, instance.seed
    )
