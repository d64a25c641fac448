#include "referral/confirmation.h"

#include "referral/consult.h"
#include "referral/policy_shelf.h"
#include "referral/task.h"

enum { ROLES_MAX = 32 };

/* ---- resources --------------------------------------------------------------------------------------------------------- */

/* "Type/id" in the bundle, by its id or its fullUrl. */
static const yyjson_val *in_bundle(const yyjson_val *bundle, struct text reference) {
    struct fhir_reference parsed;
    bool local = fhir_reference_parse(&parsed, reference, (struct text){0}) && parsed.type != FHIR_TYPE_NONE;
    size_t index, count;
    yyjson_val *entry;
    yyjson_arr_foreach((yyjson_val *)json_get(bundle, "entry"), index, count, entry) {
        const yyjson_val *resource = json_get(entry, "resource");
        if (text_equal(json_get_text(entry, "fullUrl"), reference) ||
            (local && text_equal(json_get_text(resource, "id"), parsed.id) &&
                fhir_type_find(json_get_text(resource, "resourceType")) == parsed.type)) {
            return resource;
        }
    }
    return NULL;
}

/* NULL where it is not to be had. */
static enum status find(const yyjson_val **out, const struct confirmation *c, struct text reference, const char *type,
    struct scope *scope) {
    struct text id = reference_id(reference, type);
    *out = c->bundle != NULL ? in_bundle(c->bundle, reference) : NULL;
    if (*out != NULL) {
        *out = text_is(json_get_text(*out, "resourceType"), type) ? *out : NULL;
        return STATUS_OK;
    }
    if (id.size == 0 || !fhir_id_is_valid(id)) {
        return STATUS_OK;
    }
    enum status status = records_visit_get(out, c->visit, fhir_type_find(text_from(type)), id, scope);
    if (status == STATUS_NOT_FOUND || status == STATUS_GONE) {
        *out = NULL;
        return STATUS_OK;
    }
    return status;
}

/* ---- who works where ------------------------------------------------------------------------------------------------------ */

static bool is_hospital(const struct region_place *place) {
    static const char *const kinds[] = {"01", "11", "21", "28", "29", "75"};
    bool found = place->tier != REGION_TIER_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !found; i++) {
        found = text_is(place->kind, kinds[i]);
    }
    return found && !place->control_room && !place->post;
}

/* What the word of somebody at this organisation is. */
static unsigned word_of(const struct region_snapshot *snapshot, struct text organisation) {
    int at = region_place_find(snapshot, reference_id(organisation, "Organization"));
    if (at < 0) {
        return 0;
    }
    const struct region_place *place = &snapshot->places[at];
    return place->control_room ? POLICY_BY_CONTROL_ROOM : is_hospital(place) ? POLICY_BY_HOSPITAL : 0;
}

static unsigned word_of_role(const struct confirmation *c, const yyjson_val *role) {
    bool active = true;
    (void)json_get_bool(&active, role, "active");
    return active ? word_of(c->snapshot, reference_of(role, "organization")) : 0;
}

static unsigned roles_in_bundle(const struct confirmation *c, struct text practitioner) {
    unsigned word = 0;
    size_t index, count;
    yyjson_val *entry;
    yyjson_arr_foreach((yyjson_val *)json_get(c->bundle, "entry"), index, count, entry) {
        const yyjson_val *role = json_get(entry, "resource");
        if (text_is(json_get_text(role, "resourceType"), "PractitionerRole") &&
            text_equal(reference_of(role, "practitioner"), practitioner)) {
            word |= word_of_role(c, role);
        }
    }
    return word;
}

static enum status word_of_person(
    unsigned *out, const struct confirmation *c, struct text practitioner, struct scope *scope) {
    const yyjson_val **roles = NULL;
    size_t count = 0;
    *out = roles_in_bundle(c, practitioner);
    if (reference_id(practitioner, "Practitioner").size == 0) {
        return STATUS_OK;
    }
    struct search_pair pair = {TEXT("practitioner"), practitioner};
    enum status status = records_visit_find(
        &roles, &count, c->visit, fhir_type_find(TEXT("PractitionerRole")), &pair, 1, ROLES_MAX, scope);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        *out |= word_of_role(c, roles[i]);
    }
    return status;
}

static enum status word_of_author(
    unsigned *out, const struct confirmation *c, const yyjson_val *condition, struct scope *scope) {
    struct text author = reference_of(condition, "asserter");
    const yyjson_val *role = NULL;
    author = author.size > 0 ? author : reference_of(condition, "recorder");
    *out = 0;
    if (author.size == 0) {
        return STATUS_OK;
    }
    enum status status = find(&role, c, author, "PractitionerRole", scope);
    if (status == STATUS_OK && role != NULL) {
        *out = word_of_role(c, role);
        return STATUS_OK;
    }
    return status == STATUS_OK ? word_of_person(out, c, author, scope) : status;
}

