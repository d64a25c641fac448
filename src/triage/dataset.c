/* Rows of public data sets: cells found by the header's names, each odd one missing with a note. */
#include "triage/dataset.h"

#include <math.h>
#include <string.h>

enum { COLUMNS_MAX = 4096, NOTES_MAX = 256, NAME_MAX_BYTES = 128 };

enum cell_kind {
    CELL_AGE,
    CELL_SEX,
    CELL_ARRIVAL,
    CELL_INJURY,
    CELL_COMPLAINT,
    CELL_REASON,
    CELL_MIND,
    CELL_IN_PAIN,
    CELL_CROWD,
    CELL_LEVEL,
    CELL_SITE,
    CELL_MEASURE
};
struct cell_row {
    const char *column;
    enum cell_kind kind;
    enum triage_measure measure;
    const char *unit; /* "" the measure's own */
};

static const struct cell_row ktas_cells[] = {
    {"Sex", CELL_SEX, 0, ""},
    {"Age", CELL_AGE, 0, ""},
    {"Patients number per hour", CELL_CROWD, 0, ""},
    {"Arrival mode", CELL_ARRIVAL, 0, ""},
    {"Injury", CELL_INJURY, 0, ""},
    {"Chief_complain", CELL_COMPLAINT, 0, ""},
    {"Mental", CELL_MIND, 0, ""},
    {"Pain", CELL_IN_PAIN, 0, ""},
    {"NRS_pain", CELL_MEASURE, TRIAGE_PAIN, ""},
    {"SBP", CELL_MEASURE, TRIAGE_SYSTOLIC, ""},
    {"DBP", CELL_MEASURE, TRIAGE_DIASTOLIC, ""},
    {"HR", CELL_MEASURE, TRIAGE_PULSE, ""},
    {"RR", CELL_MEASURE, TRIAGE_RESPIRATION, ""},
    {"BT", CELL_MEASURE, TRIAGE_TEMPERATURE, ""},
    {"Saturation", CELL_MEASURE, TRIAGE_SPO2, ""},
    {"KTAS_RN", CELL_LEVEL, 0, ""},
    {0},
};
static const struct cell_row nhamcs_cells[] = {
    {"AGE", CELL_AGE, 0, ""},
    {"SEX", CELL_SEX, 0, ""},
    {"ARREMS", CELL_ARRIVAL, 0, ""},
    {"INJURY", CELL_INJURY, 0, ""},
    {"PAINSCALE", CELL_MEASURE, TRIAGE_PAIN, ""},
    {"BPSYS", CELL_MEASURE, TRIAGE_SYSTOLIC, ""},
    {"BPDIAS", CELL_MEASURE, TRIAGE_DIASTOLIC, ""},
    {"PULSE", CELL_MEASURE, TRIAGE_PULSE, ""},
    {"RESPR", CELL_MEASURE, TRIAGE_RESPIRATION, ""},
    {"TEMPF", CELL_MEASURE, TRIAGE_TEMPERATURE, "[degF]"},
    {"POPCT", CELL_MEASURE, TRIAGE_SPO2, ""},
    {"RFV1", CELL_REASON, 0, ""},
    {0},
};
static const struct cell_row yale_cells[] = {
    {"age", CELL_AGE, 0, ""},
    {"gender", CELL_SEX, 0, ""},
    {"arrivalmode", CELL_ARRIVAL, 0, ""},
    {"triage_vital_sbp", CELL_MEASURE, TRIAGE_SYSTOLIC, ""},
    {"triage_vital_dbp", CELL_MEASURE, TRIAGE_DIASTOLIC, ""},
    {"triage_vital_hr", CELL_MEASURE, TRIAGE_PULSE, ""},
    {"triage_vital_rr", CELL_MEASURE, TRIAGE_RESPIRATION, ""},
    {"triage_vital_temp", CELL_MEASURE, TRIAGE_TEMPERATURE, "[degF]"},
    {"triage_vital_o2", CELL_MEASURE, TRIAGE_SPO2, ""},
    {"dep_name", CELL_SITE, 0, ""},
    {0},
};

/* Known only after triage, or barred by the task. A trailing '*' stands for any end; names as plain() makes them. */
static const char *const ktas_forbidden[] = {
    "diagnosis*", "disposition", "ktasexpert", "errorgroup", "lengthofstay*", "ktasduration*", "mistriage", NULL};
