"""The ledger: what was intended, made, reused and removed; the truth that recovery reads."""
