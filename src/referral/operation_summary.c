/* $referral-summary: the sheet for the receiving doctor; with `draft`, also what a configured program makes of it. */
#include "referral/loop.h"
#include "referral/parameters.h"
#include "referral/summary.h"

static const char *const names[] = {"encounter", "request", "draft", "language"};
#define LOINC "http://loinc.org"
#define REFERRAL_NOTE "57133-1"

struct summarising {
    struct referral *referral;
    const struct referral_call *call;
    struct summary_record record;
    struct summary summary;
    struct text language;
    bool drafts;
};

/* ---- what is asked for --------------------------------------------------------------------------------------------------- */

static enum status take_parameters(struct summarising *s, struct scope *scope) {
    const yyjson_val *parameters = NULL;
    bool found = false;
    enum status status = parameters_read(&parameters, s->call->parameters, names, sizeof names / sizeof *names, scope);
    if (status == STATUS_OK) {
        status = parameter_reference(&s->record.encounter, parameters, "encounter", scope);
    }
    if (status == STATUS_OK) {
        status = parameter_reference(&s->record.request, parameters, "request", scope);
    }
    if (status == STATUS_OK) {
        status = parameter_boolean(&found, &s->drafts, parameters, "draft", scope);
    }
    size_t index = 0;
    const yyjson_val *language = parameter_find(&index, parameters, "language");
    if (status == STATUS_OK && language != NULL) {
        s->language = json_get_text(language, "valueCode");
    }
    return status;
}

static enum status take_pairs(struct summarising *s, struct scope *scope) {
    for (size_t i = 0; i < s->call->pair_count; i++) {
        struct text name = s->call->pairs[i].name, value = s->call->pairs[i].value;
        if (text_is(name, "encounter")) {
            s->record.encounter = value;
        } else if (text_is(name, "request")) {
            s->record.request = value;
        } else if (text_is(name, "language")) {
            s->language = value;
        } else if (text_is(name, "draft") && (text_is(value, "true") || text_is(value, "false"))) {
            s->drafts = text_is(value, "true");
        } else {
            return fault(scope, STATUS_INVALID, text_string(scope->arena, name),
                "this operation takes encounter, request, language (ko, en) and draft (true, false)");
        }
    }
    return STATUS_OK;
}

static enum status take_wishes(struct summarising *s, struct scope *scope) {
    enum status status = s->call->parameters.size > 0 ? take_parameters(s, scope) : STATUS_OK;
    if (status == STATUS_OK) {
        status = take_pairs(s, scope);
    }
    s->language = s->language.size > 0 ? s->language : TEXT("ko");
    if (status == STATUS_OK && !text_is(s->language, "ko") && !text_is(s->language, "en")) {
        return fault(scope, STATUS_INVALID, "language", "language is ko or en");
    }
    if (status == STATUS_OK && s->drafts && s->referral->draft.write == NULL) {
        return fault(scope, STATUS_UNSUPPORTED, "draft",
            "no draft endpoint is configured (soyang serve --draft-url); the summary itself needs none");
    }
    return status;
}

static void give_back(void *snapshot) {
    region_release(snapshot);
}

