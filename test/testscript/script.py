"""Executes one TestScript (https://hl7.org/fhir/R4/testscript.html) against a server: fixtures, variables, setup, tests with
operations and assertions, teardown. What a script asks for and this does not know is an error, never a pass."""
import base64
import json
import re
import urllib.parse

from expression import find, is_true, value_of
from node import from_json, from_xml, to_xml

FHIR_TYPE = {"json": "application/fhir+json", "xml": "application/fhir+xml"}
METHODS = {"read": "GET", "vread": "GET", "search": "GET", "history": "GET", "capabilities": "GET", "create": "POST", "batch": "POST", "transaction": "POST",
           "update": "PUT", "updateCreate": "PUT", "patch": "PATCH", "delete": "DELETE", "deleteCondSingle": "DELETE", "deleteCondMultiple": "DELETE"}
RESPONSES = {"okay": (200,), "created": (201,), "noContent": (204,), "notModified": (304,), "bad": (400,), "forbidden": (403,), "notFound": (404,),
             "methodNotAllowed": (405,), "conflict": (409,), "gone": (410,), "preconditionFailed": (412,), "unprocessable": (422,)}


class Failure(Exception):
    """An assertion that does not hold."""


class Exchange:
    """A request and what came back."""

    def __init__(self, method, url, headers, body, answer):
        self.method, self.url, self.headers, self.body, self.answer = method, url, headers, body, answer
        self.documents = {}

    def header(self, name, direction):
        if direction == "request":
            return next((v for k, v in self.headers.items() if k.lower() == name.lower()), None)
        return self.answer.headers.get(name)

    def document(self, direction):
        if direction not in self.documents:
            self.documents[direction] = self.read(direction)
        return self.documents[direction]

    def read(self, direction):
        raw = self.body if direction == "request" else self.answer.raw
        kind = self.header("Content-Type", direction) or ""
        text = raw.decode() if isinstance(raw, bytes) else raw or ""
        if not text:
            raise Failure("there is no body")
        return from_xml(text) if "xml" in kind else from_json(text)


