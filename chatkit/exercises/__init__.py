"""Exercises that a notebook checks: `q = exercise("03_handshake", "q1")`, `await q.check(answer)`, `q.hint()`.

One data file per notebook in `data/`: its name is `n` and the notebook's name.
"""

from chatkit.exercises.exercise import Exercise, exercise, progress

__all__ = ["Exercise", "exercise", "progress"]
