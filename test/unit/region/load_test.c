/* Loading: the whole of Gangwon, again, spoilt; and what the loaded region says about access. */
#include "unit/region/region_fixture.h"

#include <math.h>

static const char *const region_folder = "regions/gangwon";

static const yyjson_val *read_one(struct fixture *f, const char *type, const char *id) {
    const yyjson_val *resource = NULL;
    fixture_ok(f, records_read(&resource, f->records, &fixture_operator, fhir_type_find(text_from(type)), text_from(id),
                      &f->scope));
    return resource;
}

static bool is_assumed(const yyjson_val *resource) {
    size_t index, max;
    yyjson_val *tag;
    yyjson_arr_foreach(json_get(json_get(resource, "meta"), "tag"), index, max, tag) {
        if (text_is(json_get_text(tag, "code"), "assumed")) {
            return true;
        }
    }
    return false;
}

static void test_load(void **state) {
    (void)state;
    struct fixture f;
    struct region_loaded loaded, again;
    fixture_open(&f);
    int64_t start_us = clock_monotonic_us();
    fixture_ok(
        &f, region_load(&loaded, f.records, &fixture_operator, region_folder, REGION_WITH_ASSUMPTIONS, &f.scope));
    int64_t took_us = clock_monotonic_us() - start_us;
    print_message("loaded %zu resources in %lld ms\n", loaded.resources_written, (long long)(took_us / 1000));
    assert_int_equal(loaded.places, 70);
    assert_int_equal(loaded.posts, 242);
    assert_int_equal(loaded.districts, 188);
    assert_int_equal(loaded.resources_unchanged, 0);
    assert_true(loaded.resources_written > 1200);
    clock_advance(f.clock, 3600000000);
    fixture_ok(&f, region_load(&again, f.records, &fixture_operator, region_folder, REGION_WITH_ASSUMPTIONS, &f.scope));
    assert_int_equal(again.resources_written, 0);
    assert_int_equal(again.resources_unchanged, loaded.resources_written);
    fixture_close(&f);
}

static void test_resources(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    const yyjson_val *organization = read_one(&f, "Organization", "A2200001");
    assert_false(is_assumed(organization));
    assert_true(text_is(json_get_text(organization, "name"), "연세대학교 원주세브란스기독병원"));
    const yyjson_val *identifier = yyjson_arr_get_first(json_get(organization, "identifier"));
    assert_true(text_is(json_get_text(identifier, "value"), "A2200001"));
    assert_true(is_assumed(read_one(&f, "Organization", "kr-snuh")));
    assert_true(is_assumed(read_one(&f, "MeasureReport", "capacity-A2200001")));
    assert_true(is_assumed(read_one(&f, "HealthcareService", "A2200001-ed")));
    assert_true(is_assumed(read_one(&f, "HealthcareService", "gw-post-1370-care")));
    assert_false(is_assumed(read_one(&f, "OrganizationAffiliation", "A2200001")));
    const yyjson_val *district = read_one(&f, "Location", "gangwon-district-5111025000");
    assert_true(text_is(json_get_text(district, "name"), "신북읍"));
    assert_int_equal(yyjson_arr_size(json_get(read_one(&f, "CodeSystem", "severe-condition"), "concept")), 27);
    /* a post that is also a hospital is one organisation, found by either id */
    const struct search_pair pair = {
        TEXT("identifier"), TEXT("https://fhir.soyang.example/identifier/post|gw-post-1610")};
    const yyjson_val **found = NULL;
    size_t count = 0;
    fixture_ok(&f, records_find(&found, &count, f.records, &fixture_operator, fhir_type_find(TEXT("Organization")),
                       &pair, 1, 5, &f.scope));
    assert_int_equal(count, 1);
    assert_true(text_is(json_get_text(found[0], "id"), "E2200026"));
    fixture_close(&f);
}

