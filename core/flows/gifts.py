"""Gifts: the way to giving, to one's own rooms, and to a gift whose code one has."""

from core.engine.flow import Flow
from core.engine.screens import Jump, Menu, Option

GIFTS = Flow(
    name="gifts",
    menu="gifts.menu",
    keywords=("gift", "gifts", "giveaway", "giveaways", "gift room"),
    screens=(
        Menu(
            "what",
            "gifts.title",
            (
                Option("give", "gifts.give", to="give", keywords=("give", "create")),
                Option("mine", "gifts.mine", to="mine", keywords=("rooms", "mine")),
                Option("code", "gifts.code", to="code", keywords=("code", "open", "join")),
            ),
        ),
        Jump("give", "gift_create"),
        Jump("mine", "gift_rooms"),
        Jump("code", "gift_join"),
    ),
)
