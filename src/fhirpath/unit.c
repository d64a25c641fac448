#include "fhirpath/unit.h"

#include "fhirpath/fhirpath.h"

#include <math.h>
#include <string.h>

/* One lane of eight bits for each base unit, so that multiplying units is adding lanes. */
#define LANE(index) (UINT64_C(1) << (8 * (index)))
#define M LANE(0)
#define S LANE(1)
#define G LANE(2)
#define RAD LANE(3)
#define KELVIN LANE(4)
#define COULOMB LANE(5)
#define CD LANE(6)
#define MOL LANE(7)

struct atom {
    const char *code;
    const char *factor, *divisor; /* of the base units; divisor NULL: 1 */
    uint64_t dimension;
    bool is_metric;
    const char *offset; /* NULL: none */
};

/* UCUM 2.1, tables 1 to 5 and the customary units met in clinical data. */
static const struct atom atoms[] = {
    {"m", "1", NULL, M, true, NULL},
    {"s", "1", NULL, S, true, NULL},
    {"g", "1", NULL, G, true, NULL},
    {"rad", "1", NULL, RAD, true, NULL},
    {"K", "1", NULL, KELVIN, true, NULL},
    {"C", "1", NULL, COULOMB, true, NULL},
    {"cd", "1", NULL, CD, true, NULL},
    {"mol", "1", NULL, MOL, true, NULL},
    {"eq", "1", NULL, MOL, true, NULL},
    {"osm", "1", NULL, MOL, true, NULL},
    {"10*", "10", NULL, 0, false, NULL},
    {"10^", "10", NULL, 0, false, NULL},
    {"%", "0.01", NULL, 0, false, NULL},
    {"[ppth]", "0.001", NULL, 0, false, NULL},
    {"[ppm]", "0.000001", NULL, 0, false, NULL},
    {"[ppb]", "0.000000001", NULL, 0, false, NULL},
    {"sr", "1", NULL, 2 * RAD, true, NULL},
    {"Hz", "1", NULL, -S, true, NULL},
    {"N", "1000", NULL, G + M - 2 * S, true, NULL},
    {"Pa", "1000", NULL, G - M - 2 * S, true, NULL},
    {"J", "1000", NULL, G + 2 * M - 2 * S, true, NULL},
    {"W", "1000", NULL, G + 2 * M - 3 * S, true, NULL},
    {"A", "1", NULL, COULOMB - S, true, NULL},
    {"V", "1000", NULL, G + 2 * M - 2 * S - COULOMB, true, NULL},
    {"F", "0.001", NULL, 2 * COULOMB + 2 * S - G - 2 * M, true, NULL},
    {"Ohm", "1000", NULL, G + 2 * M - S - 2 * COULOMB, true, NULL},
    {"S", "0.001", NULL, 2 * COULOMB + S - G - 2 * M, true, NULL},
    {"Wb", "1000", NULL, G + 2 * M - S - COULOMB, true, NULL},
    {"T", "1000", NULL, G - S - COULOMB, true, NULL},
    {"lm", "1", NULL, CD + 2 * RAD, true, NULL},
    {"lx", "1", NULL, CD + 2 * RAD - 2 * M, true, NULL},
    {"Bq", "1", NULL, -S, true, NULL},
    {"Gy", "1", NULL, 2 * M - 2 * S, true, NULL},
    {"Sv", "1", NULL, 2 * M - 2 * S, true, NULL},
    {"Ci", "37000000000", NULL, -S, true, NULL},
    {"kat", "1", NULL, MOL - S, true, NULL},
    {"U", "0.000001", "60", MOL - S, true, NULL},
    {"deg", "3.14159265358979324", "180", RAD, false, NULL},
    {"gon", "3.14159265358979324", "200", RAD, false, NULL},
    {"min", "60", NULL, S, false, NULL},
    {"h", "3600", NULL, S, false, NULL},
    {"d", "86400", NULL, S, false, NULL},
    {"wk", "604800", NULL, S, false, NULL},
    {"mo", "2629800", NULL, S, false, NULL},
    {"mo_j", "2629800", NULL, S, false, NULL},
    {"a", "31557600", NULL, S, false, NULL},
    {"a_j", "31557600", NULL, S, false, NULL},
    {"l", "0.001", NULL, 3 * M, true, NULL},
    {"L", "0.001", NULL, 3 * M, true, NULL},
    {"ar", "100", NULL, 2 * M, true, NULL},
    {"t", "1000000", NULL, G, true, NULL},
    {"bar", "100000000", NULL, G - M - 2 * S, true, NULL},
    {"atm", "101325000", NULL, G - M - 2 * S, false, NULL},
    {"m[Hg]", "133322000", NULL, G - M - 2 * S, true, NULL},
    {"m[H2O]", "9806650", NULL, G - M - 2 * S, true, NULL},
    {"cal", "4184", NULL, G + 2 * M - 2 * S, true, NULL},
    {"[Cal]", "4184000", NULL, G + 2 * M - 2 * S, false, NULL},
    {"dyn", "0.01", NULL, G + M - 2 * S, true, NULL},
    {"erg", "0.0001", NULL, G + 2 * M - 2 * S, true, NULL},
    {"P", "100", NULL, G - M - S, true, NULL},
    {"St", "0.0001", NULL, 2 * M - S, true, NULL},
    {"eV", "0.000000000000000160217733", NULL, G + 2 * M - 2 * S, true, NULL},
    {"u", "0.0000000000000000000000016605402", NULL, G, true, NULL},
    {"Ao", "0.0000000001", NULL, M, false, NULL},
    {"[in_i]", "0.0254", NULL, M, false, NULL},
    {"[in_us]", "100", "3937", M, false, NULL},
    {"[ft_i]", "0.3048", NULL, M, false, NULL},
    {"[yd_i]", "0.9144", NULL, M, false, NULL},
    {"[mi_i]", "1609.344", NULL, M, false, NULL},
    {"[nmi_i]", "1852", NULL, M, false, NULL},
    {"[lb_av]", "453.59237", NULL, G, false, NULL},
    {"[oz_av]", "28.349523125", NULL, G, false, NULL},
    {"[dr_av]", "1.7718451953125", NULL, G, false, NULL},
    {"[gr]", "0.06479891", NULL, G, false, NULL},
    {"[stone_av]", "6350.29318", NULL, G, false, NULL},
    {"[gal_us]", "0.003785411784", NULL, 3 * M, false, NULL},
    {"[qt_us]", "0.000946352946", NULL, 3 * M, false, NULL},
    {"[pt_us]", "0.000473176473", NULL, 3 * M, false, NULL},
    {"[cup_us]", "0.0002365882365", NULL, 3 * M, false, NULL},
    {"[foz_us]", "0.0000295735295625", NULL, 3 * M, false, NULL},
    {"[tbs_us]", "0.00001478676478125", NULL, 3 * M, false, NULL},
    {"[tsp_us]", "0.00000492892159375", NULL, 3 * M, false, NULL},
    {"[drp]", "0.00000005", NULL, 3 * M, false, NULL},
    {"Cel", "1", NULL, KELVIN, true, "273.15"},
    {"[degF]", "5", "9", KELVIN, false, "459.67"},
};

