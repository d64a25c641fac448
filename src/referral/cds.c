/* The services and the life of a call. */
#include "referral/cds.h"

#include <string.h>

#include "referral/confirmation.h"
#include "referral/task.h"

static const struct cds_service services[] = {
    {"soyang-patient-view", "patient-view", CDS_PATIENT_VIEW, "소양 판독 (Soyang reading)",
        "판독: 얼마나 급한지, 어떤 진료가 필요한지와 그 근거. 사람의 중증도를 낮추지 않습니다. How urgent the patient "
        "of an open visit "
        "is and what care they need, with reasons; never lowers a human's level. Decision support, not a certified "
        "medical device."},
    {"soyang-encounter-start", "encounter-start", CDS_ENCOUNTER_START,
        "소양 판독, 진료 시작 (Soyang reading at the start of a visit)",
        "시작된 진료의 판독과 의뢰 초안. The reading of a visit that begins, and a draft of the referral it may need."},
    {"soyang-order-sign", "order-sign", CDS_ORDER_SIGN, "소양 의뢰 확인 (Soyang check of referrals)",
        "서명하려는 의뢰에 빠진 필요, 낮은 우선순위, 진료할 수 없는 기관. Referrals about to be signed: needs they do "
        "not name, a "
        "priority below the reading's, a place that cannot give the care."},
};

const struct cds_prefetch cds_prefetches[] = {
    {"patient", "Patient", "Patient/{{context.patientId}}", NULL, true},
    {"encounters", "Encounter", "Encounter?patient={{context.patientId}}&_sort=-date&_count=20", "-date", false},
    {"observations", "Observation", "Observation?patient={{context.patientId}}&_sort=-date&_count=100", "-date", false},
    {"conditions", "Condition", "Condition?patient={{context.patientId}}&_count=100", "-recorded-date", false},
    {"medications", "MedicationStatement",
        "MedicationStatement?patient={{context.patientId}}&_include=MedicationStatement:medication&_count=100", NULL,
        false},
    {"prescriptions", "MedicationRequest",
        "MedicationRequest?patient={{context.patientId}}&status=active&_include=MedicationRequest:medication&_count="
        "100",
        "-authoredon", false},
    {"allergies", "AllergyIntolerance", "AllergyIntolerance?patient={{context.patientId}}&_count=50", NULL, false},
    {"reports", "DiagnosticReport", "DiagnosticReport?patient={{context.patientId}}&_sort=-date&_count=50", "-date",
        false},
};
const size_t cds_prefetch_count = sizeof cds_prefetches / sizeof *cds_prefetches;

const struct cds_service *cds_service_find(struct text id) {
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (text_is(id, services[i].id)) {
            return &services[i];
        }
    }
    return NULL;
}

enum status referral_cds_services(struct text *out, struct scope *scope) {
    struct json_writer writer = json_writer_open(scope->arena, 64 * 1024), *w = &writer;
    json_object_open(w);
    json_name(w, "services");
    json_array_open(w);
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        json_object_open(w);
        json_member_string(w, "hook", services[i].hook_name);
        json_member_string(w, "id", services[i].id);
        json_member_string(w, "title", services[i].title);
        json_member_string(w, "description", services[i].description);
        json_name(w, "prefetch");
        json_object_open(w);
        for (size_t k = 0; k < cds_prefetch_count; k++) {
            json_member_string(w, cds_prefetches[k].key, cds_prefetches[k].template);
        }
        json_object_close(w);
        json_member_string(w, "usageRequirements",
            "Prefetch all keys, or keep the patient in this server's record: fhirServer and its token are never used.");
        json_object_close(w);
    }
    json_array_close(w);
    json_object_close(w);
    return json_finish(out, w, scope);
}

/* ---- the request ---------------------------------------------------------------------------------------------------------- */

