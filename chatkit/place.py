"""Where this Python lives: in a page of a browser, in a Jupyter kernel; nothing is imported to find out."""

import sys


def in_browser() -> bool:
    """Whether it is a browser's own (Pyodide, as in JupyterLite): no sockets, no threads, no other programs."""
    return sys.platform == "emscripten"


def in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel, so that a page may be there which shows widgets."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")
