from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud9_archive.domain.call import Direction
from cloud9_archive.domain.retention import Retention, RetentionUnit
from cloud9_archive.domain.roster import Extension, ExtensionType, RecordingMode, Roster
from cloud9_archive.errors import RosterError
from cloud9_archive.pipeline.roster_files import Matching, load_roster, read_roster
from cloud9_archive.pipeline.roster_writer import roster_row, write_rows

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
        "\ufeffextension_type;extension;user;mode\ruser_agent_id;a;anna;full\r",
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
        "number_adress,+44,x,on_demand,,2024-02-30,\n"
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
        "3: mode: found 'fulll': one of full, do_not_record, never_record is wanted (did you mean full?)",
        (
            "4: extension_type: found 'number_adress': one of user_agent_id, number_address is wanted "
            "(did you mean number_address?)"
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
        (HEADER + "user_agent_id," + "x" * 1_000_000 + ",anna,,full,,\n", "2: found a line that begins 'user_a"),
        (HEADER + '"' + "x\n" * 200_000, "2: found a broken row (field larger than field limit"),
        (HEADER + "user_agent_id," + "x" * 2_000 + ",anna,,full,,\n", "2: extension: found 'xxx"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, text: str | bytes, told: str) -> None:
    assert faults(tmp_path, text)[0].startswith(told)


def test_every_column_is_read(tmp_path: Path) -> None:
    text = (
        "extension_type;extension;user;mode;directions;groups;retention\n"
        'number_address;+44 20 7946 0101;anna;full;"incoming; internal";"Rates, London;fx;";7y\n'
    )
    (only,) = load_roster(written(tmp_path, text)).extensions
    assert (only.type, only.value) == (ExtensionType.NUMBER_ADDRESS, "+44 20 7946 0101")
    assert only.directions == {Direction.INCOMING, Direction.INTERNAL}
    assert only.groups == {"Rates, London", "fx"}
    assert only.retention == Retention(7, RetentionUnit.YEARS)


def test_faults_in_the_newer_columns_are_told(tmp_path: Path) -> None:
    text = (
        "extension_type,extension,user,mode,directions,retention\n"
        "user_agent_id,a,anna,full,incoming;outgoin,7\n"
        "user_agent_id,b,bert,full,unknown,0y\n"
    )
    wanted = "a whole number of days or years is wanted, from 1d to 36525d or 100y, such as 7y"
    assert faults(tmp_path, text) == [
        "2: directions: found 'outgoin': one of incoming, outgoing, internal is wanted (did you mean outgoing?)",
        f"2: retention: found '7': {wanted}",
        "3: directions: found 'unknown': one of incoming, outgoing, internal is wanted",
        f"3: retention: found '0y': {wanted}",
    ]


def test_a_row_that_says_the_same_again_is_passed_over_with_a_note(tmp_path: Path) -> None:
    rows = "user_agent_id,a,anna,,full,,\nuser_agent_id,b,bert,,full,,\n user_agent_id , a ,anna,,full,,\n"
    loaded = read_roster(path := written(tmp_path, HEADER + rows + rows))
    assert [each.value for each in loaded.roster.extensions] == ["a", "b"]
    assert loaded.notes == (f"{path}:4, 5, 6, 7: says again what an earlier row says; once is enough",)
    assert loaded.roster.version == load_roster(written(tmp_path, HEADER + rows)).version


def test_one_login_for_two_users_at_a_time_is_an_error_that_names_both_lines(tmp_path: Path) -> None:
    rows = "user_agent_id,a,anna,,full,,\nuser_agent_id,b,bert,,full,,\nuser_agent_id,a,cleo,,full,,\n"
    assert faults(tmp_path, HEADER + rows) == [
        (
            "4: extension: found 'a', valid without limit of time: one row at a time is wanted for an extension, "
            "and line 2 has it, valid without limit of time"
        )
    ]


def test_logins_that_differ_in_case_alone_clash_when_case_is_folded(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "user_agent_id,A@x,anna,,full,,\nuser_agent_id,a@X,anna,,full,,\n")
    assert len(load_roster(path).extensions) == 2
    with pytest.raises(RosterError, match=r":3: extension: found 'a@X'.*line 2 has it as 'A@x'"):
        load_roster(path, matching=Matching(fold_case=True))


def test_after_a_thousand_faults_nothing_more_is_read(tmp_path: Path) -> None:
    told = faults(tmp_path, HEADER + "user_agent_id,a,anna,,fulll,,\n" * 5000)
    assert len(told) == 51
    assert told[-1].endswith(" and 951 more")


JSON = """[
  {"extension_type": "user_agent_id", "extension": "a", "user": "anna", "mode": "full",
   "groups": ["rates", "fx"], "valid_to": null},
  {"extension_type": "number_address", "extension": 442079460101, "user": "bert", "mode": "never_record"}
]"""
YAML = """\
# the desk
- {extension_type: user_agent_id, extension: a, user: anna, mode: full, groups: [rates, fx], valid_to: ~}
- extension_type: number_address
  extension: 442079460101
  user: bert
  mode: never_record
"""
CSV = (
    "extension_type,extension,user,mode,groups\nuser_agent_id,a,anna,full,fx;rates\n"
    "number_address,442079460101,bert,never_record,\n"
)


@pytest.mark.parametrize(
    ("name", "text"), [("r.json", JSON), ("r.yaml", YAML), ("R.YML", YAML), ("r.json", "\ufeff" + JSON)]
)
def test_a_roster_says_the_same_in_every_format(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert load_roster(path).version == load_roster(written(tmp_path, CSV)).version


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("r.json", JSON.replace('"anna"', '""'), "2: user: found nothing: a value is wanted"),
        ("r.json", JSON.replace('"mode"', '"mod"'), "2: found the column 'mod': only the columns"),
        ("r.json", JSON.replace('"bert"', "true"), "4: user: found true: text, or a list of texts without semicolons"),
        ("r.json", JSON.replace('"fx"', '"f;x"'), "2: groups: found a list of 2: text, or a list of texts"),
        ("r.json", JSON.replace('"bert"', '{"a": 1}'), "4: user: found a list of 1: text"),
        ("r.json", JSON.replace('"a",', '"a", "user": "b",'), "2: user: found the key a second time"),
        ("r.json", JSON.replace('"a",', '"a\\u0000",'), "2: extension: found 'a\\x00': at most 400 printable"),
        ("r.json", JSON.replace('"a",', '"a\\ud800",'), "2: extension: found 'a\\ud800': at most 400 printable"),
        ("r.json", JSON[:-2], "4: found nothing: a comma, or the end of the list, is wanted"),
        ("r.json", '{"a": 1}', "1: found '{\"a\": 1}': a list of objects is wanted"),
        ("r.json", "", "1: found nothing: a list of objects is wanted"),
        ("r.json", "[3]", "1: found '3': an object with the names of the columns is wanted"),
        ("r.json", "[" * 100_000, "1: found '[[[["),
        ("r.json", JSON + "]", "5: found ']': nothing is wanted after the list"),
        ("r.json", JSON.replace('"a"', '"' + "a" * 100_000 + '"'), "2: found"),
        ("r.yaml", YAML.replace("bert", "&x bert"), "5: found an anchor or alias"),
        ("r.yaml", YAML.replace("bert", "!!python/name:os.system"), "5: found the tag"),
        ("r.yaml", YAML.replace("bert", "[{a: b}]"), "5: found a group of keys or a list: a list of texts is wanted"),
        ("r.yaml", YAML.replace("bert", "{a: b}"), "5: found a group of keys or a list: text, or a list"),
        ("r.yaml", YAML + "---\n- a\n", "7: found a second document"),
        ("r.yaml", "a: 1\n", "1: found a group of keys or a list: a list of objects is wanted"),
        ("r.yaml", "- a\n", "1: found 'a': a group of keys is wanted"),
        ("r.yaml", "- [" * 50, "1: found a group of keys or a list: a group of keys is wanted"),
        ("r.yaml", YAML.replace("mode: full", "mode: fulll"), "2: mode: found 'fulll'"),
        ("r.yaml", "", "1: found nothing: a list of objects is wanted"),
        ("r.xlsx", "", ""),
    ],
)
def test_faults_of_json_and_yaml_are_told_with_their_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RosterError) as caught:
        load_roster(path)
    assert f"{path}:{told}" in str(caught.value).splitlines()[0] if told else "no known format" in str(caught.value)


