"""The simulator's HTTP side: request and answer types, routing, the process."""
