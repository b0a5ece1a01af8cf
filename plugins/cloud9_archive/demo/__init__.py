"""A guided tour: the emulated Cloud9, a real Airflow, two policies, and an archive that anyone can check."""
