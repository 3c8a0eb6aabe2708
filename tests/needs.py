"""What some tests need beside Python: Chromium, node, and the two node clients.

Where a tool is missing the test skips and says why; on CI (`CI=true`) it fails instead, so nothing is skipped unseen.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: where `make build/node/node_modules` puts `ws` and `wscat`
NODE_MODULES = ROOT / "build" / "node" / "node_modules"

#: the browser that Playwright drives, or "" where there is none
CHROMIUM = next(
    filter(None, map(shutil.which, ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome"))), ""
)
#: `args` of Playwright's `chromium.launch(executable_path=CHROMIUM, ...)`: nothing but loopback is reached
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NODE = shutil.which("node") or ""
WSCAT = NODE_MODULES / "wscat" / "bin" / "wscat"


def need(missing: str) -> Callable[[Any], Any]:
    """Mark a test that cannot run while `missing` (a reason; "" when nothing is) holds."""
    if not missing:
        return lambda test: test
    if os.environ.get("CI") == "true":
        return pytest.mark.missing(missing)
    return pytest.mark.skip(reason=missing)


#: builds the lessons as pages, and opens them
need_lite = need(
    "" if CHROMIUM and shutil.which("npm") else "needs Chromium and npm: apt-get install chromium nodejs npm"
)
need_chromium = need("" if CHROMIUM else "needs Chromium: apt-get install chromium")
need_node = need(
    "needs node: apt-get install nodejs npm"
    if not NODE
    else "needs the node clients: make build/node/node_modules"
    if not (NODE_MODULES / "ws").is_dir()
    else ""
)