static const struct {
    const char *code;
    int exponent;
} prefixes[] = {
    {"da", 1},
    {"Y", 24},
    {"Z", 21},
    {"E", 18},
    {"P", 15},
    {"T", 12},
    {"G", 9},
    {"M", 6},
    {"k", 3},
    {"h", 2},
    {"d", -1},
    {"c", -2},
    {"m", -3},
    {"u", -6},
    {"n", -9},
    {"p", -12},
    {"f", -15},
    {"a", -18},
};

/* Calendar words (FHIRPath 5.2.4) and the UCUM codes of the same length that date arithmetic accepts. */
static const struct {
    const char *word, *words, *ucum;
    enum moment_unit unit;
    int months;
} calendar[] = {
    {"year", "years", "a", MOMENT_UNIT_YEAR, 12},
    {"month", "months", "mo", MOMENT_UNIT_MONTH, 1},
    {"week", "weeks", "wk", MOMENT_UNIT_WEEK, 0},
    {"day", "days", "d", MOMENT_UNIT_DAY, 0},
    {"hour", "hours", "h", MOMENT_UNIT_HOUR, 0},
    {"minute", "minutes", "min", MOMENT_UNIT_MINUTE, 0},
    {"second", "seconds", "s", MOMENT_UNIT_SECOND, 0},
    {"millisecond", "milliseconds", "ms", MOMENT_UNIT_MILLISECOND, 0},
};
enum { CALENDAR_COUNT = sizeof calendar / sizeof *calendar, ATOM_COUNT = sizeof atoms / sizeof *atoms };

