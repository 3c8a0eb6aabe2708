"""Each exercise untouched, with typical wrong answers, and solved; and the machinery around them."""

import asyncio
import textwrap
from pathlib import Path
from typing import Any

import pytest

from chatkit.exercises import Exercise, exercise, progress
from chatkit.exercises import kept as keeping
from chatkit.exercises.exercise import Question, is_untouched, questions
from chatkit.exercises.shown import Sentence, Shown
from chatkit.exercises.stage import stage
from chatkit.exercises.trial import expect, outcome
from tests import notebook_rules as rules

DATA = Path(keeping.__file__).with_name("data")
NOTEBOOKS = sorted(path.stem[1:] for path in DATA.glob("n*.py"))
ALL = [(notebook, name) for notebook in NOTEBOOKS for name in questions(notebook)]

#: typical wrong answers: (exercise, the answer as code, what the English sentence says)
WRONG: list[tuple[str, str, str]] = [
    # 00: a promise is no number; a number that was right once; a text that never went out
    ("00_hello_room q1", "async def say_hello(uri, text):\n    return 1", "did not hear"),
    (
        "00_hello_room q1",
        """
        from chatkit import connect
        async def say_hello(uri, text):
            async with connect(uri) as chat:
                chat.send(text)
        """,
        "",
    ),
    (
        "00_hello_room q1",
        """
        from chatkit import connect
        async def say_hello(uri, text):
            async with connect(uri) as chat:
                await chat.send(text)
                return 2
        """,
        "",
    ),
    ("00_hello_room q2", 'def address(port, room, name):\n    return "ws://localhost:8765/room/kitchen?name=Mali"', ""),
    ("00_hello_room q2", 'def address(port, room, name):\n    return f"ws://localhost:{port}/?room={room}"', "lead"),
    ("00_hello_room q2", 'def address(port, room, name):\n    return f"ws://localhost:{port}/room/{room}/{name}"', ""),
    ("00_hello_room q2", 'def address(port, room, name):\n    return f"localhost:{port}/room/{room}"', "connect"),
    ("00_hello_room q2", "def address(port, room, name):\n    return port", "connect"),
    ("00_hello_room q3", 'heard = {"Ann": ["tea"], "Bob": ["hi", "tea"], "Cat": ["tea"]}', "Ann"),
    ("00_hello_room q3", 'heard = {"Ann": ["hi", "tea"], "Bob": ["hi", "tea"], "Cat": ["hi", "tea"]}', "Cat"),
    ("00_hello_room q3", 'heard = {"Ann": ["hi", "tea"], "Bob": ["hi", "tea"], "Cat": []}', "Cat"),
    ("00_hello_room q3", 'heard = "everybody"', "Ann"),
    ("00_hello_room q4", 'def reaches(link, device):\n    return "localhost" in link', "reaches("),
    ("00_hello_room q4", 'def reaches(link, device):\n    return "192.168.1.20" in link', "reaches("),
    ("00_hello_room q4", "def reaches(link, device):\n    return True", "reaches("),
    # 03: the fixed text is missing; digits of the hash instead of its bytes; the one key of the RFC
    (
        "03_handshake q1",
        """
        import base64, hashlib
        def accept(key):
            return base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        """,
        "accept(",
    ),
    (
        "03_handshake q1",
        """
        import base64, hashlib
        def accept(key):
            text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            return base64.b64encode(hashlib.sha1(text.encode()).hexdigest().encode()).decode()
        """,
        "accept(",
    ),
    (
        "03_handshake q1",
        """
        import base64, hashlib
        def accept(key):
            return base64.b64encode(hashlib.sha1(base64.b64decode(key)).digest())
        """,
        "accept(",
    ),
    ("03_handshake q1", 'def accept(key):\n    return "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="', "expected"),
    (
        "03_handshake q2",
        """
        def upgrade(host, path, key):
            return f"GET {path} HTTP/1.1\\r\\nHost: {host}\\r\\nUpgrade: websocket\\r\\n".encode()
        """,
        "still waits",
    ),
    (
        "03_handshake q2",
        """
        def upgrade(host, path, key):
            return (f"GET {path} HTTP/1.1\\r\\nHost: {host}\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                    f"Sec-WebSocket-Key: {key}\\r\\n\\r\\n").encode()
        """,
        "the server said",
    ),
    (
        "03_handshake q2",
        """
        def upgrade(host, path, key):
            return (f"GET {path} HTTP/1.1\\r\\nHost: {host}\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                    f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n").encode()
        """,
        "not with the key",
    ),
    (
        "03_handshake q2",
        """
        def upgrade(host, path, key):
            return (f"GET / HTTP/1.1\\r\\nHost: {host}\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                    f"Sec-WebSocket-Key: {key}\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n").encode()
        """,
        "read path",
    ),
    ("03_handshake q2", 'def upgrade(host, path, key):\n    return "GET"', "not bytes"),
    ("03_handshake q2", 'def upgrade(host, path, key):\n    return b""', "still waits"),
    ("03_handshake q3", "def refusal(response):\n    return 403", "expected"),
    ("03_handshake q3", "def refusal(response):\n    return int(response.split()[1])", "`101`, expected `None`"),
    ("03_handshake q3", "def refusal(response):\n    return response.split()[1]", "expected"),
    ("03_handshake q3", "def refusal(response):\n    return 200 if b'200' in response else None", "expected"),
    ("03_handshake q4", 'same_key = "the second is refused"', "look what the server answered"),
    ("03_handshake q4", 'same_key = "the first is put out"', "look what the server answered"),
    ("03_handshake q4", "same_key = True", "none of"),
    # 04: only short lengths; MASK counted as length; the wrong byte order; characters for bytes
    (
        "04_frames q1",
        """
        def header(data):
            return bool(data[0] & 0x80), data[0] & 0x0F, bool(data[1] & 0x80), data[1] & 0x7F
        """,
        "header(",
    ),
    (
        "04_frames q1",
        """
        def header(data):
            length = data[1]
            if length == 126:
                length = int.from_bytes(data[2:4], "big")
            elif length == 127:
                length = int.from_bytes(data[2:10], "big")
            return bool(data[0] & 0x80), data[0] & 0x0F, length > 127, length
        """,
        "header(",
    ),
    ("04_frames q1", "def header(data):\n    return True, 1, False, len(data) - 2", "header("),
    ("04_frames q2", "def unmask(mask, payload):\n    return bytes(a ^ b for a, b in zip(mask, payload))", "unmask("),
    ("04_frames q2", "def unmask(mask, payload):\n    return bytes(byte ^ mask[0] for byte in payload)", "unmask("),
    ("04_frames q2", "def unmask(mask, payload):\n    return payload", "unmask("),
    ("04_frames q2", "def unmask(mask, payload):\n    return b'hi'", "unmask("),
    (
        "04_frames q3",
        "def text_frame(text):\n    return b'\\x81' + bytes([len(text)]) + text.encode()",
        "text_frame(",
    ),
    (
        "04_frames q3",
        "def text_frame(text):\n    data = text.encode()\n    return b'\\x81' + bytes([len(data)]) + data",
        "text_frame(",
    ),
    ("04_frames q3", "def text_frame(text):\n    return b'\\x81\\x02hi'", "text_frame("),
    ("04_frames q4", "def texts(chunks):\n    return [chunk[2:].decode() for chunk in chunks]", "texts("),
    (
        "04_frames q4",
        """
        def texts(chunks):
            stream, found = b"".join(chunks), []
            while stream:
                found.append(stream[2:2 + stream[1]].decode())
                stream = stream[2 + stream[1]:]
            return found
        """,
        "texts(",
    ),
    ("04_frames q4", "def texts(chunks):\n    while chunks:\n        pass", "within 2 s"),
    ("04_frames q4", "def texts(chunks):\n    return []", "texts("),
    (
        "04_frames q5",
        "def messages(frames):\n    return [payload.decode() for fin, opcode, payload in frames]",
        "messages(",
    ),
    (
        "04_frames q5",
        """
        def messages(frames):
            whole, found = "", []
            for fin, opcode, payload in frames:
                if opcode < 8:
                    whole += payload.decode()
                    if fin:
                        found.append(whole)
                        whole = ""
            return found
        """,
        "UnicodeDecodeError",
    ),
    (
        "04_frames q5",
        """
        def messages(frames):
            whole, found = b"", []
            for fin, opcode, payload in frames:
                whole += payload
                if fin:
                    found.append(whole.decode())
                    whole = b""
            return found
        """,
        "messages(",
    ),
    # 05: one answer and out; called per message; one counter for all; those who left stay in the set
    ("05_server_and_client q1", "async def echo(ws):\n    await ws.send(f'You said: {await ws.recv()}')", "was closed"),
    ("05_server_and_client q1", "async def echo(ws, message):\n    await ws.send(message)", "TypeError"),
    ("05_server_and_client q1", "async def echo(ws):\n    async for text in ws:\n        await ws.send(text)", "heard"),
    ("05_server_and_client q1", "def echo(ws):\n    return 1", "no handler"),
    ("05_server_and_client q1", "async def echo(ws):\n    return 1", "was closed"),
    ("05_server_and_client q1", "async def echo(ws):\n    await ws.recv()\n    await ws.recv()", "heard nothing"),
    (
        "05_server_and_client q2",
        """
        async def count(ws):
            async for text in ws:
                number = 0
                number += 1
                await ws.send(f"{number}: {text}")
        """,
        "`'2: ",
    ),
    (
        "05_server_and_client q2",
        """
        number = 0
        async def count(ws):
            global number
            async for text in ws:
                number += 1
                await ws.send(f"{number}: {text}")
        """,
        "Bob should hear `'1: ",
    ),
    (
        "05_server_and_client q3",
        """
        people = set()
        async def relay(ws):
            people.add(ws)
            async for text in ws:
                await ws.send(f"You said: {text}")
                for other in people - {ws}:
                    await other.send(f"Someone says: {text}")
        """,
        "ConnectionClosed",
    ),
    (
        "05_server_and_client q3",
        """
        people = set()
        async def relay(ws):
            people.add(ws)
            try:
                async for text in ws:
                    await ws.send(f"You said: {text}")
                    for other in people:
                        await other.send(f"Someone says: {text}")
            finally:
                people.discard(ws)
        """,
        "nothing more",
    ),
    (
        "05_server_and_client q3",
        "async def relay(ws):\n    async for text in ws:\n        await ws.send(f'You said: {text}')",
        "Bob should hear",
    ),
    (
        "05_server_and_client q4",
        """
        import asyncio
        async def clock(ws):
            for number in range(1, 100):
                await ws.send(f"tick {number}")
                await asyncio.sleep(0.1)
        """,
        "You said",
    ),
    (
        "05_server_and_client q4",
        """
        import asyncio
        async def clock(ws):
            number = 0
            async for text in ws:
                number += 1
                await ws.send(f"tick {number}")
                await ws.send(f"You said: {text}")
        """,
        "tick 1",
    ),
    (
        "05_server_and_client q4",
        """
        import asyncio
        async def tick(ws):
            number = 0
            while True:
                number += 1
                await asyncio.sleep(0.1)
                if ws.close_code is None:
                    await ws.send(f"tick {number}")
        async def clock(ws):
            ticking = asyncio.create_task(tick(ws))
            async for text in ws:
                await ws.send(f"You said: {text}")
        """,
        "still runs",
    ),
]


