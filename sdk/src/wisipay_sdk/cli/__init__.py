"""The developer's command line: callbacks to a local port, test payments with every outcome, the log, sending again.

Needs the address of a Wisipay and a merchant's keys, nothing of the server.
"""