static const struct unit unit_one = {.numerator = {1, 0}, .denominator = {1, 0}};

static int calendar_find(struct text code) {
    for (int i = 0; i < CALENDAR_COUNT; i++) {
        if (text_is(code, calendar[i].word) || text_is(code, calendar[i].words)) {
            return i;
        }
    }
    return -1;
}

bool unit_calendar(enum moment_unit *out, bool *is_word, struct text code) {
    int row = calendar_find(code);
    *is_word = row >= 0;
    for (int i = 0; row < 0 && i < CALENDAR_COUNT; i++) {
        /* UCUM's a and mo are fixed spans of 365.25 and 30.4375 days: no calendar can add them (FHIRPath 6.7). */
        if (text_is(code, calendar[i].ucum) && calendar[i].months == 0) {
            row = i;
        }
    }
    if (row >= 0) {
        *out = calendar[row].unit;
    }
    return row >= 0;
}

struct text unit_singular(struct text code) {
    int row = calendar_find(code);
    return row >= 0 ? text_from(calendar[row].word) : code;
}

/* ---- the UCUM grammar ------------------------------------------------------------------------------------------- */

enum { UNIT_SIZE_MAX = 128, UNIT_DEPTH_MAX = 8, UNIT_EXPONENT_MAX = 30 };

struct unit_reader {
    struct text rest;
    int depth;
};

static char unit_peek(const struct unit_reader *r) {
    return r->rest.size > 0 ? r->rest.at[0] : '\0';
}

static void unit_skip(struct unit_reader *r, size_t count) {
    r->rest.at += count;
    r->rest.size -= count;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool unit_combine(struct unit *a, const struct unit *b, int exponent) {
    for (int i = 0; i < (exponent < 0 ? -exponent : exponent); i++) {
        struct decimal up = exponent > 0 ? b->numerator : b->denominator;
        struct decimal down = exponent > 0 ? b->denominator : b->numerator;
        if (!decimal_multiply(&a->numerator, a->numerator, up) ||
            !decimal_multiply(&a->denominator, a->denominator, down)) {
            return false;
        }
    }
    a->dimension += b->dimension * (uint64_t)(int64_t)exponent;
    a->arbitrary += b->arbitrary * (uint64_t)(int64_t)exponent;
    return true;
}

static bool atom_unit(struct unit *out, const struct atom *atom) {
    *out = unit_one;
    out->dimension = atom->dimension;
    out->is_special = atom->offset != NULL;
    return decimal_parse(&out->numerator, text_from(atom->factor)) &&
           (atom->divisor == NULL || decimal_parse(&out->denominator, text_from(atom->divisor))) &&
           (atom->offset == NULL || decimal_parse(&out->offset, text_from(atom->offset)));
}

static const struct atom *atom_find(struct text code) {
    for (int i = 0; i < ATOM_COUNT; i++) {
        if (text_is(code, atoms[i].code)) {
            return &atoms[i];
        }
    }
    return NULL;
}

/* The international unit alone of the arbitrary ones takes prefixes (UCUM 2.1, table "arbitrary units"). */
static bool is_international(struct text code) {
    return text_is(code, "[iU]") || text_is(code, "[IU]");
}

static bool arbitrary_unit(struct unit *out, struct text code) {
    if (code.size < 3 || code.at[0] != '[' || code.at[code.size - 1] != ']') {
        return false;
    }
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < code.size; i++) {
        char c = code.at[i] == 'i' && is_international(code) ? 'I' : code.at[i]; /* [iU] and [IU] are one unit */
        hash = (hash ^ (unsigned char)c) * UINT64_C(1099511628211);
    }
    *out = unit_one;
    out->arbitrary = hash;
    return true;
}

static bool scale_unit(struct unit *unit, int exponent) {
    struct decimal power;
    struct decimal *side = exponent < 0 ? &unit->denominator : &unit->numerator;
    return decimal_power(&power, decimal_from_int64(10), exponent < 0 ? -exponent : exponent) &&
           decimal_multiply(side, *side, power);
}

static bool prefixed_unit(struct unit *out, struct text code) {
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t size = strlen(prefixes[i].code);
        if (!text_starts(code, prefixes[i].code) || code.size == size) {
            continue;
        }
        struct text rest = {code.at + size, code.size - size};
        const struct atom *atom = atom_find(rest);
        bool found = atom != NULL ? atom->is_metric && atom->offset == NULL && atom_unit(out, atom)
                                  : is_international(rest) && arbitrary_unit(out, rest);
        if (found) {
            return scale_unit(out, prefixes[i].exponent);
        }
    }
    return false;
}

