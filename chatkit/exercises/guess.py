"""A prediction before a run: clicked, kept, and settled by what truly comes. And questions of earlier lessons.

g = guess("What does Bob hear?", "hi", "You said: hi", "nothing")
g.pick(2)
g.saw(await bob.recv())
"""

from typing import Any

from chatkit.exercises.calls import same, short
from chatkit.exercises.progress import facts, keep
from chatkit.exercises.questions import Choice, choices, lessons, lessons_with_data
from chatkit.exercises.result import Shown
from chatkit.exercises.tool import Tool, words
from chatkit.texts import Sentence, chosen, say

State = dict[str, Any]
AGO = (1, 2, 5)  # lessons: what was learnt yesterday, lately, and long ago


class Guess(Tool):
    """A question with two to four choices. It never blocks a cell: a run settles it, whether anybody guessed or not.

    picked: the number of the choice, from 1 on; 0 where nothing is picked yet.
    came:   the number of what truly came; 0 before the run, and where it was none of the choices.
    """

    page = "ChoicesView"

    def __init__(self, choice: Choice, values: tuple[object, ...]) -> None:
        self.choice, self.values = choice, values
        # A click makes Lab run this cell again with the next Shift+Enter: what was picked must not be gone then.
        self.picked, self.came = unsettled(choice, len(values)), 0
        self.said: tuple[Sentence, ...] = ()

    def pick(self, number: int) -> "Guess":
        """Choose by number, from 1 on; ValueError for any other. Once settled, it stays as it is."""
        if number not in range(1, len(self.values) + 1):
            raise ValueError(say("guess_number", count=len(self.values)).in_(chosen()))
        if not self.said:
            self.picked = number
            self.keep(picked=number, saw=None)
            self.redraw()
        return self

    def saw(self, value: object) -> Shown:
        """Settle the guess by the value that truly came: one that is equal to a choice, or is written like it."""
        self.came = next((number for number, each in enumerate(self.values, 1) if is_choice(value, each)), 0)
        came = self.choice.choices[self.came - 1] if self.came else Sentence(short(value), short(value))
        if not self.picked:
            said = [say("guess_came", came=came)]
        elif self.picked == self.came:
            said = [say("guess_right", came=came)]
        else:
            said = [say("guess_wrong", picked=self.choice.choices[self.picked - 1], came=came)]
            said += [self.choice.because[self.picked]] if self.picked in self.choice.because else []
        self.said = tuple(said)
        self.keep(saw=self.came)
        self.redraw()
        return Shown(self.said)

    def keep(self, **news: object) -> None:
        if self.choice.lesson:
            keep(self.choice.lesson, "guesses", self.choice.name, **news)

    def __repr__(self) -> str:
        return "\n".join(
            [text_of(self.choice, self.picked), *(each.in_(chosen()) for each in self.said or (how(self),))]
        )

    def state(self) -> State:
        return {"questions": [drawn(self.choice, self.picked, self.came, self.said)], "how": words(how(self))}

    def obey(self, wish: State) -> None:
        self.pick(int(wish["choice"]))


def guess(question: str, *values: object) -> Guess:
    """A prediction with two to four choices, shown as buttons where a cell ends with it.

    The Thai of question and choices, and why a wrong guess was wrong, stand in the lesson's data file under the same
    English question; without it the guess is shown in English only and not kept. ValueError for less or more choices.
    """
    if not 2 <= len(values) <= 4:
        raise ValueError(say("guess_choices", count=len(values)).in_(chosen()))
    for lesson in lessons_with_data():
        for choice in choices(lesson, "guess").values():
            if choice.ask.en == question and len(choice.choices) == len(values):
                return Guess(choice, values)
    texts = tuple(Sentence(str(value), str(value)) for value in values)
    return Guess(Choice("", "", Sentence(question, question), texts, 0, {}), values)


def unsettled(choice: Choice, count: int) -> int:
    """The kept pick of a guess that no run has settled yet; 0 where there is none."""
    kept = facts(choice.lesson, "guesses").get(choice.name, {}) if choice.lesson else {}
    picked = kept.get("picked")
    return picked if isinstance(picked, int) and "saw" not in kept and picked in range(1, count + 1) else 0


