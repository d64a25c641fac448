/* soyang triage: a second reading of one patient, from a file. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/document.h"
#include "cli/folder.h"
#include "cli/readers.h"
#include "triage/triage.h"

static const struct option_row options[] = {
    {"--human-level", "N", {"the level a human gave, 1 (most urgent) to 5", "사람이 정한 단계, 1(가장 급함)에서 5"},
        NULL},
    {"--policy", "FILE",
        {"a triage policy (JSON) instead of the built-in one", "내장 중증도 분류 규칙 대신 쓸 파일(JSON)"}, NULL},
    {"--models", "DIR", {"a folder of models instead of the built-in ones", "내장 모델 대신 쓸 모델 폴더"}, NULL},
    {"--sites", "FILE",
        {"a sites document, as soyang triage calibrate writes it", "soyang triage calibrate가 쓴 기관 문서"}, NULL},
    {"--site", "REFERENCE",
        {"the site, where the visit names no service provider", "내원 기록에 의료기관이 없을 때의 기관"}, NULL},
    {"--language", "ko|en", {"language of the sentences", "문장의 언어"}, "ko"},
    {"--json", NULL, {"the whole reading as JSON", "판독 전체를 JSON으로"}, NULL},
    {"--replay", NULL,
        {"FILE is a stored RiskAssessment: make its reading again and compare the bytes",
            "FILE은 저장된 RiskAssessment: 판독을 다시 하여 바이트를 견줍니다"},
        NULL},
    {0},
};

static void print_reasons(const struct triage_reading *reading, bool english) {
    for (size_t i = 0; i < reading->reason_count; i++) {
        const struct triage_reason *reason = &reading->reasons[i];
        struct text words = english ? reason->en : reason->ko;
        printf("  %-8s %.*s\n", triage_reason_kind_code(reason->kind), (int)words.size, words.at);
    }
}

static void print_reading(const struct triage_reading *reading, const char *language) {
    bool english = strcmp(language, "en") == 0;
    printf(english ? "level %d" : "단계 %d", reading->level);
    if (reading->human_level > 0)
        printf(english ? " (human %d" : " (사람 %d", reading->human_level);
    if (reading->human_level > 0)
        printf(reading->escalated ? (english ? ", escalated)" : ", 상향)") : ")");
    puts("");
    print_reasons(reading, english);
    for (size_t i = 0; i < reading->need_count; i++) {
        const struct triage_needed *needed = &reading->needs[i];
        struct text name = english ? needed->need->name_en : needed->need->name_ko;
        printf(english ? "  needs    %.*s %.*s" : "  필요     %.*s %.*s", (int)needed->need->code.size,
            needed->need->code.at, (int)name.size, name.at);
        if (needed->need->window_minutes > 0)
            printf(english ? ", within %d min" : ", %d분 안에", needed->need->window_minutes);
        puts("");
    }
    for (int i = 0; i < reading->forecast_count; i++) {
        struct text words = english ? reading->forecasts[i].en : reading->forecasts[i].ko;
        printf(english ? "  forecast %.*s\n" : "  예측     %.*s\n", (int)words.size, words.at);
    }
    printf("  %-8s %s\n", english ? "place" : "기관", triage_place_label(reading->place, language));
    puts(english ? "Research and decision support; not a certified medical device."
                 : "연구 및 의사결정 지원용이며, 인증된 의료기기가 아닙니다.");
}

static enum status open_policy(
    const struct triage_policy **out, const struct arguments *arguments, struct scope *scope) {
    struct text document = {0};
    enum status status = STATUS_OK;
    if (argument(arguments, "--policy") != NULL)
        status = file_read(&document, argument(arguments, "--policy"), DOCUMENT_MAX, scope);
    return status == STATUS_OK ? triage_policy_open(out, document, scope->arena, scope) : status;
}

static enum status read_file(struct triage_reading *reading, struct triage_facts **facts,
    const struct arguments *arguments, struct scope *scope) {
    const struct triage_policy *policy = NULL;
    const yyjson_val *bundle;
    int64_t human_level = 0;
    enum status status = STATUS_OK;
    if (argument_flag(arguments, "--human-level"))
        status = argument_whole(&human_level, arguments, "--human-level", 1, 5, scope);
    if (status == STATUS_OK)
        status = open_policy(&policy, arguments, scope);
    if (status == STATUS_OK)
        status = source_document(&bundle, arguments->operands[0], scope);
    struct triage_gather_options gather = {.human_level = (int)human_level, .zone_minutes = FOLDER_ZONE_KOREA_MINUTES};
    if (status == STATUS_OK)
        status = triage_gather_bundle(facts, bundle, &gather, scope);
    const struct triage_readers *readers = NULL;
    struct readers_question question = {policy, argument(arguments, "--models"), argument(arguments, "--sites")};
    if (status == STATUS_OK)
        status = readers_load(&readers, &question, scope->arena, scope);
    if (status == STATUS_OK && (*facts)->site.size == 0)
        (*facts)->site = text_from(argument(arguments, "--site"));
    return status == STATUS_OK ? triage_read_all(reading, policy, readers, *facts, scope) : status;
}

/* A RiskAssessment of a server, or the reading that --json prints. */
static enum status replay_file(const struct arguments *arguments, struct scope *scope) {
    const struct triage_policy *policy = NULL;
    const struct triage_readers *readers = NULL;
    const yyjson_val *document;
    struct triage_replayed replayed;
    struct text reading = {0};
    enum status status = source_document(&document, arguments->operands[0], scope);
    if (status == STATUS_OK)
        status = open_policy(&policy, arguments, scope);
    struct readers_question question = {policy, argument(arguments, "--models"), argument(arguments, "--sites")};
    if (status == STATUS_OK)
        status = readers_load(&readers, &question, scope->arena, scope);
    if (status != STATUS_OK)
        return status;
    bool is_kept = text_is(json_get_text(document, "resourceType"), "RiskAssessment");
    struct json_writer w = json_writer_open(scope->arena, DOCUMENT_MAX);
    json_value(&w, document);
    status = json_finish(&reading, &w, scope);
    if (status == STATUS_OK && is_kept)
        reading = triage_reading_of(document);
    if (status == STATUS_OK && reading.size == 0)
        status = fault(scope, STATUS_INVALID, arguments->operands[0], "the RiskAssessment holds no reading of Soyang");
    if (status == STATUS_OK)
        status = triage_replay(&replayed, reading, policy, readers, scope);
    if (status == STATUS_CONFLICT) /* which, of a command, would say that a folder is in use */
        status = STATUS_FAILED;
    if (status == STATUS_OK && !replayed.possible)
        return fault(scope, STATUS_PRECONDITION, arguments->operands[0], "cannot be made again here: %.*s",
            (int)replayed.why.size, replayed.why.at);
    if (status == STATUS_OK)
        printf("%s: replays, %zu bytes are the same\n", arguments->operands[0], replayed.bytes);
    return status;
}

