# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `journal`: what it says of a journal that is whole, changed, cut, missing or none. The lines are written here, from docs/json.md."""

import base64
import hashlib
import json
import os
import random

import pytest

ZEROS = "0" * 64
SESSION = "5e" * 16


def digest(line):
    return hashlib.sha256(line).hexdigest()


def chain(entries):
    """Lines without their newlines. An entry may be bytes: a line as it stands."""
    lines, prev = [], ZEROS
    for number, entry in enumerate(entries):
        if not isinstance(entry, bytes):
            members = {"prev": prev, "time": f"2026-11-25T12:00:{number % 60:02}.{number % 1000:03}Z", "session": SESSION, **entry}
            entry = json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()
        lines.append(entry)
        prev = digest(entry)
    return lines


BEGUN = {"kind": "begun", "target": "web-1:shop", "node": "shop@web-1", "connection": "deploy@192.0.2.7", "user": "alice", "uid": 1000,
         "pid": 4711, "read_only": True, "reason": "ticket 7", "recording": None}
ENTRIES = [BEGUN, {"kind": "input", "number": 1, "text": "1/0."},
           {"kind": "outcome", "number": 1, "result": "error", "ms": 3, "text": "** exception error: badarith"},
           {"kind": "input", "number": 2, "text": "ok."}, {"kind": "outcome", "number": 2, "result": "done", "ms": 12},
           {"kind": "ended", "why": "left"}]


@pytest.fixture
def write(tmp_path):
    def call(lines, name="journal", end=b"\n"):
        path = tmp_path / name
        path.write_bytes(b"\n".join(lines) + (end if lines else b""))
        path.chmod(0o600)
        return path
    return call


@pytest.fixture
def journal(beamline):
    def call(*words, **options):
        return beamline("journal", *words, config=False, epmd_port=False, **options)
    return call


@pytest.fixture
def verify(journal):
    def call(path, status=0):
        done = journal("verify", "--json", path)
        assert done.status == status and done.stderr == "", done
        return json.loads(done.stdout)
    return call


def test_a_whole_one(journal, verify, write):
    lines = chain(ENTRIES)
    path = write(lines)
    assert verify(path) == {"ok": True, "file": str(path), "lines": 6, "first": "2026-11-25T12:00:00.000Z", "last": "2026-11-25T12:00:05.005Z",
                            "hash": digest(lines[-1]), "incomplete": 0, "breaks": 0}
    done = journal("verify", path)
    assert done.status == 0 and done.stderr == "", done
    assert done.stdout == (f"{path}: 6 lines, from 2026-11-25T12:00:00.000Z to 2026-11-25T12:00:05.005Z\n"
                           f"SHA-256 of the last line: {digest(lines[-1])}\n")
    assert verify(write([]))["hash"] == ZEROS


def test_what_was_done_to_it_is_told(journal, verify, write):
    lines = chain(ENTRIES)
    changed = [*lines[:2], lines[2].replace(b"badarith", b"badmatch"), *lines[3:]]
    cases = [(changed, 4, digest(changed[2]), digest(lines[2])), ([*lines[:3], *lines[4:]], 4, digest(lines[2]), digest(lines[3])),
             (lines[1:], 1, ZEROS, digest(lines[0])), ([lines[0], lines[0], *lines[1:]], 2, digest(lines[0]), ZEROS)]
    for bad, line, expected, found in cases:
        path = write(bad)
        answer = verify(path, status=1)
        assert not answer["ok"] and answer["error"]["code"] == "journal_broken" and answer["error"]["status"] == 1, answer
        assert answer["first_break"] == {"line": line, "expected": expected, "found": found}, answer
        assert (answer["lines"], answer["breaks"], answer["hash"]) == (len(bad), 1, digest(bad[-1])), answer
        done = journal("verify", path)
        assert done.status == 1 and f"{len(bad)} lines" in done.stdout, done
        assert f"{path}:{line}: " in done.stderr and expected in done.stderr and found in done.stderr and "[journal_broken]" in done.stderr, done
    swapped = verify(write([lines[0], lines[2], lines[1], *lines[3:]]), status=1)
    assert swapped["first_break"]["line"] == 2 and swapped["breaks"] == 3 and "3 lines do not fit" in swapped["error"]["message"], swapped


def test_lines_missing_at_the_end_show_in_the_digest_only(verify, write):
    lines = chain(ENTRIES)
    answer = verify(write(lines[:-1]))
    assert answer["ok"] and answer["hash"] == digest(lines[-2]) != digest(lines[-1])


def test_what_a_crash_left(journal, verify, write):
    first = chain(ENTRIES[:3])
    lines = chain([*first[:2], first[2][:100], *ENTRIES[3:]])
    path = write(lines)
    answer = verify(path)
    assert (answer["incomplete"], answer["first_incomplete"], answer["lines"]) == (1, 3, 6), answer
    assert "line 3 (a process or the machine ended" in journal("verify", path).stdout
    assert "line 3 is incomplete\n" in journal("show", path).stdout
    answer = verify(write(first[:2] + [first[2][:100]], end=b""))
    assert (answer["incomplete"], answer["first_incomplete"], answer["lines"]) == (1, 3, 3), answer


