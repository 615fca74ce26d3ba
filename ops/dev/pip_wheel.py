"""pip's own wheel, for a Python that came without pip and without `ensurepip`. Standard library only."""

from __future__ import annotations

import hashlib
import os
import shutil
from configparser import ConfigParser
from configparser import Error as ConfigError
from html.parser import HTMLParser
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urldefrag, urljoin
from urllib.request import urlopen

from ops.dev.steps import CannotBeDone, run_quietly, say


def pip_wheel(folder: Path) -> Path:
    """Return a wheel of pip, fetched into the folder: from Debian, else from the configured index.

    Raises:
        CannotBeDone: None could be had; the text says what to do.
    """
    wheel = _from_debian(folder) or _from_index(folder)
    if wheel is None:
        raise CannotBeDone(
            "there is no pip here and none could be fetched. Either install python3-venv as root, "
            "or set PIP_INDEX_URL to a package index, then try again"
        )
    return wheel


def _from_debian(folder: Path) -> Path | None:
    """Fetch the wheel out of Debian's package, checked by apt, with apt's state in our own folder."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return None
    say("fetching pip from the Debian package python3-pip-whl")
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "cache" / "archives" / "partial").mkdir(parents=True)
    apt: list[str | Path] = [
        "apt-get",
        "-o",
        f"Dir::State::lists={folder}/lists",
        "-o",
        f"Dir::Cache={folder}/cache",
    ]
    try:
        run_quietly([*apt, "update"])
        run_quietly([*apt, "download", "python3-pip-whl"], folder=folder)
        (package,) = folder.glob("python3-pip-whl_*.deb")
        run_quietly(["dpkg-deb", "-x", package, folder / "package"])
        return next(folder.glob("package/usr/share/python-wheels/pip-*.whl"), None)
    except CannotBeDone as reason:
        say(str(reason))
        return None


def _from_index(folder: Path) -> Path | None:
    """Fetch the newest wheel of pip from the first configured index that has one."""
    for index in _configured_indexes():
        say("fetching pip from the configured package index")
        # A folder does not serve its index page by itself, as a web server does.
        page = "pip/index.html" if index.startswith("file:") else "pip/"
        links = _Links(urljoin(index.rstrip("/") + "/", page))
        try:
            with urlopen(links.page, timeout=60) as answer:
                links.feed(answer.read().decode("utf-8", "replace"))
            wheels = [url for url in links.found if urldefrag(url).url.endswith("-py3-none-any.whl")]
            if wheels:
                return _download(max(wheels, key=_version), folder)
        except (URLError, OSError, ValueError) as reason:
            say(f"that failed: {reason}")
    return None


class _Links(HTMLParser):
    """The links of an index page (PEP 503) that are not withdrawn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of one link."""
        named = dict(attrs)
        if tag == "a" and named.get("href") and "data-yanked" not in named:
            self.found.append(urljoin(self.page, named["href"] or ""))


def _version(url: str) -> tuple[int, ...]:
    """Return the version of a wheel for comparing; a pre-release counts as older than everything."""
    numbers = urldefrag(url).url.rsplit("/", 1)[1].split("-")[1].split(".")
    return tuple(int(number) for number in numbers) if all(n.isdigit() for n in numbers) else ()


def _download(url: str, folder: Path) -> Path | None:
    address, fragment = urldefrag(url)
    with urlopen(address, timeout=60) as answer:
        content: bytes = answer.read()
    wanted = fragment.removeprefix("sha256=")
    if not fragment.startswith("sha256=") or hashlib.sha256(content).hexdigest() != wanted:
        say("the wheel of pip does not have the hash the index names for it")
        return None
    wheel = folder / address.rsplit("/", 1)[1]
    wheel.write_bytes(content)
    return wheel


def _configured_indexes() -> list[str]:
    """Return the index addresses pip would use, from its variables and its configuration files."""
    home = Path(os.environ.get("HOME", "/nonexistent"))
    of_user = Path(os.environ.get("XDG_CONFIG_HOME", home / ".config")) / "pip" / "pip.conf"
    files = [Path("/etc/pip.conf"), of_user, home / ".pip" / "pip.conf"]
    if "PIP_CONFIG_FILE" in os.environ:
        files.append(Path(os.environ["PIP_CONFIG_FILE"]))
    parser = ConfigParser(interpolation=None)
    try:
        parser.read(files, "utf-8")
    except ConfigError as reason:
        say(f"pip's configuration cannot be read: {reason}")
    named = []
    for key in ("index-url", "extra-index-url"):
        from_file = parser.get("install", key, fallback=parser.get("global", key, fallback=""))
        named += os.environ.get(f"PIP_{key.replace('-', '_').upper()}", from_file).split()
    return named
