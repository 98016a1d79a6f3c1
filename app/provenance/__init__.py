"""Where audio comes from, said in the file itself and signed: C2PA manifests.

`manifest` alone knows the C2PA library, and is imported where it is used.
"""
