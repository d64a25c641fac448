#!/usr/bin/env python3
"""Restate the sourced facts of Gangwon as the project's own file set.

Reads ../shared/data/gangwon (or $SOYANG_SHARED/data/gangwon) and writes places.csv, posts.csv, districts.csv and
sigungu.csv under regions/gangwon/. Ids once given are kept: the existing files are read first, and a place keeps its id
as long as its name and 시군 stay the same. What is not sourced stays blank. Standard library only.
"""
import csv
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("SOYANG_SHARED", os.path.join(ROOT, "..", "shared"))
SOURCE = os.path.join(SHARED, "data", "gangwon")
TARGET = os.path.join(ROOT, "regions", "gangwon")

TIER = {  # NEMC's designation → the code of regions/korea/tiers.csv
    "권역응급의료센터": "regional-centre",
    "지역응급의료센터": "local-centre",
    "지역응급의료기관": "local-institution",
    "응급실운영신고기관": "reported",
}
RENAMED_DEPARTMENT = {"정신과": "정신건강의학과"}  # renamed by law in 2011; LOCALDATA keeps some old entries
ENGLISH_NAME = {  # the institution's own English name, public knowledge; others are left blank, none is romanised here
    "강릉아산병원": "Gangneung Asan Hospital",
    "연세대학교 원주세브란스기독병원": "Wonju Severance Christian Hospital",
    "강원대학교병원": "Kangwon National University Hospital",
    "한림대학교춘천성심병원": "Hallym University Chuncheon Sacred Heart Hospital",
    "홍천아산병원": "Hongcheon Asan Hospital",
    "국군강릉병원": "Armed Forces Gangneung Hospital",
    "국군춘천병원": "Armed Forces Chuncheon Hospital",
    "국군홍천병원": "Armed Forces Hongcheon Hospital",
}
POSITION_BY_HIRA = {  # NEMC's point is used for an emergency department unless a reason is written here
    "강원특별자치도삼척의료원": "HIRA used: NEMC gives 37.440279 129.163700, 603 m west, where the old building stood, "
    "but states the address of the new one (오십천로 473)",
}
POSITION_NOTE = {
    "평창군보건의료원": "NEMC used; HIRA gives 37.3689437 128.3907514, 942 m north; to be verified on the ground",
}


