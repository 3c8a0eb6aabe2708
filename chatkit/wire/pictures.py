"""The four pictures of a transcript: its handshake, one frame, a sequence, a table. Each in text and HTML.

lang: "en", "th" or "both"; None takes $CHATKIT_LANG, else both.
"""

import hashlib

from chatkit.texts import chosen, say
from chatkit.wire.frames import Frame, Opcode, WireError, check_frame, close_reason, length_field
from chatkit.wire.handshake import GUID, Head, accept_key
from chatkit.wire.ink import (
    MAX_CELLS,
    Drawing,
    align,
    characters,
    cut,
    cut_bytes,
    fit,
    glyph,
    html_table,
    is_text,
    page,
    preview,
    safe,
    spelt,
    width,
)
from chatkit.wire.transcript import Item, Transcript

NOTED = {"host", "origin", "upgrade", "connection", "content-length"}
NOTED |= {f"sec-websocket-{name}" for name in ("key", "version", "accept", "protocol", "extensions")}
STATUSES = (101, 200, 400, 401, 403, 404, 426, 503)
MAX_LINE = 300  # characters of a line of the handshake
ARROW = 70  # columns of text on an arrow in a terminal
MAX_ROWS = 200  # of a transcript; the newest are shown


def draw_handshake(transcript: Transcript, lang: str | None = None) -> Drawing:
    """Request and response side by side, each line explained, and the sum that ties them (RFC 6455, 1.3, 4.1, 4.2)."""
    lang = chosen(lang)
    request, response = transcript.head("request"), transcript.head("response")
    columns = [
        (say("wire_request").in_(lang), head_lines(request, lang)),
        (say("wire_response").in_(lang), head_lines(response, lang)),
        ("Key → Accept", key_sum(request, response, lang)),
    ]
    texts = [
        "\n".join([title, *(f"  {line}\n      {note}".rstrip() for line, note in lines)]) for title, lines in columns
    ]
    boxes = [
        block(
            "box",
            f"<b>{safe(title)}</b>" + "".join(f"<code>{safe(a)}</code><small>{safe(b)}</small>" for a, b in lines),
        )
        for title, lines in columns
    ]
    notes = remarks(transcript, lang)
    return Drawing("\n\n".join(texts + notes), page(block("columns", "".join(boxes)), *map(paragraph, notes)))


def head_lines(head: Head | None, lang: str) -> list[tuple[str, str]]:
    """Each line of a head with what it is for; a line that does not matter to WebSocket has no note."""
    if head is None:
        return [(say("wire_empty").in_(lang), "")]
    answer = head.status if head.status in STATUSES else "other"
    lines = [(head.start, "wire_note_get" if head.status is None else f"wire_note_{answer}")]
    for name, value in head.headers:
        lines.append((f"{name}: {value}", header_note(name.lower(), value)))
    return [(cut(line, lang, MAX_LINE), say(note).in_(lang) if note else "") for line, note in lines]


def header_note(name: str, value: str) -> str:
    """The key of a header's note, "" where it has none: `Connection: close` is not what the note on Upgrade means."""
    is_noted = name in NOTED and (name != "connection" or "upgrade" in value.lower())
    return f"wire_note_{name}" if is_noted else ""


def key_sum(request: Head | None, response: Head | None, lang: str) -> list[tuple[str, str]]:
    """How the key becomes the accept value, step by step (RFC 6455, 4.2.2); [] where there is no key."""
    key = request.get("Sec-WebSocket-Key") if request else None
    if key is None:
        return []
    got = response.get("Sec-WebSocket-Accept") if response else None
    verdict = "wire_sum_none" if got is None else "wire_sum_same" if got == accept_key(key) else "wire_sum_differs"
    joined = key + GUID
    steps = [
        (joined, "wire_sum_guid"),
        (hashlib.sha1(joined.encode(), usedforsecurity=False).digest().hex(" "), "wire_sum_sha1"),
        (accept_key(key), "wire_sum_base64"),
        (f"Sec-WebSocket-Accept: {got or '–'}", verdict),
    ]
    return [(cut(value, lang, MAX_LINE), say(note).in_(lang)) for value, note in steps]


def draw_frame(frame: Frame, lang: str | None = None, mask: bool = False) -> Drawing:
    """A frame as labelled fields, its bytes beside its characters (RFC 6455, 5.2).

    mask: True shows the payload as it travelled and how the key undoes it, byte by byte; False what was meant.
    """
    lang = chosen(lang)
    fields = frame_fields(frame, lang)
    cells = masked_cells(frame, lang) if mask and frame.mask else payload_cells(frame, lang)
    count = payload_count(frame, lang)
    boxes = "".join(
        f'<div class="chatkit-wire-{name}"><b>{label}</b><code>{safe(bits)}</code><small>{safe(meaning)}</small></div>'
        for name, label, bits, meaning in fields
    )
    columns = "".join(f"<div>{'<br>'.join(map(safe, cell))}</div>" for cell in cells)
    notes = [count, *faults(frame, lang)]
    text = "\n".join([align(row[1:] for row in fields), "", align(cells), *notes])
    return Drawing(text, page(block("fields", boxes), block("cells", columns), *map(paragraph, notes)))


