"""soyang triage batch and calibrate, with made-up rows and made-up models."""
import csv
import gzip
import io
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
from soyang_server import PROGRAM  # noqa: E402
from triage_reader_test import made_up_models  # noqa: E402

KTAS = ["Group", "Sex", "Age", "Patients number per hour", "Arrival mode", "Injury", "Chief_complain", "Mental", "Pain", "NRS_pain", "SBP", "DBP",
        "HR", "RR", "BT", "Saturation", "KTAS_RN", "Diagnosis in ED", "Disposition", "KTAS_expert", "Error_group", "Length of stay_min",
        "KTAS duration_min", "mistriage"]
KTAS_AFTER = KTAS[17:]
KTAS_OUT = ["row", "human_level", "floor_level", "final_level", "p_level_1_2", "p_undertriage", "p_disposition", "abstained"]
ODD = ["", " ", "#N/A", "#BO\u00de!", "??", "abc", "-1", "1e9", "36,6,6", "NaN", "inf", "9" * 400, '""', "0x10", "\u0661"]


def ktas_row(r):
    return ["2", r.choice("12"), str(r.randint(16, 95)), str(r.randint(1, 17)), r.choice("1234567"), r.choice("12"),
            r.choice(["abd pain", "dizziness", "두통", "chest pain"]), r.choice("11112"), r.choice("01"), r.choice(["3", "#BO\u00de!"]),
            str(r.randint(80, 190)), str(r.randint(45, 79)), str(r.randint(50, 150)), str(r.randint(12, 30)), r.choice(["36,6", "38,9", "36"]),
            r.choice(["98", "", "91"]), r.choice("12345"), "x", r.choice("1234567"), r.choice("12345"), r.choice("0123"), "86", "5,00", "1"]


def text_of(header, rows, separator):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


