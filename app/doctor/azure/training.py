"""The training of professional voices: its container, and what Azure says of its recipes."""

from collections.abc import Sequence
from uuid import uuid4

from app.doctor.findings import Check, Wrong
from app.engines.azure.blobs import Container
from app.engines.azure.http import AzureHttp
from app.engines.azure.options import AzureTraining
from app.engines.azure.professional import ProfessionalVoices


def training_checks(http: AzureHttp, training: AzureTraining | None) -> Sequence[Check]:
    """No checks where nothing is trained."""
    if training is None:
        return ()
    tries = _Trying(http, training)
    return (
        Check("training container", tries.container),
        Check("training project", tries.project),
        Check("training recipe", tries.recipe),
    )


class _Trying:
    def __init__(self, http: AzureHttp, training: AzureTraining) -> None:
        self._training = training
        self._voices = ProfessionalVoices(http, training)

    async def container(self) -> str:
        if self._training.container_url is None:
            raise Wrong("AZURE_SPEECH_TRAINING_CONTAINER_URL is not set.")
        container = Container(self._training.container_url())
        prefix = f"training/doctor-{uuid4().hex}/"
        try:
            await container.put(f"{prefix}0001.wav", b"RIFF")
        finally:
            await container.delete_prefix(prefix)
        return "we may write, list and delete. Whether Azure may read shows with a training only."

    async def project(self) -> str:
        name = self._training.project_id
        if not await self._voices.consents.has_project():
            return f"{name!r} is not there yet; it is made with the first training. We may read it."
        return f"{name!r} is one of professional voices."

    async def recipe(self) -> str:
        wanted, recipes = self._training.recipe, await self._voices.recipes()
        found = next((recipe for recipe in recipes if recipe.kind == wanted), None)
        if found is None:
            kinds = ", ".join(sorted({recipe.kind for recipe in recipes})) or "none"
            raise Wrong(f"AZURE_SPEECH_TRAINING_RECIPE={wanted} is not among the recipes: {kinds}.")
        least = [
            f"{amount:g} {what}"
            for amount, what in (
                (found.min_utterance_count, "utterances"),
                (found.min_duration_in_seconds, "seconds"),
            )
            if amount is not None
        ]
        return f"{wanted} wants {' and '.join(least) or 'some speech'} at least."
