/* $surge: many patients at once over all places, with what proves that nothing better is possible and who gives way. */
#include <math.h>

#include "referral/parameters.h"
#include "referral/service.h"
#include "referral/surge_record.h"
#include "referral/task.h"

static const char *const names[] = {"patient", "bed", "change"};
enum { LABEL_MAX = 80, CHANGES_MAX = 100, BED_FREE_MAX = 100000, ANSWER_MAX = 128 << 20 };

struct surge_call {
    struct referral *referral;
    const struct referral_call *call;
    const yyjson_val *parameters;
    const struct region_snapshot *snapshot;
    struct surge_policy policy;
    struct surge_group *groups;
    size_t group_count, patient_count;
    struct surge_bed *beds;
    size_t bed_count;
    struct surge_change *changes;
    size_t change_count;
    struct surge surge;
    struct assignment_certificate certificate;
    struct text inputs, outputs, reference; /* as they are kept */
    int64_t now_us, solved_us, certified_us;
};

/* ---- the question -------------------------------------------------------------------------------------------------------- */

static const yyjson_val *part_of(const yyjson_val *item, const char *name) {
    size_t index, count;
    yyjson_val *part;
    yyjson_arr_foreach((yyjson_val *)json_get(item, "part"), index, count, part) {
        if (text_is(json_get_text(part, "name"), name)) {
            return part;
        }
    }
    return NULL;
}

static const char *path_of(size_t index, const char *part, struct scope *scope) {
    return text_format(scope->arena, "Parameters.parameter[%zu].part.where(name='%s')", index, part).at;
}

static enum status whole_number(int64_t *out, const yyjson_val *item, size_t index, const char *name, int64_t low,
    int64_t high, int64_t otherwise, struct scope *scope) {
    const yyjson_val *part = part_of(item, name);
    *out = otherwise;
    if (part == NULL && otherwise >= low) {
        return STATUS_OK;
    }
    bool given = json_get_int64(out, part, "valueInteger") || json_get_int64(out, part, "valuePositiveInt") ||
                 json_get_int64(out, part, "valueUnsignedInt");
    return given && *out >= low && *out <= high
               ? STATUS_OK
               : fault(scope, STATUS_UNPROCESSABLE, path_of(index, name, scope),
                     "%s is a whole number from %lld to %lld", name, (long long)low, (long long)high);
}

static struct text place_id(const yyjson_val *part) {
    struct text reference = json_get_text(json_get(part, "valueReference"), "reference");
    struct text id = reference_id(reference, "Organization");
    return id.size > 0 ? id : reference_id(reference, "Location");
}

static enum status read_point(
    struct surge_call *surge, struct referral_case *out, const yyjson_val *item, size_t index, struct scope *scope) {
    const yyjson_val *origin = part_of(item, "origin");
    struct region_point south_west = surge->snapshot->south_west, north_east = surge->snapshot->north_east;
    if (origin != NULL) {
        int place = region_place_find(surge->snapshot, place_id(origin));
        if (place < 0 || !isfinite(surge->snapshot->places[place].point.latitude)) {
            return fault(scope, STATUS_UNPROCESSABLE, path_of(index, "origin", scope),
                "is no place of the region that has a position");
        }
        out->origin_place = place;
        out->origin = surge->snapshot->places[place].point;
        return STATUS_OK;
    }
    if (!json_get_double(&out->origin.latitude, part_of(item, "latitude"), "valueDecimal") ||
        !json_get_double(&out->origin.longitude, part_of(item, "longitude"), "valueDecimal")) {
        return fault(scope, STATUS_INVALID, path_of(index, "latitude", scope),
            "a patient has an origin, or latitude and longitude (valueDecimal)");
    }
    if (out->origin.latitude < south_west.latitude || out->origin.latitude > north_east.latitude ||
        out->origin.longitude < south_west.longitude || out->origin.longitude > north_east.longitude) {
        return fault(
            scope, STATUS_UNPROCESSABLE, path_of(index, "latitude", scope), "the position lies outside the region");
    }
    return STATUS_OK;
}

