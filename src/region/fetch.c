#include "region/fetch.h"

#include <stdio.h>
#include <string.h>

#include "fhir/fhir.h"
#include "region/base64.h"
#include "region/naming.h"

enum { FETCH_MAX = 20000, ID_SPACE = 80 };

/* Reading of the region is the program's own: it is for no person. */
static const struct records_caller own_caller = {
    {"Device/soyang", 13}, {"Organization/soyang", 19}, {"system", 6}, {"HOPERAT", 7}};

static const char *const type_names[FETCHED_KINDS] = {
    [FETCHED_LIBRARY] = "Library",
    [FETCHED_LOCATION] = "Location",
    [FETCHED_ORGANIZATION] = "Organization",
    [FETCHED_SERVICE] = "HealthcareService",
    [FETCHED_AFFILIATION] = "OrganizationAffiliation",
    [FETCHED_REPORT] = "MeasureReport",
    [FETCHED_DUTY] = "PractitionerRole",
    [FETCHED_PERSON] = "Practitioner",
};

/* ---- looking into resources ------------------------------------------------------------------------------------- */

bool has_tag(const yyjson_val *resource, const char *system, const char *code) {
    size_t index, max;
    yyjson_val *tag;
    yyjson_arr_foreach(json_get(json_get(resource, "meta"), "tag"), index, max, tag) {
        if (text_is(json_get_text(tag, "system"), system) &&
            (code == NULL || text_is(json_get_text(tag, "code"), code))) {
            return true;
        }
    }
    return false;
}

const yyjson_val *find_extension(const yyjson_val *element, const char *url) {
    size_t index, max;
    yyjson_val *extension;
    yyjson_arr_foreach(json_get(element, "extension"), index, max, extension) {
        if (text_is(json_get_text(extension, "url"), url)) {
            return extension;
        }
    }
    return NULL;
}

struct text region_reference_id(const yyjson_val *object, const char *member, const char *type) {
    struct fhir_reference reference;
    struct text value = json_get_text(json_get(object, member), "reference");
    if (!fhir_reference_parse(&reference, value, (struct text){0}) || reference.kind != FHIR_REFERENCE_LOCAL ||
        reference.type != fhir_type_find(text_from(type))) {
        return (struct text){0};
    }
    return reference.id;
}

struct text concept_code(const yyjson_val *concept, const char *system) {
    size_t index, max;
    yyjson_val *coding;
    yyjson_arr_foreach(json_get(concept, "coding"), index, max, coding) {
        if (text_is(json_get_text(coding, "system"), system)) {
            return json_get_text(coding, "code");
        }
    }
    return (struct text){0};
}

/* ---- resources -------------------------------------------------------------------------------------------------- */

static enum status find_by(struct fetched *out, enum fetched_kind kind, const struct gather_source *source,
    const struct search_pair *pairs, size_t pair_count, struct scope *scope) {
    fhir_type type = fhir_type_find(text_from(type_names[kind]));
    enum status status = source->unit != NULL ? records_unit_search(&out->of[kind].at, &out->of[kind].count,
                                                    source->unit, type, pairs, pair_count, FETCH_MAX, scope)
                                              : records_find(&out->of[kind].at, &out->of[kind].count, source->records,
                                                    &own_caller, type, pairs, pair_count, FETCH_MAX, scope);
    if (status == STATUS_OK && out->of[kind].count == FETCH_MAX) {
        return fault(
            scope, STATUS_TOO_COSTLY, type_names[kind], "a region has fewer than %d resources of one type", FETCH_MAX);
    }
    return status;
}

static enum status find(struct fetched *out, enum fetched_kind kind, const struct gather_source *source,
    const char *tag, struct scope *scope) {
    return find_by(out, kind, source, &(struct search_pair){TEXT("_tag"), text_from(tag)}, 1, scope);
}

static enum status get(const yyjson_val **out, enum fetched_kind kind, struct text id,
    const struct gather_source *source, struct scope *scope) {
    fhir_type type = fhir_type_find(text_from(type_names[kind]));
    struct scope asked = {.arena = scope->arena};
    *out = NULL;
    enum status status = source->unit != NULL ? records_unit_get(out, source->unit, type, id, &asked)
                                              : records_read(out, source->records, &own_caller, type, id, &asked);
    if (status == STATUS_NOT_FOUND || status == STATUS_GONE) {
        *out = NULL;
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        fault_carry(scope, &asked.fault);
    }
    return status;
}

/* ---- people on call --------------------------------------------------------------------------------------------- */

