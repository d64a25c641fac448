"""A client of any FHIR server, by its base URL."""
import http.client
import urllib.parse


class Answer:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw

    def __repr__(self):
        return f"<{self.status} {self.raw[:500]!r}>"


class Elsewhere:
    def __init__(self, base, timeout_s=120):
        parts = urllib.parse.urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"{base!r} is no base URL of a FHIR server")
        self.make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.place, self.prefix, self.timeout_s = parts.netloc, parts.path.rstrip("/"), timeout_s

    def send(self, method, path, body=None, headers=None):
        connection = self.make(self.place, timeout=self.timeout_s)
        joined = "/" if path and not path.startswith("?") else ""
        try:
            connection.request(method, self.prefix + joined + path, body.encode() if isinstance(body, str) else body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
