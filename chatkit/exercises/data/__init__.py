"""The exercises of each notebook: `n03_handshake.py` belongs to `03_handshake.ipynb`."""
