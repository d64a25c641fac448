/* soyang triage batch: rows of the public data sets in, levels and probabilities out. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/document.h"
#include "cli/readers.h"
#include "cli/source.h"

static const struct option_row options[] = {
    {"--format", "ktas|nhamcs|yale", "whose columns the file has", NULL},
    {"--policy", "FILE", "a triage policy (JSON) instead of the built-in one", NULL},
    {"--models", "DIR", "a folder of models instead of the built-in ones", NULL},
    {"--sites", "FILE", "a sites document, as soyang triage calibrate writes it", NULL},
    {0},
};
enum { ROW_BYTES_MAX = 64 << 20, BROKEN_LINES_MAX = 100, PROGRESS_ROWS = 20000 };

struct batch_run {
    const struct arguments *arguments;
    struct source *source;
    struct triage_batch *batch;
    struct arena *arena; /* of the run; rows have their own */
    bool ended;
    long rows;
};

static enum status take_format(enum triage_batch_format *out, const char *name, struct scope *scope) {
    for (int i = 0; name != NULL && i < TRIAGE_BATCH_FORMAT_COUNT; i++) {
        *out = (enum triage_batch_format)i;
        if (strcmp(name, triage_batch_format_name(*out)) == 0)
            return STATUS_OK;
    }
    return fault(scope, STATUS_INVALID, "--format", "ktas, nhamcs or yale");
}

/* A quote opens where a cell begins, and closes anywhere. */
static bool is_open(struct text line) {
    bool open = false;
    for (size_t i = 0; i < line.size; i++) {
        bool begins = i == 0 || line.at[i - 1] == ',' || line.at[i - 1] == ';';
        if (line.at[i] == '"' && (open || begins))
            open = !open;
    }
    return open;
}

/* The next line that is not blank; one whose quotes are still open goes on in the next. None at the end. */
static enum status next_line(struct text *out, struct source *source, struct scope *scope) {
    long number;
    enum status status;
    do {
        status = source_next(out, &number, source, scope);
    } while (status == STATUS_OK && out->at != NULL && text_trim(*out).size == 0);
    for (int i = 0; status == STATUS_OK && out->at != NULL && is_open(*out) && i < BROKEN_LINES_MAX; i++) {
        struct text more;
        status = source_next(&more, &number, source, scope);
        if (status != STATUS_OK || more.at == NULL)
            break;
        *out = text_format(scope->arena, "%.*s %.*s", (int)out->size, out->at, (int)more.size, more.at);
    }
    return status;
}

static enum status run_row(void *context, struct scope *scope) {
    struct batch_run *run = context;
    struct text line = {0}, answer = {0};
    enum status status = next_line(&line, run->source, scope);
    if (status != STATUS_OK || line.at == NULL) {
        run->ended = true;
        return status;
    }
    status = triage_batch_row(&answer, run->batch, line, scope);
    if (status == STATUS_OK && printf("%.*s\n", (int)answer.size, answer.at) < 0)
        return fault(scope, STATUS_FAILED, "", "the output cannot be written");
    run->rows++;
    return status;
}

static enum status run_rows(struct batch_run *run, struct scope *scope) {
    struct arena *arena = arena_open(ROW_BYTES_MAX);
    enum status status = arena == NULL ? fault(scope, STATUS_UNAVAILABLE, "", "no memory") : STATUS_OK;
    while (status == STATUS_OK && !run->ended) {
        struct scope row = {.arena = arena};
        status = scope_run(&row, arena, run_row, run);
        if (status != STATUS_OK)
            fault_carry(scope, &row.fault);
        arena_reset(arena);
        if (run->rows > 0 && run->rows % PROGRESS_ROWS == 0)
            (void)fprintf(stderr, "soyang: %ld rows, %.0f %%\n", run->rows, 100 * source_progress(run->source));
    }
    arena_close(arena);
    return status;
}

static void print_notes(const struct triage_batch *batch) {
    size_t count;
    const struct triage_batch_note *notes = triage_batch_notes(batch, &count);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(stderr, "soyang: %s: %s", notes[i].column, notes[i].what);
        if (notes[i].first_row > 0)
            (void)fprintf(stderr, " (%ld rows, first in row %ld)", notes[i].count, notes[i].first_row);
        (void)fputc('\n', stderr);
    }
}

static enum status open_batch(struct batch_run *run, struct scope *scope) {
    const struct arguments *arguments = run->arguments;
    const struct triage_policy *policy = NULL;
    const struct triage_readers *readers = NULL;
    struct text policy_text = {0}, header = {0};
    enum triage_batch_format format;
    enum status status = take_format(&format, argument(arguments, "--format"), scope);
    if (status == STATUS_OK && argument(arguments, "--policy") != NULL)
        status = file_read(&policy_text, argument(arguments, "--policy"), DOCUMENT_MAX, scope);
    if (status == STATUS_OK)
        status = triage_policy_open(&policy, policy_text, scope->arena, scope);
    struct readers_question question = {policy, argument(arguments, "--models"), argument(arguments, "--sites")};
    if (status == STATUS_OK)
        status = readers_load(&readers, &question, scope->arena, scope);
    if (status == STATUS_OK)
        status = source_open(&run->source, arguments->operands[0], scope);
    if (status != STATUS_OK)
        return status;
    source_by_lines(run->source);
    status = next_line(&header, run->source, scope);
    if (status == STATUS_OK && header.at == NULL)
        status = fault(scope, STATUS_INVALID, arguments->operands[0], "the file is empty");
    if (status == STATUS_OK)
        status = triage_batch_open(&run->batch, format, header, policy, readers, scope->arena, scope);
    if (status == STATUS_OK)
        puts(triage_batch_format_header(format));
    return status;
}

static int run(const struct arguments *arguments, struct scope *scope) {
    struct batch_run run = {.arguments = arguments, .arena = scope->arena};
    enum status status = open_batch(&run, scope);
    if (status == STATUS_OK)
        status = run_rows(&run, scope);
    if (status == STATUS_OK && fflush(stdout) != 0)
        status = fault(scope, STATUS_FAILED, "", "the output cannot be written");
    if (run.batch != NULL)
        print_notes(run.batch);
    source_close(run.source);
    return report(scope, status);
}

const struct command command_triage_batch = {"triage batch", "FILE", "readings of a data set's visits, as CSV",
    "FILE has the data set's own columns, found by the names in its first line; it may be compressed (.gz, .bz2, "
    ".zst).\n"
    "One line is written for each data row, numbered from 1, behind a line of names:\n"
    "  ktas    row,human_level,floor_level,final_level,p_level_1_2,p_undertriage,p_disposition,abstained\n"
    "  nhamcs  row,p_icu,abstained\n"
    "  yale    row,p_admission,abstained\n"
    "An empty cell is 'none': no level given, no rule, no model, or it abstains (abstained 1).\n"
    "What is known only after triage is never looked at, for yale nor ESI and medicines. Odd cells count as missing "
    "and "
    "are\ntold on standard error, by column and kind.",
    options, 1, 1, run};
