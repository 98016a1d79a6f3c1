"""The agreement of speakers: what they say, and whether a recording says it."""
