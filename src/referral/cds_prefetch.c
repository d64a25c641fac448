/* What the call brings, and from the own record what it does not: one collection Bundle. */
#include <string.h>

#include "referral/cds.h"
#include "referral/task.h"

enum { COLLECTION_BYTES_MAX = 32 << 20, OWN_MAX = 200 };

struct collecting {
    struct cds_run *run;
    struct records_visit *visit;
    struct json_writer *w;
    struct scope *scope;
    struct text patient; /* "Patient/1" */
    size_t medications;  /* looked up */
    bool is_asked;       /* whether the own record has the patient was looked up */
};

static void add(struct collecting *c, const yyjson_val *resource) {
    json_object_open(c->w);
    json_name(c->w, "resource");
    json_value(c->w, resource);
    json_object_close(c->w);
}

/* Another patient's resource among the prefetched: nothing of it may colour a reading. An absolute reference counts by its end. */
static bool is_of_patient(const struct collecting *c, const yyjson_val *resource) {
    static const char *const members[] = {"subject", "patient"};
    if (text_is(json_get_text(resource, "resourceType"), "Patient")) {
        return text_equal(json_get_text(resource, "id"), c->run->patient_id);
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        struct text reference = reference_of(resource, members[i]);
        size_t size = c->patient.size;
        if (reference.size == size && text_equal(reference, c->patient)) {
            return true;
        }
        if (reference.size > size && reference.at[reference.size - size - 1] == '/' &&
            memcmp(reference.at + reference.size - size, c->patient.at, size) == 0) {
            return true;
        }
    }
    return false;
}

static enum status take_one(
    struct collecting *c, const struct cds_prefetch *row, const yyjson_val *resource, const char *path) {
    if (!text_is(json_get_text(resource, "resourceType"), row->type)) {
        return fault(c->scope, STATUS_INVALID, path, "this prefetch key holds %s", row->type);
    }
    if (!is_of_patient(c, resource)) {
        return fault(c->scope, STATUS_INVALID, path, "this is not of the patient whom the context names");
    }
    add(c, resource);
    return STATUS_OK;
}

/* Of no patient by itself: counts only by the medicine that leads to it. */
static bool is_included_medication(const yyjson_val *entry) {
    return text_is(json_get_text(json_get(entry, "search"), "mode"), "include") &&
           text_is(json_get_text(json_get(entry, "resource"), "resourceType"), "Medication");
}

/* A search's own OperationOutcome and what else was included beside the matches is let lie. */
static bool is_match(const yyjson_val *entry) {
    struct text mode = json_get_text(json_get(entry, "search"), "mode");
    return mode.size == 0 || text_is(mode, "match");
}

static enum status take_bundle(struct collecting *c, const struct cds_prefetch *row, const yyjson_val *bundle) {
    enum status status = STATUS_OK;
    size_t i, count;
    yyjson_val *entry;
    yyjson_arr_foreach(json_get(bundle, "entry"), i, count, entry) {
        const yyjson_val *resource = json_get(entry, "resource");
        if (status != STATUS_OK) {
            return status;
        }
        if (is_included_medication(entry)) {
            add(c, resource);
        }
        if (resource == NULL || !is_match(entry)) {
            continue;
        }
        const char *path = text_format(c->scope->arena, "prefetch.%s.entry[%zu].resource", row->key, i).at;
        status = take_one(c, row, resource, path);
    }
    return status;
}

static enum status look_up_patient(struct collecting *c, const yyjson_val **patient) {
    enum status status = records_visit_get(patient, c->visit, c->run->referral->patient, c->run->patient_id, c->scope);
    c->is_asked = true;
    c->run->is_ours = status == STATUS_OK;
    return status == STATUS_NOT_FOUND || status == STATUS_GONE ? STATUS_OK : status;
}

enum { MEDICATIONS_MAX = 100 };

