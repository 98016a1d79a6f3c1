"""Against misuse: who may not call, whom nobody may clone, what nobody may say, what stands out."""