/* What was read, in its order, and what a doctor has confirmed beside it. */
static enum status read_needs(const struct surge_call *surge, struct surge_group *group, const yyjson_val *item,
    size_t index, struct scope *scope) {
    size_t at, count, read_count = 0;
    yyjson_val *part;
    struct text *read =
        ARENA_ARRAY(scope->arena, struct text, yyjson_arr_size((yyjson_val *)json_get(item, "part")) + 1);
    yyjson_arr_foreach((yyjson_val *)json_get(item, "part"), at, count, part) {
        bool confirmed = text_is(json_get_text(part, "name"), "confirmed-need");
        if (!confirmed && !text_is(json_get_text(part, "name"), "need")) {
            continue;
        }
        struct text code = json_get_text(part, "valueCode");
        code = code.size > 0 ? code : json_get_text(json_get(part, "valueCoding"), "code");
        int need = region_need_find(surge->snapshot, code);
        if (need < 0) {
            return fault(scope, STATUS_UNPROCESSABLE,
                text_format(scope->arena, "Parameters.parameter[%zu].part[%zu]", index, at).at,
                "the loaded region knows no such need");
        }
        group->patient.needs |= UINT64_C(1) << need;
        if (confirmed) {
            group->patient.confirmed = surge->snapshot->needs[need].code;
        } else {
            read[read_count++] = surge->snapshot->needs[need].code;
        }
    }
    group->doubted = referral_read_as(&group->read_as, surge->snapshot, read, read_count);
    return STATUS_OK;
}

static enum status check_parts(const yyjson_val *item, size_t index, const char *const *known, struct scope *scope) {
    size_t at, count;
    yyjson_val *part;
    yyjson_arr_foreach((yyjson_val *)json_get(item, "part"), at, count, part) {
        bool found = false;
        for (const char *const *name = known; *name != NULL && !found; name++) {
            found = text_is(json_get_text(part, "name"), *name);
        }
        if (!found) {
            return fault(scope, STATUS_INVALID,
                text_format(scope->arena, "Parameters.parameter[%zu].part[%zu].name", index, at).at,
                "there is no such part");
        }
    }
    return STATUS_OK;
}

static enum status read_patient(struct surge_call *surge, const yyjson_val *item, size_t index, struct scope *scope) {
    static const char *const known[] = {"label", "level", "need", "confirmed-need", "count", "age-months", "window",
        "origin", "latitude", "longitude", NULL};
    struct surge_group *group = &surge->groups[surge->group_count];
    int64_t level = 0, count = 0, age = 0, window = 0;
    enum status status = check_parts(item, index, known, scope);
    status = status == STATUS_OK ? whole_number(&level, item, index, "level", 1, 5, 0, scope) : status;
    status = status == STATUS_OK ? whole_number(&count, item, index, "count", 1, SURGE_PATIENTS_MAX, 1, scope) : status;
    if (status == STATUS_OK && part_of(item, "age-months") != NULL) {
        status = whole_number(&age, item, index, "age-months", 0, 1500, 0, scope);
    } else {
        age = -1;
    }
    status = status == STATUS_OK ? whole_number(&window, item, index, "window", 0, 10080, 0, scope) : status;
    if (status != STATUS_OK) {
        return status;
    }
    struct text label = json_get_text(part_of(item, "label"), "valueString");
    if (label.size > LABEL_MAX) {
        return fault(
            scope, STATUS_UNPROCESSABLE, path_of(index, "label", scope), "a label has at most %d bytes", LABEL_MAX);
    }
    surge->patient_count += (size_t)count;
    if (surge->patient_count > SURGE_PATIENTS_MAX) {
        return fault(scope, STATUS_TOO_LARGE, path_of(index, "count", scope), "at most %d patients in one wave",
            SURGE_PATIENTS_MAX);
    }
    *group = (struct surge_group){.count = (int)count,
        .label = label.size > 0 ? label : text_format(scope->arena, "%zu", surge->group_count + 1),
        .patient = {.level = (int)level,
            .place = TRIAGE_PLACE_INSTITUTION,
            .window_minutes = (int)window,
            .age_months = (int)age,
            .origin_place = -1,
            .known_place = -1,
            .now_us = surge->now_us}};
    surge->group_count++;
    status = read_point(surge, &group->patient, item, index, scope);
    return status == STATUS_OK ? read_needs(surge, group, item, index, scope) : status;
}

static enum status read_bed(
    struct surge_bed *out, const struct surge_call *surge, const yyjson_val *item, size_t index, struct scope *scope) {
    static const char *const known[] = {"place", "bed", "free", NULL};
    int64_t free = 0;
    enum status status = check_parts(item, index, known, scope);
    if (status != STATUS_OK) {
        return status;
    }
    out->place = region_place_find(surge->snapshot, place_id(part_of(item, "place")));
    out->bed = region_bed_find(surge->snapshot, json_get_text(part_of(item, "bed"), "valueCode"));
    if (out->place < 0) {
        return fault(scope, STATUS_UNPROCESSABLE, path_of(index, "place", scope), "is no place of the region");
    }
    if (out->bed < 0) {
        return fault(scope, STATUS_UNPROCESSABLE, path_of(index, "bed", scope), "the loaded region knows no such bed");
    }
    status = whole_number(&free, item, index, "free", 0, BED_FREE_MAX, -1, scope);
    out->free = (int)free;
    return status;
}

