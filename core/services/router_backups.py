"""Backups of routers: made, listed, read, compared, and gone back to.

A backup is two things: a file on the router, encrypted with a password that we keep, and the
configuration as text with us. The file brings a router back; the text shows what changed.
"""

import secrets
from collections.abc import Sequence
from uuid import UUID

from core.domain.hotspot import Router
from core.kit import ids
from core.kit.clock import Clock
from core.kit.counts import counted
from core.kit.errors import Problem
from core.ports import Backoffice, Event, Paging
from core.ports.hotspot import Done, HotspotRouter, HotspotRouters, Refusal, Refused, Unknown
from core.ports.router_upkeep import Backup, RouterBackups
from core.services.router_control import RouterDoubted, RouterRefused, told, word_of
from core.services.router_desk import NotConfirmed, RouterDesk, subject
from core.services.router_exports import differences, without_vouchers

_PASSWORD_BYTES = 18
_NO_TEXT = "no text: RouterOS reads files out since 7.13"
_BROKE_OFF = frozenset({"closed", "connection_lost", "timeout"})


class UnknownBackup(Problem):
    code = "router.backup_unknown"


class NoBackupText(Problem):
    """The router let nobody read its configuration."""

    code = "router.backup_without_text"


class RouterBackupDesk:
    """Every use is written down.

    All raise `UnknownRouter`, and `RouterRefused` or `RouterDoubted` as the router answers.
    """

    def __init__(
        self,
        desk: RouterDesk,
        routers: HotspotRouters,
        backups: RouterBackups,
        backoffice: Backoffice,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._routers = routers
        self._backups = backups
        self._backoffice = backoffice
        self._clock = clock

    async def make(self, tenant_id: UUID, router_id: UUID, name: str, actor: str) -> Backup:
        """Write the file on the router, and read the configuration."""
        router, asked = await self._at(tenant_id, router_id)
        backup_id, now = ids.uuid7(), self._clock.now()
        file = f"callbox-{now:%Y%m%d-%H%M%S}-{backup_id.hex[-6:]}"
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        stored = told(await asked.save_backup(file, password))
        text, note = await self._text(asked, file)
        statistics = await asked.last_statistics()
        version = statistics.value.value.resource.version if isinstance(statistics, Done) else ""
        backup = Backup(
            id=backup_id,
            tenant_id=tenant_id,
            router_id=router_id,
            name=name.strip() or f"{router.name} {now:%Y-%m-%d %H:%M}",
            file=file,
            password=password,
            size=stored.size,
            version=version,
            text=text,
            note=note,
            created_at=now,
            created_by=actor,
        )
        facts: dict[str, object] = {"backup": str(backup_id), "file": file, "text": bool(text)}
        event = Event(subject(router_id), "router.backup_made", actor, facts)
        await self._backups.add(backup, event)
        return backup

    async def listed(self, tenant_id: UUID, router_id: UUID, paging: Paging) -> Sequence[Backup]:
        """One page and the row after it, without texts."""
        await self._desk.show(tenant_id, router_id)
        return await self._backups.listed(tenant_id, router_id, paging)

    async def count(self, tenant_id: UUID, router_id: UUID) -> int:
        return await self._backups.count(tenant_id, router_id)

    async def show(self, tenant_id: UUID, router_id: UUID, backup_id: UUID) -> Backup:
        """Raises `UnknownBackup`."""
        found = await self._backups.get(tenant_id, router_id, backup_id)
        if found is None:
            raise UnknownBackup
        return found

    async def download(
        self, tenant_id: UUID, router_id: UUID, backup_id: UUID, actor: str
    ) -> tuple[str, str]:
        """A name for the file, and the configuration.

        Raises:
            UnknownBackup: there is none of this id.
            NoBackupText: the router's version let nobody read it.
        """
        backup = await self.show(tenant_id, router_id, backup_id)
        if backup.text is None:
            raise NoBackupText
        facts: dict[str, object] = {"backup": str(backup_id)}
        event = Event(subject(router_id), "router.backup_downloaded", actor, facts)
        await self._backoffice.note(tenant_id, event)
        return f"{backup.file}.rsc", backup.text

    async def compare(
        self, tenant_id: UUID, router_id: UUID, before: UUID, after: UUID | None
    ) -> str:
        """What changed from one backup to another, or to the router as it is now; "" is nothing.

        Raises:
            UnknownBackup: there is none of one of these ids.
            NoBackupText: one of them has no text.
        """
        texts = [(await self.show(tenant_id, router_id, before)).text]
        if after is not None:
            texts.append((await self.show(tenant_id, router_id, after)).text)
        else:
            _, asked = await self._at(tenant_id, router_id)
            exported = told(await asked.export(f"callbox-compare-{ids.uuid7().hex[-6:]}"))
            texts.append(without_vouchers(exported)[0])
        first, second = texts
        if first is None or second is None:
            raise NoBackupText
        return differences(first, second)

    async def restore(
        self, tenant_id: UUID, router_id: UUID, backup_id: UUID, confirmed: str, actor: str
    ) -> bool:
        """Have the router go back to a backup; it restarts. Vouchers are compared when it is back.

        Answers whether the router took the order; False: it went away while it answered, as it
        does when it restarts. `confirmed` is the router's name, typed by whoever wants this.

        Raises:
            UnknownBackup: there is none of this id.
            NotConfirmed: that is not its name.
        """
        router, asked = await self._at(tenant_id, router_id)
        backup = await self.show(tenant_id, router_id, backup_id)
        if confirmed != router.name:
            raise NotConfirmed
        outcome = await asked.restore_backup(backup.file, backup.password)
        facts: dict[str, object] = {"backup": str(backup_id), "outcome": word_of(outcome)}
        event = Event(subject(router_id), "router.backup_restored", actor, facts)
        await self._backoffice.note(tenant_id, event)
        match outcome:
            case Done():
                return True
            case Unknown(reason=reason) if reason in _BROKE_OFF:
                return False
            case Unknown():
                raise RouterDoubted(outcome)
            case Refused():
                raise RouterRefused(outcome)

    async def _text(self, asked: HotspotRouter, file: str) -> tuple[str | None, str]:
        exported = await asked.export(file)
        if isinstance(exported, Refused) and exported.reason is Refusal.UNSUPPORTED:
            return None, _NO_TEXT
        if not isinstance(exported, Done):
            return None, f"no text: {word_of(exported)}"
        text, left_out = without_vouchers(exported.value)
        return text, f"{counted(left_out, 'voucher')} left out of the text" if left_out else ""

    async def _at(self, tenant_id: UUID, router_id: UUID) -> tuple[Router, HotspotRouter]:
        router = await self._desk.show(tenant_id, router_id)
        return router, self._routers.of(router.id, router.access)
