"""Every route."""

from fastapi import APIRouter

from app.api.routes import (
    audit,
    batches,
    engines,
    health,
    history,
    jobs,
    keys,
    languages,
    lexicon_check,
    lexicon_entries,
    lexicons,
    metrics,
    synthesis,
    usage,
    voice_bundles,
    voice_profiles,
    voice_samples,
    voice_versions,
    voices,
)

router = APIRouter()
router.include_router(health.router)
router.include_router(metrics.router)
router.include_router(voices.router)
router.include_router(voice_profiles.router)
router.include_router(voice_samples.router)
router.include_router(voice_versions.router)
router.include_router(voice_bundles.router)
router.include_router(synthesis.router)
router.include_router(batches.router)
router.include_router(lexicons.router)
router.include_router(lexicon_check.router)
router.include_router(lexicon_entries.router)
router.include_router(jobs.router)
router.include_router(engines.router)
router.include_router(languages.router)
router.include_router(keys.router)
router.include_router(audit.router)
router.include_router(history.router)
router.include_router(usage.router)