bool cds_uuid_is_valid(struct text uuid) {
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (uuid.size != sizeof form - 1) {
        return false;
    }
    for (size_t i = 0; i < uuid.size; i++) {
        char c = uuid.at[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (form[i] == 'x' ? !hex : c != '-') {
            return false;
        }
    }
    return true;
}

static enum status need_text(
    struct text *out, const yyjson_val *object, const char *name, const char *path, struct scope *scope) {
    *out = json_get_text(object, name);
    return out->size > 0
               ? STATUS_OK
               : fault(scope, STATUS_INVALID, path, "the request needs this member: a string that is not empty");
}

/* "Encounter/1" and "1" both name the visit: clients send either. */
static enum status take_id(struct text *out, const yyjson_val *context, const char *name, const char *type,
    const char *path, struct scope *scope) {
    struct text id = json_get_text(context, name), referred = reference_id(id, type);
    *out = referred.size > 0 ? referred : id;
    return fhir_id_is_valid(*out) ? STATUS_OK
                                  : fault(scope, STATUS_INVALID, path, "the request needs this member: a FHIR id");
}

static enum status check_orders(const struct cds_run *run, struct scope *scope) {
    const yyjson_val *orders = json_get(run->context, "draftOrders");
    if (run->service->hook != CDS_ORDER_SIGN) {
        return STATUS_OK;
    }
    if (!text_is(json_get_text(orders, "resourceType"), "Bundle")) {
        return fault(scope, STATUS_INVALID, "context.draftOrders", "order-sign needs a Bundle of the draft orders");
    }
    return fhir_check(orders, scope);
}

static enum status check_context(struct cds_run *run, struct scope *scope) {
    struct text user = {0};
    enum status status = need_text(&user, run->context, "userId", "context.userId", scope);
    if (status == STATUS_OK) {
        status = take_id(&run->patient_id, run->context, "patientId", "Patient", "context.patientId", scope);
    }
    const yyjson_val *encounter = json_get(run->context, "encounterId");
    bool named = encounter != NULL && !yyjson_is_null((yyjson_val *)encounter);
    if (status == STATUS_OK && (named || run->service->hook == CDS_ENCOUNTER_START)) {
        status = take_id(&run->encounter_id, run->context, "encounterId", "Encounter", "context.encounterId", scope);
    }
    return status == STATUS_OK ? check_orders(run, scope) : status;
}

static bool is_absent(const yyjson_val *value) {
    return value == NULL || yyjson_is_null((yyjson_val *)value);
}

/* fhirServer and its token are never used; what is no server and no token is still a broken request (CDS Hooks 2.0, "FHIR resource
 * access"). */
static enum status check_access(const yyjson_val *request, struct scope *scope) {
    static const char *const members[] = {"access_token", "scope", "subject"};
    const yyjson_val *server = json_get(request, "fhirServer"), *access = json_get(request, "fhirAuthorization");
    struct text url = json_text(server);
    if (!is_absent(server) && !text_starts(url, "http://") && !text_starts(url, "https://")) {
        return fault(scope, STATUS_INVALID, "fhirServer", "the base URL of a FHIR server");
    }
    if (is_absent(access)) {
        return STATUS_OK;
    }
    if (!yyjson_is_obj((yyjson_val *)access) || is_absent(server)) {
        return fault(scope, STATUS_INVALID, "fhirAuthorization", "an object, beside fhirServer");
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (json_get_text(access, members[i]).size == 0) {
            return fault(scope, STATUS_INVALID, text_format(scope->arena, "fhirAuthorization.%s", members[i]).at,
                "the request needs this member: a string that is not empty");
        }
    }
    int64_t seconds = 0;
    if (!json_get_int64(&seconds, access, "expires_in")) {
        return fault(scope, STATUS_INVALID, "fhirAuthorization.expires_in", "a whole number of seconds");
    }
    return text_is(json_get_text(access, "token_type"), "Bearer")
               ? STATUS_OK
               : fault(scope, STATUS_INVALID, "fhirAuthorization.token_type", "Bearer");
}

static enum status check_prefetch(const struct cds_run *run, struct scope *scope) {
    const yyjson_val *prefetch = json_get(run->request, "prefetch");
    enum status status = check_access(run->request, scope);
    if (status != STATUS_OK) {
        return status;
    }
    bool fits = prefetch == NULL || yyjson_is_null((yyjson_val *)prefetch) || yyjson_is_obj((yyjson_val *)prefetch);
    return fits ? STATUS_OK : fault(scope, STATUS_INVALID, "prefetch", "prefetch is an object of resources by key");
}

static enum status read_request(struct cds_run *run, struct scope *scope) {
    yyjson_doc *document = NULL;
    struct text hook = {0}, instance = {0};
    enum status status = json_read(&document, run->call->body, scope);
    if (status != STATUS_OK) {
        return status;
    }
    run->request = yyjson_doc_get_root(document);
    if (!yyjson_is_obj((yyjson_val *)run->request)) {
        return fault(scope, STATUS_INVALID, "", "the request is a JSON object");
    }
    status = need_text(&hook, run->request, "hook", "hook", scope);
    if (status == STATUS_OK && !text_is(hook, run->service->hook_name)) {
        status = fault(scope, STATUS_INVALID, "hook", "this service answers the hook %s", run->service->hook_name);
    }
    if (status == STATUS_OK) {
        status = need_text(&instance, run->request, "hookInstance", "hookInstance", scope);
    }
    if (status == STATUS_OK && !cds_uuid_is_valid(instance)) {
        status = fault(scope, STATUS_INVALID, "hookInstance", "hookInstance is a UUID");
    }
    run->context = json_get(run->request, "context");
    if (status == STATUS_OK && !yyjson_is_obj((yyjson_val *)run->context)) {
        status = fault(scope, STATUS_INVALID, "context", "the request needs this member: an object");
    }
    if (status == STATUS_OK) {
        status = check_context(run, scope);
    }
    return status == STATUS_OK ? check_prefetch(run, scope) : status;
}

/* ---- the reading ------------------------------------------------------------------------------------------------------------ */

static bool is_open_visit(const yyjson_val *encounter) {
    static const char *const open[] = {"planned", "arrived", "triaged", "in-progress", "onleave"};
    struct text state = json_get_text(encounter, "status");
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        if (text_is(state, open[i])) {
            return true;
        }
    }
    return false;
}

