# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS distribution, on real nodes with -proto_dist inet_tls: it works, and each way in which it fails is told apart."""

import json
import os
import signal
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from rig.liar import Liar
from rig.tls import Authority, Issued, host_part, named, node_arguments
from rig.watch import Run


class Certificates:
    """All that the tests need, made once."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        self.stranger = Authority(folder, "stranger")
        self.node = self.authority.issue("node", [host_part(), "127.0.0.1"])
        self.operator = self.authority.issue("operator")
        self.locked = self.authority.issue("locked", password="open sesame")
        self.foreign = self.stranger.issue("foreign", [host_part()])

    def options(self, **changed):
        """beamline's options: ca, cert, key as they should be; None leaves one out."""
        given = {"ca": self.authority.file, "cert": self.operator.cert, "key": self.operator.key, **changed}
        return [word for name, value in given.items() if value is not None for word in ("--tls-" + name.replace("_", "-"), value)]


@pytest.fixture(scope="module")
def certificates(rig):
    return Certificates(os.path.join(rig.folder, "test_tls"))


@pytest.fixture(scope="module")
def tls_nodes(rig, sshd, epmd, certificates):
    """One node for each version of TLS, made when first asked for: tls_nodes("1.2")."""
    from rig import Node
    made = {}

    def get(version):
        if version not in made:
            arguments = node_arguments(certificates.node, certificates.authority, more=f"{{versions,['tlsv{version}']}}")
            made[version] = Node(rig, f"tls{version[-1]}", epmd=epmd, home=sshd.home, tls=arguments)
        return made[version]

    yield get
    for node in made.values():
        node.stop()


@pytest.fixture(autouse=True)
def plain_beamline(monkeypatch):
    """These tests name their own options, also where all nodes speak TLS."""
    monkeypatch.delenv("RIG_TLS", raising=False)


VERSIONS = ["1.2", "1.3"]