class Script:
    """`sends` and `reads` are the formats of bodies sent and asked for: a script names neither."""

    def __init__(self, resource, client, sends, reads):
        self.resource, self.client, self.sends, self.reads = resource, client, sends, reads
        contained = {c["id"]: c for c in resource.get("contained", [])}
        self.fixtures = {f["id"]: contained[f["resource"]["reference"][1:]] for f in resource.get("fixture", [])}
        self.exchanges, self.last = {}, None
        self.prefix = client.prefix

    # ---- variables ---------------------------------------------------------------------------------------------------

    def variable(self, name):
        row = next((v for v in self.resource.get("variable", []) if v["name"] == name), None)
        if row is None:
            raise ValueError(f"no variable {name}")
        if "sourceId" in row and row["sourceId"] not in self.exchanges and "defaultValue" not in row:
            raise Failure(f"variable {name}: nothing came back for {row['sourceId']}")
        if "headerField" in row:
            value = self.exchanges[row["sourceId"]].header(row["headerField"], "response")
            if value is None:
                raise Failure(f"variable {name}: no header {row['headerField']}")
            return value
        if "expression" in row and row["sourceId"] in self.exchanges:
            items = find(row["expression"], self.exchanges[row["sourceId"]].document("response"))
            if not items:
                raise Failure(f"variable {name}: {row['expression']} is empty")
            return value_of(items[0])
        return row["defaultValue"]

    def filled(self, text):
        return re.sub(r"\$\{([\w-]+)\}", lambda m: self.variable(m.group(1)), text)

    # ---- operations --------------------------------------------------------------------------------------------------

    def url_of(self, operation, code):
        if "url" in operation:
            return self.filled(operation["url"])
        path = operation.get("resource", "")
        if "targetId" in operation:
            node = self.exchanges[operation["targetId"]].document("response")
            identity = next(c.value for c in node.children if c.name == "id")
            path = f"{node.resource_type}/{identity}"
            if code in ("vread", "history"):
                path += "/_history"
        return path + self.filled(operation.get("params", ""))

    def body_of(self, operation):
        """The body and its type: FHIR in the format of this run; a fixture raw-... is a Binary with the body as it stands."""
        if "sourceId" not in operation:
            return None, None
        fixture = self.fixtures[operation["sourceId"]]
        given = operation.get("contentType")
        if fixture["id"].startswith("raw-"):
            return self.filled(base64.b64decode(fixture["data"]).decode()), given or fixture["contentType"]
        text = self.filled(json.dumps({k: v for k, v in fixture.items() if k != "id" or not v.startswith("fixture-")}, ensure_ascii=False))
        form = "xml" if "xml" in (given or self.sends) else "json"
        return to_xml(text) if form == "xml" else text, given or FHIR_TYPE[form]

    def operate(self, operation):
        code = operation.get("type", {}).get("code", "")
        method = operation.get("method", METHODS.get(code, "")).upper()
        if not method:
            raise ValueError(f"operation {code} without a method")
        body, content_type = self.body_of(operation)
        headers = {"Accept": operation.get("accept") or FHIR_TYPE[self.reads]}
        if content_type:
            headers["Content-Type"] = content_type
        for header in operation.get("requestHeader", []):
            headers[header["field"]] = self.filled(header["value"])
        url = self.url_of(operation, code)
        path = urllib.parse.urlsplit(url).path.removeprefix(self.prefix + "/") + ("?" + urllib.parse.urlsplit(url).query if "?" in url else "") if url.startswith("http") else url
        if operation.get("encodeRequestUrl", True):
            path = urllib.parse.quote(path, safe="/?&=:,|$*%+;@_.~-!'()#")
        if method == "POST" and "params" in operation and "_search" in operation.get("url", operation.get("resource", "")):
            raise ValueError("a form is sent as a Binary")
        answer = self.client.send(method, path, body, headers)
        self.last = Exchange(method, path, headers, body, answer)
        for name in ("responseId", "requestId"):
            if name in operation:
                self.exchanges[operation[name]] = self.last

    # ---- assertions --------------------------------------------------------------------------------------------------

    def subject(self, assertion):
        source = assertion.get("sourceId")
        if source is None:
            return self.last
        if source not in self.exchanges:
            raise Failure(f"nothing came back for {source}")
        return self.exchanges[source]

    def check(self, assertion):
        exchange, direction = self.subject(assertion), assertion.get("direction", "response")
        checks = [name for name in CHECKS if name in assertion]
        if not checks:
            raise ValueError("an assertion without anything known to assert")
        for name in checks:
            CHECKS[name](self, assertion, exchange, direction)
        contrary = contrary_of(assertion)
        for name in [n for n in CHECKS if contrary and n in contrary]:
            try:
                CHECKS[name](self, contrary, exchange, direction)
            except Failure:
                continue
            raise Failure("the assertion holds, and so does its contrary")

    def compare(self, assertion, actual, wanted):
        operator = assertion.get("operator", "equals")
        holds = OPERATORS[operator](actual, wanted)
        if not holds:
            raise Failure(f"{actual!r} is not {operator} {wanted!r}")

    def check_response(self, assertion, exchange, _):
        if exchange.answer.status not in RESPONSES[assertion["response"]]:
            raise Failure(f"answered {exchange.answer.status}, not {assertion['response']}")

    def check_response_code(self, assertion, exchange, _):
        self.compare({"operator": "in", **assertion}, str(exchange.answer.status), assertion["responseCode"])

    def check_header(self, assertion, exchange, direction):
        value = exchange.header(assertion["headerField"], direction)
        self.compare(assertion, value, self.filled(assertion.get("value", "")))

    def check_content_type(self, assertion, exchange, direction):
        kind = (exchange.header("Content-Type", direction) or "").split(";")[0].strip()
        if kind != assertion["contentType"]:
            raise Failure(f"the content type is {kind!r}")

    def check_resource(self, assertion, exchange, direction):
        kind = exchange.document(direction).resource_type
        if kind != assertion["resource"]:
            raise Failure(f"the body is a {kind}")

    def check_expression(self, assertion, exchange, direction):
        items = find(self.filled(assertion["expression"]), exchange.document(direction))
        if "compareToSourceExpression" in assertion:
            other = self.exchanges[assertion["compareToSourceId"]].document("response")
            self.compare(assertion, value_of(items[0]) if items else None, value_of(find(assertion["compareToSourceExpression"], other)[0]))
        elif "value" in assertion or assertion.get("operator") in ("empty", "notEmpty"):
            self.compare(assertion, value_of(items[0]) if items else None, self.filled(assertion.get("value", "")))
        elif not is_true(items):
            raise Failure(f"{assertion['expression']} is not true")

    def check_minimum(self, assertion, exchange, direction):
        wanted = from_json(self.filled(json.dumps(self.fixtures[assertion["minimumId"]])))
        missing = lacking(wanted, exchange.document(direction), wanted.resource_type)
        if missing:
            raise Failure(f"{missing} is not in the body")

    def check_navigation(self, assertion, exchange, direction):
        bundle = exchange.document(direction)
        relations = [value_of(i) for i in find("Bundle.link.relation", bundle)]
        if assertion["navigationLinks"] and not {"self"} <= set(relations):
            raise Failure(f"links are {relations}")
        for url in find("Bundle.link.url", bundle):
            if not value_of(url).startswith("http"):
                raise Failure("a link is not absolute")

    def check_method(self, assertion, exchange, _):
        self.compare(assertion, exchange.method, assertion["requestMethod"].upper())

    def check_url(self, assertion, exchange, _):
        self.compare(assertion, exchange.url, self.filled(assertion["requestURL"]))

    # ---- running -----------------------------------------------------------------------------------------------------

    def act(self, actions):
        for number, action in enumerate(actions):
            try:
                if "operation" in action:
                    self.operate(action["operation"])
                else:
                    self.check(action["assert"])
            except (Failure, ValueError, KeyError, SyntaxError) as problem:
                about = action.get("assert", action.get("operation", {}))
                answer = self.last and self.last.answer
                raise Failure(f"action {number + 1} ({about.get('description', '')}): {problem!s}; {self.last and self.last.method} {self.last and self.last.url} -> {answer!r}") from problem

    def run(self):
        """Yields (test's name, None or what went wrong)."""
        try:
            self.act(self.resource.get("setup", {}).get("action", []))
        except Failure as failure:
            yield "setup", failure
            return
        for test in self.resource["test"]:
            try:
                self.act(test["action"])
                yield test["name"], None
            except Failure as failure:
                yield test["name"], failure
        for action in self.resource.get("teardown", {}).get("action", []):
            self.operate(action["operation"])