/* The Medication of a medicine that is only referred to, as $triage reads it too. */
static enum status take_own_medication(struct collecting *c, const yyjson_val *medicine) {
    const yyjson_val *found = NULL;
    struct text id = reference_id(reference_of(medicine, "medicationReference"), "Medication");
    if (!fhir_id_is_valid(id) || c->medications == MEDICATIONS_MAX) {
        return STATUS_OK;
    }
    c->medications++;
    enum status status = records_visit_get(&found, c->visit, fhir_type_find(TEXT("Medication")), id, c->scope);
    if (status == STATUS_OK) {
        add(c, found);
    }
    return status == STATUS_NOT_FOUND || status == STATUS_GONE ? STATUS_OK : status;
}

static enum status take_own(struct collecting *c, const struct cds_prefetch *row) {
    const yyjson_val *patient = NULL, **found = NULL;
    size_t count = 0;
    enum status status = c->is_asked && !row->is_one ? STATUS_OK : look_up_patient(c, &patient);
    if (status != STATUS_OK) {
        return status;
    }
    if (!c->run->is_ours) {
        return fault(c->scope, STATUS_PRECONDITION, text_format(c->scope->arena, "prefetch.%s", row->key).at,
            "not prefetched, and the patient is not in this server's record");
    }
    if (row->is_one) {
        add(c, patient);
        return STATUS_OK;
    }
    struct search_pair pairs[] = {{TEXT("patient"), c->patient}, {TEXT("_sort"), text_from(row->sort)}};
    status = records_visit_find(&found, &count, c->visit, fhir_type_find(text_from(row->type)), pairs,
        row->sort != NULL ? 2 : 1, OWN_MAX, c->scope);
    for (size_t i = 0; i < count && i < OWN_MAX && status == STATUS_OK; i++) {
        add(c, found[i]);
        status = take_own_medication(c, found[i]);
    }
    return status;
}

/* A key that is absent or null, or whose fetch failed (an OperationOutcome), was not prefetched. */
static bool is_there(const yyjson_val *value) {
    return value != NULL && !yyjson_is_null((yyjson_val *)value) &&
           !text_is(json_get_text(value, "resourceType"), "OperationOutcome");
}

static enum status take_key(struct collecting *c, const struct cds_prefetch *row) {
    const yyjson_val *value = json_get(json_get(c->run->request, "prefetch"), row->key);
    const char *path = text_format(c->scope->arena, "prefetch.%s", row->key).at;
    if (!is_there(value)) {
        return take_own(c, row);
    }
    if (fhir_resource_type_of(value) == FHIR_TYPE_NONE) {
        return fault(c->scope, STATUS_INVALID, path, "not a FHIR resource");
    }
    enum status status = fhir_check(value, c->scope);
    if (status != STATUS_OK) {
        return fault(c->scope, STATUS_INVALID, path, "what was prefetched is not as FHIR R4 defines it");
    }
    bool is_bundle = text_is(json_get_text(value, "resourceType"), "Bundle");
    return is_bundle && !row->is_one ? take_bundle(c, row, value) : take_one(c, row, value, path);
}

enum status cds_collect(struct cds_run *run, struct records_visit *visit, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, COLLECTION_BYTES_MAX);
    struct collecting c = {.run = run, .visit = visit, .w = &w, .scope = scope};
    enum status status = STATUS_OK;
    c.patient = text_format(scope->arena, "Patient/%.*s", (int)run->patient_id.size, run->patient_id.at);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Bundle");
    json_member_string(&w, "type", "collection");
    json_name(&w, "entry");
    json_array_open(&w);
    for (size_t i = 0; i < cds_prefetch_count; i++) {
        status = take_key(&c, &cds_prefetches[i]);
        if (status == STATUS_OK) {
            status = scope_check_deadline(scope);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    const yyjson_val *patient = NULL;
    status = c.is_asked ? STATUS_OK : look_up_patient(&c, &patient);
    if (status != STATUS_OK) {
        return status;
    }
    json_array_close(&w);
    json_object_close(&w);
    struct text json = {0};
    yyjson_doc *document = NULL;
    status = json_finish(&json, &w, scope);
    if (status == STATUS_OK) {
        status = json_read(&document, json, scope);
    }
    run->bundle = status == STATUS_OK ? yyjson_doc_get_root(document) : NULL;
    return status;
}