static enum status look(void *context, struct records_visit *visit, struct scope *scope) {
    struct summarising *s = context;
    const struct region_snapshot *snapshot = NULL;
    enum status status = take_wishes(s, scope);
    if (status == STATUS_OK) {
        status = region_hold(&snapshot, s->referral->region, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    arena_defer(scope->arena, give_back, (void *)snapshot);
    s->record.zone_minutes = snapshot->zone_minutes;
    status = summary_gather(&s->record, visit, s->call->id, scope);
    return status == STATUS_OK ? summary_of(&s->summary, &s->record, scope) : status;
}

/* ---- what goes back ------------------------------------------------------------------------------------------------------ */

static void write_line(struct json_writer *w, const struct summary_line *line) {
    fhir_parameter_open(w, "line");
    fhir_parameter_text(w, "ko", "valueString", line->ko);
    fhir_parameter_text(w, "en", "valueString", line->en);
    for (int i = 0; i < line->source_count; i++) {
        fhir_parameter_reference(w, "source", line->sources[i], (struct text){0});
    }
    fhir_parameter_close(w);
}

static void write_section(struct json_writer *w, const struct summary *summary, enum summary_section section) {
    fhir_parameter_open(w, "section");
    fhir_parameter_text(w, "code", "valueCode", text_from(summary_section_code(section)));
    fhir_parameter_text(w, "title-ko", "valueString", text_from(summary_section_title(section, "ko")));
    fhir_parameter_text(w, "title-en", "valueString", text_from(summary_section_title(section, "en")));
    if (summary->left_out[section] > 0) {
        fhir_parameter_integer(w, "left-out", (int64_t)summary->left_out[section]);
    }
    for (size_t i = 0; i < summary->count; i++) {
        if (summary->lines[i].section == section) {
            write_line(w, &summary->lines[i]);
        }
    }
    fhir_parameter_close(w);
}

static bool is_listed(const struct summary *summary, size_t line, int source, enum summary_section section) {
    for (size_t i = 0; i <= line; i++) {
        const struct summary_line *other = &summary->lines[i];
        int end = i == line ? source : other->source_count;
        for (int k = 0; other->section == section && k < end; k++) {
            if (text_equal(other->sources[k], summary->lines[line].sources[source])) {
                return true;
            }
        }
    }
    return false;
}

static void write_entries(struct json_writer *w, const struct summary *summary, enum summary_section section) {
    json_object_open(w);
    json_member_string(w, "title", summary_section_title(section, "ko"));
    json_name(w, "entry");
    json_array_open(w);
    for (size_t i = 0; i < summary->count; i++) {
        const struct summary_line *line = &summary->lines[i];
        for (int k = 0; line->section == section && k < line->source_count; k++) {
            if (!is_listed(summary, i, k, section)) {
                fhir_write_reference(w, NULL, line->sources[k]);
            }
        }
    }
    json_array_close(w);
    json_object_close(w);
}

static bool has_lines(const struct summary *summary, enum summary_section section) {
    for (size_t i = 0; i < summary->count; i++) {
        if (summary->lines[i].section == section) {
            return true;
        }
    }
    return false;
}

/* The same sheet as a Composition that is not kept: sections with the resources they are made of. */
static enum status write_document(struct text *out, const struct summarising *s, struct scope *scope) {
    struct json_writer writer = json_writer_open(scope->arena, 1 << 20), *w = &writer;
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, clock_now_us(s->referral->clock));
    json_object_open(w);
    json_member_string(w, "resourceType", "Composition");
    json_member_string(w, "status", "preliminary");
    json_name(w, "type");
    json_object_open(w);
    json_name(w, "coding");
    json_array_open(w);
    json_object_open(w);
    json_member_string(w, "system", LOINC);
    json_member_string(w, "code", REFERRAL_NOTE);
    json_object_close(w);
    json_array_close(w);
    json_object_close(w);
    fhir_write_reference(w, "subject", s->summary.patient);
    if (s->summary.encounter.size > 0) {
        fhir_write_reference(w, "encounter", s->summary.encounter);
    }
    json_member_string(w, "date", now);
    json_name(w, "author");
    json_array_open(w);
    fhir_write_reference(w, NULL, TEXT("Device/soyang"));
    json_array_close(w);
    json_member_string(w, "title", summary_notice(text_is(s->language, "ko") ? "ko" : "en"));
    if (s->summary.count > 0) {
        json_name(w, "section");
        json_array_open(w);
        for (int section = 0; section < SUMMARY_SECTION_COUNT; section++) {
            if (has_lines(&s->summary, (enum summary_section)section)) {
                write_entries(w, &s->summary, (enum summary_section)section);
            }
        }
        json_array_close(w);
    }
    json_object_close(w);
    return json_finish(out, w, scope);
}

static void write_draft(struct json_writer *w, const struct summarising *s, struct scope *scope) {
    const char *language = text_is(s->language, "ko") ? "ko" : "en";
    struct text words = {0}, lines = summary_numbered(&s->summary, language, scope);
    const char *problem = NULL;
    fhir_parameter_open(w, "draft");
    fhir_parameter_text(w, "notice", "valueString",
        language[0] == 'k'
            ? TEXT("초안입니다: 다른 프로그램이 위의 줄을 고쳐 쓴 것으로, 출처가 없거나 출처에 없는 숫자나 부정을 쓴 "
                   "문장은 뺐습니다. 남은 문장도 틀릴 수 있습니다. 어떤 점수에도 쓰이지 않습니다.")
            : TEXT("A draft: another program put the lines above into its own words; sentences without a source, or "
                   "with a number or a denial that their source has not, were dropped. What is left can still be "
                   "wrong. It feeds no score."));
    if (!s->referral->draft.write(&words, &problem, s->referral->draft.context, lines, language, scope)) {
        fhir_parameter_text(w, "problem", "valueString", text_from(problem));
        fhir_parameter_close(w);
        return;
    }
    struct summary_draft draft;
    summary_draft_check(&draft, &s->summary, language, words, scope);
    for (size_t i = 0; i < draft.count; i++) {
        fhir_parameter_open(w, "sentence");
        fhir_parameter_text(w, "text", "valueString", draft.sentences[i].text);
        for (int k = 0; k < draft.sentences[i].source_count; k++) {
            fhir_parameter_reference(w, "source", draft.sentences[i].sources[k], (struct text){0});
        }
        fhir_parameter_close(w);
    }
    fhir_parameter_integer(w, "dropped", (int64_t)draft.dropped);
    fhir_parameter_close(w);
}

enum status referral_operation_summary(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope) {
    struct summarising *s = ARENA_NEW(scope->arena, struct summarising);
    struct text document = {0};
    s->referral = referral;
    s->call = call;
    enum status status = records_visit_run(referral->records, call->caller, "$referral-summary", look, NULL, s, scope);
    if (status == STATUS_OK) {
        status = write_document(&document, s, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer w = json_writer_open(scope->arena, 4 << 20);
    fhir_parameters_open(&w);
    fhir_parameter_text(&w, "notice-ko", "valueString", text_from(summary_notice("ko")));
    fhir_parameter_text(&w, "notice-en", "valueString", text_from(summary_notice("en")));
    fhir_parameter_reference(&w, "patient", s->summary.patient, (struct text){0});
    if (s->summary.encounter.size > 0) {
        fhir_parameter_reference(&w, "encounter", s->summary.encounter, (struct text){0});
    }
    for (int section = 0; section < SUMMARY_SECTION_COUNT; section++) {
        write_section(&w, &s->summary, (enum summary_section)section);
    }
    fhir_parameter_resource(&w, "document", document);
    if (s->drafts) {
        write_draft(&w, s, scope);
    }
    return fhir_parameters_finish(out, &w, scope);
}

void referral_draft_set(struct referral *referral, referral_draft_write *write, void *context) {
    referral->draft.write = write;
    referral->draft.context = context;
}
