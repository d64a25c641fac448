/* soyang surge: many patients at once over all places, from a file. */
#include <math.h>
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
    {"--language", "ko|en", {"language of the sentences", "문장의 언어"}, "ko"},
    {"--json", NULL, {"the whole answer as FHIR Parameters", "답 전체를 FHIR Parameters로"}, NULL},
    {0},
};

struct words {
    const char *summary, *optimal, *broken, *unplaced, *first, *beds, *assumed, *changed, *nobody, *moves, *outside,
        *end;
};
static const struct words korean = {.summary = "환자 %.0f명 중 %.0f명 배정, %.0f명은 첫 선택을 양보\n",
    .optimal = "더 나은 배정이 없음이 증명됨: 비용 %.6f = 쌍대값 %.6f\n",
    .broken = "증명이 성립하지 않음: 비용 %.6f, 쌍대값 %.6f\n",
    .unplaced = "배정 못 함",
    .first = " (첫 선택 %.*s, %+.0f분)",
    .beds = "병상: 기관, 종류, 사용/가용, 한 병상 더 있을 때의 이득\n",
    .assumed = " (가정)",
    .changed = "변경: %.*s %.*s = %.0f병상, %.3f ms 만에 다시 계산, 이득 %.6f\n",
    .nobody = "  움직이는 환자 없음\n",
    .moves = "  %.*s: %.*s → %.*s\n",
    .outside = "미배정",
    .end = "연구 및 의사결정 지원용이며, 인증된 의료기기가 아닙니다."};
static const struct words english = {.summary = "%.0f patients, %.0f placed, %.0f give way from their first choice\n",
    .optimal = "proved that nothing better is possible: cost %.6f = dual %.6f\n",
    .broken = "the proof does not hold: cost %.6f, dual %.6f\n",
    .unplaced = "unplaced",
    .first = " (first choice %.*s, %+.0f min)",
    .beds = "beds: place, kind, used/free, what one more would gain\n",
    .assumed = " (assumed)",
    .changed = "changed: %.*s %.*s = %.0f beds, solved again in %.3f ms, gained %.6f\n",
    .nobody = "  nobody moves\n",
    .moves = "  %.*s: %.*s -> %.*s\n",
    .outside = "unplaced",
    .end = "Research and decision support; not a certified medical device."};

static struct text place_of(
    const yyjson_val *item, const char *name, const char *name_en, const struct words *words, const char *otherwise) {
    struct text display = words == &english ? answer_part_text(item, name_en) : (struct text){0};
    display = display.size > 0 ? display : answer_part_display(item, name);
    return display.size > 0 ? display : text_from(otherwise);
}

static void print_patient(const yyjson_val *item, const struct words *words) {
    struct text label = answer_part_text(item, "label"),
                place = place_of(item, "place", "name-en", words, words->unplaced);
    const yyjson_val *first = answer_part(item, "part", "gives-way");
    printf(
        "%-24.*s L%.0f  %.*s", (int)label.size, label.at, answer_part_number(item, "level"), (int)place.size, place.at);
    if (!answer_part_true(item, "unplaced"))
        printf("  %.0f min", answer_part_number(item, "minutes"));
    if (first != NULL) {
        struct text wanted = place_of(first, "place", "name-en", words, "");
        printf(words->first, (int)wanted.size, wanted.at, nearbyint(answer_part_number(first, "minutes")) + 0.0);
    }
    putchar('\n');
}

static void print_beds(const yyjson_val *item, const struct words *words) {
    struct text place = place_of(item, "place", "name-en", words, ""), bed = answer_part_text(item, "bed");
    if (answer_part_number(item, "used") > 0 || answer_part_number(item, "price") > 0)
        printf("  %.*s %.*s %.0f/%.0f  %.6f%s\n", (int)place.size, place.at, (int)bed.size, bed.at,
            answer_part_number(item, "used"), answer_part_number(item, "free"), answer_part_number(item, "price"),
            answer_part_true(item, "assumed") ? words->assumed : "");
}