static bool is_delimiter(char c) {
    return c != '\0' && strchr("./(){}+-", c) != NULL;
}

/* The atom's end: outside brackets, a delimiter or the exponent's first character. */
static size_t atom_size(struct text rest) {
    if (text_starts(rest, "10*") || text_starts(rest, "10^")) {
        return 3;
    }
    bool inside = false;
    size_t size = 0;
    for (; size < rest.size; size++) {
        char c = rest.at[size];
        if (!inside && (is_delimiter(c) || is_digit(c))) {
            break;
        }
        inside = c == '[' || (inside && c != ']');
    }
    return size;
}

static bool read_integer(int *out, struct unit_reader *r) {
    int sign = unit_peek(r) == '-' ? -1 : 1, value = 0;
    if (unit_peek(r) == '-' || unit_peek(r) == '+') {
        unit_skip(r, 1);
    }
    if (!is_digit(unit_peek(r))) {
        return false;
    }
    for (; is_digit(unit_peek(r)); unit_skip(r, 1)) {
        value = value * 10 + (unit_peek(r) - '0');
        if (value > 1000000) {
            return false;
        }
    }
    *out = sign * value;
    return true;
}

static bool read_annotation(struct unit_reader *r) {
    const char *end = memchr(r->rest.at, '}', r->rest.size);
    if (end == NULL) {
        return false;
    }
    unit_skip(r, (size_t)(end - r->rest.at) + 1);
    return true;
}

static bool read_term(struct unit *out, struct unit_reader *r);

static bool read_number(struct unit *out, struct unit_reader *r) {
    int number = 0;
    if (!read_integer(&number, r) || number == 0) {
        return false;
    }
    *out = unit_one;
    out->numerator = decimal_from_int64(number);
    return true;
}

static bool read_component(struct unit *out, struct unit_reader *r) {
    int exponent = 1;
    struct unit simple = unit_one;
    *out = unit_one;
    if (unit_peek(r) == '{') {
        return read_annotation(r);
    }
    if (unit_peek(r) == '(') {
        unit_skip(r, 1);
        if (!read_term(&simple, r) || unit_peek(r) != ')') {
            return false;
        }
        unit_skip(r, 1);
    } else if (is_digit(unit_peek(r)) && !text_starts(r->rest, "10*") && !text_starts(r->rest, "10^")) {
        return read_number(out, r);
    } else {
        struct text code = {r->rest.at, atom_size(r->rest)};
        const struct atom *atom = atom_find(code);
        if (code.size == 0 || !(atom != NULL ? atom_unit(&simple, atom)
                                             : prefixed_unit(&simple, code) || arbitrary_unit(&simple, code))) {
            return false;
        }
        unit_skip(r, code.size);
    }
    if ((unit_peek(r) == '-' || unit_peek(r) == '+' || is_digit(unit_peek(r))) &&
        (!read_integer(&exponent, r) || exponent > UNIT_EXPONENT_MAX || exponent < -UNIT_EXPONENT_MAX)) {
        return false;
    }
    if (unit_peek(r) == '{' && !read_annotation(r)) {
        return false;
    }
    if (simple.is_special && exponent == 1) {
        *out = simple;
        return true;
    }
    return unit_combine(out, &simple, exponent);
}

static bool read_term(struct unit *out, struct unit_reader *r) {
    if (++r->depth > UNIT_DEPTH_MAX) {
        return false;
    }
    int exponent = 1;
    struct unit part;
    if (unit_peek(r) == '/') {
        unit_skip(r, 1);
        exponent = -1;
    }
    if (!read_component(&part, r)) {
        return false;
    }
    if (exponent == 1) {
        *out = part; /* alone, it may keep its offset */
    } else {
        *out = unit_one;
        if (!unit_combine(out, &part, exponent)) {
            return false;
        }
    }
    while (unit_peek(r) == '.' || unit_peek(r) == '/') {
        exponent = unit_peek(r) == '/' ? -1 : 1;
        unit_skip(r, 1);
        out->is_special = false; /* a degree in a product is an interval of one kelvin */
        if (!read_component(&part, r) || !unit_combine(out, &part, exponent)) {
            return false;
        }
    }
    r->depth--;
    return true;
}

