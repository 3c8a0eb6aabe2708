"""The door: whom to admit, decided once, in the opening handshake (RFC 6455, 4.2)."""

import hmac
import http
from collections.abc import Callable, Collection
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.protocol import CONNECTING

from chatkit import web
from chatkit.addresses import lab_of, room_of, split_target
from chatkit.dialects import JSON, PLAIN, Dialect
from chatkit.errors import ChatError, Turned​Away