static int run(const struct arguments *arguments, struct scope *scope) {
    if (argument_flag(arguments, "--replay"))
        return report(arguments, scope, replay_file(arguments, scope));
    struct triage_reading reading;
    struct triage_facts *facts;
    enum status status = read_file(&reading, &facts, arguments, scope);
    if (status == STATUS_OK && argument_flag(arguments, "--json")) {
        struct json_writer w = json_writer_open(scope->arena, DOCUMENT_MAX);
        struct text json;
        triage_write(&w, &reading, facts);
        status = json_finish(&json, &w, scope);
        if (status == STATUS_OK)
            printf("%.*s\n", (int)json.size, json.at);
    } else if (status == STATUS_OK) {
        print_reading(&reading, argument(arguments, "--language"));
    }
    return report(arguments, scope, status);
}

const struct command command_triage = {"triage", "FILE",
    {"second reading of a patient in a file", "파일에 든 환자의 두 번째 판독"},
    {"FILE is a FHIR Bundle with one Patient and what is known: Encounter, Observation, Condition, ... It may be "
     "compressed.\n"
     "'soyang triage batch' reads data sets, 'soyang triage calibrate' fits the models to a site; each has --help.\n"
     "The reading is never less urgent than the human's level. Research and decision support; not a certified medical "
     "device.",
        "FILE은 Patient 하나와 아는 것(Encounter, Observation, Condition 등)이 든 FHIR Bundle이며, 압축해도 됩니다.\n"
        "'soyang triage batch'는 자료를 읽고, 'soyang triage calibrate'는 모델을 기관에 맞춥니다. 각각 --help가 "
        "있습니다.\n"
        "판독은 사람이 정한 단계보다 덜 급하지 않습니다. 연구 및 의사결정 지원용이며, 인증된 의료기기가 아닙니다."},
    options, 1, 1, run};
