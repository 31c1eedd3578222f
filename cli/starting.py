"""Where the program begins: what must hold while its parts are still being imported."""

import signal
import sys

from core.kit import collector


def main() -> None:
    """A stop before there is anything to stop is a clean end as well."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with collector.undisturbed():
        from cli.main import main as begin

    begin()
