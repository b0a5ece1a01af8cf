"""The Airflow DAG of the policy emea_rates."""

from cloud9_archive.dag import build_dag

dag = build_dag("emea_rates")
