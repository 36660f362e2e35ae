"""Real reverse proxies, nginx and HAProxy, with the configuration that docs/operations.md shows."""

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.e2e.processes import end, wait_until
from tests.ports import free_port

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
BARE = "location /desk/ { proxy_pass http://127.0.0.1:8080/; }"
"""What many people write and no more: it passes on no upgrade and no Host."""


def documented(language: str, what: str = "") -> str:
    """Return the block of docs/operations.md in this language that begins with `what`."""
    blocks: list[str] = re.findall(
        rf"^```{language}\n(.*?)^```", OPERATIONS.read_text(), re.M | re.S
    )
    (block,) = [b for b in blocks if b.startswith(what)]
    return block


def executable(name: str) -> str:
    """Return a program's path. Raises AssertionError if it is missing, so that no test is skipped
    unnoticed.
    """
    found = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    assert found, f"{name} is missing: scripts/setup test"
    return found


def certificate(directory: Path) -> Path:
    """Make a self-signed certificate, and return the file that has it and its key."""
    both = directory / "desk.pem"
    key, signed = directory / "key.pem", directory / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", signed],
        check=True, capture_output=True,
    )  # fmt: skip
    both.write_text(signed.read_text() + key.read_text())
    return both


class Proxy:
    """A reverse proxy before one gateway, which serves http or https."""

    def __init__(self, directory: Path, gateway_port: int, *, tls: bool = False) -> None:
        self.port = free_port()
        self.scheme = "https" if tls else "http"
        self._directory = directory
        self._gateway_port = gateway_port
        self._certificate = certificate(directory) if tls else None
        self._process: subprocess.Popen[str] | None = None

    def link(self, link: str, path: str = "") -> str:
        """Return the gateway's `link` as it is through this proxy."""
        return re.sub(r"^http://[^/]+", f"{self.scheme}://127.0.0.1:{self.port}{path}", link)

    def stop(self) -> None:
        """End the proxy, and with it every connection."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def _run(self, command: list[str]) -> None:
        self.stop()
        log = (self._directory / "log").open("a")
        self._process = subprocess.Popen(command, text=True, stdout=log, stderr=log)
        log.close()
        wait_until(self._listens, f"{command[0]}: {(self._directory / 'log').read_text()}")

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._directory / "log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Nginx(Proxy):
    """nginx with one `location` and its defaults for everything else."""

    def start(self, location: str) -> None:
        """Start it with this location. If it runs already, its connections are cut."""
        self._configure(location)
        self._run([executable("nginx"), "-p", str(self._directory), "-c", "nginx.conf"])

    def reload(self, location: str) -> None:
        """Use this location for connections that come from now on; the present ones stay as they
        are.
        """
        assert self._process is not None
        self._configure(location)
        self._process.send_signal(signal.SIGHUP)

    def _configure(self, location: str) -> None:
        tls = " ssl" if self._certificate else ""
        pair = f"ssl_certificate {self._certificate}; ssl_certificate_key {self._certificate};"
        here = self._directory
        (here / "nginx.conf").write_text(
            f"""daemon off; pid {here}/pid; error_log {here}/log warn; worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;
    fastcgi_temp_path {here}/fastcgi; uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
    server {{
        listen 127.0.0.1:{self.port}{tls};
        {pair if tls else ""}
        {location.replace("127.0.0.1:8080", f"127.0.0.1:{self._gateway_port}")}
    }}
}}
"""
        )


class HAProxy(Proxy):
    """HAProxy with the whole configuration that docs/operations.md shows."""

    def start(self, configuration: str) -> None:
        """Start it with this configuration."""
        text = configuration.replace("127.0.0.1:8080", f"127.0.0.1:{self._gateway_port}")
        text = text.replace("bind :443", f"bind 127.0.0.1:{self.port}")
        text = text.replace("/etc/haproxy/desk.pem", str(self._certificate))
        (self._directory / "haproxy.cfg").write_text(text)
        self._run([executable("haproxy"), "-f", str(self._directory / "haproxy.cfg")])


class Balancer(Proxy):
    """HAProxy or nginx before two gateways, over http, as docs/operations.md shows."""

    def __init__(self, directory: Path, ports: list[int]) -> None:
        super().__init__(directory, ports[0])
        self._ports = ports

    def start(self, *, websockets: bool = True) -> None:
        """Start HAProxy. Without `websockets` it denies the upgrade, as some networks do."""
        defaults = documented("haproxy", "defaults").split("\nfrontend")[0]
        deny = "http-request deny if { hdr(upgrade) -i websocket }"
        frontend = f"""
frontend http
    bind 127.0.0.1:{self.port}
    {"" if websockets else deny}
    default_backend fanlight
"""
        file = self._directory / "haproxy.cfg"
        file.write_text(defaults + frontend + self._placed(documented("haproxy", "backend")))
        self._run([executable("haproxy"), "-f", str(file)])

    def start_nginx(self) -> None:
        """Start nginx."""
        upstream = self._placed(documented("nginx", "upstream"))
        location = documented("nginx", "location / ").replace("127.0.0.1:8080", "fanlight")
        here = self._directory
        (here / "nginx.conf").write_text(
            f"""daemon off; pid {here}/pid; error_log {here}/log warn; worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;
    fastcgi_temp_path {here}/fastcgi; uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
    {upstream}
    server {{
        listen 127.0.0.1:{self.port};
        {location}
    }}
}}
"""
        )
        self._run([executable("nginx"), "-p", str(here), "-c", "nginx.conf"])

    def _placed(self, text: str) -> str:
        for number, port in enumerate(self._ports, start=11):
            text = text.replace(f"10.0.0.{number}:8080", f"127.0.0.1:{port}")
        return text