def contrary_of(assertion):
    """What must not hold where the assertion holds: an assertion that nothing can fail is worth nothing."""
    made = {**assertion, "operator": CONTRARY.get(assertion.get("operator", "in" if "responseCode" in assertion else "equals"))}
    if "expression" in assertion and "value" not in assertion and assertion.get("operator") is None and "compareToSourceExpression" not in assertion:
        return {**assertion, "expression": f"({assertion['expression']}).not()"}
    if made["operator"] and any(name in assertion for name in ("responseCode", "headerField", "expression", "requestURL", "requestMethod")):
        return made
    return {**assertion, "resource": "Unicorn"} if "resource" in assertion else {**assertion, "contentType": "text/none"} if "contentType" in assertion else None


CONTRARY = {"equals": "notEquals", "notEquals": "equals", "in": "notIn", "notIn": "in", "empty": "notEmpty", "notEmpty": "empty", "contains": "notContains", "notContains": "contains"}


def lacking(wanted, actual, path):
    """The first element of `wanted` that `actual` does not have."""
    if wanted.value is not None and wanted.value != actual.value:
        return path
    for child in wanted.children:
        if child.name == "id" and wanted.resource_type:
            continue
        candidates = [c for c in actual.children if c.name == child.name]
        if not any(lacking(child, c, "") is None for c in candidates):
            return f"{path}.{child.name}"
    return None


CHECKS = {"response": Script.check_response, "responseCode": Script.check_response_code, "headerField": Script.check_header,
          "contentType": Script.check_content_type, "resource": Script.check_resource, "expression": Script.check_expression,
          "minimumId": Script.check_minimum, "navigationLinks": Script.check_navigation, "requestMethod": Script.check_method, "requestURL": Script.check_url}

OPERATORS = {
    "equals": lambda a, w: a == w,
    "notEquals": lambda a, w: a != w,
    "in": lambda a, w: a in [part.strip() for part in w.split(",")],
    "notIn": lambda a, w: a not in [part.strip() for part in w.split(",")],
    "greaterThan": lambda a, w: a is not None and float(a) > float(w),
    "lessThan": lambda a, w: a is not None and float(a) < float(w),
    "empty": lambda a, w: not a,
    "notEmpty": lambda a, w: bool(a),
    "contains": lambda a, w: a is not None and w in a,
    "notContains": lambda a, w: a is None or w not in a,
}
