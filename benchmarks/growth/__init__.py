"""How the ledger behaves as its history grows: a loader, what is measured, and how it is shown."""