static const char *const nhamcs_forbidden[] = {"waittime", "los", "boarded", "diag*", "prdiag*", "cause*", "med*",
    "gpmed*", "admit*", "admt*", "adisp", "hdstat", "hddiag*", "hdd*", "icu*", "obs*", "stay24", "transfer", "tran*",
    "died*", "doa", "leftbtri", "leftama", "leftatri", "left*", "lwbs", "retrnd", "retref*", "refer*", "nodisp",
    "noproc*", "othdisp", "diedoa", "dieded", "nofu", "procs*", "proc*", "totproc", "totdiag", "diagscrn", "anydiag",
    "ctscan", "ct*", "mri*", "xray", "ultrasnd", "othimage", "imag*", "abg", "bac*", "bloodcx", "bnp", "buncreat",
    "cardenz", "cbc", "dimer", "elec*", "bmp", "cmp", "glucose", "lactate", "lft", "pttinr", "othrblood", "cardmon",
    "ekg", "hivtest", "flutest", "pregtest", "toxscren", "urine*", "wound*", "othrtest", "tempdf", "pulsed", "respd",
    "respdr", "bpsysd", "bpdiasd", "nummed*", "numgiv", "numdis", "cat*", "cont*", "drug*", "rx*", "patwt", "edwt",
    "seen*", "attphys", "residint", "consult", "rnlpn", "nursepr", "physasst", "emt", "mhprov", "othprov", "noprovid",
    NULL};
static const char *const yale_forbidden[] = {
    "disposition", "esi", "secondesi", "meds*", "origrow", "patientgroup*", "depname", NULL};

static const struct {
    const char *name, *header;
    const struct cell_row *cells;
    const char *const *forbidden;
    char separator;
} formats[TRIAGE_BATCH_FORMAT_COUNT] = {
    [TRIAGE_BATCH_KTAS] = {"ktas",
        "row,human_level,floor_level,final_level,p_level_1_2,p_undertriage,p_disposition,abstained", ktas_cells,
        ktas_forbidden, ';'},
    [TRIAGE_BATCH_NHAMCS] = {"nhamcs", "row,p_icu,abstained", nhamcs_cells, nhamcs_forbidden, ','},
    [TRIAGE_BATCH_YALE] = {"yale", "row,p_admission,abstained", yale_cells, yale_forbidden, ','},
};

const char *triage_batch_format_name(enum triage_batch_format format) {
    return formats[format].name;
}
const char *triage_batch_format_header(enum triage_batch_format format) {
    return formats[format].header;
}

struct wanted {
    int cell; /* -1: the file lacks it */
    const char *name, *value;
    int profile; /* of the reason that the cell holds, or of the complaints; -1: the cell itself */
    bool of_complaints;
};
struct complaint_column {
    int cell;
    const char *words; /* "": says nothing */
    const double *profile;
};
struct dataset {
    enum triage_batch_format format;
    char separator;
    size_t cell_count; /* of the header */
    int cells[32];     /* by row of the format's table; -1: absent */
    struct wanted *wanted;
    size_t wanted_count;
    struct complaint_column *complaints; /* yale's cc_* */
    size_t complaint_count;
    double complained[DATASET_COMPLAINT_PROFILES]; /* of the row at hand: mean of its complaints' profiles */
    long row;
    struct triage_batch_note notes[NOTES_MAX];
    size_t note_count;
    struct arena *arena;
};

static void note(struct dataset *dataset, const char *column, const char *what) {
    for (size_t i = 0; i < dataset->note_count; i++) {
        if (strcmp(dataset->notes[i].what, what) == 0 && strcmp(dataset->notes[i].column, column) == 0) {
            dataset->notes[i].count++;
            return;
        }
    }
    if (dataset->note_count == NOTES_MAX - 1)
        column = "other columns", what = "further kinds of odd cells, not told one by one";
    if (dataset->note_count < NOTES_MAX)
        dataset->notes[dataset->note_count++] =
            (struct triage_batch_note){text_string(dataset->arena, text_from(column)),
                text_string(dataset->arena, text_from(what)), 1, dataset->row};
}

