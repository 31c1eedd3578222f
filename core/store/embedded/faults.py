"""Why embedded services do not start. Each message says what to do about it."""

from pathlib import Path

from core.kit.errors import Fault


class AlreadyRunning(Fault):
    """Another process runs the services of this home; two at once would ruin its data."""

    def __init__(self, home: Path, owner: str) -> None:
        super().__init__(
            f"Callbox already runs on {home} ({owner}): stop it, or set another CALLBOX_HOME"
        )


class CannotStart(Fault):
    """A server, its programs or its folder is not usable."""
