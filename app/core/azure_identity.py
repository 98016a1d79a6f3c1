"""Who a pod or machine is to Azure. Needs azure-identity, which is imported when somebody asks."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def own_identity(client_id: str | None) -> "TokenCredential":
    """The workload identity that Kubernetes gave to the pod, else the machine's managed one.

    Args:
        client_id: of a user-assigned identity, of several.

    Raises:
        ImportError: azure-identity is not installed.
        ValueError: the pod has a part of a workload identity only.
    """
    from azure.identity import ManagedIdentityCredential, WorkloadIdentityCredential

    if os.environ.get("AZURE_FEDERATED_TOKEN_FILE"):
        return WorkloadIdentityCredential(client_id=client_id)
    return ManagedIdentityCredential(client_id=client_id)
