"""`source(thing)` shows the kit's own code."""

import functools
import subprocess
import sys

import pytest

from chatkit.events import Event
from chatkit.sources import source


class Sample:
    """Has ``` in it."""

    @property
    def size(self) -> int:
        return 1

    def method(self) -> str:
        return "ครู"


@functools.cache
def cached() -> int:
    return 2


def test_method_is_dedented() -> None:
    assert repr(source(Sample.method)) == 'def method(self) -> str:\n    return "ครู"'
    assert repr(source(Sample().method)) == repr(source(Sample.method))


def test_class_property_and_decorated_function_show_their_code() -> None:
    assert repr(source(Event)).startswith("@dataclass")
    assert "def size" in repr(source(Sample.size))
    assert repr(source(cached)).endswith("return 2")


def test_notebook_gets_a_highlighted_block_that_backquotes_do_not_end() -> None:
    assert source(Sample.method)._repr_markdown_().startswith("```python\ndef method")
    assert source(Sample)._repr_markdown_().startswith("````python\n")


def test_what_has_no_source_says_so() -> None:
    with pytest.raises(TypeError):
        source(len)
    with pytest.raises(TypeError):
        source(5)


def test_does_not_import_ipython() -> None:
    script = "import sys, chatkit; chatkit.source(chatkit.source); assert 'IPython' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
