"""Wisipay: collect and disburse money behind one signed API, on a double-entry ledger."""
