# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that lies to the person at its shell: what it sends drives no terminal, ends no line, costs little, and keeps nobody."""

import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest

from rig import RigError, Terminal, Tmux, wait_for
from rig.liar import (COOKIE, LENT, LINK, MONITOR, REG_SEND, SPAWN_REQUEST, Liar, atom, binary, frame, integer, lst, pid, reference, tup)
from rig.watch import children, peak

HERE = os.path.dirname(os.path.abspath(__file__))
MEMORY_MAX = 64  # MiB resident, of each process of ours

# src/remote/remsh.h
OUTPUT, PROMPT, QUESTION, END, HELP, INTERRUPTED = 1, 2, 3, 5, 6, 7
TAKEN, LINES, ANSWER, ASK, INTERRUPT, STOP = "taken", "lines", "answer", "ask", "interrupt", "stop"
ORDERS = {(3, 0): TAKEN, (3, 1): LINES, (3, 2): ANSWER, (5, 4): ASK, (2, 5): INTERRUPT, (2, 2): STOP}

# What readline itself writes: moves, erasing, inserting, and that pastes are to be marked.
OF_READLINE = re.compile(rb"\x1b\[\d*[ABCDHJKP@]|\x1b\[\?2004[hl]|\x1b\[\?1034h|\x1b\(B|\x1b[>=]|\x1b\[\?1[hl]")
OF_COLOURS = re.compile(rb"\x1b\[[0-9;:]*m")


