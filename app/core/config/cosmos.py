"""Azure Cosmos DB in place of an SQL database."""

from pydantic import BaseModel, Field, SecretStr


class CosmosSettings(BaseModel):
    """With an endpoint, records lie in Cosmos DB; DATABASE_URL then only says where jobs wait."""

    cosmos_db_endpoint: str | None = Field(
        None, description="https://ACCOUNT.documents.azure.com:443/; set, records lie there."
    )
    cosmos_db_key: SecretStr | None = Field(
        None,
        description="Of the account. Default: an identity of Microsoft Entra ID, by the extra "
        "`azure`.",
    )
    cosmos_db_client_id: str | None = Field(
        None, description="Of a user-assigned identity. Default: the pod's, or the machine's own."
    )
    cosmos_db_scope: str | None = Field(
        None, description="Of its tokens. Default: https://ACCOUNT.documents.azure.com/.default."
    )
    cosmos_db_database: str = Field(
        "voice-cloning", pattern=r"^[^/\\?#]{1,255}$", description="Name of the database."
    )
    cosmos_db_throughput: int = Field(
        1000,
        ge=0,
        description="Request units per second up to which the database scales, where this program "
        "creates it: thousands; 0 for a serverless account.",
    )
    cosmos_db_tries: int = Field(
        9, ge=1, le=50, description="Of a request that is throttled or gets no answer."
    )
    cosmos_db_max_wait_s: float = Field(
        30.0, ge=0, le=300, description="Between these tries, in all."
    )
    cosmos_db_timeout_s: float = Field(10.0, gt=0, le=120, description="For one try.")
