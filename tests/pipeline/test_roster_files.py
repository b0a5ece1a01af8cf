from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud9_archive.domain.roster import RecordingMode
from cloud9_archive.errors import RosterError
from cloud9_archive.pipeline.roster_files import load_roster

HEADER = "extension_type,extension,user,display_name,mode,valid_from,valid_to\n"
INCLUDE = Path(__file__).parents[2] / "include"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "emea.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def faults(folder: Path, text: str | bytes) -> list[str]:
    path = written(folder, text)
    with pytest.raises(RosterError) as caught:
        load_roster(path)
    return [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]


def test_a_row_is_an_extension(tmp_path: Path) -> None:
    text = HEADER + 'user_agent_id,a@b,anna,"Smith, Anna",full,2023-05-01,2024-01-01\n'
    (only,) = load_roster(written(tmp_path, text)).extensions
    assert (only.value, only.user, only.display_name, only.mode) == ("a@b", "anna", "Smith, Anna", RecordingMode.FULL)
    assert (only.valid_from, only.valid_to, only.line) == (date(2023, 5, 1), date(2024, 1, 1), 2)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffextension_type;extension;user;mode\nuser_agent_id;a;anna;full\n",
        "extension_type,extension,user,mode\r\nuser_agent_id,a,anna,full\r\n\r\n,,,\r\n",
        "\n \nextension_type;extension;user;mode\nuser_agent_id;a;anna;full\n",
        " extension_type , extension,user,mode \n user_agent_id , a ,anna ,full   ",
        "mode,user,extension,extension_type,groups,directions,retention\nfull,anna,a,user_agent_id,,,\n",
        "\nextension_type,extension,user,mode\n\nuser_agent_id,a,anna,full\n",
    ],
)
def test_what_spreadsheets_write_is_read_alike(tmp_path: Path, text: str) -> None:
    plain = load_roster(written(tmp_path, "extension_type,extension,user,mode\nuser_agent_id,a,anna,full\n"))
    assert load_roster(written(tmp_path, text)).version == plain.version


def test_every_fault_of_every_row_is_told(tmp_path: Path) -> None:
    text = (
        "extension_type,extension,user,mode,valid_from,valid_to,groups\n"
        "user_agent_id,a,anna,full,,,\n"
        "user_agent_id,b,bert,fulll,,,rates\n"
        "number_address,+44,x,on_demand,,2024-02-30,\n"
        "\n"
        "user_agent_id,,,controlled,2024-01-01,2024-01-01,\n"
        "user_agent_id,a,other,never_record,,2024-01-01,\n"
        "a,b\n"
    )
    live = (
        "full, do_not_record or never_record is wanted: this mode asks somebody during the call, "
        "and an import only sees calls that are over"
    )
    assert faults(tmp_path, text) == [
        "3: groups: found 'rates': an empty cell is wanted: this column is not offered yet, and would have no effect",
        "3: mode: found 'fulll': one of full, do_not_record, never_record is wanted (did you mean full?)",
        (
            "4: extension_type: found number_address: user_agent_id is wanted: matching by number is not offered yet, "
            "and this row would match nothing"
        ),
        f"4: mode: found on_demand: {live}",
        "4: valid_to: found '2024-02-30': a date that exists is wanted, such as 2024-01-01, or nothing",
        "6: extension: found nothing: a value is wanted",
        f"6: mode: found controlled: {live}",
        "6: user: found nothing: a value is wanted",
        "6: valid_to: found '2024-01-01': a date after valid_from (2024-01-01) is wanted: it is the first day without validity",
        (
            "7: extension: found 'a', valid until 2024-01-01 (exclusive): one row at a time is wanted for an extension, "
            "and line 2 has it, valid without limit of time"
        ),
        "8: found 2 cells: 7 are wanted, as in the header; put a cell that has the delimiter in it in quotes",
    ]


def test_an_extension_may_move_from_one_user_to_another(tmp_path: Path) -> None:
    rows = "user_agent_id,a,anna,,full,,2024-01-01\nuser_agent_id,a,bert,,full,2024-01-01,\n"
    assert len(load_roster(written(tmp_path, HEADER + rows)).extensions) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1: found no header"),
        ("user_agent_id,a,anna,full\n", "1: found no header"),
        ("extension_type,extension,user\n", "1: mode: found nothing: this column is wanted"),
        ("extension_type,extension,user,mode,mode\n", "1: mode: found the column twice"),
        ("extension_type,extension,user,mode,valid_form\n", "1: found the column 'valid_form': only the columns"),
        (HEADER + 'user_agent_id,"a,anna,,full,,\n', "2: found a broken row"),
        (HEADER + 'user_agent_id,"a\nb",anna,,full,,\n', "2: extension: found 'a\\nb': at most 400 printable"),
        (HEADER + "user_agent_id,a\x00,anna,,full,,\n", "2: extension: found 'a\\x00': at most 400 printable"),
        (HEADER.encode() + b"user_agent_id,a,anna,M\xfcller,full,,\n", "2: found bytes that are not UTF-8"),
        (HEADER + "user_agent_id," + "x" * 200_000 + ",anna,,full,,\n", "2: found a broken row"),
        (HEADER + "user_agent_id," + "x" * 2_000 + ",anna,,full,,\n", "2: extension: found 'xxx"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, text: str | bytes, told: str) -> None:
    assert faults(tmp_path, text)[0].startswith(told)


def test_a_roster_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="an empty roster would exclude every call"):
        load_roster(written(tmp_path, HEADER))


def test_a_missing_roster_is_told_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match=r"cannot be read: No such file or directory – recording_rules\.roster"):
        load_roster(tmp_path / "absent.csv")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.binary(max_size=60) | st.text(st.sampled_from('user_agent_id,full\n\r";\0 '), max_size=60))
def test_no_rows_at_all_bring_the_reader_down(tmp_path: Path, rows: str | bytes) -> None:
    content = rows if isinstance(rows, bytes) else rows.encode()
    with pytest.raises(RosterError):
        load_roster(written(tmp_path, HEADER.encode() + content))


def test_the_example_shows_every_mode_and_a_leaver() -> None:
    rows = load_roster(INCLUDE / "rosters" / "emea.csv").extensions
    assert {row.mode for row in rows} == set(RecordingMode)
    assert [row.user for row in rows if row.valid_to]


def test_the_example_names_people_of_the_emulators_desk() -> None:
    firm = pytest.importorskip("cloud9_archive.emulator.firm")
    rows = load_roster(INCLUDE / "rosters" / "emea.csv").extensions
    known = {person.login: person.full_name for person in firm.EMEA.people if person.rostered}
    assert {row.value: row.display_name for row in rows} == known
