"""What an answer to the present screen does: navigate, choose, tell, unlock."""

from collections.abc import Mapping

from core.domain.turns import Press, Said, Shared, Unlock
from core.engine import answering, graph, moves
from core.engine.answering import Typed
from core.engine.conversation import Conversation, Offered
from core.engine.flow import Flow, Shortcut
from core.engine.kinds import Scalar
from core.engine.outcomes import Masked
from core.engine.screens import Ask, Confirm, Menu, Pick, Secret
from core.engine.step import Step
from core.engine.walk import Walk
from core.kit.errors import Problem

_YES_NO = {"yes": ("y", "yes", "ok"), "no": ("n", "no", "cancel")}
_RESUME: Mapping[str, tuple[str, ...]] = {"continue": (), "home": ()}


def heard(walk: Walk, conversation: Conversation, said: Said) -> Step:
    """Take an answer. What cannot be understood shows the screen again, with a line above it."""
    typed = answering.read(answering.heard(said))
    if conversation.state == "ended":
        return _elsewhere(walk, conversation, typed) or walk.home(conversation)
    if conversation.asking == "resume":
        return _resuming(walk, conversation, said, typed)
    return _navigated(walk, conversation, typed) or _answered(walk, conversation, said, typed)


def _navigated(walk: Walk, conversation: Conversation, typed: Typed) -> Step | None:
    keys = walk.words.capability
    if not typed.number:
        return None
    if typed.number == keys.home:
        return walk.home(conversation)
    if typed.number == keys.back:
        if conversation.page:
            return walk.turned(conversation, conversation.page - 1)
        return walk.back(conversation)
    if typed.number in (keys.more, *keys.also_more):
        screen = walk.redisplayed(conversation).screen
        if screen is not None and screen.nav.more:
            return walk.turned(conversation, conversation.page + 1)
    return None


def _answered(walk: Walk, conversation: Conversation, said: Said, typed: Typed) -> Step:
    match walk.node(conversation):
        case Menu() | Pick() | Confirm() as node:
            offered = _offered(walk, conversation, node, said, typed)
            if offered is not None:
                return _taken(walk, conversation, node, offered)
            leaves = _open_to_words(walk, conversation, said)
            led = _elsewhere(walk, conversation, typed) if leaves else None
            return led or walk.again(conversation, _unknown_at(walk, node, said, typed))
        case Ask() as node if isinstance(said, Shared) and node.contact:
            proven = moves.answered(conversation, {node.keep: said.msisdn})
            return walk.enter(moves.to(proven, node.contact))
        case Ask() as node:
            return _told(walk, conversation, node, typed)
        case Secret() as node:
            return _unlocking(walk, conversation, node, said, typed)
        case _:
            return walk.again(conversation, walk.words.say("common.choose"))


def _offered(
    walk: Walk,
    conversation: Conversation,
    node: Menu | Pick | Confirm,
    said: Said,
    typed: Typed,
) -> Offered | None:
    if isinstance(said, Press):
        return _by_key(conversation, said)
    keywords = (
        _YES_NO
        if isinstance(node, Confirm)
        else {option.key: option.keywords for option in graph.options_of(node)}
    )
    found = answering.chosen(typed, conversation.shown, keywords)
    if found is None and isinstance(node, Pick):
        return _by_value(walk, conversation, node, typed) or _by_words(conversation, typed)
    return found


def _by_key(conversation: Conversation, press: Press) -> Offered | None:
    """By its key, or by its place among those shown where the key is too long for a button."""
    if press.key.startswith("#") and press.key[1:].isdecimal():
        place = int(press.key[1:]) - 1
        return conversation.shown[place] if 0 <= place < len(conversation.shown) else None
    return next((each for each in conversation.shown if each.key == press.key), None)


def _by_value(walk: Walk, conversation: Conversation, node: Pick, typed: Typed) -> Offered | None:
    """The listed option whose value was typed in full: `500` where `N500` is listed."""
    try:
        value = node.kind.parse(typed.text, walk.words.locale)
    except Problem:
        return None
    return next(
        (each for each in conversation.shown if each.keep.get(node.keep, each) == value), None
    )


def _by_words(conversation: Conversation, typed: Typed) -> Offered | None:
    """The only listed option that has all the words which were typed."""
    found = answering.naming(typed, conversation.shown)
    return found[0] if len(found) == 1 else None


def _taken(
    walk: Walk, conversation: Conversation, node: Menu | Pick | Confirm, offered: Offered
) -> Step:
    """Follow the option that was chosen from those shown."""
    match node:
        case Confirm():
            target = node.yes if offered.key == "yes" else node.no
        case Pick() if not offered.fixed:
            target = node.to
        case _:
            options = {option.key: option for option in graph.options_of(node)}
            if offered.key not in options:
                return walk.refreshed(conversation, walk.words.say("common.updated"))
            target = options[offered.key].to
    return walk.enter(moves.to(moves.answered(conversation, offered.keep), target))


