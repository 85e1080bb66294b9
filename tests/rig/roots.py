# SPDX-License-Identifier: GPL-3.0-or-later
"""Roots of other Debian suites: built on demand, kept in a cache folder.

The cache is $BEAMLINE_CACHE, or `cache` under $BUILDDIR, or under the user's cache folder. A root (`trixie`) is for nodes of another
OTP release: it has Erlang and Elixir, and no documents. Everything a node does to its root (the rig's folder inside it, /tmp,
/etc/hosts) happens in a mount namespace of its own, so that a root in the cache never changes.

A build root (`trixie-build`) is a copy of a root with all that tools/setup installs: beamline is built and tested inside it, with that
suite's compilers, libraries and OpenSSH.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile

from .core import RigError, program

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SUITES = {"bullseye": 23, "bookworm": 25, "trixie": 27, "sid": 29}
PACKAGES = "erlang-base,erlang-crypto,erlang-ssl,erlang-src,erlang-dev,elixir"

# Run as: sh -c ENTER enter ROOT FOLDER COMMAND…
ENTER = """
root=$1 folder=$2; shift 2
mount --make-rprivate / && mount -t tmpfs -o mode=1777 rig "$root/tmp" && mkdir -p "$root$folder" &&
	mount --bind "$folder" "$root$folder" && mount --bind /etc/hosts "$root/etc/hosts" &&
	exec chroot "$root" sh -c 'cd "$HOME" && exec "$@"' sh "$@"
"""

# Run as: sh -c WORK work ROOT SOURCE BUILD COMMAND…: the folders are /source (never written to) and /build inside, where COMMAND starts.
WORK = """
root=$1 source=$2 build=$3; shift 3
mkdir -p "$root/source" "$root/build" &&
	mount --make-rprivate / && mount --bind "$root" "$root" && mount -t proc proc "$root/proc" && mount -t tmpfs -o mode=1777 rig "$root/tmp" &&
	mount -t tmpfs -o mode=755 rig "$root/run" && mount --rbind /dev "$root/dev" && mount -t sysfs sysfs "$root/sys" &&
	mount --bind /etc/hosts "$root/etc/hosts" && mount --bind "$build" "$root/build" &&
	mount --bind "$source" "$root/source" && mount -o remount,bind,ro "$root/source" &&
	exec chroot "$root" sh -c 'cd /build && exec "$@"' sh "$@"
"""
# The mirror's newest suites may be older than their own date allows.
APT = 'Acquire::Check-Valid-Until "false";\n'


def cache_folder():
    if os.environ.get("BEAMLINE_CACHE"):
        return os.path.abspath(os.environ["BEAMLINE_CACHE"])
    if os.environ.get("BUILDDIR"):
        return os.path.join(os.path.abspath(os.environ["BUILDDIR"]), "cache")
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "beamline")


def debootstrap_script(suite, scripts="/usr/share/debootstrap/scripts"):
    """The script for a suite: its own, or sid's where this debootstrap is older than the suite."""
    own = os.path.join(scripts, suite)
    return own if os.path.exists(own) else os.path.join(scripts, "sid")


def build(suite, root):
    """Bootstraps a suite into `root`: first beside it, then renamed, so that a broken one is never taken for whole."""
    if os.getuid() != 0:
        raise RigError(f"a root of {suite} is built as root only")
    cache = os.path.dirname(root)
    packages = os.path.join(cache, "packages")
    os.makedirs(packages, exist_ok=True)
    partial = f"{root}.{os.getpid()}.partial"
    print(f"building a root of {suite} (OTP {SUITES[suite]}) in {root}", file=sys.stderr)
    # Without a mirror named, debootstrap takes the one of its own default; the machine's own source serves if there is one.
    argv = [program("debootstrap"), "--variant=minbase", f"--cache-dir={packages}", f"--include={PACKAGES}", suite, partial]
    source = mirror()
    if source:
        argv += [source, debootstrap_script(suite)]
    log = os.path.join(cache, f"{suite}.log")
    try:
        with open(log, "wb") as out:
            status = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False,
                                    env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}).returncode
        if status != 0:
            raise RigError(f"debootstrap {suite} failed with status {status}: see {log}")
        for unneeded in ("usr/share/doc", "usr/share/man", "var/lib/apt/lists", "var/cache/apt"):
            shutil.rmtree(os.path.join(partial, unneeded), ignore_errors=True)
        # A node asks for its own host's name at once, and waits for DNS where the file does not tell.
        with open(os.path.join(partial, "etc/hosts"), "w", encoding="ascii") as hosts:
            hosts.write(f"127.0.0.1 localhost\n127.0.1.1 {socket.gethostname()}\n::1 localhost\n")
        os.rename(partial, root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def copy_for_building(suite, root):
    """Copies a suite's root to `root` and installs there what tools/setup finds missing."""
    partial = f"{root}.{os.getpid()}.partial"
    print(f"building a root of {suite} to build in, {root}", file=sys.stderr)
    try:
        subprocess.run(["cp", "-a", "--reflink=auto", root_for(suite), partial], check=True)
        with open(os.path.join(partial, "etc/apt/apt.conf.d/90rig"), "w", encoding="ascii") as file:
            file.write(APT)
        log = os.path.join(os.path.dirname(root), f"{suite}-build.log")
        with open(log, "wb") as out, tempfile.TemporaryDirectory() as nothing:
            for command in (["apt-get", "-qq", "update"], ["sh", "/source/tools/setup"]):
                status = subprocess.run([*work_in(partial, TOP, nothing), *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}, check=False).returncode
                if status != 0:
                    raise RigError(f"{command[0]} in a root of {suite} failed with status {status}: see {log}")
        shutil.rmtree(os.path.join(partial, "var/cache/apt"), ignore_errors=True)
        os.rename(partial, root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def mirror():
    """The first Debian source that this machine's own apt uses, or None."""
    for folder, _, names in os.walk("/etc/apt"):
        for name in sorted(names):
            if not name.endswith((".list", ".sources")):
                continue
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                for line in file:
                    words = line.split()
                    if words[:1] in (["deb"], ["URIs:"]):
                        for word in words[1:]:
                            if "://" in word and "security" not in word:
                                return word
    return None


def root_for(suite):
    """The folder of a suite's root, building it if the cache has none."""
    if suite not in SUITES:
        raise RigError(f"no such release: {suite} (known: system, {', '.join(SUITES)})")
    root = os.path.join(cache_folder(), suite)
    if not os.path.isdir(root):
        build(suite, root)
    return root


def build_root_for(suite):
    """The folder of a suite's build root, building it if the cache has none."""
    root = os.path.join(cache_folder(), f"{suite}-build")
    if not os.path.isdir(root):
        copy_for_building(suite, root)
    return root


def work_in(root, source, build):
    """The beginning of a command line that runs the rest inside a build root, in /build, which is `build`."""
    return [program("unshare"), "--mount", "/bin/sh", "-c", WORK, "work", root, source, build]


def enter_root(root, folder):
    """The beginning of a command line that runs the rest inside the root, with the rig's folder at its own path."""
    if os.getuid() != 0:
        raise RigError("nodes of other releases run in a chroot: this needs root")
    return [program("unshare"), "--mount", "/bin/sh", "-c", ENTER, "enter", root, folder]


def here(folder):
    """The beginning of a command line that runs the rest on $RIG_RELEASE: nothing on the machine's own release."""
    release = os.environ.get("RIG_RELEASE", "system")
    return [] if release == "system" else enter_root(root_for(release), folder)


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        print(root_for(wanted))
