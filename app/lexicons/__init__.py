"""Lexicons: their entries stored, checked, read from files, written to files, and made ready to be
applied.
"""