static enum status read_question(struct surge_call *surge, struct scope *scope) {
    size_t index, count;
    yyjson_val *item;
    yyjson_val *all = (yyjson_val *)json_get(surge->parameters, "parameter");
    surge->groups = ARENA_ARRAY(scope->arena, struct surge_group, yyjson_arr_size(all) + 1);
    surge->beds = ARENA_ARRAY(scope->arena, struct surge_bed, yyjson_arr_size(all) + 1);
    surge->changes = ARENA_ARRAY(scope->arena, struct surge_change, CHANGES_MAX);
    enum status status = STATUS_OK;
    yyjson_arr_foreach(all, index, count, item) {
        struct text name = json_get_text(item, "name");
        if (status != STATUS_OK) {
            break;
        }
        if (text_is(name, "patient")) {
            status = read_patient(surge, item, index, scope);
        } else if (text_is(name, "bed")) {
            status = read_bed(&surge->beds[surge->bed_count++], surge, item, index, scope);
        } else if (surge->change_count == CHANGES_MAX) {
            status = fault(scope, STATUS_TOO_LARGE, "Parameters.parameter.where(name='change')", "at most %d changes",
                CHANGES_MAX);
        } else {
            status = read_bed(&surge->changes[surge->change_count++].bed, surge, item, index, scope);
        }
    }
    if (status == STATUS_OK && surge->group_count == 0) {
        status = fault(
            scope, STATUS_INVALID, "Parameters.parameter.where(name='patient')", "a wave has at least one patient");
    }
    return status;
}

/* ---- the answer ------------------------------------------------------------------------------------------------------------ */

/* A place by its reference and Korean name, beside it the English one. */
static void write_named(struct json_writer *w, const char *name, const char *name_en, const struct region_place *place,
    struct scope *scope) {
    fhir_parameter_reference(
        w, name, text_format(scope->arena, "Organization/%.*s", (int)place->id.size, place->id.at), place->name_ko);
    if (place->name_en.size > 0) {
        fhir_parameter_text(w, name_en, "valueString", place->name_en);
    }
}

static void write_place(struct json_writer *w, const char *name, const char *name_en, const struct surge_call *surge,
    int column, struct scope *scope) {
    if (column != ASSIGNMENT_UNPLACED) {
        write_named(w, name, name_en, &surge->snapshot->places[surge->surge.columns[column].place], scope);
    }
}

static struct text label_of(const struct surge_call *surge, size_t patient, struct scope *scope) {
    const struct surge *solved = &surge->surge;
    int group = solved->group_of[patient];
    struct text label = surge->groups[group].label;
    return surge->groups[group].count == 1 ? label
                                           : text_format(scope->arena, "%.*s/%zu", (int)label.size, label.at,
                                                 patient - solved->first_of[group] + 1);
}

static void write_patient(struct json_writer *w, const struct surge_call *surge, size_t patient, struct scope *scope) {
    const struct surge *solved = &surge->surge;
    int group = solved->group_of[patient], column = assignment_place(solved->assignment, (int)patient);
    const struct surge_way *first = solved->first_choice[group];
    fhir_parameter_open(w, "patient");
    fhir_parameter_text(w, "label", "valueString", label_of(surge, patient, scope));
    fhir_parameter_integer(w, "level", surge->groups[group].patient.level);
    if (column == ASSIGNMENT_UNPLACED) {
        fhir_parameter_boolean(w, "unplaced", true);
        fhir_parameter_text(w, "why", "valueCode", first == NULL ? TEXT("no-place") : TEXT("no-bed"));
    } else {
        const struct surge_column *at = &solved->columns[column];
        const struct surge_way *way = surge_way_find(solved, group, at->place);
        write_place(w, "place", "name-en", surge, column, scope);
        if (at->bed >= 0) {
            fhir_parameter_text(w, "bed", "valueCode", surge->snapshot->beds[at->bed].code);
        }
        fhir_parameter_decimal(w, "minutes", way->minutes, 1);
        fhir_parameter_decimal(w, "chance", way->chance, 3);
        fhir_parameter_decimal(w, "value", way->value, 6);
        if (way->wrong > 0) {
            fhir_parameter_decimal(w, "wrong", way->wrong, 3);
            fhir_parameter_decimal(w, "wrong-minutes", way->wrong_min, 1);
        }
    }
    if (first != NULL && (column == ASSIGNMENT_UNPLACED || solved->columns[column].place != first->place)) {
        fhir_parameter_open(w, "gives-way");
        write_named(w, "place", "name-en", &surge->snapshot->places[first->place], scope);
        if (column != ASSIGNMENT_UNPLACED) {
            fhir_parameter_decimal(w, "minutes",
                surge_way_find(solved, group, solved->columns[column].place)->minutes - first->minutes, 1);
        }
        fhir_parameter_close(w);
    }
    fhir_parameter_close(w);
}

