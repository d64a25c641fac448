#include "search/ucum.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Base units. The mole is one here, though UCUM makes it a number: amounts are not compared with counts. */
enum { METRE, SECOND, GRAM, KELVIN, COULOMB, CANDELA, MOLE, INTERNATIONAL_UNIT, BASE_COUNT };
static const char *const base_names[BASE_COUNT] = {"m", "s", "g", "K", "C", "cd", "mol", "[iU]"};

struct magnitude {
    long double factor;
    int exponent;
    int8_t powers[BASE_COUNT];
};

struct atom {
    const char *code;
    bool is_metric;
    struct magnitude magnitude;
};

/* UCUM 2.1, sections 28 to 45: the value of each in base units, as factor and power of ten. */
static const struct atom atoms[] = {
    {"m", true, {1, 0, {[METRE] = 1}}},
    {"s", true, {1, 0, {[SECOND] = 1}}},
    {"g", true, {1, 0, {[GRAM] = 1}}},
    {"K", true, {1, 0, {[KELVIN] = 1}}},
    {"C", true, {1, 0, {[COULOMB] = 1}}},
    {"cd", true, {1, 0, {[CANDELA] = 1}}},
    {"mol", true, {1, 0, {[MOLE] = 1}}},
    {"eq", true, {1, 0, {[MOLE] = 1}}},
    {"osm", true, {1, 0, {[MOLE] = 1}}},
    {"[iU]", true, {1, 0, {[INTERNATIONAL_UNIT] = 1}}},
    {"[IU]", true, {1, 0, {[INTERNATIONAL_UNIT] = 1}}},
    {"min", false, {60, 0, {[SECOND] = 1}}},
    {"h", false, {3600, 0, {[SECOND] = 1}}},
    {"d", false, {86400, 0, {[SECOND] = 1}}},
    {"wk", false, {604800, 0, {[SECOND] = 1}}},
    {"mo", false, {2629800, 0, {[SECOND] = 1}}},
    {"a", false, {31557600, 0, {[SECOND] = 1}}},
    {"Hz", true, {1, 0, {[SECOND] = -1}}},
    {"L", true, {1, -3, {[METRE] = 3}}},
    {"l", true, {1, -3, {[METRE] = 3}}},
    {"t", true, {1, 6, {[GRAM] = 1}}},
    {"ar", true, {1, 2, {[METRE] = 2}}},
    {"N", true, {1, 3, {[GRAM] = 1, [METRE] = 1, [SECOND] = -2}}},
    {"Pa", true, {1, 3, {[GRAM] = 1, [METRE] = -1, [SECOND] = -2}}},
    {"bar", true, {1, 8, {[GRAM] = 1, [METRE] = -1, [SECOND] = -2}}},
    {"m[Hg]", true, {133.322L, 6, {[GRAM] = 1, [METRE] = -1, [SECOND] = -2}}},
    {"m[H2O]", true, {9.80665L, 6, {[GRAM] = 1, [METRE] = -1, [SECOND] = -2}}},
    {"atm", false, {101325, 3, {[GRAM] = 1, [METRE] = -1, [SECOND] = -2}}},
    {"J", true, {1, 3, {[GRAM] = 1, [METRE] = 2, [SECOND] = -2}}},
    {"W", true, {1, 3, {[GRAM] = 1, [METRE] = 2, [SECOND] = -3}}},
    {"cal", true, {4.184L, 3, {[GRAM] = 1, [METRE] = 2, [SECOND] = -2}}},
    {"[Cal]", false, {4.184L, 6, {[GRAM] = 1, [METRE] = 2, [SECOND] = -2}}},
    {"A", true, {1, 0, {[COULOMB] = 1, [SECOND] = -1}}},
    {"V", true, {1, 3, {[GRAM] = 1, [METRE] = 2, [SECOND] = -2, [COULOMB] = -1}}},
    {"Ohm", true, {1, 3, {[GRAM] = 1, [METRE] = 2, [SECOND] = -1, [COULOMB] = -2}}},
    {"kat", true, {1, 0, {[MOLE] = 1, [SECOND] = -1}}},
    {"U", true, {1.0L / 6, -7, {[MOLE] = 1, [SECOND] = -1}}}, /* a micromole a minute */
    {"Gy", true, {1, 0, {[METRE] = 2, [SECOND] = -2}}},
    {"Sv", true, {1, 0, {[METRE] = 2, [SECOND] = -2}}},
    {"Bq", true, {1, 0, {[SECOND] = -1}}},
    {"[in_i]", false, {2.54L, -2, {[METRE] = 1}}},
    {"[ft_i]", false, {30.48L, -2, {[METRE] = 1}}},
    {"[yd_i]", false, {91.44L, -2, {[METRE] = 1}}},
    {"[mi_i]", false, {1609.344L, 0, {[METRE] = 1}}},
    {"[lb_av]", false, {453.59237L, 0, {[GRAM] = 1}}},
    {"[oz_av]", false, {28.349523125L, 0, {[GRAM] = 1}}},
    {"[stone_av]", false, {6350.29318L, 0, {[GRAM] = 1}}},
    {"[gr]", false, {64.79891L, -3, {[GRAM] = 1}}},
    {"[foz_us]", false, {29.5735295625L, -6, {[METRE] = 3}}},
    {"[pt_us]", false, {473.176473L, -6, {[METRE] = 3}}},
    {"[gal_us]", false, {3785.411784L, -6, {[METRE] = 3}}},
    {"[tsp_us]", false, {4.92892159375L, -6, {[METRE] = 3}}},
    {"[tbs_us]", false, {14.78676478125L, -6, {[METRE] = 3}}},
    {"%", false, {1, -2, {0}}},
    {"[ppth]", false, {1, -3, {0}}},
    {"[ppm]", false, {1, -6, {0}}},
    {"[ppb]", false, {1, -9, {0}}},
    {"10*", false, {1, 1, {0}}},
    {"10^", false, {1, 1, {0}}},
};

