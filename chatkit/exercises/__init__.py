"""Exercises that a notebook checks, and guesses that a run settles.

`q = exercise("08_handshake", "q1")`, `await q.check(answer)`, `q.hint()`. The prose stands in `data/`, the checks in
`checks/`, one file for each lesson.
"""

from chatkit.exercises.bar import progress_bar
from chatkit.exercises.busy import note_if_busy
from chatkit.exercises.course import course, progress
from chatkit.exercises.exercise import Exercise, exercise
from chatkit.exercises.guess import Guess, Recall, guess, recall
from chatkit.exercises.lines import STEPS
from chatkit.exercises.plots import axes
from chatkit.exercises.progress import bring
from chatkit.exercises.timeline import Timeline

__all__ = [
    "STEPS",
    "Exercise",
    "Guess",
    "Recall",
    "Timeline",
    "axes",
    "bring",
    "course",
    "exercise",
    "guess",
    "note_if_busy",
    "progress",
    "progress_bar",
    "recall",
]
