"""Settings under which a machine's runs are the same every time."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "machine",
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
