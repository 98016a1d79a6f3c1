"""Benchmarks that print tables: `make bench`, or `python -m bench NAME`. Nothing here is a test."""