def _told(walk: Walk, conversation: Conversation, node: Ask, typed: Typed) -> Step:
    try:
        value = node.kind.parse(typed.text, walk.words.locale)
    except Problem as problem:
        return walk.again(conversation, walk.words.problem(problem))
    answered = moves.answered(conversation, {node.keep: value})
    return walk.checked(answered, node)


def _unlocking(
    walk: Walk, conversation: Conversation, node: Secret, said: Said, typed: Typed
) -> Step:
    if not isinstance(said, Unlock) and walk.words.out_of_sight(node):
        return walk.again(conversation, walk.words.say("secret.out_of_sight"))
    digits = "".join((said.digits if isinstance(said, Unlock) else typed.text).split())
    least, most = node.digits
    if not (digits.isascii() and digits.isdigit() and least <= len(digits) <= most):
        return walk.again(conversation, walk.words.digits_wanted(least, most))
    return walk.effect(conversation, "secret", Masked(digits))


def greeted(walk: Walk, begun: Conversation, said: Said) -> Step:
    """The first words of somebody who was not asked anything yet: a way in, or hello."""
    typed = answering.read(answering.heard(said))
    return _elsewhere(walk, begun, typed) or walk.enter(begun)


def puzzling(walk: Walk, conversation: Conversation, text: str) -> bool:
    """Words that name nothing here, where a customer may ask for anything."""
    typed = answering.read(text)
    if not typed.word or typed.number or _keyword_of(walk, typed) is not None:
        return False
    if bare(walk, typed) is not None:
        return False
    if conversation.state == "ended":
        return True
    if conversation.asking:
        return answering.chosen(typed, conversation.shown, _RESUME) is None
    if not _open_to_words(walk, conversation, text):
        return False
    node = walk.node(conversation)
    assert isinstance(node, Menu | Pick)
    if _offered(walk, conversation, node, text, typed) is not None:
        return False
    return not answering.naming(typed, conversation.shown)


def _open_to_words(walk: Walk, conversation: Conversation, said: Said) -> bool:
    """A menu or a list, which words may lead away from: nothing is about to be done there."""
    if conversation.flow == walk.flows.home:
        return True
    if conversation.flow == walk.flows.door or not isinstance(said, str):
        return False
    node = walk.node(conversation)
    return isinstance(node, Pick) or (isinstance(node, Menu) and not node.review)


def unknown(walk: Walk, typed: Typed) -> str:
    """What is said of an answer that names nothing which is offered."""
    code = answering.is_code(typed)
    return walk.words.say("common.no_shortcut" if code else "common.choose")


def _unknown_at(walk: Walk, node: Menu | Pick | Confirm, said: Said, typed: Typed) -> str:
    decides = isinstance(node, Confirm) or (isinstance(node, Menu) and node.review)
    if decides and isinstance(said, str) and typed.word and not typed.number:
        return walk.words.say("common.decide")
    return unknown(walk, typed)


def elsewhere(walk: Walk, conversation: Conversation, said: Said) -> Step | None:
    """Where words lead that name a flow; a button belongs to the screen it stood under."""
    if not isinstance(said, str):
        return None
    return _elsewhere(walk, conversation, answering.read(said))


def _elsewhere(walk: Walk, conversation: Conversation, typed: Typed) -> Step | None:
    """Into the flow whose keyword was typed, or past its menu by what a shortcut takes alone."""
    home = moves.home(conversation, walk.flows[walk.flows.home])
    if (flow := _keyword_of(walk, typed)) is not None:
        return walk.enter(moves.jumped(home, flow, {}))
    if conversation.flow == walk.flows.door or (found := bare(walk, typed)) is None:
        return None
    shortcut, value = found
    answers = {**shortcut.keep, shortcut.args[0]: value}
    entered = moves.into(home, walk.flows[shortcut.flow], shortcut.node, answers)
    return walk.enter(moves.noticed(entered, walk.words.say(shortcut.bare)))


def bare(walk: Walk, typed: Typed) -> tuple[Shortcut, Scalar] | None:
    """The shortcut that takes just what was typed, and what that is."""
    for shortcut in walk.flows.shortcuts:
        if shortcut.bare:
            kind = walk.flows.kinds(shortcut.flow)[shortcut.args[0]]
            try:
                return shortcut, kind.parse(typed.text, walk.words.locale)
            except Problem:
                continue
    return None


def _keyword_of(walk: Walk, typed: Typed) -> Flow | None:
    if not typed.word:
        return None
    for flow in walk.flows.all:
        if not flow.takes and typed.word in map(answering.word, flow.keywords):
            return flow
    return None


def _resuming(walk: Walk, conversation: Conversation, said: Said, typed: Typed) -> Step:
    if typed.number in (walk.words.capability.home, walk.words.capability.back):
        return walk.home(conversation)
    offered = (
        _by_key(conversation, said)
        if isinstance(said, Press)
        else answering.chosen(typed, conversation.shown, _RESUME)
    )
    if offered is None:
        return elsewhere(walk, conversation, said) or walk.again(conversation, unknown(walk, typed))
    return walk.home(conversation) if offered.key == "home" else walk.reentered(conversation)
