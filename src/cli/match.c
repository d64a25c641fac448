/* soyang match: ranked places for one patient, from a file. */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/document.h"
#include "cli/parameters.h"

static const struct option_row options[] = {
    {"--data", "DIR", {"a data folder in which a region is loaded", "지역을 적재한 데이터 폴더"}, NULL},
    {"--region", "DIR", {"a region's folder, loaded for this one question", "지역 폴더. 이 물음에만 쓰려고 적재합니다"},
        NULL},
    {"--assumptions", NULL,
        {"with --region: also its assumptions.json", "--region과 함께: assumptions.json도 적재합니다"}, NULL},
    {"--url", "URL", {"ask the server that has the folder open", "폴더를 열고 있는 서버에 묻습니다"}, NULL},
    {"--origin", "PLACE|LAT,LON",
        {"where the patient is: an organisation's id, or degrees", "환자가 있는 곳: 기관의 id 또는 위도,경도"}, NULL},
    {"--human-level", "N", {"the level a human gave, 1 to 5", "사람이 정한 단계, 1에서 5"}, NULL},
    {"--limit", "N", {"how many places", "기관의 수"}, "8"},
    {"--language", "ko|en", {"language of the sentences", "문장의 언어"}, "ko"},
    {"--json", NULL, {"the whole answer as FHIR Parameters", "답 전체를 FHIR Parameters로"}, NULL},
    {0},
};

static enum status write_origin(struct json_writer *w, const char *origin, struct scope *scope) {
    struct text longitude = text_from(origin);
    struct text latitude = text_cut(&longitude, ',');
    double degrees;
    if (longitude.at == NULL) {
        fhir_parameter_reference(w, "origin",
            strchr(origin, '/') != NULL ? text_from(origin) : text_format(scope->arena, "Organization/%s", origin),
            (struct text){0});
        return STATUS_OK;
    }
    if (!text_to_double(&degrees, text_trim(latitude)) || !text_to_double(&degrees, text_trim(longitude)))
        return fault(scope, STATUS_INVALID, "--origin", "%s",
            say("takes an organisation's id, or latitude,longitude in degrees",
                "기관의 id 또는 위도,경도를 적으십시오"));
    fhir_parameter_open(w, "origin");
    fhir_parameter_number(w, "latitude", "valueDecimal", text_trim(latitude));
    fhir_parameter_number(w, "longitude", "valueDecimal", text_trim(longitude));
    fhir_parameter_close(w);
    return STATUS_OK;
}

static enum status write_question(struct text *out, const struct arguments *arguments, struct scope *scope) {
    const yyjson_val *bundle;
    int64_t number;
    enum status status = source_document(&bundle, arguments->operands[0], scope);
    if (status != STATUS_OK)
        return status;
    struct json_writer w = json_writer_open(scope->arena, DOCUMENT_MAX);
    fhir_parameters_open(&w);
    json_object_open(&w);
    json_member_string(&w, "name", "bundle");
    json_name(&w, "resource");
    json_value(&w, bundle);
    json_object_close(&w);
    if (argument(arguments, "--origin") == NULL)
        return fault(scope, STATUS_INVALID, "--origin", "%s",
            say("is required: where is the patient?", "환자가 있는 곳을 적으십시오"));
    status = write_origin(&w, argument(arguments, "--origin"), scope);
    if (status == STATUS_OK && argument_flag(arguments, "--human-level")) {
        status = argument_whole(&number, arguments, "--human-level", 1, 5, scope);
        fhir_parameter_number(&w, "human-level", "valueInteger", text_from(argument(arguments, "--human-level")));
    }
    if (status == STATUS_OK)
        status = argument_whole(&number, arguments, "--limit", 1, 1000, scope);
    fhir_parameter_number(&w, "limit", "valueInteger", text_from(argument(arguments, "--limit")));
    return status == STATUS_OK ? fhir_parameters_finish(out, &w, scope) : status;
}

static void print_option(int rank, const yyjson_val *option, const char *language) {
    size_t index, count;
    yyjson_val *part;
    struct text place = answer_part_display(option, "place");
    printf("%2d. %.*s\n    %.0f min (travel %.0f min%s), %.1f km, chance of acceptance %.0f %%\n", rank,
        (int)place.size, place.at, answer_part_number(option, "minutes"), answer_part_number(option, "travel"),
        answer_part_true(option, "estimated") ? ", estimated" : "", answer_part_number(option, "distance"),
        100 * answer_part_number(option, "chance"));
    yyjson_arr_foreach(json_get(option, "part"), index, count, part) {
        if (!text_is(json_get_text(part, "name"), "reason"))
            continue;
        struct text words = answer_part_text(part, language);
        printf("    - %.*s\n", (int)words.size, words.at);
    }
}

static enum status print_answer(struct text json, const struct arguments *arguments, struct scope *scope) {
    yyjson_doc *document;
    size_t index, count;
    yyjson_val *parameter;
    int rank = 0, excluded = 0;
    if (argument_flag(arguments, "--json")) {
        printf("%.*s\n", (int)json.size, json.at);
        return STATUS_OK;
    }
    enum status status = json_read(&document, json, scope);
    if (status != STATUS_OK)
        return status;
    yyjson_arr_foreach(json_get(yyjson_doc_get_root(document), "parameter"), index, count, parameter) {
        if (text_is(json_get_text(parameter, "name"), "option"))
            print_option(++rank, parameter, argument(arguments, "--language"));
        excluded += text_is(json_get_text(parameter, "name"), "excluded");
    }
    printf("%d places ranked, %d excluded (reasons: --json). Research and decision support; not a certified medical "
           "device.\n",
        rank, excluded);
    return STATUS_OK;
}

static int run(const struct arguments *arguments, struct scope *scope) {
    struct text question, answer;
    enum status status = write_question(&question, arguments, scope);
    if (status == STATUS_OK)
        status = ask(&answer, arguments, &(struct asked){"$rank-places", referral_operation_rank}, question, scope);
    if (status == STATUS_OK)
        status = print_answer(answer, arguments, scope);
    return report(arguments, scope, status);
}

const struct command command_match = {"match", "FILE",
    {"ranked places for a patient in a file", "파일에 든 환자를 받을 기관의 순위"},
    {"FILE is a FHIR Bundle as for 'soyang triage'. Prints the places that can give the care, in order, with minutes "
     "and reasons.",
        "FILE은 'soyang triage'와 같은 FHIR Bundle입니다. 진료할 수 있는 기관을 순서대로, 걸리는 시간(분)과 이유를 "
        "붙여 출력합니다."},
    options, 1, 1, run};
