/* soyang triage calibrate: fits a model's probabilities to one site's outcomes, or silences a site. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/document.h"
#include "cli/folder.h"
#include "cli/readers.h"
#include "cli/result.h"
#include "cli/source.h"

static const struct option_row options[] = {
    {"--site", "REFERENCE",
        {"the visits' service provider, e.g. Organization/hospital-1",
            "내원 기록의 의료기관. 예: Organization/hospital-1"},
        NULL},
    {"--model", "NAME",
        {"level | level-without-human | disposition | intensive-care | admission",
            "level | level-without-human | disposition | intensive-care | admission 가운데 하나"},
        "disposition"},
    {"--output", "NAME",
        {"which of the model's outputs (default: the one that the server asks for)",
            "모델의 어느 출력인지(기본값: 서버가 쓰는 출력)"},
        NULL},
    {"--data", "DIR",
        {"no FILE: the visits of this data folder, by its stored readings and their encounters",
            "FILE 대신: 이 데이터 폴더에 저장된 판독과 내원 기록"},
        NULL},
    {"--models", "DIR", {"a folder of models instead of the built-in ones", "내장 모델 대신 쓸 모델 폴더"}, NULL},
    {"--sites", "FILE", {"the sites document to add to; made when missing", "더해 쓸 기관 문서. 없으면 만듭니다"},
        "triage-sites.json"},
    {"--silent", NULL,
        {"only set the site's mode: readings are kept, but neither shown nor counted",
            "기관의 상태만 정합니다: 판독을 저장하되 보이지도 세지도 않습니다"},
        NULL},
    {"--shown", NULL,
        {"only set the site's mode: readings are shown and count", "기관의 상태만 정합니다: 판독을 보이고 셉니다"},
        NULL},
    {"--json", NULL, {"what was measured as JSON", "측정한 값을 JSON으로"}, NULL},
    {0},
};
enum { READINGS_MAX = 20000, TABLE_BYTES_MAX = 256 << 20 };

/* What a column of soyang triage batch says: which output of which models. NULL: no output of a model by itself. */
struct batch_column {
    const char *name, *output;
    enum triage_model_kind model, or_model;
};
static const struct batch_column batch_columns[] = {
    {"p_disposition", "disposition", TRIAGE_MODEL_DISPOSITION, TRIAGE_MODEL_DISPOSITION},
    {"p_icu", "intensive-care", TRIAGE_MODEL_INTENSIVE_CARE, TRIAGE_MODEL_INTENSIVE_CARE},
    {"p_admission", "admission", TRIAGE_MODEL_ADMISSION, TRIAGE_MODEL_ADMISSION},
    {"p_level_1_2", "level-1-2", TRIAGE_MODEL_LEVEL, TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN},
    {"p_undertriage", NULL, TRIAGE_MODEL_LEVEL, TRIAGE_MODEL_LEVEL},
};

struct table {
    struct triage_outcome *rows;
    size_t count, left_out;            /* left_out: rows without a probability */
    const struct batch_column *column; /* NULL: the probabilities are of no column of the batch */
};

static struct text cell_next(struct text *rest) {
    struct text cell = text_trim(text_cut(rest, ','));
    if (cell.size >= 2 && cell.at[0] == '"' && cell.at[cell.size - 1] == '"')
        cell = (struct text){cell.at + 1, cell.size - 2};
    return cell;
}

/* -1: no such column; several: which is meant nobody knows. */
enum { COLUMN_SEVERAL = -2 };
static int column_find(struct text header, const char *const *names) {
    int found = -1;
    for (int i = 0; header.at != NULL; i++) {
        struct text cell = cell_next(&header);
        for (int k = 0; names[k] != NULL; k++)
            if (text_is(cell, names[k]))
                found = found == -1 ? i : COLUMN_SEVERAL;
    }
    return found;
}

static struct text cell_at(struct text line, int column) {
    struct text cell = {0};
    for (int i = 0; i <= column; i++)
        cell = cell_next(&line);
    return cell;
}

static const struct batch_column *batch_column_find(struct text header, int column) {
    struct text name = cell_at(header, column);
    for (size_t i = 0; i < sizeof batch_columns / sizeof *batch_columns; i++) {
        if (text_is(name, batch_columns[i].name))
            return &batch_columns[i];
    }
    return NULL;
}

