"""What a wheel carries beside the package: the course, as `chatkit lab` hands it out. `pip` runs this.

The papers lie above the notebooks there as they do here, so the lessons' links to them work. An editable install gets
none of it: it has the clone.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Course(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            root = Path(self.root)
            for path in (root / "notebooks", *sorted(root.glob("*.md"))):
                build_data["force_include"][str(path)] = f"chatkit/course/{path.name}"
