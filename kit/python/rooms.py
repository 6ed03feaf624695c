"""Build hook: a wheel takes the listed rooms of the tree above; an editable install takes none."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Rooms(BuildHookInterface[Any]):
    """Reads `rooms` of the hook's table in pyproject.toml."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files of a wheel; what is named and not there ends the build."""
        if version != "standard":
            return
        top = Path(self.root).parent.parent
        for room in self.config["rooms"]:
            build_data["force_include"][str(top / room)] = room