const struct triage_batch_note *dataset_notes(const struct dataset *dataset, size_t *count) {
    *count = dataset->note_count;
    return dataset->notes;
}

/* ---- lines ---------------------------------------------------------------------------------------------------------- */

static struct text cell_unquoted(struct text cell, struct arena *arena) {
    cell = text_trim(cell);
    if (cell.size < 2 || cell.at[0] != '"' || cell.at[cell.size - 1] != '"')
        return cell;
    cell = (struct text){cell.at + 1, cell.size - 2};
    if (!cell.size || !memchr(cell.at, '"', cell.size))
        return cell;
    struct buffer buffer = buffer_open(arena, cell.size);
    for (size_t i = 0; i < cell.size; i++) {
        buffer_put_char(&buffer, cell.at[i]);
        i += cell.at[i] == '"' && i + 1 < cell.size && cell.at[i + 1] == '"';
    }
    return buffer_text(&buffer);
}

char dataset_separator(enum triage_batch_format format, struct text header) {
    char own = formats[format].separator;
    return own == ';' && !memchr(header.at ? header.at : "", ';', header.size) ? ',' : own;
}

/* What stands behind a quote that closes a cell (RFC 4180): the separator, the end, or a blank. */
static bool is_closed_well(struct text line, size_t behind, char separator) {
    return behind >= line.size || line.at[behind] == separator || line.at[behind] == ' ';
}

/* The one scanner of lines; `out` may be NULL. */
static struct dataset_quotes scan_cells(
    size_t *cell_count, struct text *out, size_t room, struct text line, char separator, struct arena *arena) {
    size_t count = 0, from = 0;
    bool quoted = false, odd = false;
    while (line.size && (line.at[line.size - 1] == '\n' || line.at[line.size - 1] == '\r'))
        line.size--;
    for (size_t i = 0; i <= line.size && count < room; i++) {
        if (i < line.size && line.at[i] == '"' && (quoted || i == from)) { /* inside a cell it is a character */
            bool doubled = quoted && i + 1 < line.size && line.at[i + 1] == '"';
            i += doubled;
            odd = odd || (quoted && !doubled && !is_closed_well(line, i + 1, separator));
            quoted = doubled || !quoted;
            if (doubled)
                continue;
        }
        if (i < line.size && (line.at[i] != separator || quoted))
            continue;
        if (out)
            out[count] = cell_unquoted((struct text){line.at + from, i - from}, arena);
        count++;
        from = i + 1;
    }
    *cell_count = count;
    return (struct dataset_quotes){.open = quoted, .odd = odd};
}

size_t dataset_cells(struct text *out, size_t room, struct text line, char separator, struct arena *arena) {
    size_t count;
    (void)scan_cells(&count, out, room, line, separator, arena);
    return count;
}

struct dataset_quotes dataset_quotes(size_t *count, struct text line, char separator) {
    return scan_cells(count, NULL, SIZE_MAX, line, separator, NULL);
}

/* ---- names ---------------------------------------------------------------------------------------------------------- */