/* One model's probabilities fitted for another's would stand in the sites document as if they were its own. */
static enum status check_column(const struct batch_column *column, enum triage_model_kind kind, const char *output,
    const char *path, struct scope *scope) {
    if (column == NULL)
        return STATUS_OK;
    if (column->output == NULL)
        return fault(scope, STATUS_INVALID, path,
            "%s is the model's chance joined with the rules': no output of a model to calibrate", column->name);
    if ((kind == column->model || kind == column->or_model) && strcmp(output, column->output) == 0)
        return STATUS_OK;
    struct text file = text_from(triage_model_file_name(column->model));
    return fault(scope, STATUS_INVALID, path, "%s is the output '%s' of --model %.*s, not '%s'", column->name,
        column->output, (int)(file.size - strlen(".model")), file.at, output);
}

static bool take_outcome(bool *out, struct text cell) {
    static const char *const yes[] = {"1", "1.0", "true", "TRUE", "yes"}, *const no[] = {
                                                                              "0", "0.0", "false", "FALSE", "no"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (text_is(cell, yes[i]) || text_is(cell, no[i])) {
            *out = text_is(cell, yes[i]);
            return true;
        }
    }
    return false;
}

/* A row whose probability is empty (the model abstained) is left out; any other flaw is refused with its row. */
static enum status read_table(struct table *out, struct text csv, const char *path, struct scope *scope) {
    static const char *const probabilities[] = {"probability", "p", "prediction", "p_disposition", "p_icu",
        "p_admission", "p_undertriage", "p_level_1_2", NULL};
    static const char *const outcomes[] = {"outcome", "y", "observed", NULL};
    struct text header = text_trim(text_cut(&csv, '\n'));
    if (text_starts(header, "\xEF\xBB\xBF"))
        header = (struct text){header.at + 3, header.size - 3};
    int probability = column_find(header, probabilities), outcome = column_find(header, outcomes);
    if (probability == COLUMN_SEVERAL || outcome == COLUMN_SEVERAL)
        return fault(scope, STATUS_INVALID, path, "the first line names several columns of %s: leave one",
            probability == COLUMN_SEVERAL ? "probabilities" : "outcomes");
    if (probability < 0 || outcome < 0)
        return fault(scope, STATUS_INVALID, path, "the first line names no 'probability' or no 'outcome'");
    out->column = batch_column_find(header, probability);
    size_t room = 1;
    for (size_t i = 0; i < csv.size; i++)
        room += csv.at[i] == '\n';
    out->rows = ARENA_ARRAY(scope->arena, struct triage_outcome, room);
    for (long row = 1; csv.at != NULL; row++) {
        struct text line = text_trim(text_cut(&csv, '\n'));
        struct text said = line.size ? cell_at(line, probability) : (struct text){0};
        if (said.size == 0) {
            out->left_out += line.size > 0;
            continue;
        }
        struct triage_outcome *slot = &out->rows[out->count];
        if (!text_to_double(&slot->probability, said) || !(slot->probability >= 0 && slot->probability <= 1))
            return fault(scope, STATUS_UNPROCESSABLE, path, "row %ld: a probability lies between 0 and 1", row);
        if (!take_outcome(&slot->happened, cell_at(line, outcome)))
            return fault(scope, STATUS_UNPROCESSABLE, path, "row %ld: an outcome is 0 or 1", row);
        out->count++;
    }
    return STATUS_OK;
}

static enum status take_model(enum triage_model_kind *out, const char *name, struct scope *scope) {
    for (int i = 0; i < TRIAGE_MODEL_COUNT; i++) {
        struct text file = text_from(triage_model_file_name((enum triage_model_kind)i));
        *out = (enum triage_model_kind)i;
        if (text_starts(file, name) && strlen(name) + strlen(".model") == file.size)
            return STATUS_OK;
    }
    return fault(scope, STATUS_INVALID, "--model", "%s",
        say("takes level, level-without-human, disposition, intensive-care or admission",
            "level, level-without-human, disposition, intensive-care, admission 가운데 하나를 적으십시오"));
}

static enum status read_sites(struct text *out, const char *path, struct scope *scope) {
    *out = (struct text){0};
    return access(path, F_OK) == 0 ? file_read(out, path, DOCUMENT_MAX, scope) : STATUS_OK;
}

