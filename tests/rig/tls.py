# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for TLS distribution, and the options with which nodes use them."""

import datetime
import ipaddress
import os
import socket

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID
except ImportError as why:
    raise ImportError("python3-cryptography is missing: apt-get install python3-cryptography") from why

DAY = datetime.timedelta(days=1)


def host_part():
    """What stands behind the @ in the name of a node with -sname on this machine."""
    return socket.gethostname().split(".")[0]


def named(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Issued:
    """A certificate and its key as files: .cert, .key, and .both in one file."""

    def __init__(self, folder, name, certificate, key, password=None):
        self.certificate = certificate
        encryption = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        cert_text = certificate.public_bytes(serialization.Encoding.PEM)
        key_text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        self.cert, self.key, self.both = (os.path.join(folder, name + end) for end in (".pem", ".key", ".both"))
        for path, data in ((self.cert, cert_text), (self.key, key_text), (self.both, cert_text + key_text)):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)


class Authority:
    """Signs certificates; .file is its own."""

    def __init__(self, folder, name="authority"):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.sign(named(name), named(name), self.key.public_key(), [
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
                           data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False), True)])
        self.file = os.path.join(folder, name + ".pem")
        with open(self.file, "wb") as file:
            file.write(self.certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, subject, issuer, public, extensions, begin=-1, end=30):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
                   .serial_number(x509.random_serial_number()).not_valid_before(now + begin * DAY).not_valid_after(now + end * DAY)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name, names=(), begin=-1, end=30, password=None):
        """A certificate for these host names and addresses, valid from `begin` to `end` days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        extensions = [(x509.BasicConstraints(ca=False, path_length=None), True)]
        if names:
            extensions.append((x509.SubjectAlternativeName([alternative(n) for n in names]), False))
        certificate = self.sign(named(name), self.certificate.subject, key.public_key(), extensions, begin, end)
        return Issued(self.folder, f"{self.name}-{name}", certificate, key, password)

    def revoke(self, *issued, end=30):
        """The path of a list that names these."""
        now = datetime.datetime.utcnow()
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject).last_update(now - DAY).next_update(now + end * DAY)
        for one in issued:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number).revocation_date(now - DAY).build())
        path = os.path.join(self.folder, f"{self.name}-{len(issued)}-{end}.crl")
        with open(path, "wb") as file:
            file.write(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path


def node_arguments(issued, authority, wants_certificate=True, more=""):
    """Arguments of erl for a node with this certificate. `more`: further options of the server, as Erlang terms."""
    path = issued.cert + f".{abs(hash((authority.file, wants_certificate, more))):x}.conf"
    own = f'{{certfile,"{issued.cert}"}},{{keyfile,"{issued.key}"}},{{cacertfile,"{authority.file}"}}'
    verify = "{verify,verify_peer},{fail_if_no_peer_cert,true}" if wants_certificate else "{verify,verify_none}"
    with open(path, "w", encoding="ascii") as file:
        file.write(f"[{{server,[{own},{verify}{',' + more if more else ''}]}},{{client,[{own},{{verify,verify_none}}]}}].\n")
    return ["-proto_dist", "inet_tls", "-ssl_dist_optfile", path]


class World:
    """The certificates of a rig whose nodes all speak TLS ($RIG_TLS): `arguments` for erl, `options` or a configuration for beamline."""

    def __init__(self, rig):
        self.rig = rig
        self.authority = Authority(os.path.join(rig.folder, "tls"))
        node = self.authority.issue("node", [host_part()])
        operator = self.authority.issue("operator")
        self.arguments = node_arguments(node, self.authority)
        self.options = ["--tls-ca", self.authority.file, "--tls-cert", operator.cert, "--tls-key", operator.key]

    def configuration(self):
        """Writes a configuration file for runs that say nothing of TLS; one certificate serves the nodes of all hosts. Returns its path."""
        names = [word[2:].replace("-", "_") for word in self.options[::2]]
        lines = [f'{name} = "{value}";' for name, value in [*zip(names, self.options[1::2]), ("tls_server_name", host_part())]]
        return self.rig.write("tls.conf", "hosts = ( {{ match = \"*\"; {} }} );\n".format(" ".join(lines)))


def tls_world(rig):
    """The rig's one."""
    if not hasattr(rig, "tls"):
        rig.tls = World(rig)
    return rig.tls