def rows(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(name, columns, table):
    path = os.path.join(TARGET, name)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    print(f"wrote {os.path.relpath(path, ROOT)}: {len(table)} rows")


def known_ids(name, *key):
    path = os.path.join(TARGET, name)
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8", newline="") as file:
        return {tuple(row[k] for k in key): row["id"] for row in csv.DictReader(file)}


def department_codes():
    path = os.path.join(SHARED, "reference", "krcore_codes.csv")
    with open(path, encoding="utf-8", newline="") as file:
        return {
            row["display_ko"]: row["code"]
            for row in csv.DictReader(file)
            if row["system"].endswith("/hira-medical-department") and len(row["code"]) == 2
        }


def split_departments(text, codes):
    known, other = set(), []
    for name in (part.strip() for part in text.split(",")):
        if not name:
            continue
        code = codes.get(RENAMED_DEPARTMENT.get(name, name))
        if code:
            known.add(code)
        elif name not in other:
            other.append(name)
    return ";".join(sorted(known)), ";".join(other)


def bare(name):
    """A hospital's name without the legal person in front of it, to join two publishers' spellings."""
    for part in ("의료법인", "강원특별자치도", "강원도", "(의)", "근로복지공단"):
        name = name.replace(part, "")
    return name.replace(" ", "")


def tidy_address(text):
    """The province's present name; without the broken floor fragments that LOCALDATA appends."""
    text = text.strip()
    if text.startswith("강원도 "):
        text = "강원특별자치도 " + text[len("강원도 "):]
    text = re.sub(r",\s*[^,]*층(\s*\([^)]*\))?$", "", text)
    return re.sub(r"[-\s,]+$", "", re.sub(r"(\d)-0?(?=\s|,|$)", r"\1", text)).strip()


def localdata_address(name, sigungu, table):
    found = [
        tidy_address(row["address"])
        for row in table
        if row["sigungu"] == sigungu and bare(row["name"]) == bare(name) and row["status"].startswith("영업")
    ]
    return min(found, key=len) if found else ""


PLACE_COLUMNS = (
    "id name_ko name_en kind tier hpid sigungu address lat lon beds beds_other_licences departments departments_other "
    "staff telephone kind_source tier_source address_source position_source beds_source beds_as_of departments_source "
    "name_en_source note"
).split()


def build_places():
    emergency = {row["hpid"]: row for row in rows("gangwon_ed_nemc.csv")}
    licences = rows("gangwon_hospitals_localdata.csv")
    english = {row["name_ko"]: row["name_en"].split("-")[0].lower() for row in rows("gangwon_sigungu.csv")}
    codes, known, table = department_codes(), known_ids("places.csv", "name_ko", "sigungu"), []
    used = set(known.values())
    for row in rows("gangwon_hospitals_curated.csv"):
        name, sigungu, hpid = row["name"], row["sigungu"], row["nemc_hpid"]
        place_id = known.get((name, sigungu)) or hpid
        number = 1
        while not place_id:
            candidate = f"gw-{english[sigungu]}-{number:02d}"
            number += 1
            if candidate not in used:
                place_id = candidate
        used.add(place_id)
        by_nemc = bool(hpid) and name not in POSITION_BY_HIRA
        address = emergency[hpid]["address"] if hpid else localdata_address(name, sigungu, licences)
        departments, other = split_departments(row["specialties_localdata_ko"], codes)
        modified = row["localdata_last_modified"]
        table.append({
            "id": place_id, "name_ko": name, "name_en": ENGLISH_NAME.get(name, ""), "kind": row["hira_class_code"],
            "tier": TIER.get(row["nemc_ed_tier"], ""), "hpid": hpid, "sigungu": sigungu, "address": address,
            "lat": row["lat_nemc"] if by_nemc else row["lat_hira"], "lon": row["lon_nemc"] if by_nemc else row["lon_hira"],
            "beds": row["beds_localdata"], "beds_other_licences": row["beds_localdata_other_rows"],
            "departments": departments, "departments_other": other, "staff": row["medical_staff_localdata"], "telephone": "",
            "kind_source": "hira-inferred" if row["hira_class_code"] in ("01", "29") else "hira",
            "tier_source": "nemc" if hpid else "",
            "address_source": ("nemc" if hpid else "localdata") if address else "",
            "position_source": "nemc" if by_nemc else "hira",
            "beds_source": "localdata" if row["beds_localdata"] else "",
            "beds_as_of": f"{modified[:4]}-{modified[4:6]}-{modified[6:8]}" if modified else "",
            "departments_source": "localdata" if departments or other else "",
            "name_en_source": "general" if name in ENGLISH_NAME else "",
            "note": POSITION_BY_HIRA.get(name, POSITION_NOTE.get(name, "")),
        })
    write("places.csv", PLACE_COLUMNS, table)
    return {row["name_ko"]: row["id"] for row in table}


def inside(lon, lat, rings):
    result = False
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, ring[1:]):
            if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
                result = not result
    return result


def district_finder():
    with open(os.path.join(SOURCE, "gangwon_emd_2021.geojson"), encoding="utf-8") as file:
        features = json.load(file)["features"]
    areas = []
    for feature in features:
        shape = feature["geometry"]
        polygons = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
        code = next(str(v) for k, v in feature["properties"].items() if k == "adm_cd2_51" or str(v)[:2] == "51" and len(str(v)) == 10)
        areas.append((code, [ring for polygon in polygons for ring in polygon]))
    return lambda lon, lat: next((code for code, rings in areas if inside(lon, lat, rings)), "")


