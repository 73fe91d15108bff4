"""Composition roots: the processes of the product and its command line, the only place that wires things together."""
