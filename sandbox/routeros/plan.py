"""What a simulated router is, told when it is made."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# The manual's policies that matter here, in its order.
POLICIES = (
    "local", "telnet", "ssh", "ftp", "reboot", "read", "write", "policy", "test", "winbox",
    "password", "web", "sniff", "sensitive", "api", "romon", "rest-api",
)  # fmt: skip
VOUCHERS_NEED = frozenset({"api", "read", "write", "sensitive"})
UPKEEP_NEEDS = VOUCHERS_NEED | {"ftp", "test", "reboot"}
_VERSION = re.compile(r"(\d+)\.(\d+)")

# Everybody may know them: they open nothing but the sandbox's own routers.
ACCOUNT = "callbox"
PASSWORD = "SIM-router"  # noqa: S105 - everybody may know it


@dataclass(frozen=True, slots=True)
class Plan:
    """One router as it comes.

    Attributes:
        version: As `/system/resource` prints it; what is spoken depends on it.
        policies: What the group of the account `ACCOUNT` may.
        port: Where it listens on loopback; 0 is any free port.
        tls: The api-ssl service instead of the plain one.
        delay_s: From a sentence to its reply. Commands on other connections do not wait for it.
        work_s: How long the router's processor works on a command; one at a time.
        sessions_max: API sessions at once.
        drift_s: How far its clock is from ours. `zone_h` is its time zone.
        ntp: Something sets its clock again after the power was cut.
        colons: Durations as `1d02:00:00` instead of `1d2h`: both are met in the wild.
        hotspot_allowed: What its device-mode says.
        seen_from: The address that our connections come from, as the router sees them.
    """

    name: str
    version: str = "7.18.2 (stable)"
    policies: frozenset[str] = UPKEEP_NEEDS
    password: str = PASSWORD
    port: int = 0
    tls: ssl.SSLContext | None = None
    delay_s: float = 0.0
    work_s: float = 0.0
    sessions_max: int = 20
    drift_s: float = 0.0
    ntp: bool = True
    zone: str = "Africa/Lagos"
    zone_h: int = 1
    colons: bool = False
    hotspot_allowed: bool = True
    servers: tuple[str, ...] = ("hotspot1",)
    profiles: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: MappingProxyType({"1h": {"rate-limit": "2M/5M"}})
    )
    seen_from: str = "10.8.0.1"

    @property
    def release(self) -> tuple[int, int]:
        found = _VERSION.match(self.version)
        return (int(found[1]), int(found[2])) if found else (7, 0)

    @property
    def challenges(self) -> bool:
        """Login by challenge, before 6.43."""
        return self.release < (6, 43)

    @property
    def says_empty(self) -> bool:
        return self.release >= (7, 18)

    @property
    def iso_dates(self) -> bool:
        return self.release >= (7, 10)

    @property
    def has_device_mode(self) -> bool:
        return self.release >= (7, 0)

    @property
    def reads_files(self) -> bool:
        return self.release >= (7, 13)