bool unit_parse(struct unit *out, struct text code) {
    int row = calendar_find(code);
    if (row >= 0 && calendar[row].months > 0) {
        *out = unit_one;
        out->calendar_months = calendar[row].months;
        out->numerator = decimal_from_int64(calendar[row].months);
        return true;
    }
    struct unit_reader reader = {row >= 0 ? text_from(calendar[row].ucum) : code, 0};
    if (code.size == 0 || code.size > UNIT_SIZE_MAX) {
        return false;
    }
    bool valid = read_term(out, &reader) && reader.rest.size == 0;
    if (valid && !out->is_special) {
        out->offset = decimal_from_int64(0);
    }
    return valid;
}

bool unit_is_comparable(const struct unit *a, const struct unit *b) {
    return a->dimension == b->dimension && a->arbitrary == b->arbitrary &&
           (a->calendar_months > 0) == (b->calendar_months > 0);
}

/* ---- quantities ------------------------------------------------------------------------------------------------- */

static bool units_parse(struct unit *x, struct unit *y, const struct quantity *a, const struct quantity *b) {
    return unit_parse(x, a->unit) && unit_parse(y, b->unit) && unit_is_comparable(x, y);
}

/* (value + offset) * numerator of the one times the denominator of the other. */
static bool cross_product(
    struct decimal *out, const struct quantity *a, const struct unit *own, const struct unit *other) {
    return decimal_add(out, a->value, own->offset) && decimal_multiply(out, *out, own->numerator) &&
           decimal_multiply(out, *out, other->denominator);
}

static long double in_base_units(const struct quantity *a, const struct unit *unit) {
    return (decimal_to_long_double(a->value) + decimal_to_long_double(unit->offset)) *
           decimal_to_long_double(unit->numerator) / decimal_to_long_double(unit->denominator);
}

enum order quantity_compare(const struct quantity *a, const struct quantity *b) {
    if (text_equal(a->unit, b->unit)) {
        return (enum order)decimal_compare(a->value, b->value);
    }
    struct unit x, y;
    if (!units_parse(&x, &y, a, b)) {
        return ORDER_UNKNOWN;
    }
    struct decimal first, second;
    if (cross_product(&first, a, &x, &y) && cross_product(&second, b, &y, &x)) {
        return (enum order)decimal_compare(first, second);
    }
    long double p = in_base_units(a, &x), q = in_base_units(b, &y);
    if (fabsl(p - q) <= 1e-15L * (fabsl(p) + fabsl(q))) { /* beyond 37 digits: what an 80-bit float can tell apart */
        return ORDER_EQUAL;
    }
    return p < q ? ORDER_LESS : ORDER_GREATER;
}

bool quantity_canonical(long double *value, struct unit *unit, const struct quantity *a) {
    if (!unit_parse(unit, a->unit)) {
        return false;
    }
    *value = in_base_units(a, unit);
    return true;
}

/* Lanes carry: one below zero takes one from the next, so they are read from the lowest up. */
struct text unit_dimension_text(struct arena *arena, const struct unit *unit) {
    static const char *const bases[] = {"m", "s", "g", "rad", "K", "C", "cd", "mol"};
    struct buffer buffer = buffer_open(arena, 128);
    uint64_t rest = unit->dimension;
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        int lane = (int)(rest & 0xFF), exponent = lane < 128 ? lane : lane - 256;
        rest = (rest - (uint64_t)(int64_t)exponent) >> 8;
        if (exponent != 0) {
            buffer_put_string(&buffer, buffer.size > 0 ? "." : "");
            buffer_put_string(&buffer, bases[i]);
        }
        if (exponent != 0 && exponent != 1) {
            buffer_put_format(&buffer, "%d", exponent);
        }
    }
    if (unit->arbitrary != 0) {
        buffer_put_format(&buffer, "%s[%016llx]", buffer.size > 0 ? "." : "", (unsigned long long)unit->arbitrary);
    }
    return buffer.size > 0 ? buffer_text(&buffer) : TEXT("1");
}

static bool has_atom(struct text code) {
    bool is_annotation = false;
    for (size_t i = 0; i < code.size; i++) {
        char c = code.at[i];
        is_annotation = c == '{' || (is_annotation && c != '}');
        if (!is_annotation && c != '}' && !is_digit(c) && strchr("./()+-", c) == NULL) {
            return true;
        }
    }
    return false;
}

