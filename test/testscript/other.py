"""Another FHIR server: a small one of its own, in memory, that shares nothing with the program. It serves read, vread, history, create, update,
delete, search by a few parameters, batch and transaction; JSON in, JSON or XML out. What it does not serve it refuses (404, 405, 501)."""
import copy
import datetime
import email.utils
import json
import re
import threading
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from node import to_xml

TYPES = {"Patient", "Observation", "Encounter", "Practitioner", "Organization", "Condition", "Group", "List", "Binary", "Bundle", "Basic", "TestScript",
         "StructureDefinition", "ValueSet", "CodeSystem", "Location", "ServiceRequest", "Task"}
RESULT = {"_count", "_format", "_pretty", "_total"}
ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class Refusal(Exception):
    def __init__(self, status, code, words):
        self.status, self.code, self.words = status, code, words


def outcome(severity, code, words):
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code, "diagnostics": words}]}


def tokens(value):
    """(system, code) pairs of what a token parameter may look at."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict) and "coding" in one:
            yield from tokens(one["coding"])
        elif isinstance(one, dict):
            yield one.get("system"), one.get("code", one.get("value"))
        elif one is not None:
            yield None, str(one).lower() if isinstance(one, bool) else str(one)


def is_token(value, wanted):
    system, bar, code = wanted.rpartition("|")
    return any((not bar or (s or "") == system) and (not code or c == code) for s, c in tokens(value))


def strings(value):
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield from (s for key, inner in one.items() if key in ("text", "family", "given", "prefix", "suffix") for s in strings(inner))
        elif one is not None:
            yield str(one)


def is_string(value, wanted):
    return any(s.casefold().startswith(wanted.casefold()) for s in strings(value))


def is_reference(value, wanted):
    return (value or {}).get("reference") in (wanted, "Patient/" + wanted)


PARAMETERS = {"_id": ("id", is_token), "identifier": ("identifier", is_token), "gender": ("gender", is_token), "active": ("active", is_token),
              "code": ("code", is_token), "status": ("status", is_token), "name": ("name", is_string), "family": ("name", is_string),
              "subject": ("subject", is_reference), "patient": ("subject", is_reference), "url": ("url", lambda value, wanted: value == wanted)}


class Store:
    """All versions of all resources: place -> list of (resource or None, when, method)."""

    def __init__(self):
        self.versions, self.order = {}, []

    def current(self, place):
        if place not in self.versions:
            raise Refusal(404, "not-found", "there is no such resource")
        if self.versions[place][-1][0] is None:
            raise Refusal(410, "deleted", "the resource was deleted")
        return self.versions[place][-1][0]

    def keep(self, place, resource, method):
        when = datetime.datetime.now(datetime.timezone.utc)
        history = self.versions.setdefault(place, [])
        if resource is not None:
            resource = copy.deepcopy(resource)
            resource["id"] = place.split("/")[1]
            meta = {**resource.get("meta", {}), "versionId": str(len(history) + 1), "lastUpdated": when.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
            resource = {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta, **{k: v for k, v in resource.items() if k not in ("resourceType", "id", "meta")}}
        history.append((resource, when, method))
        self.order.append((place, len(history)))
        return resource

    def find(self, kind, pairs):
        criteria = [(n, v) for n, v in pairs if n not in RESULT]
        for name, _ in criteria:
            if name not in PARAMETERS:
                raise Refusal(400, "not-supported", f"the parameter {name} is not known here")
        live = [v[-1][0] for place, v in self.versions.items() if place.startswith(kind + "/") and v[-1][0] is not None]
        return [r for r in live if all(any(PARAMETERS[n][1](r.get(PARAMETERS[n][0]), one) for one in v.split(",")) for n, v in criteria)]


class Reply:
    def __init__(self, status, resource=None, **headers):
        self.status, self.resource, self.headers = status, resource, {k.replace("_", "-"): v for k, v in headers.items()}


class Other:
    """The interactions, without HTTP."""

    def __init__(self):
        self.store, self.lock, self.base = Store(), threading.Lock(), ""

    def told(self, status, resource, created=False):
        place = f"{resource['resourceType']}/{resource['id']}"
        when = self.store.versions[place][int(resource["meta"]["versionId"]) - 1][1]
        headers = {"ETag": f'W/"{resource["meta"]["versionId"]}"', "Last_Modified": email.utils.format_datetime(when, usegmt=True)}
        if created:
            headers["Location"] = f"{self.base}/{place}/_history/{resource['meta']['versionId']}"
        return Reply(status, resource, **headers)

    def read(self, place, headers):
        reply = self.told(200, self.store.current(place))
        return Reply(304, None, **{"ETag": reply.headers["ETag"]}) if headers.get("If-None-Match") == reply.headers["ETag"] else reply

    def version(self, place, number):
        history = self.store.versions.get(place, [])
        if not number.isdigit() or not 0 < int(number) <= len(history):
            raise Refusal(404, "not-found", "there is no such version")
        if history[int(number) - 1][0] is None:
            raise Refusal(410, "deleted", "this version is a deletion")
        return self.told(200, history[int(number) - 1][0])

    def create(self, kind, resource, headers):
        if resource.get("resourceType") != kind:
            raise Refusal(400, "invalid", f"a {kind} was expected")
        if "If-None-Exist" in headers:
            found = self.store.find(kind, urllib.parse.parse_qsl(headers["If-None-Exist"].split("?")[-1]))
            if len(found) > 1:
                raise Refusal(412, "multiple-matches", "several resources match")
            if found:
                return self.told(200, found[0])
        return self.told(201, self.store.keep(f"{kind}/{uuid.uuid4()}", resource, "POST"), created=True)

    def update(self, kind, identity, resource, headers):
        place = f"{kind}/{identity}"
        if resource.get("resourceType") != kind or resource.get("id") != identity:
            raise Refusal(400, "invalid", "the body is not of this type and id")
        history = self.store.versions.get(place, [])
        if headers.get("If-None-Match") == "*" and history and history[-1][0] is not None:
            raise Refusal(412, "conflict", "the resource is there")
        if "If-Match" in headers and headers["If-Match"] != f'W/"{len(history)}"':
            raise Refusal(412, "conflict", "this is not the current version")
        is_new = not history or history[-1][0] is None
        return self.told(201 if is_new else 200, self.store.keep(place, resource, "PUT"), created=is_new)

    def delete(self, place):
        if self.store.versions.get(place, [(None,)])[-1][0] is not None:
            self.store.keep(place, None, "DELETE")
        return Reply(204)

    def conditional(self, method, kind, pairs, headers, body):
        if not pairs:
            raise Refusal(400, "required", "what is looked for is not said")
        found = self.store.find(kind, pairs)
        if len(found) > 1:
            raise Refusal(412, "multiple-matches", "several resources match")
        if method == "DELETE":
            return self.delete(f"{kind}/{found[0]['id']}") if found else Reply(204)
        return self.update(kind, found[0]["id"], {**body, "id": found[0]["id"]}, headers) if found else self.create(kind, body, {})

    def bundle(self, kind, resources, path, mode=None):
        entries = [{"fullUrl": f"{self.base}/{r['resourceType']}/{r['id']}", "resource": r, **({"search": {"mode": mode}} if mode else {})} for r in resources]
        return Reply(200, {"resourceType": "Bundle", "id": str(uuid.uuid4()), "type": kind, "total": len(entries), "link": [{"relation": "self", "url": f"{self.base}/{path}"}], **({"entry": entries} if entries else {})})

    def history(self, prefix, path):
        if "/" in prefix and prefix not in self.store.versions:
            raise Refusal(404, "not-found", "there is no such resource")
        reply = self.bundle("history", [], path)
        for place, number in reversed(self.store.order):
            if place == prefix or place.startswith(prefix + "/") or not prefix:
                resource, when, method = self.store.versions[place][number - 1]
                status = "204" if resource is None else "201" if number == 1 else "200"
                reply.resource.setdefault("entry", []).append({"fullUrl": f"{self.base}/{place}", **({"resource": resource} if resource else {}), "request": {"method": method, "url": place},
                                                               "response": {"status": status, "etag": f'W/"{number}"', "lastModified": when.isoformat(timespec="milliseconds").replace("+00:00", "Z")}})
        reply.resource["total"] = len(reply.resource.get("entry", []))
        return reply

    def capabilities(self):
        return Reply(200, {"resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "instance", "fhirVersion": "4.0.1", "format": ["json", "xml"],
                           "implementation": {"description": "another server"}, "rest": [{"mode": "server", "resource": [{"type": kind, "interaction": [{"code": c} for c in (
                               "read", "vread", "update", "delete", "history-instance", "create", "search-type")]} for kind in sorted(TYPES)]}]})

    # ---- bundles -----------------------------------------------------------------------------------------------------

    def entry(self, entry, places):
        request = entry.get("request")
        if not request or not {"method", "url"} <= set(request):
            raise Refusal(400, "invalid", "an entry without a request")
        resource = json.loads(re.sub(r'"(urn:uuid:[^"]*)"', lambda m: json.dumps(places.get(m.group(1), m.group(1))), json.dumps(entry.get("resource"))))
        headers = {name: request[key] for key, name in (("ifMatch", "If-Match"), ("ifNoneExist", "If-None-Exist"), ("ifNoneMatch", "If-None-Match")) if key in request}
        if request["method"] == "POST" and entry.get("fullUrl") in places and "If-None-Exist" not in headers:
            kind, identity = places[entry["fullUrl"]].split("/")
            return self.told(201, self.store.keep(f"{kind}/{identity}", resource, "POST"), created=True)
        return self.serve(request["method"], request["url"], headers, resource)

    def many(self, bundle):
        if bundle.get("resourceType") != "Bundle" or bundle.get("type") not in ("batch", "transaction"):
            raise Refusal(400, "invalid", "a batch or a transaction was expected")
        whole = bundle["type"] == "transaction"
        entries, places, answers = bundle.get("entry", []), {}, {}
        before = (copy.deepcopy(self.store.versions), list(self.store.order))
        for entry in entries if whole else []:
            if entry.get("request", {}).get("method") == "POST" and entry.get("fullUrl", "").startswith("urn:uuid:"):
                places[entry["fullUrl"]] = f"{entry['request']['url']}/{uuid.uuid4()}"
        rank = {"DELETE": 0, "POST": 1, "PUT": 2, "GET": 3, "HEAD": 3}
        for number, entry in sorted(enumerate(entries), key=lambda e: rank.get(e[1].get("request", {}).get("method"), 3) if whole else e[0]):
            try:
                reply = self.entry(entry, places)
            except Refusal as refusal:
                if whole:
                    self.store.versions, self.store.order = before
                    raise
                reply = Reply(refusal.status, outcome("error", refusal.code, refusal.words))
            response = {"status": str(reply.status), **{key: reply.headers[name] for key, name in (("location", "Location"), ("etag", "ETag")) if name in reply.headers}}
            if reply.status >= 400:
                response["outcome"] = reply.resource
            answers[number] = {**({"resource": reply.resource} if reply.resource and reply.status < 400 else {}), "response": response}
        return Reply(200, {"resourceType": "Bundle", "type": bundle["type"] + "-response", **({"entry": [answers[i] for i in sorted(answers)]} if answers else {})})

    # ---- which it is -------------------------------------------------------------------------------------------------

    def serve(self, method, url, headers, body):
        path, _, query = url.partition("?")
        words = [urllib.parse.unquote(w) for w in path.split("/") if w]
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
        if method == "HEAD":
            method = "GET"
        if not words:
            return self.many(body) if method == "POST" else self.refuse(405)
        if words == ["metadata"]:
            return self.capabilities() if method == "GET" else self.refuse(405)
        if words == ["_history"] and method == "GET":
            return self.history("", url)
        kind, rest = words[0], words[1:]
        if kind not in TYPES:
            raise Refusal(404, "not-supported", "no such type here")
        if not rest and method == "POST":
            return self.create(kind, body, headers)
        if (not rest and method == "GET") or (rest == ["_search"] and method == "POST"):
            return self.bundle("searchset", self.store.find(kind, pairs + (body if rest else [])), url, "match")
        if rest == ["_history"] and method == "GET":
            return self.history(kind, url)
        if not rest and method in ("PUT", "DELETE"):
            return self.conditional(method, kind, pairs, headers, body)
        if not rest or not ID.fullmatch(rest[0]) or rest[0].startswith("$"):
            raise Refusal(404, "not-supported", "not served here")
        place = f"{kind}/{rest[0]}"
        if len(rest) == 1:
            return {"GET": lambda: self.read(place, headers), "PUT": lambda: self.update(kind, rest[0], body, headers),
                    "DELETE": lambda: self.delete(place)}.get(method, lambda: self.refuse(405))()
        if rest[1] == "_history" and method == "GET":
            return self.version(place, rest[2]) if len(rest) == 3 else self.history(place, url)
        return self.refuse(404)

    @staticmethod
    def refuse(status):
        raise Refusal(status, "not-supported", "not served here")

    def answer(self, method, url, headers, raw):
        kind = headers.get("Content-Type", "").split(";")[0]
        try:
            if raw and kind not in ("application/fhir+json", "application/json", "application/x-www-form-urlencoded"):
                raise Refusal(415, "not-supported", "JSON is understood here")
            if kind == "application/x-www-form-urlencoded":
                body = urllib.parse.parse_qsl(raw.decode())
            else:
                try:
                    body = json.loads(raw) if raw else {}
                except ValueError:
                    raise Refusal(400, "structure", "this is no JSON") from None
            with self.lock:
                return self.serve(method, url, headers, body)
        except Refusal as refusal:
            return Reply(refusal.status, outcome("error", refusal.code, refusal.words))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def respond(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        other = self.server.other
        if self.path.split("?")[0].rstrip("/") != "/fhir" and not self.path.startswith("/fhir/"):
            reply = Reply(404, outcome("error", "not-found", "the base is /fhir"))
        else:
            reply = other.answer(self.command, self.path.removeprefix("/fhir").lstrip("/"), {k.title() if k.title() != "Etag" else "ETag": v for k, v in self.headers.items()}, raw)
        wants_minimal = "return=minimal" in self.headers.get("Prefer", "") and reply.status in (200, 201) and self.command in ("POST", "PUT")
        is_xml = "xml" in self.headers.get("Accept", "")
        text = "" if reply.resource is None or wants_minimal else json.dumps(reply.resource, ensure_ascii=False)
        content = (to_xml(text) if text and is_xml else text).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if content:
            self.send_header("Content-Type", "application/fhir+xml" if is_xml else "application/fhir+json")
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and reply.status not in (204, 304):
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = respond

    def log_message(self, *_):
        pass


def serve(handler, **attributes):
    """A server on a free port of this machine, in threads of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    for name, value in attributes.items():
        setattr(server, name, value)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def start():
    """The server; `server_port` says where."""
    other = Other()
    server = serve(Handler, other=other)
    other.base = f"http://127.0.0.1:{server.server_port}/fhir"
    return server