def test_show(journal, write):
    done = journal("show", write(chain(ENTRIES)))
    assert done.status == 0 and done.stderr == "", done
    who = "5e5e5e5e alice web-1:shop  "
    assert done.stdout.split("\n") == [
        f"2026-11-25T12:00:00.000Z {who}begun: node shop@web-1, over deploy@192.0.2.7, process 4711, read only, because: ticket 7",
        f"2026-11-25T12:00:01.001Z {who}1> 1/0.",
        f"2026-11-25T12:00:02.002Z {who}1: error, 3 ms: ** exception error: badarith",
        f"2026-11-25T12:00:03.003Z {who}2> ok.",
        f"2026-11-25T12:00:04.004Z {who}2: done, 12 ms",
        f"2026-11-25T12:00:05.005Z {who}ended: left", ""]


def test_show_is_safe_and_tells_what_is_missing(journal, write):
    texts = ["\x1b]0;x\x07\x1b[31m", "a\nb", "\u202egnp", {"binary": base64.b64encode(b"\xff\x9b2J").decode()}]
    lines = chain([*({"kind": "input", "number": 1, "text": text} for text in texts),
                   {"kind": "input", "number": 1, "text": "long", "text_cut": {"bytes": 70, "sha256": ZEROS}}, {"kind": "of a later version"}])
    done = journal("show", write(lines))
    shown = [line.partition("  ")[2] for line in done.stdout.split("\n")]
    assert shown == ["1> ^[]0;x^G", "1> a", "  b", "1> \\xe2\\x80\\xaegnp", "1> \\xff\\x9b2J", "1> long … (70 more bytes)", "of a later version", ""], done
    assert " 5e5e5e5e ?  " in done.stdout


def test_show_marks_what_does_not_fit(journal, write):
    lines = chain(ENTRIES)
    done = journal("show", write([lines[0], *lines[2:], b"\x1b[2Jno entry"]))
    assert done.status == 0 and "the chain is broken at line 2" in done.stderr, done
    assert "\nline 2 does not fit into the chain: 2026" in done.stdout and done.stdout.endswith("\nline 6 does not fit into the chain and is no entry\n"), done


def test_what_is_no_journal(journal, verify, write, tmp_path):
    answer = verify(write([b"\x1b[31mnothing", b"of the kind"]), status=1)
    assert answer["breaks"] == 2 and answer["first_break"] == {"line": 1, "expected": ZEROS, "found": "\x1b[31mnothing"}, answer
    done = journal("verify", write([b"\x1b[31mnothing"]))
    assert done.status == 1 and "\x1b" not in done.stderr and "“nothing”" in done.stderr, done
    assert verify(write([b"x" * 300000]), status=1)["error"]["message"].endswith("the line is longer than 262144 bytes, as none of a journal is")
    path = write([random.Random(7).randbytes(100000) for _ in range(20)])
    assert verify(path, status=1)["breaks"] > 20
    for missing in (tmp_path / "none", tmp_path):
        for word in ("verify", "show"):
            done = journal(word, missing)
            assert done.status == 66 and str(missing) in done.stderr, done
    os.mkfifo(tmp_path / "fifo")
    assert journal("verify", tmp_path / "fifo").status == 66


def test_which_file(journal, write, tmp_path):
    lines = chain(ENTRIES)
    state = tmp_path / "state"
    (state / "beamline").mkdir(parents=True)
    write(lines[:1], name="state/beamline/journal")
    write(lines[:2], name="configured")
    conf = tmp_path / "beamline.conf"
    conf.write_text('defaults = { journal = "configured"; };\n')
    conf.chmod(0o600)
    env = {"XDG_STATE_HOME": str(state)}

    def count(*words):
        return json.loads(journal("verify", "--json", *words, env=env).stdout)["lines"]

    assert count() == 1
    assert count("--config", conf) == 2
    assert count("--config", conf, "--journal", write(lines[:3])) == 3
    assert count("--config", conf, write(lines[:4])) == 4
    assert journal("verify", "--journal", "a", "b").status == 64


@pytest.mark.parametrize("words, part", [(("verfy",), "“verfy”"), ((), "verify|show"), (("show", "--json", "x"), "JSON already"), (("verify", "a", "b"), "verify|show")])
def test_a_mistyped_line(journal, words, part):
    done = journal(*words)
    assert done.status == 64 and part in done.stderr + done.stdout, done


def test_a_large_one_takes_no_memory(journal, write, beamline_path):
    """As many lines as 100 MiB hold, with 64 MiB of memory to work in."""
    lines = chain([BEGUN, *({"kind": "input", "number": n, "text": "x" * 200000} for n in range(500))])
    path = write(lines)
    limit = ("prlimit", f"--data={64 << 20}", "--")
    with open(beamline_path, "rb") as program:
        if b"__asan_init" in program.read():
            limit = ()  # the sanitizer's own memory is beyond any limit
    done = journal("verify", path, prefix=limit)
    assert done.status == 0 and "501 lines" in done.stdout, done
    with open(os.devnull, "wb") as nowhere:
        assert journal("show", path, prefix=limit, stdout=nowhere).status == 0


def test_lost_output_is_an_error(journal, write):
    path = write(chain(ENTRIES * 20))
    with open("/dev/full", "wb") as full:
        for words in (("verify",), ("show",), ("verify", "--json")):
            assert journal(*words, path, stdout=full).status == 74
