/* Guards of people on call: who may say that somebody is on call at a place, and until when somebody is in theatre. */
#include "region/duty.h"

#include "fhir/fhir.h"
#include "region/naming.h"

enum { ROLES_MAX = 200 };
#define THEATRE_MOST_US INT64_C(86400000000) /* 24 hours */

struct roles {
    const yyjson_val **at;
    size_t count;
};

/* On call anywhere, as the unit sees it. */
static enum status find_roles(
    struct roles *out, const struct records_change *change, struct text person, struct scope *scope) {
    const struct search_pair pairs[] = {
        {TEXT("practitioner"), text_format(scope->arena, "Practitioner/%.*s", (int)person.size, person.at)},
        {TEXT("role"), TEXT(SYSTEM_DUTY "|" DUTY_ON_CALL)}};
    return records_unit_search(
        &out->at, &out->count, change->unit, fhir_type_find(TEXT("PractitionerRole")), pairs, 2, ROLES_MAX, scope);
}

static struct text place_of(const yyjson_val *role) {
    return region_reference_id(role, "organization", "Organization");
}

/* ---- on call ---------------------------------------------------------------------------------------------------- */

/* A person of another place is shared by the control room alone: whoever is on call with a person may say that it is in theatre. */
static enum status check_shared(const struct records_change *change, struct scope *scope) {
    const struct records_caller *caller = records_unit_caller(change->unit);
    struct text person = region_reference_id(change->after, "practitioner", "Practitioner");
    struct roles roles;
    if (guard_speaks_for(caller, (struct text){0}) ||
        (duty_is_on_call(change->before) &&
            text_equal(region_reference_id(change->before, "practitioner", "Practitioner"), person))) {
        return STATUS_OK;
    }
    enum status status = find_roles(&roles, change, person, scope);
    for (size_t i = 0; status == STATUS_OK && i < roles.count; i++) {
        if (!text_equal(place_of(roles.at[i]), place_of(change->after))) {
            return fault(scope, STATUS_DENIED, "PractitionerRole.practitioner",
                "is on call at another place: the control room says who is shared");
        }
    }
    return status;
}

static bool names_need(const yyjson_val *role) {
    size_t index, max;
    yyjson_val *concept;
    yyjson_arr_foreach(json_get(role, "specialty"), index, max, concept) {
        if (concept_code(concept, SYSTEM_CONDITION).size > 0 || concept_code(concept, SYSTEM_NEED).size > 0) {
            return true;
        }
    }
    return false;
}

static enum status check_duty(const struct records_change *change, struct scope *scope) {
    if (place_of(change->after).size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "PractitionerRole.organization", "on call says at which place");
    }
    if (region_reference_id(change->after, "practitioner", "Practitioner").size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "PractitionerRole.practitioner", "on call says who");
    }
    if (!names_need(change->after)) {
        return fault(scope, STATUS_UNPROCESSABLE, "PractitionerRole.specialty",
            "on call says for which needs, by codes of %s or %s", SYSTEM_CONDITION, SYSTEM_NEED);
    }
    return check_shared(change, scope);
}

static enum status guard_role(void *context, struct records_change *change, struct scope *scope) {
    const yyjson_val *const sides[] = {change->before, change->after};
    uint64_t sequence = store_unit_sequence(records_unit_store(change->unit));
    for (size_t i = 0; i < 2; i++) {
        if (duty_is_on_call(sides[i]) && !guard_speaks_for(records_unit_caller(change->unit), place_of(sides[i]))) {
            return fault(scope, STATUS_DENIED, "PractitionerRole.organization",
                "only the place itself and the control room say who is on call there");
        }
    }
    enum status status = duty_is_on_call(change->after) ? check_duty(change, scope) : STATUS_OK;
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        if (duty_is_on_call(sides[i])) {
            keeper_mark_place(context, place_of(sides[i]), sequence);
        }
    }
    return status;
}

/* ---- in theatre ------------------------------------------------------------------------------------------------- */

static enum status check_speaker(const struct records_change *change, const struct roles *roles, struct scope *scope) {
    const struct records_caller *caller = records_unit_caller(change->unit);
    bool speaks = guard_speaks_for(caller, (struct text){0});
    for (size_t i = 0; i < roles->count && !speaks; i++) {
        speaks = guard_speaks_for(caller, place_of(roles->at[i]));
    }
    return speaks ? STATUS_OK
                  : fault(scope, STATUS_DENIED, "Practitioner.extension",
                        "only a place where the person is on call and the control room say who is in theatre");
}

static enum status check_author(const struct records_change *change, const yyjson_val *theatre, struct scope *scope) {
    const struct records_caller *caller = records_unit_caller(change->unit);
    struct text by = json_get_text(json_get(find_extension(theatre, "by"), "valueReference"), "reference");
    if (by.size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "Practitioner.extension", "in theatre says by whom it was said");
    }
    if (text_is(caller->role, "administrator") || text_is(caller->role, "system") ||
        text_equal(by, caller->organisation) || text_equal(by, caller->who)) {
        return STATUS_OK;
    }
    return fault(scope, STATUS_DENIED, "Practitioner.extension", "by is neither who asks nor for whom");
}

static enum status check_times(const struct records_change *change, const yyjson_val *theatre, struct scope *scope) {
    int64_t until_us = 0, at_us = 0, now_us = records_unit_time_us(change->unit);
    if (!time_parse(&until_us, json_get_text(find_extension(theatre, "until"), "valueInstant"))) {
        return fault(scope, STATUS_UNPROCESSABLE, "Practitioner.extension", "in theatre says until when: an instant");
    }
    if (!time_parse(&at_us, json_get_text(find_extension(theatre, "at"), "valueInstant")) ||
        at_us > now_us + GUARD_SKEW_US) {
        return fault(scope, STATUS_UNPROCESSABLE, "Practitioner.extension",
            "in theatre says when it was said: an instant, not in the future by more than 2 minutes");
    }
    if (until_us < now_us - GUARD_SKEW_US) {
        return fault(
            scope, STATUS_UNPROCESSABLE, "Practitioner.extension", "until lies in the past by more than 2 minutes");
    }
    return until_us <= now_us + THEATRE_MOST_US
               ? STATUS_OK
               : fault(scope, STATUS_UNPROCESSABLE, "Practitioner.extension", "until lies more than 24 hours ahead");
}

static bool is_same(const yyjson_val *before, const yyjson_val *after) {
    return (before == NULL && after == NULL) || (before != NULL && after != NULL && json_equal(before, after));
}

static enum status guard_person(void *context, struct records_change *change, struct scope *scope) {
    const yyjson_val *theatre = find_extension(change->after, EXTENSION_THEATRE);
    struct roles roles;
    if (is_same(find_extension(change->before, EXTENSION_THEATRE), theatre)) {
        return STATUS_OK;
    }
    enum status status = find_roles(&roles, change, change->id, scope);
    status = status == STATUS_OK ? check_speaker(change, &roles, scope) : status;
    if (status == STATUS_OK && theatre != NULL) {
        status = check_author(change, theatre, scope);
        status = status == STATUS_OK ? check_times(change, theatre, scope) : status;
    }
    for (size_t i = 0; i < roles.count && status == STATUS_OK; i++) {
        keeper_mark_place(context, place_of(roles.at[i]), store_unit_sequence(records_unit_store(change->unit)));
    }
    return status;
}

void duty_guard_register(struct region *region) {
    records_guard_register(region->records, fhir_type_find(TEXT("PractitionerRole")), guard_role, region);
    records_guard_register(region->records, fhir_type_find(TEXT("Practitioner")), guard_person, region);
}
