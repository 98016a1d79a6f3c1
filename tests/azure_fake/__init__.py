"""Services of Azure as their written contracts have them, for tests without an account."""
