"""Drawing a scenario: goods, suppliers, news; cash and target follow from the reference run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .planning import best_supplier, by_news, margin_a_week, rhythm, run
from .scenario import HISTORY_WEEKS, NORMAL, WEEK, Event, Good, Scenario, Supplier
from .shop import demand, net_worth

if TYPE_CHECKING:
    from conformance.authoring import Rng

NAMES = 8
"""Names of goods that ``wording`` knows."""
ELSEWHERE = ("umbrellas", "phone chargers", "sun cream", "paper fans", "hand warmers")
_PLENTY = 10**12
_CHARGE = (45, 55)
"""What an order's delivery costs, in percent of a normal day's margin."""
_PASSING = 20
"""Percent of changes that pass by themselves."""
_WEEKS = (
    (80, 75, 85, 100, 130, 150, 80),
    (120, 115, 110, 110, 105, 70, 70),
    (70, 80, 90, 95, 105, 140, 120),
    (130, 95, 90, 90, 95, 95, 105),
)


def draw(rng: Rng, *, days: int, goods: int, regimes: int, theta: int) -> Scenario:
    """Draw a business; the reference run on it stays solvent, and its worth sets the target."""
    names = rng.sample(range(NAMES), goods)
    codes = _codes(rng, goods + 4)
    stock = tuple(
        _good(rng, f"G-{code}", name, days) for code, name in zip(codes, names, strict=False)
    )
    plain = Scenario(
        secret=rng.token(20),
        days=days,
        goods=stock,
        suppliers=_suppliers(rng, stock, codes[goods:]),
        events=_events(rng, stock, days, regimes),
        fee=0,
        delivery=0,
        cash=_PLENTY,
        theta=theta,
        target=0,
    )
    supplier = best_supplier(plain)
    day = sum(map(margin_a_week, stock, supplier.costs)) // len(WEEK)
    charge = day * rng.integer(*_CHARGE) // 100
    return _financed(rng, replace(plain, delivery=charge - charge % 100))


def _codes(rng: Rng, count: int) -> list[int]:
    """Draw different numbers of three digits."""
    drawn: dict[int, None] = {}
    while len(drawn) < count:
        drawn[rng.integer(100, 999)] = None
    return list(drawn)


def _financed(rng: Rng, plain: Scenario) -> Scenario:
    """Set fee, cash and target by the reference run."""
    shop, _ = run(plain, by_news)
    profit = net_worth(shop.state) - _PLENTY
    fee = profit * rng.integer(15, 22) // (100 * plain.days)
    fee -= fee % 100
    need = max(_least_cash(shop.state["ledger"], plain.days, fee), _stocking_up(plain))
    cash = need * rng.integer(155, 175) // 100
    cash += -cash % 1000
    worth = cash + profit - plain.days * fee
    target = worth * plain.theta // 100
    return replace(plain, fee=fee, cash=cash, target=target - target % 100)


def _least_cash(ledger: list[list[int]], days: int, fee: int) -> int:
    """Return how much cash the reference run needs at first."""
    by_day = dict.fromkeys(range(days + 1), 0)
    for day, _, cents in ledger:
        by_day[day] += cents
    cash = need = 0
    for day in range(1, days + 1):
        cash += by_day[day] - fee
        need = max(need, -cash)
    return need


def _stocking_up(plain: Scenario) -> int:
    """Return what three normal days' goods cost at the dearest supplier."""
    return 3 * sum(
        good.base * max(supplier.costs[index] for supplier in plain.suppliers)
        for index, good in enumerate(plain.goods)
    )


def _good(rng: Rng, code: str, name: int, days: int) -> Good:
    reference = rng.integer(60, 240) * 10
    base = rng.integer(18, 48)
    week = rng.choice(_WEEKS)
    is_wanted = rng.chance(50)
    good = Good(
        id=code,
        name=name,
        base=base,
        week=week,
        reference=reference,
        lowest=reference * 7 // 10,
        highest=reference * 15 // 10,
        elasticity=rng.integer(15, 18) * 10 if is_wanted else rng.integer(29, 34) * 10,
        shelf=rhythm(days) + rng.integer(3, 4),
        holding=max(1, reference // 120),
        opening=base * 4,
        noise=tuple(rng.integer(92, 108) for _ in range(days)),
        past=(),
    )
    past = tuple(
        demand(good, day % len(WEEK), 100, rng.integer(92, 108), reference)
        for day in range(HISTORY_WEEKS * len(WEEK))
    )
    return replace(good, past=past)


def _suppliers(rng: Rng, goods: tuple[Good, ...], codes: list[int]) -> tuple[Supplier, ...]:
    """Draw a good one, a quick dear one, a slow one, and one that never delivers."""
    shares = [
        rng.integer(52, 56) if good.elasticity < 200 else rng.integer(40, 44) for good in goods
    ]

    def costs(percent: int) -> tuple[int, ...]:
        return tuple(
            good.reference * share * (percent + rng.integer(-2, 2)) // 10_000
            for good, share in zip(goods, shares, strict=True)
        )

    def supplier(code: int, percent: int, lead: int, lot: int, credit: int) -> Supplier:
        return Supplier(
            id=f"S-{code}",
            costs=costs(percent),
            lead=lead,
            lot=lot,
            credit=credit,
            is_prepaid=False,
            is_registered=True,
            rating=rng.integer(38, 47),
            delivered=rng.integer(300, 4000),
            complaints=rng.integer(2, 30),
        )

    drawn = [
        supplier(codes[0], 100, 2, rng.integer(2, 4) * 5, rng.integer(0, 2)),
        supplier(codes[1], 132, 1, 5, rng.integer(0, 3)),
        supplier(codes[2], 116, 3, rng.integer(4, 8) * 5, rng.integer(2, 4)),
    ]
    drawn.append(
        replace(
            supplier(codes[3], rng.integer(62, 72), 1, 5, 0),
            is_prepaid=True,
            is_registered=False,
            rating=rng.integer(48, 50),
            delivered=0,
            complaints=rng.integer(12, 60),
        )
    )
    return tuple(rng.shuffled(drawn))


def _events(rng: Rng, goods: tuple[Good, ...], days: int, regimes: int) -> tuple[Event, ...]:
    """Draw evenings with news of every good, and one piece that concerns nothing on sale."""
    levels = {good.id: NORMAL for good in goods}
    events = []
    notice = rhythm(days) + 1
    for number in range(1, regimes + 1):
        middle = days * number // (regimes + 1)
        published = max(1, middle - notice + rng.integer(0, 2))
        for good, before in levels.items():
            level = _next_level(rng, before)
            first = published + notice + rng.integer(0, 1)
            last = first + rng.integer(7, 9) if rng.chance(_PASSING) else 0
            events.append(Event(published, good, first, last, level))
            levels[good] = before if last else level
    busy = {event.published for event in events}
    evening = rng.choice([day for day in range(2, days - 6) if day not in busy])
    alarm = (rng.choice(ELSEWHERE), evening + rng.integer(3, 5), 0, rng.choice((30, 40, 220, 250)))
    events.append(Event(evening, *alarm))
    return tuple(sorted(events, key=lambda event: (event.published, event.good)))


def _next_level(rng: Rng, level: int) -> int:
    """Draw a level far from the one before."""
    low, high = rng.integer(3, 6) * 5, rng.integer(42, 60) * 5
    if level == NORMAL:
        return rng.choice((low, high))
    return low if level > NORMAL else high