static void test_sourced_only(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_SOURCED_ONLY);
    const struct region_snapshot *snapshot = NULL;
    fixture_ok(&f, region_hold(&snapshot, f.region, &f.scope));
    int emergency = region_need_find(snapshot, TEXT("SY-ED")), departments = 0;
    for (size_t i = 0; i < snapshot->place_count; i++) {
        const struct region_place *place = &snapshot->places[i];
        uint64_t wanted = place->tier == REGION_TIER_NONE ? 0 : UINT64_C(1) << emergency;
        assert_true(place->needs == wanted && place->needs_sourced == wanted);
        assert_false(place->neighbour);
        assert_null(place->on_call);
        departments += place->tier != REGION_TIER_NONE;
        for (size_t bed = 0; bed < snapshot->bed_count; bed++) {
            assert_false(place->beds[bed].known);
        }
    }
    assert_int_equal(departments, 24);
    region_release(snapshot);
    fixture_close(&f);
}

/* ---- access: the published figures -------------------------------------------------------------------------------- */

static double nearest_min(const struct region_snapshot *snapshot, struct region_point from, enum region_tier least) {
    double best = INFINITY;
    for (size_t i = 0; i < snapshot->place_count; i++) {
        const struct region_place *place = &snapshot->places[i];
        if (place->tier >= least && !place->neighbour) {
            struct region_travel travel;
            region_travel_estimate(&travel, &snapshot->travel, from, place->point);
            best = fmin(best, travel.minutes);
        }
    }
    return best;
}

static int64_t population_of(const yyjson_val *district) {
    size_t index, max;
    yyjson_val *extension, *part;
    int64_t people = 0;
    yyjson_arr_foreach(json_get(district, "extension"), index, max, extension) {
        if (text_ends(json_get_text(extension, "url"), "/population")) {
            yyjson_arr_foreach(json_get(extension, "extension"), index, max, part) {
                if (text_is(json_get_text(part, "url"), "total")) {
                    assert_true(json_get_int64(&people, part, "valueInteger"));
                }
            }
            return people;
        }
    }
    return people;
}

static void test_access(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_load(&f, REGION_WITH_ASSUMPTIONS);
    const struct region_snapshot *snapshot = NULL;
    fixture_ok(&f, region_hold(&snapshot, f.region, &f.scope));
    assert_int_equal(snapshot->district_count, 188);
    const struct search_pair pair = {TEXT("_tag"), TEXT("https://fhir.soyang.example/CodeSystem/region|gangwon")};
    const yyjson_val **locations = NULL;
    size_t count = 0, districts = 0;
    fixture_ok(&f, records_find(&locations, &count, f.records, &fixture_operator, fhir_type_find(TEXT("Location")),
                       &pair, 1, 2000, &f.scope));
    double people = 0, within_30 = 0, beyond_60 = 0;
    for (size_t i = 0; i < count; i++) {
        struct region_point point;
        const yyjson_val *position = json_get(locations[i], "position");
        double population = (double)population_of(locations[i]);
        if (population <= 0 || !json_get_double(&point.latitude, position, "latitude") ||
            !json_get_double(&point.longitude, position, "longitude")) {
            continue;
        }
        districts++;
        people += population;
        within_30 += nearest_min(snapshot, point, REGION_TIER_REPORTED) <= 30 ? population : 0;
        beyond_60 += nearest_min(snapshot, point, REGION_TIER_REGIONAL_CENTRE) > 60 ? population : 0;
    }
    region_release(snapshot);
    assert_int_equal(districts, 188);
    assert_int_equal((int64_t)people, 1539282);
    within_30 *= 100 / people;
    beyond_60 *= 100 / people;
    print_message("within 30 min of an emergency department: %.1f %% (published 79.5, misfit %+.1f)\n", within_30,
        within_30 - 79.5);
    print_message(
        "beyond 60 min of a regional centre: %.1f %% (published 33.2, misfit %+.1f)\n", beyond_60, beyond_60 - 33.2);
    assert_true(fabs(within_30 - 81.8) <= 1);
    assert_true(fabs(beyond_60 - 35.4) <= 1);
    fixture_close(&f);
}

/* ---- faults ----------------------------------------------------------------------------------------------------- */

/* One spoilt file each: the first `find` becomes `replace`; some issue must have exactly this path, where '*' stands for the
 * line that was spoilt. */
