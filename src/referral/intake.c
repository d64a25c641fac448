#include "referral/intake.h"

#include <math.h>
#include <string.h>

#include "referral/confirmation.h"
#include "referral/learning.h"
#include "referral/policy_shelf.h"
#include "referral/task.h"

enum { READY_MAX_MIN = 240 };

/* ---- patient and facts ------------------------------------------------------------------------------------------------ */

static enum status find_patient(struct intake *intake, struct scope *scope) {
    const struct referral_call *call = intake->call;
    struct text reference = {0};
    enum status status = parameter_reference(&reference, intake->parameters, "patient", scope);
    if (status != STATUS_OK) {
        return status;
    }
    intake->bundle = parameter_resource(intake->parameters, "bundle");
    if (call->type == intake->referral->patient && call->id.size > 0) {
        if (reference.size > 0 || intake->bundle != NULL) {
            return fault(scope, STATUS_INVALID,
                parameter_path(intake->parameters, reference.size > 0 ? "patient" : "bundle", "", scope),
                "called on a Patient, the operation takes no other patient");
        }
        intake->patient_id = call->id;
    } else if (reference.size > 0) {
        intake->patient_id = reference_id(reference, "Patient");
        if (intake->patient_id.size == 0) {
            return fault(scope, STATUS_INVALID,
                parameter_path(intake->parameters, "patient", "valueReference.reference", scope),
                "patient takes a reference such as Patient/1");
        }
    }
    if ((intake->patient_id.size > 0) == (intake->bundle != NULL)) {
        return fault(scope, STATUS_INVALID, "Parameters.parameter", "give either patient (a stored one) or bundle");
    }
    if (intake->patient_id.size > 0) {
        intake->patient =
            text_format(scope->arena, "Patient/%.*s", (int)intake->patient_id.size, intake->patient_id.at);
    }
    return STATUS_OK;
}

static enum status read_options(struct triage_gather_options *out, struct intake *intake, struct scope *scope) {
    int64_t level = 0;
    bool has_level = false;
    enum status status = parameter_integer(&has_level, &level, intake->parameters, "human-level", scope);
    if (status == STATUS_OK && has_level && (level < 1 || level > 5)) {
        return fault(scope, STATUS_INVALID, parameter_path(intake->parameters, "human-level", "valueInteger", scope),
            "a level is 1 to 5");
    }
    if (status == STATUS_OK) {
        status = parameter_reference(&intake->encounter, intake->parameters, "encounter", scope);
    }
    *out = (struct triage_gather_options){.now_us = clock_now_us(intake->referral->clock),
        .encounter = intake->encounter,
        .human_level = (int)level,
        .zone_minutes = intake->snapshot->zone_minutes};
    return status;
}

static void give_back(void *snapshot) {
    region_release(snapshot);
}