@pytest.mark.parametrize(("name", "text"), [("r.json", "[]"), ("r.yaml", "[]"), ("r.csv", HEADER)])
def test_an_empty_list_is_no_roster(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RosterError, match="has no rows – add the recorded users"):
        load_roster(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    st.sampled_from(["r.json", "r.yaml"]),
    st.text(st.sampled_from('[]{}",:-&*!|>#ax1 \n\t\0\u2028'), max_size=40) | st.binary(max_size=40),
)
def test_no_json_or_yaml_at_all_brings_the_reader_down(tmp_path: Path, name: str, text: str | bytes) -> None:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RosterError):
        load_roster(path)


WORDS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp", "Cf", "Co", "Cn", "Zs")), min_size=1, max_size=12
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    st.lists(
        st.builds(
            Extension,
            value=WORDS,
            user=WORDS,
            mode=st.sampled_from(RecordingMode),
            display_name=st.just("") | WORDS,
            type=st.sampled_from(ExtensionType),
            directions=st.frozensets(st.sampled_from([Direction.INCOMING, Direction.OUTGOING])),
            groups=st.frozensets(WORDS.filter(lambda word: ";" not in word), max_size=2),
            retention=st.none() | st.builds(Retention, st.integers(1, 99), st.sampled_from(RetentionUnit)),
            valid_from=st.none() | st.dates(),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda each: (each.type, each.value),
    )
)
def test_a_copy_of_a_roster_is_that_roster(tmp_path: Path, extensions: list[Extension]) -> None:
    path = tmp_path / "copy.csv"
    write_rows(path, map(roster_row, extensions))
    assert load_roster(path).version == Roster(tuple(extensions)).version


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
