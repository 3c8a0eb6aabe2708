"""The checks of each lesson: `n08_handshake.py` belongs to `08_handshake.ipynb`, its prose stands in `data/`.

A check takes a `Trial` and the answer, and raises the first Difference it finds: small fixed cases first, then cases
drawn from `trial.chance`, so that a refusal can be repeated.
"""