enum status intake_read(
    struct intake *out, const struct intake_question *question, struct records_visit *visit, struct scope *scope) {
    struct referral *referral = question->referral;
    *out = (struct intake){.referral = referral, .visit = visit, .call = question->call};
    enum status status =
        parameters_read(&out->parameters, question->call->parameters, question->names, question->name_count, scope);
    if (status == STATUS_OK) {
        status = find_patient(out, scope);
    }
    if (status == STATUS_OK) {
        status = region_hold(&out->snapshot, referral->region, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    arena_defer(scope->arena, give_back, (void *)out->snapshot);
    struct triage_gather_options options;
    struct confirmation confirmation = {referral, out->snapshot, visit, out->bundle};
    status = read_options(&options, out, scope);
    options.confirms = confirmation_counts;
    options.confirms_context = &confirmation;
    if (status == STATUS_OK && out->bundle != NULL) {
        status = triage_gather_bundle(&out->facts, out->bundle, &options, scope);
    } else if (status == STATUS_OK) {
        status = triage_gather_records(&out->facts, visit, out->patient_id, &options, scope);
    }
    return status == STATUS_OK ? referral_triage_read(&out->reading, referral, out->facts, scope) : status;
}

/* ---- origin and continuity ---------------------------------------------------------------------------------------------- */

static enum status check_point(
    struct region_point point, const struct intake *intake, const char *path, struct scope *scope) {
    struct region_point south_west = intake->snapshot->south_west, north_east = intake->snapshot->north_east;
    bool bounded = north_east.latitude > south_west.latitude;
    bool inside = point.latitude >= south_west.latitude && point.latitude <= north_east.latitude &&
                  point.longitude >= south_west.longitude && point.longitude <= north_east.longitude;
    if (!isfinite(point.latitude) || !isfinite(point.longitude) || (bounded && !inside)) {
        return fault(scope, STATUS_UNPROCESSABLE, path, "the position lies outside the region");
    }
    return STATUS_OK;
}

static bool position_of(struct region_point *out, const yyjson_val *location) {
    const yyjson_val *position = json_get(location, "position");
    return json_get_double(&out->latitude, position, "latitude") &&
           json_get_double(&out->longitude, position, "longitude");
}

/* A place of the region, or any Location that has a position: a health post, a scene. */
static enum status origin_of_reference(
    struct referral_case *out, struct intake *intake, struct text reference, const char *path, struct scope *scope) {
    struct text id = reference_id(reference, "Location");
    id = id.size > 0 ? id : reference_id(reference, "Organization");
    int place = region_place_find(intake->snapshot, id);
    if (place >= 0 && isfinite(intake->snapshot->places[place].point.latitude)) {
        out->origin_place = place;
        out->origin = intake->snapshot->places[place].point;
        return STATUS_OK;
    }
    const yyjson_val *location = NULL;
    enum status status = STATUS_NOT_FOUND;
    if (id.size > 0 && fhir_id_is_valid(id)) {
        status = records_visit_get(&location, intake->visit, intake->referral->location, id, scope);
    }
    if (status == STATUS_OK && position_of(&out->origin, location)) {
        return check_point(out->origin, intake, path, scope);
    }
    return status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_GONE
               ? fault(scope, STATUS_UNPROCESSABLE, path,
                     "origin is no place of the region and no Location with a position")
               : status;
}

static enum status origin_of_parts(
    struct referral_case *out, struct intake *intake, const yyjson_val *origin, struct scope *scope) {
    bool latitude = false, longitude = false;
    size_t index, count;
    yyjson_val *part;
    yyjson_arr_foreach((yyjson_val *)json_get(origin, "part"), index, count, part) {
        struct text name = json_get_text(part, "name");
        latitude =
            latitude || (text_is(name, "latitude") && json_get_double(&out->origin.latitude, part, "valueDecimal"));
        longitude =
            longitude || (text_is(name, "longitude") && json_get_double(&out->origin.longitude, part, "valueDecimal"));
    }
    const char *path = parameter_path(intake->parameters, "origin", "part", scope);
    if (!latitude || !longitude) {
        return fault(scope, STATUS_INVALID, path, "origin takes a valueReference, or the parts latitude and longitude");
    }
    return check_point(out->origin, intake, path, scope);
}

static enum status find_origin(
    struct referral_case *out, struct intake *intake, struct text otherwise, struct scope *scope) {
    size_t index = 0;
    const yyjson_val *origin = parameter_find(&index, intake->parameters, "origin");
    struct text reference = json_get_text(json_get(origin, "valueReference"), "reference");
    if (origin != NULL && reference.size == 0) {
        return origin_of_parts(out, intake, origin, scope);
    }
    const char *path = parameter_path(intake->parameters, "origin", "valueReference", scope);
    return origin_of_reference(out, intake, origin != NULL ? reference : otherwise, path, scope);
}

static const yyjson_val *bundle_patient(const yyjson_val *bundle) {
    size_t index, count;
    yyjson_val *entry;
    yyjson_arr_foreach((yyjson_val *)json_get(bundle, "entry"), index, count, entry) {
        const yyjson_val *resource = json_get(entry, "resource");
        if (text_is(json_get_text(resource, "resourceType"), "Patient")) {
            return resource;
        }
    }
    return NULL;
}

static int known_place(const yyjson_val *patient, const struct region_snapshot *snapshot) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(patient, "generalPractitioner"), index, count, item) {
        int place = region_place_find(snapshot, reference_id(json_get_text(item, "reference"), "Organization"));
        if (place >= 0) {
            return place;
        }
    }
    return region_place_find(snapshot, reference_id(reference_of(patient, "managingOrganization"), "Organization"));
}

