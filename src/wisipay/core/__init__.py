"""What every slice builds on: money, time, ids, errors, settings, stores, HTTP. Knows no domain, imports no slice."""
