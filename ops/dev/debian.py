"""Debian packages that `./dev` may install. Standard library only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ops.dev.steps import CannotBeDone, run_quietly, say

SERVERS = {"rabbitmq": "rabbitmq-server", "postgresql": "postgresql"}
"""The word the demo takes, and the Debian package behind it."""

SECOND_OPINIONS = {"openssl": "openssl", "pdfsig": "poppler-utils", "xmlsec1": "xmlsec1"}
"""Programs the tests ask whether they judge signatures as we do, and the Debian package of each."""

# No server may start by itself on a machine that only wants to test, and no cluster may be made: both files
# are here for the time of the installation alone, and one that is already there stays as it is.
APT_INSTALL = """
set -eu
made=""
trap 'rm -f $made' EXIT
trap 'exit 130' INT TERM
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    made="$policy"
    printf '#!/bin/sh\\nexit 101\\n' > $policy
    chmod 755 $policy
fi
cluster=/etc/postgresql-common/createcluster.d/lienthong-dev.conf
case " $* " in *" postgresql "*)
    made="$made $cluster"
    mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' > $cluster ;;
esac
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y --no-install-recommends "$@"; }
install "$@" || { apt-get update && install "$@"; }
"""


def ensure_programs(words: Sequence[str]) -> None:
    """Install the servers and programs among these that are missing; no server is started.

    Raises:
        CannotBeDone: We may not install them here; the text names the packages.
    """
    packages = SERVERS | SECOND_OPINIONS
    missing = [packages[word] for word in words if not _is_installed(word)]
    if not missing:
        return
    if not may_install():
        raise CannotBeDone(f"packages are missing; as root: apt-get install {' '.join(missing)}")
    say(f"installing the Debian packages {' '.join(missing)} (no service is started)")
    apt_install(missing)


def may_install() -> bool:
    """Return whether packages can be installed here without asking anybody."""
    return shutil.which("apt-get") is not None and _as_root([]) is not None


def apt_install(packages: Sequence[str]) -> None:
    """Install Debian packages without starting anything.

    Raises:
        CannotBeDone: apt failed.
    """
    command = _as_root(["sh", "-c", APT_INSTALL, "sh", *packages])
    if command is None:
        raise CannotBeDone("only root may install packages")
    run_quietly(command)


def _is_installed(word: str) -> bool:
    if word == "postgresql":
        return any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = "rabbitmq-server" if word == "rabbitmq" else word
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None


def _as_root(command: Sequence[str]) -> list[str] | None:
    """Return the command as root would run it, None when we are not root and sudo would ask."""
    if os.geteuid() == 0:
        return list(command)
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n", *command]
    return None