def is_choice(value: object, choice: object) -> bool:
    return same(value, choice) or (isinstance(value, (str, int, float)) and str(value) == str(choice))


def how(guess: Guess) -> Sentence:
    return say("guess_how", count=len(guess.values))


def drawn(choice: Choice, picked: int, right: int, said: tuple[Sentence, ...]) -> State:
    """One question as the page draws it."""
    return {
        "ask": words(choice.ask),
        "choices": [words(each) for each in choice.choices],
        "picked": picked,
        "right": right,
        "said": [words(each) for each in said],
    }


def text_of(choice: Choice, picked: int, number: str = "🤔") -> str:
    rows = [f"{number} {choice.ask.in_(chosen())}"]
    for n, each in enumerate(choice.choices, 1):
        rows.append(f"  {'▸' if n == picked else ' '} {n}  {each.in_(chosen())}")
    return "\n".join(rows)


class Recall(Tool):
    """Up to three questions of earlier lessons. Nobody has to answer them."""

    page = "ChoicesView"

    def __init__(self, asked: list[Choice]) -> None:
        self.asked = asked
        self.picked = [0] * len(asked)

    def pick(self, question: int, choice: int) -> Shown:
        """Answer question `question` with choice `choice`, both from 1 on; the first answer counts."""
        if not 1 <= question <= len(self.asked) or not 1 <= choice <= len(self.asked[question - 1].choices):
            raise ValueError(say("recall_number", count=len(self.asked)).in_(chosen()))
        asked = self.asked[question - 1]
        if not self.picked[question - 1]:
            self.picked[question - 1] = choice
            result = "right" if choice == asked.answer else "wrong"
            keep(asked.lesson, "recall", asked.name, **{result: counted(asked, result) + 1})
            self.redraw()
        return Shown(self.said(question - 1))

    def said(self, index: int) -> tuple[Sentence, ...]:
        asked, picked = self.asked[index], self.picked[index]
        if not picked:
            return ()
        right = asked.choices[asked.answer - 1]
        if picked == asked.answer:
            return (say("recall_right"),)
        because = asked.because.get(picked)
        return (say("recall_wrong", right=right), *([because] if because else []))

    def __repr__(self) -> str:
        if not self.asked:
            return say("recall_nothing").in_(chosen())
        rows = [say("recall_title").in_(chosen())]
        for index, asked in enumerate(self.asked):
            rows += [text_of(asked, self.picked[index], f"{index + 1}."), *(s.in_(chosen()) for s in self.said(index))]
        return "\n".join(rows)

    def state(self) -> State:
        questions = [
            drawn(asked, self.picked[n], asked.answer if self.picked[n] else 0, self.said(n))
            for n, asked in enumerate(self.asked)
        ]
        title = say("recall_title" if self.asked else "recall_nothing")
        return {"questions": questions, "title": words(title), "skip": words(say("recall_skip"))}

    def obey(self, wish: State) -> None:
        self.pick(int(wish["question"]), int(wish["choice"]))


def recall(lesson: str) -> Recall:
    """Up to three questions from one, two and five lessons before this one, the learner's weakest first."""
    names = [name for name in lessons() if choices(name, "recall") or name == lesson]
    here = names.index(lesson) if lesson in names else len(names)
    asked = [weakest(choices(names[here - ago], "recall")) for ago in AGO if ago <= here]
    return Recall(sorted(asked, key=strength))


def weakest(questions: dict[str, Choice]) -> Choice:
    return min(questions.values(), key=strength)


def strength(choice: Choice) -> tuple[int, int]:
    """How well it is known: right answers less wrong ones; of two that are equal, the one asked less often."""
    right, wrong = counted(choice, "right"), counted(choice, "wrong")
    return right - wrong, right + wrong


def counted(choice: Choice, what: str) -> int:
    found = facts(choice.lesson, "recall").get(choice.name, {}).get(what)
    return found if isinstance(found, int) else 0
