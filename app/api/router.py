"""Every route."""

from starlette.routing import BaseRoute

from app.api.routes import (
    audit,
    batches,
    consents,
    denied_speakers,
    engines,
    flags,
    health,
    history,
    jobs,
    keys,
    languages,
    lexicon_check,
    lexicon_entries,
    lexicons,
    metrics,
    provenance_identify,
    provenance_verify,
    suspensions,
    synthesis,
    translation,
    usage,
    voice_bundles,
    voice_engines,
    voice_profiles,
    voice_samples,
    voice_shares,
    voice_versions,
    voices,
    watermark,
)

# They are made once, where they are declared. `include_router` would make each again for every
# application, at its first request, without what `GuardedRoute` does to its pattern, and would
# look for the right one twice at every request.
ROUTES: list[BaseRoute] = [
    route
    for router in (
        health.router,
        metrics.router,
        voices.router,
        voice_profiles.router,
        voice_samples.router,
        voice_shares.router,
        voice_versions.router,
        voice_engines.router,
        voice_bundles.router,
        consents.router,
        synthesis.router,
        translation.router,
        batches.router,
        lexicons.router,
        lexicon_check.router,
        lexicon_entries.router,
        jobs.router,
        engines.router,
        languages.router,
        keys.router,
        audit.router,
        suspensions.router,
        denied_speakers.router,
        flags.router,
        provenance_identify.router,
        provenance_verify.router,
        history.router,
        usage.router,
        watermark.router,
    )
    for route in router.routes
]
