"""All that operators do about routers, together."""

from dataclasses import dataclass

from core.services.router_backups import RouterBackupDesk
from core.services.router_bulks import RouterBulkDesk
from core.services.router_control import RouterControl
from core.services.router_desk import RouterDesk
from core.services.router_figures import RouterFigures
from core.services.router_import import RouterImport


@dataclass(frozen=True, slots=True)
class RouterOffice:
    desk: RouterDesk
    figures: RouterFigures
    control: RouterControl
    backups: RouterBackupDesk
    bulks: RouterBulkDesk
    imports: RouterImport