static const struct spoilt {
    const char *file, *find, *replace, *path;
} spoilt[] = {
    {"gangwon/places.csv", "37.818427", "99.818427", "places.csv:2:lat"},
    {"gangwon/places.csv", "128.857714", "11.5", "places.csv:2:lon"},
    {"gangwon/places.csv", "37.347955", "north", "places.csv:3:lat"},
    {"gangwon/places.csv", "강릉시,강원특별자치도 강릉시 사천면 방동길 38,37.818427", "강릉시,x,", "places.csv:2:lat"},
    {"gangwon/places.csv", ",01,regional-centre,A2200008", ",99,regional-centre,A2200008", "places.csv:2:kind"},
    {"gangwon/places.csv", ",01,regional-centre,A2200008", ",01,best-centre,A2200008", "places.csv:2:tier"},
    {"gangwon/places.csv", "A2200001,연세", "A2200008,연세", "places.csv:3:id"},
    {"gangwon/places.csv", "A2200001,연세", "A 22,연세", "places.csv:3:id"},
    {"gangwon/places.csv", ",866,,01;", ",-866,,01;", "places.csv:3:beds"},
    {"gangwon/places.csv", ",866,,01;", ",many,,01;", "places.csv:3:beds"},
    {"gangwon/places.csv", ",866,,01;", ",866,,0x;", "places.csv:3:departments"},
    {"gangwon/places.csv", "id,name_ko", "key,name_ko", "places.csv:1:id"},
    {"gangwon/places.csv", "A2200008,강릉아산병원,", "A2200008,,", "places.csv:2:name_ko"},
    {"gangwon/places.csv", "hira-inferred,nemc,nemc,nemc,localdata,2022-09-29",
        "hearsay,nemc,nemc,nemc,localdata,2022-09-29", "places.csv:2:kind_source"},
    {"gangwon/places.csv", "\nA2200001", "\nA\"2200001", "places.csv:3:row"},
    {"gangwon/posts.csv", "gw-post-1371", "A2200008", "posts.csv:3:id"},
    {"gangwon/posts.csv", "5182025000", "5182025999", "posts.csv:3:district_code"},
    {"gangwon/districts.csv", ",7791,", ",7791.5,", "districts.csv:2:population"},
    {"gangwon/districts.csv", "\n5111031000,4211031000,3201031,동면,", "\n5111025000,4211031000,3201031,동면,",
        "districts.csv:3:code"},
    {"gangwon/sigungu.csv", "\n51130,", "\n51131,", "districts.csv:27:sigungu_code"},
    {"gangwon/neighbours.csv", "37.759", "35.1", "neighbours.csv:2:lat"},
    {"gangwon/region.json", "\"lat_min\": 37.0", "\"lat_min\": 39.0", "region.json:*:bbox"},
    {"gangwon/region.json", "\"value\": 1.435", "\"value\": 0.5", "region.json:*:travel.detour"},
    {"gangwon/region.json", "\"value\": 1.435", "\"value\": 1e300", "region.json:*:travel.detour"},
    {"gangwon/region.json", "\"posts\": 242", "\"posts\": 243", "region.json:*:expected.posts"},
    {"gangwon/region.json", "\"Asia/Seoul\"", "\"Asia/Atlantis\"", "region.json:*:time_zone"},
    {"gangwon/region.json", "\"file\": \"outline.json\"", "\"file\": \"absent.json\"", "region.json:*:files.outline"},
    {"gangwon/region.json", "\"format\": \"soyang-region/1\",", "\"format\": ", "region.json:1:"},
    {"gangwon/assumptions.json", "\"need\": \"Y0010\"", "\"need\": \"Y9999\"",
        "assumptions.json:*:places[0].treats[0].need"},
    {"gangwon/assumptions.json", "\"total\": 30", "\"total\": -30", "assumptions.json:*:places[0].beds[0].total"},
    {"gangwon/assumptions.json", "\"free\": 8", "\"free\": 31", "assumptions.json:*:places[0].beds[0].free"},
    {"gangwon/assumptions.json", "\"night\": 0.92", "\"night\": 1.92", "assumptions.json:*:on_call[0].cover"},
    {"gangwon/assumptions.json", "\"place\": \"A2200008\"", "\"place\": \"A9900008\"",
        "assumptions.json:*:places[0].place"},
    {"gangwon/assumptions.json", "\"sourced\": false", "\"sourced\": true", "assumptions.json:*:sourced"},
    {"korea/beds.csv", "hv28,hvs02", "hvec,hvs02", "beds.csv:3:free"},
    {"korea/conditions.csv", "Y0020,MKioskTy2,뇌경색 재관류중재술,Ischaemic stroke: reperfusion,adult,02;06",
        "Y0020,MKioskTy2,,Ischaemic stroke: reperfusion,adult,02;06", "conditions.csv:3:display_ko"},
    {"korea/needs-own.csv", "04;06;05", "04;06;77", "needs-own.csv:2:departments"},
    {"korea/policy.json", "\"ignored_after_minutes\": {\"value\": 60", "\"ignored_after_minutes\": {\"value\": 1",
        "policy.json:*:board.ignored_after_minutes"},
};

