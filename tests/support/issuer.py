"""An identity provider: discovery document, keys, and tokens signed with them. OpenSSL does the cryptography."""

import base64
import hashlib
import http.server
import json
import ssl
import subprocess
import threading
import time

KEY_ID = "first"


def openssl(*arguments, data=None):
    """What OpenSSL answers."""
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=True)
    return done.stdout


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Listens on this machine until it is closed; with a certificate of its own authority if it is `secure`."""

    def __init__(self, directory, secure=False):
        self.directory = directory
        self.key = directory / "signing.pem"
        openssl("genrsa", "-out", self.key, 2048)
        self.requests = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thumbprint = "0" * 40
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._certificates())
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if secure else "http"
        self.host = f"localhost:{self.server.server_port}"
        self.url = f"{scheme}://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def token(self, subject="somebody", audience="client", key=None, key_id=KEY_ID, algorithm="RS256", **claims):
        """A token as this issuer signs it, or somebody else with a key of their own."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": subject, "aud": audience, "iat": now, "exp": now + 600, **claims}
        header = {"alg": algorithm, "typ": "JWT", "kid": key_id}
        signed = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
        signature = openssl("dgst", "-sha256", "-sign", key or self.key, data=signed.encode())
        return f"{signed}.{encode(signature)}"

    def _handler(self):
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.requests.append(self.path)
                document = issuer._document(self.path)
                body = json.dumps(document).encode()
                self.send_response(200 if document else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def _document(self, path):
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        if path == "/keys":
            modulus = openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().split("=")[1]
            return {"keys": [{"kty": "RSA", "use": "sig", "kid": KEY_ID, "alg": "RS256",
                              "n": encode(bytes.fromhex(modulus)), "e": "AQAB"}]}
        return None

    def _certificates(self):
        """A chain and its key; the authority's thumbprint becomes known."""
        authority, authority_key = self.directory / "authority.pem", self.directory / "authority.key"
        chain, key = self.directory / "chain.pem", self.directory / "server.key"
        request, extensions = self.directory / "server.csr", self.directory / "extensions"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority",
                "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", authority_key, "-out", authority)
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", request)
        extensions.write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
        certificate = openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key,
                              "-CAcreateserial", "-days", "2", "-extfile", extensions)
        chain.write_bytes(certificate + authority.read_bytes())
        self.thumbprint = hashlib.sha1(openssl("x509", "-in", authority, "-outform", "DER")).hexdigest()
        return chain, key
