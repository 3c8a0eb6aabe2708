"""`python -m chatkit.tools.book FOLDER`: write the pages and say where."""

import sys
from pathlib import Path

from chatkit.texts import chosen, say
from chatkit.tools.book import write

indexes = write(Path(sys.argv[1]))
print(say("book_written", paths=", ".join(map(str, indexes))).in_(chosen()))