static int spoil(const char *path, const struct spoilt *how, struct arena *arena) {
    struct scope scope = {.arena = arena};
    struct text content;
    assert_int_equal(file_read(&content, path, 8 << 20, &scope), STATUS_OK);
    const char *at = strstr(content.at, how->find);
    if (at == NULL) {
        fail_msg("%s does not hold '%s'", how->file, how->find);
        return 0;
    }
    int line = 1;
    for (const char *c = content.at; c < at; c++) {
        line += *c == '\n';
    }
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    size_t before = (size_t)(at - content.at), after = before + strlen(how->find);
    assert_int_equal(fwrite(content.at, 1, before, out), before);
    assert_int_equal(fwrite(how->replace, 1, strlen(how->replace), out), strlen(how->replace));
    assert_int_equal(fwrite(content.at + after, 1, content.size - after, out), content.size - after);
    fclose(out);
    return line;
}

static bool has_path(const struct fault *fault, const char *wanted, int line) {
    char path[256];
    const char *star = strchr(wanted, '*');
    int size = star == NULL ? snprintf(path, sizeof path, "%s", wanted)
                            : snprintf(path, sizeof path, "%.*s%d%s", (int)(star - wanted), wanted, line, star + 1);
    assert_true(size > 0 && (size_t)size < sizeof path);
    for (const struct issue *issue = fault->first; issue != NULL; issue = issue->next) {
        if (strcmp(issue->path, path) == 0) {
            return true;
        }
    }
    return false;
}

static void test_faults(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    uint64_t before = store_sequence(f.store);
    int failed = 0;
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        char copy[128], path[256], folder[160];
        snprintf(copy, sizeof copy, "%s-copy", f.folder);
        fixture_copy_folder("regions", copy);
        snprintf(path, sizeof path, "%s/%s", copy, spoilt[i].file);
        snprintf(folder, sizeof folder, "%s/gangwon", copy);
        int line = spoil(path, &spoilt[i], f.arena);
        struct region_loaded loaded;
        f.scope.fault = (struct fault){0};
        enum status status =
            region_load(&loaded, f.records, &fixture_operator, folder, REGION_WITH_ASSUMPTIONS, &f.scope);
        if (status != STATUS_INVALID || !has_path(&f.scope.fault, spoilt[i].path, line)) {
            print_message(
                "%s -> %s: %s, expected %s\n", spoilt[i].find, spoilt[i].replace, status_name(status), spoilt[i].path);
            fixture_say(&f.scope);
            failed++;
        }
        fixture_remove(copy);
    }
    assert_int_equal(failed, 0);
    assert_true(store_sequence(f.store) == before); /* nothing was written */
    f.scope.fault = (struct fault){0};
    struct region_loaded loaded;
    assert_int_equal(
        region_load(&loaded, f.records, &fixture_operator, "regions/nowhere", REGION_SOURCED_ONLY, &f.scope),
        STATUS_NOT_FOUND);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_resources),
        cmocka_unit_test(test_sourced_only),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
