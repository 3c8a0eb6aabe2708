"""Unusual right answers: to refuse one of them is worse than to let a wrong one pass."""
# ruff: noqa: E501 (a student's lines stand in one string each)

import textwrap
from pathlib import Path

import pytest

from chatkit.exercises import exercise
from chatkit.exercises.exercise import answer_of

pytestmark = pytest.mark.usefixtures("swept")


#: (exercise, name of the answer, its code)
RIGHT: dict[str, list[str]] = {
    "00_hello_room q1": [
        """
        from chatkit import connect
        async def say_hello(uri, text):
            chat = await connect(uri)
            try:
                return await chat.send(text)
            finally:
                await chat.close()
        """,
        """
        from chatkit import connect
        class Hello:
            async def __call__(self, uri, text):
                async with connect(uri) as chat:
                    return await chat.send(text)
        say_hello = Hello()
        """,
        """
        import asyncio
        from chatkit import connect
        async def hello(uri, text):
            async with connect(uri) as chat:
                return await chat.send(text)
        def say_hello(uri, text):
            return asyncio.ensure_future(hello(uri, text))
        """,
        """
        from functools import partial
        from chatkit import connect
        async def hello(name, uri, text):
            async with connect(uri, name=name) as chat:
                return await chat.send(text)
        say_hello = partial(hello, "Mali")
        """,
        """
        import asyncio
        from chatkit import connect
        async def say_hello(uri, text):
            async with connect(uri) as chat, asyncio.timeout(5):
                (number,) = await asyncio.gather(chat.send(text))
                return number
        """,
        """
        from contextlib import AsyncExitStack
        from chatkit import connect
        async def say_hello(uri, text):
            async with AsyncExitStack() as stack:
                chat = await stack.enter_async_context(connect(uri, plain=False))
                return await chat.send(text)
        """,
        """
        import numpy as np
        from chatkit import connect
        async def say_hello(uri, text):
            async with connect(uri) as chat: return np.int64(await chat.send(text))
        """,
    ],
    "00_hello_room q2": [
        'address = "ws://localhost:{}/room/{}?name={}".format',
        'def address(port, room, name):\n    return "ws://127.0.0.1:%d/room/%s?name=%s" % (port, room, name)',
        'def address(port, room, name):\n    return "".join(["ws://localhost:", str(port), "/room/", room, "?name=", name])',
        """
        from urllib.parse import quote
        def address(port, room, name):
            return f"ws://localhost:{port}/room/{quote(room)}?name={quote(name)}"
        """,
        'async def address(port, room, name):\n    return f"ws://localhost:{port}/room/{room}?name={name}"',
        """
        from urllib.parse import urlencode, urlunsplit
        address = lambda port, room, name: urlunsplit(("ws", f"localhost:{port}", f"/room/{room}", urlencode({"name": name}), ""))
        """,
        """
        from urllib.parse import ParseResult, urlencode
        def address(port, room, name):
            return ParseResult("ws", f"[::1]:{port}" if False else f"localhost:{port}", f"room/{room}", "", urlencode(dict(name=name)), "").geturl()
        """,
    ],
    "00_hello_room q3": [
        'heard = {"Ann": ("hi", "tea"), "Bob": ("hi", "tea"), "Cat": ("tea",)}',
        'from types import MappingProxyType\nheard = MappingProxyType({"Ann": ["hi", "tea"], "Bob": ["hi", "tea"], "Cat": ["tea"]})',
        'from collections import defaultdict\nheard = defaultdict(lambda: ["hi", "tea"], Ann=["hi", "tea"], Bob=["hi", "tea"], Cat=["tea"])',
        'lobby = ["hi", "tea"]\nheard = dict(Ann=lobby, Bob=lobby, Cat=lobby[1:])',
        'from collections import deque\nheard = {"Cat": deque(["tea"]), "Bob": deque(["hi", "tea"]), "Ann": deque(["hi", "tea"]), "Dan": []}',
        """
        heard = {n: (t for t in ("hi", "tea")) for n in ("Ann", "Bob")} | {"Cat": iter(["tea"])}
        """,
    ],
    "01_why_not_http q1": [
        "waits = lambda spoken, every: tuple(-when % every for when in spoken)",
        """
        import math
        def waits(spoken, every):
            for when in spoken:
                yield math.ceil(when / every) * every - when
        """,
        """
        def waits(spoken, every):
            return [float((every - when % every) % every) for when in spoken]
        """,
        """
        class Waits:
            async def __call__(self, spoken, every):
                return list(map(lambda when: (every - when % every) * bool(when % every), spoken))
        waits = Waits()
        """,
        """
        def waits(spoken, every):
            asked, result, rest = every, [], sorted(spoken)
            while rest:
                if rest[0] <= asked:
                    result.append(asked - rest.pop(0))
                else:
                    asked += every
            return result
        """,
        """
        from bisect import bisect_left
        def waits(spoken, every):
            questions = range(every, 2 * every + max(spoken, default=0), every)
            return [questions[bisect_left(questions, when)] - when for when in spoken]
        """,
        """
        import numpy as np
        def waits(spoken, every):
            s = np.array(spoken, dtype=int)
            return -s % every
        """,
        """
        import numpy as np
        def waits(spoken, every):
            s = np.array(spoken)
            return list(np.ceil(s / every) * every - s)
        """,
        """
        from fractions import Fraction
        import math
        waits = lambda spoken, every: [every * math.ceil(Fraction(s, every)) - s for s in spoken]
        """,
    ],
    "01_why_not_http q2": [
        "questions = lambda poll, handshake, frame, news: divmod(handshake + news * frame, poll)[0]",
        """
        import math
        def questions(poll, handshake, frame, news):
            return math.floor((handshake + sum([frame] * news)) / poll)
        """,
        """
        def questions(poll, handshake, frame, news):
            count = 0
            while (count + 1) * poll <= handshake + frame * news:
                count += 1
            return count
        """,
        """
        async def questions(poll, handshake, frame, news):
            line = float(handshake + frame * news)
            return (line - line % poll) / poll
        """,
        """
        from functools import partial
        def most(of, poll, handshake, frame, news):
            return of(n for n in range(1000) if n * poll <= handshake + frame * news)
        questions = partial(most, max)
        """,
        """
        from decimal import Decimal
        def questions(poll, handshake, frame, news):
            return int(Decimal(handshake + news*frame) / poll)
        """,
        """
        import numpy as np
        def questions(poll, handshake, frame, news):
            return np.floor_divide(handshake + frame * news, poll)
        """,
        """
        def questions(poll, handshake, frame, news, **k):
            return (line := handshake + frame * news) // poll if True else line
        """,
    ],
    "01_why_not_http q3": [
        """
        async def listen(ask):
            texts = ()
            while not texts or texts[-1] != "bye":
                texts = (*texts, *await ask(len(texts)))
            return texts
        """,
        """
        async def listen(ask):
            heard = []
            while True:
                for text in await ask(len(heard)):
                    heard.append(text)
                    if text == "bye":
                        return heard
        """,
        """
        class Listen:
            async def __call__(self, ask, heard=None):
                heard = heard or []
                new = await ask(len(heard))
                return heard + new if "bye" in new else await self(ask, heard + new)
        listen = Listen()
        """,
        """
        import asyncio
        async def listen(ask):
            heard, queue = [], asyncio.Queue()
            async def bring():
                number = 0
                while True:
                    new = await ask(number)
                    number += len(new)
                    for text in new:
                        queue.put_nowait(text)
                    if "bye" in new:
                        return
            async with asyncio.TaskGroup() as group:
                group.create_task(bring())
                while not heard or heard[-1] != "bye":
                    heard.append(await queue.get())
            return heard
        """,
        """
        import asyncio
        async def listen(ask):
            heard = {}
            while "bye" not in heard.values():
                async with asyncio.timeout(10):
                    new = await asyncio.create_task(ask(len(heard)))
                heard |= dict(enumerate(new, len(heard)))
            return heard.values()
        """,
        """
        import asyncio
        from functools import partial
        async def talk(pause, ask):
            heard = []
            while not {"bye"} & set(heard):
                await asyncio.sleep(pause)
                heard.extend(await ask(len(heard)))
            return (text for text in heard)
        listen = partial(talk, 0.01)
        """,
        """
        async def texts(ask):
            n = 0
            while True:
                for t in await ask(n):
                    n += 1
                    yield t
                    if t == "bye": return
        async def listen(ask):
            return [t async for t in texts(ask)]
        """,
        """
        async def listen(ask):
            heard = []
            while not (heard and heard[-1] == "bye"):
                heard.extend(await ask(len(heard)))
            return heard
        """,
        """
        async def listen(ask, have=()):
            have = [*have, *(await ask(len(have)))]
            return have if "bye" in have else await listen(ask, have)
        """,
    ],
    "02_await q1": [
        "import asyncio\nasync def together(ann, bob):\n    return [*await asyncio.gather(ann(), bob())]",
        """
        import asyncio
        async def together(ann, bob):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(each()) for each in (ann, bob)]
            return tuple(task.result() for task in tasks)
        """,
        """
        import asyncio
        async def together(ann, bob):
            first = asyncio.create_task(ann())
            second = await bob()
            return await first, second
        """,
        """
        import asyncio
        def together(ann, bob):
            return asyncio.gather(ann(), bob())
        """,
        """
        import asyncio
        async def together(ann, bob):
            tasks = [asyncio.ensure_future(ann()), asyncio.ensure_future(bob())]
            await asyncio.wait(tasks)
            return [task.result() for task in tasks]
        """,
        """
        import asyncio
        async def together(ann, bob):
            async with asyncio.TaskGroup() as g: ts = [g.create_task(f()) for f in (ann, bob)]
            return [t.result() for t in ts]
        """,
    ],
    "02_await q3": [
        """
        import asyncio
        async def or_nothing(wait, seconds):
            try:
                return await asyncio.wait_for(wait(), seconds)
            except asyncio.TimeoutError:
                return None
        """,
        """
        import asyncio
        async def or_nothing(wait, seconds):
            task = asyncio.create_task(wait())
            done, waiting = await asyncio.wait([task], timeout=seconds)
            if done:
                return task.result()
            task.cancel()
        """,
        """
        import asyncio
        from contextlib import suppress
        async def or_nothing(wait, seconds):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    return await wait()
        """,
        """
        import asyncio
        async def or_nothing(wait, seconds):
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + 99):
                try:
                    async with asyncio.timeout(seconds):
                        result = await wait()
                except TimeoutError:
                    result = None
            return result
        """,
        """
        import asyncio
        class OrNothing:
            async def __call__(self, wait, seconds):
                try:
                    async with asyncio.timeout(seconds):
                        return await asyncio.create_task(wait())
                except TimeoutError:
                    return None
        or_nothing = OrNothing()
        """,
        """
        import asyncio
        async def or_nothing(wait, seconds):
            try: return await asyncio.wait_for(wait(), seconds)
            except asyncio.TimeoutError: return
        """,
    ],
    "03_server_and_client q1": [
        """
        class Echo:
            async def __call__(self, ws):
                async for text in ws:
                    await ws.send(f"You said: {text}")
        echo = Echo()
        """,
        """
        from functools import partial
        async def answer(words, ws):
            async for text in ws:
                await ws.send(f"{words} {text}")
        echo = partial(answer, "You said:")
        """,
        """
        from websockets.exceptions import ConnectionClosed
        async def echo(ws):
            try:
                while True:
                    await ws.send("You said: " + await ws.recv())
            except ConnectionClosed:
                pass
        """,
        """
        async def answers(ws):
            async for text in ws:
                yield "You said: " + text
        async def echo(ws):
            async for answer in answers(ws):
                await ws.send(answer)
        """,
        """
        import asyncio
        async def echo(ws):
            texts = asyncio.Queue()
            async def listen():
                async for text in ws:
                    texts.put_nowait(text)
                texts.put_nowait(None)
            async with asyncio.TaskGroup() as group:
                group.create_task(listen())
                while (text := await texts.get()) is not None:
                    await ws.send("You said: " + text)
        """,
        """
        import functools
        def logged(handler):
            @functools.wraps(handler)
            def wrapper(ws):
                return handler(ws)
            return wrapper
        @logged
        async def echo(ws):
            async for text in ws:
                await ws.send(f"You said: {text}")
        """,
        """
        async def echo(ws):
            try:
                async for text in ws:
                    await ws.send(["You said: ", text])
            finally:
                await ws.close()
        """,
        """
        from websockets import ConnectionClosed
        async def echo(ws):
            try:
                while (text := await ws.recv()) is not None: await ws.send("You said: " + text)
            except ConnectionClosed: ...
        """,
    ],
    "03_server_and_client q2": [
        """
        async def count(ws):
            texts = []
            async for text in ws:
                texts.append(text)
                await ws.send(f"{len(texts)}: {text}")
        """,
        """
        from itertools import count as numbers
        async def count(ws):
            for number in numbers(1):
                await ws.send(f"{number}: {await ws.recv()}")
        """,
        """
        class Count:
            def __init__(self):
                self.numbers = {}
            async def __call__(self, ws):
                self.numbers[ws] = 0
                try:
                    async for text in ws:
                        self.numbers[ws] += 1
                        await ws.send(f"{self.numbers[ws]}: {text}")
                finally:
                    del self.numbers[ws]
        count = Count()
        """,
        """
        async def count(ws, number=0):
            async for text in ws:
                number = number + 1
                await ws.send(str(number) + ": " + text)
        """,
        """
        count = lambda ws: talk(ws, iter(range(1, 10**6)))
        async def talk(ws, numbers):
            async for text in ws:
                await ws.send(f"{next(numbers)}: {text}")
        """,
        """
        from itertools import count as counter
        async def count(ws):
            n = counter(1)
            async for t in ws: await ws.send(f"{next(n)}: {t}")
        """,
    ],
    "03_server_and_client q3": [
        """
        import asyncio
        from contextlib import suppress
        people = set()
        async def say(other, text):
            with suppress(Exception):
                await other.send(text)
        async def relay(ws):
            people.add(ws)
            try:
                async for text in ws:
                    await ws.send(f"You said: {text}")
                    for other in people - {ws}:
                        asyncio.create_task(say(other, f"Someone says: {text}"))
            finally:
                people.remove(ws)
        """,
        """
        import asyncio
        people = {}
        async def relay(ws):
            people[id(ws)] = ws
            try:
                async for text in ws:
                    others = [other.send(f"Someone says: {text}") for other in people.values() if other is not ws]
                    asyncio.gather(*others, return_exceptions=True)
                    await ws.send(f"You said: {text}")
            finally:
                people.pop(id(ws))
        """,
        """
        from weakref import WeakSet
        from websockets import broadcast
        people = WeakSet()
        async def relay(ws):
            people.add(ws)
            async for text in ws:
                broadcast(set(people) - {ws}, f"Someone says: {text}")
                await ws.send(f"You said: {text}")
        """,
        """
        import asyncio
        people = []
        async def relay(ws):
            outbox = asyncio.Queue()
            people.append(outbox)
            async def speak():
                while True:
                    await ws.send(await outbox.get())
            speaking = asyncio.create_task(speak())
            try:
                async for text in ws:
                    for each in people:
                        each.put_nowait(f"{'You said' if each is outbox else 'Someone says'}: {text}")
            finally:
                people.remove(outbox)
                speaking.cancel()
                await asyncio.wait([speaking])
        """,
        """
        from websockets import broadcast
        class Room:
            def __init__(self):
                self.people = set()
            async def __call__(self, ws):
                self.people.add(ws)
                try:
                    async for text in ws:
                        broadcast([ws], f"You said: {text}")
                        broadcast(self.people - {ws}, f"Someone says: {text}")
                finally:
                    self.people.discard(ws)
        relay = Room()
        """,
        """
        import asyncio
        boxes = {}
        async def relay(ws):
            box = boxes[ws] = asyncio.Queue()
            async def pour():
                while True: await ws.send(await box.get())
            t = asyncio.create_task(pour())
            try:
                async for text in ws:
                    for o, b in boxes.items(): b.put_nowait(f"{'You said' if o is ws else 'Someone says'}: {text}")
            finally:
                del boxes[ws]; t.cancel(); await asyncio.wait([t])
        """,
    ],
    "03_server_and_client q4": [
        """
        import asyncio
        async def clock(ws):
            async def tick():
                number = 0
                while True:
                    number += 1
                    await ws.send(f"tick {number}")
                    await asyncio.sleep(0.1)
            ticking = asyncio.create_task(tick())
            try:
                async for text in ws:
                    await ws.send("You said: " + text)
            finally:
                ticking.cancel()
        """,
        """
        import asyncio
        async def tick(ws):
            for number in range(1, 10**6):
                await ws.send(f"tick {number}")
                await asyncio.sleep(0.1)
        async def clock(ws):
            async with asyncio.TaskGroup() as group:
                ticking = group.create_task(tick(ws))
                async for text in ws:
                    await ws.send("You said: " + text)
                ticking.cancel()
        """,
        """
        import asyncio
        async def tick(ws):
            number = 0
            while True:
                number += 1
                await ws.send(f"tick {number}")
                await asyncio.sleep(0.1)
        async def listen(ws):
            async for text in ws:
                await ws.send("You said: " + text)
        async def clock(ws):
            tasks = [asyncio.create_task(each(ws)) for each in (tick, listen)]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        """,
        """
        import asyncio
        from contextlib import asynccontextmanager
        @asynccontextmanager
        async def beside(coroutine):
            task = asyncio.create_task(coroutine)
            try:
                yield
            finally:
                task.cancel()
        async def tick(ws, number=1):
            while True:
                await asyncio.gather(ws.send(f"tick {number}"), asyncio.sleep(0.1))
                number += 1
        async def clock(ws):
            async with beside(tick(ws)):
                async for text in ws:
                    await ws.send("You said: " + text)
        """,
        """
        import asyncio
        class Clock:
            async def __call__(self, ws):
                ticking = asyncio.ensure_future(self.tick(ws))
                try:
                    while True:
                        await ws.send(f"You said: {await ws.recv()}")
                finally:
                    ticking.cancel()
            async def tick(self, ws):
                number = 0
                loop = asyncio.get_running_loop()
                due = loop.time()
                while True:
                    number += 1
                    await ws.send(f"tick {number}")
                    due += 0.1
                    await asyncio.sleep(due - loop.time())
        clock = Clock()
        """,
        """
        import asyncio
        async def clock(ws):
            async def tick():
                n = 0
                while True:
                    await ws.send(f"tick {(n := n + 1)}"); await asyncio.sleep(0.1)
            async with asyncio.TaskGroup() as g:
                t = g.create_task(tick())
                async for text in ws: await ws.send(f"You said: {text}")
                t.cancel()
        """,
    ],
    "04_your_own_panel q1": [
        'import html\ndef line(name, text):\n    return "<p><b>" + html.escape(name) + "</b>: " + html.escape(text) + "</p>"',
        'from html import escape\nline = lambda name, text: f"<p><b>{escape(name, quote=False)}</b>: {escape(text, quote=False)}</p>"',
        """
        def line(name, text):
            safe = [each.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for each in (name, text)]
            return "<p><b>{}</b>: {}</p>".format(*safe)
        """,
        """
        def line(name, text):
            name, text = ("".join(f"&#{ord(letter)};" for letter in each) for each in (name, text))
            return f'<p class="line"><b>{name}</b>: {text}</p>'
        """,
        """
        from xml.sax.saxutils import escape
        def line(name, text):
            return f"<p>\\n<b>{escape(name)}</b>: {escape(text)}</p>".replace("\\n", "", 1)
        """,
        """
        from xml.etree import ElementTree as ET
        def line(name, text):
            p = ET.Element("p"); b = ET.SubElement(p, "b"); b.text = name; b.tail = ": " + text
            return ET.tostring(p, encoding="unicode")
        """,
    ],
    "04_your_own_panel q2": [
        """
        async def submit(box, send):
            if not (text := box.value.strip()):
                return False
            try:
                await send(text)
            except OSError:
                return False
            else:
                box.value = ""
                return True
        """,
        """
        from contextlib import suppress
        async def submit(box, send):
            text = box.value.strip()
            if text:
                with suppress(ConnectionError):
                    await send(text)
                    box.value = ""
                    return True
            return False
        """,
        """
        class Submit:
            async def __call__(self, box, send):
                text, sent = box.value.strip(), False
                try:
                    if text:
                        await send(text)
                        sent = True
                except ConnectionError:
                    pass
                if sent:
                    box.value = ""
                return sent
        submit = Submit()
        """,
        """
        import asyncio
        async def submit(box, send):
            text = box.value.strip()
            if text == "":
                return False
            task = asyncio.create_task(send(text))
            await asyncio.wait([task])
            if isinstance(task.exception(), ConnectionError):
                return False
            box.value = ""
            return True
        """,
        """
        async def submit(box, send):
            text = " ".join(box.value.split())
            if not text:
                return False
            try:
                await send(text)
            except Exception as error:
                if not isinstance(error, ConnectionError):
                    raise
                return False
            box.value = str()
            return True
        """,
        """
        async def submit(box, send):
            match box.value.strip():
                case "": return False
                case text:
                    try: await send(text)
                    except ConnectionError as e: print(e); return False
                    else: box.value = ""; return True
        """,
    ],
    "04_your_own_panel q3": [
        "import asyncio\ndef pressed(loop, send, text):\n    return asyncio.run_coroutine_threadsafe(send(text), loop)",
        "import asyncio\ndef pressed(loop, send, text):\n    return asyncio.run_coroutine_threadsafe(send(text), loop).result(timeout=5)",
        "def pressed(loop, send, text):\n    loop.call_soon_threadsafe(lambda: loop.create_task(send(text)))",
        """
        import asyncio
        def pressed(loop, send, text):
            def go():
                asyncio.ensure_future(send(text))
            loop.call_soon_threadsafe(go)
        """,
        """
        import asyncio
        class Pressed:
            def __call__(self, loop, send, text):
                future = asyncio.run_coroutine_threadsafe(send(text), loop)
                future.add_done_callback(lambda done: done.result())
        pressed = Pressed()
        """,
        """
        import asyncio
        def pressed(loop, send, text):
            f = asyncio.run_coroutine_threadsafe(send(text), loop)
            try: f.result(1)
            except Exception: pass
        """,
    ],
    "05_everyone q1": [
        "stuck = lambda before, now, limit: {name for name in now if min(now[name], before.get(name, 0)) > limit}",
        """
        def stuck(before, now, limit):
            for name in before.keys() & now.keys():
                if before[name] > limit < now[name]:
                    yield name
        """,
        """
        class Stuck:
            async def __call__(self, before, now, limit):
                return tuple(filter(lambda name: name in now and now[name] > limit, (n for n in before if before[n] > limit)))
        stuck = Stuck()
        """,
        """
        from collections import Counter
        def stuck(before, now, limit):
            return dict.fromkeys(n for n, unread in now.items() if unread > limit and Counter(before)[n] > limit)
        """,
        """
        def stuck(before, now, limit):
            over = [{name for name in look if look[name] > limit} for look in (before, now)]
            return frozenset.intersection(*map(frozenset, over))
        """,
        """
        def stuck(before, now, limit):
            return {n for n in before.keys() & now.keys() if min(before[n], now[n]) > limit}
        """,
        """
        stuck = lambda before, now, limit: filter(lambda n: now[n] > limit < before.get(n, -1), now)
        """,
        """
        def stuck(before, now, limit):
            for n in now:
                match before.get(n):
                    case int(b) if b > limit and now[n] > limit: yield n
        """,
    ],
    "05_everyone q2": [
        """
        from asyncio import QueueFull
        def hand_over(queues, text):
            full = set()
            for name in queues:
                try:
                    queues[name].put_nowait(text)
                except QueueFull:
                    full.add(name)
            return full
        """,
        """
        async def hand_over(queues, text):
            full = [name for name, queue in queues.items() if queue.full()]
            for name in queues.keys() - set(full):
                await queues[name].put(text)
            return full
        """,
        """
        import asyncio
        async def hand_over(queues, text):
            async def put(queue):
                async with asyncio.timeout(0):
                    queue.put_nowait(text)
            came = await asyncio.gather(*map(put, queues.values()), return_exceptions=True)
            return tuple(name for name, error in zip(queues, came) if error)
        """,
        """
        class HandOver:
            def __call__(self, queues, text):
                for name, queue in queues.items():
                    if queue.qsize() < queue.maxsize:
                        queue.put_nowait(text)
                    else:
                        yield name
        hand_over = HandOver()
        """,
        """
        from functools import partial
        def put(keep, queues, text):
            full = keep(name for name in queues if queues[name].full())
            [queues[name].put_nowait(text) for name in queues if name not in full]
            return full
        hand_over = partial(put, frozenset)
        """,
        """
        import asyncio
        def hand_over(queues, text):
            full = set()
            for n, q in queues.items():
                try: q.put_nowait(text)
                except asyncio.QueueFull: full.add(n)
            return full
        """,
        """
        async def hand_over(queues, text):
            late = []
            for n in queues:
                if queues[n].qsize() == queues[n].maxsize: late += [n]
                else: await queues[n].put(text)
            return late
        """,
        """
        def hand_over(queues, text):
            for n, q in queues.items():
                if q.full(): yield n
                else: q.put_nowait(text)
        """,
    ],
    "05_everyone q3": [
        """
        from websockets import broadcast
        class Room:
            def __init__(self):
                self.people = []
            async def __call__(self, ws):
                self.people.append(ws)
                try:
                    while True:
                        text = await ws.recv()
                        for other in self.people:
                            if other is not ws:
                                broadcast([other], text)
                                if other.transport.get_write_buffer_size() > 10**6:
                                    other.transport.abort()
                finally:
                    self.people.remove(ws)
        relay = Room()
        """,
        """
        import asyncio
        from chatkit.fanout import Fanout, Frames, Outlet
        outlets = {}
        async def relay(ws):
            fanout = Fanout(asyncio.get_running_loop())
            outlets[ws] = Outlet(ws)
            try:
                async for text in ws:
                    fanout.deliver([outlets[other] for other in outlets if other is not ws], Frames([text.encode()]))
                    for other in list(outlets):
                        if other.transport.get_write_buffer_size() > 1e6:
                            other.transport.abort()
            finally:
                del outlets[ws]
        """,
        """
        import asyncio
        people = {}
        async def write(ws, queue):
            while True:
                text = await queue.get()
                await ws.send(text)
                people[ws][1] -= len(text)
        async def relay(ws):
            people[ws] = [asyncio.Queue(), 0]
            writing = asyncio.create_task(write(ws, people[ws][0]))
            try:
                async for text in ws:
                    for other in people.keys() - {ws}:
                        people[other][0].put_nowait(text)
                        people[other][1] += len(text)
                        if people[other][1] > 1_000_000:
                            other.transport.abort()
            finally:
                del people[ws]
                writing.cancel()
                await asyncio.wait([writing])
        """,
        """
        from functools import partial
        from websockets import broadcast
        async def talk(people, ws):
            people.add(ws)
            try:
                async for text in ws:
                    for other in list(people):
                        if other.transport.get_write_buffer_size() > 1_000_000:
                            other.transport.abort()
                            people.discard(other)
                    broadcast(people - {ws}, text)
            finally:
                people.discard(ws)
        relay = partial(talk, set())
        """,
        """
        import asyncio
        people, sending = set(), set()
        async def relay(ws):
            people.add(ws)
            try:
                async for text in ws:
                    for other in people - {ws}:
                        task = asyncio.create_task(tell(other, text))
                        sending.add(task)
                        task.add_done_callback(sending.discard)
            finally:
                people.discard(ws)
        async def tell(other, text):
            if other.transport.get_write_buffer_size() > 1_000_000:
                other.transport.abort()
            try:
                await other.send(text)
            except Exception:
                pass
        """,
        """
        from websockets import broadcast, ConnectionClosed
        people = set()
        async def relay(ws):
            people.add(ws)
            try:
                while True:
                    text = await ws.recv()
                    for p in [p for p in people if p is not ws]:
                        if p.transport.get_write_buffer_size() > 1_000_000:
                            p.transport.abort()
                        else:
                            broadcast([p], text)
            except ConnectionClosed:
                pass
            finally:
                people.remove(ws)
        """,
        """
        from websockets import broadcast
        class Relay:
            def __init__(self): self.here = []
            async def __call__(self, ws):
                self.here.append(ws)
                try:
                    async for t in ws:
                        broadcast((p for p in self.here if p != ws), t)
                        [p.transport.abort() for p in self.here if p.transport.get_write_buffer_size() > 10**6]
                finally:
                    self.here = [p for p in self.here if p is not ws]
        relay = Relay()
        """,
        """
        import asyncio
        boxes = {}
        async def pour(ws, box):
            while True:
                t = await box[0].get()
                await ws.send(t)
                box[1] -= len(t.encode())
        async def relay(ws):
            boxes[ws] = [asyncio.Queue(), 0]
            task = asyncio.create_task(pour(ws, boxes[ws]))
            try:
                async for t in ws:
                    for other, box in list(boxes.items()):
                        if other is ws: continue
                        box[0].put_nowait(t); box[1] += len(t.encode())
                        if box[1] + other.transport.get_write_buffer_size() > 1_000_000:
                            other.transport.abort()
            finally:
                del boxes[ws]
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        """,
    ],
    "06_rooms_and_names q1": [
        """
        import msgspec
        class Say(msgspec.Struct, tag_field="type", tag="say"):
            text: str
        class Hush(msgspec.Struct, tag_field="type", tag=" "):
            pass
        def fault(text):
            try:
                if isinstance(msgspec.json.decode(text, type=Say | Hush), Hush):
                    return "type"
            except msgspec.ValidationError as error:
                if "object`, got" in str(error):
                    return "json"
                return "text" if "text" in str(error) else "type"
            except msgspec.DecodeError:
                return "json"
        """,
        """
        import json
        def fault(text):
            try:
                match json.loads(text):
                    case {"type": "say", "text": str()}:
                        return None
                    case {"type": "say"}:
                        return "text"
                    case {}:
                        return "type"
            except json.JSONDecodeError:
                pass
            return "json"
        """,
        """
        import json
        class Fault:
            async def __call__(self, text):
                try:
                    fields = dict(json.loads(text).items())
                except (ValueError, AttributeError):
                    return "json"
                wrong = [field for field, right in (("type", fields.get("type") == "say"), ("text", type(fields.get("text")) is str)) if not right]
                return wrong[0] if wrong else None
        fault = Fault()
        """,
        """
        import json
        from functools import partial
        def first(kind, text):
            try:
                message = json.loads(text)
                assert isinstance(message, dict)
            except (ValueError, AssertionError):
                return "json"
            return "type" if message.get("type") != kind else None if isinstance(message.get("text"), str) else "text"
        fault = partial(first, "say")
        """,
        """
        from json import JSONDecoder
        def fault(text):
            try:
                message = JSONDecoder().decode(text)
                kind = message["type"]
            except KeyError:
                return "type"
            except (ValueError, TypeError):
                return "json"
            if kind != "say":
                return "type"
            try:
                return None if message["text"].__class__ is str else "text"
            except KeyError:
                return "text"
        """,
        """
        import json
        def fault(text):
            try: m = json.loads(text)
            except json.JSONDecodeError: return "json"
            match m:
                case {"type": "say", "text": str()}: return None
                case {"type": "say"}: return "text"
                case dict(): return "type"
                case _: return "json"
        """,
        """
        import json
        def fault(text):
            try:
                m = dict(json.loads(text, object_pairs_hook=dict).items())
            except (ValueError, AttributeError): return "json"
            try:
                assert m["type"] == "say"
            except (KeyError, AssertionError): return "type"
            if type(m.get("text", None)) is not str: return "text"
        """,
    ],
    "06_rooms_and_names q2": [
        """
        from chatkit.addresses import room_of, split_target
        room = lambda target: room_of(split_target(target)[0])
        """,
        """
        import re
        from urllib.parse import unquote
        def room(target):
            found = re.fullmatch(r"/(?:room/([^/?]+))?(?:[?].*)?", target)
            return found and (unquote(found[1]) if found[1] else "lobby")
        """,
        """
        from urllib.parse import unquote, urlsplit
        async def room(target):
            match urlsplit(target).path.split("/"):
                case ["", ""]:
                    return "lobby"
                case ["", "room", name] if name:
                    return unquote(name)
        """,
        """
        from pathlib import PurePosixPath
        from urllib.parse import unquote
        class Room:
            def __call__(self, target):
                path = target.split("?", 1)[0]
                parts = PurePosixPath(path).parts
                if parts == ("/",):
                    return "lobby"
                if parts[:2] == ("/", "room") and len(parts) == 3:
                    return unquote(parts[2])
        room = Room()
        """,
        """
        from urllib.parse import unquote_to_bytes
        def room(target):
            path = target[: target.find("?")] if "?" in target else target
            if path == "/": return "lobby"
            if path.count("/") == 2 and path.startswith("/room/") and len(path) > 6:
                return unquote_to_bytes(path[6:]).decode("utf-8")
        """,
        """
        from urllib.parse import urlsplit, unquote
        def room(target):
            match urlsplit(target).path.split("/"):
                case ["", ""]: return "lobby"
                case ["", "room", name] if name: return unquote(name)
        """,
        r"""
        import re
        from urllib.parse import unquote
        def room(target):
            m = re.fullmatch(r"/(?:room/([^/?]+))?(?:\?.*)?", target)
            return (unquote(m[1]) if m[1] else "lobby") if m else None
        """,
    ],
    "06_rooms_and_names q3": [
        """
        from chatkit.rooms import Room
        def free_name(name, taken):
            return Room(names={each.casefold(): "somebody" for each in taken}).free_name("me", name)
        """,
        """
        from itertools import chain, count
        def free_name(name, taken):
            small = [each.lower() for each in taken]
            tries = chain([name], (f"{name}·{number}" for number in count(2)))
            return next(each for each in tries if each.lower() not in small)
        """,
        """
        def free_name(name, taken, number=1):
            free = name if number == 1 else f"{name}·{number}"
            if free.upper() in map(str.upper, taken):
                return free_name(name, taken, number + 1)
            return free
        """,
        """
        class FreeName:
            async def __call__(self, name, taken):
                for number in range(1, len(taken) + 2):
                    free = name + (f"·{number}" if number > 1 else "")
                    if not any(free.casefold() == each.casefold() for each in taken):
                        return free
        free_name = FreeName()
        """,
        """
        from functools import partial
        def pick(sign, name, taken):
            taken[:] = [each.casefold() for each in taken]
            if name.casefold() not in taken:
                return name
            number = 2
            while True:
                if (name + sign + str(number)).casefold() not in taken:
                    return name + sign + str(number)
                number += 1
        free_name = partial(pick, "·")
        """,
        """
        from itertools import chain, count
        def free_name(name, taken):
            low = set(map(str.lower, taken))
            return next(n for n in chain([name], (f"{name}·{i}" for i in count(2))) if n.lower() not in low)
        """,
        r"""
        def free_name(name, taken, n=1):
            candidate = name if n == 1 else f"{name}\u00b7{n}"
            if any(candidate.casefold() == t.casefold() for t in taken): return free_name(name, taken, n + 1)
            return candidate
        """,
    ],
    "08_handshake q1": [
        """
        from base64 import b64encode
        from hashlib import sha1
        GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = lambda key: str(b64encode(sha1(key.encode() + GUID).digest()), "ascii")
        """,
        """
        import base64, hashlib
        def accept(key):
            digest = hashlib.new("sha1")
            digest.update(key.encode())
            digest.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
            return base64.standard_b64encode(digest.digest()).decode("ascii")
        """,
        "from websockets.utils import accept_key as accept",
        """
        import base64, hashlib
        def accept(key):
            text = f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            return base64.b64encode(bytes.fromhex(hashlib.sha1(text.encode()).hexdigest())).decode()
        """,
        """
        import binascii, hashlib
        async def accept(key):
            hashed = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
            return binascii.b2a_base64(hashed, newline=False).decode()
        """,
        """
        import hashlib, binascii
        def accept(key):
            h = hashlib.new("sha1"); h.update(key.encode("ascii")); h.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
            return binascii.b2a_base64(h.digest(), newline=False).decode()
        """,
    ],
    "08_handshake q2": [
        """
        def upgrade(host, path, key):
            return bytearray((f"GET {path} HTTP/1.1\\r\\nHost: {host}\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                f"Sec-WebSocket-Key: {key}\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n").encode())
        """,
        """
        def upgrade(host, path, key):
            headers = {"sec-websocket-version": 13, "SEC-WEBSOCKET-KEY": key, "connection": "keep-alive, Upgrade",
                "upgrade": "WebSocket", "host": host, "User-Agent": "me", "Origin": f"http://{host}"}
            lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
            return ("\\r\\n".join(lines) + "\\r\\n\\r\\n").encode("ascii")
        """,
        """
        def upgrade(host, path, key):
            return b"GET %s HTTP/1.1\\r\\nHost:%s\\r\\nUpgrade:websocket\\r\\nConnection:Upgrade\\r\\nSec-WebSocket-Key:%s\\r\\nSec-WebSocket-Version:13\\r\\n\\r\\n" % (
                path.encode(), host.encode(), key.encode())
        """,
        """
        from websockets.datastructures import Headers
        from websockets.http11 import Request
        def upgrade(host, path, key):
            return Request(path, Headers({"Host": host, "Upgrade": "websocket", "Connection": "Upgrade",
                "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"})).serialize()
        """,
        """
        def upgrade(host, path, key):
            text = '''GET {} HTTP/1.1
        Host: {}
        Upgrade: websocket
        Connection: Upgrade
        Sec-WebSocket-Key: {}
        Sec-WebSocket-Version: 13
        Sec-WebSocket-Protocol: chat

        '''.format(path, host, key)
            return "\\r\\n".join(line.strip() for line in text.split("\\n")).encode()
        """,
        r"""
        def upgrade(host, path, key):
            h = {"host": host, "connection": "keep-alive, Upgrade", "upgrade": "WebSocket", "sec-websocket-version": 13, "sec-websocket-key": key, "user-agent": "me"}
            return (f"GET {path} HTTP/1.1\r\n" + "".join(f"{k}:{v}\r\n" for k, v in h.items()) + "\r\n").encode("latin-1")
        """,
    ],
    "08_handshake q3": [
        "def refusal(response):\n    code = int(response[9:12])\n    return code if code != 101 else None",
        "import re\ndef refusal(response):\n    code = int(re.match(rb'HTTP/1.1 (\\d+)', response)[1])\n    if code != 101:\n        return code",
        """
        def refusal(response):
            head, _, rest = response.partition(b"\\r\\n")
            version, code, *words = head.decode().split(" ")
            return {101: None}.get(int(code), int(code))
        """,
        """
        from http import HTTPStatus
        def refusal(response):
            code = HTTPStatus(int(response.split(b" ", 2)[1]))
            return None if code is HTTPStatus.SWITCHING_PROTOCOLS else code
        """,
        """
        import io
        async def refusal(response):
            line = io.BytesIO(response).readline().split()
            return None if line[1] == b"101" else int(line[1])
        """,
        r"""
        import re
        def refusal(response):
            n = int(re.match(rb"HTTP/1\.1 (\d{3})", response)[1]); return n if n != 101 else None
        """,
    ],
    "09_frames q1": [
        """
        import struct
        def header(data):
            first, second = struct.unpack_from("!BB", data)
            length = second & 127
            if length == 126:
                (length,) = struct.unpack_from("!H", data, 2)
            elif length == 127:
                (length,) = struct.unpack_from("!Q", data, 2)
            return first >= 128, first % 16, second >= 128, length
        """,
        """
        def header(data):
            bits = f"{data[0]:08b}{data[1]:08b}"
            size = {126: 2, 127: 8}.get(int(bits[9:], 2), 0)
            length = int(data[2:2 + size].hex(), 16) if size else int(bits[9:], 2)
            return [bits[0] == "1", int(bits[4:8], 2), bits[8] == "1", length]
        """,
        """
        from collections import namedtuple
        Header = namedtuple("Header", "fin opcode masked length")
        def header(data):
            length = data[1] & 0x7F
            start, end = {126: (2, 4), 127: (2, 10)}.get(length, (0, 0))
            return Header(data[0] >> 7, data[0] & 15, data[1] >> 7, int.from_bytes(data[start:end], "big") if end else length)
        """,
        """
        def header(data):
            view = memoryview(data)
            length = view[1] & 0x7F
            if length > 125:
                length, rest = 0, view[2:4 if length == 126 else 10]
                for byte in rest:
                    length = length << 8 | byte
            return not not view[0] & 0x80, view[0] & 0x0F, not not view[1] & 0x80, length
        """,
        """
        class Reader:
            def __call__(self, data):
                return bool(data[0] & 128), data[0] & 15, bool(data[1] & 128), self.length(data)
            def length(self, data):
                match data[1] & 127:
                    case 126:
                        return int.from_bytes(data[2:4])
                    case 127:
                        return int.from_bytes(data[2:10])
                    case short:
                        return short
        header = Reader()
        """,
        """
        import struct
        def header(data):
            a, b = data[0], data[1]
            n = b % 128
            if n == 126: (n,) = struct.unpack("!H", data[2:4])
            if b % 128 == 127: (n,) = struct.unpack("!Q", data[2:10])
            return [a >> 7 == 1, a & 15, b > 127, n]
        """,
    ],
    "09_frames q2": [
        "from websockets.frames import Frame, Opcode\ndef text_frame(text):\n    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)",
        """
        import struct
        def text_frame(text):
            payload = text.encode("utf-8")
            n = len(payload)
            if n < 126:
                head = struct.pack("!BB", 0x81, n)
            elif n < 1 << 16:
                head = struct.pack("!BBH", 0x81, 126, n)
            else:
                head = struct.pack("!BBQ", 0x81, 127, n)
            return head + payload
        """,
        """
        def text_frame(text):
            payload = bytearray(text, "utf-8")
            frame = bytearray([0b10000001])
            if len(payload) <= 125:
                frame.append(len(payload))
            elif len(payload) <= 0xFFFF:
                frame += bytes([126]) + len(payload).to_bytes(2, "big")
            else:
                frame += bytes([127]) + len(payload).to_bytes(8, "big")
            return frame + payload
        """,
        """
        def text_frame(text):
            payload = text.encode()
            for sign, size in ((len(payload), 0), (126, 2), (127, 8)):
                if len(payload) <= (125, 65535, 2**63)[(0, 2, 8).index(size)]:
                    return b"".join([b"\\x81", bytes([sign]), len(payload).to_bytes(size, "big") if size else b"", payload])
        """,
        """
        async def text_frame(text):
            payload = memoryview(text.encode())
            n = payload.nbytes
            length = bytes([n]) if n <= 125 else b"~" + n.to_bytes(2) if n <= 65535 else b"\\x7f" + n.to_bytes(8)
            return memoryview(b"\\x81" + length + payload)
        """,
        """
        import struct
        def text_frame(text):
            p = text.encode(); n = len(p)
            h = struct.pack("!BB", 0x81, n) if n < 126 else struct.pack("!BBH", 0x81, 126, n) if n < 1 << 16 else struct.pack("!BBQ", 0x81, 127, n)
            return memoryview(h + p)
        """,
    ],
    "09_frames q3": [
        """
        def messages(frames):
            whole = bytearray()
            for fin, opcode, payload in frames:
                if opcode in (0, 1):
                    whole.extend(payload)
                    if fin:
                        yield whole.decode()
                        whole.clear()
        """,
        """
        def messages(frames):
            found, pieces = [], []
            for frame in frames:
                if frame[1] & 0x8:
                    continue
                pieces.append(frame[2])
                if frame[0]:
                    found.append(str(b"".join(pieces), "utf-8"))
                    pieces = []
            return tuple(found)
        """,
        """
        import codecs
        def messages(frames):
            decoder, text, found = codecs.getincrementaldecoder("utf-8")(), "", []
            for fin, opcode, payload in frames:
                if opcode < 8:
                    text += decoder.decode(payload, final=fin)
                    if fin:
                        found.append(text)
                        text = ""
            return found
        """,
        """
        class Messages:
            def __call__(self, frames):
                data = [frame for frame in frames if frame[1] < 8]
                ends = [n for n, frame in enumerate(data) if frame[0]]
                starts = [0, *(n + 1 for n in ends)]
                return [b"".join(f[2] for f in data[a:b + 1]).decode() for a, b in zip(starts, ends)]
        messages = Messages()
        """,
        """
        def messages(frames, whole=b""):
            if not frames:
                return []
            (fin, opcode, payload), *rest = frames
            if opcode >= 8:
                return messages(rest, whole)
            if fin:
                return [(whole + payload).decode(), *messages(rest)]
            return messages(rest, whole + payload)
        """,
        """
        def messages(frames):
            buf = bytearray()
            for fin, op, p in frames:
                if op in (0, 1, 2):
                    buf.extend(p)
                    if fin: yield buf.decode(); buf.clear()
        """,
    ],
    "10_client_by_hand q1": [
        """
        import io
        def texts(chunks):
            stream, found = io.BytesIO(b"".join(chunks)), []
            while len(head := stream.read(2)) == 2 and len(payload := stream.read(head[1])) == head[1]:
                found.append(payload.decode())
            return found
        """,
        """
        def texts(chunks):
            stream = bytearray()
            for chunk in chunks:
                stream += chunk
                while len(stream) > 1 and len(stream) > 1 + stream[1]:
                    yield stream[2:2 + stream[1]].decode()
                    del stream[:2 + stream[1]]
        """,
        """
        def texts(chunks):
            stream, place, found = b"".join(chunks), 0, ()
            while place + 2 <= len(stream) and place + 2 + stream[place + 1] <= len(stream):
                found += (str(stream[place + 2:place + 2 + stream[place + 1]], "utf-8"),)
                place += 2 + stream[place + 1]
            return found
        """,
        """
        from itertools import chain
        def texts(chunks):
            found, state, length, payload = [], "opcode", 0, bytearray()
            for byte in chain.from_iterable(chunks):
                if state == "opcode":
                    state = "length"
                elif state == "length":
                    length, payload, state = byte, bytearray(), "payload"
                else:
                    payload.append(byte)
                if state == "payload" and len(payload) == length:
                    found.append(payload.decode())
                    state = "opcode"
            return found
        """,
        """
        import asyncio
        async def texts(chunks):
            reader, found = asyncio.StreamReader(), []
            for chunk in chunks:
                reader.feed_data(chunk)
            reader.feed_eof()
            try:
                while True:
                    head = await reader.readexactly(2)
                    found.append((await reader.readexactly(head[1])).decode())
            except asyncio.IncompleteReadError:
                return found
        """,
        """
        import io
        def texts(chunks):
            s = io.BytesIO(b"".join(chunks))
            while len(h := s.read(2)) == 2:
                p = s.read(h[1])
                if len(p) < h[1]: return
                yield p.decode()
        """,
    ],
    "10_client_by_hand q2": [
        "from websockets.frames import Frame, Opcode\ndef client_frame(text):\n    return Frame(Opcode.TEXT, text.encode()).serialize(mask=True)",
        """
        import secrets, struct
        from websockets.utils import apply_mask
        def client_frame(text):
            payload, mask = text.encode(), secrets.token_bytes(4)
            n = len(payload)
            if n < 126:
                head = struct.pack("!BB", 0x81, n | 0x80)
            elif n < 65536:
                head = struct.pack("!BBH", 0x81, 0xFE, n)
            else:
                head = struct.pack("!BBQ", 0x81, 0xFF, n)
            return bytearray(head + mask + apply_mask(payload, mask))
        """,
        """
        import os
        from itertools import cycle
        def client_frame(text):
            payload, mask = text.encode(), os.urandom(4)
            n = len(payload)
            length = [n + 128] if n <= 125 else [254, *n.to_bytes(2, "big")] if n <= 65535 else [255, *n.to_bytes(8, "big")]
            return bytes([129, *length, *mask, *(a ^ b for a, b in zip(payload, cycle(mask)))])
        """,
        """
        import random
        class ClientFrame:
            def __call__(self, text):
                payload = text.encode()
                mask = random.SystemRandom().randbytes(4)
                size = 0 if len(payload) < 126 else 2 if len(payload) < 65536 else 8
                sign = {0: len(payload), 2: 126, 8: 127}[size]
                head = bytes([0x81, 0x80 | sign]) + (len(payload).to_bytes(size, "big") if size else b"")
                return head + mask + bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))
        client_frame = ClientFrame()
        """,
        """
        import os
        async def client_frame(text):
            payload = text.encode()
            mask = os.urandom(4)
            long = mask * (len(payload) // 4 + 1)
            masked = int.from_bytes(payload, "big") ^ int.from_bytes(long[:len(payload)], "big")
            n = len(payload)
            length = bytes([128 | n]) if n <= 125 else b"\\xfe" + n.to_bytes(2, "big") if n <= 65535 else b"\\xff" + n.to_bytes(8, "big")
            return b"\\x81" + length + mask + masked.to_bytes(n, "big")
        """,
        """
        import secrets, itertools, struct
        def client_frame(text):
            p = text.encode("utf-8"); m = secrets.token_bytes(4); n = len(p)
            h = bytes([129, 128 | n]) if n < 126 else struct.pack(">BBH", 129, 254, n) if n < 65536 else struct.pack(">BBQ", 129, 255, n)
            return bytearray(h + m + bytes(a ^ b for a, b in zip(p, itertools.cycle(m))))
        """,
    ],
    "10_client_by_hand q3": [
        "def reply(opcode, payload):\n    return {9: (10, payload), 8: (8, payload[:2])}.get(opcode)",
        "def reply(opcode, payload):\n    if opcode == 8:\n        return 8, payload\n    if opcode == 9:\n        return 0xA, payload",
        """
        def reply(opcode, payload):
            match opcode:
                case 9:
                    return [10, bytearray(payload)]
                case 8:
                    return [8, bytearray(payload[:2])]
        """,
        """
        from websockets.frames import Opcode
        reply = lambda opcode, payload: (Opcode.PONG, payload) if opcode == Opcode.PING else (Opcode.CLOSE, payload[:2]) if opcode == Opcode.CLOSE else None
        """,
        """
        class Reply:
            async def __call__(self, opcode, payload):
                answers = {9: 10, 8: 8}
                return (answers[opcode], payload if opcode == 9 else payload[:2]) if opcode in answers else None
        reply = Reply()
        """,
        """
        def reply(opcode, payload):
            match opcode, payload:
                case 9, p: return [10, p]
                case 8, p: return [8, bytearray(p[:2])]
        """,
    ],
    "02_await q2": [
        """
        import asyncio
        async def until_green(light):
            while True:
                if light():
                    return "go"
                await asyncio.sleep(0)
        """,
        """
        import asyncio
        async def until_green(light):
            async def look():
                while not light():
                    await asyncio.sleep(0.001)
            await asyncio.create_task(look())
            return "go"
        """,
        """
        import asyncio
        async def until_green(light):
            loop = asyncio.get_running_loop()
            green = loop.create_future()
            def look():
                if light():
                    green.set_result("go")
                else:
                    loop.call_later(0.005, look)
            look()
            return await green
        """,
        """
        import asyncio
        class Green:
            async def __call__(self, light):
                await asyncio.sleep(0)
                while not light():
                    await asyncio.sleep(0.02)
                return "g" + "o"
        until_green = Green()
        """,
        """
        import asyncio
        async def until_green(light):
            if light():
                return "go"
            await asyncio.sleep(0.005)
            return await until_green(light)
        """,
        """
        import asyncio
        async def looks(light):
            while not light():
                yield
                await asyncio.sleep(0.004)
        async def until_green(light):
            async for _ in looks(light):
                pass
            return "go"
        """,
        """
        import asyncio
        async def until_green(light):
            while True:
                if light(): return "go"
                await asyncio.sleep(0)
        """,
    ],
    "07_many_clients_teacher q1": [
        'invite = lambda link, room, name: "ws" + link[4:] + "room/%s?name=%s" % (room, name)',
        """
        from urllib.parse import quote, urlencode, urljoin
        def invite(link, room, name):
            page = urljoin(link, "room/" + quote(room))
            return page.replace("http", "ws", 1) + "?" + urlencode({"name": name})
        """,
        """
        from urllib.parse import urlsplit
        async def invite(link, room, name):
            parts = urlsplit(link)
            scheme = {"http": "ws", "https": "wss"}[parts.scheme]
            return parts._replace(scheme=scheme, path=f"/room/{room}", query=f"name={name}").geturl()
        """,
        """
        import re
        class Invite:
            def __call__(self, link, room, name):
                return re.sub("^http", "ws", link).rstrip("/") + f"/room/{room}/"[:-1] + f"?name={name}"
        invite = Invite()
        """,
        """
        from functools import partial
        def address(secure, bare, link, room, name):
            scheme = secure if link.startswith("https:") else bare
            return "".join((scheme, link.partition("://")[2], "room/", room, "?", "name=", name))
        invite = partial(address, "wss://", "ws://")
        """,
        """
        from chatkit.addresses import with_query
        def invite(link, room, name):
            if link.startswith("https"):
                link = link.replace("https", "wss")
            return with_query(link.replace("http:", "ws:") + "room/" + room, name=name)
        """,
        """
        from urllib.parse import urlsplit, urlencode
        def invite(link, room, name):
            u = urlsplit(link)
            return u._replace(scheme={"http": "ws", "https": "wss"}[u.scheme], path=f"/room/{room}", query=urlencode({"name": name})).geturl()
        """,
        """
        import re
        def invite(link, room, name):
            return re.sub("^http", "ws", link) + "room/" + room + "?name=" + name
        """,
    ],
    "07_many_clients_teacher q2": [
        """
        import re
        def said(line):
            found = re.fullmatch("(You) said: (.*)|(?!🟢)(.*?) says: (.*)", line, re.DOTALL)
            return tuple(part for part in found.groups() if part is not None) if found else None
        """,
        """
        async def said(line):
            if line[0] == "🟢":
                return
            own = "You said: "
            if line[: len(own)] == own:
                return ["You", line[len(own) :]]
            return line.split(" says: ", 1)
        """,
        """
        class Said:
            def __call__(self, line):
                match line.split(": ", 1):
                    case ["You said", text]:
                        return "You", text
                    case [who, text] if who.endswith(" says"):
                        return who[:-5], text
        said = Said()
        """,
        """
        def said(line):
            for who, mark in (("You", "You said: "), ("", " says: ")):
                before, found, text = line.partition(mark)
                if found and (before == "" or not who) and not line.startswith("🟢 Server: "):
                    return who or before, text
            return None
        """,
        """
        from functools import partial
        from typing import NamedTuple
        class Line(NamedTuple):
            who: str
            text: str
        def read(marks, line):
            if line.startswith("🟢"):
                return None
            where = {line.find(mark): mark for mark in marks if mark in line}
            mark = where[min(where)]
            return Line(line[: min(where)].strip() or "You", line[min(where) + len(mark) :])
        said = partial(read, ("You said: ", " says: "))
        """,
        """
        import re
        def said(line):
            if line[:1] == "🟢": return
            if m := re.fullmatch(r"(You) said: (.*)|(.*?) says: (.*)", line, re.S):
                a, b, c, d = m.groups()
                return (a, b) if a else (c, d)
        """,
        """
        def said(line):
            own = "You said: "
            if line.startswith(own): return ["You", line[len(own):]]
            if line.startswith("🟢") or " says: " not in line: return None
            return line.split(" says: ", 1)
        """,
    ],
    "07_many_clients_teacher q3": [
        """
        import re
        status = lambda path: 101 if re.fullmatch(r"/(room/[^/?]+)?([?].*)?", path) else 404
        """,
        """
        from http import HTTPStatus
        def status(path):
            match path.split("?")[0].split("/"):
                case ["", ""] | ["", "room", str()] if not path.split("?")[0].endswith("room/"):
                    return HTTPStatus.SWITCHING_PROTOCOLS
            return HTTPStatus.NOT_FOUND
        """,
        """
        from chatkit.addresses import room_of, split_target
        def status(path):
            return 101 if room_of(split_target(path)[0]) else 404
        """,
        """
        from urllib.parse import urlsplit
        async def status(path):
            path = urlsplit(path).path
            name = path.removeprefix("/room/")
            return (404, 101)[path == "/" or (name != path and 0 < len(name) and "/" not in name)]
        """,
        """
        class Status(dict):
            def __missing__(self, path):
                return 101 if path.startswith("/room/") and path.count("/") == 2 and path[-1] != "/" else 404
            def __call__(self, path):
                return self[path.partition("?")[0]]
        status = Status({"/": 101})
        """,
        """
        import numpy as np
        def status(path):
            p = path.partition("?")[0]
            return np.where(p == "/" or (p.startswith("/room/") and p.count("/") == 2 and p != "/room/"), 101, 404)[()]
        """,
        """
        from http import HTTPStatus
        import re
        def status(path):
            ok = re.fullmatch(r"/(room/[^/]+)?", path.split("?")[0])
            return HTTPStatus.SWITCHING_PROTOCOLS if ok else HTTPStatus.NOT_FOUND
        """,
    ],
    "07_many_clients_student q1": [
        """
        from chatkit import connect
        async def people(uri):
            chat = await connect(uri)
            try:
                me = chat.you
                return sorted([w.name for i, w in chat.members.items() if i != me])
            finally:
                await chat.close()
        """,
        """
        from chatkit import connect
        async def people(uri):
            async with connect(uri, name="visitor") as chat:
                names = [who.name for who in chat.members.values()]
                names.remove(chat.name)
            names.sort()
            return names
        """,
        """
        from chatkit import connect
        class People:
            async def __call__(self, uri):
                async with connect(uri) as chat:
                    return tuple(sorted(w.name for w in chat.members.values() if w.id != chat.you))
        people = People()
        """,
        """
        from chatkit import connect
        import functools
        async def look(n, uri):
            async with connect(uri) as c:
                others = dict(c.members)
                del others[c.you]
            return sorted(map(lambda w: w.name, others.values()))
        people = functools.partial(look, 1)
        """,
        """
        import asyncio
        from chatkit import connect
        async def people(uri):
            async def inner():
                async with connect(uri) as chat:
                    return sorted(w.name for w in chat.members.values() if w.id != chat.you)
            return await asyncio.create_task(inner())
        """,
        """
        from chatkit import connect
        async def people(uri):
            chat = await connect(uri)
            try: return tuple(sorted(map(lambda w: w.name, filter(lambda w: w.id != chat.you, chat.members.values()))))
            finally: await chat.close()
        """,
    ],
    "07_many_clients_student q2": [
        """
        from chatkit import connect
        async def missed(uri, last, until):
            texts = []
            async with connect(uri, after=last) as chat:
                async for event in chat:
                    if event.type == "msg":
                        texts.append(event.text)
                    if event.text == until:
                        break
            return texts
        """,
        """
        from chatkit import connect
        async def missed(uri, last, until):
            texts = []
            async with connect(uri, after=0) as chat:
                async for event in chat:
                    if event.type == "msg" and event.seq > last:
                        texts.append(event.text)
                        if texts[-1] == until:
                            return tuple(texts)
        """,
        """
        from chatkit import connect
        async def missed(uri, last, until):
            chat = await connect(uri, name="pim", after=last)
            texts = []
            try:
                while not texts or texts[-1] != until:
                    event = await anext(aiter(chat))
                    if event.type == "msg":
                        texts += [event.text]
            finally:
                await chat.close()
            return texts
        """,
        """
        import asyncio
        from chatkit import connect
        async def missed(uri, last, until):
            got = {}
            async with asyncio.timeout(5), connect(uri, after=last) as chat:
                async for event in chat:
                    if event.seq and event.seq > last:
                        got[event.seq] = event.text
                        if event.text == until:
                            break
            return [got[n] for n in sorted(got)]
        """,
        """
        from chatkit import connect
        class Missed:
            async def __call__(self, uri, last, until):
                async with connect(uri, after=last) as chat:
                    return [text async for text in self.up_to(chat, until)]
            async def up_to(self, chat, until):
                async for event in chat:
                    if event.type == "msg":
                        yield event.text
                        if event.text == until:
                            return
        missed = Missed()
        """,
        """
        from chatkit import connect
        async def missed(uri, last, until):
            async with connect(uri, after=last) as c:
                out = []
                async for e in c:
                    match e.type:
                        case "msg": out += [e.text]
                    if out and out[-1] == until: break
            return out
        """,
    ],
    "07_many_clients_student q3": [
        """
        def keep(last, number):
            return "skip" if number <= last else "show" if number - last == 1 else "ask"
        """,
        """
        def keep(last, number):
            match number - last:
                case 1: return "show"
                case n if n <= 0: return "skip"
            return "ask"
        """,
        """
        keep = lambda last, number: ("skip", "show", "ask")[min(max(number - last, 0), 2)]
        """,
        """
        class Keep:
            def __call__(self, last, number):
                if number > last + 1: return "ask"
                if number > last: return "show"
                return "skip"
        keep = Keep()
        """,
        """
        async def keep(last, number):
            if number in range(last + 1): return "skip"
            return {last + 1: "show"}.get(number, "ask")
        """,
        """
        def keep(last, number):
            match number - last:
                case 1: return "show"
                case d if d < 1: return "skip"
            return "ask"
        """,
    ],
    "11_when_the_line_drops q1": [
        """
        import struct
        def why(payload):
            if not payload:
                return [1006 if payload is None else 1005, ""]
            code, reason = struct.unpack(f"!H{len(payload) - 2}s", payload)
            return [code, str(reason, "utf-8")]
        """,
        """
        def why(payload):
            match payload:
                case None:
                    return 1006, ""
                case b"":
                    return 1005, ""
                case _:
                    return payload[0] * 256 + payload[1], payload[2:].decode("utf8")
        """,
        """
        from websockets.frames import Close
        async def why(payload):
            close = Close(1006, "") if payload is None else Close.parse(payload)
            return close.code, close.reason
        """,
        """
        from collections import namedtuple
        Goodbye = namedtuple("Goodbye", "code reason")
        class Why:
            def __call__(self, payload):
                try:
                    code = int(payload[:2].hex(), 16)
                except TypeError:
                    return Goodbye(1006, "")
                except ValueError:
                    return Goodbye(1005, "")
                return Goodbye(code, bytes(payload[2:]).decode())
        why = Why()
        """,
        """
        why = lambda payload: (
            (1006, "") if payload is None
            else ((payload[0] << 8 | payload[1]) if payload else 1005, payload[2:].decode())
        )
        """,
        """
        import numpy as np
        def why(payload):
            if payload is None: return (1006, "")
            if payload == b"": return (1005, "")
            return np.frombuffer(payload[:2], ">u2")[0], payload[2:].decode()
        """,
        """
        import struct
        def why(payload):
            match payload:
                case None: return 1006, ""
                case b"": return 1005, ""
                case _:
                    (code,) = struct.unpack_from(">H", payload)
                    return [code, str(payload[2:], "utf-8")]
        """,
        """
        from collections import namedtuple
        Why = namedtuple("Why", "code reason")
        def why(payload):
            if not payload: return Why(1006 if payload is None else 1005, "")
            hi, lo, *rest = payload
            return Why(hi * 256 + lo, bytes(rest).decode("utf8"))
        """,
    ],
    "11_when_the_line_drops q2": [
        """
        import asyncio
        from websockets import ConnectionClosed
        async def is_alive(ws, seconds):
            try:
                await asyncio.wait_for(await ws.ping(), seconds)
            except (TimeoutError, ConnectionClosed):
                return False
            return True
        """,
        """
        import asyncio
        from websockets.exceptions import WebSocketException
        async def is_alive(ws, seconds):
            try:
                pong = await ws.ping()
            except WebSocketException:
                return False
            done, _ = await asyncio.wait([pong], timeout=seconds)
            return pong in done and not pong.exception()
        """,
        """
        import asyncio
        from contextlib import suppress
        from websockets import ConnectionClosed
        class Asker:
            async def __call__(self, ws, seconds):
                with suppress(ConnectionClosed, TimeoutError):
                    async with asyncio.timeout(seconds):
                        return await (await ws.ping(b"still there?")) >= 0
                return False
        is_alive = Asker()
        """,
        """
        import asyncio
        from functools import partial
        async def ask(payload, ws, seconds):
            async def both():
                await (await ws.ping(payload))
            answers = await asyncio.gather(asyncio.wait_for(both(), seconds), return_exceptions=True)
            return answers == [None]
        is_alive = partial(ask, "hello")
        """,
        """
        import asyncio
        async def is_alive(ws, seconds):
            try:
                pong = await ws.ping()
                await asyncio.sleep(seconds)
                return pong.done() and pong.exception() is None
            except Exception:
                return False
        """,
        """
        import asyncio
        def is_alive(ws, seconds):
            async def ask():
                loop = asyncio.get_running_loop()
                end = loop.time() + seconds
                try:
                    pong = await ws.ping()
                except Exception:
                    return False
                while loop.time() < end and not pong.done():
                    await asyncio.sleep(0.01)
                return pong.done() and not pong.cancelled() and pong.exception() is None
            return asyncio.ensure_future(ask())
        """,
        """
        import asyncio
        import websockets
        async def is_alive(ws, seconds):
            try:
                await asyncio.wait_for(await ws.ping(), seconds)
            except (asyncio.TimeoutError, websockets.exceptions.ConnectionClosed):
                return False
            return True
        """,
        """
        import asyncio
        async def is_alive(ws, seconds):
            try: pong = await ws.ping()
            except Exception: return False
            done, _ = await asyncio.wait([pong], timeout=seconds)
            return bool(done) and pong.exception() is None
        """,
        """
        import asyncio, time
        async def is_alive(ws, seconds):
            from websockets.exceptions import ConnectionClosed
            try:
                pong = await ws.ping(b"are you")
            except ConnectionClosed:
                return False
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if pong.done(): return not pong.cancelled() and not pong.exception()
                await asyncio.sleep(0.01)
            pong.cancel()
            return False
        """,
    ],
    "11_when_the_line_drops q3": [
        "from random import random\npause = lambda number: min(15, 1 << number) * (random() + 0.5)",
        """
        import random
        def pause(number):
            seconds = 1
            for _ in range(number):
                seconds = min(15, seconds * 2)
            return random.uniform(seconds / 2, seconds + seconds / 2)
        """,
        """
        import secrets
        async def pause(number):
            factor = 0.5 + secrets.randbelow(1001) / 1000
            return (2**number if number < 4 else 15) * factor
        """,
        """
        from random import SystemRandom
        class Pause:
            def __init__(self):
                self.random = SystemRandom()
            def __call__(self, number):
                return float([1, 2, 4, 8, 15][min(number, 4)]) * self.random.uniform(1.5, 0.5)
        pause = Pause()
        """,
        """
        import random
        from functools import partial
        def pause_up_to(most, number):
            if number > 60:
                return most * random.uniform(0.5, 1.5)
            return min(most, pow(2, number)) * random.triangular(0.5, 1.5)
        pause = partial(pause_up_to, 15.0)
        """,
        """
        import os
        def pause(number):
            return min(15, 2**number) * (0.5 + int.from_bytes(os.urandom(4), "big") / 2**32)
        """,
        """
        import numpy as np
        rng = np.random.default_rng()
        def pause(number):
            return rng.uniform(.5, 1.5) * np.minimum(15, 2.0**number)
        """,
        """
        import random
        def pause(number):
            return min(15, 2 ** number) * random.randint(500, 1500) / 1000
        """,
        """
        import numpy as np
        def pause(number):
            return np.float32(min(15, 2**number) * np.random.uniform(0.5, 1.5))
        """,
    ],
    "12_nothing_lost q1": [
        "missing = lambda numbers, head: sorted(set(range(1, head + 1)) - set(numbers))",
        "def missing(numbers, head):\n    return (n for n in range(1, head + 1) if n not in numbers)",
        "def missing(numbers, head):\n    return list(filter(lambda n: n not in numbers, range(1, head + 1)))",
        """
        async def missing(numbers, head):
            heard = [False] * (head + 1)
            for number in numbers:
                heard[number] = True
            return tuple(n for n, is_heard in enumerate(heard) if n and not is_heard)
        """,
        """
        def missing(numbers, head):
            lost, expected = [], 1
            for number in sorted(set(numbers)) + [head + 1]:
                lost += range(expected, number)
                expected = number + 1
            return lost
        """,
        """
        import numpy as np
        def missing(numbers, head):
            return np.setdiff1d(np.arange(1, head + 1), numbers)
        """,
        """
        import numpy as np
        def missing(numbers, head):
            return list(np.setdiff1d(np.arange(1, head + 1), np.array(numbers, dtype=int)))
        """,
        """
        def missing(numbers, head):
            return sorted(set(range(1, head + 1)) - set(numbers))
        """,
    ],
    "12_nothing_lost q2": [
        """
        def store(log, id, text):
            ids = [each[0] for each in log]
            if id not in ids:
                log.append((id, text))
                ids.append(id)
            return ids.index(id) + 1
        """,
        """
        def store(log, id, text):
            log += [] if id in dict(log) else [[id, text]]
            return 1 + list(dict(log)).index(id)
        """,
        """
        async def store(log, id, text):
            try:
                return next(n for n, each in enumerate(log, 1) if each[0] == id)
            except StopIteration:
                log.insert(len(log), (id, text))
                return len(log)
        """,
        """
        class Store:
            def __init__(self):
                self.numbers = {}
            def __call__(self, log, id, text):
                if not log:
                    self.numbers.clear()
                if id not in self.numbers:
                    log.extend([(id, text)])
                return self.numbers.setdefault(id, len(log))
        store = Store()
        """,
        """
        def store(log, id, text):
            number = 0
            while number < len(log):
                known, _ = log[number]
                number += 1
                if known == id:
                    break
            else:
                log.append((id, text))
                number += 1
            return number
        """,
        """
        def store(log, id, text):
            ids = [i for i, _ in log]
            if id not in ids:
                log += [(id, text)]
                ids += [id]
            return ids.index(id) + 1
        """,
        """
        def store(log, id, text):
            return next((n for n, (i, t) in enumerate(log, start=1) if i == id), None) or (log.append((id, text)), len(log))[1]
        """,
        """
        def store(log, id, text):
            match [n for n, pair in enumerate(log) if pair[0] == id]:
                case [n, *_]: return n + 1
            log.append([id, text])
            return len(log)
        """,
    ],
    "12_nothing_lost q3": [
        "fresh = lambda after, entries: list({n: text for n, text in entries if n > after}.values())",
        """
        def fresh(after, entries):
            seen = set()
            return [text for n, text in entries if n > after and not (n in seen or seen.add(n))]
        """,
        """
        def fresh(after, entries):
            for number, text in entries:
                if number <= after:
                    continue
                after = number
                yield text
        """,
        """
        from chatkit.memory import Memory
        def fresh(after, entries):
            memory = Memory(after=after)
            return tuple(text for number, text in entries if memory.is_new(number))
        """,
        """
        async def fresh(after, entries):
            if not entries:
                return []
            (number, text), *rest = entries
            if number > after:
                return [text, *await fresh(number, rest)]
            return await fresh(after, rest)
        """,
        """
        def fresh(after, entries):
            seen = {}
            for n, t in entries:
                if n > after: seen.setdefault(n, t)
            return list(seen.values())
        """,
        """
        def fresh(after, entries):
            done = set(range(after + 1))
            for number, text in entries:
                if number in done: continue
                done.add(number)
                yield text
        """,
        """
        fresh = lambda after, entries: {n: t for n, t in entries if n > after}.values()
        """,
    ],
    "14_three_hundred q1": [
        "from math import isqrt\nlargest = lambda deliveries, seconds: isqrt(deliveries * seconds)",
        """
        async def largest(deliveries, seconds):
            return int((deliveries * seconds) ** 0.5)
        """,
        """
        def largest(deliveries, seconds):
            return (deliveries * seconds) ** 0.5 // 1
        """,
        """
        from itertools import count, takewhile
        def largest(deliveries, seconds):
            return len(list(takewhile(lambda n: n * n <= deliveries * seconds, count(1))))
        """,
        """
        from bisect import bisect_right
        class Largest:
            def __call__(self, deliveries, seconds):
                return bisect_right(range(10**5), deliveries, key=lambda n: n * n / seconds) - 1
        largest = Largest()
        """,
        """
        from functools import partial
        def halves(low, deliveries, seconds):
            high = 10**6
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if middle**2 <= deliveries * seconds else (low, middle)
            return low
        largest = partial(halves, 0)
        """,
        """
        import numpy as np
        def largest(deliveries, seconds):
            return np.floor(np.sqrt(deliveries * seconds)).astype(int)
        """,
        """
        from decimal import Decimal
        def largest(deliveries, seconds):
            return Decimal(deliveries * seconds).sqrt().to_integral_value(rounding="ROUND_FLOOR")
        """,
        """
        import math
        largest = lambda deliveries, seconds: math.isqrt(deliveries * seconds)
        """,
    ],
    "14_three_hundred q2": [
        """
        def tell(people, texts, frame):
            if texts:
                data = b"".join(map(frame, texts))
                [person.write(data) for person in people]
        """,
        """
        from functools import cache
        async def tell(people, texts, frame):
            once = cache(frame)
            for person in people:
                data = bytearray()
                for text in texts:
                    data += once(text)
                data and person.write(data)
        """,
        """
        import io
        class Tell:
            def __call__(self, people, texts, frame):
                out = io.BytesIO()
                for text in texts:
                    out.write(frame(text))
                while people and out.tell():
                    people.pop().write(out.getbuffer())
        tell = Tell()
        """,
        """
        from functools import partial, reduce
        def joined(write, people, texts, frame):
            data = reduce(lambda all, text: all + frame(text), texts, b"")
            return [write(person, data) for person in people if texts]
        tell = partial(joined, lambda person, data: person.write(data))
        """,
        """
        import asyncio
        async def tell(people, texts, frame):
            frames = [frame(text) for text in texts]
            async def one(person):
                if frames:
                    person.write(memoryview(b"".join(frames)))
            await asyncio.gather(*map(one, people))
        """,
        """
        from functools import cache
        def tell(people, texts, frame):
            f = cache(frame)
            if texts:
                data = b"".join(map(f, texts))
                [p.write(data) for p in people]
        """,
        """
        def tell(people, texts, frame):
            data = bytearray()
            for t in texts: data += frame(t)
            for p in people * bool(data): p.write(data)
        """,
        """
        import asyncio
        async def tell(people, texts, frame):
            frames = [frame(t) for t in texts]
            async def one(p): p.write(memoryview(b"".join(frames)))
            if frames: await asyncio.gather(*map(one, people))
        """,
    ],
    "14_three_hundred q3": [
        """
        import asyncio
        async def replay(ws, log):
            for entry in log:
                await ws.send(entry)
                await asyncio.sleep(0)
        """,
        """
        import asyncio
        async def replay(ws, log):
            while log:
                page, log = log[:10], log[10:]
                for entry in page:
                    await ws.send(entry)
                await asyncio.sleep(0.001)
        """,
        """
        import asyncio
        from websockets import broadcast
        class Replay:
            async def __call__(self, ws, log):
                for number, entry in enumerate(log):
                    if number and number % 10 == 0:
                        await asyncio.sleep(0)
                    broadcast([ws], entry)
        replay = Replay()
        """,
        """
        import asyncio
        from functools import partial
        async def by_pages(size, ws, log):
            for start in range(0, len(log), size):
                async with asyncio.TaskGroup() as page:
                    for entry in log[start : start + size]:
                        page.create_task(ws.send(entry))
        replay = partial(by_pages, 5)
        """,
        """
        import asyncio
        async def replay(ws, log):
            others = asyncio.Event()
            entries = iter(log)
            for entry in entries:
                await ws.send(entry)
                for _, more in zip(range(9), entries):
                    await ws.send(more)
                asyncio.get_running_loop().call_soon(others.set)
                await others.wait()
                others.clear()
        """,
        """
        import asyncio
        def replay(ws, log):
            async def go():
                for start in range(0, len(log), 7):
                    await asyncio.gather(*(ws.send(entry) for entry in log[start : start + 7]))
            return asyncio.ensure_future(go())
        """,
        """
        import asyncio
        async def replay(ws, log):
            while log:
                page, log = log[:10], log[10:]
                for e in page: await ws.send(e)
                await asyncio.sleep(0)
        """,
        """
        import asyncio
        from websockets import broadcast
        async def replay(ws, log):
            for n, e in enumerate(log):
                if n % 5 == 0: await asyncio.sleep(0)
                broadcast({ws}, e)
        """,
        """
        import asyncio
        async def replay(ws, log):
            for e in log:
                await ws.send(e); await asyncio.sleep(0)
        """,
    ],
    "13_safe_room q1": [
        "admit = lambda host, origin, ours: host in ours and origin in (None, f'http://{host}')",
        """
        def admit(host, origin, ours):
            match origin:
                case None:
                    return host in ours
                case str() if origin.partition("://") == ("http", "://", host):
                    return any(host == each for each in ours)
            return False
        """,
        """
        async def admit(host, origin, ours):
            return not (host not in set(ours) or origin is not None and origin.removeprefix("http://") != host)
        """,
        """
        from urllib.parse import urlsplit
        class Admit:
            def __call__(self, host, origin, ours):
                parts = urlsplit(origin or f"http://{host}")
                return int(host in ours and parts[:3] == ("http", host, "") and parts.query == "")
        admit = Admit()
        """,
        """
        from functools import partial
        def fits(scheme, host, origin, ours):
            try:
                ours.index(host)
            except ValueError:
                return False
            return True if origin is None else origin == scheme + host
        admit = partial(fits, "http://")
        """,
        """
        admit = lambda host, origin, ours: host in ours and origin in (None, f"http://{host}")
        """,
        """
        def admit(host, origin, ours):
            match origin:
                case None: allowed = True
                case str() if origin == "http://" + host: allowed = True
                case _: allowed = False
            return allowed and ours.count(host) > 0
        """,
    ],
    "13_safe_room q2": [
        """
        from unicodedata import category, normalize
        def clean(name):
            shown = normalize("NFC", "".join(c for c in name if category(c) not in {"Cc", "Cf"})).strip()
            return shown if 1 <= len(shown) < 21 else None
        """,
        """
        from unicodedata import category, normalize
        clean = lambda name: (
            (lambda s: s if s and len(s) <= 20 else None)
            (normalize("NFC", "".join(filter(lambda c: category(c)[0] != "C", name))).strip())
        )
        """,
        """
        import unicodedata
        async def clean(name):
            hidden = {c for c in name if unicodedata.category(c) in ("Cc", "Cf")}
            name = unicodedata.normalize("NFC", name.translate(dict.fromkeys(map(ord, hidden)))).strip(" ")
            if len(name) in range(1, 21):
                return name
        """,
        """
        import unicodedata
        class Clean:
            def __call__(self, name):
                rest = list(name)
                for c in name:
                    if unicodedata.category(c) == "Cf" or unicodedata.category(c) == "Cc":
                        rest.remove(c)
                shown = unicodedata.normalize("NFC", "".join(rest).strip())
                return None if not shown or len(shown) > 20 else shown
        clean = Clean()
        """,
        """
        import re, unicodedata
        def clean(name):
            for c in set(name):
                if unicodedata.category(c) in "Cc Cf":
                    name = name.replace(c, "")
            found = re.fullmatch(r"\\s*(\\S(?:.{0,18}\\S)?)\\s*", unicodedata.normalize("NFC", name))
            return found and found[1]
        """,
        """
        import sys, unicodedata
        def clean(name):
            shown = name.translate({ord(c): None for c in set(name) if unicodedata.category(c) in {"Cc", "Cf"}})
            shown = unicodedata.normalize("NFC", shown).strip()
            return shown if shown and len(shown) < 21 else None
        """,
        """
        from unicodedata import category as cat, normalize
        def clean(name):
            s = normalize("NFC", "".join(filter(lambda c: cat(c) not in "Cc Cf".split(), name))).strip()
            match len(s):
                case 0: return None
                case n if n > 20: return None
                case _: return s
        """,
    ],
    "13_safe_room q3": [
        """
        import json
        async def guard(ws):
            left = 3
            while left:
                text = await ws.recv()
                try:
                    json.loads(text)
                except json.JSONDecodeError:
                    left -= 1
                    await ws.send("no")
                else:
                    await ws.send("ok")
            await ws.close(1008)
        """,
        """
        import json
        bad = {}
        async def guard(ws):
            bad[ws] = 0
            try:
                async for text in ws:
                    try:
                        answer = "ok" if json.loads(text) or True else ""
                    except Exception:
                        bad[ws] += 1
                        answer = "no"
                    await ws.send(answer)
                    if bad[ws] >= 3:
                        await ws.close(code=1008, reason="three times")
            finally:
                del bad[ws]
        """,
        """
        import json
        def is_json(text):
            try:
                json.loads(text)
            except ValueError:
                return False
            return True
        class Guard:
            async def __call__(self, ws):
                answers = []
                async for text in ws:
                    answers.append("ok" if is_json(text) else "no")
                    await ws.send(answers[-1])
                    if answers.count("no") == 3:
                        break
                else:
                    return
                await ws.close(1008, "no")
        guard = Guard()
        """,
        """
        import json
        from contextlib import suppress
        from itertools import count
        async def guard(ws):
            bad = count(1)
            async for text in ws:
                answer = "no"
                with suppress(ValueError):
                    json.loads(text)
                    answer = "ok"
                await ws.send(answer)
                if answer == "no" and next(bad) == 3:
                    return await ws.close(1008)
        """,
        """
        import json
        from functools import partial
        async def watch(limit, ws, bad=0):
            try:
                json.loads(await ws.recv())
                await ws.send("ok")
            except ValueError:
                bad += 1
                await ws.send("no")
            return await (ws.close(1008) if bad == limit else watch(limit, ws, bad))
        guard = partial(watch, 3)
        """,
        """
        import json
        from websockets import ConnectionClosed
        async def guard(ws):
            left = 3
            while left:
                try: text = await ws.recv()
                except ConnectionClosed: return
                try: json.loads(text)
                except json.JSONDecodeError: left -= 1; await ws.send("no")
                else: await ws.send("ok")
            await ws.close(code=1008, reason="three times")
        """,
        """
        import json
        def good(text):
            try: json.loads(text)
            except Exception: return False
            return True
        async def guard(ws):
            answers = []
            async for text in ws:
                answers.append("ok" if good(text) else "no")
                await ws.send(answers[-1])
                if answers.count("no") >= 3: break
            await ws.close(1008)
        """,
    ],
    "project_quiz q1": [
        """
        async def ask_me(ws):
            await ws.send("7 × 8 = ?")
            while True:
                answer = await ws.recv()
                await ws.send("right" if answer.strip() == str(7 * 8) else "wrong")
        """,
        """
        class Quiz:
            async def __call__(self, ws):
                await ws.send("7 × 8 = ?")
                async for text in ws:
                    await ws.send(("wrong", "right")[text.split() == ["56"]])
        ask_me = Quiz()
        """,
        """
        from functools import partial
        async def ask(question, answer, ws):
            await ws.send(question)
            async for text in ws:
                await ws.send("right" if text.strip() == answer else "wrong")
        ask_me = partial(ask, "7 × 8 = ?", "56")
        """,
        """
        import re
        def ask_me(ws):
            async def game():
                await ws.send("7 × 8 = ?")
                async for text in ws:
                    await ws.send("right" if re.fullmatch(r"\\s*56\\s*", text) else "wrong")
            return game()
        """,
        """
        from websockets import broadcast
        async def ask_me(ws):
            broadcast([ws], "7 × 8 = ?")
            async for text in ws:
                try:
                    is_right = int(text) == 56
                except ValueError:
                    is_right = False
                broadcast([ws], "right" if is_right else "wrong")
        """,
        """
        async def ask_me(ws):
            await ws.send("7 × 8 = ?")
            async for t in ws:
                match t.split():
                    case ["56"]: await ws.send("right")
                    case _: await ws.send("wrong")
        """,
    ],
    "project_quiz q2": [
        """
        import json
        from websockets import broadcast
        people, voters = set(), set()
        count = dict.fromkeys("123", 0)
        async def votes(ws):
            people.add(ws)
            try:
                async for text in ws:
                    if text not in ("1", "2", "3"):
                        await ws.send("?")
                    elif ws in voters:
                        await ws.send("already")
                    else:
                        voters.add(ws)
                        count[text] += 1
                        broadcast(people, json.dumps(count))
            finally:
                people.discard(ws)
                voters.discard(ws)
        """,
        """
        import asyncio, json
        class Poll:
            def __init__(self):
                self.people, self.count = {}, [0, 0, 0]
            async def __call__(self, ws):
                self.people[ws] = False
                try:
                    while True:
                        text = await ws.recv()
                        if text not in {"1", "2", "3"}:
                            await ws.send("?")
                        elif self.people[ws]:
                            await ws.send("already")
                        else:
                            self.people[ws] = True
                            self.count[int(text) - 1] += 1
                            result = json.dumps({str(n): each for n, each in enumerate(self.count, 1)}, indent=2)
                            await asyncio.gather(*(each.send(result) for each in list(self.people)))
                finally:
                    del self.people[ws]
        votes = Poll()
        """,
        """
        import json
        from collections import Counter
        from websockets import broadcast
        people, cast = set(), []
        async def votes(ws):
            people.add(ws)
            try:
                async for text in ws:
                    if text not in list("123"):
                        await ws.send("?")
                        continue
                    if any(voter is ws for voter, _ in cast):
                        await ws.send("already")
                        continue
                    cast.append((ws, text))
                    count = Counter(pick for _, pick in cast)
                    broadcast(people, json.dumps({pick: count[pick] for pick in "321"}))
            finally:
                people.remove(ws)
        """,
        """
        import asyncio, json
        people = []
        count = {"1": 0, "2": 0, "3": 0}
        async def votes(ws):
            people.append(ws)
            left = 1
            try:
                async for text in ws:
                    answer = "?" if text not in count else "already" if not left else None
                    if answer:
                        await ws.send(answer)
                        continue
                    left -= 1
                    count[text] += 1
                    async with asyncio.TaskGroup() as group:
                        for each in people:
                            group.create_task(each.send(json.dumps(count)))
            finally:
                people.remove(ws)
        """,
        """
        from websockets import broadcast
        people = set()
        one = two = three = 0
        async def votes(ws):
            global one, two, three
            people.add(ws)
            try:
                async for text in ws:
                    if text == "1":
                        one += 1
                    elif text == "2":
                        two += 1
                    elif text == "3":
                        three += 1
                    else:
                        await ws.send("?")
                        continue
                    broadcast(people, '{"1": %d, "2": %d, "3": %d}' % (one, two, three))
                    break
                async for text in ws:
                    await ws.send("already" if text in ("1", "2", "3") else "?")
            finally:
                people.discard(ws)
        """,
        """
        import json
        from collections import Counter
        from websockets import broadcast
        people, votes_by = set(), {}
        c = Counter()
        async def votes(ws):
            people.add(ws)
            mine = None
            try:
                async for t in ws:
                    if t not in {"1", "2", "3"}: await ws.send("?")
                    elif mine: await ws.send("already")
                    else:
                        mine = t; c[t] += 1
                        broadcast(people, json.dumps({k: c[k] for k in "123"}, separators=(",", ":")))
            finally: people.discard(ws)
        """,
    ],
    "project_quiz q3": [
        """
        import json
        from collections import Counter
        from websockets import broadcast
        people, points = set(), Counter()
        async def play(ws):
            people.add(ws)
            name = None
            try:
                async for text in ws:
                    if name is None:
                        name = text
                        points[name] += 0
                    elif text == "56":
                        points[name] += 1
                        broadcast(people, json.dumps(points, ensure_ascii=False))
                    else:
                        await ws.send("wrong")
            finally:
                people.discard(ws)
        """,
        """
        import json
        from websockets import broadcast
        class Game:
            def __init__(self):
                self.points, self.people = {}, set()
            async def play(self, ws):
                name = await anext(aiter(ws))
                self.points[name] = self.points.get(name, 0)
                self.people.add(ws)
                try:
                    async for text in ws:
                        if text != "56":
                            await ws.send("wrong")
                            continue
                        self.points[name] += 1
                        broadcast(self.people, json.dumps(self.points))
                finally:
                    self.people.discard(ws)
        play = Game().play
        """,
        """
        import asyncio, json
        names, points = {}, {}
        async def play(ws):
            names[ws] = await ws.recv()
            if names[ws] not in points:
                points[names[ws]] = 0
            try:
                while True:
                    if await ws.recv() == "56":
                        points[names[ws]] += 1
                        board = json.dumps(dict(sorted(points.items(), key=lambda each: -each[1])))
                        await asyncio.gather(*(each.send(board) for each in names), return_exceptions=True)
                    else:
                        await ws.send("wrong")
            finally:
                names.pop(ws)
        """,
        """
        import json
        from collections import defaultdict
        from websockets import broadcast
        people, right = set(), defaultdict(list)
        async def play(ws):
            mine = right[await ws.recv()]
            people.add(ws)
            try:
                async for text in ws:
                    if text == "56":
                        mine.append(text)
                        broadcast(people, json.dumps({name: len(each) for name, each in right.items()}))
                    else:
                        await ws.send("wrong")
            finally:
                people.discard(ws)
        """,
        """
        import json
        from functools import partial
        from websockets import broadcast
        async def game(people, points, ws):
            people.append(ws)
            try:
                name = await ws.recv()
                points.setdefault(name, 0)
                async for text in ws:
                    points[name] += text == "56"
                    broadcast(people if text == "56" else [ws], json.dumps(points) if text == "56" else "wrong")
            finally:
                people.remove(ws)
        play = partial(game, [], {})
        """,
        """
        import json
        from collections import defaultdict
        from websockets import broadcast
        people, points = set(), defaultdict(int)
        async def play(ws):
            it = aiter(ws)
            try: name = await anext(it)
            except StopAsyncIteration: return
            points[name] += 0
            people.add(ws)
            try:
                async for t in it:
                    if t.strip() == "56": points[name] += 1; broadcast(people, json.dumps(points, ensure_ascii=False))
                    else: await ws.send("wrong")
            finally: people.discard(ws)
        """,
    ],
    "project_board q1": [
        """
        import asyncio
        people = set()
        async def share(ws):
            people.add(ws)
            try:
                while True:
                    text = await ws.recv()
                    await asyncio.gather(*(each.send(text) for each in people if each is not ws))
            finally:
                people.discard(ws)
        """,
        """
        from websockets import broadcast
        class Board:
            def __init__(self):
                self.here = []
            async def __call__(self, ws):
                self.here.append(ws)
                try:
                    async for text in ws:
                        broadcast([each for each in self.here if each != ws], text)
                finally:
                    self.here.remove(ws)
        share = Board()
        """,
        """
        from websockets import broadcast
        async def share(ws):
            async for text in ws:
                broadcast(set(ws.server.connections) - {ws}, text)
        """,
        """
        import asyncio
        queues = {}
        async def share(ws):
            queue = queues[ws] = asyncio.Queue()
            async def draw():
                while True:
                    await ws.send(await queue.get())
            drawing = asyncio.create_task(draw())
            try:
                async for text in ws:
                    for other in queues.keys() - {ws}:
                        queues[other].put_nowait(text)
            finally:
                del queues[ws]
                drawing.cancel()
                await asyncio.gather(drawing, return_exceptions=True)
        """,
        """
        import asyncio
        from contextlib import contextmanager
        people = {}
        @contextmanager
        def guest(ws):
            people[ws.id] = ws
            try:
                yield
            finally:
                people.pop(ws.id)
        async def share(ws):
            with guest(ws):
                async for text in ws:
                    async with asyncio.TaskGroup() as group:
                        for id, other in people.items():
                            if id != ws.id:
                                group.create_task(other.send(text))
        """,
        """
        import asyncio
        boxes = {}
        async def pour(ws, q):
            while (t := await q.get()) is not None: await ws.send(t)
        async def share(ws):
            q = boxes[ws] = asyncio.Queue()
            async with asyncio.TaskGroup() as g:
                task = g.create_task(pour(ws, q))
                try:
                    async for t in ws:
                        for o, b in boxes.items():
                            if o is not ws: b.put_nowait(t)
                finally:
                    del boxes[ws]; task.cancel()
        """,
    ],
    "project_board q2": [
        """
        from websockets import broadcast
        people, strokes = set(), []
        async def board(ws):
            sent = 0
            while sent < len(strokes):
                await ws.send(strokes[sent])
                sent += 1
            people.add(ws)
            try:
                async for text in ws:
                    if text == "clear":
                        strokes.clear()
                    else:
                        strokes.append(text)
                    broadcast(people - {ws}, text)
            finally:
                people.discard(ws)
        """,
        """
        import asyncio
        queues, strokes = {}, []
        async def board(ws):
            queue = queues[ws] = asyncio.Queue()
            for stroke in strokes:
                queue.put_nowait(stroke)
            async def show():
                while True:
                    await ws.send(await queue.get())
            showing = asyncio.create_task(show())
            try:
                async for text in ws:
                    strokes[:] = [] if text == "clear" else [*strokes, text]
                    for other, each in queues.items():
                        if other is not ws:
                            each.put_nowait(text)
            finally:
                del queues[ws]
                showing.cancel()
                await asyncio.gather(showing, return_exceptions=True)
        """,
        """
        import asyncio
        people, strokes, one_at_a_time = set(), [], asyncio.Lock()
        async def board(ws):
            async with one_at_a_time:
                for stroke in strokes:
                    await ws.send(stroke)
                people.add(ws)
            try:
                async for text in ws:
                    async with one_at_a_time:
                        if text == "clear":
                            strokes.clear()
                        else:
                            strokes.append(text)
                        await asyncio.gather(*(each.send(text) for each in people if each is not ws))
            finally:
                people.discard(ws)
        """,
        """
        from websockets import broadcast
        class Board:
            def __init__(self):
                self.people, self.picture = [], ()
            async def __call__(self, ws):
                for stroke in self.picture:
                    broadcast({ws}, stroke)
                self.people.append(ws)
                try:
                    while True:
                        text = await ws.recv()
                        self.picture = () if text == "clear" else (*self.picture, text)
                        broadcast([each for each in self.people if each is not ws], text)
                finally:
                    self.people.remove(ws)
        board = Board()
        """,
        """
        from websockets import broadcast
        people, log, wiped = set(), [], [0]
        async def board(ws):
            for stroke in log[wiped[0]:]:
                broadcast((ws,), stroke)
            people.add(ws)
            try:
                async for text in ws:
                    log.append(text)
                    if text == "clear":
                        wiped[0] = len(log)
                    broadcast(people.difference([ws]), text)
            finally:
                people.discard(ws)
        """,
        """
        import asyncio
        from websockets import broadcast
        people, strokes = set(), []
        async def board(ws):
            n = 0
            while n < len(strokes):
                await ws.send(strokes[n]); n += 1
            people.add(ws)
            try:
                async for t in ws:
                    if t == "clear": del strokes[:]
                    else: strokes.append(t)
                    broadcast([p for p in people if p is not ws], t)
            finally: people.discard(ws)
        """,
    ],
    "project_board q3": [
        """
        import json
        from websockets import broadcast
        people = set()
        async def guard(ws):
            people.add(ws)
            try:
                async for text in ws:
                    try:
                        match json.loads(text):
                            case [int() | float() as a, int() | float() as b, int() | float() as c, int() | float() as d]:
                                is_good = min(a, b, c, d) >= 0 and max(a, b, c, d) <= 1
                            case _:
                                is_good = False
                    except json.JSONDecodeError:
                        is_good = False
                    if is_good:
                        broadcast(people - {ws}, text)
                    else:
                        await ws.send("bad")
            finally:
                people.discard(ws)
        """,
        """
        import json
        from websockets import broadcast
        people = set()
        def check(text):
            numbers = json.loads(text)
            if type(numbers) is not list:
                raise ValueError
            x0, y0, x1, y1 = numbers
            if not all(type(each) in (int, float) and 0 <= each <= 1 for each in numbers):
                raise ValueError
        async def guard(ws):
            people.add(ws)
            try:
                while True:
                    text = await ws.recv()
                    try:
                        check(text)
                    except ValueError:
                        await ws.send("bad")
                    else:
                        broadcast(people - {ws}, text)
            finally:
                people.discard(ws)
        """,
        """
        import msgspec
        from typing import Annotated
        from websockets import broadcast
        Part = Annotated[float, msgspec.Meta(ge=0, le=1)]
        stroke = msgspec.json.Decoder(tuple[Part, Part, Part, Part])
        people = set()
        async def guard(ws):
            people.add(ws)
            try:
                async for text in ws:
                    try:
                        stroke.decode(text)
                        broadcast(people - {ws}, text)
                    except msgspec.DecodeError:
                        await ws.send("bad")
            finally:
                people.discard(ws)
        """,
        """
        import re
        from websockets import broadcast
        people = set()
        number = r"(?:0(?:\\.\\d+)?|1(?:\\.0+)?)"
        good = re.compile(r"\\[" + ", ".join([number] * 4) + r"\\]")
        async def guard(ws):
            people.add(ws)
            try:
                async for text in ws:
                    if good.fullmatch(text):
                        broadcast(people - {ws}, text)
                    else:
                        broadcast([ws], "bad")
            finally:
                people.discard(ws)
        """,
        """
        import json
        from websockets import broadcast
        class Guard:
            def __init__(self):
                self.people = set()
            def is_stroke(self, text):
                try:
                    numbers = json.loads(text)
                    return isinstance(numbers, list) and len(numbers) == 4 and all(0 <= n <= 1 for n in numbers)
                except (ValueError, TypeError):
                    return False
            async def __call__(self, ws):
                self.people.add(ws)
                try:
                    async for text in ws:
                        await ws.send("bad") if not self.is_stroke(text) else broadcast(self.people - {ws}, text)
                finally:
                    self.people.discard(ws)
        guard = Guard()
        """,
        """
        import json
        from websockets import broadcast
        people = set()
        def ok(text):
            try: m = json.loads(text)
            except Exception: return False
            match m:
                case [float() | int(), float() | int(), float() | int(), float() | int()]: return min(m) >= 0 and max(m) <= 1
            return False
        async def guard(ws):
            people.add(ws)
            try:
                async for t in ws:
                    broadcast(people - {ws}, t) if ok(t) else broadcast({ws}, "bad")
            finally: people.discard(ws)
        """,
    ],
    "project_sensor q1": [
        """
        from websockets import broadcast
        viewers = set()
        async def station(ws):
            if ws.request.path == "/sensor":
                while True:
                    broadcast(viewers, await ws.recv())
            viewers.add(ws)
            try:
                async for _ in ws:
                    pass
            finally:
                viewers.discard(ws)
        """,
        """
        import asyncio
        class Station:
            def __init__(self):
                self.viewers = []
            async def sensor(self, ws):
                async for reading in ws:
                    await asyncio.gather(*(each.send(reading) for each in self.viewers))
            async def viewer(self, ws):
                self.viewers.append(ws)
                await ws.wait_closed()
                self.viewers.remove(ws)
            def __call__(self, ws):
                return self.sensor(ws) if ws.request.path.startswith("/sensor") else self.viewer(ws)
        station = Station()
        """,
        """
        from websockets import broadcast
        async def station(ws):
            if ws.request.path != "/sensor":
                return await ws.wait_closed()
            async for reading in ws:
                broadcast([each for each in ws.server.connections if each.request.path != "/sensor"], reading)
        """,
        """
        import asyncio
        queues = {}
        async def station(ws):
            if ws.request.path == "/sensor":
                async for reading in ws:
                    for queue in queues.values():
                        queue.put_nowait(reading)
                return
            queue = queues[ws] = asyncio.Queue()
            ended = asyncio.create_task(ws.wait_closed())
            try:
                while not ended.done():
                    waiting = asyncio.create_task(queue.get())
                    await asyncio.wait([waiting, ended], return_when=asyncio.FIRST_COMPLETED)
                    if waiting.done():
                        await ws.send(waiting.result())
                    waiting.cancel()
            finally:
                del queues[ws]
        """,
        """
        from functools import partial
        from websockets import broadcast
        async def handle(viewers, ws):
            is_sensor = ws.request.path == "/sensor"
            if not is_sensor:
                viewers[ws.id] = ws
            try:
                async for text in ws:
                    if is_sensor:
                        broadcast(viewers.values(), text)
            finally:
                viewers.pop(ws.id, None)
        station = partial(handle, {})
        """,
        """
        from websockets import broadcast
        viewers = set()
        async def sensor(ws):
            async for r in ws: broadcast(viewers, r)
        async def viewer(ws):
            viewers.add(ws)
            try:
                async for _ in ws: continue
            finally: viewers.remove(ws)
        async def station(ws):
            match ws.request.path.split("?")[0]:
                case "/sensor": await sensor(ws)
                case _: await viewer(ws)
        """,
    ],
    "project_sensor q2": [
        """
        from websockets import broadcast
        viewers, last = set(), {}
        async def latest(ws):
            if ws.request.path == "/sensor":
                async for reading in ws:
                    last["reading"] = reading
                    broadcast(viewers, reading)
            else:
                viewers.add(ws)
                broadcast([ws] * len(last), last.get("reading", ""))
                try:
                    await ws.wait_closed()
                finally:
                    viewers.discard(ws)
        """,
        """
        from collections import deque
        from websockets import broadcast
        viewers, last = set(), deque(maxlen=1)
        async def latest(ws):
            if ws.request.path == "/sensor":
                async for reading in ws:
                    last.append(reading)
                    broadcast(viewers, reading)
                return
            for reading in list(last):
                await ws.send(reading)
            viewers.add(ws)
            try:
                await ws.wait_closed()
            finally:
                viewers.discard(ws)
        """,
        """
        import asyncio
        class Station:
            newest, viewers = None, ()
            async def __call__(self, ws):
                if ws.request.path == "/sensor":
                    while True:
                        self.newest = await ws.recv()
                        for each in self.viewers:
                            asyncio.get_running_loop().create_task(each.send(self.newest))
                self.viewers = (*self.viewers, ws)
                try:
                    if self.newest:
                        await ws.send(self.newest)
                    await ws.wait_closed()
                finally:
                    self.viewers = tuple(each for each in self.viewers if each is not ws)
        latest = Station()
        """,
        """
        from websockets import broadcast
        def make():
            viewers, newest = set(), None
            async def handler(ws):
                nonlocal newest
                if ws.request.path == "/sensor":
                    async for newest in ws:
                        broadcast(viewers, newest)
                    return
                viewers.add(ws)
                if newest is not None:
                    await ws.send(newest)
                await ws.wait_closed()
                viewers.discard(ws)
            return handler
        latest = make()
        """,
        """
        import asyncio
        from websockets import broadcast
        latest_reading = None
        viewers = set()
        async def sensor(ws):
            global latest_reading
            async for reading in ws:
                latest_reading = reading
                broadcast(viewers, reading)
        async def viewer(ws):
            viewers.add(ws)
            try:
                if latest_reading is not None:
                    await ws.send(latest_reading)
                async for _ in ws:
                    pass
            finally:
                viewers.discard(ws)
        async def latest(ws):
            await {"/sensor": sensor}.get(ws.request.path, viewer)(ws)
        """,
        """
        from websockets import broadcast
        viewers = set(); state = {}
        async def latest(ws):
            if ws.request.path == "/sensor":
                async for r in ws:
                    state["r"] = r; broadcast(viewers, r)
            else:
                viewers.add(ws)
                if "r" in state: await ws.send(state["r"])
                try: await ws.wait_closed()
                finally: viewers.discard(ws)
        """,
    ],
    "project_sensor q3": [
        """
        import asyncio
        newest, came = None, asyncio.Event()
        async def live(ws):
            global newest, came
            if ws.request.path == "/sensor":
                async for newest in ws:
                    came.set()
                    came = asyncio.Event()
                return
            async def pour():
                seen = came
                while True:
                    await seen.wait()
                    seen = came
                    await ws.send(newest)
            pouring = asyncio.create_task(pour())
            await ws.wait_closed()
            pouring.cancel()
            await asyncio.wait([pouring])
            pouring.cancelled() or pouring.exception()
        """,
        """
        import asyncio
        class Feed:
            def __init__(self):
                self.newest, self.number, self.changed = None, 0, asyncio.Condition()
            async def __call__(self, ws):
                if ws.request.path == "/sensor":
                    async for reading in ws:
                        async with self.changed:
                            self.newest, self.number = reading, self.number + 1
                            self.changed.notify_all()
                    return
                pouring = asyncio.create_task(self.pour(ws))
                try:
                    await ws.wait_closed()
                finally:
                    pouring.cancel()
                    await asyncio.gather(pouring, return_exceptions=True)
            async def pour(self, ws):
                seen = self.number
                while True:
                    async with self.changed:
                        await self.changed.wait_for(lambda: self.number > seen)
                        seen, newest = self.number, self.newest
                    await ws.send(newest)
        live = Feed()
        """,
        """
        from websockets import broadcast
        viewers, waiting = set(), {}
        async def live(ws):
            if ws.request.path == "/sensor":
                async for reading in ws:
                    for viewer in viewers:
                        if viewer.transport.get_write_buffer_size() == 0:
                            broadcast([viewer], reading)
                        else:
                            waiting[viewer] = reading
                return
            import asyncio
            viewers.add(ws)
            ended = asyncio.ensure_future(ws.wait_closed())
            try:
                while not ended.done():
                    await asyncio.wait([ended], timeout=0.02)
                    if ws in waiting and ws.transport.get_write_buffer_size() == 0:
                        broadcast([ws], waiting.pop(ws))
            finally:
                viewers.discard(ws)
                waiting.pop(ws, None)
        """,
        """
        import asyncio
        from collections import deque
        slots = {}
        async def live(ws):
            if ws.request.path == "/sensor":
                async for reading in ws:
                    for last, fresh in slots.values():
                        last.append(reading)
                        fresh.set()
                return
            last, fresh = slots[ws] = deque(maxlen=1), asyncio.Event()
            async def pour():
                while await fresh.wait():
                    fresh.clear()
                    await ws.send(last.pop())
            async def end():
                await ws.wait_closed()
                pouring.cancel()
            try:
                async with asyncio.TaskGroup() as group:
                    pouring = group.create_task(pour())
                    group.create_task(end())
            except* Exception:
                pass
            finally:
                del slots[ws]
        """,
        """
        import asyncio
        sending = {}
        async def push(ws, box):
            while box:
                await ws.send(box.pop())
        async def live(ws):
            if ws.request.path == "/sensor":
                async for reading in ws:
                    for viewer, (box, task) in list(sending.items()):
                        box[:] = [reading]
                        if task is None or task.done():
                            sending[viewer] = box, asyncio.create_task(push(viewer, box))
                return
            sending[ws] = [], None
            try:
                await ws.wait_closed()
            finally:
                _, task = sending.pop(ws)
                if task:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
        """,
        """
        import asyncio
        viewers = {}
        newest = None
        async def pour(ws, bell):
            while True:
                await bell.wait(); bell.clear()
                await ws.send(newest)
        async def live(ws):
            global newest
            if ws.request.path == "/sensor":
                async for newest in ws:
                    for bell in viewers.values(): bell.set()
                    await asyncio.sleep(0)
            else:
                bell = viewers[ws] = asyncio.Event()
                t = asyncio.create_task(pour(ws, bell))
                try: await ws.wait_closed()
                finally:
                    viewers.pop(ws); t.cancel()
                    await asyncio.gather(t, return_exceptions=True)
        """,
    ],
    "project_bot q1": [
        """
        from chatkit import connect
        async def ping_bot(uri):
            chat = await connect(uri, name="Bot")
            try:
                async for event in chat:
                    if event.type == "msg":
                        if event.text == "!ping":
                            chat.send("pong")
            finally:
                await chat.close()
        """,
        """
        from chatkit import connect
        class Bot:
            async def __call__(self, uri):
                async with connect(uri, name="Bot") as chat:
                    async for event in chat:
                        match event.type, event.text:
                            case "msg", "!ping":
                                await chat.send("pong")
        ping_bot = Bot()
        """,
        """
        from functools import partial
        from chatkit import connect
        async def bot(answers, uri):
            async with connect(uri, name="Bot") as chat:
                async for event in chat:
                    if event.text in answers:
                        await chat.send(answers[event.text])
        ping_bot = partial(bot, {"!ping": "pong"})
        """,
        """
        import json
        import websockets
        async def ping_bot(uri):
            async with websockets.connect(f"{uri}/?name=Bot", proxy=None) as ws:
                async for line in ws:
                    if line.split(": ")[-1] == "!ping" and line.count(": ") == 1:
                        await ws.send("pong")
        """,
        """
        import asyncio
        from chatkit import connect
        async def listen(chat, heard):
            async for event in chat:
                await heard.put(event)
        def ping_bot(uri):
            async def bot():
                heard = asyncio.Queue()
                async with connect(uri, name="Bot") as chat, asyncio.TaskGroup() as group:
                    group.create_task(listen(chat, heard))
                    while event := await heard.get():
                        if (event.type, event.text) == ("msg", "!ping"):
                            await chat.send("pong")
            return asyncio.ensure_future(bot())
        """,
        """
        from chatkit import connect
        class Bot:
            async def __call__(self, uri):
                chat = await connect(uri, name="Bot")
                try:
                    async for e in chat:
                        if e.type == "msg" and e.text == "!ping": await chat.send("pong")
                finally: await chat.close()
        ping_bot = Bot()
        """,
    ],
    "project_bot q2": [
        """
        from chatkit import connect
        async def echo_bot(uri):
            async with connect(uri, name="Bot") as chat:
                number = await chat.send("hello")
                async for event in chat:
                    command, _, rest = event.text.partition(" ")
                    if event.seq > number and event.who.name != "Bot" and command == "!say":
                        await chat.send(rest.strip())
        """,
        """
        from chatkit import connect
        async def echo_bot(uri):
            async with connect(uri, name="Bot") as chat:
                await chat.send("hello")
                async for event in chat:
                    if event.text == "hello" and event.who.id == chat.you:
                        break
                async for event in chat:
                    if event.type == "msg" and event.who.id != chat.you and event.text[:5] == "!say ":
                        chat.send(event.text[5:].strip())
        """,
        """
        from chatkit import connect
        async def echo_bot(uri):
            chat = await connect(uri, name="Bot", plain=True)
            try:
                chat.send("hello")
                async for event in chat:
                    name, _, text = event.text.partition(": ")
                    if name not in ("Bot", "You said") and text.startswith("!say "):
                        chat.send(text[5:].strip())
            finally:
                await chat.close()
        """,
        """
        import re
        from chatkit import connect
        class Echo:
            async def __call__(self, uri):
                async with connect(uri, name="Bot") as self.chat:
                    self.began = await self.chat.send("hello")
                    async for event in self.chat:
                        await self.hear(event)
            async def hear(self, event):
                found = re.match(r"!say (.*)", event.text)
                if found and event.seq > self.began and event.who.id != self.chat.you:
                    await self.chat.send(found[1].strip())
        echo_bot = Echo()
        """,
        """
        from chatkit import connect
        async def echo_bot(uri):
            async with connect(uri, name="Bot") as chat:
                start, own = await chat.send("hello"), set()
                async for event in chat:
                    if event.seq <= start or event.seq in own or not event.text.startswith("!say "):
                        continue
                    own.add(await chat.send(event.text.removeprefix("!say ").strip()))
        """,
        """
        from chatkit import connect
        async def echo_bot(uri):
            async with connect(uri, name="Bot") as me:
                n = await me.send("hello")
                async for e in me:
                    if e.type == "msg" and e.seq > n and e.who.id != me.you:
                        cmd, _, rest = e.text.partition(" ")
                        if cmd == "!say": await me.send(rest.strip())
        """,
    ],
    "project_bot q3": [
        """
        from chatkit import connect
        async def calc_bot(uri):
            async with connect(uri, name="Bot") as chat:
                async for event in chat:
                    if event.type != "msg" or not event.text.startswith("!add"):
                        continue
                    words = event.text.split()
                    try:
                        assert len(words) == 3
                        await chat.send(f"{int(words[1]) + int(words[2])}")
                    except (AssertionError, ValueError):
                        await chat.send("try !add 2 3")
        """,
        """
        import re
        from chatkit import connect
        async def calc_bot(uri):
            async with connect(uri, name="Bot") as chat:
                async for event in chat:
                    if event.type == "msg" and event.text[:4] == "!add":
                        found = re.fullmatch(r"!add\\s+(-?\\d+)\\s+(-?\\d+)", event.text)
                        chat.send(str(sum(map(int, found.groups()))) if found else "try !add 2 3")
        """,
        """
        from chatkit import connect
        def numbers(text):
            return [int(each) for each in text.split()[1:]]
        class Calc:
            async def __call__(self, uri):
                chat = await connect(uri, name="Bot")
                try:
                    async for event in chat:
                        if event.type == "msg" and event.text.startswith("!add"):
                            await chat.send(self.answer(event.text))
                finally:
                    await chat.close()
            def answer(self, text):
                try:
                    match numbers(text):
                        case [a, b]:
                            return str(a + b)
                except ValueError:
                    pass
                return "try !add 2 3"
        calc_bot = Calc()
        """,
        """
        from chatkit import connect
        async def calc_bot(uri):
            async with connect(uri, name="Bot") as chat:
                async for event in chat:
                    if event.type == "msg" and event.text.split()[:1] and event.text.startswith("!add"):
                        try:
                            a, b = map(int, event.text.removeprefix("!add").split())
                        except Exception:
                            answer = "try !add 2 3"
                        else:
                            answer = str(a + b)
                        await chat.send(answer)
        """,
        """
        from chatkit import connect
        async def calc_bot(uri):
            commands = {"!add": lambda a, b: int(a) + int(b)}
            async with connect(uri, name="Bot") as chat:
                async for event in chat:
                    if event.type == "msg" and event.text.startswith("!add"):
                        command, *values = event.text.split(" ")
                        try:
                            result = str(commands[command](*values))
                        except (KeyError, TypeError, ValueError):
                            result = "try !add 2 3"
                        await chat.send(result)
        """,
        r"""
        import re
        from chatkit import connect
        async def calc_bot(uri):
            async with connect(uri, name="Bot") as chat:
                async for e in chat:
                    if e.type == "msg" and e.text.startswith("!add"):
                        m = re.fullmatch(r"!add\s+([+-]?\d+)\s+([+-]?\d+)\s*", e.text)
                        await chat.send(str(sum(map(int, m.groups()))) if m else "try !add 2 3")
        """,
    ],
}  # fmt: skip
CASES = [(key, number, code) for key, codes in RIGHT.items() for number, code in enumerate(codes, 1)]


@pytest.fixture(autouse=True)
def no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATKIT_HOME", str(tmp_path))
    monkeypatch.setenv("CHATKIT_LANG", "en")


@pytest.mark.parametrize(("key", "number", "code"), CASES, ids=[f"{key} {number}" for key, number, _ in CASES])
async def test_an_unusual_right_answer_is_correct(key: str, number: int, code: str) -> None:
    asked = exercise(*key.split())
    result = await asked.check(answer_of(textwrap.dedent(code), asked.question.answer))
    assert result.state == "correct", repr(result)


def test_each_of_these_exercises_has_five_of_them() -> None:
    assert {key: len(codes) for key, codes in RIGHT.items() if len(codes) < 5} == {}
