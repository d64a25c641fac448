/* Decisions: made from their own inputs, kept, replayed. */
#include "referral/decision.h"

#include <math.h>
#include <string.h>

#include "referral/surge_record.h"
#include "referral/task.h"

#define FORMAT "soyang-decision/4"
enum { DECISION_BYTES_MAX = 900 * 1024 }; /* a FHIR string holds 1 MB */

/* ---- making --------------------------------------------------------------------------------------------------------- */

/* `ranked_out` is the same without the reading, which ranking does not look at. */
static enum status write_inputs(struct text *out, struct text *ranked_out, struct text learned_digest,
    const struct region_snapshot *snapshot, const struct referral_case *patient, struct text reading,
    struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, DECISION_BYTES_MAX);
    json_object_open(&w);
    json_member_string(&w, "format", FORMAT);
    json_member_text(&w, "policy", snapshot->policy_hash);
    if (learned_digest.size > 0) {
        json_member_text(&w, "learned_digest", learned_digest);
    }
    json_name(&w, "case");
    case_write(&w, patient, snapshot);
    json_name(&w, "region");
    projection_write(&w, patient, snapshot);
    json_object_close(&w);
    enum status status = json_finish(ranked_out, &w, scope);
    *out = *ranked_out;
    if (status == STATUS_OK && reading.size > 0) { /* before the closing brace */
        struct text parts[] = {{ranked_out->at, ranked_out->size - 1}, TEXT(",\"reading\":"), reading, TEXT("}")};
        struct buffer b = buffer_open(scope->arena, DECISION_BYTES_MAX);
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            buffer_put(&b, parts[i]);
        }
        if (b.full) {
            return fault(scope, STATUS_TOO_COSTLY, "", "the decision's inputs are too large");
        }
        *out = buffer_text(&b);
    }
    return status;
}

static void write_option(struct json_writer *w, const struct referral_option *option,
    const struct region_snapshot *snapshot, bool tells_learned) {
    json_object_open(w);
    json_member_text(w, "place", snapshot->places[option->place].id);
    if (option->second_place >= 0) {
        json_member_text(w, "second_place", snapshot->places[option->second_place].id);
        json_member_decimal(w, "second_leg_min", option->second_leg_min, 3);
        json_member_decimal(w, "vehicle_away_min", option->vehicle_away_min, 3);
    }
    json_member_decimal(w, "minutes", option->minutes, 3);
    json_member_decimal(w, "travel_min", option->travel_min, 3);
    json_member_decimal(w, "answer_min", option->answer_min, 3);
    json_member_decimal(w, "wait_min", option->wait_min, 3);
    json_member_decimal(w, "distance_km", option->distance_km, 3);
    json_member_bool(w, "estimated", option->estimated);
    json_member_decimal(w, "chance", option->chance, 6);
    json_member_decimal(w, "benefit", option->benefit, 6);
    json_member_decimal(w, "score", option->score, 9);
    if (option->worth_min > 0 || option->scarcity_min > 0) {
        json_member_decimal(w, "worth_min", option->worth_min, 3);
        json_member_decimal(w, "scarcity_min", option->scarcity_min, 3);
    }
    if (tells_learned && option->learned_weight > 0) {
        json_member_decimal(w, "learned_from", option->learned_weight, 3);
    }
    if (option->wrong > 0) {
        json_member_decimal(w, "wrong", option->wrong, 6);
        json_member_decimal(w, "wrong_min", option->wrong_min, 3);
    }
    if (option->ask_batch > 0) {
        json_member_int(w, "ask_batch", option->ask_batch);
    }
    if (option->board_age_min >= 0) {
        json_member_decimal(w, "board_age_min", option->board_age_min, 3);
    }
    if (option->missing_need >= 0) {
        json_member_text(w, "missing_need", snapshot->needs[option->missing_need].code);
    }
    json_name(w, "reasons");
    json_array_open(w);
    for (size_t i = 0; i < option->reason_count; i++) {
        json_object_open(w);
        json_member_string(w, "code", option->reasons[i].code);
        json_member_text(w, "ko", option->reasons[i].ko);
        json_member_text(w, "en", option->reasons[i].en);
        json_object_close(w);
    }
    json_array_close(w);
    json_object_close(w);
}

static void write_plan(
    struct json_writer *w, const struct referral_ranking *ranking, const struct region_snapshot *snapshot) {
    const struct referral_plan *plan = &ranking->plan;
    const struct referral_counterfactual *otherwise = &ranking->otherwise;
    if (plan->batch_count > 0) {
        json_name(w, "plan");
        json_object_open(w);
        json_member_int(w, "now", (int64_t)plan->now_count);
        json_member_int(w, "batches", (int64_t)plan->batch_count);
        json_member_decimal(w, "value", plan->value, 6);
        json_member_decimal(w, "placed", plan->placed, 6);
        json_member_decimal(w, "asked", plan->asked, 6);
        json_member_decimal(w, "minutes", plan->minutes, 3);
        if (ranking->heading >= 0 && (size_t)ranking->heading < ranking->option_count) {
            json_member_text(w, "heading", snapshot->places[ranking->options[ranking->heading].place].id);
        }
        json_object_close(w);
    }
    if (otherwise->place >= 0) {
        json_name(w, "otherwise");
        json_object_open(w);
        json_member_text(w, "place", snapshot->places[otherwise->place].id);
        if (otherwise->bed >= 0) {
            json_member_text(w, "bed", snapshot->beds[otherwise->bed].code);
            json_member_int(w, "free", otherwise->beds_free);
        }
        json_member_text(w, "ko", otherwise->ko);
        json_member_text(w, "en", otherwise->en);
        json_object_close(w);
    }
}