def judge():
    """tests/tools/vterm_judge, built when it is first asked for."""
    build = os.environ.get("BUILDDIR") or os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")
    made = subprocess.run(["make", "-s", "-C", build, "tests/tools/vterm_judge"], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise RigError(f"tests/tools/vterm_judge cannot be built (apt-get install libvterm-dev): {made.stderr}")
    return os.path.join(build, "tests/tools/vterm_judge")


def done_to_a_terminal(raw):
    """What libvterm would have let it do, besides text, colours and moves."""
    return sorted(set(subprocess.run([judge()], input=raw, capture_output=True, check=True).stdout.decode().split()))


def nothing_driven(raw, term, colours=False):
    """No control sequence is in it but readline's own (on a dumb terminal: none), and colours where the node's may pass."""
    assert done_to_a_terminal(raw) == []
    text = raw if term == "dumb" else OF_READLINE.sub(b"", raw)
    # Half of a colour, where the terminal took no more: what comes next ends it.
    text = re.sub(rb"\x1b(\[[0-9;:]*)?(?=\x1b\[0m)", b"", text)
    text = OF_COLOURS.sub(b"", text) if colours else re.sub(rb"\x1b\[(0|1;31)m", b"", text)  # the head of our own messages
    decoded = text.decode("utf-8").replace("\0", "" if term == "vt100" else "\0")  # a vt100 is given time by NULs
    bad = [c for c in decoded if (ord(c) < 0x20 and c not in "\r\n\b\t\a") or 0x7f <= ord(c) < 0xa0 or c in "\u202e\u2066\u2028\ufeff"]
    assert not bad, (bad[:5], text[-3000:])


def test_the_judge_sees_what_it_should():
    for raw, expected in ((b"\x1b]0;t\x07", ["icon", "title"]), (b"\x1b[?1049h", ["altscreen"]), (b"\x1b[6n", ["answer"]), (b"\x1b[?1000h", ["mouse"]),
                          (b"\x1b[?25l", ["cursor"]), (b"text \x1b[31mred\x1b[0m\r\n\x1b[2K", [])):
        assert done_to_a_terminal(raw) == expected, raw


class Node:
    """What a lying node's test does with the peer: says, and hears the orders of the shell."""

    def __init__(self, peer):
        self.peer = peer

    def prompt(self, text, kind=1, more=False):
        self.peer.say(PROMPT, integer(kind), atom("true" if more else "false"), binary(text))

    def output(self, data):
        self.peer.say(OUTPUT, binary(data))

    def help(self, number, insert=b"", names=(), count=None):
        self.peer.say(HELP, integer(number), binary(insert), lst(*map(binary, names)), integer(len(names) if count is None else count))

    def end(self, outcome=4):
        self.peer.say(END, integer(outcome), binary(b""), integer(0), integer(0))

    def order(self):
        """The next one: its name, and what stands behind its kind."""
        while True:
            body = self.peer.next_frame()
            at = body.rfind(self.peer.tag)
            if at < 2:
                continue
            rest = body[at + len(self.peer.tag):]
            name = ORDERS.get((body[at - 1], rest[1]))
            if name:
                return name, rest[2:]

    def polite(self, then=lambda name, rest: None):
        """Obeys Ctrl-C and the end; all else is for `then`."""
        while True:
            name, rest = self.order()
            then(name, rest)
            if name == INTERRUPT:
                self.peer.say(INTERRUPTED)
            elif name == STOP:
                self.end()
                return


class Victim(Terminal):
    """beamline shell on a terminal, whose modes and memory are watched."""

    def __init__(self, argv, env, **options):
        self.memory = 0
        self.keep = None  # of what is shown, so many bytes; a terminal that keeps all becomes slow
        fresh = os.openpty()
        self.modes = termios.tcgetattr(fresh[0])
        for descriptor in fresh:
            os.close(descriptor)
        super().__init__(argv, env, **options)
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        while self.child.poll() is None:
            self.memory = max([self.memory, peak(self.child.pid), *map(peak, children(self.child.pid))])
            time.sleep(0.01)

    def read(self, wait):
        more = super().read(wait)
        self.raw = self.raw[-self.keep:] if self.keep else self.raw
        return more

    def send(self, number):
        os.kill(self.child.pid, number)

    def settle(self, seconds=0.3):
        """Reads until it has been silent for so long."""
        while select.select([self.master], [], [], seconds)[0] and self.read(0):
            pass

    def left(self, limit=8):
        """Waits for its end, which must come within so many seconds; a Finished."""
        begun = time.monotonic()
        while self.child.poll() is None:
            assert time.monotonic() - begun < limit, f"it does not end:\n{self.screen[-3000:]}"
            if select.select([self.master], [], [], 0.02)[0]:
                self.read(0)
        assert termios.tcgetattr(self.master)[:4] == self.modes[:4], "the terminal's modes are not as they were"
        self.limit = 1e6
        return self.finish()


@pytest.fixture
def victim(rig, sshd, beamline_path, tmp_path):
    """victim(act, term): a shell on a lying node that does act(Node) once it is asked to spawn; bounds and leftovers are judged."""
    cookie = rig.write(f"cookie.{rig.count()}", COOKIE, 0o400)
    config = sshd.client_config(BatchMode="no")
    with open(beamline_path, "rb") as program:
        sanitized = b"__asan_init" in program.read()
    opened = []

    def start(act, term="xterm-256color", spawned=True, emulator=False, name="liar@host", **options):
        def live(peer):
            if spawned:
                peer.started(binary(b"25"), atom("erlang"))
            act(Node(peer))
        liar = Liar(live, name=name)
        argv = [beamline_path, "--ssh-config", config, "--dist-port", str(liar.port), "--cookie-file", cookie, "shell", "rig"]
        env = {**rig.base_env(), "XDG_STATE_HOME": str(tmp_path), "INPUTRC": "/dev/null", "TERM": term,
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        if emulator:
            terminal = Tmux(rig, argv, {key: value for key, value in env.items() if key != "TERM"})
        else:
            terminal = Victim(argv, env, **options)
        opened.append((terminal, liar))
        return terminal

    yield start
    for terminal, liar in opened:
        terminal.close()
        liar.close()
    for terminal, _ in opened:
        if isinstance(terminal, Victim):
            assert sanitized or terminal.memory < MEMORY_MAX, terminal.memory
            assert b"Sanitizer" not in terminal.raw, terminal.screen
            assert terminal.child.returncode not in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS), terminal.screen


def test_the_liar_can_be_honest(victim):
    def act(node):
        node.output(b"Eshell\n")
        node.prompt(b"1> ")
        node.polite(lambda name, rest: name == LINES and (node.output(b"2\n"), node.prompt(b"2> ")))
    terminal = victim(act)
    terminal.expect("rig 1> ")
    terminal.line("1 + 1.")
    terminal.expect("2\r\n")
    terminal.expect("rig 2> ")
    terminal.line("exit")
    done = terminal.left()
    assert done.status == 0, done
    nothing_driven(done.out, "xterm")


# What a terminal would obey

NASTY = (b"\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1b[6n\x1b[?1049h\x1b[2J\x1bP$qm\x1b\\\x1b[5i\x1bc\x9b2J\x90\x9d\xc2\x9b2J\xe2\x80\xae\xef\xbb\xbf"
         b"\x01\x02\x0e\x0f\x05\r\x08\x7f\x00\x1b[\x1b")


@pytest.mark.parametrize("term", ["dumb", "vt100", "xterm-256color"])
def test_nothing_of_the_nodes_drives_the_terminal(victim, term):
    def then(node, name, rest):
        if name == ASK:
            number = rest[1] if rest[:1] == b"a" else struct.unpack(">i", rest[1:5])[0]
            node.help(number, b"" if number % 2 else NASTY, [NASTY, b"a\nbeamline: \tb", b"x" * 300] * 50, 1 << 40)
        elif name == LINES:
            node.output(NASTY * 3)
            node.prompt(NASTY + b"\n" + NASTY + b"> ", kind=2)

    def act(node):
        node.output(NASTY + b"\n")
        node.prompt(NASTY[:20] + b"> ")
        node.polite(lambda name, rest: then(node, name, rest))
    terminal = victim(act, term)
    terminal.expect("rig .*> ")
    for _ in range(4):
        terminal.type("a\t")
        terminal.settle()
    terminal.type("\n")
    terminal.expect("reads. ")
    terminal.settle()
    terminal.type("\x03")
    terminal.settle()
    terminal.send(signal.SIGTERM)
    done = terminal.left()
    assert done.status == 143, done
    nothing_driven(done.out, term)


def test_prompts_that_imitate_ours(victim):
    """Behind the host's name, always; what would wrap stands above, as output does."""
    def act(node):
        node.prompt(b"beamline: password: ")
        node.order()
        node.prompt(b" " * 71 + b"beamline: Type the node's name to go on: ", kind=2)
        node.order()
        node.prompt(b"x\n" * 300 + b"rig 1> ", kind=2)
        node.order()
        node.prompt(b"y" * (1 << 19))
        node.polite()
    terminal = victim(act, "dumb")
    terminal.expect("\r?rig beamline: password: ")
    terminal.type("\n")
    terminal.expect("to go on: \r\n\r?rig reads. $")
    terminal.type("\n")
    terminal.expect("x\r\n\r?rig reads. rig 1> $")
    terminal.type("\n")
    terminal.expect("yyy\r\n\r?rig $")
    terminal.type("exit\n")
    assert terminal.left().status == 0


@pytest.mark.parametrize("colour", [b"\x1b[8m", b"\x1b[7m\x1b[31mred", b"\x1b[30;40m\x1b[", b"\x1b[1"])
def test_no_colour_stays_on(victim, colour):
    """Concealed, the guard's question would not be seen; nor what the operator's own shell says afterwards."""
    def act(node):
        node.output(colour)
        node.prompt(b"1> ")
        node.order()
        node.output(colour)
        node.peer.say(QUESTION, binary(b"init:stop/0"))
        node.order()
        node.prompt(b"2> ")
        time.sleep(0.3)
        node.output(colour)
        node.order()
        node.output(colour)
        node.end(7)
    terminal = victim(act)
    terminal.expect("rig 1> ")
    terminal.type("x\n")
    terminal.expect("name to go on: ")
    terminal.type("no\n")
    terminal.expect("rig 2> ")
    terminal.settle(0.5)
    terminal.type("y\n")
    terminal.expect("the shell on the node ended")
    for word in (b"rig 1> ", b"init:stop", b"rig 2> y", b"the shell on the node"):
        seen = OF_COLOURS.findall(terminal.raw[:terminal.raw.rindex(word)])
        assert not seen or seen[-1] == b"\x1b[0m", (word, seen)
    terminal.expect("not connected")
    terminal.type("\x04")
    terminal.left()


def test_the_screen_is_the_persons(victim):
    """As a terminal emulator shows it: no title, no other screen, nothing typed into the line."""
    def act(node):
        node.output(NASTY + b"\x1b]2;owned\x07\n")
        node.prompt(b"\x1b]2;owned\x07\x1b[6n1> ")
        node.polite(lambda name, rest: name == ASK and node.help(rest[1], b"\x1b[6nx\n"))
    terminal = victim(act, emulator=True)
    terminal.expect("^rig .*1> ")
    terminal.type("half")
    terminal.keys("Tab")
    time.sleep(0.5)
    state = terminal.tmux("display-message", "-p", "#{alternate_on} #{pane_title}")
    assert state.startswith("0 ") and "owned" not in state and "title" not in state, state
    assert re.search(r"1> half$", terminal.screen), terminal.screen
    terminal.keys("C-c", "C-d")
    assert terminal.status() == 0


# Completions

@pytest.mark.parametrize("insert", [b"\n", b"\rhalt().\r", b"halt().\n", b"x\x0d\x0ay", b"\x1b\x0d", b"\x16\x0a", b"\xff\n", b"\x04", b"\x03", b"\x1a",
                                    b"\xc2\x85x", b"\xe2\x80\xa8x", b"a" * 60000 + b"\n"], ids=range(13))
def test_a_completion_submits_nothing(victim, insert):
    seen = []

    def act(node):
        node.prompt(b"1> ")

        def then(name, rest):
            seen.append(name)
            if name == ASK:
                node.help(rest[1], insert)
        node.polite(then)
    terminal = victim(act)
    terminal.expect("rig 1> ")
    terminal.type("lists:s\t")
    terminal.settle(0.4)
    assert terminal.child.poll() is None
    assert seen == [ASK], seen
    terminal.type("\x15\x04")
    assert terminal.left().status == 0
    assert seen == [ASK, STOP], seen


MANY = {
    "names": lambda: lst(*[b"m\0\0\0\1a"] * 170_000),
    "integers": lambda: b"l" + struct.pack(">I", 500_000) + b"a\1" * 500_000 + b"j",
    "long ones": lambda: lst(*[binary(b"x\x1b" * 1000)] * 400),
    "nested": lambda: b"l\0\0\0\1" * 100_000 + b"j" * 100_001,
    "a million, compressed": lambda: lst(*[b"m\0\0\0\0"] * 1_000_000),
}


@pytest.mark.parametrize("what", MANY)
def test_names_without_end(victim, what):
    import zlib

    def act(node):
        node.prompt(b"1> ")

        def then(name, rest):
            if name == ASK:
                names = MANY[what]()
                if "compressed" in what:
                    whole = tup(node.peer.tag, integer(HELP), integer(rest[1]), binary(b""), names, integer(1 << 60))
                    control = tup(integer(2), atom(""), node.peer.us)
                    node.peer.raw(frame(b"p\x83" + control + b"\x83P" + struct.pack(">I", len(whole)) + zlib.compress(whole)))
                else:
                    node.peer.say(HELP, integer(rest[1]), binary(b""), names, integer(1 << 60))
        node.polite(then)
    terminal = victim(act)
    terminal.expect("rig 1> ")
    terminal.type("a\t")
    terminal.settle(1)
    assert len(terminal.raw) < 1 << 20
    if terminal.child.poll() is None:
        terminal.type("\x15\x04")
    assert terminal.left().status in (0, 76)


# Floods

def flooding(message):
    def act(node):
        node.prompt(b"1> ")
        node.peer.flood(message(node.peer))
    return act


FLOODS = {
    "prompts": lambda peer: peer.message(PROMPT, integer(1), atom("false"), binary(b"a\n1> ")),
    "prompts of code": lambda peer: peer.message(PROMPT, integer(2), atom("true"), binary(b"x" * 5000)),
    "no prompts": lambda peer: peer.message(PROMPT, integer(0), atom("false"), binary(b"")),
    "help": lambda peer: peer.message(HELP, integer(0), binary(b"x"), lst(*[binary(b"x")] * 400), integer(400)),
    "ticks": lambda peer: b"\0\0\0\0",
    "strangers": lambda peer: frame(b"p\x83" + tup(integer(2), atom(""), peer.us) + b"\x83" + atom("hello")),
    "obedience": lambda peer: peer.message(INTERRUPTED),
    "a frame of 4 GiB": lambda peer: b"\xff\xff\xff\xff" + b"x" * 60000,
}


@pytest.mark.parametrize("what, way", [(what, way) for what in FLOODS for way in ("Ctrl-D", "SIGTERM", "Ctrl-C")
                                       if (what, way) not in (("no prompts", "Ctrl-D"), ("prompts", "Ctrl-C"))])
def test_one_can_leave_a_flood(victim, what, way):
    terminal = victim(flooding(FLOODS[what]))
    begun = time.monotonic()
    while time.monotonic() - begun < 1.5:
        terminal.read(0.05)
    if way == "SIGTERM":
        terminal.send(signal.SIGTERM)
    elif way == "Ctrl-C":
        for _ in range(3):
            terminal.type("\x03")
            end = time.monotonic() + 0.7
            while time.monotonic() < end:
                terminal.read(0.05)
        if terminal.child.poll() is None:
            terminal.type("\x04")
    else:
        terminal.type("\x04")
    done = terminal.left(9)
    assert done.status in {"SIGTERM": (143,), "Ctrl-D": (75,), "Ctrl-C": (75, 130)}[way], done
    nothing_driven(done.out, "xterm")


@pytest.mark.parametrize("way", ["Ctrl-D", "SIGTERM", "Ctrl-C"])
def test_output_without_end_at_the_prompt(victim, way):
    """As an honest node sends it, under the window: the line comes back now and then, and may be left."""
    def act(node):
        node.prompt(b"1> ")
        room, block = 1 << 20, (b"\x1b[31m" + b"x" * 70 + b"\n") * 500
        while True:
            while room >= len(block):
                node.output(block)
                room -= len(block)
            name, rest = node.order()
            if name == TAKEN:
                room += struct.unpack(">i", rest[1:5])[0] if rest[:1] == b"b" else rest[1]
            elif name == INTERRUPT:
                node.peer.say(INTERRUPTED)
            elif name == STOP:
                node.end()
                return
    terminal = victim(act)
    terminal.keep = 10000
    end = time.monotonic() + 2
    while time.monotonic() < end:
        terminal.read(0.05)
    if way == "Ctrl-C":
        terminal.type("half\x03")
        terminal.read(0.05)
    if way == "SIGTERM":
        terminal.send(signal.SIGTERM)
    else:
        terminal.type("\x04")
    assert terminal.left(5).status == (143 if way == "SIGTERM" else 0)


def test_output_beyond_the_window(victim):
    def act(node):
        node.peer.flood(node.peer.message(OUTPUT, binary(b"x" * 70 + b"\n") ))
    terminal = victim(act)
    time.sleep(3)  # nobody reads the terminal
    assert terminal.left(15).status == 76


def test_questions_that_nobody_asked_for(victim):
    def act(node):
        node.prompt(b"1> ")
        node.order()
        node.peer.flood(node.peer.message(QUESTION, binary(b"init:stop/0")))
    terminal = victim(act)
    terminal.expect("rig 1> ")
    terminal.type("x.\n")
    terminal.expect("name to go on: ")
    terminal.type("\x03")
    done = terminal.left(5)
    assert done.status == 76 and done.stdout.count("name to go on") == 1 and "was not sent" in done.stdout, done


def test_a_question_while_a_line_is_edited(victim):
    """It is answered with Enter, as any; then comes a line's prompt again."""
    def act(node):
        node.prompt(b"1> ")
        node.order()
        node.prompt(b"2> ")
        time.sleep(0.5)
        node.peer.say(QUESTION, binary(b"a\nb\x1b[2J\xc2\x9b2J\xe2\x80\xae\xff" + b"x" * 500))
        node.polite()
    terminal = victim(act)
    terminal.expect("rig 1> ")
    terminal.type("x.\n")
    terminal.expect("rig 2> ")
    terminal.type("half")
    terminal.expect("name to go on: ")
    terminal.resize(30, 90)
    time.sleep(0.2)
    terminal.type("li\x7f\x7fno\r")
    terminal.expect("not done")
    terminal.expect("rig 2> ")
    terminal.type("\x04")
    done = terminal.left()
    assert done.status == 0, done
    nothing_driven(done.out, "xterm")


def test_a_question_at_the_end(victim):
    def act(node):
        node.prompt(b"1> ")

        def then(name, _):
            if name == STOP:
                node.peer.say(QUESTION, binary(b"init:stop/0"))
        node.polite(then)
    terminal = victim(act)
    terminal.expect("rig 1> ")
    terminal.type("x.\n")
    terminal.settle()
    terminal.send(signal.SIGHUP)
    done = terminal.left(3)
    assert done.status == 129 and "to go on" not in done.stdout, done


# The end

@pytest.mark.parametrize("twice", [False, True])
def test_a_node_that_never_answers(victim, twice):
    terminal = victim(lambda node: node.peer.linger(), spawned=False)
    time.sleep(1)
    terminal.type("\x03")
    if twice:
        terminal.settle()
        terminal.type("\x03")
    done = terminal.left(2 if twice else 8)
    assert done.status == (130 if twice else 75), done


def test_a_node_that_does_not_obey(victim):
    def act(node):
        node.prompt(b"1> ")
        node.peer.linger()
    terminal = victim(act)
    terminal.expect("rig 1> ")
    terminal.type("x.\n")
    terminal.settle()
    terminal.type("\x03")
    time.sleep(0.8)
    terminal.type("\x03")
    time.sleep(0.3)
    terminal.type("\x03")
    assert terminal.left(3).status == 130


@pytest.mark.parametrize("when", ["at once", "at the prompt", "while asked", "while it runs", "closing"])
def test_the_nodes_end_at_any_moment(victim, when):
    def act(node):
        if when == "at once":
            node.peer.raw(node.peer.message(END, integer(7), binary(b"\x1b[2J" * 90), integer(0), integer(1 << 70)) * 2
                          + node.peer.message(OUTPUT, binary(b"late")))
            node.peer.linger()
        node.prompt(b"1> ")
        if when == "at the prompt":
            time.sleep(0.5)
        else:
            node.order()
        if when == "while asked":
            node.peer.say(QUESTION, binary(b"init:stop/0"))
            time.sleep(0.3)
        node.peer.close() if when == "closing" else node.end(7)
    terminal = victim(act)
    if when != "at once":
        terminal.expect("rig 1> ")
        terminal.type("typed\n" if when != "at the prompt" else "typed")
    if when == "while asked":
        terminal.expect("to go on: ")
        time.sleep(0.5)
        terminal.type("no\n")
    terminal.expect("not connected")
    terminal.resize(30, 100)
    terminal.settle()
    terminal.type("\x04")
    done = terminal.left(3)
    nothing_driven(done.out, "xterm")


DEEP = {"lists": b"l\0\0\0\1" * 150_000 + b"j" * 150_001, "tuples": b"h\1" * 200_000 + b"j", "a huge integer": b"o" + struct.pack(">I", 500_000) + b"\0" + b"\xff" * 500_000,
        "atoms": b"l" + struct.pack(">I", 100_000) + b"".join(b"w\6%06d" % n for n in range(100_000)) + b"j"}


@pytest.mark.parametrize("kind", [OUTPUT, PROMPT, QUESTION, HELP, END])
@pytest.mark.parametrize("what", DEEP)
def test_huge_terms(victim, what, kind):
    parts = {OUTPUT: lambda t: (t,), PROMPT: lambda t: (integer(1), atom("false"), t), QUESTION: lambda t: (t,),
             HELP: lambda t: (integer(1), t, t, t), END: lambda t: (integer(7), t, t, t)}[kind](DEEP[what])

    def act(node):
        node.prompt(b"1> ")
        node.peer.say(kind, *parts)
        node.polite()
    terminal = victim(act)
    terminal.expect("rig 1> ")
    terminal.settle(0.5)
    if terminal.child.poll() is None:
        terminal.type("\x04")
    assert terminal.left().status in (0, 1, 76)


def test_requests_to_us(victim):
    """Nothing of what a node can ask a process for is done here, and the shell goes on."""
    def act(node):
        peer = node.peer
        ref = reference("liar@host", 5)
        node.prompt(b"1> ")
        for _ in range(50):
            peer.send(tup(integer(2), atom(""), peer.us), tup(atom("io_request"), peer.me, ref, tup(atom("get_line"), atom("unicode"), binary(b"x"))))
            peer.send(tup(integer(2), atom(""), peer.us), tup(atom("$gen_call"), tup(peer.me, ref), atom("stop")))
            peer.send(tup(integer(2), atom(""), peer.us), tup(atom("system"), tup(peer.me, ref), atom("get_state")))
            peer.send(tup(integer(REG_SEND), peer.me, atom(""), atom("rex")), tup(peer.me, tup(atom("call"), atom("os"), atom("cmd"), lst(), atom("user"))))
            peer.send(tup(integer(LINK), peer.me, peer.us))
            peer.send(tup(integer(MONITOR), peer.me, atom("user"), ref))
            peer.send(tup(integer(MONITOR), peer.me, pid(LENT, 1), reference("liar@host", 6)))
            peer.send(tup(integer(SPAWN_REQUEST), ref, peer.me, peer.me, tup(atom("os"), atom("cmd"), integer(1)), lst(atom("monitor"))), lst(binary(b"id")))
            peer.send(tup(integer(7), peer.me, peer.us))  # our group leader
        node.output(b"still here\n")
        node.prompt(b"2> ")
        node.polite()
    terminal = victim(act)
    terminal.expect("still here")
    terminal.expect("rig 2> ")
    terminal.type("exit\n")
    done = terminal.left()
    assert done.status == 0 and "uid=" not in done.stdout, done


# Signals and stops in each state

def in_state(victim, state):
    def act(node):
        if state == "starting":
            node.peer.linger()
        node.prompt(b"1> ")
        if state == "offline":
            time.sleep(0.3)
            node.end(7)
            return
        name, _ = node.order()
        if state == "asked" and name == LINES:
            node.peer.say(QUESTION, binary(b"init:stop/0"))
        if state == "flooded":
            for _ in range(200):
                node.output(b"\x1b[31mx" * 700)
        while name != STOP:
            name, _ = node.order()
        node.end()
    terminal = victim(act, spawned=state != "starting")
    if state != "starting":
        terminal.expect("rig 1> ")
    if state == "editing":
        terminal.type("half\x12search")
    if state in ("asked", "running", "flooded"):
        terminal.type("x.\n")
    if state in ("asked", "offline"):
        terminal.expect({"asked": "to go on: ", "offline": "not connected"}[state])
    if state != "flooded":
        terminal.settle()
    time.sleep(0.5)
    return terminal


STATES = ["starting", "prompt", "editing", "running", "asked", "offline", "flooded"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("state", STATES)
def test_each_signal_in_each_state(victim, state, number):
    terminal = in_state(victim, state)
    terminal.send(number)
    done = terminal.left(7)
    assert done.status == 128 + number, done
    nothing_driven(done.out, "xterm", colours=True)


def test_killed_while_it_asks(victim):
    """The child that ticks meanwhile ends too. (The fixture that looks for leftovers judges.)"""
    terminal = in_state(victim, "asked")
    terminal.send(signal.SIGKILL)
    wait_for("its end", 5, lambda: terminal.child.poll() is not None)


@pytest.mark.parametrize("state", STATES)
def test_stopped_and_continued_in_each_state(victim, state):
    def is_stopped():
        terminal.read(0)
        with open(f"/proc/{terminal.pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "T"
    terminal = in_state(victim, state)
    terminal.send(signal.SIGTSTP)
    wait_for("stopped", 5, is_stopped)
    assert termios.tcgetattr(terminal.master)[:4] == terminal.modes[:4]
    terminal.send(signal.SIGCONT)
    time.sleep(0.3)
    terminal.settle()
    if state in ("prompt", "editing", "offline"):
        terminal.type("\x15\x04")
    else:
        terminal.send(signal.SIGTERM)
    done = terminal.left(7)
    nothing_driven(done.out, "xterm", colours=True)


def test_the_terminals_size_changes_while_we_connect(victim):
    terminal = victim(lambda node: (node.prompt(b"1> "), node.polite()))
    for rows in range(20, 40):
        terminal.resize(rows, 100)
        terminal.send(signal.SIGWINCH)
        time.sleep(0.01)
    terminal.expect("rig 1> ")
    terminal.type("\x04")
    assert terminal.left().status == 0