struct open_visit {
    struct text id;   /* none: none yet */
    int64_t start_us; /* INT64_MIN: not stated */
    bool is_planned;
};

static struct open_visit open_visit_of(const yyjson_val *encounter, const struct cds_run *run) {
    struct text start = json_get_text(json_get(encounter, "period"), "start");
    struct fhir_interval when = {INT64_MIN, INT64_MAX};
    bool told = start.size > 0 && fhir_interval_parse(&when, start, run->snapshot->zone_minutes);
    return (struct open_visit){.id = json_get_text(encounter, "id"),
        .start_us = told ? when.start_us : INT64_MIN,
        .is_planned = text_is(json_get_text(encounter, "status"), "planned")};
}

/* One that is only planned stands back behind any that has begun: an appointment is not where the patient is now. */
static bool goes_before(const struct open_visit *a, const struct open_visit *b) {
    return b->id.size == 0 || (a->is_planned != b->is_planned ? b->is_planned : a->start_us > b->start_us);
}

/* The visit of the context, or the latest that is open; none: nobody is here now, and an old visit is not read as today's. */
static enum status find_visit(struct text *out, const struct cds_run *run, struct scope *scope) {
    struct open_visit latest = {.start_us = INT64_MIN};
    bool known = false;
    size_t i, count;
    yyjson_val *entry;
    yyjson_arr_foreach(json_get(run->bundle, "entry"), i, count, entry) {
        const yyjson_val *encounter = json_get(entry, "resource");
        struct text id = json_get_text(encounter, "id");
        bool wanted = run->encounter_id.size == 0 || text_equal(run->encounter_id, id);
        if (!text_is(json_get_text(encounter, "resourceType"), "Encounter") || !wanted) {
            continue;
        }
        known = true;
        const struct open_visit visit = open_visit_of(encounter, run);
        if (is_open_visit(encounter) && id.size == 0) {
            return fault(scope, STATUS_UNPROCESSABLE, "prefetch.encounters", "an open visit without its id");
        }
        if (is_open_visit(encounter) && goes_before(&visit, &latest)) {
            latest = visit;
        }
    }
    if (latest.id.size > 0) {
        *out = text_format(scope->arena, "Encounter/%.*s", (int)latest.id.size, latest.id.at);
    }
    return known || run->encounter_id.size == 0 ? STATUS_OK
                                                : fault(scope, STATUS_PRECONDITION, "context.encounterId",
                                                      "the visit is neither prefetched nor in this server's record");
}

static enum status make_reading(struct cds_run *run, struct records_visit *visit, struct scope *scope) {
    struct confirmation confirmation = {run->referral, run->snapshot, visit, run->bundle};
    struct triage_gather_options options = {.now_us = clock_now_us(run->referral->clock),
        .zone_minutes = run->snapshot->zone_minutes,
        .confirms = confirmation_counts,
        .confirms_context = &confirmation};
    enum status status = find_visit(&options.encounter, run, scope);
    if (status != STATUS_OK || options.encounter.size == 0) {
        return status;
    }
    status = triage_gather_bundle(&run->facts, run->bundle, &options, scope);
    const struct issue *issue = scope->fault.last;
    if (status == STATUS_UNPROCESSABLE && issue != NULL && issue->code != NULL &&
        strcmp(issue->code, TRIAGE_NOTHING_TO_READ) == 0) {
        scope->fault = (struct fault){0};
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = referral_triage_read(&run->reading, run->referral, run->facts, scope);
    }
    run->has_reading = status == STATUS_OK;
    return status;
}

static void give_back(void *snapshot) {
    region_release(snapshot);
}

static enum status look(void *context, struct records_visit *visit, struct scope *scope) {
    struct cds_run *run = context;
    enum status status = read_request(run, scope);
    if (status == STATUS_OK) {
        status = region_hold(&run->snapshot, run->referral->region, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    arena_defer(scope->arena, give_back, (void *)run->snapshot);
    status = cds_collect(run, visit, scope);
    return status == STATUS_OK ? make_reading(run, visit, scope) : status;
}

enum status referral_cds_run(
    struct text *out, struct referral *referral, const struct referral_cds_call *call, struct scope *scope) {
    struct cds_run *run = ARENA_NEW(scope->arena, struct cds_run);
    *run = (struct cds_run){.referral = referral, .call = call, .service = cds_service_find(call->service)};
    if (run->service == NULL) {
        return fault(scope, STATUS_NOT_FOUND, "", "there is no CDS service of this id");
    }
    enum status status = records_visit_run(referral->records, call->caller, run->service->id, look, NULL, run, scope);
    return status == STATUS_OK ? cds_write_cards(out, run, scope) : status;
}
