"""The command ``cloud9-archive``: the same pipeline as the DAGs, without Airflow's scheduler."""

from __future__ import annotations

import typer

from cloud9_archive.cli.backfill import backfill_command
from cloud9_archive.cli.catalog import catalog_app
from cloud9_archive.cli.check import check_command
from cloud9_archive.cli.custody import dispose_command, hold_app, retention_app
from cloud9_archive.cli.decrypt import decrypt_command
from cloud9_archive.cli.emulator import PASSED_ON, emulator_command
from cloud9_archive.cli.export import export_command
from cloud9_archive.cli.media import media_app
from cloud9_archive.cli.policy import policy_app
from cloud9_archive.cli.reconcile import reconcile_command
from cloud9_archive.cli.report import report_app
from cloud9_archive.cli.roster import roster_app
from cloud9_archive.cli.run import run_command
from cloud9_archive.cli.search import search_command
from cloud9_archive.cli.verify import verify_command
from cloud9_archive.cli.wire import wire_app

app = typer.Typer(
    name="cloud9-archive",
    help="Archive Cloud9 calls, and prove what was archived.",
    no_args_is_help=True,
    # A stack trace with local variables would show secrets.
    pretty_exceptions_show_locals=False,
)
app.command("run")(run_command)
app.command("backfill")(backfill_command)
app.command("reconcile")(reconcile_command)
app.command("check")(check_command)
app.command("verify")(verify_command)
app.command("dispose")(dispose_command)
app.add_typer(hold_app, name="hold")
app.add_typer(retention_app, name="retention")
app.command("decrypt")(decrypt_command)
app.command("export")(export_command)
app.command("search")(search_command)
app.add_typer(report_app, name="report")
app.add_typer(policy_app, name="policy")
app.add_typer(roster_app, name="roster")
app.add_typer(catalog_app, name="catalog")
app.add_typer(media_app, name="media")
app.add_typer(wire_app, name="wire")
app.command("emulator", context_settings=PASSED_ON, add_help_option=False)(emulator_command)


def main() -> None:
    """The command was carried out; this is the entry point."""
    app()
