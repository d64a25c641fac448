/* Batches: a data set's row in, one line of levels and probabilities out. */
#include "triage/dataset.h"
#include "triage/readers.h"

#include <math.h>

enum { LINE_MAX_BYTES = 400 };

struct triage_batch {
    enum triage_batch_format format;
    const struct triage_policy *policy;
    const struct triage_readers *readers;
    struct dataset *dataset; /* its columns: those of every model that is asked, one behind the other */
    size_t first_columns[TRIAGE_MODEL_COUNT];
    long row;
    char separator;
    size_t cell_count; /* of the header */
};

static bool is_asked(enum triage_batch_format format, int kind) {
    static const unsigned asked[] = {[TRIAGE_BATCH_KTAS] = 1 << TRIAGE_MODEL_LEVEL |
                                                           1 << TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN |
                                                           1 << TRIAGE_MODEL_DISPOSITION,
        [TRIAGE_BATCH_NHAMCS] = 1 << TRIAGE_MODEL_INTENSIVE_CARE,
        [TRIAGE_BATCH_YALE] = 1 << TRIAGE_MODEL_ADMISSION};
    return (asked[format] >> kind & 1) != 0;
}

enum status triage_batch_open(struct triage_batch **out, enum triage_batch_format format, struct text header,
    const struct triage_policy *policy, const struct triage_readers *readers, struct arena *arena,
    struct scope *scope) {
    struct triage_batch *batch = ARENA_NEW(arena, struct triage_batch);
    *batch = (struct triage_batch){
        .format = format, .policy = policy, .readers = readers, .separator = dataset_separator(format, header)};
    (void)dataset_quotes(&batch->cell_count, header, batch->separator);
    size_t total = 0;
    for (int i = 0; i < TRIAGE_MODEL_COUNT; i++)
        total += is_asked(format, i) ? readers->models[i].column_count : 0;
    struct text *columns = ARENA_ARRAY(arena, struct text, total + 1);
    size_t at = 0;
    for (int i = 0; i < TRIAGE_MODEL_COUNT; i++) {
        batch->first_columns[i] = at;
        for (size_t k = 0; is_asked(format, i) && k < readers->models[i].column_count; k++)
            columns[at++] = readers->models[i].columns[k];
    }
    enum status status = dataset_open(&batch->dataset, format, header, columns, total, arena, scope);
    *out = status == STATUS_OK ? batch : NULL;
    return status;
}

struct answer {
    double probability; /* NaN: none */
    bool abstains;
};

static struct answer ask(const struct triage_batch *batch, enum triage_model_kind kind, const char *output_name,
    const struct dataset_row *row, struct arena *arena) {
    const struct reader_model *model = &batch->readers->models[kind];
    struct visit visit = row->visit;
    visit.columns = row->visit.columns + batch->first_columns[kind];
    struct reader_inputs inputs = reader_fill(model, &visit, arena);
    if (inputs.abstention != ABSTENTION_NONE)
        return (struct answer){(double)NAN, true};
    int output = triage_model_output_find(model->model, output_name);
    return (struct answer){
        reader_probability(batch->readers, kind, (size_t)output, inputs.at, row->facts->site, NULL), false};
}

/* The level that the model speaks for; 0: it abstains or sees no cause. */
static int ask_level(
    const struct triage_batch *batch, enum triage_model_kind kind, const struct dataset_row *row, struct arena *arena) {
    const struct triage_model_escalation *which;
    struct visit visit = row->visit;
    visit.columns = row->visit.columns + batch->first_columns[kind];
    struct reader_inputs inputs = reader_fill(&batch->readers->models[kind], &visit, arena);
    if (inputs.abstention != ABSTENTION_NONE)
        return 0;
    return reader_escalates(&which, batch->readers, kind, row->facts->human_level, inputs.at, row->facts->site);
}

static void put_probability(struct buffer *line, struct answer answer) {
    if (!answer.abstains)
        buffer_put_format(line, "%.6f", answer.probability);
}

static void put_level(struct buffer *line, int level) {
    buffer_put_char(line, ',');
    if (level)
        buffer_put_format(line, "%d", level);
}

