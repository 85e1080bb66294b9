#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The house's rules about the source tree, as tests (TAP). Each rule is first shown to fail on a small bad example.

Rules: floors include downwards only, SPDX lines, no banned functions, no exit below cmd/, no file of src over 400 lines, layout as
.clang-format says (where that version of clang-format is installed), no registry's host and no path of somebody's machine.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

# Floors from the ground up. Rooms of one floor do not know each other.
FLOORS = [["platform"], ["base"], ["etf"], ["config"], ["journal"], ["dist", "ssh"], ["remote"], ["node"],
          ["shell", "beam", "runbook", "audit"], ["cmd"], ["main"]]
RANK = {room: rank for rank, floor in enumerate(FLOORS) for room in floor}

BANNED = {
    "strcpy", "strcat", "sprintf", "vsprintf", "gets", "atoi", "atol", "atoll", "atof", "alloca", "strtok",
    "system", "popen", "tmpnam", "tempnam", "mktemp", "scanf", "fscanf", "sscanf", "vscanf", "vsscanf", "vfscanf",
}
# Files that may end their process at once: they hold a child process's last line (or, alloc.c, have no way back).
ENDS = {"src/base/alloc.c", "src/ssh/broker.c", "src/ssh/master.c"}
EXITS = {"exit", "_exit", "_Exit", "quick_exit", "abort"}
LINES = 400
FORMAT_VERSION = "14"

# Written in pieces, so that this file does not break its own rule.
PRIVATE = [re.compile(pattern) for pattern in (
    r"deb\." r"debian\.org", r"ftp\.\w*\.?" r"debian\.org", r"security\." r"debian\.org", r"registry\." r"npmjs", r"pypi\." r"org",
    r"proxy\." r"golang", r"crates\." r"io", r"hex\." r"pm", r"(?<![\w.$}])/" r"work/", r"(?<![\w.$}])/" r"root/(?!\.)", r"/tmp/" r"b-\w")]

# What carries no comment: the licence's own text, and data of tests.
NO_SPDX = re.compile(r"^(COPYING|tests/.*\.(bin|json|term|txt|pem|dict)|tests/fuzz/(corpus|seeds)/.*)$")
GENERATED = {"configure", "configure~", "aclocal.m4", "Makefile", "Makefile.in", "config.h", "config.h.in", "config.h.in~", "config.log",
             "config.status", "stamp-h1", "libtool", "beamline", "beamline.1", "beamline.conf.5", "test-suite.log", "compile_commands.json"}
TOP_FOLDERS = ["src", "tools", "etc", "tests", "docs", "m4", ".ci"]
LEFT_OUT = re.compile(r"(\.(o|a|log|trs|gcda|gcno|pyc|swp|so|orig|rej)|~|_test)$")


def files(tree):
    """The source files of a tree, as paths relative to it; not what a build inside it has made."""
    found = [name for name in sorted(os.listdir(tree)) if os.path.isfile(os.path.join(tree, name)) and name not in GENERATED]
    found = [name for name in found if not LEFT_OUT.search(name) and (not name.startswith(".") or name in (".gitignore", ".clang-format"))]
    for top in TOP_FOLDERS:
        for folder, folders, names in os.walk(os.path.join(tree, top)):
            folders[:] = sorted(name for name in folders if name not in ("__pycache__", ".deps", ".pytest_cache", "cache"))
            for name in sorted(names):
                if not LEFT_OUT.search(name) and name != ".dirstamp":
                    found.append(os.path.relpath(os.path.join(folder, name), tree))
    return found


