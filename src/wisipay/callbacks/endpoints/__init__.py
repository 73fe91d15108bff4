"""Endpoints that a merchant has beyond the callback URLs of its services: kept, delivered to, replayed.

Used through `wisipay.callbacks`; its worker is mounted by entrypoints with the slice's `worker`.
"""
