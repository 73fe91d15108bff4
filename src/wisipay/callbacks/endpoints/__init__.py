"""Endpoints that a merchant has beyond the callback URLs of its services: kept, delivered to, replayed.

Used through `wisipay.callbacks`; `worker` is mounted by entrypoints.
"""
