"""A stand-in for payment providers and for merchants, for tests, demonstrations and load.

It is a process of its own and shares no code with `wisipay`: an error made twice in shared code would hide itself.
"""