def read(tree, path):
    with open(os.path.join(tree, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def sources(tree, *folders):
    return [path for path in files(tree) if path.endswith((".c", ".h")) and path.startswith(folders)]


def code(text):
    """C without comments and the insides of literals; line numbers stay."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

    def blank(match):
        return '""' if match.group()[0] in "\"'" else " " + "\n" * match.group().count("\n")

    return pattern.sub(blank, text)


def numbered(text, pattern):
    """(line number, match) of each match of a pattern."""
    for match in re.finditer(pattern, text, re.MULTILINE):
        yield text.count("\n", 0, match.start()) + 1, match


def room_of(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else "main"


def check_floors(tree):
    for path in sources(tree, "src/"):
        room = room_of(path)
        if room not in RANK:
            yield f"{path}: {room} is no floor of the house"
            continue
        for line, match in numbered(read(tree, path), r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"'):
            other = match.group(1)
            if other == "config.h":
                continue
            floor = other.split("/")[0] if "/" in other else None
            if floor not in RANK:
                yield f"{path}:{line}: \"{other}\" is not written as \"floor/module.h\""
            elif floor != room and RANK[floor] >= RANK[room]:
                yield f"{path}:{line}: {room} includes {other}, which stands {'beside' if RANK[floor] == RANK[room] else 'above'} it"


def check_spdx(tree):
    for path in files(tree):
        if not NO_SPDX.match(path):
            head = "\n".join(read(tree, path).split("\n")[:2])
            if "SPDX-License-Identifier: GPL-3.0-or-later" not in head:
                yield f"{path}: no SPDX line at its beginning"


def check_banned(tree):
    names = "|".join(sorted(BANNED))
    for path in sources(tree, "src/", "tests/"):
        for line, match in numbered(code(read(tree, path)), rf"(?<![\w.>])({names})\s*\("):
            yield f"{path}:{line}: {match.group(1)}() is banned"


def check_exits(tree):
    """exit() is cmd's and main's. _exit is allowed in files that fork, and in those of ENDS."""
    names = "|".join(sorted(EXITS))
    for path in sources(tree, "src/"):
        if room_of(path) in ("cmd", "main"):
            continue
        text = code(read(tree, path))
        forks = re.search(r"\bfork\s*\(", text) or path in ENDS
        for line, match in numbered(text, rf"(?<![\w.>])({names})\s*\("):
            if not (match.group(1) == "_exit" and forks):
                yield f"{path}:{line}: {match.group(1)}() below cmd/"


def check_length(tree):
    for path in sources(tree, "src/"):
        text = read(tree, path)
        count = text.count("\n")
        if count > LINES and "Do not edit." not in text[:200]:
            yield f"{path}: {count} lines, more than {LINES}"


def check_private(tree):
    for path in files(tree):
        text = read(tree, path)
        for pattern in PRIVATE:
            for line, match in numbered(text, pattern.pattern):
                yield f"{path}:{line}: {match.group()} names a registry's host or a path of one machine"


def check_format(tree):
    paths = sources(tree, "src/", "tests/")
    if not paths:
        return
    done = subprocess.run(["clang-format", "--dry-run", "--style=file", *paths], cwd=tree, capture_output=True, text=True, check=False)
    seen = set()
    for match in re.finditer(r"^(\S+?):(\d+):\d+: ", done.stderr, re.MULTILINE):
        if match.group(1) not in seen:
            seen.add(match.group(1))
            yield f"{match.group(1)}:{match.group(2)}: not as .clang-format says (clang-format -i)"


def format_version():
    """The major version of the installed clang-format, or None."""
    if shutil.which("clang-format") is None:
        return None
    text = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"version (\d+)", text)
    return match.group(1) if match else None


SPDX = "/* SPDX-License-Identifier: GPL-3.0-or-later */\n"
CHECKS = [
    ("floors include downwards only", check_floors,
     {"src/dist/a.c": SPDX + '#include "ssh/tunnel.h"\n', "src/base/b.c": SPDX + '#include "cmd/c.h"\n', "src/etf/c.c": SPDX + '#include "term.h"\n',
      "src/attic/d.c": SPDX},
     {"src/node/a.c": SPDX + '#include "config.h"\n#include "dist/a.h"\n#include "ssh/b.h"\n#include "node/c.h"\n', "src/main.c": SPDX + '#include "cmd/a.h"\n'}),
    ("every file has its SPDX line", check_spdx, {"src/a.c": "int a;\n"}, {"src/a.c": SPDX, "COPYING": "GNU\n"}),
    ("no banned functions", check_banned, {"src/a.c": SPDX + "void f(char *a) { strcpy (a, a); }\n", "src/b.c": SPDX + "int i = atoi(s);\n"},
     {"src/a.c": SPDX + '/* not strcpy(a, b) */\nint my_atoi(int x); const char *s = "gets(";\n'}),
    ("no exit below cmd/", check_exits, {"src/etf/a.c": SPDX + "exit(1);\n", "src/ssh/b.c": SPDX + "_exit(1);\n", "src/base/alloc.c": SPDX + "abort();\n"},
     {"src/cmd/a.c": SPDX + "exit(1);\n", "src/ssh/b.c": SPDX + "if (fork() == 0) _exit(1);\n", "src/base/alloc.c": SPDX + "_exit(71);\n"}),
    ("no file of src over 400 lines", check_length, {"src/a.c": SPDX + "\n" * 400}, {"src/a.c": SPDX + "\n" * 399}),
    ("no registry's host and no machine's path", check_private,
     {"README.md": "from deb." + "debian.org\n", "src/a.c": "/" + "work/main\n", "docs/b.md": "see /tmp/" + "b-me\n"},
     {"README.md": "debian packages in network/" + "work/x\n"}),
]
FORMAT = ("layout as .clang-format says", check_format, {"src/a.c": SPDX + "int  f( void ){return 0;}\n"},
          {"src/a.c": SPDX + "int f(void)\n{\n\treturn 0;\n}\n"})


def example(tree, contents):
    """Writes a small tree, with the house's own .clang-format."""
    own = os.path.join(source_tree(), ".clang-format")
    if os.path.exists(own):
        shutil.copy(own, tree)
    for path, text in contents.items():
        full = os.path.join(tree, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


def problems_of(check, contents):
    with tempfile.TemporaryDirectory(prefix="house-") as tree:
        example(tree, contents)
        return list(check(tree))


def source_tree():
    return os.environ.get("SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    checks, number, failed = list(CHECKS), 0, 0
    version = format_version()
    if version == FORMAT_VERSION:
        checks.append(FORMAT)

    def tell(good, name, details=()):
        nonlocal number, failed
        number += 1
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
        for detail in details:
            print(f"# {detail}")

    for name, check, bad, good in checks:
        found = problems_of(check, bad)
        missed = [path for path in bad if not any(problem.startswith(path) for problem in found)]
        tell(not missed, f"{name}: fails on a bad example", [f"missed: {path}" for path in missed])
        found = problems_of(check, good)
        tell(not found, f"{name}: passes a good example", found)
        found = list(check(source_tree()))
        tell(not found, name, found)
    if version != FORMAT_VERSION:
        print(f"ok {number + 1} - {FORMAT[0]} # SKIP needs clang-format {FORMAT_VERSION}, found {version or 'none'}")
        number += 1
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