@pytest.fixture(autouse=True)
def progress_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody's own progress is touched."""
    monkeypatch.setenv("CHATKIT_PROGRESS", str(tmp_path / "kept" / "progress.json"))
    monkeypatch.setenv("CHATKIT_LANG", "both")
    return tmp_path / "kept" / "progress.json"


def answer_of(code: str, name: str) -> Any:
    """What a student's cell leaves behind under this name."""
    names: dict[str, Any] = {}
    exec(compile(textwrap.dedent(code), "student's cell", "exec"), names)
    return names[name]


# --- every exercise -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("notebook", "name"), ALL)
async def test_untouched_is_not_wrong(notebook: str, name: str) -> None:
    asked = exercise(notebook, name)
    result = await asked.check(answer_of(asked.question.start, asked.question.answer))
    assert result.state == "untouched" and not result
    assert (await asked.check(...)).state == "untouched"
    assert (await asked.check()).state == "untouched"


@pytest.mark.parametrize(("notebook", "name"), ALL)
async def test_solution_is_correct_every_time(notebook: str, name: str) -> None:
    asked = exercise(notebook, name)
    for _ in range(2):
        result = await asked.check(answer_of(asked.question.solution, asked.question.answer))
        assert result, repr(result)
        assert asked.question.why.en in repr(result) and asked.question.why.th in repr(result)


