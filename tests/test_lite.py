"""The heart, the wire and the exercises run where there are no sockets, threads or processes (as in a browser)."""

import subprocess
import sys

from tests.needs import ROOT


def test_a_chat_without_sockets_threads_and_processes() -> None:
    """Only `addresses` may ask whether there are any: it knows what to do where there are none."""
    ran = subprocess.run([sys.executable, "-m", "tests.lite"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("sockets tried by: chatkit.addresses\n"), ran.stdout
