"""Milestones of project_sensor: a sensor and who watches it, the latest reading, and a phone that sleeps."""

from typing import Any

from chatkit.exercises.calls import Trial
from chatkit.exercises.checks.n05_everyone import make_small
from chatkit.exercises.result import Difference
from chatkit.exercises.stage import Stage, stage

SENSOR = "/sensor"


async def sensor(play: Stage, *names: str) -> None:
    """Connect clients at the path of the sensor; all others connect at `/`."""
    viewers_uri, play.uri = play.uri, play.uri + SENSOR
    try:
        await play.join(*names)
    finally:
        play.uri = viewers_uri


def reading(trial: Trial) -> str:
    return f"{trial.chance.uniform(20, 40):.3f}"


async def tell(play: Stage, name: str, *viewers: str) -> str:
    """A sensor says a number; just these viewers hear it, as it is."""
    text = reading(play.trial)
    await play.say(name, text)
    for viewer in viewers:
        await play.hears(viewer, text)
    await play.silence()
    return text


async def check_station(trial: Trial, station: Any) -> None:
    async with stage(trial, station, "Ann", "Bob") as play:
        await sensor(play, "Sensor")
        for _ in range(3):
            await tell(play, "Sensor", "Ann", "Bob")
        await play.say("Ann", "99.9")
        await play.silence()
        await sensor(play, "Cellar")
        for name in ("Cellar", "Sensor"):
            await tell(play, name, "Ann", "Bob")
        await play.leave("Sensor")
        await play.join("Cat")
        await play.cut("Bob")
        for _ in range(trial.chance.randrange(1, 5)):
            await tell(play, "Cellar", "Ann", "Cat")
        if ghost := play.ghost():
            raise play.difference("ghost", name=ghost)


async def check_latest(trial: Trial, latest: Any) -> None:
    """A reading may be left from an earlier check; the first viewer hears at most that."""
    async with stage(trial, latest, "Ann") as play:
        try:
            await play.silence()
        except Difference as difference:
            if difference.key != "ex_one_more" or not is_number(play.wire.pop()):
                raise
        await sensor(play, "Sensor")
        await tell(play, "Sensor", "Ann")
        text = await tell(play, "Sensor", "Ann")
        await play.join("Bob")
        await play.hears("Bob", text)
        await play.silence()
        text = await tell(play, "Sensor", "Ann", "Bob")
        await play.leave("Sensor")
        await play.join("Cat")
        await play.hears("Cat", text)
        await play.silence()
        await sensor(play, "Sensor")
        await play.cut("Bob")
        for _ in range(trial.chance.randrange(1, 4)):
            text = await tell(play, "Sensor", "Ann", "Cat")
        await play.join("Dan")
        await play.hears("Dan", text)
        await play.silence()


def is_number(line: str) -> bool:
    """Whether what a line of the wire tells is a number."""
    try:
        float(line.partition(": ")[2].strip("'"))
    except ValueError:
        return False
    return True


READINGS = 40
SIZE = 100_000  # letters: few of them fit into the buffers of the phone's line
UNREAD = 500_000  # bytes that may wait in the server for one viewer
SKIPPED = 10  # readings at least that a viewer need not hear any more who slept through 40


async def check_live(trial: Trial, live: Any) -> None:
    async with stage(trial, live, "Ann", "Phone") as play:
        await sensor(play, "Camera")
        phone = make_small(play, "Phone")
        for _ in range(READINGS):
            picture = f"{reading(trial)} {'#' * SIZE}"
            await play.say("Camera", picture)
            await heard_awake(play, picture)
        if phone.transport.is_closing():
            raise play.difference("put_out")
        if phone.transport.get_write_buffer_size() > UNREAD:
            raise play.difference("piled_up", bytes=UNREAD)
        heard = 1
        while await play.heard("Phone", picture) != picture:
            heard += 1
        if heard > READINGS - SKIPPED:
            raise play.difference("all_of_it", varies=True, heard=heard, readings=READINGS)
        await play.silence()
        text = reading(trial)
        await play.say("Camera", text)
        await play.hears("Ann", text)
        await play.hears("Phone", text)


async def heard_awake(play: Stage, picture: str) -> None:
    """Ann is awake and hears it; at which picture an answer begins to wait for the phone depends on the buffers."""
    try:
        await play.hears("Ann", picture)
    except Difference as difference:
        if difference.key != "ex_silent":
            raise
        raise play.difference("held_up", varies=True) from None


CHECKS = {"q1": check_station, "q2": check_latest, "q3": check_live}