static void write_column(struct json_writer *w, const struct surge_call *surge, int column, struct scope *scope) {
    const struct surge *solved = &surge->surge;
    const struct surge_column *at = &solved->columns[column];
    fhir_parameter_open(w, "beds");
    write_place(w, "place", "name-en", surge, column, scope);
    if (at->bed >= 0) {
        fhir_parameter_text(w, "bed", "valueCode", surge->snapshot->beds[at->bed].code);
    }
    fhir_parameter_integer(w, "free", assignment_capacity(solved->assignment, column));
    fhir_parameter_integer(w, "used", assignment_load(solved->assignment, column));
    fhir_parameter_decimal(w, "price", (double)assignment_price(solved->assignment, column) / SURGE_COST_UNIT, 6);
    if (at->assumed) {
        fhir_parameter_boolean(w, "assumed", true);
    } else if (at->typed) {
        fhir_parameter_boolean(w, "typed", true);
    } else {
        const struct region_count *count = &surge->snapshot->places[at->place].beds[at->bed];
        fhir_parameter_decimal(w, "age", fmax(0, (double)(surge->now_us - count->said_us) / 60e6), 1);
        fhir_parameter_reference(w, "author", count->author, (struct text){0});
    }
    fhir_parameter_close(w);
}

static void write_change(
    struct json_writer *w, const struct surge_call *surge, const struct surge_change *change, struct scope *scope) {
    const struct region_place *place = &surge->snapshot->places[change->bed.place];
    fhir_parameter_open(w, "exchange");
    write_named(w, "place", "name-en", place, scope);
    fhir_parameter_text(w, "bed", "valueCode", surge->snapshot->beds[change->bed.bed].code);
    fhir_parameter_integer(w, "free", change->bed.free);
    fhir_parameter_decimal(w, "saved", (double)change->saved / SURGE_COST_UNIT, 6);
    fhir_parameter_decimal(w, "milliseconds", (double)change->us / 1e3, 3);
    for (size_t i = 0; i < change->move_count; i++) {
        fhir_parameter_open(w, "move");
        fhir_parameter_text(w, "label", "valueString", label_of(surge, (size_t)change->moves[i].patient, scope));
        write_place(w, "from", "from-en", surge, change->moves[i].from, scope);
        write_place(w, "to", "to-en", surge, change->moves[i].to, scope);
        fhir_parameter_close(w);
    }
    fhir_parameter_close(w);
}

static void write_certificate(struct json_writer *w, const struct surge_call *surge) {
    const struct assignment_certificate *certificate = &surge->certificate;
    fhir_parameter_open(w, "certificate");
    fhir_parameter_boolean(w, "optimal", certificate->optimal);
    fhir_parameter_decimal(w, "primal", (double)certificate->primal / SURGE_COST_UNIT, 6);
    fhir_parameter_decimal(w, "dual", (double)certificate->dual / SURGE_COST_UNIT, 6);
    fhir_parameter_integer(w, "infeasible", (int64_t)certificate->infeasible);
    fhir_parameter_integer(w, "slack-broken", (int64_t)certificate->slack);
    fhir_parameter_close(w);
}

