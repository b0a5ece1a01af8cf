"""What Airflow asks a provider for; imports nothing, since every Airflow process loads it."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """The provider's description, as Airflow's schema for provider info wants it."""
    return {
        "package-name": "airflow-provider-cloud9-archive",
        "name": "Cloud9 archive",
        "description": "Archives Cloud9 calls: fetch, filter by recording rules, transcode, archive, reconcile.",
    }
