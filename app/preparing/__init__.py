"""Making texts fit for the ear before they are spoken."""