/* ---- a specialist's answer ------------------------------------------------------------------------------------------------ */

static bool has_coding(const yyjson_val *concepts, const yyjson_val *coding) {
    size_t index, count, at, size;
    yyjson_val *concept, *other;
    yyjson_arr_foreach((yyjson_val *)concepts, index, count, concept) {
        yyjson_arr_foreach((yyjson_val *)json_get(concept, "coding"), at, size, other) {
            if (text_equal(json_get_text(other, "code"), json_get_text(coding, "code")) &&
                text_equal(json_get_text(other, "system"), json_get_text(coding, "system"))) {
                return true;
            }
        }
    }
    return false;
}

/* The finding says nothing that the specialist did not. */
static bool says_the_same(const yyjson_val *condition, const yyjson_val *said) {
    size_t index, count;
    yyjson_val *coding;
    yyjson_arr_foreach((yyjson_val *)json_get(json_get(condition, "code"), "coding"), index, count, coding) {
        if (!has_coding(json_get(said, "reasonCode"), coding)) {
            return false;
        }
    }
    return text_equal(reference_of(condition, "subject"), reference_of(said, "subject"));
}

static enum status is_answer(
    bool *out, const struct confirmation *c, const yyjson_val *condition, struct text evidence, struct scope *scope) {
    /* The record alone: a bundle may hold what nobody has said. */
    const struct confirmation record = {.referral = c->referral, .snapshot = c->snapshot, .visit = c->visit};
    const yyjson_val *said = NULL, *task = NULL;
    *out = false;
    enum status status = find(&said, &record, evidence, "Communication", scope);
    if (status != STATUS_OK || said == NULL || !says_the_same(condition, said)) {
        return status;
    }
    struct text about = json_get_text(yyjson_arr_get_first((yyjson_val *)json_get(said, "about")), "reference");
    status = find(&task, &record, about, "Task", scope);
    if (status == STATUS_OK && task != NULL) {
        *out = consult_is(task) && text_equal(consult_answer_of(task), evidence);
    }
    return status;
}

static enum status by_consult(
    bool *out, const struct confirmation *c, const yyjson_val *condition, struct scope *scope) {
    enum status status = STATUS_OK;
    size_t index, count, at, size;
    yyjson_val *evidence, *detail;
    *out = false;
    yyjson_arr_foreach((yyjson_val *)json_get(condition, "evidence"), index, count, evidence) {
        yyjson_arr_foreach((yyjson_val *)json_get(evidence, "detail"), at, size, detail) {
            if (status == STATUS_OK && !*out) {
                status = is_answer(out, c, condition, json_get_text(detail, "reference"), scope);
            }
        }
    }
    return status;
}

/* ---- the rule --------------------------------------------------------------------------------------------------------------- */

enum status confirmation_counts(bool *out, void *context, const yyjson_val *condition, struct scope *scope) {
    const struct confirmation *c = context;
    const struct policy *policy = NULL;
    unsigned word = 0;
    *out = false;
    enum status status = policy_shelf_hold(&policy, c->referral->shelf, c->snapshot, scope);
    if (status != STATUS_OK || (policy->confirmed_by & POLICY_BY_ANYBODY) != 0) {
        *out = status == STATUS_OK;
        return status;
    }
    if ((policy->confirmed_by & POLICY_BY_CONSULT) != 0) {
        status = by_consult(out, c, condition, scope);
    }
    if (status == STATUS_OK && !*out) {
        status = word_of_author(&word, c, condition, scope);
        *out = status == STATUS_OK && (word & policy->confirmed_by) != 0;
    }
    return status;
}

enum status confirmation_check_caller(const struct records_caller *caller, const struct region_snapshot *snapshot,
    const struct policy *policy, const char *path, struct scope *scope) {
    unsigned by = policy->confirmed_by;
    bool operates = text_is(caller->role, "administrator") || text_is(caller->role, "system");
    bool crew = text_is(caller->role, "crew");
    bool room = text_is(caller->role, "control-room") && (by & POLICY_BY_CONTROL_ROOM) != 0;
    if (operates || room || (by & POLICY_BY_ANYBODY) != 0 ||
        (!crew && (word_of(snapshot, caller->organisation) & by) != 0)) {
        return STATUS_OK;
    }
    return fault(scope, STATUS_DENIED, path,
        "the province's policy (confirmation.by) does not take this organisation's word that a need is confirmed: give "
        "it as a "
        "finding, or ask a specialist");
}
