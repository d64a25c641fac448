"""Invented visits in the shape of the training file of two Korean emergency departments: for tests of the trainer alone. Nothing
here was measured on a patient, and no figure that a model reaches on it means anything."""
import random

HEADER = ("Group;Sex;Age;Patients number per hour;Arrival mode;Injury;Chief_complain;Mental;Pain;NRS_pain;SBP;DBP;HR;RR;BT;"
          "Saturation;KTAS_RN;Diagnosis in ED;Disposition;KTAS_expert;Error_group;Length of stay_min;KTAS duration_min;mistriage")
COMPLAINTS = {2: ["chest pain", "dyspnea", "mental change"], 3: ["abd pain", "fever", "headache"],
              4: ["ankle sprain", "laceration, finger", "cough"], 5: ["suture removal", "med"]}


def line(draw, site):
    expert = draw.choices([2, 3, 4, 5], [2, 4, 4, 1])[0]
    wrong = draw.random()
    nurse = min(5, expert + 1) if wrong < 0.2 else max(1, expert - 1) if wrong > 0.93 else expert
    sick = 5 - expert
    age = draw.randint(14, 70) + 5 * sick
    known = draw.random() < 0.6
    pressure = round(draw.gauss(135 - 8 * sick, 14))
    cells = [site, draw.randint(1, 2), age, draw.randint(1, 15), 2 if draw.random() < sick / 5 else 3, draw.randint(1, 2),
             draw.choice(COMPLAINTS[expert]), 1 if draw.random() > sick / 12 else draw.randint(2, 4), draw.randint(0, 1),
             draw.choice(["#BOÞ!", draw.randint(0, 9)]), pressure, pressure - 45, round(draw.gauss(76 + 6 * sick, 9)),
             round(draw.gauss(16 + 2 * sick, 2)), f"{draw.gauss(36.6, 0.5):.1f}",
             round(min(100, draw.gauss(99 - sick, 1.5))) if known else "", nurse, "invented", draw.randint(1, 3), expert,
             0, 100, "2,5", 0]
    return ";".join(str(cell) for cell in cells)


def text(seed=1, count=700):
    draw = random.Random(seed)
    return "\n".join([HEADER] + [line(draw, 1 + number % 2) for number in range(count)]) + "\n"
