"""The words of the field and the rules over them: pure, no I/O, no clock, no Airflow."""