static enum status write_outputs(struct text *out, const struct decision *decision, struct scope *scope) {
    const struct referral_ranking *ranking = &decision->ranking;
    const struct region_snapshot *snapshot = decision->snapshot;
    struct json_writer w = json_writer_open(scope->arena, DECISION_BYTES_MAX);
    json_object_open(&w);
    json_name(&w, "options");
    json_array_open(&w);
    for (size_t i = 0; i < ranking->option_count; i++) {
        write_option(&w, &ranking->options[i], snapshot, decision->patient.tells_learned);
    }
    json_array_close(&w);
    json_name(&w, "excluded");
    json_array_open(&w);
    for (size_t i = 0; i < ranking->excluded_count; i++) {
        const struct referral_excluded *excluded = &ranking->excluded[i];
        json_object_open(&w);
        json_member_text(&w, "place", snapshot->places[excluded->place].id);
        json_member_string(&w, "code", referral_exclusion_code(excluded->why));
        if (excluded->need >= 0) {
            json_member_text(&w, "need", snapshot->needs[excluded->need].code);
        }
        json_object_close(&w);
    }
    json_array_close(&w);
    write_plan(&w, ranking, snapshot);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

static enum status read_apart(struct decision *out, const yyjson_val *root, const struct region_snapshot *snapshot,
    const struct decision_source *source, struct scope *scope) {
    enum status status = apart_find(&out->apart, root, source, scope);
    if (status != STATUS_OK || out->apart.size == 0) {
        return status;
    }
    yyjson_doc *doc = NULL;
    status = json_read(&doc, out->apart, scope);
    if (status == STATUS_OK) {
        case_learned_read(&out->patient, yyjson_doc_get_root(doc), snapshot, scope);
    }
    return status;
}

static bool are_finite(const double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return false;
        }
    }
    return true;
}

/* What is written are numbers: of inputs that give none there is no decision. */
static enum status check_finite(const struct referral_ranking *ranking, struct scope *scope) {
    const struct referral_plan *plan = &ranking->plan;
    bool finite = are_finite((const double[]){plan->value, plan->placed, plan->asked, plan->minutes}, 4);
    for (size_t i = 0; i < ranking->option_count; i++) {
        const struct referral_option *o = &ranking->options[i];
        const double values[] = {o->minutes, o->travel_min, o->answer_min, o->wait_min, o->distance_km,
            o->second_leg_min, o->vehicle_away_min, o->chance, o->benefit, o->score, o->worth_min, o->scarcity_min,
            o->learned_weight, o->wrong, o->wrong_min, o->board_age_min};
        finite = finite && are_finite(values, sizeof values / sizeof *values);
    }
    return finite ? STATUS_OK
                  : fault(scope, STATUS_INVALID, "case", "the inputs give minutes or chances that are no numbers");
}

enum status decision_replay(
    struct decision *out, struct text inputs, const struct decision_source *source, struct scope *scope) {
    *out = (struct decision){.inputs = inputs};
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, inputs, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *root = yyjson_doc_get_root(doc);
    struct region_snapshot *snapshot = NULL;
    status = projection_read(&snapshot, json_get(root, "region"), scope);
    if (status == STATUS_OK) {
        out->snapshot = snapshot;
        out->policy_hash = json_get_text(root, "policy");
        status = case_read(&out->patient, json_get(root, "case"), snapshot, scope);
    }
    if (status == STATUS_OK) {
        status = read_apart(out, root, snapshot, source, scope);
        out->patient.tells_learned = !text_is(json_get_text(root, "format"), FORMAT);
    }
    if (status == STATUS_OK) {
        status = referral_rank(&out->ranking, snapshot, &out->patient, REFERRAL_WITH_SENTENCES, scope);
    }
    if (status == STATUS_OK) {
        status = check_finite(&out->ranking, scope);
    }
    return status == STATUS_OK ? write_outputs(&out->outputs, out, scope) : status;
}

enum status decision_make(struct decision *out, const struct region_snapshot *snapshot,
    const struct referral_case *patient, struct text reading, struct scope *scope) {
    struct text inputs = {0}, ranked = {0}, digest = {0};
    struct decision_source source = {0};
    enum status status = apart_make(&source.given, &digest, patient, snapshot, scope);
    if (status == STATUS_OK) {
        status = write_inputs(&inputs, &ranked, digest, snapshot, patient, reading, scope);
    }
    if (status == STATUS_OK) {
        status = decision_replay(out, ranked, &source, scope);
        out->inputs = inputs;
    }
    return status;
}