def failed(done, code, status):
    """One error of ours, with its code, status and a cure where there is one to give."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("beamline: ") and line.endswith("]")]
    assert len(lines) == 1 and lines[0].endswith(f"[{code}]") and done.status == status and done.stdout == "", done


@pytest.mark.parametrize("version", VERSIONS)
def test_both_sides_are_verified(beamline, tls_nodes, certificates, version):
    node = tls_nodes(version)
    given = certificates.options()
    done = beamline("eval", f"rig:{node.name}", "{node(), lists:sum([1,2,3])}", *given)
    assert (done.status, done.stderr) == (0, ""), done.stderr
    assert done.stdout.strip().endswith(",6}")
    assert beamline("rpc", f"rig:{node.name}", "lists", "seq", "[1, 3]", *given).stdout == "[1,2,3]\n"
    answer = json.loads(beamline("ping", "--json", f"rig:{node.full_name}", *given).stdout)
    assert answer["tls"]["version"] == f"TLSv{version}"
    assert answer["tls"]["verified"] is True
    assert answer["tls"]["subject"] == "CN=node"
    assert answer["tls"]["cipher"]
    assert f"TLSv{version}" in beamline("ping", f"rig:{node.name}", *given).stdout
    node.at_rest()


@pytest.mark.parametrize("version", VERSIONS)
def test_much_goes_both_ways(beamline, tls_nodes, certificates, version):
    node = tls_nodes(version)
    done = beamline("eval", f"rig:{node.name}", "--raw", "binary:copy(<<\"0123456789abcdef\">>, 1 bsl 20)", *certificates.options(), limit=90)
    assert done.status == 0, done.stderr
    assert done.stdout == "0123456789abcdef" * (1 << 20)
    done = beamline("eval", f"rig:{node.name}", "-", *certificates.options(), stdin=b'length("' + b"x" * 500000 + b'").', limit=90)
    assert done.stdout == "500000\n", done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_the_key_may_stand_in_the_certificates_file(beamline, tls_nodes, certificates, version):
    node = tls_nodes(version)
    done = beamline("eval", f"rig:{node.name}", "1", *certificates.options(cert=certificates.operator.both, key=None))
    assert done.stdout == "1\n", done.stderr


def test_a_given_name_counts(beamline, tls_nodes, certificates):
    node = tls_nodes("1.2")
    assert beamline("eval", f"rig:{node.name}", "1", *certificates.options(server_name="127.0.0.1")).stdout == "1\n"
    failed(beamline("eval", f"rig:{node.name}", "1", *certificates.options(server_name="other.example")), "tls_wrong_name", 77)
    failed(beamline("eval", f"rig:{node.name}", "1", *certificates.options(server_name="127.0.0.2")), "tls_wrong_name", 77)


def test_a_name_that_only_the_handshake_tells_changes_no_certificates(beamline, tls_nodes, certificates, rig):
    """Sources of TLS are chosen before it is up: with the port given and no node named, by the host alone."""
    node = tls_nodes("1.3")
    path = rig.write("tls_by_node.conf", f'nodes = ( {{ match = "{node.name}"; tls_ca = "{certificates.stranger.file}"; }} );\n')
    options = " ".join(f'{name} = "{value}";' for name, value in (
        ("tls_ca", certificates.authority.file), ("tls_cert", certificates.operator.cert), ("tls_key", certificates.operator.key)))
    with open(path, "a", encoding="ascii") as file:
        file.write(f"defaults = {{ {options} }};\n")
    done = beamline("--config", path, "ping", "--json", "rig", "--dist-port", node.dist_port)
    assert done.status == 0 and json.loads(done.stdout)["tls"]["verified"] is True, done.stderr
    failed(beamline("--config", path, "eval", f"rig:{node.name}", "1"), "tls_untrusted", 77)


def test_none_is_believed_with_a_warning_each_time(beamline, tls_nodes, certificates):
    node = tls_nodes("1.2")
    for _ in range(2):
        done = beamline("eval", f"rig:{node.name}", "1", *certificates.options(ca=None, verify="none"))
        assert done.stdout == "1\n"
        assert "not verified" in done.stderr
    failed(beamline("eval", f"rig:{node.name}", "1", *certificates.options(ca=None)), "usage", 64)
    failed(beamline("eval", f"rig:{node.name}", "1", *certificates.options(verify="none")), "usage", 64)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_certificate_of_ours(beamline, tls_nodes, certificates, version):
    failed(beamline("eval", f"rig:{tls_nodes(version).name}", "1", *certificates.options(cert=None, key=None)), "tls_certificate_wanted", 77)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_that_the_node_rejects(beamline, tls_nodes, certificates, version):
    foreign = certificates.foreign
    failed(beamline("eval", f"rig:{tls_nodes(version).name}", "1", *certificates.options(cert=foreign.cert, key=foreign.key)), "tls_rejected", 77)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_authority(beamline, tls_nodes, certificates, version):
    done = beamline("eval", f"rig:{tls_nodes(version).name}", "1", *certificates.options(ca=certificates.stranger.file))
    failed(done, "tls_untrusted", 77)
    assert "CN=node" in done.stderr and "CN=authority" in done.stderr


def one_node(make, sshd, epmd, certificates, issued, more=""):
    return make.node("wrong", epmd=epmd, home=sshd.home, tls=node_arguments(issued, certificates.authority, more=more))


@pytest.mark.parametrize("begin,end,says", [(-3, -1, "has expired"), (1, 3, "is not valid before")], ids=["expired", "not yet valid"])
def test_a_certificate_out_of_its_time(beamline, make, sshd, epmd, certificates, begin, end, says):
    issued = certificates.authority.issue(f"dated{begin}", [host_part()], begin, end)
    one_node(make, sshd, epmd, certificates, issued)
    done = beamline("eval", "rig:wrong", "1", *certificates.options())
    failed(done, "tls_expired", 77)
    assert says in done.stderr


def test_a_certificate_for_another_host(beamline, make, sshd, epmd, certificates):
    node = one_node(make, sshd, epmd, certificates, certificates.authority.issue("elsewhere", ["elsewhere.example"]))
    for target in ("rig:wrong", f"rig:{node.full_name}"):
        done = beamline("eval", target, "1", *certificates.options())
        failed(done, "tls_wrong_name", 77)
        assert "elsewhere.example" in done.stderr
    assert beamline("eval", "rig:wrong", "1", *certificates.options(server_name="elsewhere.example")).stdout == "1\n"


def test_a_revoked_certificate(beamline, tls_nodes, certificates):
    node = tls_nodes("1.3")
    authority = certificates.authority
    good = beamline("eval", f"rig:{node.name}", "1", *certificates.options(crl=authority.revoke(certificates.operator)))
    assert good.stdout == "1\n", good.stderr
    failed(beamline("eval", f"rig:{node.name}", "1", *certificates.options(crl=authority.revoke(certificates.node, certificates.operator))),
           "tls_revoked", 77)
    done = beamline("eval", f"rig:{node.name}", "1", *certificates.options(crl=certificates.stranger.revoke(certificates.foreign)))
    failed(done, "tls_revoked", 77)
    assert "no list" in done.stderr


def test_no_version_in_common(beamline, make, sshd, epmd, certificates):
    one_node(make, sshd, epmd, certificates, certificates.node, more="{versions,['tlsv1.1']}")
    failed(beamline("eval", "rig:wrong", "1", *certificates.options()), "tls_version_mismatch", 76)


def test_no_cipher_in_common(beamline, make, sshd, epmd, certificates):
    # A suite for RSA keys, and the node's key is none.
    one_node(make, sshd, epmd, certificates, certificates.node,
             more="{versions,['tlsv1.2']},{ciphers,[\"ECDHE-RSA-AES128-GCM-SHA256\"]}")
    failed(beamline("eval", "rig:wrong", "1", *certificates.options()), "tls_cipher_mismatch", 76)


def test_a_plain_node(beamline, make, sshd, epmd, certificates):
    node = make.node("plain", epmd=epmd, home=sshd.home, tls=[])
    begun = time.monotonic()
    done = beamline("eval", "rig:plain", "1", *certificates.options())
    failed(done, "plain_expected", 76)
    assert time.monotonic() - begun < 15  # it waits 7 s for a message as long as our first bytes read in its way
    assert node.alive()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_tls_node_without_the_options(beamline, tls_nodes, version):
    done = beamline("eval", f"rig:{tls_nodes(version).name}", "1")
    failed(done, "tls_expected", 76)
    assert "--tls-ca" in done.stderr


@pytest.mark.parametrize("what,code,status", [
    ("missing file", "input_missing", 66), ("not PEM", "tls_key_unusable", 78), ("another key", "tls_key_unusable", 78),
    ("key for all to read", "tls_key_unusable", 78), ("wrong passphrase", "tls_key_unusable", 78), ("nobody to ask", "tls_key_unusable", 78),
    ("key without certificate", "usage", 64)])
def test_files_that_cannot_be_used(beamline, tls_nodes, certificates, tmp_path, what, code, status):
    garbage = tmp_path / "garbage"
    garbage.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    readable = tmp_path / "readable"
    readable.write_text(open(certificates.operator.key, encoding="ascii").read())
    readable.chmod(0o644)
    changed = {
        "missing file": {"ca": str(tmp_path / "none")}, "not PEM": {"ca": str(garbage)}, "another key": {"key": certificates.foreign.key},
        "key for all to read": {"key": str(readable)}, "key without certificate": {"cert": None},
        "wrong passphrase": {"cert": certificates.locked.cert, "key": certificates.locked.key, "passphrase_command": "echo wrong"},
        "nobody to ask": {"cert": certificates.locked.cert, "key": certificates.locked.key},
    }[what]
    failed(beamline("eval", f"rig:{tls_nodes('1.2').name}", "1", *certificates.options(**changed)), code, status)


def test_the_keys_passphrase(beamline, tls_nodes, certificates):
    node = tls_nodes("1.2")
    given = certificates.options(cert=certificates.locked.cert, key=certificates.locked.key)
    done = beamline("eval", f"rig:{node.name}", "1", *given, "--tls-passphrase-command", "echo open sesame")
    assert done.stdout == "1\n", done.stderr
    terminal = beamline("eval", f"rig:{node.name}", "40+2", *given, terminal=True)
    terminal.expect("Enter passphrase")
    terminal.line("wrong")
    terminal.expect("Enter passphrase")
    terminal.line("open sesame")
    terminal.expect("42")
    assert terminal.finish().status == 0
    assert "sesame" not in terminal.screen


class Middle:
    """Stands where the node should be, with a certificate of its own; keeps what it gets."""

    def __init__(self, issued, version):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = self.context.maximum_version = getattr(ssl.TLSVersion, "TLSv1_" + version[-1])
        self.context.load_cert_chain(issued.cert, issued.key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.after = b""   # raw bytes that came once our certificate had left
        self.plain = b""
        self.error = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        connection, _ = self.listener.accept()
        connection.settimeout(10)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)
        shown = up = False
        with connection:
            while True:
                try:
                    if not up:
                        tls.do_handshake()
                        up = True
                    self.plain += tls.read(65536)
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError as why:
                    self.error = str(why)
                    return
                data = outgoing.read()
                if data:
                    connection.sendall(data)
                    shown = True
                try:
                    data = connection.recv(65536)
                except OSError:
                    return
                if not data:
                    return
                if shown:
                    self.after += data
                incoming.write(data)

    def close(self):
        self.thread.join(15)
        self.listener.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_man_in_the_middle_gets_the_alert_and_no_more(beamline, certificates, version):
    middle = Middle(certificates.foreign, version)
    done = beamline("eval", "rig:demo", "1", "--dist-port", middle.port, *certificates.options())
    middle.close()
    failed(done, "tls_untrusted", 77)
    assert middle.plain == b""
    assert "ALERT_UNKNOWN_CA" in middle.error.upper().replace(" ", "_"), middle.error
    records = []
    data = middle.after
    while data:
        length = 5 + int.from_bytes(data[3:5], "big")
        records.append((data[0], length))
        data = data[length:]
    # 1.2: the alert; 1.3: change_cipher_spec, which says nothing, and the alert.
    assert [kind for kind, _ in records] in ([21], [20, 21], [20, 23]), records
    assert records[-1][1] <= 5 + 2 + 1 + 16


@pytest.mark.parametrize("version", VERSIONS)
def test_another_node_of_the_authority_gets_no_proof(beamline, certificates, version):
    """Its certificate is good, and not for the host that was asked for: known from the target, no byte; else no proof of the cookie."""
    other = certificates.authority.issue("other", ["other.example"])
    middle = Middle(other, version)
    done = beamline("eval", f"rig:demo@{host_part()}", "1", "--dist-port", middle.port, *certificates.options())
    middle.close()
    failed(done, "tls_wrong_name", 77)
    assert middle.plain == b""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.limit(120)
def test_ticks_go_on_while_we_are_stopped(beamline, make, sshd, epmd, certificates, version):
    """Stopped for longer than the tick time; TLS numbers its records, and the child that ticks meanwhile counts on ours."""
    arguments = node_arguments(certificates.node, certificates.authority, more=f"{{versions,['tlsv{version}']}}")
    make.node("ticking", epmd=epmd, home=sshd.home, tls=arguments, args=["-kernel", "net_ticktime", "4"])
    terminal = beamline("eval", "rig:ticking", 'timer:sleep(1000), io:put_chars("begun\n"), timer:sleep(9000), {still, "here"}',
                        *certificates.options(), terminal=True, limit=60)
    terminal.expect("begun")
    os.kill(terminal.pid, signal.SIGTSTP)
    time.sleep(8)
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.expect('{still,"here"}')
    assert terminal.finish().status == 0


HELLO_REQUEST, EMPTY = b"\x16\x03\x03\x00\x04\0\0\0\0", b"\x16\x03\x03\x00\x00"
WARNING, ENDLESS = b"\x15\x03\x03\x00\x02\x01\x5a", b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xff" + bytes(16380)


@pytest.mark.parametrize("data,code,status", [
    (HELLO_REQUEST, ("tls_failed", "handshake_timeout"), (76, 75)), (EMPTY, ("tls_failed",), (76,)), (WARNING, ("tls_failed",), (76,)),
    (ENDLESS, ("tls_failed",), (76,)), (b"\0", ("not_erlang",), (76,)), (os.urandom(4096), ("not_erlang",), (76,))],
    ids=["hello requests", "empty records", "warnings", "an endless message", "zeros", "noise"])
def test_a_peer_that_never_comes_to_an_end(rig, sshd, beamline_path, certificates, tmp_path, data, code, status):
    """Memory stays small, the time is kept, and the error is ours."""
    with open(beamline_path, "rb") as program:
        sanitized = b"__asan_init" in program.read()
    with Liar(lambda peer: peer.flood(data), raw=True) as liar:
        argv = [beamline_path, "--ssh-config", sshd.config, "--dist-port", str(liar.port), "--handshake-timeout", "3s", "eval", "rig", "1",
                *certificates.options()]
        done = Run(argv, {**rig.base_env(), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}, 20, (), str(tmp_path / "out"))
    assert sanitized or done.memory < 64, done
    assert done.status in status and any(f"[{one}]" in done.stderr for one in code) and done.seconds < 12, done.stderr


def test_a_peer_that_says_nothing(beamline, certificates):
    with Liar(lambda peer: None, raw=True) as liar:
        done = beamline("eval", "rig", "1", "--dist-port", liar.port, "--handshake-timeout", "1s", *certificates.options())
    failed(done, "handshake_timeout", 75)
    assert "plain distribution" in done.stderr


@pytest.mark.parametrize("answer", [b"\x16\x03\x03\x00\x40" + bytes(3), b"\x16", b"\x15\x03\x03\x00\x02\x02"], ids=["a record", "a byte", "an alert"])
def test_a_peer_that_stops_in_the_middle(beamline, certificates, answer):
    with Liar(lambda peer: peer.raw(answer), raw=True, stay=False) as liar:
        done = beamline("eval", "rig", "1", "--dist-port", liar.port, *certificates.options())
    failed(done, "tls_failed", 76)


def test_what_a_certificate_says_is_filtered(beamline, make, sshd, epmd, certificates):
    """Its names go to the terminal as all foreign text does."""
    authority = certificates.authority
    with open(certificates.node.key, "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)
    says = authority.sign(named("evil\x1b]0;owned\x07\u202e"), authority.certificate.subject, key.public_key(),
                          [(x509.SubjectAlternativeName([x509.DNSName("a.example")]), False)])
    evil = Issued(authority.folder, "evil", says, key)
    one_node(make, sshd, epmd, certificates, evil)
    terminal = beamline("ping", "rig:wrong", *certificates.options(server_name="a.example"), terminal=True)
    done = terminal.finish()
    assert done.status == 0 and "evil" in done.stdout
    assert "\x1b]" not in done.stdout and "\x07" not in done.stdout and "\u202e" not in done.stdout, done
