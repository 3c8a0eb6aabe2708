"""`q.gaps()`: the solution with two to four holes, filled on the page, or by code: `q.gaps("async for", "ws")`."""

from typing import TYPE_CHECKING, Any

from chatkit.exercises.tool import Draft, words
from chatkit.texts import chosen, say

if TYPE_CHECKING:
    from chatkit.exercises.exercise import Exercise


class Gaps(Draft):
    """A program with holes. parts: what stands around them, one more than there are holes."""

    page, depth = "GapsView", "gaps"

    def __init__(self, exercise: "Exercise", values: tuple[str, ...] = ()) -> None:
        super().__init__(exercise)
        self.parts = parts_of(exercise.question.solution, exercise.question.gaps)
        self.fill(values or ("",) * (len(self.parts) - 1))

    def fill(self, values: tuple[str, ...]) -> None:
        if len(values) != len(self.parts) - 1:
            raise ValueError(say("gaps_number", count=len(self.parts) - 1).in_(chosen()))
        self.values = values

    def code(self) -> str:
        return self.parts[0] + "".join(value + part for value, part in zip(self.values, self.parts[1:], strict=True))

    def take(self, wish: dict[str, Any]) -> None:
        self.fill(tuple(str(value) for value in wish["values"]))

    def __repr__(self) -> str:
        holes = (f"__{number}__{part}" for number, part in enumerate(self.parts[1:], 1))
        return "\n".join([say("gaps_how").in_(chosen()), *(self.parts[0] + "".join(holes)).splitlines()])

    def state(self) -> dict[str, Any]:
        width = max(map(len, self.exercise.question.gaps), default=0) + 2  # the same for all: it tells nothing
        how = words(say("gaps_how_page"))
        return {**self.shared(), "how": how, "parts": self.parts, "values": list(self.values), "width": width}


def parts_of(solution: str, gaps: tuple[str, ...]) -> list[str]:
    """The solution around its gaps, each looked for after the one before."""
    parts, rest = [], solution
    for gap in gaps:
        before, _, rest = rest.partition(gap)
        parts.append(before)
    return [*parts, rest]
