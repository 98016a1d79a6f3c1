"""An inaudible mark in everything that is spoken, and its detection."""