def faults(frame: Frame, lang: str) -> list[str]:
    """The rule that a frame breaks, in words; [] where it breaks none (RFC 6455, 5.2 and 5.5)."""
    try:
        check_frame(frame)
    except WireError as error:
        return [f"✗ {error.sentence(lang)}"]
    return []


def frame_fields(frame: Frame, lang: str) -> list[tuple[str, str, str, str]]:
    """(name, label, bits, meaning) of each field, in the order of the wire (RFC 6455, 5.2)."""
    longer = length_field(frame.raw)[1:]
    known = frame.opcode in set(Opcode)
    meaning = say(f"wire_opcode_{frame.opcode:x}" if known else "wire_opcode_reserved").in_(lang)
    length = say("wire_length", count=len(frame.payload)).in_(lang)
    fields = [
        ("fin", "FIN", f"{frame.fin:b}", say(f"wire_fin_{frame.fin:d}").in_(lang)),
        ("rsv", "RSV1-3", f"{frame.rsv:03b}", say("wire_rsv_0" if not frame.rsv else "wire_rsv_1").in_(lang)),
        ("opcode", "opcode", f"{frame.opcode:04b}", f"{frame.name}: {meaning}"),
        ("mask", "MASK", f"{frame.mask is not None:b}", say(f"wire_mask_{frame.mask is not None:d}").in_(lang)),
        ("length", "length", f"{frame.seven:07b}", say(f"wire_length_{frame.seven}").in_(lang) if longer else length),
    ]
    if longer:
        fields.append(("longer", f"length, {8 * len(longer)} bit", longer.hex(" "), length))
    if frame.mask is not None:
        fields.append(("key", "masking key", frame.mask.hex(" "), say("wire_key").in_(lang)))
    return [*fields, ("payload", "payload", cut_bytes(frame.masked, lang, 12), say("wire_payload").in_(lang))]


def payload_cells(frame: Frame, lang: str) -> list[tuple[str, str, str]]:
    """(character, code point, bytes) of the payload's beginning; the first row holds the headings."""
    code, _ = close_reason(frame.payload) if frame.opcode == Opcode.CLOSE else (None, "")
    body = frame.payload[2:] if code is not None else frame.payload
    if frame.opcode == Opcode.BINARY:
        cells = [("", "", f"{byte:02x}") for byte in body[: MAX_CELLS + 1]]
    else:
        # A character has at most 4 bytes, so these hold one cell more than fits.
        signs = characters(body[: 4 * MAX_CELLS + 4])
        cells = [(glyph(c), f"U+{ord(c):04X}" if c else "", data.hex(" ")) for c, data in signs]
    if code is not None:
        cells.insert(0, (str(code), say("wire_code").in_(lang), frame.payload[:2].hex(" ")))
    heading = (say("wire_character").in_(lang), say("wire_point").in_(lang), say("wire_bytes").in_(lang))
    return [heading, *shorten(cells, len(frame.payload), lang)]


def shorten(cells: list[tuple[str, str, str]], size: int, lang: str) -> list[tuple[str, str, str]]:
    """At most MAX_CELLS cells, and one that says how many of `size` bytes are not shown."""
    shown = cells[:MAX_CELLS]
    rest = size - sum(len(bytes.fromhex(cell[2])) for cell in shown)
    return [*shown, ("", "", say("wire_more", count=rest).in_(lang))] if rest else shown


def masked_cells(frame: Frame, lang: str) -> list[tuple[str, str, str]]:
    """(byte on the wire, byte of the key, byte meant) one by one: wire XOR key = meant (RFC 6455, 5.3)."""
    mask = frame.mask or bytes(4)
    pairs = enumerate(zip(frame.masked[:MAX_CELLS], frame.payload, strict=False))
    cells = [(f"{wire:02x}", f"{mask[i % 4]:02x}", f"{meant:02x}") for i, (wire, meant) in pairs]
    heading = (say("wire_on_wire").in_(lang), say("wire_xor_key").in_(lang), say("wire_meant").in_(lang))
    return [heading, *shorten(cells, len(frame.payload), lang)]


def payload_count(frame: Frame, lang: str) -> str:
    """`“สวัสดี”: 6 code points, 18 bytes`, or only the bytes where the payload is no text."""
    size = len(frame.payload)
    if frame.opcode not in (Opcode.TEXT, Opcode.CONTINUATION):
        return say("wire_length", count=size).in_(lang)
    points = sum(bool(c) for c, _ in characters(frame.payload))
    return f"{preview(frame, lang)}: {say('wire_counts', points=points, count=size).in_(lang)}"


