"""One try at one request: from where the person is to a screen that is kept with the reply."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from core.domain.customers import Customer, Tenant
from core.domain.display import Screen
from core.domain.turns import Advance, Inbound, Progress, Reply, Said
from core.engine.kinds import Locale
from core.engine.machine import Effect, Outcome, Step
from core.engine.outcomes import Done, Failed
from core.kit import crash, ids
from core.kit.errors import Problem
from core.services.context import locale_of
from core.services.record import Estranged, Overtaken, Record

if TYPE_CHECKING:  # they make turns
    from core.services.conversations import Conversations

log = structlog.get_logger()

_WAIT_STEP_S = 0.04


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds.

    Attributes:
        wait_s: How long a turn may wait for what an effect began.
        effect_s: How long an effect may take before nobody waits for it.
        resume_within_s: How soon after a drop the customer is asked whether to go on.
        lapse_s: How old an effect may be that was begun and never ended, to be begun again.
    """

    wait_s: float = 3.0
    effect_s: float = 6.0
    resume_within_s: float = 900.0
    lapse_s: float = 60.0


class Turn:
    """One try at one request, from one reading of the store."""

    def __init__(self, parent: "Conversations", inbound: Inbound, *, anew: bool) -> None:
        self._parent = parent
        self._anew = anew  # whatever was kept is somebody else's
        self._machine = parent.machine
        self._inbound = inbound
        self._capability = parent.capability(inbound.channel)
        self._door = parent.door(self._capability)
        self._version: int | None = None
        self._served: tuple[str, ...] = ()
        self._parted = False

    async def take(self) -> Reply:
        kept, self._version = await self._parent.load(self._inbound)
        self._served = kept.served_with_last() if kept and not self._capability.sessions else ()
        record = None if self._anew else kept
        tenant = await self._parent.tenant(self._inbound.channel.tenant_id)
        advance = self._inbound.cursor.advance(record.mark if record else None)
        if kept is not None and kept.served_before(advance.mark):
            advance = Advance(Progress.REPEAT, (), advance.mark)
        if record is None or advance.progress is Progress.BEGIN:
            return await self._begin(tenant, record, advance)
        locale = locale_of(tenant, record.language)
        if record.conversation.state == "acting":
            return await self._recover(tenant, locale, record, advance)
        if advance.progress is Progress.NEW:
            if not self._capability.sessions and not self._is_recent(record):
                return await self._begin(tenant, record, advance)
            return await self._answer(tenant, locale, record, advance)
        if advance.progress is Progress.STALE:
            log.info("turn.stale", session=self._inbound.session_id)
        return self._reply(locale, record)

    def _serve(self, record: Record, mark: str) -> None:
        if self._capability.sessions:
            record.mark = mark
        else:
            record.now_serves(mark)

    def _reply(self, locale: Locale, record: Record, screen: Screen | None = None) -> Reply:
        """What was kept, with the screen for channels that show more than its words."""
        if self._capability.sessions:
            return Reply(record.reply, record.ends)
        if screen is None:
            again = self._machine.redisplay(record.conversation, locale, self._capability)
            screen = again.screen
        return Reply(record.reply, record.ends, screen)

    async def _begin(self, tenant: Tenant, before: Record | None, advance: Advance) -> Reply:
        """A new session: go on where the last one broke off, or start at the menu."""
        customer = await self._parent.people.recognised(self._inbound)
        language = self._language(tenant, customer)
        wanted = await self._parent.followed(self._inbound, advance, customer, language)
        if wanted is not None and customer is None:
            customer = await self._parent.people.recognised(self._inbound)
            language = self._language(tenant, customer)
        locale = locale_of(tenant, language)
        recent = before if before is not None and self._is_worth_keeping(before) else None
        record = Record(
            session=self._inbound.session_id,
            mark=advance.mark,
            conversation=self._machine.start(
                ids.timed_key(), locale, self._capability
            ).conversation,
            customer=customer.id if customer else None,
            language=language,
            committed=recent.committed if recent else False,
            network_hint=self._inbound.network_hint,
            wanted=recent.wanted if recent else "",
            given=recent.given if recent else {},
            told=before.told if before else "",
            served=self._served,
        )
        if recent and recent.conversation.state == "acting":
            record.conversation = recent.conversation
            record.acting_at = recent.acting_at
            record.lapsed = recent.lapsed
            return await self._recover(tenant, locale, record, advance)
        if wanted is not None:
            step = self._door.led(locale, record, wanted)
        else:
            step = await self._opening(tenant, locale, record, recent, advance)
        return await self._run(tenant, locale, record, step)

    def _language(self, tenant: Tenant, customer: Customer | None) -> str:
        if customer is not None:
            return customer.language
        return self._parent.language(tenant, self._inbound.language_hint)

    def _is_worth_keeping(self, record: Record) -> bool:
        """A chat is one long talk: what was begun there is offered again, or seen through."""
        return not self._capability.sessions or self._is_recent(record)

    def _is_recent(self, record: Record) -> bool:
        away_s = self._parent.now() - record.touched_at
        return away_s <= self._parent.patience.resume_within_s

    async def _opening(
        self,
        tenant: Tenant,
        locale: Locale,
        record: Record,
        recent: Record | None,
        advance: Advance,
    ) -> Step:
        """The first screen: what was dialled along, the offer to go on, or the menu."""
        conversation_id = record.conversation.id
        if record.customer is None:
            if advance.progress is Progress.NEW:
                self._door.keeps_for_later(locale, record, advance.inputs[0])
            return self._door.before(conversation_id, locale)
        dialled = tuple(each for each in advance.inputs if isinstance(each, str))
        if dialled and advance.progress is Progress.BEGIN:
            if self._capability.sessions and dialled[0].isdigit():
                return await self._dialled(tenant, locale, record, dialled)
            return self._machine.dial(conversation_id, dialled, locale, self._capability)
        if (
            recent
            and self._machine.resumable(recent.conversation)
            and (self._capability.sessions or advance.progress is Progress.NEW)
        ):
            said = "" if self._capability.sessions else advance.inputs[0]
            prompt = self._machine.resume_prompt(
                recent.conversation, locale, self._capability, said=said
            )
            return await self._puzzled_out(tenant, locale, record, prompt, said) or prompt
        notice = None
        if record.committed:
            notice = await self._parent.news(self._inbound, tenant, locale, record)
            record.committed = False
        if self._capability.sessions:
            return self._machine.start(
                conversation_id, locale, self._capability, notice=notice or ""
            )
        said = advance.inputs[0] if advance.inputs else ""
        step = self._machine.greet(
            conversation_id,
            said,
            locale,
            self._capability,
            notice=notice or self._parent.greeting(self._inbound, locale),
        )
        return await self._puzzled_out(tenant, locale, record, step, said) or step

    async def _dialled(
        self, tenant: Tenant, locale: Locale, record: Record, dialled: Sequence[str]
    ) -> Step:
        """What was dialled along is typed along in the menus.

        A shortcut takes up what these do not know: with `1*500` airtime is bought for N500.
        """
        begun = record.conversation.id
        if not dialled[0].isdecimal():
            return self._machine.dial(begun, dialled, locale, self._capability)
        step = self._machine.start(begun, locale, self._capability)
        for place, text in enumerate(dialled):
            step = await self._settle(tenant, locale, record, step)
            if self._machine.guarded(step) or (step.screen and step.screen.notice):
                break
            there = step.conversation
            step = self._machine.step(there, text, locale, self._capability)
            lost = step.screen is not None and (
                bool(step.screen.notice) or step.conversation.node == there.node
            )
            if lost and (place == 0 or (place == 1 and self._machine.knows(dialled[0]))):
                return self._machine.dial(begun, dialled, locale, self._capability)
        return step

    async def _answer(
        self, tenant: Tenant, locale: Locale, record: Record, advance: Advance
    ) -> Reply:
        """The customer answered; what was typed ahead is taken one by one while it may be.

        It stops short of what wants the customer's eyes, and where an answer was not understood:
        those that follow were meant for other screens.
        """
        self._serve(record, advance.mark)
        first, *ahead = advance.inputs
        if (
            self._door.keeps_for_later(locale, record, first)
            and record.conversation.state == "live"
        ):
            again = self._machine.redisplay(record.conversation, locale, self._capability)
            return await self._run(tenant, locale, record, again)
        here = Step(record.conversation)
        step = await self._puzzled_out(tenant, locale, record, here, first) or self._machine.step(
            record.conversation, first, locale, self._capability
        )
        for text in ahead:
            step = await self._settle(tenant, locale, record, step)
            if self._machine.guarded(step) or (step.screen and step.screen.notice):
                break
            step = self._machine.step(step.conversation, text, locale, self._capability)
        return await self._run(tenant, locale, record, step)

    async def _puzzled_out(
        self, tenant: Tenant, locale: Locale, record: Record, here: Step, said: Said
    ) -> Step | None:
        """Where free words seem to lead, in a chat, where they name nothing that is offered."""
        if self._capability.sessions or record.customer is None or not isinstance(said, str):
            return None
        if here.effect or not self._machine.puzzled(
            here.conversation, said, locale, self._capability
        ):
            return None
        wanted = await self._parent.proposal(said, tenant, record.customer, locale.language)
        if wanted is None:
            return None
        return self._machine.propose(
            here.conversation,
            wanted.shortcut,
            wanted.given,
            locale,
            self._capability,
            notice=wanted.notice,
        )

    async def _recover(
        self, tenant: Tenant, locale: Locale, record: Record, advance: Advance
    ) -> Reply:
        """An effect was begun and its end not kept: wait for whoever runs it, or run it again."""
        if self._parent.now() - record.acting_at < self._parent.patience.effect_s:
            await self._await_other(record)
            raise Overtaken
        self._serve(record, advance.mark)
        away_s = self._parent.now() - record.acting_at
        record.lapsed = record.lapsed or away_s > self._parent.patience.lapse_s
        step = self._machine.recover(record.conversation, locale, self._capability)
        return await self._run(tenant, locale, record, step)

    async def _await_other(self, record: Record) -> None:
        """Give whoever runs the effect the time that an effect may take."""
        while self._parent.now() - record.acting_at < self._parent.patience.effect_s:
            await asyncio.sleep(_WAIT_STEP_S)
            _, version = await self._parent.load(self._inbound)
            if version != self._version:
                return

    async def _run(self, tenant: Tenant, locale: Locale, record: Record, step: Step) -> Reply:
        """See effects through to a screen, keep it, and answer with it."""
        step = await self._settle(tenant, locale, record, step)
        assert step.screen is not None
        locale = locale_of(tenant, record.language)
        record.conversation = step.conversation
        record.reply = step.screen.body
        record.ends = step.screen.ends
        record.acting_at = 0.0
        record.lapsed = False
        # Who took this very account off reads the end of it, and begins anew after that.
        record.touched_at = 0.0 if self._parted else self._parent.now()
        crash.point("turn.before_save")
        await self._parent.save(self._inbound, record, self._version)
        crash.point("turn.saved")
        return self._reply(locale, record, step.screen)

    async def _settle(self, tenant: Tenant, locale: Locale, record: Record, step: Step) -> Step:
        """Run effects until a screen comes of it."""
        step = await self._settled(tenant, locale, record, step)
        locale = locale_of(tenant, record.language)
        led = self._door.let_in(locale, record, step)
        return step if led is None else await self._settled(tenant, locale, record, led)

    async def _settled(self, tenant: Tenant, locale: Locale, record: Record, step: Step) -> Step:
        step = self._door.keeps_out(locale, record, step)
        while (effect := step.effect) is not None:
            self._complain(step)
            if effect.changes:
                record.conversation = step.conversation
                record.acting_at = record.touched_at = self._parent.now()
                self._version = await self._parent.save(self._inbound, record, self._version)
                crash.point("turn.acting")
            outcome = await self._perform(tenant, locale, record, effect)
            if effect.commits and not isinstance(outcome, Problem):
                record.committed = True
            if effect.changes and self._may_be_another(record, outcome):
                await self._get_to_know(record)
                locale = locale_of(tenant, record.language)
            step = self._machine.resume(step.conversation, outcome, locale, self._capability)
            step = self._door.keeps_out(locale, record, step)
        self._complain(step)
        return step

    def _may_be_another(self, record: Record, outcome: Outcome) -> bool:
        """Whether what was just done may tell more of the customer, or another language."""
        if record.customer is None or not self._capability.sessions:
            return True
        return isinstance(outcome, Done) and "language" in outcome.keep

    async def _get_to_know(self, record: Record) -> None:
        """The stranger's number may just have been proven, or another language been chosen."""
        customer = await self._parent.people.recognised(self._inbound)
        self._parted = customer is None and record.customer is not None
        if customer is not None:
            record.customer = customer.id
            record.language = customer.language

    def _complain(self, step: Step) -> None:
        if step.complaint:
            log.error("flow.broken", complaint=step.complaint)

    async def _perform(
        self, tenant: Tenant, locale: Locale, record: Record, effect: Effect
    ) -> Outcome:
        try:
            context = await self._parent.context(self._inbound, tenant, locale, record, effect)
            async with asyncio.timeout(self._parent.patience.effect_s):
                outcome: Outcome = await effect.run(context)
                return outcome
        except Estranged:
            raise
        except Problem as problem:
            return problem
        except TimeoutError:
            log.warning("effect.slow", effect=effect.key)
            return Failed()
        except Exception:
            log.exception("effect.failed", effect=effect.key)
            return Failed()
