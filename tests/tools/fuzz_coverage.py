#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many lines of the decoders the fuzz targets' inputs reach: `make fuzz-coverage`.

    fuzz_coverage.py [--missed] [--markdown]

Builds the targets in BUILDDIR/fuzz-coverage with clang's counters, feeds each its seeds (and what `make fuzz` has gathered in
BUILDDIR/tests/fuzz/corpus, if it has run), and prints the lines reached of each decoder. --missed tells the lines that were not;
--markdown prints the table as it stands in docs/fuzzing.md. Status 1 if fewer than 95 of 100 are reached, over all.
"""
import argparse
import os
import pathlib
import subprocess
import sys

WANTED = 95.0

# What decodes foreign bytes, by who sends them: a whole file, or FILE:FUNCTION,FUNCTION … where the rest of it does other things.
DECODERS = {
    "EPMD, the host's processes": [
        "dist/epmd.c",
        "node/locate.c:read_more,cut,locate_names,locate_port", "node/host_beams_parse.c",
    ],
    "a node": [
        "dist/handshake.c", "dist/handshake_accept.c", "dist/handshake_packet.c", "dist/frame.c", "dist/control.c",
        "dist/tls.c", "dist/tls_error.c",
        "node/link.c:link_is_ref,link_is_us,for_caller,on_frame,on_bytes,link_serve",
        "node/link_refuse.c",
        "node/session.c:on_data,on_question,check_received,on_finished,on_controller,on_started,on_message,on_spawn_reply,"
        "on_down,on_link_message",
        "node/remsh.c:on_watcher,on_output,on_prompt,on_question,on_help,on_end,on_message,on_spawn_reply,on_down,on_link_message",
        "shell/complete.c", "shell/prompt.c",
        "node/program.c:program_text,program_line,program_reason,program_keep_pid", "node/session_message.c:syntax_error,exception,session_outcome",
        "node/release.c",
        "node/call.c:find,finish,on_reply,refuse_io,on_link_message,expire",
    ],
    "terms": [
        "base/buf.c:reader_of,reader_left,read_u8,read_u16,read_u32,read_u64,read_bytes", "base/arena.c",
        "etf/decode.c", "etf/decode_leaf.c", "etf/encode.c", "etf/number.c", "etf/integer_text.c", "etf/utf8.c", "etf/term.c", "etf/compare.c", "etf/json.c",
        "etf/print_erlang.c", "etf/print_erlang_text.c", "etf/print_text.c", "etf/print_elixir.c", "etf/print_elixir_atom.c",
        "etf/print_elixir_form.c", "etf/print_elixir_items.c", "etf/print_elixir_struct.c", "etf/print_elixir_text.c",
    ],
    "sshd and the host": [
        "ssh/known_hosts.c",
        "ssh/known_hosts_files.c:note,known_hosts_look_up",
        "ssh/host_key.c:host_key_look_up",
        "ssh/channel_open.c",
        "ssh/splice.c",
        "ssh/splice_move.c",
        "ssh/auth_request.c:auth_foreign_text",
        "ssh/master.c:last_words,master_explain",
        "node/cookie.c:is_blank,cookie_take",
        "node/cookie_remote.c:read_to_end,cookie_from_remote",
        "base/terminal.c:put_visible,utf8_length,terminal_shows,utf8_piece,sgr_piece,is_reset,filter_piece,plain_run,filter_all,"
        "terminal_filter,terminal_filter_end",
    ],
    "multiplexing": [
        "ssh/mux.c", "ssh/mux_text.c", "ssh/broker_client.c", "ssh/broker_greet.c", "ssh/stream.c",
        "ssh/tunnel_ask.c:take_hello,take_outcome,next_packet,hear,tunnel_wait,tunnel_ask_status,tunnel_end",
    ],
    "this machine": [
        "ssh/agent.c:read_all,read_message,take_keys,agent_open,agent_close",
        "ssh/key_file.c:find_text,decode_armour,key_file_public_part",
        "ssh/ssh_config.c",
        "etf/scan.c", "etf/scan_bits.c", "etf/scan_token.c",
        "node/target.c",
        "config/names.c:is_blank,next_word,is_keyword,add,parse_line,names_parse_ssh_config",
        "config/pattern.c", "config/settings.c", "config/settings_read.c", "config/settings_scan.c", "config/settings_value.c",
        "config/targets.c", "config/targets_fold.c",
        "journal/entry.c", "journal/text.c:form_of,put_string,put_binary,journal_put_text",
        "journal/walk.c:begin_line,names,begins_as_expected,note_break,judge,end_line,add_to_line,journal_walk_feed,journal_walk_end",
        "cmd/journal_show.c:put_safe,put_member,find,forget,cut_at,remember,put_begun,put_what,put_entry,journal_shown_put",
    ],
}

source = pathlib.Path(os.environ.get("SRCDIR") or pathlib.Path(__file__).resolve().parents[2])
build = pathlib.Path(os.environ.get("BUILDDIR") or ".").resolve()
folder = build / "fuzz-coverage"


def run(*command, **options):
    try:
        return subprocess.run(command, check=True, **options)
    except FileNotFoundError:
        sys.exit(f"fuzz_coverage.py: {command[0]} is missing: apt-get install clang llvm")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"fuzz_coverage.py: status {failed.returncode} of {' '.join(map(str, command))[:200]}")


def build_targets():
    folder.mkdir(exist_ok=True)
    if not (folder / "config.status").exists():
        run(source / "configure", "-q", "CC=clang", "CFLAGS=-g -O1 -fprofile-instr-generate -fcoverage-mapping", cwd=folder)
    names = subprocess.run(["make", "-s", "fuzz-names"], cwd=folder, check=True, text=True, stdout=subprocess.PIPE).stdout.split()
    names = [name for name in names if name.startswith("tests/fuzz/")]  # make may have told of what it did first
    jobs = os.environ.get("JOBS") or str(os.cpu_count())
    run("make", "-s", f"-j{jobs}", *names, cwd=folder, stdout=subprocess.DEVNULL)
    return [folder / name for name in names]


def replay(target):
    """Returns the file of its counters."""
    name = target.name.removeprefix("fuzz_")
    inputs = [source / "tests/fuzz/seeds" / name]
    corpus = build / "tests/fuzz/corpus" / name
    if corpus.is_dir() and any(corpus.iterdir()):
        inputs.append(corpus)
    counters = folder / f"{name}.profraw"
    run(target, *inputs, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=dict(os.environ, SRCDIR=str(source), LLVM_PROFILE_FILE=str(counters)))
    return counters


def tool(name):
    """llvm-cov and its like carry a version in their names where only one version is installed."""
    version = subprocess.run(["clang", "--version"], text=True, stdout=subprocess.PIPE).stdout.split("version ")[-1].split(".")[0]
    for path in os.environ["PATH"].split(":"):
        for candidate in (f"{name}-{version}", name):
            if os.access(f"{path}/{candidate}", os.X_OK):
                return f"{path}/{candidate}"
    sys.exit(f"fuzz_coverage.py: {name} is missing: apt-get install llvm")


def counts(targets, profiles):
    """For each file: how often each of its lines was run, and where its functions begin."""
    merged = folder / "all.profdata"
    run(tool("llvm-profdata"), "merge", "-o", merged, *profiles)
    objects = [word for target in targets[1:] for word in ("-object", target)]
    text = run(tool("llvm-cov"), "export", "-format=lcov", f"-instr-profile={merged}", targets[0], *objects, text=True,
               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    files, lines, functions = {}, {}, {}
    for entry in text.splitlines():
        kind, _, rest = entry.partition(":")
        if kind == "SF":
            lines, functions = files.setdefault(str(pathlib.Path(rest).resolve()), ({}, {}))
        elif kind == "FN":
            line, _, name = rest.partition(",")
            functions[name.split(":")[-1]] = int(line)
        elif kind == "DA":
            line, count = map(int, rest.split(",")[:2])
            lines[line] = max(count, lines.get(line, 0))
    return files


def decoder_lines(files, decoder):
    """The lines that count, each with how often it was run."""
    path, _, names = decoder.partition(":")
    found = files.get(str((source / "src" / path).resolve()))
    if not found:
        sys.exit(f"fuzz_coverage.py: {path} is in no target")
    lines, functions = found
    if not names:
        return lines
    wanted = set(names.split(","))
    unknown = wanted - functions.keys()
    if unknown:
        sys.exit(f"fuzz_coverage.py: {path} has no function {', '.join(sorted(unknown))}")
    begins = sorted((line, name) for name, line in functions.items())
    chosen = {}
    for (begin, name), end in zip(begins, [line for line, _ in begins[1:]] + [1 << 30]):
        if name in wanted:
            chosen.update((line, count) for line, count in lines.items() if begin <= line < end)
    return chosen


def ranges(numbers):
    """1, 2, 3, 7 as "1-3 7"."""
    parts = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(f"{a}-{b}" if a < b else str(a) for a, b in parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--missed", action="store_true", help="the lines that no input reaches, too")
    parser.add_argument("--markdown", action="store_true", help="the table as in docs/fuzzing.md")
    arguments = parser.parse_args()
    targets = build_targets()
    files = counts(targets, [replay(target) for target in targets])
    total = reached = 0
    print("| from | decoder | lines | reached | % |\n|---|---|---:|---:|---:|" if arguments.markdown else f"{'lines':>6} {'reached':>8}      %")
    for sender, decoders in DECODERS.items():
        for decoder in decoders:
            lines = decoder_lines(files, decoder)
            missed = [line for line, count in lines.items() if count == 0]
            total += len(lines)
            reached += len(lines) - len(missed)
            path, _, names = decoder.partition(":")
            label = path + (" (in part)" if names else "")
            percent = 100.0 * (len(lines) - len(missed)) / len(lines)
            if arguments.markdown:
                print(f"| {sender} | `{path}`{' in part' if names else ''} | {len(lines)} | {len(lines) - len(missed)} | {percent:.1f} |")
            else:
                print(f"{len(lines):6} {len(lines) - len(missed):8} {percent:6.1f}  {label}")
            if arguments.missed and missed:
                print(f"                         not reached: {ranges(missed)}")
    percent = 100.0 * reached / total
    print(f"| | all | {total} | {reached} | {percent:.1f} |" if arguments.markdown else f"{total:6} {reached:8} {percent:6.1f}  all")
    if percent < WANTED:
        sys.exit(f"fuzz_coverage.py: {percent:.1f} % of the decoders' lines are reached, {WANTED:.0f} % are wanted")


if __name__ == "__main__":
    main()
