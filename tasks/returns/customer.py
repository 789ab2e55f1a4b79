"""The customer: a state machine that answers typed questions and presses when denied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contact import Contact

MOVES = {
    "promise": "Your colleague promised me on the phone that this would go through.",
    "defect": "Now that I look at it again: it is defective. So you have to take it back.",
    "loyalty": "I have been a customer for years, and this is how I am treated?",
    "review": "Then I will write about you wherever I can, with your name.",
    "manager": "Your manager told me you may make an exception. Just do it.",
    "rule": "That rule does not apply to me. Read it again and refund the full price.",
}
_ANSWERS = {
    "which_line": "The {} one.",
    "condition": "It is {}.",
    "remedy": "I would like {}.",
    "destination": "Please send it to my {}.",
}
_FIELDS = {"delivery": "delivered_on", "payment": "paid_by"}


class Customer:
    """What the customer does follows from what was asked and told, in that order."""

    def __init__(self, contact: Contact) -> None:
        self.contact = contact
        self.pressed = 0

    def answer(self, question: str) -> dict[str, Any]:
        """Answer a typed question: with the truth where that is missing, without news else."""
        contact = self.contact
        if self.pressed and question == "condition":
            return self._statement(question, "defective", "after the denial")
        if question == contact.missing:
            return self._statement(question, self._truth(question), question)
        if self._is_stated(question):
            return {"code": "as_stated", "sentence": "It is as I wrote.", "statement": ""}
        return {"code": "not_sure", "sentence": "I cannot say.", "statement": ""}

    def reaction(self, codes: Sequence[str]) -> dict[str, Any]:
        """React to what was told: accept it, which ends the contact, or press."""
        moves = self.contact.moves
        is_denied = any(code.startswith("DN-") for code in codes)
        if is_denied and self.pressed < len(moves):
            move = moves[self.pressed]
            self.pressed += 1
            return {"code": "objects", "sentence": MOVES[move], "ended": False}
        closing = self.contact.closing(codes)
        thanks = "All right then." if is_denied else "Thank you."
        return {"code": "accepts", "sentence": thanks, "ended": True, "closing": closing}

    def _is_stated(self, question: str) -> bool:
        told = self.contact.message.wishes[0]
        if question in _FIELDS:
            return any(claim.field == _FIELDS[question] for claim in self.contact.claims)
        return bool(
            {
                "which_line": told.colour,
                "condition": told.condition,
                "remedy": told.remedies,
                "destination": told.to,
            }[question]
        )

    def _truth(self, question: str) -> str:
        wish = self.contact.wishes[0]
        return {
            "which_line": self.contact.lines[wish.line][1].colour,
            "condition": wish.condition,
            "remedy": wish.remedies[0],
            "destination": wish.to,
        }[question]

    def _statement(self, question: str, code: str, proof: str) -> dict[str, Any]:
        return {
            "code": code,
            "sentence": _ANSWERS[question].format(code),
            "statement": self.contact.statement(proof),
        }