@pytest.mark.parametrize(("key", "code", "says"), WRONG, ids=[f"{key} {n}" for n, (key, _, _) in enumerate(WRONG)])
async def test_typical_wrong_answer_is_not_yet(key: str, code: str, says: str) -> None:
    asked = exercise(*key.split())
    result = await asked.check(answer_of(code, asked.question.answer))
    assert result.state == "not yet" and not result
    assert says in repr(result)
    assert "None" not in str(asyncio.all_tasks() - {asyncio.current_task()})


@pytest.mark.parametrize(("notebook", "name"), ALL)
async def test_no_answer_and_a_nonsense_answer_never_pass_and_never_raise(notebook: str, name: str) -> None:
    for nonsense in (None, "", 0, [], {}, lambda *_: None, lambda *_: "", print):
        assert (await exercise(notebook, name).check(nonsense)).state == "not yet"


def test_every_exercise_has_two_wrong_answers() -> None:
    for notebook, name in ALL:
        assert sum(key == f"{notebook} {name}" for key, _, _ in WRONG) >= 2, (notebook, name)


def test_at_least_twelve_exercises_and_three_a_notebook() -> None:
    assert len(ALL) >= 12
    assert all(len(questions(notebook)) >= 3 for notebook in NOTEBOOKS)


@pytest.mark.parametrize(("notebook", "name"), ALL)
def test_both_languages_say_the_same_and_keep_the_rules(notebook: str, name: str) -> None:
    question = questions(notebook)[name]
    for number, text in enumerate((question.ask, question.why, *question.hints)):
        cells = rules.sentence(f"{name} text {number}", text.en, text.th)
        assert [what for rule in rules.SENTENCES for what in rule(cells)] == []
    assert len(set(question.hints)) == 3
    assert question.solution.strip() not in "".join(hint.en for hint in question.hints)


