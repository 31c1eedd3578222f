"""Backups and exports: files that the router writes in the background, and lets us read in pieces.

Source: MikroTik's manual; `/file/read` since 7.13, at most 32,768 bytes at once. A file is written
when two looks at it find the same size above nothing (librouteros, NAPALM and others wait like
this). What v6 exports stays on the router.
"""

import asyncio

from core.domain.routers import StoredFile
from core.ports.hotspot import Refusal
from core.providers.hotspot import words
from core.providers.hotspot.asking import Doubted, Talk, Told
from core.providers.hotspot.replies import Garbled, Row
from core.providers.hotspot.system import resource

_LOOKS_AFTER_S = (0.3, 0.3, 0.6, 1.2, 2.4, 4.8, 9.6)
_READS_FILES = (7, 13)
_CHUNK = 32_768
_EXPORT_MAX = 1024 * 1024
_FILE_WORDS = "=.proplist=.id,name,type,size,creation-time"


async def save_backup(talk: Talk, name: str, password: str) -> StoredFile:
    await talk.change("/system/backup/save", f"=name={name}", f"=password={password}")
    return await _written(talk, f"{name}.backup")


async def export(talk: Talk, name: str) -> str:
    if words.release((await resource(talk)).version) < _READS_FILES:
        raise Told(Refusal.UNSUPPORTED, "files are read since RouterOS 7.13")
    await talk.change("/export", f"=file={name}")
    file = await _written(talk, f"{name}.rsc")
    if file.size > _EXPORT_MAX:
        raise Doubted("too_large")
    content = ""
    at = 0
    while at < file.size:
        told = [f"=file={file.name}", f"=offset={at}", f"=chunk-size={_CHUNK}"]
        rows = await talk.read("/file/read", *told)
        if len(rows) != 1 or not rows[0].get("data"):
            raise Garbled("data")
        content += rows[0]["data"]
        at += _CHUNK
    await remove(talk, file.name)
    return content


async def stored(talk: Talk) -> tuple[StoredFile, ...]:
    return tuple(_file(row) for row in await talk.read("/file/print", _FILE_WORDS))


async def remove(talk: Talk, name: str) -> None:
    rows = await talk.read("/file/print", _FILE_WORDS, f"?name={name}")
    ids = [row.get(".id", "") for row in rows if row.get("name") == name]
    if not ids:
        raise Told(Refusal.MISSING)
    await talk.change("/file/remove", f"=.id={ids[0]}")


async def restore_backup(talk: Talk, name: str, password: str) -> None:
    await talk.change("/system/backup/load", f"=name={name}", f"=password={password}")


async def _written(talk: Talk, name: str) -> StoredFile:
    before = 0
    for pause_s in _LOOKS_AFTER_S:
        await asyncio.sleep(pause_s)
        rows = await talk.read("/file/print", _FILE_WORDS, f"?name={name}")
        files = [_file(row) for row in rows if row.get("name") == name]
        if files and files[0].size == before > 0:
            return files[0]
        before = files[0].size if files else 0
    raise Doubted("not_written")


def _file(row: Row) -> StoredFile:
    return StoredFile(
        name=words.needed(row, "name"),
        kind=words.text(row, "type"),
        size=words.count(row, "size"),
        created=words.text(row, "creation-time"),
    )
