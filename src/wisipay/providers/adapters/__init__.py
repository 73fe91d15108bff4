"""One file per provider; an adapter knows its own wire format and nothing of the others."""
