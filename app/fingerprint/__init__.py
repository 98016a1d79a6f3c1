"""What a sound can be told again by."""