/* The mantissa without its trailing zeros; they go to the exponent. */
static long double without_tens(struct decimal a, int *exponent) {
    *exponent = -a.scale;
    while (a.mantissa != 0 && a.mantissa % 10 == 0) {
        a.mantissa /= 10;
        ++*exponent;
    }
    return (long double)a.mantissa;
}

bool fhirpath_unit_read(struct fhirpath_unit *out, struct text code) {
    struct unit unit;
    int up = 0, down = 0;
    if (calendar_find(code) >= 0 || !has_atom(code) || !unit_parse(&unit, code)) {
        return false;
    }
    *out = (struct fhirpath_unit){.dimension = unit.dimension, .arbitrary = unit.arbitrary};
    out->factor = without_tens(unit.numerator, &up);
    out->factor /= without_tens(unit.denominator, &down);
    out->exponent = up - down;
    out->offset = decimal_to_long_double(unit.offset);
    return true;
}

bool fhirpath_canonical_quantity(
    double *value, struct text *unit, struct text number, struct text code, struct scope *scope) {
    struct quantity quantity = {.unit = code};
    struct unit parsed;
    long double base = 0;
    if (!decimal_parse(&quantity.value, number) || !quantity_canonical(&base, &parsed, &quantity) ||
        parsed.calendar_months > 0) {
        return false;
    }
    *value = (double)base;
    *unit = unit_dimension_text(scope->arena, &parsed);
    return true;
}

bool quantity_convert(struct decimal *out, const struct quantity *a, struct text unit) {
    struct quantity target = {.unit = unit};
    struct unit x, y;
    if (text_equal(a->unit, unit)) {
        *out = a->value;
        return true;
    }
    if (!units_parse(&x, &y, a, &target)) {
        return false;
    }
    struct decimal product, divisor, value;
    return cross_product(&product, a, &x, &y) && decimal_multiply(&divisor, x.denominator, y.numerator) &&
           decimal_divide(&value, product, divisor) && decimal_add(out, value, decimal_negate(y.offset));
}

/* UCUM's a for year and mo for month: equivalence overlooks the difference (FHIRPath 6.1.2). */
static struct text equivalent_unit(struct text unit) {
    int row = calendar_find(unit);
    return row >= 0 ? text_from(calendar[row].ucum) : unit;
}

bool quantity_is_equivalent(const struct quantity *a, const struct quantity *b) {
    struct quantity x = {a->value, equivalent_unit(a->unit)}, y = {b->value, equivalent_unit(b->unit)};
    struct decimal converted;
    if (!quantity_convert(&converted, &y, x.unit)) {
        return false;
    }
    struct decimal trimmed = decimal_trim(x.value), other = decimal_trim(converted);
    int scale = trimmed.scale < other.scale ? trimmed.scale : other.scale;
    struct decimal first, second;
    return decimal_round(&first, trimmed, scale, DECIMAL_HALF_AWAY) &&
           decimal_round(&second, other, scale, DECIMAL_HALF_AWAY) && decimal_compare(first, second) == 0;
}

static bool is_one(struct text unit) {
    return text_is(unit, "1");
}

bool quantity_multiply(struct quantity *out, const struct quantity *a, const struct quantity *b, struct arena *arena) {
    struct text left = equivalent_unit(a->unit), right = equivalent_unit(b->unit);
    if (is_one(left) || is_one(right)) {
        out->unit = is_one(left) ? b->unit : a->unit;
    } else {
        out->unit = text_format(arena, "(%.*s).(%.*s)", (int)left.size, left.at, (int)right.size, right.at);
        struct unit unit;
        if (!unit_parse(&unit, out->unit)) {
            return false;
        }
    }
    return decimal_multiply(&out->value, a->value, b->value);
}

bool quantity_divide(struct quantity *out, const struct quantity *a, const struct quantity *b, struct arena *arena) {
    struct text left = equivalent_unit(a->unit), right = equivalent_unit(b->unit);
    struct decimal divisor = b->value;
    if (is_one(right)) {
        out->unit = a->unit;
    } else {
        struct decimal converted;
        if (quantity_convert(&converted, b, a->unit)) { /* comparable: a plain number is left */
            divisor = converted;
            out->unit = TEXT("1");
        } else {
            out->unit = text_format(arena, "(%.*s)/(%.*s)", (int)left.size, left.at, (int)right.size, right.at);
            struct unit unit;
            if (!unit_parse(&unit, out->unit)) {
                return false;
            }
        }
    }
    return decimal_divide(&out->value, a->value, divisor);
}
