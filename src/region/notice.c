#include "region/notice.h"

#include <string.h>

#include "region/fetch.h"
#include "region/naming.h"

bool notice_is(const yyjson_val *group) {
    return concept_code(json_get(group, "code"), SYSTEM_NOTICE).size > 0;
}

bool notice_read(struct notice *out, const yyjson_val *group) {
    const yyjson_val *population = yyjson_arr_get_first((yyjson_val *)json_get(group, "population"));
    const yyjson_val *said = find_extension(population, EXTENSION_NOTICE);
    *out = (struct notice){.need = concept_code(json_get(group, "code"), SYSTEM_NOTICE),
        .words = json_get_text(find_extension(said, "words"), "valueString")};
    return out->need.size > 0 &&
           time_parse(&out->from_us, json_get_text(find_extension(said, "from"), "valueInstant")) &&
           time_parse(&out->until_us, json_get_text(find_extension(said, "until"), "valueInstant")) &&
           out->until_us > out->from_us;
}

static void write_instant(struct json_writer *w, const char *url, int64_t at_us) {
    char at[TIME_TEXT_SIZE];
    time_format_utc(at, at_us);
    json_object_open(w);
    json_member_string(w, "url", url);
    json_member_string(w, "valueInstant", at);
    json_object_close(w);
}

static void write_code(struct json_writer *w, const char *system, struct text code) {
    fhir_write_concept(w, "code", (struct fhir_coding){text_from(system), code, {0}}, (struct text){0});
}

void notice_write(struct json_writer *w, const struct notice *notice, const struct said *said) {
    json_object_open(w);
    said_write(w, said);
    write_code(w, SYSTEM_NOTICE, notice->need);
    json_name(w, "population");
    json_array_open(w);
    json_object_open(w);
    json_name(w, "extension");
    json_array_open(w);
    json_object_open(w);
    json_member_string(w, "url", EXTENSION_NOTICE);
    json_name(w, "extension");
    json_array_open(w);
    write_instant(w, "from", notice->from_us);
    write_instant(w, "until", notice->until_us);
    if (notice->words.size > 0) {
        json_object_open(w);
        json_member_string(w, "url", "words");
        json_member_text(w, "valueString", notice->words);
        json_object_close(w);
    }
    json_array_close(w);
    json_object_close(w);
    json_array_close(w);
    write_code(w, SYSTEM_COUNT, TEXT("refuses"));
    json_member_int(w, "count", 1);
    json_object_close(w);
    json_array_close(w);
    json_object_close(w);
}

void notice_keep(
    struct region_place *place, const struct region_snapshot *snapshot, const yyjson_val *group, struct arena *arena) {
    struct notice notice;
    int need = notice_read(&notice, group) ? region_need_find(snapshot, notice.need) : -1;
    if (need < 0) {
        return;
    }
    struct region_notice *notices = ARENA_ARRAY(arena, struct region_notice, place->notice_count + 1);
    if (place->notice_count > 0) {
        memcpy(notices, place->notices, place->notice_count * sizeof *notices);
    }
    notices[place->notice_count++] = (struct region_notice){need, notice.from_us, notice.until_us};
    place->notices = notices;
}

void notice_copy(struct region_place *place, struct arena *arena) {
    if (place->notice_count == 0) {
        return;
    }
    struct region_notice *notices = ARENA_ARRAY(arena, struct region_notice, place->notice_count);
    memcpy(notices, place->notices, place->notice_count * sizeof *notices);
    place->notices = notices;
}

const struct region_notice *region_notice_find(const struct region_place *place, int need, int64_t now_us) {
    const struct region_notice *last = NULL;
    for (size_t i = 0; i < place->notice_count; i++) {
        const struct region_notice *notice = &place->notices[i];
        bool holds = notice->need == need && notice->from_us <= now_us && now_us < notice->until_us;
        if (holds && (last == NULL || notice->until_us > last->until_us)) {
            last = notice;
        }
    }
    return last;
}
