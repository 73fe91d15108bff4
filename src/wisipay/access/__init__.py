"""Who may come in: request signatures, allowlists, rate windows and replays.

The public face of the slice. Knows no merchant: whoever asks brings secrets, lists and limits along.
"""
