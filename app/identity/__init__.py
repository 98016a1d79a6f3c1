"""Tokens of other issuers: whose they are, with which keys they are signed, what they let do."""
