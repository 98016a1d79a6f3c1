"""Translating texts: one port, several services behind it."""
