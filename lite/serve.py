"""Shows the lessons in this folder's `site` to this computer's own browser: `python3 serve.py`, and Ctrl+C to stop.

Nothing but Python is needed, 3.8 or newer. The port stays the same: a browser keeps your progress under the address.
"""

import argparse
import sys
import webbrowser
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = 8899


class Handler(SimpleHTTPRequestHandler):
    """Files as they lie there, each with its own type: Windows has its own ideas of some."""

    extensions_map = {  # noqa: RUF012 (it is so in the class above, too)
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".css": "text/css",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_):
        """Say nothing: thousands of lines would hide the address."""


class Server(ThreadingHTTPServer):
    """Who closes the page while it loads is no error."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path(__file__).resolve().parent / "site")
    parser.add_argument("--port", type=int, default=PORT, help="0 takes a free one")
    parser.add_argument("--open", action="store_true", help="open the browser, too")
    given = parser.parse_args()
    try:
        server = Server(("127.0.0.1", given.port), partial(Handler, directory=str(given.folder)))
    except OSError:
        raise SystemExit(
            f"Port {given.port} is taken: perhaps the lessons are open already, at http://127.0.0.1:{given.port}/\n"
            f"พอร์ต {given.port} มีโปรแกรมใช้อยู่ บทเรียนอาจเปิดอยู่แล้วที่ http://127.0.0.1:{given.port}/"
        ) from None
    address = f"http://127.0.0.1:{server.server_port}/"
    print(f"The lessons are at {address} · Ctrl+C stops\nบทเรียนอยู่ที่ {address} · กด Ctrl+C เพื่อหยุด", flush=True)
    if given.open:
        webbrowser.open(address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
