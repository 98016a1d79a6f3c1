"""Which database the settings name."""

from app.core.config import Settings
from app.db.base import Database
from app.db.sql import SqlDatabase


def database_of(settings: Settings) -> Database:
    """The database, not yet opened. What is for Cosmos DB is imported where that is set.

    Raises:
        DatabaseError, ConfigurationError: its address, driver or key cannot be used.
    """
    if settings.cosmos_db_endpoint:
        from app.db.cosmos.database import CosmosDatabase

        return CosmosDatabase.of(settings)
    return SqlDatabase(settings.database, pool_size=settings.database_pool_size)
