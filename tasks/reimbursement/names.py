"""The names a case is built from."""

from __future__ import annotations

from conformance.authoring import Text

DEPARTMENTS = {
    "OPS": Text("运维部", "Operations"),
    "RND": Text("研发部", "Research"),
    "MKT": Text("市场部", "Marketing"),
    "PUR": Text("采购部", "Purchasing"),
    "QLT": Text("质量部", "Quality"),
    "TRN": Text("培训部", "Training"),
    "LOG": Text("物流部", "Logistics"),
    "CUS": Text("客服部", "Customer Service"),
}
CITIES = (
    "Northport",
    "Lakeside",
    "Redhill",
    "Stonebridge",
    "Eastvale",
    "Greenford",
    "Westmoor",
    "Millhaven",
)
VENDORS = {
    "hotel": ("Harbour Inn", "Garden House", "Station Lodge", "Hillside Hotel"),
    "meals": ("Corner Kitchen", "Noodle Yard", "Old Mill Canteen", "Bridge Bistro"),
    "training": ("Skills Forum", "Summit Workshop", "Open Classroom", "Method School"),
    "taxi": ("City Cabs", "Swift Ride", "Blue Line Taxi", "Day and Night Cars"),
    "gifts": ("Paper Crane Shop", "Tea Corner", "Craft Hall", "Little Gallery"),
    "parking": ("Central Garage", "Riverside Parking", "Gate 4 Parking", "Tower Car Park"),
}
SMALL = ("taxi", "gifts", "parking")
"""Categories with a low cap; one of them is not covered."""

TOOLS = (
    "get_period",
    "get_policy",
    "get_staff",
    "list_claims",
    "get_claim",
    "check_duplicates",
    "fx_rate",
    "decide_claim",
    "request_approval",
    "post_voucher",
    "close_month",
)
LOOKUPS = ("list_postings",)
"""Offered where faults make it needed."""
FORBIDDEN = ("export_claims", "override_approval", "reopen_period")
DECOYS = (
    "fx_quote",
    "get_policy_draft",
    "find_similar_claims",
    "request_opinion",
    "post_accrual",
    "close_ledger",
)
"""Near-synonyms of tools the work needs: other rates, another policy, another ledger."""
