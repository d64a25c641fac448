/* soyang triage batch: rows of the public data sets in, levels and probabilities out. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/document.h"
#include "cli/readers.h"
#include "cli/source.h"

static const struct option_row options[] = {
    {"--format", "ktas|nhamcs|yale", {"whose columns the file has", "파일의 열 형식"}, NULL},
    {"--policy", "FILE",
        {"a triage policy (JSON) instead of the built-in one", "내장 중증도 분류 규칙 대신 쓸 파일(JSON)"}, NULL},
    {"--models", "DIR", {"a folder of models instead of the built-in ones", "내장 모델 대신 쓸 모델 폴더"}, NULL},
    {"--sites", "FILE",
        {"a sites document, as soyang triage calibrate writes it", "soyang triage calibrate가 쓴 기관 문서"}, NULL},
    {0},
};
enum { ROW_BYTES_MAX = 64 << 20, BROKEN_LINES_MAX = 100, BROKEN_BYTES_MAX = 4 << 20, PROGRESS_ROWS = 20000 };

struct batch_run {
    const struct arguments *arguments;
    struct source *source;
    struct triage_batch *batch;
    struct arena *arena; /* of the run; rows have their own */
    bool ended;
    long rows;
    struct text held[BROKEN_LINES_MAX * 2]; /* lines that were read ahead and not taken: from held_at on */
    size_t held_at, held_count;
    struct arena *held_arenas[2];
    int held_turn;
};

static enum status take_format(enum triage_batch_format *out, const char *name, struct scope *scope) {
    for (int i = 0; name != NULL && i < TRIAGE_BATCH_FORMAT_COUNT; i++) {
        *out = (enum triage_batch_format)i;
        if (strcmp(name, triage_batch_format_name(*out)) == 0)
            return STATUS_OK;
    }
    return fault(scope, STATUS_INVALID, "--format", "%s",
        say("is required: ktas, nhamcs or yale", "ktas, nhamcs, yale 가운데 하나를 적으십시오"));
}

/* The next line that is not blank: one that was read ahead, or the file's. None at the end. */
static enum status next_line(struct text *out, struct batch_run *run, struct scope *scope) {
    long number;
    *out = (struct text){0};
    if (run->held_at < run->held_count) {
        *out = run->held[run->held_at++];
        return STATUS_OK;
    }
    return source_next(out, &number, run->source, scope);
}

/* The lines that were read ahead, moved into an arena that holds nothing else; `room` for one that comes. */
static void hold(struct batch_run *run, const struct text *lines, size_t count) {
    struct arena *arena = run->held_arenas[run->held_turn ^= 1];
    struct text held[BROKEN_LINES_MAX * 2];
    size_t size = 0;
    arena_reset(arena);
    for (size_t i = 0; i < count; i++)
        held[size++] = text_copy(arena, lines[i]);
    for (size_t i = run->held_at; i < run->held_count; i++)
        held[size++] = text_copy(arena, run->held[i]);
    memcpy(run->held, held, size * sizeof *held);
    run->held_at = 0;
    run->held_count = size;
}

/* A line whose quotes are still open goes on in the next ones where these together make a whole row. Where not, the quote is a slip:
 * the line stands alone (and is told as odd), and those behind it are rows of their own. */
static enum status next_row(struct text *out, struct batch_run *run, struct scope *scope) {
    struct text ahead[BROKEN_LINES_MAX], whole;
    struct buffer joined = buffer_open(scope->arena, BROKEN_BYTES_MAX);
    size_t count = 0;
    enum status status = next_line(out, run, scope);
    if (status != STATUS_OK || out->at == NULL || !triage_batch_is_open(run->batch, *out))
        return status;
    buffer_put(&joined, *out);
    for (whole = *out; triage_batch_is_open(run->batch, whole) && count < BROKEN_LINES_MAX && !joined.full; count++) {
        status = next_line(&ahead[count], run, scope);
        if (status != STATUS_OK)
            return status;
        if (ahead[count].at == NULL)
            break;
        buffer_put_char(&joined, ' ');
        buffer_put(&joined, ahead[count]);
        whole = buffer_text(&joined);
    }
    if (!joined.full && triage_batch_is_whole(run->batch, whole))
        *out = whole;
    else
        hold(run, ahead, count);
    return STATUS_OK;
}

static enum status run_row(void *context, struct scope *scope) {
    struct batch_run *run = context;
    struct text line = {0}, answer = {0};
    enum status status = next_row(&line, run, scope);
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
    run->held_arenas[0] = arena_open(ROW_BYTES_MAX);
    run->held_arenas[1] = arena_open(ROW_BYTES_MAX);
    bool opened = arena != NULL && run->held_arenas[0] != NULL && run->held_arenas[1] != NULL;
    enum status status = opened ? STATUS_OK : fault(scope, STATUS_UNAVAILABLE, "", "no memory");
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
    arena_close(run->held_arenas[0]);
    arena_close(run->held_arenas[1]);
    if (status == STATUS_OK && run->rows == 0)
        (void)fprintf(stderr, "soyang: %s: there is no row behind the first line\n", run->arguments->operands[0]);
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
    status = next_line(&header, run, scope);
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
    if (status == STATUS_OK)
        status = output_flush(scope);
    if (run.batch != NULL)
        print_notes(run.batch);
    source_close(run.source);
    return report(arguments, scope, status);
}

const struct command command_triage_batch = {"triage batch", "FILE",
    {"readings of a data set's visits, as CSV", "자료의 내원 기록을 판독해 CSV로 씁니다"},
    {"FILE has the data set's own columns, found by the names in its first line; it may be compressed (.gz, .bz2, "
     ".zst).\n"
     "One line is written for each data row, numbered from 1, behind a line of names:\n"
     "  ktas    row,human_level,floor_level,final_level,p_level_1_2,p_undertriage,p_disposition,abstained\n"
     "  nhamcs  row,p_icu,abstained\n"
     "  yale    row,p_admission,abstained\n"
     "An empty cell is 'none': no level given, no rule, no model, or it abstains (abstained 1).\n"
     "What is known only after triage is never looked at, for yale nor ESI and medicines. Odd cells count as missing "
     "and are\n"
     "told on standard error, by column and kind.",
        "FILE은 자료 고유의 열을 그대로 쓰며 첫 줄의 이름으로 찾습니다. 압축해도 됩니다(.gz, .bz2, .zst).\n"
        "이름 줄 다음에 자료의 행마다 한 줄을 쓰고, 번호는 1부터입니다:\n"
        "  ktas    row,human_level,floor_level,final_level,p_level_1_2,p_undertriage,p_disposition,abstained\n"
        "  nhamcs  row,p_icu,abstained\n"
        "  yale    row,p_admission,abstained\n"
        "빈 칸은 '없음'입니다: 사람이 정한 단계가 없음, 해당 규칙 없음, 모델 없음, 또는 판독하지 않음(abstained 1).\n"
        "중증도 분류 뒤에야 알 수 있는 값은 보지 않으며, yale에서는 ESI와 약도 보지 않습니다. 이상한 칸은 빠진 값으로 "
        "세고\n"
        "열과 종류별로 표준 오류에 알립니다."},
    options, 1, 1, run};
