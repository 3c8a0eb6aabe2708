"""What nobody else may see is starred out, byte for byte as long as it was, before it is shown or saved.

Secret are `?token=…` in the request, cookies and authorization headers, `token` and `me` in a JSON message. A secret
ends where the bytes end, too: half a token is still a secret.
"""

import re
from urllib.parse import unquote_to_bytes

QUERY = re.compile(rb"(?P<before>[?&](?P<name>[^=&\s]+)=)(?P<secret>[^&\s]*)")
HEADER = re.compile(rb"(?im)(?P<before>^(?:(?:proxy-)?authorization|(?:set-)?cookie):[ \t]*)(?P<secret>[^\r\n]*)")
FIELD = re.compile(rb'(?s)(?P<before>"(?:token|me)"\s*:\s*")(?P<secret>(?:[^"\\]|\\.)*)')


def star_head(head: bytes) -> bytes:
    """An HTTP head, or the beginning of one, without its secrets."""
    return HEADER.sub(star, QUERY.sub(star_token, head))


def star_message(before: bytes, payload: bytes) -> bytes:
    """A frame's payload without its secrets; `before` is what the earlier fragments of the message held."""
    return FIELD.sub(star, before + payload)[len(before) :]


def star(found: re.Match[bytes]) -> bytes:
    return found["before"] + b"*" * len(found["secret"])


def star_token(found: re.Match[bytes]) -> bytes:
    """Only the token of a query is secret; its name may be percent-encoded, as the server would accept it."""
    return star(found) if unquote_to_bytes(found["name"]) == b"token" else found[0]
