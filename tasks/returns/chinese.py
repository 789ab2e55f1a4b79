"""The customer's words in Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .contact import Claim, Message, Told

NAMES = {
    "kettle": "电水壶",
    "toaster": "烤面包机",
    "lamp": "台灯",
    "headset": "耳机",
    "keyboard": "键盘",
    "backpack": "双肩包",
    "scarf": "围巾",
    "blender": "榨汁机",
    "router": "路由器",
    "speaker": "音箱",
    "tent": "帐篷",
    "watch": "手表",
}
COLOURS = {
    "black": "黑色",
    "white": "白色",
    "red": "红色",
    "blue": "蓝色",
    "green": "绿色",
    "grey": "灰色",
}
REMEDIES = {"refund": "退款", "exchange": "换货", "credit": "换成店铺余额"}
METHODS = {"card": "银行卡", "wallet": "电子钱包", "voucher": "购物券"}
TIERS = {"basic": "普通", "silver": "银卡", "gold": "金卡"}
CONDITIONS = (
    {"unopened": "没有拆封。", "opened": "已经拆封。", "defective": "东西有质量问题。"},
    {"unopened": "状态：未拆封。", "opened": "状态：已拆封。", "defective": "状态：有质量问题。"},
    {"unopened": "还没拆呢。", "opened": "拆开过了。", "defective": "是坏的，有质量问题。"},
)
_CLAIMS = (
    {
        "delivered_on": "是 {} 签收的。",
        "price": "当时付了 {} 元。",
        "paid_by": "用{}付的款。",
        "tier": "我是{}会员。",
    },
    {
        "delivered_on": "签收日期：{}。",
        "price": "价格：{} 元。",
        "paid_by": "付款方式：{}。",
        "tier": "会员等级：{}。",
    },
    {
        "delivered_on": "{} 收到的货。",
        "price": "花了我 {} 元呢。",
        "paid_by": "{}付的。",
        "tier": "我可是{}会员。",
    },
)
_PLEAS = (
    "相信你们会处理好的。",
    "麻烦快一点，已经等了很久了。",
    "别的店从来没这么麻烦。",
    "今天一定要给我解决。",
    "一直在你们家买，从没出过问题。",
)
_DELETION = ("另外请把我的账号注销掉。", "另：注销账号。", "对了，顺便把我账号也注销了吧。")


def said(message: Message, wording: int) -> str:
    """Return the customer's message."""
    parts = [_wish(told, wording) for told in message.wishes]
    parts += [_claim(claim, wording) for claim in message.claims]
    if message.wants_deletion:
        parts.append(_DELETION[wording])
    parts.append(_PLEAS[message.plea])
    return "".join(parts)


def _wish(told: Told, wording: int) -> str:
    goods = f"{COLOURS.get(told.colour, '')}{NAMES[told.name]}"
    remedies = [
        REMEDIES[remedy] + (f"到{METHODS[told.to]}" if told.to and remedy == "refund" else "")
        for remedy in told.remedies
    ]
    wish = f"{remedies[0]}，不行就{remedies[1]}" if len(remedies) > 1 else "".join(remedies)
    condition = CONDITIONS[wording][told.condition] if told.condition else ""
    match wording:
        case 0:
            wish = f"希望{wish}。" if wish else ""
            return f"我想退订单 {told.order} 里的{goods}。{wish}{condition}"
        case 1:
            wish = f"诉求：{wish}。" if wish else ""
            return f"退货，订单 {told.order}：{goods}。{wish}{condition}"
        case _:
            wish = f"要{wish}。" if wish else ""
            return f"{told.order} 那个{goods}我不要了。{wish}{condition}"


def _claim(claim: Claim, wording: int) -> str:
    names = {"paid_by": METHODS, "tier": TIERS}.get(claim.field, {})
    return _CLAIMS[wording][claim.field].format(names.get(claim.value, claim.value))
