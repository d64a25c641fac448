"""Synthea's patients, cloned: each clone with ids of its own, so that every one is a patient with their own record."""
import bz2
import json
import pathlib
import re

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CONDITIONAL = re.compile(r'"(Practitioner|Organization|Location)\?identifier=([^"|]*)\|([^"]*)"')
NUMBERS = re.compile(r'"(999-\d\d-\d{4}|S999\d{5}|X\d{8}X)"')  # of the Patient's social security number, licence and passport


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Record:
    """The resources of one patient (or of the hospitals, the practitioners): text cut at what differs from clone to clone."""

    def __init__(self, name, lines, own, numbers=False):
        self.name, self.count = name, len(lines)
        pattern = re.compile(f"{UUID.pattern}|{NUMBERS.pattern}" if numbers else UUID.pattern)
        self.pieces, self.places = [], []
        at, text = 0, "\n".join(lines) + "\n"
        for found in pattern.finditer(text):
            if found[0] in own or found[0][0] == '"':
                self.pieces += [text[at:found.start()], found[0]]
                self.places.append(len(self.pieces) - 1)
                at = found.end()
        self.pieces.append(text[at:])

    def clone(self, number):
        if number == 0:
            return "".join(self.pieces)
        pieces, known, mask = self.pieces.copy(), {}, number * 0x9E3779B1 & 0xFFFFFFFF
        for place in self.places:
            old = pieces[place]
            new = known.get(old)
            if new is None:
                new = known[old] = (f'"{number:05d}{old[6:]}' if old[0] == '"' else f"{int(old[:8], 16) ^ mask:08x}{old[8:]}")
            pieces[place] = new
        return "".join(pieces)


class Synthea:
    def __init__(self, shared):
        folder = pathlib.Path(shared) / "data/fhir/synthea"
        self.patients, self.shared_lines, identifiers = [], [], {}
        raw = {path.name: json.loads(bz2.open(path, "rt").read()) for path in sorted(folder.glob("*.bz2"))}
        if not raw:
            raise SystemExit(f"skipped: no {folder}")
        for name, bundle in raw.items():
            if name.startswith("0-"):
                for entry in bundle["entry"]:
                    resource = entry["resource"]
                    for identifier in resource.get("identifier", []):
                        identifiers[(resource["resourceType"], identifier.get("system"), identifier["value"])] = resource["id"]
        self.hospitals = [compact(entry["resource"]) for name, bundle in raw.items() if name.startswith("0-") for entry in bundle["entry"]]
        self.hospitals = [self.settle(line, identifiers) for line in self.hospitals]
        self.bundles = {name: bundle for name, bundle in raw.items() if not name.startswith("0-")}
        for name, bundle in self.bundles.items():
            own = {entry["resource"]["id"] for entry in bundle["entry"]}
            types = {entry["fullUrl"]: f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in bundle["entry"]}
            lines = []
            for entry in bundle["entry"]:
                line = self.settle(compact(entry["resource"]), identifiers)
                lines.append(re.sub(r'"reference":"(urn:uuid:[^"]*)"', lambda found: f'"reference":"{types[found[1]]}"', line))
            self.patients.append(Record(name, lines, own, numbers=True))
        self.patients_count = sum(patient.count for patient in self.patients)

    @staticmethod
    def settle(line, identifiers):
        """Conditional references become those to the ids that the hospitals and practitioners have."""

        def target(found):
            resource_id = identifiers.get((found[1], found[2], found[3]))
            return f'"{found[1]}/{resource_id}"' if resource_id else found[0].replace("?identifier=", "/").split("|")[0] + '/unknown"'

        return CONDITIONAL.sub(target, line)

    def clones(self):
        """(clone number, Record) without end."""
        number = 0
        while True:
            for patient in self.patients:
                yield number, patient
            number += 1

    def write_ndjson(self, path, resources, progress=None):
        """Exactly so many resources: the last patient's record may end early. Returns the bytes written."""
        left = resources
        with open(path, "w", encoding="utf-8", buffering=1 << 22) as file:
            lines = self.hospitals[:left]
            file.write("".join(line + "\n" for line in lines))
            left -= len(lines)
            for number, patient in self.clones():
                if left == 0:
                    break
                text = patient.clone(number)
                if patient.count > left:
                    text = "".join(line + "\n" for line in text.split("\n")[:left])
                file.write(text)
                left -= min(left, patient.count)
                if progress:
                    progress(resources - left)
            return file.tell()