/* UCUM 2.1, section 27. */
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
    {"z", -21},
    {"y", -24},
};

/* Units with a zero of their own (UCUM 2.1, section 21), alone only: Celsius = value * factor + offset. */
static const struct {
    const char *code;
    long double factor, offset;
} temperatures[] = {
    {"Cel", 1, 0},
    {"K", 1, -273.15L},
    {"[degF]", 5.0L / 9, -32 * 5.0L / 9},
};

/* The unit compared in is the one that clinics write, so that most quantities stay as they are. Each magnitude is what
 * reading its code gives (ucum_test). */
static const struct {
    const char *code;
    struct magnitude magnitude;
} preferred[] = {
    {"kg", {1, 3, {[GRAM] = 1}}},
    {"cm", {1, -2, {[METRE] = 1}}},
    {"mm[Hg]", {133.322L, 3, {[GRAM] = 1, [METRE] = -1, [SECOND] = -2}}},
    {"mg/dL", {1, 1, {[GRAM] = 1, [METRE] = -3}}},
    {"mmol/L", {1, 0, {[MOLE] = 1, [METRE] = -3}}},
    {"/min", {1.0L / 60, 0, {[SECOND] = -1}}},
    {"%", {1, -2, {0}}},
    {"10*3/uL", {1, 12, {[METRE] = -3}}},
    {"mL", {1, -6, {[METRE] = 3}}},
    {"kg/m2", {1, 3, {[GRAM] = 1, [METRE] = -2}}},
    {"U/L", {1.0L / 6, -4, {[MOLE] = 1, [SECOND] = -1, [METRE] = -3}}},
    {"[iU]/L", {1, 3, {[INTERNATIONAL_UNIT] = 1, [METRE] = -3}}},
    {"mL/min", {1.0L / 60, -6, {[METRE] = 3, [SECOND] = -1}}},
    {"m2", {1, 0, {[METRE] = 2}}},
    {"s", {1, 0, {[SECOND] = 1}}},
    {"mol", {1, 0, {[MOLE] = 1}}},
    {"[iU]", {1, 0, {[INTERNATIONAL_UNIT] = 1}}},
    {"mV", {1, 0, {[GRAM] = 1, [METRE] = 2, [SECOND] = -2, [COULOMB] = -1}}},
};

/* ---- reading a unit ------------------------------------------------------------------------------------------------ */

struct reader {
    const char *at, *end;
    int depth;
    bool has_atom; /* something besides numbers and annotations */
};