static void print_exchange(const yyjson_val *item, const struct words *words) {
    size_t index, count, moved = 0;
    yyjson_val *part;
    struct text place = place_of(item, "place", "name-en", words, ""), bed = answer_part_text(item, "bed");
    printf(words->changed, (int)place.size, place.at, (int)bed.size, bed.at, answer_part_number(item, "free"),
        answer_part_number(item, "milliseconds"), answer_part_number(item, "saved"));
    yyjson_arr_foreach(json_get(item, "part"), index, count, part) {
        if (!text_is(json_get_text(part, "name"), "move"))
            continue;
        struct text label = answer_part_text(part, "label");
        struct text from = place_of(part, "from", "from-en", words, words->outside);
        struct text to = place_of(part, "to", "to-en", words, words->outside);
        printf(words->moves, (int)label.size, label.at, (int)from.size, from.at, (int)to.size, to.at);
        moved++;
    }
    if (moved == 0)
        (void)fputs(words->nobody, stdout);
}

static double number_of(const yyjson_val *root, const char *name) {
    double value = 0;
    return json_get_double(&value, answer_part(root, "parameter", name), "valueInteger") ? value : 0;
}

static void print_each(const yyjson_val *root, const char *name,
    void (*print)(const yyjson_val *, const struct words *), const struct words *words) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_get(root, "parameter"), index, count, item) {
        if (text_is(json_get_text(item, "name"), name))
            print(item, words);
    }
}

static enum status print_answer(struct text json, const struct arguments *arguments, struct scope *scope) {
    yyjson_doc *document;
    const struct words *words = strcmp(argument(arguments, "--language"), "en") == 0 ? &english : &korean;
    if (argument_flag(arguments, "--json")) {
        printf("%.*s\n", (int)json.size, json.at);
        return STATUS_OK;
    }
    enum status status = json_read(&document, json, scope);
    if (status != STATUS_OK)
        return status;
    const yyjson_val *root = yyjson_doc_get_root(document);
    const yyjson_val *certificate = answer_part(root, "parameter", "certificate");
    printf(words->summary, number_of(root, "patients"), number_of(root, "placed"), number_of(root, "gave-way"));
    printf(answer_part_true(certificate, "optimal") ? words->optimal : words->broken,
        answer_part_number(certificate, "primal"), answer_part_number(certificate, "dual"));
    print_each(root, "patient", print_patient, words);
    (void)fputs(words->beds, stdout);
    print_each(root, "beds", print_beds, words);
    print_each(root, "exchange", print_exchange, words);
    puts(words->end);
    return STATUS_OK;
}

static int run(const struct arguments *arguments, struct scope *scope) {
    const yyjson_val *wave;
    struct text question = {0}, answer;
    enum status status = source_document(&wave, arguments->operands[0], scope);
    if (status == STATUS_OK) {
        struct json_writer w = json_writer_open(scope->arena, DOCUMENT_MAX);
        json_value(&w, wave);
        status = json_finish(&question, &w, scope);
    }
    if (status == STATUS_OK)
        status = ask(&answer, arguments, &(struct asked){"$surge", referral_operation_surge}, question, scope);
    if (status == STATUS_OK)
        status = print_answer(answer, arguments, scope);
    return report(arguments, scope, status);
}

const struct command command_surge = {"surge", "FILE",
    {"many patients at once over all places, from a file", "파일에 든 많은 환자를 한꺼번에 모든 기관에 배정합니다"},
    {"FILE is a FHIR Parameters resource as $surge takes it (docs/api.md): patients or groups of patients with level, "
     "needs\n"
     "and position, beds that somebody has just counted, and beds that may change. Prints who goes where, the proof "
     "that\n"
     "nothing better is possible, who gives way, and who moves when a bed changes.",
        "FILE은 $surge가 받는 FHIR Parameters 자원입니다(docs/api.md): 단계·필요 진료·위치가 있는 환자나 환자 무리, "
        "방금 센 병상,\n"
        "바뀔 수 있는 병상. 누가 어디로 가는지, 더 나은 배정이 없다는 증명, 누가 양보하는지, 병상이 바뀌면 누가 "
        "움직이는지를\n"
        "출력합니다."},
    options, 1, 1, run};
