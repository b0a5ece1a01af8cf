"""The command ``cloud9-archive``: the same pipeline as the DAGs, without Airflow's scheduler."""

from __future__ import annotations

import typer

from cloud9_archive.cli.policy import policy_app
from cloud9_archive.cli.verify import verify_command

app = typer.Typer(
    name="cloud9-archive", help="Archive Cloud9 calls, and prove what was archived.", no_args_is_help=True
)
app.add_typer(policy_app, name="policy")
app.command("verify")(verify_command)


def main() -> None:
    """The command was carried out; this is the entry point."""
    app()
