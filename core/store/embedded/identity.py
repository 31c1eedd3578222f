"""Who the servers run as.

Postgres refuses to run as root, so root hands its servers to `nobody`; an ordinary user runs them
as itself. `nobody` is shared: on many machines other daemons run under it too, and may read what
it owns. So the servers also get a group number that no other process has, and every folder of
theirs stands behind a gate that opens to root and to that group only. The number is drawn anew
on each start and needs no entry in any table, so nothing is changed in the system.
"""

import grp
import os
import pwd
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from core.store.embedded.faults import CannotStart

UNASSIGNED_GIDS = range(60706, 61184)
"""Numbers that neither distributions nor systemd give away, and small enough for containers whose
user namespace ends at 65535. Source: https://systemd.io/UIDS-GIDS, "Special Distribution UID
Ranges", read 2026-11-21."""


class PopenIdentity(TypedDict):
    """The arguments of `subprocess` that make a child another user."""

    user: int | None
    group: int | None
    extra_groups: Sequence[int] | None


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and group of the servers; `switched` when that is not who runs Callbox."""

    uid: int
    gid: int
    switched: bool

    @property
    def popen(self) -> PopenIdentity:
        if not self.switched:
            return {"user": None, "group": None, "extra_groups": None}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may_execute(self, path: Path) -> bool:
        """Ask the system, as this user, whether a folder can be entered or a program run."""
        answer = subprocess.run(  # noqa: S603 - the path is an argument, not code
            ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)],
            **self.popen,
            cwd="/",
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return answer.returncode == 0

    def own(self, directory: Path) -> None:
        """Make a folder of ours (or create it) one that only the servers use."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if self.switched:
            os.chown(directory, self.uid, self.gid)
        directory.chmod(0o700)

    def gate(self, directory: Path) -> None:
        """Let the servers pass through a folder of ours, and no other user."""
        if self.switched:
            os.chown(directory, os.geteuid(), self.gid)
            directory.chmod(0o710)
        else:
            directory.chmod(0o700)

    def share(self, file: Path) -> None:
        """Let the servers read a file of ours, and no other user."""
        if self.switched:
            os.chown(file, os.geteuid(), self.gid)
            file.chmod(0o640)
        else:
            file.chmod(0o600)


def servers_identity() -> Identity:
    """Choose who the servers of this process run as.

    Raises:
        CannotStart: root has no `nobody` to hand them to, or may not change user here.
    """
    if os.geteuid() != 0:
        return Identity(os.geteuid(), os.getegid(), switched=False)
    try:
        nobody = pwd.getpwnam("nobody").pw_uid
    except KeyError:
        raise CannotStart(
            "Postgres does not run as root and this machine has no user 'nobody': "
            "run Callbox as an ordinary user, or set DATABASE_URL and REDIS_URL"
        ) from None
    identity = Identity(nobody, _free_gid(), switched=True)
    try:
        identity.may_execute(Path("/"))
    except (OSError, subprocess.SubprocessError):
        raise CannotStart(
            "Postgres does not run as root and this root may not become 'nobody': "
            "run Callbox as an ordinary user, or set DATABASE_URL and REDIS_URL"
        ) from None
    return identity


def user_name() -> str:
    """The name of the user who runs Callbox, which is how Postgres knows its clients.

    Raises:
        CannotStart: the user has a number and no name, as in some containers.
    """
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise CannotStart(
            f"user {os.geteuid()} has no name on this machine and Postgres needs one: "
            "run Callbox as a user in /etc/passwd, or set DATABASE_URL"
        ) from None


def _free_gid() -> int:
    taken = {entry.gr_gid for entry in grp.getgrall()}
    return secrets.choice([gid for gid in UNASSIGNED_GIDS if gid not in taken])