static enum status read_excluded(struct referral_case *out, struct intake *intake, struct scope *scope) {
    size_t room = json_count(json_get(intake->parameters, "parameter")) + 1;
    int *places = ARENA_ARRAY(scope->arena, int, room);
    size_t index = 0;
    for (const yyjson_val *item; (item = parameter_find(&index, intake->parameters, "exclude")) != NULL; index++) {
        struct text id = reference_id(json_get_text(json_get(item, "valueReference"), "reference"), "Organization");
        int place = region_place_find(intake->snapshot, id);
        if (place < 0) {
            const char *path = text_format(scope->arena, "Parameters.parameter[%zu].valueReference", index).at;
            return fault(scope, STATUS_UNPROCESSABLE, path, "exclude takes the Organization of a place of the region");
        }
        places[out->excluded_count++] = place;
    }
    out->excluded = places;
    return STATUS_OK;
}

/* Where the family is near: an Organization of the region. */
static enum status read_family(struct referral_case *out, const struct intake *intake, struct scope *scope) {
    struct text family = {0};
    enum status status = parameter_reference(&family, intake->parameters, "family-place", scope);
    if (status != STATUS_OK || family.size == 0) {
        return status;
    }
    out->family_place = region_place_find(intake->snapshot, reference_id(family, "Organization"));
    return out->family_place >= 0 ? STATUS_OK
                                  : fault(scope, STATUS_UNPROCESSABLE,
                                        parameter_path(intake->parameters, "family-place", "valueReference", scope),
                                        "no place of the region by that id");
}

/* Of the record: a confirmed finding that is coded as something with this need (triage.h says which). */
static void take_confirmed(struct referral_case *out, const struct intake *intake) {
    for (size_t i = 0; i < intake->reading.need_count; i++) {
        const struct triage_needed *needed = &intake->reading.needs[i];
        int need = needed->confirmed ? region_need_find(intake->snapshot, needed->need->code) : -1;
        if (need >= 0) {
            out->confirmed = intake->snapshot->needs[need].code;
            out->confirmed_quote = needed->evidence[0].quote;
            out->confirmed_source = needed->evidence[0].path;
            return;
        }
    }
}

/* A need that a doctor has confirmed is certain: what was read counts beside it, but nothing is doubted. Who says so with the question
 * goes before the record. */
static enum status read_confirmed(struct referral_case *out, const struct intake *intake, struct scope *scope) {
    size_t index = 0;
    const yyjson_val *parameter = parameter_find(&index, intake->parameters, "confirmed-need");
    if (parameter == NULL) {
        take_confirmed(out, intake);
        return STATUS_OK;
    }
    struct text code = json_get_text(parameter, "valueCode");
    int need = code.size > 0 ? region_need_find(intake->snapshot, code) : -1;
    const char *path = parameter_path(intake->parameters, "confirmed-need", "valueCode", scope);
    if (need < 0) {
        return fault(scope, code.size > 0 ? STATUS_UNPROCESSABLE : STATUS_INVALID, path,
            "confirmed-need takes the code of a need that the region knows");
    }
    const struct policy *policy = NULL;
    enum status status = policy_shelf_hold(&policy, intake->referral->shelf, intake->snapshot, scope);
    if (status == STATUS_OK) {
        status = confirmation_check_caller(intake->call->caller, intake->snapshot, policy, path, scope);
    }
    if (status == STATUS_OK) {
        out->needs |= UINT64_C(1) << need;
        out->confirmed = intake->snapshot->needs[need].code;
    }
    return status;
}

