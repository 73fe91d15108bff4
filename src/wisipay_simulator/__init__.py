"""A payment provider and a merchant to test against; shares no code with wisipay."""
