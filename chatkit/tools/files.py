"""How many files (and so connections) this process may have open."""

import math
from contextlib import suppress

__all__ = ["SPARE_FILES", "raise_file_limit"]

SPARE_FILES = 64  # files that a server needs beside its clients


def raise_file_limit() -> float:
    """Open files that this process may have from now on; infinity where the system sets no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return math.inf
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # macOS names a hard limit that it then refuses
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return math.inf if soft == resource.RLIM_INFINITY else soft