static void multiply(struct magnitude *product, const struct magnitude *by, int power) {
    for (int i = 0; i < (power < 0 ? -power : power); i++) {
        product->factor = power < 0 ? product->factor / by->factor : product->factor * by->factor;
    }
    product->exponent += by->exponent * power;
    for (int i = 0; i < BASE_COUNT; i++) {
        product->powers[i] = (int8_t)(product->powers[i] + by->powers[i] * power);
    }
}

static bool atom_find(struct magnitude *out, struct text symbol) {
    for (size_t i = 0; i < sizeof atoms / sizeof atoms[0]; i++) {
        if (text_is(symbol, atoms[i].code)) {
            *out = atoms[i].magnitude;
            return true;
        }
    }
    for (size_t p = 0; p < sizeof prefixes / sizeof prefixes[0]; p++) {
        if (!text_starts(symbol, prefixes[p].code)) {
            continue;
        }
        size_t skip = strlen(prefixes[p].code);
        struct text rest = {symbol.at + skip, symbol.size - skip};
        for (size_t i = 0; i < sizeof atoms / sizeof atoms[0]; i++) {
            if (atoms[i].is_metric && text_is(rest, atoms[i].code)) {
                *out = atoms[i].magnitude;
                out->exponent += prefixes[p].exponent;
                return true;
            }
        }
    }
    return false;
}

static struct text take_symbol(struct reader *reader) {
    const char *start = reader->at;
    if (reader->end - reader->at >= 3 && memcmp(reader->at, "10", 2) == 0 &&
        (reader->at[2] == '*' || reader->at[2] == '^')) {
        reader->at += 3;
        return (struct text){start, 3};
    }
    bool bracketed = false;
    while (reader->at < reader->end) {
        char c = *reader->at;
        if (c == '[' || c == ']') {
            bracketed = c == '[';
        } else if (!bracketed && (isdigit((unsigned char)c) || strchr("+-./(){}", c) != NULL)) {
            break;
        }
        reader->at++;
    }
    return (struct text){start, (size_t)(reader->at - start)};
}

static bool take_integer(int *out, struct reader *reader) {
    const char *start = reader->at;
    if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-')) {
        reader->at++;
    }
    const char *digits = reader->at;
    int value = 0;
    while (reader->at < reader->end && isdigit((unsigned char)*reader->at) && reader->at - digits < 6) {
        value = value * 10 + (*reader->at++ - '0');
    }
    if (reader->at == digits) {
        reader->at = start;
        return false;
    }
    *out = *start == '-' ? -value : value;
    return true;
}

static bool skip_annotation(struct reader *reader) {
    if (reader->at == reader->end || *reader->at != '{') {
        return true;
    }
    const char *close = memchr(reader->at, '}', (size_t)(reader->end - reader->at));
    if (close == NULL) {
        return false;
    }
    reader->at = close + 1;
    return true;
}

static bool read_term(struct magnitude *out, struct reader *reader);

static bool read_component(struct magnitude *out, struct reader *reader) {
    *out = (struct magnitude){.factor = 1};
    if (reader->at == reader->end) {
        return false;
    }
    if (*reader->at == '{') {
        return skip_annotation(reader);
    }
    if (*reader->at == '(') {
        reader->at++;
        if (++reader->depth > 4 || !read_term(out, reader) || reader->at == reader->end || *reader->at != ')') {
            return false;
        }
        reader->at++;
        return true;
    }
    int number;
    bool is_ten = reader->end - reader->at >= 3 && (reader->at[2] == '*' || reader->at[2] == '^');
    if (isdigit((unsigned char)*reader->at) && !is_ten) {
        if (!take_integer(&number, reader) || number == 0) {
            return false;
        }
        out->factor = number;
        return skip_annotation(reader);
    }
    struct magnitude atom;
    if (!atom_find(&atom, take_symbol(reader))) {
        return false;
    }
    reader->has_atom = true;
    int power = 1;
    if (take_integer(&power, reader) && (power < -30 || power > 30)) {
        return false;
    }
    multiply(out, &atom, power);
    return skip_annotation(reader);
}

static bool read_term(struct magnitude *out, struct reader *reader) {
    *out = (struct magnitude){.factor = 1};
    int power = 1;
    if (reader->at < reader->end && *reader->at == '/') {
        power = -1;
        reader->at++;
    }
    for (int components = 0; components < 8; components++) {
        struct magnitude component;
        if (!read_component(&component, reader)) {
            return false;
        }
        multiply(out, &component, power);
        if (reader->at == reader->end || *reader->at == ')') {
            return true;
        }
        if (*reader->at != '.' && *reader->at != '/') {
            return false;
        }
        power = *reader->at++ == '/' ? -1 : 1;
    }
    return false;
}

