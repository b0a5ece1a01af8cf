"""What Airflow asks a provider for; imports nothing, since every Airflow process loads it."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """The provider's description, as Airflow's schema for provider info wants it."""
    return {
        "package-name": "airflow-provider-cloud9-archive",
        "name": "Cloud9 archive",
        "description": "Archives Cloud9 calls: fetch, filter by recording rules, transcode, archive, reconcile.",
        "connection-types": [
            {
                "connection-type": "cloud9",
                "hook-class-name": "cloud9_archive.hooks.cloud9.Cloud9Hook",
                "hook-name": "Cloud9 Call Data API",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema", "extra"],
                    "relabeling": {"login": "API key", "password": "API secret"},
                    "placeholders": {
                        "host": "calldataapi.example.com",
                        "port": "443",
                        "login": "the key from the portal",
                        "password": "the secret that the portal showed once",
                    },
                },
                "conn-fields": {
                    "ca_file": {
                        "label": "CA file",
                        "description": "Absolute path of a PEM file. When given, only these certificate authorities "
                        "are trusted, not the system's.",
                        "schema": {"type": ["string", "null"]},
                    },
                    "wire_format": {
                        "label": "Wire format",
                        "description": "Name of a shipped wire format, or absolute path of a format file of your own.",
                        "schema": {"type": ["string", "null"], "default": "call_data_v1_1"},
                    },
                    "connect_timeout": {
                        "label": "Connect timeout",
                        "description": "How long a connection may take to come about. Seconds.",
                        "schema": {"type": ["number", "null"], "default": 10},
                    },
                    "read_timeout": {
                        "label": "Read timeout",
                        "description": "The longest silence within an answer. Seconds.",
                        "schema": {"type": ["number", "null"], "default": 60},
                    },
                    "total_timeout": {
                        "label": "Total timeout",
                        "description": "The longest time for one answer, body included. Seconds.",
                        "schema": {"type": ["number", "null"], "default": 900},
                    },
                    "max_recording_bytes": {
                        "label": "Largest recording",
                        "description": "Bytes. A larger recording is refused and quarantined.",
                        "schema": {"type": ["integer", "null"], "default": 2147483648},
                    },
                    "region": {
                        "label": "Region",
                        "description": "Sent with each listing when given. It is known from requests for transcripts only; whether listings take it is not public.",
                        "schema": {"type": ["string", "null"]},
                    },
                },
            }
        ],
        "config": {
            "cloud9_archive": {
                "description": "Where the Cloud9 archive keeps things, and how much it may use.",
                "options": {
                    "data_root": {
                        "description": "Folder of the catalog and of staging, and the base of relative archive targets. "
                        "Empty: cloud9-archive below AIRFLOW_HOME.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "/srv/cloud9-archive",
                        "default": "",
                    },
                    "include_folder": {
                        "description": "Folder that holds policies/ and rosters/. Empty: include below AIRFLOW_HOME.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "/opt/airflow/include",
                        "default": "",
                    },
                    "catalog_url": {
                        "description": "SQLAlchemy URL of the catalog. Empty: SQLite in data_root, for one host.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "postgresql+psycopg://cloud9@db.example.com/cloud9_archive",
                        "default": "",
                        "sensitive": True,
                    },
                    "staging_folder": {
                        "description": "Where bytes wait for the archive. Empty: staging in data_root. Workers on "
                        "several hosts need a folder that all of them see.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "/mnt/shared/cloud9-staging",
                        "default": "",
                    },
                    "claim_lease_minutes": {
                        "description": "For how long a batch belongs to its run without a sign of life.",
                        "version_added": "0.1.0",
                        "type": "integer",
                        "example": None,
                        "default": "360",
                    },
                    "media_workers": {
                        "description": "Decoding processes of one transcode task.",
                        "version_added": "0.1.0",
                        "type": "integer",
                        "example": None,
                        "default": "2",
                    },
                    "backfill_rate_share": {
                        "description": "The part of each of Cloud9's limits per minute that backfills and manual runs "
                        "may use together, above 0 and at most 1. Scheduled runs may use all of it.",
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": "0.8",
                        "default": "0.5",
                    },
                },
            }
        },
    }
