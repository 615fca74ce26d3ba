"""A RabbitMQ node of our own on free loopback ports, for tests, the demo and the bench.

Needs the server's files (`apt-get install rabbitmq-server`) but no running service and no root.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from ops.dev.ports import free_ports

# Not /usr/sbin/rabbitmq-server: that wrapper insists on its own user.
SCRIPTS = Path("/usr/lib/rabbitmq/bin")
START_SECONDS = 90
STOP_SECONDS = 20

CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = {user}
default_pass = {password}
# Enough for ids on a developer's disk; a site sets 2 GB or more.
disk_free_limit.absolute = 50MB
log.console = false
"""
MANAGEMENT = """\
management.tcp.ip = 127.0.0.1
management.tcp.port = {port}
"""


class RabbitMqMissing(Exception):
    """RabbitMQ is not installed, or its node did not come up; the text says what to do."""


class PrivateRabbitMq:
    """One private node. `url` stays the same across `kill9`, `start` and `wipe`.

    With `management` it has its HTTP API too, which takes it some seconds more to start.
    """

    def __init__(self, folder: Path, *, management: bool = False) -> None:
        self._folder = folder
        self._has_management = management
        self._amqp_port, self._dist_port, self._epmd_port, self._http_port = free_ports(4)
        # Named by the broker at its first start on an empty folder, instead of `guest`.
        self._user = "lienthong"
        self._password = secrets.token_hex(18)
        self._epmd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return where and with which credentials to connect."""
        return self.url_for(self._user, self._password)

    def url_for(self, user: str, password: str) -> str:
        """Return where another user connects, with its credentials."""
        return f"amqp://{user}:{password}@127.0.0.1:{self._amqp_port}/"

    @property
    def management_url(self) -> str:
        """Return where the HTTP API is, with the administrator's credentials."""
        return f"http://{self._user}:{self._password}@127.0.0.1:{self._http_port}"

    async def start(self) -> None:
        """Start the node and return when it takes connections.

        Raises:
            RabbitMqMissing: It is not installed or did not come up in time.
        """
        if not (SCRIPTS / "rabbitmq-server").exists():
            raise RabbitMqMissing("RabbitMQ is not installed: apt-get install rabbitmq-server")
        await asyncio.to_thread(self._spawn)
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._is_up():  # noqa: ASYNC110 - another program comes up
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise RabbitMqMissing(f"No answer after {START_SECONDS} s. {self._last_words()}") from None

    async def kill9(self) -> None:
        """Kill the node as a power cut would; its disk stays."""
        await asyncio.to_thread(self._end, self._server, signal.SIGKILL)

    async def stop(self) -> None:
        """Stop the node cleanly; its disk stays."""
        await asyncio.to_thread(self._end, self._server, signal.SIGTERM)

    async def wipe(self) -> None:
        """Kill the node, lose its disk, and start it empty."""
        await self.kill9()
        await asyncio.to_thread(shutil.rmtree, self._folder / "mnesia")
        await self.start()

    async def ctl(self, *arguments: str) -> str:
        """Return what `rabbitmqctl` prints about this node.

        Raises:
            subprocess.CalledProcessError: The command failed.
        """
        return await asyncio.to_thread(self._ctl, arguments)

    async def close(self, *, cleanly: bool) -> None:
        """End the node and the port mapper started for it."""
        await (self.stop() if cleanly else self.kill9())
        await asyncio.to_thread(self._end, self._epmd, signal.SIGKILL)

    def _spawn(self) -> None:
        for name in ("mnesia", "log"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "rabbitmq.conf"
        configuration.touch(mode=0o600)
        text = CONFIGURATION.format(port=self._amqp_port, user=self._user, password=self._password)
        if self._has_management:
            text += MANAGEMENT.format(port=self._http_port)
        configuration.write_text(text)
        plugins = "[rabbitmq_management]" if self._has_management else "[]"
        (self._folder / "enabled_plugins").write_text(f"{plugins}.\n")
        (self._folder / "empty.env").touch()
        if self._epmd is None:
            # Erlang would start one as a daemon that nobody ends.
            self._epmd = self._popen("epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port))
        self._server = self._popen(str(SCRIPTS / "rabbitmq-server"))

    def _popen(self, *command: str) -> subprocess.Popen[bytes]:
        with (self._folder / "log" / "console").open("ab") as console:
            return subprocess.Popen(
                command,
                env=self._environment(),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),  # the Erlang cookie lands here, mode 0400
            "LANG": "C.UTF-8",
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "empty.env"),
            "RABBITMQ_NODENAME": f"lienthong{self._amqp_port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._amqp_port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
        }

    async def _is_up(self) -> bool:
        if self._server is None or self._server.poll() is not None:
            raise RabbitMqMissing(f"The node ended while starting. {self._last_words()}")
        # The node answers with Connection.Start.
        has_begun = await self._answers(self._amqp_port, b"AMQP\x00\x00\x09\x01")
        if not has_begun or not self._has_management:
            return has_begun
        return await self._answers(self._http_port, b"GET / HTTP/1.0\r\n\r\n")

    @staticmethod
    async def _answers(port: int, greeting: bytes) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with closing(writer):
                writer.write(greeting)
                return bool(await reader.read(1))
        except OSError:
            return False

    def _last_words(self) -> str:
        return (self._folder / "log" / "console").read_text("utf-8", "replace")[-600:]

    def _ctl(self, arguments: tuple[str, ...]) -> str:
        done = subprocess.run(
            [str(SCRIPTS / "rabbitmqctl"), "--quiet", *arguments],
            env=self._environment(),
            check=True,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )
        return done.stdout

    @staticmethod
    def _end(running: subprocess.Popen[bytes] | None, number: signal.Signals) -> None:
        if running is None or running.poll() is not None:
            return
        # The whole session: the start script does not pass SIGKILL on to the node.
        os.killpg(running.pid, number)
        try:
            running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


@asynccontextmanager
async def private_rabbitmq(
    folder: Path | None = None, *, management: bool = False
) -> AsyncIterator[PrivateRabbitMq]:
    """Run a private node while the block runs.

    Args:
        folder: Where its disk is; kept afterwards. Without one it has a temporary folder.
        management: Whether it has its HTTP API.

    Raises:
        RabbitMqMissing: It is not installed or did not come up.
    """
    temporary = folder is None
    folder = folder or Path(tempfile.mkdtemp(prefix="lienthong-rabbitmq-"))
    node = PrivateRabbitMq(folder, management=management)
    try:
        await node.start()
        yield node
    finally:
        await node.close(cleanly=not temporary)
        if temporary:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