static enum status write_answer(
    struct text *out, const struct surge_call *surge, int64_t began_us, struct scope *scope) {
    const struct surge *solved = &surge->surge;
    struct json_writer w = json_writer_open(scope->arena, ANSWER_MAX);
    size_t placed = 0, gave_way = 0;
    for (size_t i = 0; i < solved->patient_count; i++) {
        int column = assignment_place(solved->assignment, (int)i);
        const struct surge_way *first = solved->first_choice[solved->group_of[i]];
        placed += column != ASSIGNMENT_UNPLACED;
        gave_way += first != NULL && (column == ASSIGNMENT_UNPLACED || solved->columns[column].place != first->place);
    }
    fhir_parameters_open(&w);
    fhir_parameter_integer(&w, "patients", (int64_t)solved->patient_count);
    fhir_parameter_integer(&w, "placed", (int64_t)placed);
    fhir_parameter_integer(&w, "gave-way", (int64_t)gave_way);
    write_certificate(&w, surge);
    for (size_t i = 0; i < solved->patient_count; i++) {
        write_patient(&w, surge, i, scope);
    }
    for (size_t i = 0; i < solved->column_count; i++) {
        write_column(&w, surge, (int)i, scope);
    }
    for (size_t i = 0; i < surge->change_count; i++) {
        write_change(&w, surge, &surge->changes[i], scope);
    }
    fhir_parameter_reference(&w, "decision", surge->reference, (struct text){0});
    fhir_parameter_text(&w, "policy", "valueString", surge->snapshot->policy_hash);
    fhir_parameter_open(&w, "timing");
    fhir_parameter_decimal(&w, "solving", (double)(surge->solved_us - began_us) / 1e3, 3);
    fhir_parameter_decimal(&w, "certifying", (double)(surge->certified_us - surge->solved_us) / 1e3, 3);
    fhir_parameter_close(&w);
    return fhir_parameters_finish(out, &w, scope);
}

/* ---- the operation ---------------------------------------------------------------------------------------------------------- */

static void give_back(void *snapshot) {
    region_release(snapshot);
}

static enum status solve(void *context, struct records_visit *visit, struct scope *scope) {
    (void)visit;
    struct surge_call *surge = context;
    enum status status = region_hold(&surge->snapshot, surge->referral->region, scope);
    if (status != STATUS_OK) {
        return status;
    }
    arena_defer(scope->arena, give_back, (void *)surge->snapshot);
    if (surge->snapshot->place_count == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "", "no region is loaded: there are no places (soyang region load)");
    }
    status = parameters_read(&surge->parameters, surge->call->parameters, names, sizeof names / sizeof *names, scope);
    status = status == STATUS_OK ? read_question(surge, scope) : status;
    status = status == STATUS_OK ? surge_policy_read(&surge->policy, surge->snapshot->policy, scope) : status;
    if (status == STATUS_OK) {
        status = surge_solve(&surge->surge, surge->snapshot, &surge->policy, surge->groups, surge->group_count,
            surge->beds, surge->bed_count, scope);
    }
    surge->solved_us = clock_monotonic_us();
    if (status == STATUS_OK) {
        assignment_certify(&surge->certificate, surge->surge.assignment, &surge->surge.problem);
        surge->certified_us = clock_monotonic_us();
    }
    if (status == STATUS_OK) {
        status = surge_record_inputs(
            &surge->inputs, &surge->surge, &surge->policy, surge->changes, surge->change_count, surge->now_us, scope);
    }
    for (size_t i = 0; i < surge->change_count && status == STATUS_OK; i++) {
        struct surge_change *change = &surge->changes[i];
        change->column = surge_column_find(&surge->surge, change->bed.place, change->bed.bed);
        status = surge_change_apply(change, &surge->surge, &surge->certificate, scope);
    }
    if (status == STATUS_OK) {
        status = surge_record_outputs(
            &surge->outputs, &surge->surge, &surge->certificate, surge->changes, surge->change_count, scope);
    }
    /* An answer that its own certificate does not carry is no answer. */
    return status != STATUS_OK || surge->certificate.optimal
               ? status
               : fault(scope, STATUS_FAILED, "", "the assignment does not stand up to its certificate");
}

static enum status store(void *context, struct records_unit *unit, struct scope *scope) {
    struct surge_call *surge = context;
    return surge_record_store(&surge->reference, unit, surge->inputs, surge->outputs, scope);
}

enum status referral_operation_surge(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope) {
    static const char *const roles[] = {"control-room", "administrator", "planner", "system"};
    bool may = false;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        may = may || text_is(call->caller->role, roles[i]);
    }
    if (!may) {
        return fault(scope, STATUS_DENIED, "", "$surge is the control room's");
    }
    struct surge_call *surge = ARENA_NEW(scope->arena, struct surge_call);
    surge->referral = referral;
    surge->call = call;
    surge->now_us = clock_now_us(referral->clock);
    int64_t began_us = clock_monotonic_us();
    enum status status = records_visit_run(referral->records, call->caller, "$surge", solve, store, surge, scope);
    return status == STATUS_OK ? write_answer(out, surge, began_us, scope) : status;
}