static bool magnitude_read(struct magnitude *out, struct text unit) {
    struct reader reader = {.at = unit.at, .end = unit.at + unit.size};
    return unit.size > 0 && unit.size < UCUM_NAME_SIZE && read_term(out, &reader) && reader.at == reader.end &&
           reader.has_atom;
}

/* ---- conversions --------------------------------------------------------------------------------------------------- */

static bool temperature_find(struct ucum_conversion *out, struct text unit) {
    for (size_t i = 0; i < sizeof temperatures / sizeof temperatures[0]; i++) {
        if (text_is(unit, temperatures[i].code)) {
            *out = (struct ucum_conversion){.canonical = "Cel",
                .is_canonical = i == 0,
                .factor = temperatures[i].factor,
                .offset = temperatures[i].offset};
            return true;
        }
    }
    return false;
}

static void name_by_dimensions(char out[static UCUM_NAME_SIZE], const struct magnitude *unit) {
    size_t size = (size_t)snprintf(out, UCUM_NAME_SIZE, "=");
    for (int i = 0; i < BASE_COUNT && size < UCUM_NAME_SIZE; i++) {
        if (unit->powers[i] != 0) {
            size += (size_t)snprintf(out + size, UCUM_NAME_SIZE - size, "%s%d.", base_names[i], unit->powers[i]);
        }
    }
}

static bool preferred_is(struct ucum_conversion *out, struct text unit) {
    for (size_t i = 0; i < sizeof preferred / sizeof preferred[0]; i++) {
        if (text_is(unit, preferred[i].code)) {
            *out = (struct ucum_conversion){.is_canonical = true, .factor = 1};
            (void)snprintf(out->canonical, sizeof out->canonical, "%s", preferred[i].code);
            return true;
        }
    }
    return false;
}

bool ucum_conversion_find(struct ucum_conversion *out, struct text unit) {
    if (preferred_is(out, unit) || temperature_find(out, unit)) {
        return true;
    }
    struct magnitude given;
    if (!magnitude_read(&given, unit)) {
        return false;
    }
    *out = (struct ucum_conversion){.factor = given.factor, .exponent = given.exponent};
    for (size_t i = 0; i < sizeof preferred / sizeof preferred[0]; i++) {
        const struct magnitude *wanted = &preferred[i].magnitude;
        if (memcmp(wanted->powers, given.powers, sizeof given.powers) == 0) {
            out->factor = given.factor / wanted->factor;
            out->exponent = given.exponent - wanted->exponent;
            (void)snprintf(out->canonical, sizeof out->canonical, "%s", preferred[i].code);
            return true;
        }
    }
    name_by_dimensions(out->canonical, &given);
    return true;
}

double ucum_convert(const struct ucum_conversion *conversion, struct text decimal) {
    char digits[96];
    size_t mark = 0;
    while (mark < decimal.size && decimal.at[mark] != 'e' && decimal.at[mark] != 'E') {
        mark++;
    }
    double plain = 0;
    int64_t exponent = 0;
    bool has_exponent = mark < decimal.size;
    struct text power = {decimal.at + mark + 1, has_exponent ? decimal.size - mark - 1 : 0};
    if (text_starts(power, "+")) {
        power = (struct text){power.at + 1, power.size - 1};
    }
    if (mark > 64 || (has_exponent && !text_to_int64(&exponent, power)) || exponent < -400 || exponent > 400) {
        return text_to_double(&plain, decimal) ? ucum_convert_number(conversion, plain) : 0;
    }
    (void)snprintf(digits, sizeof digits, "%.*se%d", (int)mark, decimal.at, (int)exponent + conversion->exponent);
    if (conversion->factor == 1 && conversion->offset == 0) {
        return strtod(digits, NULL);
    }
    return (double)(strtold(digits, NULL) * conversion->factor + conversion->offset);
}

double ucum_convert_number(const struct ucum_conversion *conversion, double value) {
    return (double)((long double)value * conversion->factor * powl(10, conversion->exponent) + conversion->offset);
}