/* Adds those of one place; of all where `place` is none. */
static enum status add_duties(
    struct fetched *out, struct text place, const struct gather_source *source, struct scope *scope) {
    struct fetched found = {0};
    struct search_pair pairs[2] = {{TEXT("role"), TEXT(SYSTEM_DUTY "|" DUTY_ON_CALL)}};
    if (place.size > 0) {
        pairs[1] = (struct search_pair){
            TEXT("organization"), text_format(scope->arena, "Organization/%.*s", (int)place.size, place.at)};
    }
    enum status status = find_by(&found, FETCHED_DUTY, source, pairs, place.size > 0 ? 2 : 1, scope);
    size_t had = out->of[FETCHED_DUTY].count, more = status == STATUS_OK ? found.of[FETCHED_DUTY].count : 0;
    if (status != STATUS_OK || more == 0) {
        return status;
    }
    for (enum fetched_kind kind = FETCHED_DUTY; kind <= FETCHED_PERSON; kind++) {
        const yyjson_val **all = ARENA_ARRAY(scope->arena, const yyjson_val *, had + more);
        for (size_t i = 0; i < had; i++) {
            all[i] = out->of[kind].at[i];
        }
        out->of[kind].at = all;
        out->of[kind].count = had + more;
    }
    for (size_t i = 0; i < more && status == STATUS_OK; i++) {
        const yyjson_val *duty = found.of[FETCHED_DUTY].at[i];
        struct text person = region_reference_id(duty, "practitioner", "Practitioner");
        out->of[FETCHED_DUTY].at[had + i] = duty;
        if (person.size > 0) {
            status = get(&out->of[FETCHED_PERSON].at[had + i], FETCHED_PERSON, person, source, scope);
        }
    }
    return status;
}

/* ---- the region ------------------------------------------------------------------------------------------------- */

/* With several regions in one record the first by id is served. */
static struct text region_of(const struct fetched *fetched) {
    struct text first = {0};
    for (size_t i = 0; i < fetched->of[FETCHED_LIBRARY].count; i++) {
        const yyjson_val *library = fetched->of[FETCHED_LIBRARY].at[i];
        struct text id = json_get_text(library, "id");
        if (text_is(concept_code(json_get(library, "type"), SYSTEM_DOCUMENT), DOCUMENT_REGION) &&
            text_starts(id, "region-") && (first.at == NULL || text_compare(id, first) < 0)) {
            first = id;
        }
    }
    return first.at == NULL ? first : (struct text){first.at + 7, first.size - 7};
}

enum status fetch_region(struct fetched *out, const struct gather_source *source, struct scope *scope) {
    *out = (struct fetched){0};
    enum status status = find(out, FETCHED_LIBRARY, source, SYSTEM_REGION "|", scope);
    struct text region = region_of(out);
    if (status != STATUS_OK || region.at == NULL) {
        return status;
    }
    char tag[sizeof SYSTEM_REGION + ID_SPACE];
    (void)snprintf(tag, sizeof tag, "%s|%.*s", SYSTEM_REGION, (int)region.size, region.at);
    for (enum fetched_kind kind = FETCHED_LIBRARY; kind <= FETCHED_REPORT && status == STATUS_OK; kind++) {
        status = find(out, kind, source, tag, scope);
    }
    return status == STATUS_OK ? add_duties(out, (struct text){0}, source, scope) : status;
}

/* Where boards are few they are read one by one, since only these changed. */
enum status fetch_reports(struct fetched *out, const struct text *places, size_t place_count,
    const struct gather_source *source, struct scope *scope) {
    *out = (struct fetched){0};
    const yyjson_val **reports = ARENA_ARRAY(scope->arena, const yyjson_val *, place_count + 1);
    out->of[FETCHED_REPORT].at = reports;
    for (size_t i = 0; i < place_count; i++) {
        char id[ID_SPACE];
        (void)snprintf(id, sizeof id, "%s%.*s", CAPACITY_PREFIX, (int)places[i].size, places[i].at);
        const yyjson_val *report = NULL;
        enum status status = get(&report, FETCHED_REPORT, text_from(id), source, scope);
        if (status == STATUS_OK && report != NULL) {
            reports[out->of[FETCHED_REPORT].count++] = report;
        }
        status = status == STATUS_OK ? add_duties(out, places[i], source, scope) : status;
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* ---- documents -------------------------------------------------------------------------------------------------- */

static enum status keep_file(struct region_documents *out, const char *title, struct text bytes, struct scope *scope) {
    const struct {
        const char *title;
        struct document *document;
    } documents[] = {{"region.json", &out->region}, {"policy.json", &out->policy}, {"outline.json", &out->outline},
        {"assumptions.json", &out->assumptions}, {"readings.json", &out->readings}};
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        if (strcmp(title, documents[i].title) == 0) {
            return region_document_read(documents[i].document, title, bytes, scope);
        }
    }
    struct text name = text_from(title);
    for (enum table table = 0; table < TABLE_COUNT && text_ends(name, ".csv"); table++) {
        if (text_is((struct text){name.at, name.size - 4}, table_name(table))) {
            return csv_read(&out->tables[table], title, bytes, scope);
        }
    }
    return STATUS_OK; /* of a later version */
}

static enum status keep_files(struct region_documents *out, const yyjson_val *library, struct scope *scope) {
    size_t index, max;
    yyjson_val *file;
    yyjson_arr_foreach(json_get(library, "content"), index, max, file) {
        struct text bytes;
        const char *title = text_string(scope->arena, json_get_text(file, "title"));
        if (!base64_decode(&bytes, scope->arena, json_get_text(file, "data"))) {
            return fault(scope, STATUS_INVALID, title, "the region's document is not base64");
        }
        enum status status = keep_file(out, title, bytes, scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status fetch_documents(struct region_documents *out, const struct fetched *fetched, struct scope *scope) {
    *out = (struct region_documents){0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < fetched->of[FETCHED_LIBRARY].count && status == STATUS_OK; i++) {
        status = keep_files(out, fetched->of[FETCHED_LIBRARY].at[i], scope);
    }
    return status;
}