/* Letters and digits alone, in lower case. */
static void plain(char out[static NAME_MAX_BYTES], struct text name) {
    size_t size = 0;
    for (size_t i = 0; i < name.size && size + 1 < NAME_MAX_BYTES; i++) {
        char c = name.at[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out[size++] = c;
    }
    out[size] = '\0';
}

bool dataset_forbids(enum triage_batch_format format, struct text column) {
    char name[NAME_MAX_BYTES];
    struct text rest = column, head = text_cut(&rest, '=');
    plain(name, text_cut(&head, '~'));
    for (const char *const *row = formats[format].forbidden; *row; row++) {
        size_t size = strlen(*row);
        bool open = (*row)[size - 1] == '*';
        if (open ? strncmp(name, *row, size - 1) == 0 : strcmp(name, *row) == 0)
            return true;
    }
    return false;
}

static int cell_find(const struct text *header, size_t count, struct text wanted) {
    char name[NAME_MAX_BYTES], other[NAME_MAX_BYTES];
    plain(name, wanted);
    for (size_t i = 0; i < count; i++) {
        plain(other, header[i]);
        if (name[0] && strcmp(name, other) == 0)
            return (int)i;
    }
    return -1;
}

/* Which of two columns of one name is meant nobody knows. */
static bool stands_twice(const struct text *header, size_t count, int cell) {
    char name[NAME_MAX_BYTES], other[NAME_MAX_BYTES];
    if (cell < 0)
        return false;
    plain(name, header[cell]);
    for (size_t i = (size_t)cell + 1; i < count; i++) {
        plain(other, header[i]);
        if (strcmp(name, other) == 0)
            return true;
    }
    return false;
}

static enum status wanted_open(struct dataset *dataset, const struct text *header, size_t count,
    const struct text *columns, size_t column_count, struct scope *scope) {
    dataset->wanted = ARENA_ARRAY(dataset->arena, struct wanted, column_count + 1);
    dataset->wanted_count = column_count;
    const char *first = "";
    size_t absent = 0;
    for (size_t i = 0; i < column_count; i++) {
        struct text value = columns[i], profile = text_cut(&value, '='), name = text_cut(&profile, '~');
        struct wanted *wanted = &dataset->wanted[i];
        if (dataset_forbids(dataset->format, name))
            return fault(
                scope, STATUS_INVALID, text_string(scope->arena, name), "a model asks for what is not known at triage");
        wanted->name = text_string(dataset->arena, columns[i]);
        wanted->value = value.at ? text_string(dataset->arena, value) : NULL;
        wanted->of_complaints = profile.at && dataset->format == TRIAGE_BATCH_YALE && text_is(name, "cc");
        wanted->profile = !profile.at             ? -1
                          : wanted->of_complaints ? dataset_complaint_profile_find(profile)
                                                  : dataset_reason_profile_find(profile);
        if (profile.at && wanted->profile < 0)
            return fault(scope, STATUS_INVALID, wanted->name, "no such profile of a reason");
        wanted->cell = cell_find(header, count, name);
        if (stands_twice(header, count, wanted->cell))
            return fault(
                scope, STATUS_INVALID, text_string(scope->arena, name), "the column stands twice in the header");
        if (wanted->cell < 0 && !wanted->of_complaints && absent++ == 0)
            first = wanted->name;
    }
    if (absent > 0)
        note(dataset, first,
            text_format(scope->arena,
                "%zu of the %zu columns that the model asks for, this the first, are not in the file: missing in every "
                "row",
                absent, column_count)
                .at);
    return STATUS_OK;
}

/* The columns that say, each for itself, whether a complaint was made. */
static void complaints_open(struct dataset *dataset, const struct text *header, size_t count) {
    dataset->complaints = ARENA_ARRAY(dataset->arena, struct complaint_column, count + 1);
    for (size_t i = 0; i < count && dataset->format == TRIAGE_BATCH_YALE; i++) {
        char name[NAME_MAX_BYTES];
        if (!text_starts(header[i], "cc_"))
            continue;
        plain(name, (struct text){header[i].at + 3, header[i].size - 3});
        const char *words = text_string(dataset->arena, text_from(dataset_column_words(name)));
        dataset->complaints[dataset->complaint_count++] =
            (struct complaint_column){(int)i, words, dataset_complaint_profile(name)};
    }
}

enum status dataset_open(struct dataset **out, enum triage_batch_format format, struct text header,
    const struct text *columns, size_t column_count, struct arena *arena, struct scope *scope) {
    struct dataset *dataset = ARENA_NEW(arena, struct dataset);
    struct text *names = ARENA_ARRAY(scope->arena, struct text, COLUMNS_MAX);
    *dataset = (struct dataset){.format = format, .separator = formats[format].separator, .arena = arena};
    if (text_starts(header, "\xEF\xBB\xBF"))
        header = (struct text){header.at + 3, header.size - 3};
    if (!text_is_utf8(header) || memchr(header.at ? header.at : "", '\0', header.size))
        return fault(
            scope, STATUS_INVALID, "header", "the first line is not UTF-8 (is the file UTF-16, or compressed?)");
    if (memchr(header.at ? header.at : "", '\r', header.size))
        return fault(scope, STATUS_INVALID, "header", "lines end with a newline, not with a carriage return alone");
    dataset->separator = dataset_separator(format, header);
    dataset->cell_count = dataset_cells(names, COLUMNS_MAX, header, dataset->separator, scope->arena);
    bool age = false, measured = false;
    for (int i = 0; formats[format].cells[i].column; i++) {
        const struct cell_row *row = &formats[format].cells[i];
        dataset->cells[i] = cell_find(names, dataset->cell_count, text_from(row->column));
        if (stands_twice(names, dataset->cell_count, dataset->cells[i]))
            return fault(scope, STATUS_INVALID, row->column, "the column stands twice in the header");
        age = age || (row->kind == CELL_AGE && dataset->cells[i] >= 0);
        measured = measured || (row->kind == CELL_MEASURE && dataset->cells[i] >= 0);
        if (dataset->cells[i] < 0 && row->kind != CELL_SITE)
            note(dataset, row->column, "the file has no such column: missing in every row");
    }
    if (!age || !measured)
        return fault(scope, STATUS_INVALID, "header", "this is no header of %s: it names no age, or no vital sign",
            formats[format].name);
    *out = dataset;
    complaints_open(dataset, names, dataset->cell_count);
    return wanted_open(dataset, names, dataset->cell_count, columns, column_count, scope);
}

/* ---- cells ---------------------------------------------------------------------------------------------------------- */

static const char *const no_number = "no number: missing", *const impossible = "an impossible value: missing",
                         *const unknown_code = "an unknown code: missing", *const not_text = "not UTF-8 text: missing",
                         *const celsius = "too low for Fahrenheit: read as Celsius",
                         *const cells_differ = "it has more or fewer cells than the header: not read";
enum { CELSIUS_MOST = 50 };

/* Letters that plain() leaves out: "１２０", "여". They say something. */
static bool has_other_letters(struct text cell) {
    for (size_t i = 0; i < cell.size; i++) {
        if ((unsigned char)cell.at[i] >= 0x80)
            return true;
    }
    return false;
}

static bool is_blank(struct text cell) {
    static const char *const words[] = {"na", "nan", "null", "none", "", NULL};
    char name[NAME_MAX_BYTES];
    if (!cell.size)
        return true;
    plain(name, cell);
    for (int i = 0; words[i] && cell.at[0] != '#' && cell.at[0] != '?'; i++) {
        if (strcmp(name, words[i]) == 0 && (words[i][0] || !has_other_letters(cell)))
            return true;
    }
    return false;
}

/* "1,200" is as likely twelve hundred as one and a fifth: no number. */
static bool is_thousand(const char *digits, const char *comma) {
    return comma - digits <= 3 && digits[0] != '0' && strspn(comma + 1, "0123456789") == 3 && strlen(comma + 1) == 3;
}

/* NaN where there is none; "36,6" is read as 36.6. */
static double number_of(struct dataset *dataset, const char *column, struct text cell) {
    char digits[64];
    double value = NAN;
    cell = text_trim(cell);
    if (is_blank(cell))
        return (double)NAN;
    if (cell.size < sizeof digits && !memchr(cell.at, '\0', cell.size)) {
        memcpy(digits, cell.at, cell.size);
        digits[cell.size] = '\0';
        char *comma = strchr(digits, ',');
        if (comma && !strchr(comma + 1, ',') && !strchr(digits, '.') && !is_thousand(digits, comma))
            *comma = '.';
        if (text_to_double(&value, text_from(digits)))
            return value;
    }
    note(dataset, column, no_number);
    return (double)NAN;
}

/* Codes of the survey for what was not noted, and for pressures and pulses that were felt, not counted. */
static double nhamcs_number(const struct cell_row *row, double value) {
    bool felt = row->kind == CELL_MEASURE && row->measure != TRIAGE_TEMPERATURE && (value == 998 || value == 999);
    if (value == -7 || value == -8 || value == -9 || felt)
        return (double)NAN;
    return row->kind == CELL_MEASURE && row->measure == TRIAGE_TEMPERATURE && value > 200 ? value / 10 : value;
}

struct reading_row {
    struct dataset *dataset;
    struct triage_facts *facts;
    double fields[VISIT_FIELD_COUNT];
    struct scope *scope;
};

static void put_measure(struct reading_row *r, const struct cell_row *row, double value) {
    struct fault kept = r->scope->fault;
    bool is_bare = row->measure == TRIAGE_TEMPERATURE || row->measure == TRIAGE_SPO2; /* read by its height */
    const char *unit = row->unit[0] || is_bare ? row->unit : triage_measure_unit(row->measure);
    if (unit[0] && row->measure == TRIAGE_TEMPERATURE && value > 0 && value < CELSIUS_MOST) {
        unit = "";
        note(r->dataset, row->column, celsius);
    }
    if (triage_facts_put(r->facts, row->measure, value, text_from(unit), text_from(row->column), 0, r->scope) !=
        STATUS_OK) {
        r->scope->fault = kept;
        note(r->dataset, row->column, impossible);
    }
}

static void put_age(struct reading_row *r, const struct cell_row *row, double years) {
    if (!(years >= 0 && years <= 130)) {
        note(r->dataset, row->column, impossible);
        return;
    }
    r->facts->age_months = (int)floor(years) * 12;
}

static int code_of(struct reading_row *r, const struct cell_row *row, double value, int least, int most) {
    if (value >= least && value <= most && value == floor(value))
        return (int)value;
    note(r->dataset, row->column, unknown_code);
    return -1;
}

static void put_sex(struct reading_row *r, const struct cell_row *row, struct text cell, double value) {
    char name[NAME_MAX_BYTES];
    plain(name, cell);
    if (r->dataset->format == TRIAGE_BATCH_YALE || (name[0] >= 'a' && name[0] <= 'z')) {
        bool male = strcmp(name, "male") == 0 || strcmp(name, "m") == 0;
        bool female = strcmp(name, "female") == 0 || strcmp(name, "f") == 0;
        r->facts->sex = male ? TRIAGE_MALE : female ? TRIAGE_FEMALE : TRIAGE_SEX_UNKNOWN;
        if (!male && !female)
            note(r->dataset, row->column, unknown_code);
        return;
    }
    int code = code_of(r, row, value, 1, 2);
    r->facts->sex = code == 1 ? TRIAGE_FEMALE : code == 2 ? TRIAGE_MALE : TRIAGE_SEX_UNKNOWN;
}

static const char *const yale_arrivals[] = {
    "ambulance", "car", "other", "police", "publictransportation", "walkin", "wheelchair"};

static void put_arrival(struct reading_row *r, const struct cell_row *row, struct text cell, double value) {
    char name[NAME_MAX_BYTES];
    double *ambulance = &r->fields[VISIT_AMBULANCE], *walked = &r->fields[VISIT_WALKED];
    plain(name, cell);
    if (r->dataset->format == TRIAGE_BATCH_YALE) {
        bool known = false;
        for (size_t i = 0; i < sizeof yale_arrivals / sizeof *yale_arrivals; i++)
            known = known || strcmp(name, yale_arrivals[i]) == 0;
        if (!known) {
            note(r->dataset, row->column, unknown_code);
            return;
        }
        *ambulance = strcmp(name, "ambulance") == 0;
        *walked = strncmp(name, "walk", 4) == 0;
        return;
    }
    int code = code_of(r, row, value, 1, r->dataset->format == TRIAGE_BATCH_KTAS ? 7 : 2);
    if (code < 1)
        return;
    if (r->dataset->format == TRIAGE_BATCH_NHAMCS) {
        *ambulance = code == 1;
        return;
    }
    *ambulance = code == 2 || code == 4;
    r->fields[VISIT_PRIVATE_AMBULANCE] = code == 4;
    *walked = code == 1;
}

static void put_injury(struct reading_row *r, const struct cell_row *row, double value) {
    bool ktas = r->dataset->format == TRIAGE_BATCH_KTAS;
    int code = code_of(r, row, value, ktas ? 1 : 0, ktas ? 2 : 9);
    if (code < 0)
        return;
    bool injured = ktas ? code == 2 : code == 1;
    r->facts->injury = injured ? TRIAGE_YES : TRIAGE_NO;
}

static void put_mind(struct reading_row *r, const struct cell_row *row, double value) {
    static const enum triage_mind minds[] = {
        TRIAGE_MIND_UNKNOWN, TRIAGE_ALERT, TRIAGE_VOICE, TRIAGE_PAIN_ONLY, TRIAGE_UNRESPONSIVE};
    int code = code_of(r, row, value, 1, 4);
    if (code > 0)
        r->facts->mind = minds[code];
}

static void put_complaint(struct reading_row *r, const struct cell_row *row, struct text cell) {
    struct fault kept = r->scope->fault;
    struct triage_text text = {.kind = TRIAGE_TEXT_COMPLAINT, .text = cell, .path = text_from(row->column)};
    if (!text_is_utf8(cell) || memchr(cell.at, '\0', cell.size) ||
        triage_facts_put_text(r->facts, text, r->scope) != STATUS_OK) {
        r->scope->fault = kept;
        note(r->dataset, row->column, not_text);
    }
}

static void put_reason(struct reading_row *r, const struct cell_row *row, double value) {
    const char *words = value >= 0 && value < 1e6 ? dataset_reason_words((int)value) : NULL;
    if (words)
        put_complaint(r, row, text_from(words));
}

/* "0" nearly always: only what differs is read as a number. */
static bool is_complained(const struct complaint_column *column, const struct text *cells, size_t count) {
    double value = 0;
    return (size_t)column->cell < count && !text_is(cells[column->cell], "0") &&
           text_to_double(&value, cells[column->cell]) && value > 0;
}

static void put_complaints(struct reading_row *r, const struct text *cells, size_t count) {
    double sums[DATASET_COMPLAINT_PROFILES] = {0}, made = 0;
    for (size_t i = 0; i < r->dataset->complaint_count; i++) {
        const struct complaint_column *column = &r->dataset->complaints[i];
        if (!is_complained(column, cells, count))
            continue;
        struct cell_row row = {.column = "cc"};
        if (column->words[0])
            put_complaint(r, &row, text_from(column->words));
        made++;
        for (int k = 0; k < DATASET_COMPLAINT_PROFILES; k++)
            sums[k] += column->profile[k];
    }
    for (int k = 0; k < DATASET_COMPLAINT_PROFILES; k++)
        r->dataset->complained[k] = made > 0 ? sums[k] / made : (double)NAN;
}

static void put_level(struct reading_row *r, const struct cell_row *row, double value) {
    struct fault kept = r->scope->fault;
    bool whole = value == floor(value) && value >= 1 && value <= 5;
    if (!whole || triage_facts_put_human_level(
                      r->facts, (int64_t)value, TEXT("ktas"), text_from(row->column), r->scope) != STATUS_OK) {
        r->scope->fault = kept;
        note(r->dataset, row->column, impossible);
    }
}

static void put_cell(struct reading_row *r, const struct cell_row *row, struct text cell) {
    if (row->kind == CELL_COMPLAINT && cell.size) {
        put_complaint(r, row, cell);
        return;
    }
    if (is_blank(cell))
        return;
    if (row->kind == CELL_SITE) {
        r->facts->site = cell;
        return;
    }
    bool words = r->dataset->format == TRIAGE_BATCH_YALE && (row->kind == CELL_SEX || row->kind == CELL_ARRIVAL);
    double value = words || row->kind == CELL_SEX ? 0 : number_of(r->dataset, row->column, cell);
    if (row->kind == CELL_SEX && cell.at[0] >= '0' && cell.at[0] <= '9')
        value = number_of(r->dataset, row->column, cell);
    if (r->dataset->format == TRIAGE_BATCH_NHAMCS)
        value = nhamcs_number(row, value);
    if (isnan(value))
        return;
    switch (row->kind) {
    case CELL_AGE:
        put_age(r, row, value);
        break;
    case CELL_SEX:
        put_sex(r, row, cell, value);
        break;
    case CELL_ARRIVAL:
        put_arrival(r, row, cell, value);
        break;
    case CELL_INJURY:
        put_injury(r, row, value);
        break;
    case CELL_MIND:
        put_mind(r, row, value);
        break;
    case CELL_IN_PAIN: {
        int code = code_of(r, row, value, 0, 1);
        if (code >= 0)
            r->fields[VISIT_IN_PAIN] = code;
        break;
    }
    case CELL_CROWD:
        if (value >= 0)
            r->fields[VISIT_CROWD] = value;
        else
            note(r->dataset, row->column, impossible);
        break;
    case CELL_LEVEL:
        put_level(r, row, value);
        break;
    case CELL_MEASURE:
        put_measure(r, row, value);
        break;
    case CELL_REASON:
        put_reason(r, row, value);
        break;
    case CELL_SITE:
    case CELL_COMPLAINT:
        break;
    }
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static double wanted_value(
    struct dataset *dataset, const struct wanted *wanted, const struct text *cells, size_t count) {
    if (wanted->of_complaints)
        return dataset->complained[wanted->profile];
    if (wanted->cell < 0 || (size_t)wanted->cell >= count)
        return (double)NAN;
    struct text cell = cells[wanted->cell];
    if (wanted->value) {
        char own[NAME_MAX_BYTES], other[NAME_MAX_BYTES];
        plain(own, cell);
        plain(other, text_from(wanted->value));
        return is_blank(cell) ? (double)NAN : strcmp(own, other) == 0;
    }
    double value = number_of(dataset, wanted->name, cell);
    bool coded = dataset->format == TRIAGE_BATCH_NHAMCS && (value == -7 || value == -8 || value == -9);
    if (!coded && value < 0) { /* marks and counts */
        note(dataset, wanted->name, impossible);
        return (double)NAN;
    }
    if (coded || !isfinite(value))
        return (double)NAN;
    return wanted->profile < 0 ? value : dataset_reason_profile(value, wanted->profile);
}

/* What only shows in the whole: exchanged pressures are put right; an impossible diastolic is missing. */
static void row_check(struct dataset_row *out, struct reading_row *r) {
    struct fault kept = r->scope->fault;
    if (triage_facts_check(out->facts, r->scope) == STATUS_OK)
        return;
    r->scope->fault = kept;
    struct triage_value *diastolic = &out->facts->values[TRIAGE_DIASTOLIC];
    if (diastolic->known && diastolic->value > 230) {
        *diastolic = (struct triage_value){.known = false};
        note(r->dataset, "diastolic pressure", impossible);
    }
    out->nothing_known = triage_facts_check(out->facts, r->scope) != STATUS_OK;
    r->scope->fault = kept;
}

/* What the facts corrected; that Fahrenheit columns become Celsius, and that columns have no units, is no news. */
static void tell_corrections(struct dataset *dataset, const struct triage_facts *facts, struct arena *arena) {
    for (size_t i = 0; i < facts->note_count; i++) {
        const struct triage_note *told = &facts->notes[i];
        bool expected = strcmp(told->code, "derived") == 0 || strcmp(told->code, "assumed") == 0 ||
                        (strcmp(told->code, "converted") == 0 && dataset->format != TRIAGE_BATCH_KTAS);
        if (!expected)
            note(dataset, text_string(arena, told->path), text_string(arena, told->en));
    }
}

enum status dataset_read(struct dataset_row *out, struct dataset *dataset, struct text line, struct scope *scope) {
    struct text *cells = ARENA_ARRAY(scope->arena, struct text, dataset->cell_count + 1);
    dataset->row++;
    size_t count = dataset_cells(cells, dataset->cell_count + 1, line, dataset->separator, scope->arena);
    if (count != dataset->cell_count) { /* which cell is whose is not known */
        note(dataset, "row", cells_differ);
        count = 0;
    }
    *out = (struct dataset_row){.facts = triage_facts_new(scope->arena)};
    struct reading_row r = {.dataset = dataset, .facts = out->facts, .scope = scope};
    for (int i = 0; i < VISIT_FIELD_COUNT; i++)
        r.fields[i] = (double)NAN;
    const struct cell_row *rows = formats[dataset->format].cells;
    for (int i = 0; rows[i].column; i++) {
        if (dataset->cells[i] >= 0 && (size_t)dataset->cells[i] < count)
            put_cell(&r, &rows[i], cells[dataset->cells[i]]);
    }
    put_complaints(&r, cells, count);
    row_check(out, &r);
    tell_corrections(dataset, out->facts, scope->arena);
    out->visit = visit_from_facts(out->facts, scope->arena);
    for (int i = 0; i < VISIT_FIELD_COUNT; i++) {
        if (!isnan(r.fields[i]))
            out->visit.fields[i] = r.fields[i];
    }
    double *columns = ARENA_ARRAY(scope->arena, double, dataset->wanted_count + 1);
    for (size_t i = 0; i < dataset->wanted_count; i++)
        columns[i] = wanted_value(dataset, &dataset->wanted[i], cells, count);
    out->visit.columns = columns;
    return STATUS_OK;
}
