from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud9_archive.errors import PolicyError, RosterError
from cloud9_archive.media.profiles import PROFILES
from cloud9_archive.pipeline.policy_files import LARGEST_FILE, load_policy
from cloud9_archive.pipeline.roster_sources import load_roster_of

INCLUDE = Path(__file__).parents[2] / "include"

GOOD = """\
policy: emea
sources: [cloud9_emea]
schedule:
  cron: "0 2 * * *"
  timezone: Europe/London
recording_rules:
  enabled: true
  roster: rosters/emea.csv
archive:
  target: archive
"""


def written(folder: Path, text: str | bytes, *, name: str = "emea.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def faults(folder: Path, text: str | bytes) -> list[str]:
    path = written(folder, text)
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    prefix = f"{path}:"
    lines = str(caught.value).splitlines()
    assert all(line.startswith(prefix) for line in lines)
    return [line.removeprefix(prefix) for line in lines]


def test_a_good_file_is_a_policy(tmp_path: Path) -> None:
    policy = load_policy(written(tmp_path, GOOD))
    assert (policy.policy, policy.sources) == ("emea", ("cloud9_emea",))
    assert load_policy(written(tmp_path, "\ufeff# comment\r\n" + GOOD.replace("\n", "\r\n"))) == policy


@pytest.mark.parametrize("path", sorted((INCLUDE / "policies").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_policies_that_come_with_the_project_are_valid(path: Path) -> None:
    policy = load_policy(path)
    roster = load_roster_of(policy, include=INCLUDE)
    assert (roster is not None) is policy.recording_rules.enabled


def test_every_fault_is_told_with_its_line_and_the_nearest_word(tmp_path: Path) -> None:
    text = """\
policy: emea
sourcs: [a]
sources:
  - a
  - "b c"
schedule:
  timezone: Europe/Lodon
  lookback: 2
recording_rules:
  enabled: true
media:
  profile: alaw8k
archive: {target: archive, lock: compliance}
batch: {max_recordings: 5000}
"""
    assert faults(tmp_path, text) == [
        (
            "2: sourcs: found an unknown key: one of policy, description, sources, schedule, recording_rules, media, "
            "archive, expect, batch, run_on, alerts is wanted (did you mean sources?)"
        ),
        "5: sources[1]: found 'b c': the id of an Airflow connection is wanted, such as cloud9_emea",
        "6: schedule.cron: found nothing: this key is wanted, such as cron: 0 2 * * *",
        (
            "7: schedule.timezone: found 'Europe/Lodon': an IANA time zone is wanted, such as Europe/London or UTC "
            "(did you mean Europe/London?)"
        ),
        "8: schedule.lookback: found 2: a whole number with its unit is wanted: 90s, 15m, 2h or 3d",
        "9: recording_rules.roster: found nothing: a roster is wanted because enabled is true, such as rosters/emea.csv",
        (
            f"12: media.profile: found 'alaw8k': one of {', '.join(PROFILES)} is wanted, or a name that media.profiles "
            "defines (did you mean alaw_8k?)"
        ),
        "13: archive.lock: found 'compliance': no lock is wanted where target is a folder: a file system only records retention",
        "14: batch.max_recordings: found 5000: a whole number of at most 1000 is wanted",
    ]


def test_what_is_expected_has_one_line_for_each_fault(tmp_path: Path) -> None:
    text = GOOD + "media: {length_tolerance: 2h}\nexpect: {days: [mon, monday], holidays: ../h.txt, floor: 101}\n"
    last = GOOD.count("\n") + 1
    assert faults(tmp_path, text) == [
        f"{last}: media.length_tolerance: found '2h': a duration from 0s to 1h is wanted, or null",
        f"{last + 1}: expect.days[1]: found 'monday': one of mon, tue, wed, thu, fri, sat or sun is wanted (did you mean mon?)",
        f"{last + 1}: expect.floor: found 101: a whole number of at most 100 is wanted",
        (
            f"{last + 1}: expect.holidays: found '../h.txt': the path of a .txt or .csv file below include/ is wanted, such as "
            "holidays/england.txt"
        ),
    ]


def test_alerts_have_one_line_for_each_fault(tmp_path: Path) -> None:
    text = (
        GOOD
        + """\
alerts:
  conn_id: ops_hook
  severities: {MEDIA_MISSING: urgent}
  at_least: eror
  options: {to: {a: 1}, cc: [a, b]}
"""
    )
    first = GOOD.count("\n") + 1
    words = "one of fatal, critical, error, warning, notification is wanted"
    assert faults(tmp_path, text) == [
        f"{first + 2}: alerts.severities.MEDIA_MISSING: found 'urgent': {words}",
        f"{first + 3}: alerts.at_least: found 'eror': {words} (did you mean error?)",
        f"{first + 4}: alerts.options.to: found a group of keys: text, a whole number, true or false, or a list of texts is wanted",
    ]


def test_profiles_that_would_merge_two_parties_or_do_not_exist_are_told_at_their_key(tmp_path: Path) -> None:
    text = """\
policy: emea
sources: [a]
schedule: {cron: "0 2 * * *", timezone: UTC}
recording_rules: {enabled: false}
media:
  profiles:
    good: {codec: opus}
    thin:
      codec: opus
      bit_rate: 12000
    narrow: {codec: amr_nb, channels: keep}
    odd: {codec: opsu}
archive: {target: archive}
"""
    merging, narrow, odd = faults(tmp_path, text)
    assert merging.startswith(
        "10: media.profiles.thin.bit_rate: found 12000: at 12000 bit/s for each channel opus would merge"
    )
    assert narrow.startswith("11: media.profiles.narrow.channels: found 'keep': amr_nb has one channel and would merge")
    assert odd.startswith("12: media.profiles.odd.codec: found 'opsu': there is no codec 'opsu' – did you mean 'opus'?")


def test_missing_groups_are_told_with_what_they_need(tmp_path: Path) -> None:
    assert faults(tmp_path, "# a comment\npolicy: emea\nsources: [a]\n") == [
        "2: archive: found nothing: this key is wanted, with target",
        "2: recording_rules: found nothing: this key is wanted, with enabled",
        "2: schedule: found nothing: this key is wanted, with cron, timezone",
    ]


def test_yaml_surprises_are_told_as_what_yaml_reads(tmp_path: Path) -> None:
    text = GOOD.replace("policy: emea", "policy: no").replace("enabled: true", "enabled: 'true'")
    assert faults(tmp_path, text) == [
        "1: policy: found false: text is wanted; put it in quotes if YAML takes it for something else",
        "7: recording_rules.enabled: found 'true': true or false is wanted",
    ]


def test_a_key_that_stands_twice_is_refused_at_its_second_line(tmp_path: Path) -> None:
    text = GOOD + "archive:\n  target: other\n"
    assert faults(tmp_path, text) == [
        "11: archive: found the key a second time: each key is wanted once, and line 9 has it already"
    ]


def test_the_file_is_named_as_the_policy(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, name="other.yaml")
    with pytest.raises(
        PolicyError, match=r"other\.yaml:1: policy: found 'emea': the name of the file is wanted, 'other'"
    ):
        load_policy(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1: found nothing: a group of keys is wanted"),
        ("- a\n", "1: found a list of 1: a group of keys is wanted"),
        ("a: [\n", "2: found did not find expected node content: text that is valid YAML is wanted"),
        (
            "a: 1\nb: c: d\n",
            "2: found mapping values are not allowed in this context: text that is valid YAML is wanted",
        ),
        ("policy: &x emea\nb: *x\n", "1: found an anchor or alias: every value written out is wanted"),
        ("policy: !!python/object/apply:os.system [id]\n", "1: found the tag"),
        ("a: !!binary aGk=\n", "1: found the tag"),
        ("a: 1\n---\nb: 1\n", "2: found a second document: one document per file is wanted"),
        ("a: " + "[" * 100_000, "1: found very deep nesting: at most 20 levels are wanted"),
        ("".join(" " * n + "a:\n" for n in range(300)), "21: found very deep nesting"),
        (b"a: \x00\n", "1: found a character that YAML does not allow"),
        (b"a: 1\nb: \xff\n", "2: found bytes that are not UTF-8: UTF-8 text is wanted"),
        (b"#" * (LARGEST_FILE + 1), "1: found a very large file"),
        ("? [a, b]\n: 1\n", "1: found a key that is not text: a plain word is wanted"),
    ],
)
def test_hostile_yaml_is_refused_quickly(tmp_path: Path, text: str | bytes, told: str) -> None:
    begun = time.process_time()
    assert faults(tmp_path, text)[0].startswith(told)
    assert time.process_time() - begun < 2


def test_billion_laughs_are_refused_before_they_grow(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    assert faults(tmp_path, "\n".join(lines)) == ["1: found an anchor or alias: every value written out is wanted"]


def test_secrets_are_not_repeated(tmp_path: Path) -> None:
    text = GOOD.replace("target: archive", 'target: "s3://key:hunter/2@host/x"') + "api_secret: hunter2-hunter2\n"
    told = "\n".join(faults(tmp_path, text))
    assert "hunter" not in told
    assert "11: api_secret: found an unknown key" in told


def test_many_faults_are_counted_and_not_all_told(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + "".join(f"key{n}: 1\n" for n in range(500)))
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 51
    assert lines[-1] == f"{path}: and 450 more"


def test_a_missing_file_is_told_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: No such file or directory – write one with"):
        load_policy(tmp_path / "absent.yaml")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    st.text(st.sampled_from("abpolicy:-[]{}&*!|>%@`'\"#,? \n\t0123456789\u2028\ud7ff"), max_size=60)
    | st.binary(max_size=40)
)
def test_no_text_at_all_brings_the_reader_down(tmp_path: Path, text: str | bytes) -> None:
    path = written(tmp_path, text)
    with pytest.raises(PolicyError):
        load_policy(path)


def test_a_roster_that_is_a_link_to_elsewhere_is_refused(tmp_path: Path) -> None:
    include, outside = tmp_path / "include", tmp_path / "outside.csv"
    (include / "rosters").mkdir(parents=True)
    outside.write_text("extension_type,extension,user,mode\nuser_agent_id,a,a,full\n")
    (include / "rosters" / "emea.csv").symlink_to(outside)
    with pytest.raises(RosterError, match="lies outside"):
        load_roster_of(load_policy(written(tmp_path, GOOD)), include=include)
