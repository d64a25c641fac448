"""The documents against the tree: links lead somewhere, named files, options, functions and tests exist, and the README's figures are those of
the cards and of the simulated year."""
import json
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "regions/README.md", "web/README.md", "test/cases/scores/README.md",
             *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md"))]
SOURCES = ("src/**/*.[ch]", "tools/**/*", "test/bench/*", "test/soak/*", "test/*/run", "test/unit/**/*.c", "dev", "web/build.mjs", "src/**/*.cmake", "CMakeLists.txt",
           "cmake/*")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def sources():
    out = []
    for pattern in SOURCES:
        for path in ROOT.glob(pattern):
            if path.is_file() and path.suffix != ".md" and "node_modules" not in path.parts:
                out.append(path.read_text(encoding="utf-8", errors="replace"))
    return "\n".join(out)


def anchors(text):
    """GitHub's names of a document's headings."""
    return {re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-") for line in text.splitlines() if line.startswith("#")}


def quoted(text):
    return re.findall(r"`([^`\n]+)`", text)


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for name in DOCUMENTS:
            for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", read(name)):
                target = target[0] or target[1]
                if target.startswith("http"):
                    continue
                file, _, anchor = target.partition("#")
                path = (ROOT / name).parent / file if file else ROOT / name
                with self.subTest(document=name, link=target):
                    self.assertTrue(path.exists())
                    if anchor:
                        self.assertTrue(anchor in anchors(path.read_text(encoding="utf-8")), "no such heading")

    def test_named_files_exist(self):
        for name in DOCUMENTS:
            for token in quoted(read(name)):
                if not re.fullmatch(r"(src|test|tools|docs|regions|web|models)/[\w./*-]*", token) or re.search(r"[A-Z]{3,}/|/[A-Z]{3,}|-N\.|dist", token):
                    continue
                with self.subTest(document=name, path=token):
                    self.assertTrue(list(ROOT.glob(token.rstrip("/"))) or list((ROOT / name).parent.glob(token.rstrip("/"))))

    def test_named_options_exist(self):
        known = set(re.findall(r"--[a-z][a-z-]+", sources()))
        for name in DOCUMENTS:
            text = read(name)
            said = [*quoted(text), *(line for line in text.splitlines() if line.startswith("    "))]
            for option in {o for token in said for o in re.findall(r"(?<![\w-])--[a-z][a-z-]+", token)}:
                with self.subTest(document=name, option=option):
                    self.assertTrue(option in known)

    def test_named_functions_and_tests_exist(self):
        code = set(re.findall(r"\w+", sources()))
        units = list((ROOT / "test/unit").glob("*/*_test.c"))
        built = {p.stem for p in units} | {f"{p.parent.name}_{p.stem}" for p in units} | {p.stem for p in (ROOT / "test").glob("*/*_test.py")}
        for name in DOCUMENTS:
            for token in quoted(read(name)):
                if re.fullmatch(r"[a-z]+_[a-z0-9_]+_test", token) or re.fullmatch(r"[a-z]+_test", token):
                    with self.subTest(document=name, test=token):
                        self.assertTrue(token in built)
                elif re.fullmatch(r"(?:base|fhir|fhirpath|store|http|terminology|validate|search|records|triage|region|referral|planning)_[a-z_]+", token):
                    with self.subTest(document=name, function=token):
                        self.assertTrue(token in code)

    def test_subcommands_exist(self):
        rows = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "src/cli").glob("*.c"))
        for name in DOCUMENTS:
            for command in {c for token in quoted(read(name)) for c in re.findall(r"^soyang ([a-z]+)", token)}:
                with self.subTest(document=name, command=command):
                    self.assertTrue(re.search(rf'"{command}[" ]', rows))

    def test_parameters_of_operations_are_told(self):
        told = set(quoted(read("docs/api.md")))
        for path in sorted((ROOT / "src/referral").glob("operation_*.c")) + [ROOT / "src/referral/intake.c"]:
            text = path.read_text(encoding="utf-8")
            taken = [name for names in re.findall(r"\bnames\[\] = \{([^}]*)\}", text) for name in re.findall(r'"([a-z-]+)"', names)]
            given = re.findall(r'fhir_parameter_[a-z]+\(&?w, "([a-z-]+)"', text)
            for name in sorted({*taken, *given}):
                with self.subTest(source=path.name, parameter=name):
                    self.assertTrue(name in told)

    def test_operation_definitions_tell_what_operations_take_and_give(self):
        def names(parameters):
            return {p["name"] for p in parameters} | {n for p in parameters for n in names(p.get("part", []))}
        for source, operation in (("triage", "triage"), ("rank", "rank-places"), ("send", "send"), ("consult", "consult"), ("surge", "surge"),
                                  ("summary", "referral-summary"), ("trust", "trust")):
            text = read(f"src/referral/operation_{source}.c") + (read("src/referral/intake.c") if source == "triage" else "")
            parameters = json.loads(read(f"regions/korea/definitions/OperationDefinition-{operation}.json"))["parameter"]
            taken = {name for found in re.findall(r"\bnames\[\] = \{([^}]*)\}", text) for name in re.findall(r'"([a-z-]+)"', found)}
            given = set(re.findall(r'fhir_parameter_[a-z]+\(&?w, "([a-z-]+)"', text))
            with self.subTest(operation=operation):
                self.assertEqual(set(), taken - {p["name"] for p in parameters if p["use"] == "in"})
                self.assertEqual(set(), given - names([p for p in parameters if p["use"] == "out"]))

    def test_definitions_follow_from_their_tables(self):
        run = subprocess.run([sys.executable, ROOT / "tools/referral/definitions.py", "--check"], capture_output=True, text=True)
        self.assertEqual(0, run.returncode, run.stdout)

    def test_modules_are_those_of_the_layers(self):
        layers = {line.split(":")[0] for line in read("src/layers").splitlines() if line and not line.startswith("#")}
        folders = {p.name for p in (ROOT / "src").iterdir() if p.is_dir()}
        self.assertLessEqual(folders, layers)
        for module in layers:
            with self.subTest(module=module):
                self.assertTrue(module in read("ARCHITECTURE.md"))


