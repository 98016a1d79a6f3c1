"""What sound is recognised by, even cut and re-encoded."""