static void print_measured(const struct triage_calibrated *m, const char *site, const char *output) {
    printf("%s, %s: %zu visits, %zu with the outcome\n"
           "               before    after\n"
           "  expected   %8.1f %8.1f\n"
           "  ECE        %8.4f %8.4f\n"
           "  Brier      %8.4f %8.4f\n"
           "  slope %.4f, intercept %.4f\n"
           "'After' is measured on the visits it was fitted on, and flatters.\n",
        site, output, m->visits, m->events, m->expected_before, m->expected_after, m->ece_before, m->ece_after,
        m->brier_before, m->brier_after, m->slope, m->intercept);
}

static enum status print_json(
    const struct triage_calibrated *m, const char *site, const char *output, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, 1 << 16);
    struct text json;
    json_object_open(&w);
    json_member_string(&w, "site", site);
    json_member_string(&w, "output", output);
    json_member_int(&w, "visits", (int64_t)m->visits);
    json_member_int(&w, "observed", (int64_t)m->events);
    json_member_decimal(&w, "expectedBefore", m->expected_before, 3);
    json_member_decimal(&w, "expectedAfter", m->expected_after, 3);
    json_member_decimal(&w, "eceBefore", m->ece_before, 6);
    json_member_decimal(&w, "eceAfter", m->ece_after, 6);
    json_member_decimal(&w, "brierBefore", m->brier_before, 6);
    json_member_decimal(&w, "brierAfter", m->brier_after, 6);
    json_member_decimal(&w, "slope", m->slope, 6);
    json_member_decimal(&w, "intercept", m->intercept, 6);
    json_object_close(&w);
    enum status status = json_finish(&json, &w, scope);
    if (status == STATUS_OK)
        printf("%.*s\n", (int)json.size, json.at);
    return status;
}

/* The site's visits in a data folder whose outcome is told. Readings that were calibrated for the site, or are another model's, say
 * nothing of this one. */
static enum status read_folder(
    struct table *out, const char *path, const char *site, const char *model, const char *digest, struct scope *scope) {
    struct folder folder = {0};
    struct folder_config config = {.path = path, .speed = 1, .making = FOLDER_STANDS};
    struct triage_followed *followed = NULL;
    size_t count = 0;
    enum status status = folder_open(&folder, &config, scope);
    if (status == STATUS_OK)
        status = referral_outcomes(&followed, &count, folder.referral, &folder_operator, READINGS_MAX, scope);
    out->rows = ARENA_ARRAY(scope->arena, struct triage_outcome, count + 1);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct triage_followed *row = &followed[i];
        if (text_is(row->site, site) && text_is(row->output, model) && text_is(row->model, digest) && !row->calibrated)
            out->rows[out->count++] = (struct triage_outcome){row->probability, row->happened};
    }
    folder_close(&folder);
    return status;
}

static enum status calibrate(struct text *document, const struct arguments *arguments, struct scope *scope) {
    const struct triage_policy *policy = NULL;
    const struct triage_readers *readers = NULL;
    const char *data = argument(arguments, "--data"), *output = argument(arguments, "--output");
    struct text csv = {0};
    struct table table = {0};
    struct triage_calibrated measured;
    enum triage_model_kind kind;
    enum status status = take_model(&kind, argument(arguments, "--model"), scope);
    if (status == STATUS_OK)
        status = triage_policy_open(&policy, (struct text){0}, scope->arena, scope);
    struct readers_question readers_question = {policy, argument(arguments, "--models"), NULL};
    if (status == STATUS_OK)
        status = readers_load(&readers, &readers_question, scope->arena, scope);
    if (status == STATUS_OK && triage_readers_digest(readers, kind) == NULL)
        status = fault(scope, STATUS_NOT_FOUND, "--model", "there is no such model here");
    if (status == STATUS_OK && output != NULL && !triage_readers_has_output(readers, kind, output))
        status = fault(scope, STATUS_NOT_FOUND, "--output", "%s",
            say("the model has no such output", "모델에 그런 출력이 없습니다"));
    if (status == STATUS_OK && data != NULL && kind <= TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN)
        status = fault(scope, STATUS_UNSUPPORTED, "--data",
            "no record holds the experts' level that this model foresees: give a FILE of outcomes that were judged");
    if (status == STATUS_OK && data != NULL)
        status = read_folder(&table, data, argument(arguments, "--site"), argument(arguments, "--model"),
            triage_readers_digest(readers, kind), scope);
    if (status == STATUS_OK && data == NULL)
        status = file_read(&csv, arguments->operands[0], TABLE_BYTES_MAX, scope);
    if (status == STATUS_OK && data == NULL)
        status = read_table(&table, csv, arguments->operands[0], scope);
    if (status == STATUS_OK && output == NULL)
        output = triage_readers_output(readers, kind);
    if (status == STATUS_OK && data == NULL)
        status = check_column(table.column, kind, output, arguments->operands[0], scope);
    if (status != STATUS_OK)
        return status;
    if (table.left_out > 0)
        (void)fprintf(stderr, "soyang: %s: %zu rows without a probability were left out\n", arguments->operands[0],
            table.left_out);
    struct triage_calibrate_question question = {.sites = *document,
        .site = text_from(argument(arguments, "--site")),
        .model_digest = triage_readers_digest(readers, kind),
        .output = output,
        .outcomes = table.rows,
        .count = table.count};
    status = triage_calibrate(document, &measured, &question, scope);
    if (status == STATUS_OK && argument_flag(arguments, "--json"))
        status = print_json(&measured, argument(arguments, "--site"), question.output, scope);
    else if (status == STATUS_OK)
        print_measured(&measured, argument(arguments, "--site"), question.output);
    return status;
}