/* ---- keeping -------------------------------------------------------------------------------------------------------- */

static void write_extension(struct json_writer *w, const char *url, struct text value) {
    json_object_open(w);
    json_member_string(w, "url", url);
    json_member_text(w, "valueString", value);
    json_object_close(w);
}

static enum status write_override(struct text *out, const struct decision_stamp *stamp, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, 64 * 1024);
    json_object_open(&w);
    json_member_text(&w, "place", stamp->chosen);
    json_member_text(&w, "reason", stamp->override_reason);
    json_member_text(&w, "who", stamp->who);
    json_object_close(&w);
    return json_finish(out, &w, scope);
}

enum status decision_store(struct text *reference_out, struct records_unit *unit, const struct decision *decision,
    const struct decision_stamp *stamp, struct scope *scope) {
    struct text override = {0};
    if (stamp->chosen.size > 0) {
        enum status status = write_override(&override, stamp, scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, records_unit_time_us(unit));
    struct json_writer writer = json_writer_open(scope->arena, 4 << 20), *w = &writer;
    json_object_open(w);
    json_member_string(w, "resourceType", "GuidanceResponse");
    json_name(w, "extension");
    json_array_open(w);
    write_extension(w, DECISION_INPUTS_URL, decision->inputs);
    write_extension(w, DECISION_OUTPUTS_URL, decision->outputs);
    if (override.size > 0) {
        write_extension(w, DECISION_OVERRIDE_URL, override);
    }
    json_array_close(w);
    json_member_string(w, "moduleUri", TRIAGE_BASE "/OperationDefinition/rank-places");
    json_member_string(w, "status", "success");
    fhir_write_reference(w, "subject", stamp->patient);
    fhir_write_reference(w, "encounter", stamp->encounter);
    json_member_string(w, "occurrenceDateTime", now);
    fhir_write_reference(w, "performer", TEXT(REFERRAL_DEVICE));
    json_object_close(w);
    struct text body = {0}, id = {0};
    enum status status = json_finish(&body, w, scope);
    if (status == STATUS_OK) {
        status = records_unit_put(&id, unit, body, scope);
    }
    if (status == STATUS_OK) {
        status = apart_keep(unit, decision, scope);
    }
    if (status == STATUS_OK) {
        *reference_out = text_format(scope->arena, "GuidanceResponse/%.*s", (int)id.size, id.at);
    }
    return status;
}

static struct text extension_of(const yyjson_val *resource, const char *url) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(resource, "extension"), index, count, item) {
        if (text_is(json_get_text(item, "url"), url)) {
            return json_get_text(item, "valueString");
        }
    }
    return (struct text){0};
}

struct text decision_inputs_of(const yyjson_val *guidance_response) {
    return extension_of(guidance_response, DECISION_INPUTS_URL);
}

enum status decision_compare(const yyjson_val *stored, const struct decision_source *source, struct scope *scope) {
    struct text inputs = extension_of(stored, DECISION_INPUTS_URL),
                outputs = extension_of(stored, DECISION_OUTPUTS_URL);
    if (inputs.size == 0 || outputs.size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "GuidanceResponse.extension",
            "this is no decision of ours: inputs or outputs are missing");
    }
    struct decision again;
    enum status status = decision_replay(&again, inputs, source, scope);
    if (status != STATUS_OK) {
        return status;
    }
    size_t size = again.outputs.size < outputs.size ? again.outputs.size : outputs.size, at = 0;
    while (at < size && again.outputs.at[at] == outputs.at[at]) {
        at++;
    }
    if (at == size && again.outputs.size == outputs.size) {
        return STATUS_OK;
    }
    return fault(scope, STATUS_CONFLICT, "GuidanceResponse.extension",
        "the decision does not replay: first difference at byte %zu of %zu", at, outputs.size);
}

/* ---- what is kept stays ---------------------------------------------------------------------------------------------- */

static bool holds(const yyjson_val *whole, const yyjson_val *part) {
    size_t index, count;
    yyjson_val *name, *value;
    yyjson_obj_foreach((yyjson_val *)part, index, count, name, value) {
        const yyjson_val *other = json_get(whole, yyjson_get_str(name));
        if (!text_is(json_text(name), "meta") && (other == NULL || !json_equal(other, value))) {
            return false;
        }
    }
    return true;
}

enum status guard_decision(void *context, struct records_change *change, struct scope *scope) {
    (void)context;
    if (change->before == NULL || (decision_inputs_of(change->before).size == 0 && !surge_record_is(change->before))) {
        return STATUS_OK;
    }
    bool same = change->after != NULL && holds(change->before, change->after) && holds(change->after, change->before);
    return same ? STATUS_OK
                : fault(scope, STATUS_CONFLICT, "GuidanceResponse",
                      "a decision stays as it was made: it is neither changed nor deleted");
}