# --- the machinery --------------------------------------------------------------------------------------------------


def nothing() -> Exercise:
    async def check(answer: object) -> None:
        await expect(1, answer)

    text = Sentence("English <b>`x < 1`</b>", "ไทย `x < 1`")
    return Exercise("00_hello_room", "q9", Question(text, "a = ...", "a", check, text, (text, text, text), "a = 1"))


def test_hints_climb_three_steps_and_stay() -> None:
    asked = exercise("03_handshake", "q1")
    steps = [repr(asked.hint()) for _ in range(4)]
    assert [f"Hint {n} of 3" in step for n, step in enumerate(steps[:3], 1)] == [True] * 3
    assert steps[2] == steps[3] and len(set(steps)) == 3


def test_solution_is_shown_only_when_asked() -> None:
    asked = exercise("03_handshake", "q1")
    assert "hashlib.sha1(text" in repr(asked.solution())
    assert "hashlib.sha1(text" not in repr(asked) + "".join(repr(asked.hint()) for _ in range(3))


def test_exercise_shows_its_question_in_both_languages() -> None:
    asked = exercise("03_handshake", "q1")
    assert asked.question.ask.en in repr(asked) and asked.question.ask.th in repr(asked)


async def test_html_is_escaped_and_marks_its_language() -> None:
    result = await nothing().check(lambda: "<script>`</script><img src=x>")
    html = result._repr_html_()
    assert "<script>" not in html and "<img" not in html and "&lt;script&gt;" in html
    assert '<div lang="th" class="th">' in html and "<code>" in html
    assert "&lt;b&gt;<code>x &lt; 1</code>" in nothing()._repr_html_()
    assert "<pre><code>&lt;b&gt;</code></pre>" in Shown((), ("<b>",))._repr_html_()