static int run(const struct arguments *arguments, struct scope *scope) {
    const char *path = argument(arguments, "--sites"), *site = argument(arguments, "--site");
    bool silent = argument_flag(arguments, "--silent"), shown = argument_flag(arguments, "--shown");
    struct text document;
    enum status status = read_sites(&document, path, scope);
    if (site == NULL)
        status = fault(scope, STATUS_INVALID, "--site", "%s",
            say("is required, e.g. Organization/hospital-1", "기관을 적으십시오. 예: Organization/hospital-1"));
    else if (strchr(site, '/') == NULL) /* no visit would ever be found to be of it, nor silent */
        status = fault(scope, STATUS_INVALID, "--site",
            say("takes a reference, as the visits' serviceProvider has it: Organization/%s?",
                "내원 기록의 serviceProvider와 같은 참조를 적으십시오: Organization/%s?"),
            site);
    else if (silent && shown)
        status = fault(scope, STATUS_INVALID, "--silent", "%s",
            say("either --silent or --shown", "--silent와 --shown 가운데 하나만 적으십시오"));
    else if (arguments->operand_count > 0 && argument(arguments, "--data") != NULL)
        status = fault(scope, STATUS_INVALID, "--data", "%s",
            say("either a CSV file or --data", "CSV 파일과 --data 가운데 하나만 적으십시오"));
    else if (!silent && !shown && arguments->operand_count == 0 && argument(arguments, "--data") == NULL)
        status = fault(scope, STATUS_INVALID, "--data", "%s",
            say("or a CSV file of probabilities and outcomes, or --silent, or --shown is required",
                "확률과 결과의 CSV 파일, --data, --silent, --shown 가운데 하나가 필요합니다"));
    if (status == STATUS_OK && (silent || shown))
        status = triage_site_silence(&document, document, text_from(site), silent, scope);
    if (status == STATUS_OK && (arguments->operand_count > 0 || argument(arguments, "--data") != NULL))
        status = calibrate(&document, arguments, scope);
    if (status == STATUS_OK)
        status = result_write(path, text_format(scope->arena, "%.*s\n", (int)document.size, document.at), scope);
    return report(arguments, scope, status);
}

const struct command command_triage_calibrate = {"triage calibrate", "[FILE]",
    {"fit the models to one site's outcomes", "한 기관의 결과에 맞추어 모델을 보정합니다"},
    {"FILE is a CSV whose first line names 'probability' (what the model said; also p_disposition, p_icu, ... of "
     "soyang triage\n"
     "batch) and 'outcome' (1 it happened, 0 not). At least 100 visits, 10 with and 10 without the outcome. What is "
     "fitted goes\n"
     "into the sites document, which soyang serve --triage-sites reads. A model that is not calibrated for a site says "
     "so.",
        "FILE은 첫 줄에 'probability'(모델이 말한 확률. soyang triage batch의 p_disposition, p_icu 등도 됨)와\n"
        "'outcome'(일어났으면 1, 아니면 0)이 있는 CSV입니다. 내원 100건 이상, 결과가 있는 것과 없는 것이 각각 10건 "
        "이상이어야\n"
        "합니다. 보정한 값은 기관 문서에 들어가고 soyang serve --triage-sites가 읽습니다. 보정되지 않은 모델은 "
        "그렇다고 밝힙니다."},
    options, 0, 1, run};
