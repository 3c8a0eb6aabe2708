"""How far a learner is: one lesson, and the whole course with where to go on."""

from base64 import b64encode
from dataclasses import dataclass, field
from html import escape

from chatkit.exercises.progress import home, solved
from chatkit.exercises.questions import lessons, questions
from chatkit.exercises.result import Shown
from chatkit.place import in_browser
from chatkit.texts import Sentence, chosen, languages, say


def exercises_of(lesson: str) -> list[str]:
    """The names of a lesson's exercises; none where its exercises are checked by the server."""
    try:
        return list(questions(lesson))
    except ModuleNotFoundError:
        return []


def progress(lesson: str) -> Shown:
    """Which exercises of a lesson are solved, and in which way."""
    done = solved(lesson)
    lines = tuple(
        f"{'✅' if name in done else '◻️'} {name} {questions(lesson)[name].answer}" for name in questions(lesson)
    )
    return Shown((say("ex_progress", solved=len(done.keys() & set(questions(lesson))), total=len(lines)),), lines)


@dataclass(frozen=True)
class Lesson:
    """One line of the course. solved: names of its solved exercises; exercises: names of all of them."""

    name: str
    title: Sentence
    minutes: int
    exercises: list[str]
    solved: list[str]


@dataclass(frozen=True)
class Course:
    """All lessons: a table with links in a notebook, lines anywhere else. next: (lesson, exercise) to go on with."""

    lessons: list[Lesson] = field(default_factory=list)

    @property
    def next(self) -> tuple[str, str] | None:
        """The first exercise that is not solved yet, after the last lesson in which one was; None where all are."""
        begun = [number for number, lesson in enumerate(self.lessons) if lesson.solved]
        start = begun[-1] if begun else 0
        for lesson in (*self.lessons[start:], *self.lessons[:start]):
            for name in lesson.exercises:
                if name not in lesson.solved:
                    return lesson.name, name
        return None

    def go_on(self) -> Sentence:
        return say("ex_go_on", lesson=self.next[0], name=self.next[1]) if self.next else say("ex_all_solved")

    def __repr__(self) -> str:
        rows = [f"{row.name}  {len(row.solved)}/{len(row.exercises)}  {row.title}" for row in self.lessons]
        return "\n".join([*rows, self.go_on().in_(chosen())])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td><a href="{escape(row.name)}.ipynb">{escape(row.name)}</a></td>'
            f"<td>{spans(row.title)}</td><td>{spans(say('course_minutes', minutes=row.minutes))}</td>"
            f"<td>{len(row.solved)}/{len(row.exercises)}</td></tr>"
            for row in self.lessons
        )
        ends = self.go_on().html(chosen()) + (taken_along() if in_browser() else "")
        return f'<div class="chatkit-exercise"><table>{rows}</table>{ends}</div>'


def taken_along() -> str:
    """A link that saves the progress as a file: a browser keeps it where nobody finds it. Empty where there is none."""
    try:
        data = b64encode((home() / "progress.json").read_bytes()).decode()
    except OSError:
        return ""
    link = f'<a download="chatkit-progress.json" href="data:application/json;base64,{data}">chatkit-progress.json</a>'
    return f"<p>💾 {link}</p>" + say("ex_take_along").html(chosen())


def spans(said: Sentence) -> str:
    """A sentence in a field of a table."""
    return " ".join(said.html(lang, "span") for lang in languages(chosen()))


def course() -> Course:
    """All lessons of the course, with what is solved in them."""
    rows = []
    for name, table in lessons().items():
        exercises, done = exercises_of(name), solved(name)
        ready = [each for each in exercises if each in done]
        rows.append(Lesson(name, Sentence(**table["title"]), table["minutes"], exercises, ready))
    return Course(rows)