POST_COLUMNS = "id name_ko name_en kind sigungu district district_code lat lon place source position_source source_row".split()


def build_posts(place_ids):
    find, table = district_finder(), []
    for row in rows("gangwon_public_health_facilities.csv"):
        table.append({
            "id": "gw-post-" + row["src_id"][-4:], "name_ko": row["name"], "name_en": "", "kind": row["hira_type_code"],
            "sigungu": row["sigungu"], "district": row["eupmyeondong"],
            "district_code": find(float(row["lon"]), float(row["lat"])), "lat": row["lat"], "lon": row["lon"],
            "place": place_ids.get(row["name"], "") if row["hira_type_code"] == "75" else "",
            "source": "hira", "position_source": "hira", "source_row": row["src_id"],
        })
    write("posts.csv", POST_COLUMNS, table)
    return table


DISTRICT_COLUMNS = (
    "code code_old code_kostat name_ko sigungu sigungu_code area_km2 lat lon position_source position_post population "
    "age_0_4 age_5_14 age_15_64 age_65_74 age_75_84 age_85_up population_source population_as_of area_source"
).split()


def build_districts(posts):
    by_point = {(row["lat"], row["lon"]): row["id"] for row in posts}
    table = []
    for row in rows("gangwon_emd_population_202006.csv"):
        age = {key: int(row[key]) for key in ("pop_total", "age_0_4", "age_0_14", "age_15_64", "age_65plus", "age_75plus", "age_85plus")}
        at_post = row["pop_point_source"].startswith("health_office:")
        table.append({
            "code": row["adm_cd2_51"], "code_old": row["adm_cd2_42"], "code_kostat": row["kostat_cd"], "name_ko": row["eupmyeondong"],
            "sigungu": row["sigungu"], "sigungu_code": row["adm_cd2_51"][:5], "area_km2": row["area_km2_approx"],
            "lat": row["pop_point_lat"], "lon": row["pop_point_lon"],
            "position_source": "hira-post" if at_post else "sgis-inner",
            "position_post": by_point.get((row["pop_point_lat"], row["pop_point_lon"]), "") if at_post else "",
            "population": age["pop_total"], "age_0_4": age["age_0_4"], "age_5_14": age["age_0_14"] - age["age_0_4"],
            "age_15_64": age["age_15_64"], "age_65_74": age["age_65plus"] - age["age_75plus"],
            "age_75_84": age["age_75plus"] - age["age_85plus"], "age_85_up": age["age_85plus"],
            "population_source": "mois", "population_as_of": "2020-06", "area_source": "sgis",
        })
    write("districts.csv", DISTRICT_COLUMNS, table)


SIGUNGU_COLUMNS = (
    "code code_old name_ko name_en kind districts area_km2 lat lon residents_2022 residents_2023 residents_2024 "
    "residents_65_up_2024 residents_source area_source position_source"
).split()


def build_sigungu():
    table = []
    for row in rows("gangwon_sigungu.csv"):
        table.append({
            "code": row["code_51"], "code_old": row["code_42"], "name_ko": row["name_ko"], "name_en": row["name_en"],
            "kind": "si" if row["name_ko"].endswith("시") else "gun", "districts": row["n_emd"], "area_km2": row["area_km2_approx"],
            "lat": row["popweighted_lat"], "lon": row["popweighted_lon"], "residents_2022": row["residents_2022"],
            "residents_2023": row["residents_2023"], "residents_2024": row["residents_2024"],
            "residents_65_up_2024": row["residents65_2024"], "residents_source": "mois", "area_source": "sgis",
            "position_source": "computed",
        })
    write("sigungu.csv", SIGUNGU_COLUMNS, table)


def main():
    if not os.path.isdir(SOURCE):
        print("skipped: no ../shared/data/gangwon; the files in regions/gangwon stay as they are")
        return 0
    place_ids = build_places()
    build_districts(build_posts(place_ids))
    build_sigungu()
    return 0


if __name__ == "__main__":
    sys.exit(main())