def test_one_language_where_one_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_LANG", "th")
    shown = repr(exercise("03_handshake", "q1"))
    assert "เขียน" in shown and "Write" not in shown


def test_placeholder_is_found_wherever_it_is_left() -> None:
    def half_done(data: bytes) -> object:
        return {"fin": True, "opcode": ...}

    assert is_untouched([1, ...]) and is_untouched({"Ann": ...}) and is_untouched(half_done)
    assert not is_untouched(None) and not is_untouched([]) and not is_untouched(lambda: 1)


def test_unknown_exercise_or_notebook_is_an_error() -> None:
    with pytest.raises(KeyError):
        exercise("03_handshake", "q99")
    with pytest.raises(ModuleNotFoundError):
        exercise("99_nothing", "q1")


async def test_endless_loop_and_endless_wait_end() -> None:
    async def waits() -> None:
        await asyncio.Event().wait()

    def loops() -> None:
        while True:
            try:
                len("")
            except Exception:
                pass

    for function in (waits, loops):
        with pytest.raises(Exception, match=r"no answer within 0\.1 s"):
            await outcome(function, seconds=0.1)


async def test_what_a_function_raises_is_told() -> None:
    result = await nothing().check(lambda: 1 / 0)
    assert "ZeroDivisionError: division by zero" in repr(result)


async def test_calling_the_function_instead_of_giving_it_is_told() -> None:
    assert "give the function itself" in repr(await nothing().check(5))


async def test_stage_leaves_nothing_behind() -> None:
    async def stubborn(ws: Any) -> None:
        await asyncio.Event().wait()

    before = asyncio.all_tasks()
    async with stage(stubborn, "Ann") as play:
        await play.say("Ann", "hi")
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() - before if "stubborn" in str(task) or "run" in str(task)]


async def test_check_shows_what_was_on_the_wire() -> None:
    asked = exercise("05_server_and_client", "q1")
    shown = repr(await asked.check(answer_of("async def echo(ws):\n    await ws.send(await ws.recv())", "echo")))
    assert "Ann → server: 'สวัสดี" in shown and "server → Ann: 'สวัสดี" in shown


# --- progress -------------------------------------------------------------------------------------------------------


async def test_progress_is_kept_for_correct_answers_only(progress_file: Path) -> None:
    asked = exercise("03_handshake", "q4")
    await asked.check("the second is refused")
    assert not progress_file.exists() and "Solved: 0 of 4" in repr(progress("03_handshake"))
    await asked.check("both are let in")
    assert "Solved: 1 of 4" in repr(progress("03_handshake")) and "✅ q4" in repr(progress("03_handshake"))
    assert "Solved: 0 of" in repr(progress("04_frames"))
    assert [path.name for path in progress_file.parent.iterdir()] == ["progress.json"]


@pytest.mark.parametrize("broken", ["", "{", "[]", "7", '{"03_handshake": 7}', "\ud800", '{"03_handshake": {"a": 1}}'])
async def test_broken_progress_file_does_no_harm(progress_file: Path, broken: str) -> None:
    progress_file.parent.mkdir()
    progress_file.write_bytes(broken.encode("utf-8", "surrogatepass"))
    assert "Solved: 0" in repr(progress("03_handshake"))
    keeping.remember("03_handshake", "q1")
    assert "q1" in keeping.solved("03_handshake")


async def test_home_that_cannot_be_written_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CHATKIT_PROGRESS", str(tmp_path / "file" / "progress.json"))
    assert (await exercise("03_handshake", "q4").check("both are let in")).state == "correct"
