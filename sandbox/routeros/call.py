"""One command: what it says, who says it, and where its rows go."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.routeros.box import Box
from sandbox.routeros.plan import POLICIES
from sandbox.routeros.refusals import NO_PERMISSION, Trap
from sandbox.routeros.schema import ACCOUNTS, GROUPS

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Call:
    """A sentence, read.

    Attributes:
        path: The menu, like `/ip/hotspot/user`; `verb` is what is to be done there.
        given: The attributes.
        queries: The query words, in their order.
        send: Takes one row.
    """

    box: Box
    account: str
    path: str
    verb: str
    given: Mapping[str, str]
    queries: Sequence[str]
    send: Callable[[Pairs], Awaitable[None]]

    @property
    def properties(self) -> frozenset[str] | None:
        """What `.proplist` asks for; None is everything."""
        told = self.given.get(".proplist")
        return frozenset(told.split(",")) if told else None

    @property
    def attributes(self) -> dict[str, str]:
        """What the command is told of an item: neither its id nor words about the reply."""
        return {name: value for name, value in self.given.items() if not name.startswith(".")}

    def need(self, *policies: str) -> None:
        """Raises `Trap` where the account lacks one of them."""
        if not set(policies) <= policies_of(self.box, self.account):
            raise Trap(NO_PERMISSION)

    def may(self, policy: str) -> bool:
        return policy in policies_of(self.box, self.account)


def policies_of(box: Box, account: str) -> frozenset[str]:
    user = box[ACCOUNTS].named(account)
    group = box[GROUPS].named(user.values["group"]) if user else None
    listed = (group.values["policy"] or "").split(",") if group else []
    return frozenset(name for name in POLICIES if name in listed)


def read_words(words: Sequence[str]) -> tuple[dict[str, str], list[str], str | None]:
    """Attributes, query words and the tag of a sentence."""
    given: dict[str, str] = {}
    queries: list[str] = []
    tag = None
    for word in words[1:]:
        if word.startswith("="):
            name, _, value = word[1:].partition("=")
            given[name] = value
        elif word.startswith("?"):
            queries.append(word)
        elif word.startswith(".tag="):
            tag = word.removeprefix(".tag=")
        elif word.startswith(".proplist="):
            given[".proplist"] = word.removeprefix(".proplist=")
    return given, queries, tag
