"""The month close: bills against the ledger with every difference named, unseen and shared costs, frozen months."""
