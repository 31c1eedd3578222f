"""Callbox's own Postgres and Valkey, for a machine where nobody set up any.

`start_services` is the way in; `join_services` for commands beside a running Callbox. Both servers
are the real programs, listen on unix sockets that only the user who runs Callbox can reach, and
live no longer than the process that started them.
"""

from core.store.embedded.faults import AlreadyRunning, CannotStart
from core.store.embedded.services import ServiceUrls, join_services, start_services

__all__ = ["AlreadyRunning", "CannotStart", "ServiceUrls", "join_services", "start_services"]
