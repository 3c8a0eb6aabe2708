"""The commands as a person starts them: real processes, real pipes, a real terminal."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

#: seconds that anything may take on a busy machine
PATIENCE = 30


def heed_ctrl_c() -> None:
    """A script's background job ignores Ctrl+C, and what it starts would, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


async def start(*arguments: str, module: str = "chatkit", **options: object) -> Process:
    """`python -m chatkit …` with piped output; its standard input is empty unless `stdin` says otherwise."""
    heed_ctrl_c()
    streams = {"stdin": DEVNULL, "stdout": PIPE, "stderr": PIPE, **options}
    environment = {**os.environ, "PYTHONUTF8": "1", "PROMPT_TOOLKIT_NO_CPR": "1"}
    environment.pop("CHATKIT_LANG", None)
    return await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, env=environment, **streams)


async def finish(process: Process, typed: str | None = None) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a process that ends by itself."""
    out, err = await asyncio.wait_for(process.communicate(None if typed is None else typed.encode()), PATIENCE)
    return process.returncode, out.decode(), err.decode()


async def run(*arguments: str, typed: str = "", module: str = "chatkit") -> tuple[int, str, str]:
    """A command from its start to its end, with what was piped into it."""
    return await finish(await start(*arguments, module=module, stdin=PIPE), typed)


async def read_until(process: Process, wanted: str) -> str:
    """The first line of standard output that holds what is wanted."""
    async with asyncio.timeout(PATIENCE):
        while line := (await process.stdout.readline()).decode():
            if wanted in line:
                return line.rstrip("\r\n")
    raise AssertionError(f"never came: {wanted!r}; {(await process.stderr.read()).decode()}")


@asynccontextmanager
async def serving(*arguments: str, **options: object) -> AsyncIterator[tuple[Process, str]]:
    """A `chatkit serve` on a free port, and its URI; it is gone afterwards."""
    process = await start("serve", "--port", "0", *arguments, **options)
    try:
        ready = await read_until(process, "ws://")
        yield process, ready.split()[-1]
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.communicate(), PATIENCE)
        except TimeoutError:
            process.kill()
            raise