class Figures(unittest.TestCase):
    def test_missed_goals_of_the_cards_stand_in_the_readme(self):
        readme, missed = read("README.md"), 0
        lines = [line for line in readme.splitlines() if "missed" in line]
        for path in sorted((ROOT / "docs/models").glob("*.json")):
            for goal in json.loads(path.read_text(encoding="utf-8")).get("goals", []):
                if goal["met"]:
                    continue
                missed += 1
                reached = goal["reached"]
                forms = [f"{reached:.0f} of"] if reached > 1 else [f"{reached:.{n}f}".lstrip("0") for n in (2, 3, 4)]
                with self.subTest(card=path.stem, goal=goal["what"]):
                    self.assertTrue(any(form in line for form in forms for line in lines), f"{forms} in no line of the README that says missed")
        words = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
        self.assertTrue(f"{words[missed]} of the models'" in readme, f"the cards miss {missed} goals")

    def test_the_simulated_year_is_the_same_everywhere(self):
        page, readme, changes = read("docs/simulation.md"), read("README.md"), read("CHANGELOG.md")
        share = re.search(r"\| gap closed, % \| (\d+) (\[\d+, \d+\])", page)
        self.assertTrue(f"{share[1]} % {share[2]}" in readme, f"{share[1]} % {share[2]}")
        self.assertTrue(f"({share[1]} %; goal 50)" in changes, f"({share[1]} %; goal 50)")
        for policy in ("soyang", "memory"):
            row = re.search(rf"^\| {policy} \| ([\d.]+) \[[^|]*\| ([\d.]+) ", page, re.M)
            self.assertTrue(row[1] in readme, row[1])
            self.assertTrue(f"{row[2]} %" in readme, f"{row[2]} %")
        for line in read("regions/gangwon/simulation.sha256").splitlines():
            self.assertTrue(line.split()[0] in page, line.split()[0])

    def test_counts_of_the_region_are_those_of_its_files(self):
        def rows(name):
            return read(f"regions/gangwon/{name}.csv").rstrip("\n").split("\n")[1:]
        changes = read("CHANGELOG.md")
        for count, what in ((len(rows("places")), "hospitals"), (len(rows("posts")), "public health posts"), (len(rows("districts")), "districts")):
            self.assertTrue(f"{count} {what}" in changes, f"{count} {what}")


if __name__ == "__main__":
    unittest.main()
