"""What a project may spend in a month, and the ledger of what it did."""
