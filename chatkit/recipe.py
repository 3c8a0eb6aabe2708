"""What `connect()` and `serve()` share, and give before they are awaited: all that is needed, and nothing that runs."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Generic, NoReturn, TypeVar

from chatkit.errors import NotOpen


def quiet_logger(name: str) -> logging.Logger:
    """A logger for websockets, which writes the request line and every frame at DEBUG: both may hold a token."""
    logger = logging.getLogger(name)
    logger.addFilter(lambda record: record.levelno > logging.DEBUG)
    return logger


T = TypeVar("T", bound=AbstractAsyncContextManager[Any])


@dataclass(eq=False)
class Recipe(ABC, Generic[T]):
    """`running = await recipe`, or `async with recipe as running`, which also ends it."""

    opened: AsyncExitStack = field(default_factory=AsyncExitStack, init=False, repr=False)

    @abstractmethod
    async def start(self) -> T:
        """The running thing."""

    def __await__(self) -> Generator[Any, None, T]:
        return self.start().__await__()

    async def __aenter__(self) -> T:
        running: T = await self.opened.enter_async_context(await self)
        return running

    async def __aexit__(self, *exc_info: object) -> None:
        await self.opened.aclose()

    def __getattr__(self, name: str) -> NoReturn:
        raise NotOpen(type(self).__name__, name)
