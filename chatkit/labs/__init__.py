"""Labs: the server watches what any client does on the wire, says what is next and what was wrong, and gives receipts.

ws://localhost:8765/lab/2?name=Mali
"""

from chatkit.labs.lab import Lab, labs
from chatkit.labs.run import Labs, Visit
from chatkit.labs.store import Store

__all__ = ["Lab", "Labs", "Store", "Visit", "labs"]
