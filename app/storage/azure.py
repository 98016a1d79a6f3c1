"""Blobs in Azure Blob Storage."""

import base64
import binascii
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore

from app.core.exceptions import StorageError
from app.storage.identity import ManagedIdentity
from app.storage.remote import RETRIES, Place, RemoteBlobStore, client_options

if TYPE_CHECKING:
    from obstore.store import AzureConfig

_SETTING: Final = "AZURE_STORAGE_CONNECTION_STRING"
_WHERE: Final = "Copy it whole from the Azure portal: storage account > Access keys."
_PUBLIC_CLOUD: Final = "core.windows.net"

# Account, key and address of the emulator: the same everywhere, and no secret.
_EMULATOR: Final = {
    "accountname": "devstoreaccount1",
    "accountkey": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr"
    "/KBHBeksoGMGw==",
    "blobendpoint": "http://127.0.0.1:10000/devstoreaccount1",
}


@dataclass(frozen=True, slots=True)
class AzureAccount:
    """A storage account, and what gives access to it: a key, a signature, or else the identity
    that the machine or pod has.

    Attributes:
        client_id: of a user-assigned identity.
    """

    name: str
    endpoint: str
    key: str | None = field(default=None, repr=False)
    signature: str | None = field(default=None, repr=False)
    client_id: str | None = None


def parse_connection_string(text: str) -> AzureAccount:
    """The account that a connection string names.

    Raises:
        StorageError: it is none. The message holds no part of it.
    """
    values = _values(text)
    if values.get("usedevelopmentstorage", "").lower() == "true":
        values = _EMULATOR | values
    endpoint = _endpoint(values)
    name = values.get("accountname") or _account_of(endpoint)
    key, signature = values.get("accountkey"), values.get("sharedaccesssignature")
    if not (key or signature):
        raise StorageError(f"{_SETTING} has no AccountKey and no SharedAccessSignature.", _WHERE)
    if key and not _is_base64(key):
        raise StorageError(f"The AccountKey in {_SETTING} is not complete, or not a key.", _WHERE)
    return AzureAccount(name, endpoint, key, None if key else (signature or "").lstrip("?"))


def account_with_identity(
    name: str, *, endpoint: str | None = None, client_id: str | None = None
) -> AzureAccount:
    """An account to which a managed or workload identity gives access."""
    address = (endpoint or f"https://{name}.blob.{_PUBLIC_CLOUD}").rstrip("/")
    return AzureAccount(name, address, client_id=client_id)


def azure_store(account: AzureAccount, container: str, *, folder: str) -> RemoteBlobStore:
    """The blobs in one folder of a container.

    Raises:
        StorageError: the account, key or address is not of the right form.
    """
    try:
        store = AzureStore(
            container,
            prefix=folder,
            config=_access(account),
            credential_provider=_provider(account),
            client_options=client_options(account.endpoint),
            retry_config=RETRIES,
        )
    except (BaseError, ValueError):  # its text may hold the key
        raise StorageError(
            "The settings of Azure Blob Storage cannot be used.",
            "Look at the account's name, its key and its address.",
        ) from None
    # A signature signs nothing more.
    return RemoteBlobStore(store, _place(account, container), signs=not account.signature)


def _access(account: AzureAccount) -> "AzureConfig":
    config: AzureConfig = {"account_name": account.name, "endpoint": account.endpoint}
    if account.key:
        return config | {"account_key": account.key, "credential_type": "access_key"}
    if account.signature:
        return config | {"sas_key": account.signature, "credential_type": "sas_token"}
    if _in_pod():
        config["credential_type"] = "workload_identity"
        if account.client_id:
            config["client_id"] = account.client_id
    return config


def _provider(account: AzureAccount) -> ManagedIdentity | None:
    """None where obstore itself knows: keys, signatures, a pod's workload identity."""
    if account.key or account.signature or _in_pod():
        return None
    return ManagedIdentity(account.client_id)


def _in_pod() -> bool:
    """Whether Kubernetes gave this program a workload identity."""
    return bool(os.environ.get("AZURE_FEDERATED_TOKEN_FILE"))


def _place(account: AzureAccount, container: str) -> Place:
    secret = account.key or account.signature
    return Place(
        name=f"The container {container!r} of the storage account {account.name!r}",
        create="Create it: `az storage container create --account-name "
        f"{account.name} --name {container}`, or name another one in AZURE_STORAGE_CONTAINER.",
        access=f"Look at {_SETTING}: is the key the current one, does the signature allow to "
        "read, write, list and delete, and has it not expired?"
        if secret
        else "Give this program's managed identity the role `Storage Blob Data Contributor` on "
        f"the account {account.name!r}, or set {_SETTING}.",
        network="Look at the account's name, and whether its firewall lets this machine in.",
    )


def _values(text: str) -> dict[str, str]:
    """The parts of a connection string, names in lower case."""
    values = {}
    for number, part in enumerate(text.strip().strip('"').split(";"), start=1):
        name, equals, value = part.strip().partition("=")
        if name and not equals:
            raise StorageError(f"Part {number} of {_SETTING} has no `=`.", _WHERE)
        values[name.lower()] = value
    return values


def _endpoint(values: dict[str, str]) -> str:
    if given := values.get("blobendpoint"):
        address = urlsplit(given)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise StorageError(f"The BlobEndpoint in {_SETTING} is not an address.", _WHERE)
        return given.rstrip("/")
    if not (account := values.get("accountname")):
        raise StorageError(f"{_SETTING} has no AccountName and no BlobEndpoint.", _WHERE)
    scheme = values.get("defaultendpointsprotocol") or "https"
    if scheme not in ("http", "https"):
        raise StorageError(f"The DefaultEndpointsProtocol in {_SETTING} is not known.", _WHERE)
    return f"{scheme}://{account}.blob.{values.get('endpointsuffix') or _PUBLIC_CLOUD}"


def _account_of(endpoint: str) -> str:
    """`https://<account>.blob...`, or `http://<host>/<account>` as emulators have it."""
    address = urlsplit(endpoint)
    return address.path.strip("/") or (address.hostname or "").partition(".")[0]


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except binascii.Error:
        return False
