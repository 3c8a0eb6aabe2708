"""The course to read: a page of each lesson in one language alone, for a phone, for paper, for who has no Jupyter.

    python -m chatkit.tools.book build/html     build/html/en/*.html and build/html/th/*.html, each with an index

Nothing is run: the pages show what is stored in the notebooks. They ask nothing of the internet.
"""

from chatkit.tools.book.write import write

__all__ = ["write"]