class Batch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.models = made_up_models()
        if cls.models is None:
            raise unittest.SkipTest("skipped: triage_readers_test is not built beside the program")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="soyang-batch-"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.models, ignore_errors=True)
        shutil.rmtree(cls.folder, ignore_errors=True)

    def run_batch(self, form, content, name="in.csv", models=True):
        path = self.folder / name
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        chosen = ["--models", self.models] if models else []
        return subprocess.run([PROGRAM, "triage", "batch", "--format", form, *chosen, str(path)], capture_output=True, text=True)

    def rows_of(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        return list(csv.DictReader(io.StringIO(done.stdout)))

    def test_ktas(self):
        r = random.Random(1)
        rows = [ktas_row(r) for _ in range(200)]
        done = self.run_batch("ktas", text_of(KTAS, rows, ";"))
        self.assertEqual(done.stdout.splitlines()[0], ",".join(KTAS_OUT))
        out = self.rows_of(done)
        self.assertEqual([o["row"] for o in out], [str(n) for n in range(1, 201)])
        raised = 0
        for given, got in zip(rows, out):
            self.assertEqual(got["human_level"], given[16])
            self.assertLessEqual(int(got["final_level"]), int(got["human_level"]))
            if got["floor_level"]:
                self.assertLessEqual(int(got["final_level"]), int(got["floor_level"]))
            if got["abstained"] == "0":
                for name in ("p_level_1_2", "p_undertriage", "p_disposition"):
                    self.assertTrue(0 <= float(got[name]) <= 1)
            raised += got["final_level"] < got["human_level"]
        self.assertGreater(raised, 0)

    def test_outcomes_are_never_read(self):
        r = random.Random(2)
        rows = [ktas_row(r) for _ in range(120)]
        plain = self.run_batch("ktas", text_of(KTAS, rows, ";")).stdout
        shuffled, blank = [list(row) for row in rows], [list(row) for row in rows]
        for column in range(len(KTAS) - len(KTAS_AFTER), len(KTAS)):
            values = [row[column] for row in rows]
            r.shuffle(values)
            for n in range(len(rows)):
                shuffled[n][column] = values[n]
                blank[n][column] = ""
        absent = [row[:17] for row in rows]
        order = list(range(17))
        r.shuffle(order)
        for name, header, variant in (("shuffled", KTAS, shuffled), ("blank", KTAS, blank), ("absent", KTAS[:17], absent),
                                      ("reordered", [KTAS[i] for i in order], [[row[i] for i in order] for row in rows])):
            with self.subTest(name):
                self.assertEqual(self.run_batch("ktas", text_of(header, variant, ";")).stdout, plain)

    def test_odd_cells(self):
        """Whatever a cell holds: one line a row, a note, and never a level or probability that is none."""
        r = random.Random(3)
        rows = []
        for column in range(17):
            for odd in ODD:
                row = ktas_row(r)
                row[column] = odd
                rows.append(row)
        done = self.run_batch("ktas", text_of(KTAS, rows, ";"))
        out = self.rows_of(done)
        self.assertEqual(len(out), len(rows))
        for got in out:
            self.assertIn(got["abstained"], "01")
            self.assertIn(got["human_level"], ["", *"12345"])
            self.assertIn(got["final_level"], ["", *"12345"])
            self.assertNotIn("nan", ",".join(got.values()).lower())
        for column in ("Age", "SBP", "BT", "KTAS_RN", "Mental"):
            self.assertIn(column + ": ", done.stderr)
        self.assertNotIn("9" * 50, done.stderr)

    def test_broken_files(self):
        good = ktas_row(random.Random(4))
        for content in ("", "\n\n", "a;b;c\n1;2;3\n", "\x00\xff;\n"):
            self.assertEqual(self.run_batch("ktas", content).returncode, 1, content)
        ragged = ";".join(KTAS) + "\r\n" + ";".join(good) + "\r\n" + "1;2\r\n" + ";".join(good + ["more"]) + "\r\n" + 'x;"open\r\n'
        self.assertEqual(len(self.rows_of(self.run_batch("ktas", ragged))), 4)
        raw = text_of(KTAS, [good], ";").encode().replace(b"\xc3\x9e", b"\xde\xff") + b"\xff\xfe;\x00;1\n"
        self.assertEqual(len(self.rows_of(self.run_batch("ktas", raw))), 2)
        marked = "\ufeff" + text_of(KTAS, [good], ";")
        self.assertEqual(len(self.rows_of(self.run_batch("ktas", marked))), 1)

    # what, the change to a file of one row (header and cells), what stands on standard error, and what the row is like
    SLIPS = [
        ("digits behind a NUL", ("cell", "SBP", "98\x00junk"), "SBP: no number", "missing"),
        ("a NUL in the complaint", ("cell", "Chief_complain", "chest\x00pain"), "Chief_complain: not UTF-8 text", "missing"),
        ("full-width digits", ("cell", "SBP", "\uff11\uff12\uff10"), "SBP: no number", "missing"),
        ("twelve hundred", ("cell", "SBP", "1,200"), "SBP: no number", "missing"),
        ("a word for the sex", ("cell", "Sex", "\uc5ec"), "Sex: an unknown code", "missing"),
        ("sex 0", ("cell", "Sex", "0"), "Sex: an unknown code", "missing"),
        ("mind 0", ("cell", "Mental", "0"), "Mental: an unknown code", "missing"),
        ("arrival 0", ("cell", "Arrival mode", "0"), "Arrival mode: an unknown code", "missing"),
        ("a column twice", ("column", "SBP", "40"), "SBP: the column stands twice", "refused"),
        ("a column twice, in other letters", ("column", "s.b.p", "40"), "SBP: the column stands twice", "refused"),
        ("a column nobody looks at twice", ("column", "Group", "40"), "", "same"),
        ("UTF-16", ("file", lambda text: text.encode("utf-16")), "not UTF-8", "refused"),
        ("carriage returns alone", ("file", lambda text: text.replace("\n", "\r").encode()), "not with a carriage return alone", "refused"),
        ("no row", ("file", lambda text: text.split("\n")[0].encode() + b"\n"), "there is no row", "no row"),
    ]

    def test_slips_are_told(self):
        row = ktas_row(random.Random(9))
        row[1], row[4], row[6], row[7], row[10], row[11] = "1", "2", "chest pain", "1", "120", "70"
        same = self.run_batch("ktas", text_of(KTAS, [row], ";")).stdout
        for what, (kind, *change), told, like in self.SLIPS:
            with self.subTest(what):
                header, cells = list(KTAS), list(row)
                if kind == "cell":
                    cells[KTAS.index(change[0])] = change[1]
                if kind == "column":
                    header, cells = header + [change[0]], cells + [change[1]]
                content = text_of(header, [cells], ";")
                done = self.run_batch("ktas", change[0](content) if kind == "file" else content)
                self.assertIn(told, done.stderr)
                self.assertEqual(done.returncode, 1 if like == "refused" else 0, done.stderr)
                if like == "missing":
                    cells[KTAS.index(change[0])] = ""
                    same_as = self.run_batch("ktas", text_of(header, [cells], ";")).stdout
                else:
                    same_as = {"refused": "", "no row": ",".join(KTAS_OUT) + "\n"}.get(like, same)
                self.assertEqual(done.stdout, same_as)

    def test_a_stray_quote_swallows_no_row(self):
        """A quote that is never closed costs its own row; one behind a comma is no quote where cells end with `;`; one over two lines is read."""
        r = random.Random(10)
        rows = [ktas_row(r) for _ in range(250)]
        plain = self.run_batch("ktas", text_of(KTAS, rows, ";")).stdout.splitlines()
        lines = text_of(KTAS, rows, ";").splitlines()
        for n in (3, 60, 240):
            lines[n] = lines[n].replace(rows[n - 1][6], '"' + rows[n - 1][6], 1)
        done = self.run_batch("ktas", "\n".join(lines))
        self.assertIn("more or fewer cells than the header: not read (3 rows, first in row 3)", done.stderr)
        got = done.stdout.splitlines()
        self.assertEqual([i for i in range(len(plain)) if got[i] != plain[i]], [3, 60, 240])
        row = list(rows[0])
        for complaint, written in (('pain,"sharp', 'pain,"sharp'), ('pain', '"pa""in;"'), ("chest pain; and more", '"chest\npain; and more"')):
            row[6] = complaint
            asked = [";".join(KTAS), ";".join([*row[:6], written, *row[7:]]), *text_of(KTAS, rows[1:], ";").splitlines()[1:]]
            done = self.run_batch("ktas", "\n".join(asked))
            self.assertEqual(done.stdout.splitlines()[2:], plain[2:])
            self.assertTrue(done.stdout.splitlines()[1].startswith("1," + row[16]))

    def test_a_stray_quote_in_long_rows(self):
        """Rows of a megabyte: the lines that might belong to the quote are not read ahead without an end."""
        r = random.Random(12)
        rows = [ktas_row(r) for _ in range(20)]
        for row in rows:
            row[17] = "x" * 1000000
        plain = self.run_batch("ktas", text_of(KTAS, rows, ";")).stdout.splitlines()
        self.assertEqual(len(plain), 21)
        lines = text_of(KTAS, rows, ";").splitlines()
        lines[3] = lines[3].replace(rows[2][6], '"' + rows[2][6], 1)
        done = self.run_batch("ktas", "\n".join(lines))
        self.assertEqual(done.returncode, 0, done.stderr)
        got = done.stdout.splitlines()
        self.assertEqual([i for i in range(len(plain)) if got[i] != plain[i]], [3])

    def test_temperature_and_pressures_are_corrected_with_a_note(self):
        row = ktas_row(random.Random(5))
        row[10], row[11], row[14] = "70", "120", "98,6"
        done = self.run_batch("ktas", text_of(KTAS, [row], ";"))
        self.assertIn("systolic and diastolic pressure stood exchanged", done.stderr)
        self.assertIn("BT: the unit of temperature was converted", done.stderr)

    def test_without_models(self):
        out = self.rows_of(self.run_batch("nhamcs", "AGE,SEX,PULSE\n50,1,90\n", models=True))
        self.assertEqual(list(out[0]), ["row", "p_icu", "abstained"])
        self.assertEqual(out[0], {"row": "1", "p_icu": "", "abstained": "1"})

    def test_nhamcs_and_yale(self):
        header = "AGE,SEX,ARREMS,TEMPF,PULSE,RESPR,BPSYS,BPDIAS,POPCT,PAINSCALE,RFV1,ICU,ADMITHOS"
        rows = ["45,1,2,986,88,18,120,80,98,5,10500,1,1", "45,1,2,98.6,88,18,120,80,98,5,10500,0,0", "12,2,1,986,88,18,120,80,98,-8,10500,0,0",
                "-9,,,,,,,,,,,,", "70,2,1,-9,998,-9,998,998,-9,-8,x,,"]
        out = self.rows_of(self.run_batch("nhamcs", "\n".join([header, *rows]) + "\n", name="n.csv.gz"))
        self.assertEqual([o["abstained"] for o in out], ["0", "0", "1", "1", "1"])
        self.assertEqual(out[0]["p_icu"], out[1]["p_icu"])
        header = "age,gender,arrivalmode,esi,disposition,triage_vital_hr,triage_vital_sbp,triage_vital_dbp,triage_vital_rr,triage_vital_o2,triage_vital_temp,cc_chestpain,meds_x"
        rows = ["45,Male,Walk-in,1,Admit,88,120,70,18,98,98.6,1,9", "45,Male,Walk-in,5,Discharge,88,120,70,18,98,98.6,1,0", "NA,,,,,NA,NA,NA,NA,NA,NA,NA,NA"]
        out = self.rows_of(self.run_batch("yale", "\n".join([header, *rows]) + "\n", name="y.csv.gz"))
        self.assertEqual([o["abstained"] for o in out], ["0", "0", "1"])
        self.assertEqual(out[0]["p_admission"], out[1]["p_admission"])

    def test_rules_and_model_are_joined_in_the_chance_of_under_triage(self):
        """Of two rows that differ by what a rule of the floor asks for, the one it raises has at least the rules' own chance."""
        row = ktas_row(random.Random(7))
        row[2], row[6], row[7], row[10], row[11], row[12], row[16] = "60", "Blood Pressure, Low", "1", "70", "40", "110", "3"
        calm = [*row]
        calm[6], calm[10], calm[11], calm[12] = "Finger pain", "125", "75", "70"
        raised, plain = self.rows_of(self.run_batch("ktas", text_of(KTAS, [row, calm], ";"), models=False))
        self.assertLess(raised["floor_level"], raised["human_level"])
        self.assertEqual(plain["floor_level"], "")
        self.assertGreater(float(raised["p_undertriage"]), 0.7)
        self.assertLess(float(plain["p_undertriage"]), 0.5)

    def test_a_reason_counts_by_what_its_visits_are_like(self):
        """The committed models: a code that is rare takes its group's figures, one that is none takes none, and an absent column is told."""
        header = "AGE,SEX,ARREMS,TEMPF,PULSE,RESPR,BPSYS,BPDIAS,POPCT,RFV1"
        rows = [f"70,1,1,986,110,24,100,60,90,{code}" for code in ("58400", "19350", "14150", "-9", "")]
        out = [float(o["p_icu"]) for o in self.rows_of(self.run_batch("nhamcs", "\n".join([header, *rows]) + "\n", models=False))]
        self.assertGreater(out[0], 2 * out[1], "unresponsive against foot pain")
        self.assertGreater(out[2], out[1], "short of breath against foot pain")
        self.assertEqual(out[3], out[4], "no code")
        header = "age,gender,arrivalmode,triage_vital_hr,triage_vital_sbp,triage_vital_dbp,triage_vital_rr,triage_vital_o2,triage_vital_temp,cc_toepain,cc_stroke_alert"
        vitals = "70,Male,Car,88,120,70,18,98,98.6"
        out = [float(o["p_admission"]) for o in self.rows_of(self.run_batch("yale", "\n".join([header, vitals + ",1,0", vitals + ",0,1"]) + "\n", models=False))]
        self.assertGreater(out[1], out[0])

    def test_a_hospital_has_its_own_calibration(self):
        """The committed model of admission: the hospital that admits fewest is told least; one that it does not know counts as none; it moves
        no order of its own visits."""
        header = "age,gender,arrivalmode,triage_vital_hr,triage_vital_sbp,triage_vital_dbp,triage_vital_rr,triage_vital_o2,triage_vital_temp,dep_name"
        told = {}
        for site in ("A", "B", "C", "Z", ""):
            rows = [f"{age},Male,Car,{pulse},120,70,18,98,98.6,{site}" for age in (25, 45, 70, 85) for pulse in (70, 120)]
            done = self.run_batch("yale", "\n".join([header, *rows]) + "\n", models=False)
            told[site] = [float(o["p_admission"]) for o in self.rows_of(done)]
        self.assertEqual(told["Z"], told[""])
        for a, c, none in zip(told["A"], told["C"], told[""]):
            self.assertLess(c, none)
            self.assertLess(c, a)
        order = [sorted(range(8), key=told[site].__getitem__) for site in told]
        self.assertEqual(order, [order[0]] * len(order))

    NHAMCS = dict(AGE="45", SEX="1", ARREMS="2", TEMPF="986", PULSE="88", RESPR="18", BPSYS="120", BPDIAS="80", POPCT="98", PAINSCALE="5", RFV1="10500")
    YALE = dict(age="45", gender="Male", arrivalmode="Car", triage_vital_hr="88", triage_vital_sbp="120", triage_vital_dbp="80", triage_vital_rr="18",
                triage_vital_o2="98", triage_vital_temp="98.6", n_edvisits="2", n_admissions="0", htn="1", cc_chestpain="1")
    # what, the changed cells of each set, what stands on standard error (none: nothing), whether it equals the plain row ("same") or a row without
    # these cells ("missing"), or abstains
    BAD = [
        ("Celsius", {"TEMPF": "37.0"}, {"triage_vital_temp": "37.0"}, "read as Celsius", "same"),
        ("kPa", {"BPSYS": "16", "BPDIAS": "10.6"}, {"triage_vital_sbp": "16", "triage_vital_dbp": "10.6"}, "an impossible value", "abstains"),
        ("exchanged pressures", {"BPSYS": "80", "BPDIAS": "120"}, {"triage_vital_sbp": "80", "triage_vital_dbp": "120"}, "stood exchanged", "same"),
        ("negative pain", {"PAINSCALE": "-2"}, None, "PAINSCALE: an impossible value", "missing"),
        ("negative count", {}, {"n_edvisits": "-2"}, "n_edvisits: an impossible value", "missing"),
        ("200 years old", {"AGE": "200"}, {"age": "200"}, "an impossible value", "abstains"),
        ("#N/A pulse", {"PULSE": "#N/A"}, {"triage_vital_hr": "#N/A"}, "no number", "missing"),
        ("#N/A way of coming", {"ARREMS": "#N/A"}, {"arrivalmode": "#N/A"}, "missing", "missing"),
        ("#N/A age", {"AGE": "#N/A"}, {"age": "#N/A"}, "no number", "abstains"),
        ("everything missing", dict.fromkeys(NHAMCS, ""), dict.fromkeys(YALE, ""), "", "abstains"),
        ("comma for a point", {"TEMPF": '"98,6"'}, {"triage_vital_temp": '"98,6"'}, "", "same"),
        ("quoted newline", {"SEX": '"1\n"'}, {"gender": '"Male\n"'}, "", "same"),
    ]

    def test_bad_input_with_the_built_in_models(self):
        for form, plain, place in (("nhamcs", self.NHAMCS, 1), ("yale", self.YALE, 2)):
            header = ",".join(plain) + "\n"
            text = {bad[0]: ",".join({**plain, **(bad[place] or {})}.values()) for bad in self.BAD}
            lone = {bad[0]: ",".join({**plain, **dict.fromkeys(bad[place] or {}, "")}.values()) for bad in self.BAD}
            normal = self.rows_of(self.run_batch(form, header + ",".join(plain.values()) + "\n", models=False))[0]
            self.assertEqual(normal["abstained"], "0")
            for name, *cells, said, outcome in self.BAD:
                if not cells[place - 1]:
                    continue
                with self.subTest(f"{form}: {name}"):
                    done = self.run_batch(form, header + text[name] + "\n", models=False)
                    got, without = self.rows_of(done), self.rows_of(self.run_batch(form, header + lone[name] + "\n", models=False))
                    self.assertEqual(len(got), 1)
                    self.assertIn(said, done.stderr)
                    if outcome == "abstains":
                        self.assertEqual((got[0]["abstained"], list(got[0].values())[1]), ("1", ""))
                    else:
                        self.assertEqual(got[0], normal if outcome == "same" else without[0])
            row = ",".join(plain.values())
            for name, content, rows in (("CRLF and a mark", "\ufeff" + header.replace("\n", "\r\n") + row + "\r\n", 1), ("no last line end", header + row, 1),
                                        ("truncated", header + row + "\n" + row[:len(row) // 2], 2), ("too many cells", header + row + "\n" + row + ",1\n", 2),
                                        ("a shifted row", header + row + "\n7," + row + "\n", 2), ("a lone quote", header + row + '\n' + row.replace("120", '12"0') + "\n", 2)):
                with self.subTest(f"{form}: {name}"):
                    done = self.run_batch(form, content, models=False)
                    got = self.rows_of(done)
                    self.assertEqual(len(got), rows)
                    self.assertEqual(got[0], normal)
                    if rows > 1 and name != "a lone quote":
                        self.assertEqual((got[1]["abstained"], list(got[1].values())[1]), ("1", ""))
                        self.assertIn("row: it has more or fewer cells than the header: not read (1 rows, first in row 2)", done.stderr)

    def test_usage(self):
        page = subprocess.run([PROGRAM, "triage", "batch", "--help"], capture_output=True, text=True)
        self.assertEqual(page.returncode, 0)
        self.assertIn("numbered from 1", page.stdout)
        self.assertEqual(subprocess.run([PROGRAM, "triage", "batch", "--colour", "x"], capture_output=True).returncode, 2)
        self.assertEqual(subprocess.run([PROGRAM, "triage", "batch", "--format", "mimic", "x"], capture_output=True).returncode, 2)

    def test_a_text_that_repeats_itself_hides_no_other(self):
        """Words are counted up to a bound: what one text says again and again must not push a later finding out."""
        bundle = self.folder / "long.json"
        for complaint in ("cough", "cough " * 1300, "no chest pain, " * 500):
            bundle.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in (
                {"resourceType": "Patient", "id": "p", "birthDate": "1961-02-03"},
                {"resourceType": "Encounter", "id": "e", "status": "in-progress", "class": {"code": "EMER"}, "reasonCode": [{"text": complaint}],
                 "period": {"start": "2026-11-22T13:50:00+09:00"}},
                {"resourceType": "Observation", "id": "ecg", "status": "final", "code": {"text": "ECG"}, "effectiveDateTime": "2026-11-22T14:00:00+09:00",
                 "valueString": "ST elevation in II, III, aVF"})]}))
            done = subprocess.run([PROGRAM, "triage", "--json", str(bundle)], capture_output=True, text=True)
            self.assertEqual([n["code"] for n in json.loads(done.stdout)["needs"]], ["Y0010"])

    def test_a_reading_replays_and_another_says_why_not(self):
        bundle, kept = self.folder / "bundle.json", self.folder / "kept.json"
        bundle.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [
            {"resource": {"resourceType": "Patient", "id": "p", "birthDate": "1961-02-03"}},
            {"resource": {"resourceType": "Encounter", "id": "e", "status": "in-progress", "class": {"code": "EMER"}, "reasonCode": [{"text": "chest pain"}],
                          "period": {"start": "2026-11-22T13:50:00+09:00"}}}]}))
        read = lambda *a: subprocess.run([PROGRAM, "triage", *a], capture_output=True, text=True)
        value = lambda code, number: {"code": code, "value": number, "path": "x"}
        made = read("--json", "--human-level", "3", str(bundle))
        self.assertEqual(made.returncode, 0, made.stderr)
        for change, code, told in ((lambda r: None, 0, "bytes are the same"), (lambda r: r.pop("engine"), 0, "bytes are the same"),
                                   (lambda r: r.update(ruleLevel=9), 1, "first difference at byte"), (lambda r: r.update(policy="x"), 1, "it was made with policy x"),
                                   (lambda r: r.update(engine=0, ruleLevel=9), 1, "an engine of before"), (lambda r: r.pop("facts"), 1, "cannot be made again"),
                                   (lambda r: r["facts"]["values"].extend([value("systolic", 1e308), value("diastolic", 1e308)]), 1, "no facts as they are"),
                                   (lambda r: r["facts"]["values"].extend([value("pulse", 350), value("systolic", 1e-300)]), 1, "no facts as they are"),
                                   (lambda r: r["facts"].update(ageMonths=2147483646), 1, "no facts as they are")):
            reading = json.loads(made.stdout)
            change(reading)
            kept.write_text(json.dumps(reading, ensure_ascii=False, separators=(",", ":")))
            done = read("--replay", str(kept))
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(told, done.stdout + done.stderr)
        kept.write_text(json.dumps({"resourceType": "RiskAssessment", "extension": [
            {"url": "https://fhir.soyang.example/StructureDefinition/triage-reading", "valueString": made.stdout.strip()}]}))
        self.assertEqual(read("--replay", str(kept)).returncode, 0)
        kept.write_text('{"resourceType": "RiskAssessment"}')
        self.assertIn("holds no reading", read("--replay", str(kept)).stderr)
        for arguments in (("--human-level", "2.5"), ("--language", "fr")):
            self.assertNotEqual(read(*arguments, str(bundle)).returncode, 0)

    def test_a_value_just_below_a_limit_replays(self):
        """Facts are written with all their digits: 89.99999999999999 is below 90, and 90.000000000000 is not."""
        bundle, kept = self.folder / "edge.json", self.folder / "edge-kept.json"
        for code, unit, value in (("2708-6", "%", "89.99999999999999"), ("2708-6", "%", "94.99999999999999"), ("8310-5", "Cel", "38.049999999999997")):
            bundle.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [
                {"resource": {"resourceType": "Patient", "id": "p", "birthDate": "1961-02-03"}},
                {"resource": {"resourceType": "Observation", "id": "o", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                              "effectiveDateTime": "2026-11-22T13:50:00+09:00", "valueQuantity": {"value": float(value), "code": unit}}}]}))
            made = subprocess.run([PROGRAM, "triage", "--json", "--human-level", "4", str(bundle)], capture_output=True, text=True)
            self.assertEqual(made.returncode, 0, made.stderr)
            self.assertEqual(json.loads(made.stdout)["facts"]["values"][0]["value"], float(value))
            kept.write_text(made.stdout)
            done = subprocess.run([PROGRAM, "triage", "--replay", str(kept)], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, (value, done.stderr))

    def test_what_is_not_known_is_not_denied(self):
        """Of an input that nobody gave, the built-in models say in both languages that it is not known: "손상 없음" would be "no injury"."""
        bundle, said = self.folder / "little.json", {}
        bundle.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [
            {"resource": {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1950-05-05"}},
            {"resource": {"resourceType": "Encounter", "id": "e", "status": "arrived", "class": {"code": "EMER"}, "period": {"start": "2026-03-01T09:00:00+09:00"},
                          "reasonCode": [{"text": "호흡곤란"}]}}] + [
            {"resource": {"resourceType": "Observation", "id": code, "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                          "effectiveDateTime": "2026-03-01T09:00:00+09:00", "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": unit}}}
            for code, value, unit in (("9279-1", 30, "/min"), ("8480-6", 92, "mm[Hg]"), ("8867-4", 128, "/min"), ("8310-5", 39, "Cel"), ("8462-4", 58, "mm[Hg]"))]}))
        for language in ("ko", "en"):
            done = subprocess.run([PROGRAM, "triage", "--human-level", "4", "--language", language, str(bundle)], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            said[language] = [line for line in done.stdout.splitlines() if "log odds" in line or "로그 오즈" in line]
        self.assertEqual([" not known " in line for line in said["en"]], [": 알 수 없음 " in line for line in said["ko"]])
        self.assertIn("  reader   injury not known", "\n".join(said["en"]))

    def calibrate(self, *arguments):
        return subprocess.run([PROGRAM, "triage", "calibrate", "--models", self.models, "--sites", str(self.folder / "sites.json"), *map(str, arguments)],
                              capture_output=True, text=True)

    def test_calibrate(self):
        r = random.Random(6)
        table = self.folder / "outcomes.csv"
        rows = []
        for _ in range(2000):
            p = 0.05 + 0.9 * r.random()
            rows.append((f"{p:.6f}", int(r.random() < p * p)))
        table.write_text("row,probability,outcome\n" + "".join(f"{n},{p},{y}\n" for n, (p, y) in enumerate(rows, 1)))
        done = self.calibrate("--site", "Organization/h", "--model", "disposition", "--json", table)
        self.assertEqual(done.returncode, 0, done.stderr)
        measured = json.loads(done.stdout)
        self.assertEqual(measured["visits"], 2000)
        self.assertLess(measured["eceAfter"], measured["eceBefore"] / 2)
        self.assertAlmostEqual(measured["expectedAfter"] / measured["observed"], 1, delta=0.02)
        document = json.loads((self.folder / "sites.json").read_text())
        self.assertEqual(document["sites"][0]["site"], "Organization/h")
        for bad in ("probability,outcome\n1.5,1\n", "probability,outcome\n0.5,maybe\n", "a,b\n1,2\n", "probability,outcome\n0.5,1\n"):
            table.write_text(bad)
            refused = self.calibrate("--site", "Organization/h", table)
            self.assertEqual(refused.returncode, 1, bad)
            self.assertTrue(refused.stderr)
        self.assertEqual(self.calibrate(table).returncode, 2)
        good = "".join(f"{p},{y}\n" for p, y in rows)
        for content, arguments, told in (
                ("probability,p,outcome\n" + "".join(f"{p},0.5,{y}\n" for p, y in rows), (), "several columns of probabilities"),
                ("p_icu,p_disposition,outcome\n" + "".join(f"{p},0.5,{y}\n" for p, y in rows), (), "several columns of probabilities"),
                ("probability,outcome,y\n" + "".join(f"{p},{y},{y}\n" for p, y in rows), (), "several columns of outcomes"),
                ("probability,outcome\n" + "".join(f"0.5,{y}\n" for _, y in rows), (), "does not tell this site's patients apart"),
                ("probability,outcome\n" + good, ("--output", "none"), "no such output"),
                ("\ufeffprobability,outcome\n" + good, (), "")):
            table.write_text(content)
            done = self.calibrate("--site", "Organization/h", "--model", "disposition", *arguments, table)
            self.assertEqual(done.returncode, 1 if told else 0, done.stderr)
            self.assertIn(told, done.stderr)

    def test_calibrate_takes_no_other_models_probabilities(self):
        """A column of the batch says whose it is; the level's order of review is joined with the rules', and is no model's own."""
        r = random.Random(7)
        rows = [(p, int(r.random() < p)) for p in (0.05 + 0.9 * r.random() for _ in range(300))]
        table, sites = self.folder / "batch.csv", self.folder / "whose.json"
        for column, arguments, told in (
                ("p_disposition", (), ""), ("p_disposition", ("--model", "admission"), "--model disposition"), ("p_icu", (), "--model intensive-care"),
                ("p_icu", ("--model", "intensive-care"), "not 'intensive-care-record'"), ("p_icu", ("--model", "intensive-care", "--output", "intensive-care"), ""),
                ("p_admission", ("--model", "admission"), "not 'admission-record'"), ("p_undertriage", ("--model", "level"), "joined with the rules'"),
                ("p_level_1_2", ("--model", "level"), "not 'under-triage'"), ("p_level_1_2", ("--model", "level", "--output", "level-1-2"), ""),
                ("p_level_1_2", ("--model", "level-without-human"), "")):
            table.write_text(f"row,{column},outcome\n" + "".join(f"{n},{p},{y}\n" for n, (p, y) in enumerate(rows, 1)) + "301,,0\n302,,1\n")
            done = subprocess.run([PROGRAM, "triage", "calibrate", "--sites", str(sites), "--site", "Organization/h", *arguments, str(table)],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 1 if told else 0, (column, arguments, done.stderr))
            self.assertIn(told or "2 rows without a probability", done.stderr)

    def test_what_calibrate_writes_can_be_read(self):
        """A model that ranks nobody is refused, not written with a slope of 0; a full document is refused, not made one that nobody opens."""
        r = random.Random(8)
        table, sites = self.folder / "even.csv", self.folder / "full.json"
        ask = lambda *a: subprocess.run([PROGRAM, "triage", "calibrate", "--sites", str(sites), *map(str, a)], capture_output=True, text=True)
        for said in ((0.2, 0.8), (0.01, 0.99), (0.1, 0.3, 0.5, 0.7, 0.9)):
            for times in (25, 40, 50, 100):
                sites.unlink(missing_ok=True)
                table.write_text("probability,outcome\n" + "".join(f"{p},{y}\n" for _ in range(times) for p in said for y in (0, 1)))
                done = ask("--site", "Organization/h", table)
                self.assertEqual((done.returncode, sites.exists()), (1, False), (said, times, done.stdout))
                self.assertIn("does not tell this site's patients apart", done.stderr)
        table.write_text("probability,outcome\n" + "".join(f"{p},{int(r.random() < p)}\n" for p in (r.random() for _ in range(300))))
        one = {"model": "m", "output": "o", "slope": 1, "intercept": 0, "visits": 100, "observed": 10, "expected": 10}
        many = [{"site": f"Organization/{n}", "mode": "shown", "calibrations": []} for n in range(2000)]
        filled = [{"site": "Organization/h", "mode": "shown", "calibrations": [{**one, "model": f"m{n}"} for n in range(64)]}]
        for rows, told in ((many, "at most 2000 sites"), (filled, "at most 64 calibrations")):
            content = json.dumps({"format": "soyang-triage-sites/1", "sites": rows})
            sites.write_text(content)
            done = ask("--site", "Organization/h", table)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn(told, done.stderr)
            self.assertEqual(sites.read_text(), content)

    def test_a_site_is_a_reference(self):
        for arguments in (("--silent",), ("--shown",)):
            done = self.calibrate("--site", "hospital-1", *arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn("Organization/hospital-1?", done.stderr)

    def test_sites_documents_that_are_none(self):
        sites, one = self.folder / "odd.json", {"model": "m", "output": "o", "slope": 1, "intercept": 0, "visits": 100, "observed": 10, "expected": 10}
        for rows in ([{"mode": "silent"}], [{"site": 5}], [{"site": "a"}, {"site": "a"}], [{"site": "a", "calibrations": {}}], [{"site": "a", "mode": "x"}],
                     *([{"site": "a", "calibrations": [{**one, **change}]}] for change in ({"slope": 1e39}, {"slope": 1e-60}, {"intercept": 1e39}, {"visits": 0},
                                                                                          {"expected": -1}, {"model": ""}))):
            sites.write_text(json.dumps({"format": "soyang-triage-sites/1", "sites": rows}))
            done = subprocess.run([PROGRAM, "triage", "calibrate", "--sites", str(sites), "--site", "Organization/b", "--silent"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1, rows)
            self.assertIn("sites[", done.stderr)


if __name__ == "__main__":
    unittest.main()
