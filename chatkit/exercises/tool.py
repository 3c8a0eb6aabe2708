"""What `guess`, `recall`, `lines` and `gaps` have in common: text anywhere, a widget where there is a notebook."""

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from chatkit.exercises.result import Result
from chatkit.texts import Sentence, chosen, say

if TYPE_CHECKING:
    from chatkit.exercises.exercise import Exercise


class Tool:
    """Something to answer by hand or by code. `view` is its page half, made when a cell first shows it."""

    page = ""  # the class in chatkit.exercises.view
    view: Any = None

    def state(self) -> dict[str, Any]:
        """What the page needs to draw it."""
        raise NotImplementedError

    def obey(self, wish: dict[str, Any]) -> None:
        """Do what the reader asked for on the page."""
        raise NotImplementedError

    def redraw(self) -> None:
        if self.view:
            self.view.show(self.state())

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        text = {"text/plain": repr(self)}
        if self.view is None:
            try:
                from chatkit.exercises import view  # widgets are imported where one is shown, and nowhere else

                self.view = getattr(view, self.page)(self.state(), self.obey)
            except (ImportError, RuntimeError):  # no widgets here, or no running loop that could hear the reader
                return text, {}
        shown = self.view._repr_mimebundle_() if self.view.comm else None
        bundle = shown[0] if isinstance(shown, tuple) else shown or {}
        return {**bundle, **text}, {}


def words(said: Sentence) -> dict[str, str]:
    """A sentence as the page wants it: `{"en": …, "th": …}`; one of them where both are equal."""
    each = said.each(chosen())
    return {"": said.en} if said.en == said.th else each


class Draft(Tool):
    """A program that is put together by hand, and checked as one that was written: `await` it, or press the button."""

    depth = ""

    def __init__(self, exercise: "Exercise") -> None:
        self.exercise = exercise
        self.result: Result | None = None
        self.tasks: set[asyncio.Task[Result]] = set()  # the loop itself holds its tasks weakly

    def code(self) -> str:
        """The program as it stands now."""
        raise NotImplementedError

    async def check(self) -> Result:
        self.result = await self.exercise.check_code(self.code(), self.depth)
        self.redraw()
        return self.result

    def __await__(self) -> Generator[Any, None, Result]:
        return self.check().__await__()

    def obey(self, wish: dict[str, Any]) -> None:
        self.take(wish)
        if wish.get("check"):
            task = asyncio.get_running_loop().create_task(self.check())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def take(self, wish: dict[str, Any]) -> None:
        """Take over what the reader put together on the page."""
        raise NotImplementedError

    def shared(self) -> dict[str, Any]:
        """What the page shows of any draft."""
        found = Result((), state="") if self.result is None else self.result
        return {
            "check": words(say("ex_check")),
            "said": [words(each) for each in found.said],
            "code": list(found.code),
            "state": found.state,
        }