def draw_sequence(transcript: Transcript, lang: str | None = None) -> Drawing:
    """The transcript as arrows between client and server, the oldest on top."""
    lang = chosen(lang)
    client, server = say("wire_client").in_(lang), say("wire_server").in_(lang)
    steps = [(item, step_label(item, lang)) for item in transcript.items[-MAX_ROWS:]]
    notes = remarks(transcript, lang)
    lines = [f"{client} │{' ' * (ARROW + 4)}│ {server}"]
    lines += [f"{' ' * width(client)} │{text_arrow(item, label)}│ {item.time:.3f} s" for item, label in steps]
    ends = block("ends", f"<span>{safe(client)}</span><span>{safe(server)}</span>")
    arrows = block("lines", "".join(html_arrow(item, label) for item, label in steps))
    return Drawing("\n".join(lines + notes), page(ends, arrows, *map(paragraph, notes)))


def text_arrow(item: Item, label: str) -> str:
    """`─ label ───▶` or `◀─ label ───`, ARROW + 4 columns wide; what does not fit is in the table."""
    short = fit(label, ARROW)
    line = f" {short} {'─' * (ARROW - width(short))}"
    return f"─{line}▶" if item.direction == "to_server" else f"◀─{line}"


def html_arrow(item: Item, label: str) -> str:
    head = "<i></i>▶" if item.direction == "to_server" else "◀<i></i>"
    who = f"<small>{item.time:.3f} s · {way(item)}</small> {safe(label)}"
    return block("step", who + block("arrow", head))


def draw_table(transcript: Transcript, lang: str | None = None) -> Drawing:
    """The transcript as a table: one row for each head, frame or piece of other bytes, and the chunks it came in."""
    lang = chosen(lang)
    heading = [say(f"wire_col_{name}").in_(lang) for name in ("number", "time", "way", "what", "size", "chunk", "text")]
    rows = [table_row(item, lang) for item in transcript.items[-MAX_ROWS:]]
    notes = remarks(transcript, lang)
    table = html_table([[safe(cell) for cell in row] for row in [heading, *rows]])
    return Drawing("\n".join([align([heading, *rows]), *notes]), page(table, *map(paragraph, notes)))


def table_row(item: Item, lang: str) -> list[str]:
    first, last = item.chunks
    what = item.frame.name + ("" if item.frame.fin else " …") if item.frame else say(f"wire_kind_{item.kind}").in_(lang)
    chunk = str(first) if first == last else f"{first}–{last}"
    return [
        str(item.number or ""),
        f"{item.time:.3f}",
        way(item),
        what,
        str(len(item.raw)),
        chunk,
        item_text(item, lang),
    ]


def way(item: Item) -> str:
    """Who sent it: C is the client, S the server."""
    return "C→S" if item.direction == "to_server" else "S→C"


def step_label(item: Item, lang: str) -> str:
    """A step of the sequence in one line: number, opcode, length and the beginning of the payload."""
    if item.frame is None:
        return f"{say(f'wire_kind_{item.kind}').in_(lang)} {item_text(item, lang)}".strip()
    more = "" if item.frame.fin else " …"
    return f"#{item.number} {item.frame.name}{more} {len(item.frame.payload)} B {item_text(item, lang)}"


def item_text(item: Item, lang: str) -> str:
    """What a row shows of the content, always safe to print; a broken rule is said in words."""
    text = ""
    if item.frame:
        text = preview(item.frame, lang)
    elif item.head:
        text = cut(item.head.start, lang, 80)
    elif item.raw:
        text = cut(item.raw.decode(errors="replace"), lang) if is_text(item.raw) else cut_bytes(item.raw, lang, 16)
    return spelt(text) + (f"  ✗ {item.error.sentence(lang)}" if item.error else "")


def remarks(transcript: Transcript, lang: str) -> list[str]:
    """What a reader must know about the drawing: nothing there yet, rows left out, secrets hidden, bytes missing."""
    waiting = sum(len(way.buffer) for way in transcript.ways.values())
    older = max(0, len(transcript.items) - MAX_ROWS)
    said = {
        "wire_empty": (not transcript.items, 0),
        "wire_older": (older, older),
        "wire_waiting": (waiting, waiting),
        "wire_missed": (transcript.recording.missed, transcript.recording.missed),
        "wire_redacted": (transcript.redacted, 0),
    }
    return [say(key, count=count).in_(lang) for key, (true, count) in said.items() if true]


def block(name: str, boxes: str) -> str:
    return f'<div class="chatkit-wire-{name}">{boxes}</div>'


def paragraph(text: str) -> str:
    return f"<div>{safe(text)}</div>"