/* The chance of under-triage, where the rules raise the human's level: 1 - (1 - p)(1 - how often the rules were right). */
static struct answer with_rules(struct answer under, const struct triage_batch *batch, const struct dataset_row *row,
    const struct triage_reading *reading) {
    double right = 0;
    const struct reader_model *reader = &batch->readers->models[TRIAGE_MODEL_LEVEL];
    bool raised = reading->floor_level && reading->floor_level < row->facts->human_level;
    if (!under.abstains && raised && triage_model_parameter_find(&right, reader->model, TRIAGE_PARAMETER_RULES_RIGHT))
        under.probability = 1 - (1 - under.probability) * (1 - right);
    return under;
}

/* The rules read the row; the trained level comes from the row's own visit, which knows more than facts hold. */
static enum status put_ktas(
    struct buffer *line, const struct triage_batch *batch, const struct dataset_row *row, struct scope *scope) {
    struct triage_reading reading = {.level = 0};
    enum triage_model_kind kind = row->facts->human_level ? TRIAGE_MODEL_LEVEL : TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN;
    struct answer severe = ask(batch, kind, "level-1-2", row, scope->arena), under = {(double)NAN, true};
    if (!row->nothing_known) {
        enum status status = triage_read(&reading, batch->policy, row->facts, NULL, 0, scope);
        if (status != STATUS_OK)
            return status;
        int level = ask_level(batch, kind, row, scope->arena);
        if (level && level < reading.level)
            reading.level = level;
    }
    if (row->facts->human_level)
        under = with_rules(ask(batch, TRIAGE_MODEL_LEVEL, "under-triage", row, scope->arena), batch, row, &reading);
    put_level(line, row->facts->human_level);
    put_level(line, reading.floor_level);
    put_level(line, reading.level);
    buffer_put_char(line, ',');
    put_probability(line, severe);
    buffer_put_char(line, ',');
    put_probability(line, under);
    buffer_put_char(line, ',');
    put_probability(line, ask(batch, TRIAGE_MODEL_DISPOSITION, "disposition", row, scope->arena));
    buffer_put_string(line, severe.abstains ? ",1" : ",0");
    return STATUS_OK;
}

static void put_one(struct buffer *line, struct answer answer) {
    buffer_put_char(line, ',');
    put_probability(line, answer);
    buffer_put_string(line, answer.abstains ? ",1" : ",0");
}

/* Once for every model that is asked. */
static void scan_words(struct visit *visit, const struct triage_batch *batch, struct arena *arena) {
    for (int i = 0; i < TRIAGE_MODEL_COUNT && !visit->words; i++) {
        if (is_asked(batch->format, i) && batch->readers->models[i].model)
            visit_scan(visit, batch->readers->models[i].features, arena);
    }
}

enum status triage_batch_row(struct text *out, struct triage_batch *batch, struct text line, struct scope *scope) {
    struct dataset_row row;
    struct buffer buffer = buffer_open(scope->arena, LINE_MAX_BYTES);
    enum status status = dataset_read(&row, batch->dataset, line, scope);
    if (status != STATUS_OK)
        return status;
    scan_words(&row.visit, batch, scope->arena);
    buffer_put_format(&buffer, "%ld", ++batch->row);
    if (batch->format == TRIAGE_BATCH_KTAS)
        status = put_ktas(&buffer, batch, &row, scope);
    else if (batch->format == TRIAGE_BATCH_NHAMCS)
        put_one(&buffer, ask(batch, TRIAGE_MODEL_INTENSIVE_CARE, "intensive-care", &row, scope->arena));
    else
        put_one(&buffer, ask(batch, TRIAGE_MODEL_ADMISSION, "admission", &row, scope->arena));
    *out = buffer_text(&buffer);
    return status;
}

bool triage_batch_is_open(const struct triage_batch *batch, struct text line) {
    size_t count;
    return dataset_quotes(&count, line, batch->separator).open;
}

bool triage_batch_is_whole(const struct triage_batch *batch, struct text line) {
    size_t count;
    struct dataset_quotes quotes = dataset_quotes(&count, line, batch->separator);
    return !quotes.open && !quotes.odd && count == batch->cell_count;
}

const struct triage_batch_note *triage_batch_notes(const struct triage_batch *batch, size_t *count) {
    return dataset_notes(batch->dataset, count);
}
