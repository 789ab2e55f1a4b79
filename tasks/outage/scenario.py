"""What an instance is about: services, who depends on whom, faults one behind the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from conformance.authoring import Rng

from .catalogue import ITEMS, KINDS, NAMES, draw_limit
from .profile import Profile, draw_profile, draw_settings

if TYPE_CHECKING:
    from conformance.authoring import Knobs

    from .system import Cell

Case = Literal["repair", "drift", "undecidable", "decidable", "profile"]
Drift = Literal["renamed", "reshaped", "new"]
CASES: tuple[Case, ...] = ("repair", "drift", "undecidable", "decidable", "profile")
DIAGNOSES: tuple[Case, ...] = ("undecidable", "decidable")
"""Cases that ask for a diagnosis alone: nothing may change."""
DRIFTS: tuple[Drift, ...] = ("renamed", "reshaped", "new")

_KINDS_OFFERED = 6
_KINDS_IN_PROFILE = 3
_SPARE_CHANGES = 3
_IN_PROFILE = 9
"""Five for a repair that is prepared and finished; the safe state comes once."""


class Atom(NamedTuple):
    """One fault: its service, its kind and the place of the faulty item among the others."""

    service: str
    kind: str
    place: int


@dataclass(frozen=True)
class Scenario:
    """One outage; it holds no word of any language."""

    secret: str
    salt: str  # draws the readings
    case: Case
    incident: str
    services: tuple[str, ...]
    needs: tuple[tuple[str, tuple[str, ...]], ...]  # on which others a service depends
    target: str
    atoms: tuple[Atom, ...]  # the deepest first: each hides the next
    elsewhere: Atom  # another team's fault
    kinds: tuple[str, ...]
    limits: tuple[tuple[str, int], ...]
    codes: tuple[tuple[str, tuple[str, ...]], ...]  # an error code and what it can stand for
    withheld: tuple[str, ...]  # kinds with no evidence at the root
    drift: Drift
    profile: Profile
    budget: int  # how many changing calls may be made

    @property
    def root(self) -> Atom:
        """Return the fault that hides all others."""
        return self.atoms[0]

    @property
    def is_diagnosis(self) -> bool:
        """Say whether nothing may be changed."""
        return self.case in DIAGNOSES

    @property
    def drifting(self) -> str | None:
        """Return the kind whose tools change half-way: that of the second fault."""
        return self.atoms[1].kind if self.case == "drift" else None

    @cached_property
    def need(self) -> dict[str, tuple[str, ...]]:
        """On which others each service depends."""
        return dict(self.needs)

    @cached_property
    def limit(self) -> dict[str, int]:
        """The limit of each kind."""
        return dict(self.limits)

    @cached_property
    def candidates(self) -> dict[str, tuple[str, ...]]:
        """What each error code can stand for."""
        return dict(self.codes)

    @cached_property
    def places(self) -> dict[tuple[str, str], int]:
        """The place of the faulty item, by service and kind."""
        faults = (*self.atoms, self.elsewhere)
        return {(atom.service, atom.kind): atom.place for atom in faults}

    @cached_property
    def cells(self) -> dict[tuple[str, str], Cell]:
        """What was drawn of the services' items so far; it follows from the fields."""
        return {}

    @cached_property
    def settings(self) -> dict[str, dict[str, int]]:
        """The weight and standby replicas of each service at first."""
        return {
            service: draw_settings(Rng.of("settings", self.salt, service))
            for service in self.services
        }

    def is_struck(self, service: str, kind: str) -> bool:
        """Say whether a service has a fault of a kind at first."""
        return (service, kind) in self.places

    def code_of(self, kind: str) -> str:
        """Return the error code that a kind shows as."""
        return next(code for code, kinds in self.codes if kind in kinds)


def draw(rng: Rng, knobs: Knobs) -> Scenario:
    """Draw a scenario."""
    case: Case = knobs["case"]
    count = max(knobs["atoms"], 2) if case == "drift" else knobs["atoms"]
    names = rng.sample(NAMES, knobs["services"])
    length = rng.integer(max(count + 1, 3), max(count + 1, min(len(names) - 3, count + 3)))
    path, others = names[:length], names[length:]
    needs = _draw_needs(rng, path, others)
    kinds = rng.sample(tuple(KINDS), _KINDS_IN_PROFILE if case == "profile" else _KINDS_OFFERED)
    atoms = _draw_atoms(rng, path, kinds, count)
    spared = atoms[1].kind if case == "drift" else None
    elsewhere = rng.choice([kind for kind in kinds if kind != spared])
    codes = _draw_codes(rng, kinds, 2 if case in ("repair", "drift") else 3)
    return Scenario(
        secret=rng.token(20),
        salt=rng.token(12),
        case=case,
        incident=f"INC-{rng.integer(10000, 99999)}",
        services=tuple(rng.shuffled(names)),
        needs=needs,
        target=path[0],
        atoms=atoms,
        elsewhere=Atom(others[0], elsewhere, rng.below(ITEMS)),
        kinds=tuple(kinds),
        limits=tuple((kind, draw_limit(rng, kind)) for kind in kinds),
        codes=codes,
        withheld=_draw_withheld(rng, case, atoms[0].kind, codes),
        drift=rng.choice(DRIFTS),
        profile=draw_profile(rng, [atom.service for atom in atoms]),
        budget=rng.integer(1, _SPARE_CHANGES) + count * (1 if case != "profile" else _IN_PROFILE),
    )


def _draw_needs(
    rng: Rng, path: list[str], others: list[str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Lay a chain of dependencies, short cuts along it, and services beside it."""
    needs: dict[str, list[str]] = {name: [] for name in (*path, *others)}
    for at, name in enumerate(path[:-1]):
        needs[name].append(path[at + 1])
        needs[name] += [far for far in path[at + 2 :] if rng.chance(20)]
    stranger, sufferer, *rest = others
    needs[sufferer].append(stranger)
    for name in rest:
        friend = rng.choice(path)
        if rng.chance(50):
            needs[friend].append(name)
        else:
            needs[name].append(friend)
    return tuple((name, tuple(rng.shuffled(needs[name]))) for name in needs)


def _draw_atoms(rng: Rng, path: list[str], kinds: list[str], count: int) -> tuple[Atom, ...]:
    places = sorted(rng.sample(range(1, len(path)), count), reverse=True)
    drawn = rng.sample(kinds, min(count, len(kinds)))
    drawn += [rng.choice(kinds) for _ in range(count - len(drawn))]
    return tuple(
        Atom(path[at], kind, rng.below(ITEMS)) for at, kind in zip(places, drawn, strict=True)
    )


def _draw_codes(rng: Rng, kinds: list[str], size: int) -> tuple[tuple[str, tuple[str, ...]], ...]:
    order = rng.shuffled(kinds)
    return tuple(
        (f"E{rng.integer(1, 9)}{turn}{rng.integer(0, 9)}", tuple(order[start : start + size]))
        for turn, start in enumerate(range(0, len(order), size))
    )


def _draw_withheld(
    rng: Rng, case: Case, kind: str, codes: tuple[tuple[str, tuple[str, ...]], ...]
) -> tuple[str, ...]:
    """Draw the kinds with no evidence: the true one and one or both others, or only these."""
    if case not in DIAGNOSES:
        return ()
    candidates = next(kinds for _, kinds in codes if kind in kinds)
    others = rng.sample([other for other in candidates if other != kind], rng.integer(1, 2))
    return tuple([kind, *others] if case == "undecidable" else others)
