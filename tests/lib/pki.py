"""tests/lib/pki.py: certificates for tests, by openssl's command line, good ones and bad ones.

Independent of `weft pki`, so that the doors are judged by certificates that the product did not
make, and by those that it would refuse to make."""

import base64
import hashlib
import pathlib
import subprocess

EXTENSIONS = """[leaf]
basicConstraints=critical,CA:{is_ca}
keyUsage=critical,{key_usage}
extendedKeyUsage={usages}
subjectAltName={names}
[root]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
"""

RUNBOOK = pathlib.Path(__file__).resolve().parents[2] / "ops/runbooks/revoked-certificate.md"


def _openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL,
                   capture_output=True)


def _key(path):
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
             str(path))
    path.chmod(0o600)


class Authority:
    """One organization's trust root in a directory: ca.crt, ca.key."""

    def __init__(self, directory, org, is_bound=False):
        """is_bound: its name constraint is the organization, as partners want it."""
        self.directory = pathlib.Path(directory)
        self.org = org
        self.directory.mkdir(parents=True, exist_ok=True)
        self.ca, self.key = self.directory / "ca.crt", self.directory / "ca.key"
        if self.ca.exists():
            return
        _key(self.key)
        extensions = self.directory / "root.cnf"
        extensions.write_text("[req]\ndistinguished_name=dn\nx509_extensions=root\n[dn]\n"
                              + EXTENSIONS.format(is_ca="TRUE", key_usage="digitalSignature",
                                                  usages="clientAuth", names="DNS:unused")
                              + (f"nameConstraints=critical,permitted;URI:{org}\n" if is_bound
                                 else ""))
        _openssl("req", "-x509", "-new", "-key", str(self.key), "-subj", f"/O={org}/CN={org} root",
                 "-days", "3650", "-config", str(extensions), "-out", str(self.ca))

    def issue(self, site, kind, name, directory=None, uri=None, days=365, is_ca=False,
              names=None, usages=None, key_usage=None, dates=None):
        """tls.crt, tls.key and ca.crt in a directory, which is returned. days < 0: expired;
        dates: not before and not after, as YYYYMMDDHHMMSSZ; usages "": without the extension."""
        home = pathlib.Path(directory or self.directory / f"{site}-{kind}-{name}")
        home.mkdir(parents=True, exist_ok=True)
        uri = uri or f"spiffe://{self.org}/{site}/{kind}/{name}"
        if usages is None:
            usages = "serverAuth,clientAuth" if kind == "node" else "clientAuth"
        if names is None:
            names = f"URI:{uri}" + (",IP:127.0.0.1,DNS:localhost" if kind == "node" else "")
        extensions = home / "leaf.cnf"
        text = EXTENSIONS.format(
            is_ca="TRUE" if is_ca else "FALSE", usages=usages, names=names,
            key_usage=key_usage or "digitalSignature" + (",keyCertSign" if is_ca else ""))
        extensions.write_text(text.replace("extendedKeyUsage=\n", ""))
        _key(home / "tls.key")
        request = home / "request.pem"
        _openssl("req", "-new", "-key", str(home / "tls.key"), "-subj", f"/CN={name}", "-out",
                 str(request))
        if days < 0:
            dates = ("20200101000000Z", "20210101000000Z")
        if dates:
            self._issue_dated(request, home, extensions, dates)
        else:
            _openssl("x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey",
                     str(self.key), "-CAcreateserial", "-days", str(days), "-extfile",
                     str(extensions), "-extensions", "leaf", "-out", str(home / "tls.crt"))
        (home / "ca.crt").write_bytes(self.ca.read_bytes())
        return home

    def _database(self, home):
        """`openssl ca` can date certificates, and revoke them; it wants to keep a database."""
        (home / "index.txt").write_text("")
        (home / "serial").write_text("7001\n")
        (home / "crlnumber").write_text("01\n")
        config = home / "ca.cnf"
        config.write_text(
            f"[ca]\ndefault_ca=here\n[here]\nnew_certs_dir={home}\ndatabase={home}/index.txt\n"
            f"serial={home}/serial\ncrlnumber={home}/crlnumber\ndefault_md=sha256\n"
            f"default_crl_days=30\npolicy=any\nemail_in_dn=no\n[any]\ncommonName=supplied\n")
        return ["ca", "-batch", "-config", str(config), "-cert", str(self.ca), "-keyfile",
                str(self.key)]

    def _issue_dated(self, request, home, extensions, dates):
        _openssl(*self._database(home), "-in", str(request), "-startdate", dates[0], "-enddate",
                 dates[1], "-extfile", str(extensions), "-extensions", "leaf", "-notext", "-out",
                 str(home / "tls.crt"))

    def revoke(self, home):
        """The list (CRL, PEM) that revokes a certificate, made by the very commands of the runbook;
        the same one ever after."""
        database = self.directory / "revoked"
        if not database.exists():
            lines = RUNBOOK.read_text(encoding="utf-8").splitlines()
            commands = [line.strip() for line in lines if line.startswith("       ")]
            commands = [line for line in commands if not line.startswith("systemctl")]
            script = "\n".join(commands).replace("../plant1/node/n2/tls.crt",
                                                 str(home.resolve() / "tls.crt"))
            subprocess.run(["bash", "-ec", script], cwd=self.directory, check=True,
                           stdin=subprocess.DEVNULL, capture_output=True)
        return (database / "list.pem").read_bytes()


def log_key(home, origin):
    """log.key, an Ed25519 key, beside a node's certificate; its vkey (C2SP signed-note)."""
    path = pathlib.Path(home) / "log.key"
    _openssl("genpkey", "-algorithm", "ED25519", "-out", str(path))
    path.chmod(0o600)
    public = subprocess.run(["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"],
                            check=True, stdin=subprocess.DEVNULL, capture_output=True).stdout
    typed = b"\x01" + public[-32:]
    key_id = hashlib.sha256(origin.encode() + b"\n" + typed).digest()[:4].hex()
    return f"{origin}+{key_id}+{base64.b64encode(typed).decode()}"


def site(binaries, directory, admins, org="oem.example", name="plant1", policy=None):
    """What a site is governed by, by `weft pki org`: the section `policy` of a configuration. Keys
    of roots and admins, without passphrases, are in the directory. `policy`: a file; None: that of
    the command."""
    directory = pathlib.Path(directory).resolve()
    more = ["--policy", str(policy)] if policy else []
    done = subprocess.run(
        [str(pathlib.Path(binaries) / "weft"), "pki", "org", "--org", org, "--site", name,
         *(word for admin in admins for word in ("--admin", admin)), "--clear", "--out",
         str(directory), *more],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return {"org": directory / "org.note", "file": directory / "policy.note",
            "keys": directory / "keys"}
