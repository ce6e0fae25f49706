from pathlib import Path

from foreseen.registry import audit_log


def test_entries_are_read_in_the_order_they_were_appended(tmp_path: Path) -> None:
    audit_log.append(tmp_path, "promote", "better", {"version": 2})
    audit_log.append(tmp_path, "rollback", "worse", {"version": 1})
    first, second = audit_log.read(tmp_path)
    assert (first["what"], first["why"], first["version"]) == ("promote", "better", 2)
    assert (second["what"], second["why"], second["version"]) == ("rollback", "worse", 1)
    assert first["at"] <= second["at"]


def test_a_folder_without_an_audit_log_has_no_entries(tmp_path: Path) -> None:
    assert audit_log.read(tmp_path) == []


def test_an_incomplete_line_hides_no_other(tmp_path: Path) -> None:
    audit_log.append(tmp_path, "one", "", {})
    with (tmp_path / "audit_log.jsonl").open("a") as file:
        file.write('{"what": "incompl')
    audit_log.append(tmp_path, "two", "", {})
    assert [entry["what"] for entry in audit_log.read(tmp_path)] == ["one", "two"]


def test_damaged_lines_hide_no_others(tmp_path: Path) -> None:
    audit_log.append(tmp_path, "one", "", {})
    lines = [
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"at": 1, "what": "x"}',
        b'{"at": "1", "what": "x", "why": ""}',
        b'{"at": 1, "what": "x", "why": "", "size": NaN}',
        b'{"at": 1, "what": "x", "why": "", "size": 1e999}',
        b'{"at": ' + 5000 * b"9" + b', "what": "x", "why": ""}',
        b'{"at": 9999999999999, "what": "x", "why": ""}',
        100_000 * b"[",
    ]
    with (tmp_path / "audit_log.jsonl").open("ab") as file:
        file.write(b"\n".join(lines) + b"\n")
    audit_log.append(tmp_path, "two", "", {"damaged": ["a"]})
    one, two = audit_log.read(tmp_path)
    assert (one["what"], two["what"], two["damaged"]) == ("one", "two", ["a"])
