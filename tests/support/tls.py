"""A certificate authority for tests, made with the openssl command, and TLS contexts over it."""

import ssl
import subprocess
from pathlib import Path


def _openssl(*arguments, stdin=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Authority:
    """A root and what it signs; files lie in `directory`."""

    def __init__(self, directory, name="Test Root"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.certificate = self.directory / "root.pem"
        self.key = self.directory / "root.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                 "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate,
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, stem, names=("localhost", "127.0.0.1"), common_name=None, client=False, days=20):
        """(certificate file, key file) for DNS names or addresses."""
        certificate, key = self.directory / f"{stem}.pem", self.directory / f"{stem}.key"
        request, extensions = self.directory / f"{stem}.csr", self.directory / f"{stem}.ext"
        kinds = ",".join(("IP:" if name.replace(".", "").isdigit() else "DNS:") + name for name in names)
        extensions.write_text(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            f"extendedKeyUsage={'clientAuth' if client else 'serverAuth'}\n"
            + (f"subjectAltName={kinds}\n" if names else ""))
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-subj", f"/CN={common_name or stem}", "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                 "-days", str(days), "-extfile", extensions, "-out", certificate)
        key.chmod(0o600)
        return certificate, key

    def client_context(self, certificate=None, alpn=("http/1.1",)):
        return client_context(self.certificate, certificate, alpn)

    def server_context(self, certificate, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


def client_context(ca_file, certificate=None, alpn=("http/1.1",)):
    context = ssl.create_default_context(cafile=str(ca_file))
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if certificate:
        context.load_cert_chain(*map(str, certificate))
    return context


def serial_of(der):
    """Serial number of a DER certificate, to tell certificates apart."""
    return _openssl("x509", "-inform", "DER", "-noout", "-serial", stdin=der).decode().strip()
