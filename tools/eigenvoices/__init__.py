"""Makes the space of voices that instant cloning looks in: `app/engines/kokoro/eigenvoices.npz`.

A linear map from what is measured of a speaker to the numbers of a voice is trained by gradient
over many speakers at once; the principal components of what it gives are the space. Why so:
`docs/decisions/0009-eigenvoices.md`.

Needs the speech in `SPEECH_DATA_DIR`, the model files (`voice-cloning models pull --train`) and the
extra `train`. In order, with a folder of its own for what is on the way:

    python -m tools.eigenvoices prepare DIR
    python -m tools.eigenvoices train DIR --minutes 60
    python -m tools.eigenvoices invert DIR --styles 600
    python -m tools.eigenvoices score DIR
    python -m tools.eigenvoices export DIR app/engines/kokoro/eigenvoices.npz

The first three go on where they were broken off. `invert` makes the plainer alternative that the
table of `score` compares with; nothing else needs it.
"""