static enum status read_ready(struct referral_case *out, const struct intake *intake, struct scope *scope) {
    int64_t minutes = 0;
    bool found = false;
    enum status status = parameter_integer(&found, &minutes, intake->parameters, "ready-in", scope);
    if (status == STATUS_OK && (minutes < 0 || minutes > READY_MAX_MIN)) {
        return fault(scope, STATUS_INVALID, parameter_path(intake->parameters, "ready-in", "valueInteger", scope),
            "ready-in is 0 to %d minutes", READY_MAX_MIN);
    }
    out->asking.ready_min = (double)minutes;
    return status;
}

static void set_doubts(struct referral_case *out, const struct intake *intake, struct scope *scope) {
    const struct triage_reading *reading = &intake->reading;
    struct text *needs = ARENA_ARRAY(scope->arena, struct text, reading->need_count + 1), read_as;
    for (size_t i = 0; i < reading->need_count; i++) {
        needs[i] = reading->needs[i].need->code;
    }
    if (referral_read_as(&read_as, intake->snapshot, needs, reading->need_count)) {
        referral_doubts_of(out, intake->snapshot, read_as, intake->facts, scope->arena);
        referral_wrongs_of(out, intake->snapshot, scope->arena);
    }
}

enum status intake_case(struct referral_case *out, struct intake *intake, struct text otherwise, struct scope *scope) {
    const yyjson_val *patient = bundle_patient(intake->bundle);
    const struct policy *policy = NULL;
    enum status status = policy_shelf_hold(&policy, intake->referral->shelf, intake->snapshot, scope);
    if (status == STATUS_OK) {
        status = case_of(out, intake->snapshot, policy, &intake->reading, intake->facts, scope);
    }
    if (status == STATUS_OK) {
        status = find_origin(out, intake, otherwise, scope);
    }
    if (status == STATUS_OK && intake->patient_id.size > 0 && out->continuity_min > 0) {
        status = records_visit_get(&patient, intake->visit, intake->referral->patient, intake->patient_id, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    out->known_place = known_place(patient, intake->snapshot);
    out->now_us = clock_now_us(intake->referral->clock);
    status = read_excluded(out, intake, scope);
    if (status == STATUS_OK) {
        status = read_family(out, intake, scope);
    }
    if (status == STATUS_OK) {
        status = read_confirmed(out, intake, scope);
    }
    if (status == STATUS_OK) {
        status = read_ready(out, intake, scope);
        set_doubts(out, intake, scope);
    }
    return status == STATUS_OK ? learning_apply(out, intake->referral->learning, intake->snapshot, NULL, scope)
                               : status;
}

/* ---- the reading, written ------------------------------------------------------------------------------------------------ */

enum status intake_write_reading(struct text *out, const struct intake *intake, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, 512 * 1024);
    triage_write(&w, &intake->reading, intake->facts);
    return json_finish(out, &w, scope);
}

enum status intake_write_assessment(
    struct text *out, const struct intake *intake, struct text id, int64_t at_us, struct scope *scope) {
    struct triage_stamp stamp = {.id = id,
        .at_us = at_us,
        .performer = TEXT(REFERRAL_DEVICE),
        .override_level = intake->override_level,
        .override_reason = intake->override_reason,
        .override_who = intake->call->caller->who};
    if (id.size > 0) { /* one that is kept can be made again */
        enum status status = intake_write_reading(&stamp.reading, intake, scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return triage_write_risk_assessment(out, &intake->reading, intake->facts, &stamp, scope);
}

static void write_model_entity(struct json_writer *w, const char *display, const char *digest, struct scope *scope) {
    json_object_open(w);
    json_member_string(w, "role", "source");
    json_name(w, "what");
    json_object_open(w);
    json_name(w, "identifier");
    json_object_open(w);
    json_member_string(w, "system", "urn:ietf:rfc:3986");
    json_member_text(w, "value", text_format(scope->arena, "urn:sha256:%s", digest));
    json_object_close(w);
    json_member_string(w, "display", display);
    json_object_close(w);
    json_object_close(w);
}

void intake_write_entities(struct json_writer *w, const struct intake *intake, struct scope *scope) {
    const struct triage_reading *reading = &intake->reading;
    const struct triage_facts *facts = intake->facts;
    if (reading->reader_digest == NULL && reading->forecast_count == 0 && facts->basis_count == 0) {
        return;
    }
    json_name(w, "entity");
    json_array_open(w);
    if (reading->reader_digest != NULL) {
        write_model_entity(w, "model: level", reading->reader_digest, scope);
    }
    for (int i = 0; i < reading->forecast_count; i++) {
        const struct triage_forecast *forecast = &reading->forecasts[i];
        write_model_entity(w, text_format(scope->arena, "model: %s", triage_forecast_code(forecast->kind)).at,
            forecast->digest, scope);
    }
    for (size_t i = 0; i < facts->basis_count; i++) {
        json_object_open(w);
        json_member_string(w, "role", "source");
        json_name(w, "what");
        json_object_open(w);
        json_member_text(w, "reference", facts->basis[i]);
        json_object_close(w);
        json_object_close(w);
    }
    json_array_close(w);
}

static void write_reason(struct json_writer *w, const struct triage_reason *reason) {
    fhir_parameter_open(w, "reason");
    fhir_parameter_text(w, "code", "valueString", reason->code);
    fhir_parameter_text(w, "kind", "valueCode", text_from(triage_reason_kind_code(reason->kind)));
    fhir_parameter_text(w, "ko", "valueString", reason->ko);
    fhir_parameter_text(w, "en", "valueString", reason->en);
    fhir_parameter_text(w, "source", "valueString", reason->source);
    if (reason->level > 0) {
        fhir_parameter_integer(w, "level", reason->level);
    }
    for (int i = 0; i < reason->evidence_count; i++) {
        fhir_parameter_text(w, "evidence", "valueString", reason->evidence[i].quote);
    }
    fhir_parameter_close(w);
}

static void write_score(struct json_writer *w, const struct triage_score *score) {
    if (!score->any && (score->fits || score->part_count == 0)) {
        return; /* nothing known that it could stand on */
    }
    fhir_parameter_open(w, "score");
    fhir_parameter_text(w, "name", "valueString", text_from(triage_score_name(score->kind)));
    fhir_parameter_text(w, "code", "valueCode", text_from(triage_score_code(score->kind)));
    if (score->kind == TRIAGE_SHOCK_INDEX) { /* reckoned in hundredths */
        fhir_parameter_decimal(w, "total", score->total / 100.0, 2);
    } else {
        fhir_parameter_integer(w, "total", score->total);
    }
    if (score->maximum > 0 && score->kind != TRIAGE_CTAS_VITALS) { /* a ratio has none, and CTAS' total is a level */
        fhir_parameter_integer(w, "maximum", score->maximum);
    }
    fhir_parameter_boolean(w, "complete", score->complete);
    fhir_parameter_boolean(w, "fits", score->fits);
    fhir_parameter_text(w, "unfit-ko", "valueString", text_from(score->fits ? NULL : score->unfit_ko));
    fhir_parameter_text(w, "unfit-en", "valueString", text_from(score->fits ? NULL : score->unfit_en));
    for (int i = 0; i < score->part_count; i++) {
        if (!score->parts[i].known) {
            fhir_parameter_text(w, "missing", "valueString", text_from(score->parts[i].code));
        }
    }
    fhir_parameter_close(w);
}

static void write_need(struct json_writer *w, const struct triage_needed *needed, struct text department_system) {
    const struct triage_need *need = needed->need;
    fhir_parameter_open(w, "need");
    fhir_parameter_coding(w, "code", (struct fhir_coding){need->system, need->code, need->name_ko});
    if (need->department_count > 0) {
        fhir_parameter_coding(w, "department",
            (struct fhir_coding){
                department_system, text_from(need->departments[0]), text_from(need->department_names_ko[0])});
    }
    fhir_parameter_text(w, "place-level", "valueCode", text_from(triage_place_code(need->place)));
    if (need->window_minutes > 0) {
        json_object_open(w);
        json_member_string(w, "name", "window");
        json_name(w, "valueQuantity");
        json_object_open(w);
        json_member_int(w, "value", need->window_minutes);
        json_member_string(w, "system", "http://unitsofmeasure.org");
        json_member_string(w, "code", "min");
        json_object_close(w);
        json_object_close(w);
    }
    fhir_parameter_boolean(w, "possible", needed->possible);
    if (needed->confirmed) {
        fhir_parameter_boolean(w, "confirmed", true);
    }
    for (int i = 0; i < needed->evidence_count; i++) {
        fhir_parameter_text(w, "evidence", "valueString", needed->evidence[i].quote);
    }
    fhir_parameter_text(w, "ko", "valueString", needed->ko);
    fhir_parameter_text(w, "en", "valueString", needed->en);
    fhir_parameter_close(w);
}

static void write_forecast(struct json_writer *w, const struct triage_forecast *forecast) {
    fhir_parameter_open(w, "forecast");
    fhir_parameter_text(w, "code", "valueCode", text_from(triage_forecast_code(forecast->kind)));
    fhir_parameter_boolean(w, "abstains", forecast->abstains);
    if (!forecast->abstains) {
        fhir_parameter_decimal(w, "probability", forecast->probability, 6);
    }
    fhir_parameter_boolean(w, "calibrated", forecast->calibrated);
    fhir_parameter_text(w, "ko", "valueString", forecast->ko);
    fhir_parameter_text(w, "en", "valueString", forecast->en);
    fhir_parameter_close(w);
}

void intake_write_answer(struct json_writer *w, const struct intake *intake, struct scope *scope) {
    const struct triage_reading *reading = &intake->reading;
    (void)scope;
    fhir_parameter_integer(w, "level", reading->level);
    if (reading->human_level > 0) {
        fhir_parameter_integer(w, "human-level", reading->human_level);
    }
    if (reading->floor_level > 0) {
        fhir_parameter_integer(w, "floor-level", reading->floor_level);
    }
    for (size_t i = 0; i < reading->reason_count; i++) {
        write_reason(w, &reading->reasons[i]);
    }
    for (int i = 0; i < TRIAGE_SCORE_COUNT; i++) {
        write_score(w, &reading->scores[i]);
    }
    for (size_t i = 0; i < reading->need_count; i++) {
        write_need(w, &reading->needs[i], triage_department_system(intake->referral->triage));
    }
    fhir_parameter_boolean(w, "extreme", reading->extreme);
    fhir_parameter_boolean(w, "stay-local", reading->stay_local);
    fhir_parameter_text(w, "policy", "valueString", text_from(reading->policy_digest));
    if (reading->reader_digest != NULL) {
        fhir_parameter_text(w, "model", "valueString", text_from(reading->reader_digest));
        fhir_parameter_boolean(w, "reader-abstains", reading->reader_abstains);
        fhir_parameter_boolean(w, "calibrated", reading->reader_calibrated);
    }
    for (int i = 0; i < reading->forecast_count; i++) {
        write_forecast(w, &reading->forecasts[i]);
    }
}
