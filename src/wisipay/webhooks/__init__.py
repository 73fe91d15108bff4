"""Webhooks from providers: stored first, answered at once, understood afterwards."""
