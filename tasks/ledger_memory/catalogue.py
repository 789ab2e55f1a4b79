"""What a project buys, the four terms agreed for each item, and the values they take."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from conformance.authoring import Text

if TYPE_CHECKING:
    from conformance.authoring import Rng

ITEMS = {
    "pump_seals": Text("泵密封件", "pump seals"),
    "fan_belts": Text("风机皮带", "fan belts"),
    "cable_trays": Text("电缆桥架", "cable trays"),
    "filter_mats": Text("过滤棉", "filter mats"),
    "relief_valves": Text("安全阀", "relief valves"),
    "smoke_heads": Text("烟感探头", "smoke heads"),
    "busbar_links": Text("母线连接片", "busbar links"),
    "rack_doors": Text("机柜门", "rack doors"),
    "floor_tiles": Text("架空地板", "floor tiles"),
    "drain_pans": Text("集水盘", "drain pans"),
    "leak_ropes": Text("漏水感应绳", "leak ropes"),
    "ups_cells": Text("UPS 电池单体", "UPS cells"),
    "flow_meters": Text("流量计", "flow meters"),
    "door_locks": Text("电子门锁", "door locks"),
    "fuse_holders": Text("熔断器座", "fuse holders"),
    "patch_panels": Text("配线架", "patch panels"),
}
PROJECTS = (
    Text("临江机房改造", "Riverside Refit"),
    Text("北站冷却扩容", "North Station Cooling"),
    Text("西园配电更新", "West Park Power"),
    Text("云台算力中心", "Yuntai Compute"),
    Text("海湾备用站", "Bay Standby"),
    Text("南岭数据园", "South Ridge Campus"),
)

TermName = Literal["supplier", "unit_price", "delivery_day", "contact"]
TERMS: tuple[TermName, ...] = ("supplier", "unit_price", "delivery_day", "contact")
FORGETTABLE: tuple[TermName, ...] = ("supplier", "contact")
LABELS = {
    "supplier": Text("供应商", "supplier"),
    "unit_price": Text("单价", "unit price"),
    "delivery_day": Text("交货日", "delivery day"),
    "contact": Text("联系人", "contact"),
}
_FIRST_DAY = date(2031, 1, 1)


class Values:
    """Draws values of terms, no two of them equal: a stale value is never right by chance."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._used: set[str] = set()

    def draw(self, term: str) -> str:
        """Return a value as it is said: a price has two decimals."""
        while (value := draw_value(self._rng, term)) in self._used:
            pass
        self._used.add(value)
        return value


def draw_value(rng: Rng, term: str) -> str:
    """Draw a value of a term."""
    match term:
        case "supplier":
            return f"V-{rng.integer(1000, 9999)}"
        case "contact":
            return f"U-{rng.integer(1000, 9999)}"
        case "delivery_day":
            return (_FIRST_DAY + timedelta(days=rng.below(1400))).isoformat()
        case _:
            cents = rng.integer(1_001, 99_999)
            return f"{cents // 100}.{cents % 100:02}"


def cents(price: str) -> int:
    """Return a price as said, in cents."""
    return int(price.replace(".", ""))
