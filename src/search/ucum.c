#include "search/ucum.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fhirpath/fhirpath.h"

#define M(power) FHIRPATH_DIMENSION(FHIRPATH_METRE, power)
#define S(power) FHIRPATH_DIMENSION(FHIRPATH_SECOND, power)
#define G(power) FHIRPATH_DIMENSION(FHIRPATH_GRAM, power)
#define COULOMB(power) FHIRPATH_DIMENSION(FHIRPATH_COULOMB, power)
#define MOL(power) FHIRPATH_DIMENSION(FHIRPATH_MOLE, power)
#define INTERNATIONAL_UNIT UINT64_C(0xda216f66af137d4b) /* what stands for [iU] */

/* The unit compared in is the one that clinics write, so that most quantities stay as they are. Each row is what reading its code
 * gives (ucum_test). */
static const struct {
    const char *code;
    struct fhirpath_unit unit;
} preferred[] = {
    {"kg", {.dimension = G(1), .factor = 1, .exponent = 3}},
    {"cm", {.dimension = M(1), .factor = 1, .exponent = -2}},
    {"mm[Hg]", {.dimension = G(1) + M(-1) + S(-2), .factor = 133322, .exponent = 0}},
    {"mg/dL", {.dimension = G(1) + M(-3), .factor = 1, .exponent = 1}},
    {"mmol/L", {.dimension = MOL(1) + M(-3), .factor = 1, .exponent = 0}},
    {"/min", {.dimension = S(-1), .factor = 1.0L / 6, .exponent = -1}},
    {"%", {.factor = 1, .exponent = -2}},
    {"10*3/uL", {.dimension = M(-3), .factor = 1, .exponent = 12}},
    {"mL", {.dimension = M(3), .factor = 1, .exponent = -6}},
    {"kg/m2", {.dimension = G(1) + M(-2), .factor = 1, .exponent = 3}},
    {"U/L", {.dimension = MOL(1) + S(-1) + M(-3), .factor = 1.0L / 6, .exponent = -4}},
    {"[iU]/L", {.dimension = M(-3), .arbitrary = INTERNATIONAL_UNIT, .factor = 1, .exponent = 3}},
    {"mL/min", {.dimension = M(3) + S(-1), .factor = 1.0L / 6, .exponent = -7}},
    {"m2", {.dimension = M(2), .factor = 1, .exponent = 0}},
    {"s", {.dimension = S(1), .factor = 1, .exponent = 0}},
    {"mol", {.dimension = MOL(1), .factor = 1, .exponent = 0}},
    {"[iU]", {.arbitrary = INTERNATIONAL_UNIT, .factor = 1, .exponent = 0}},
    {"mV", {.dimension = G(1) + M(2) + S(-2) + COULOMB(-1), .factor = 1, .exponent = 0}},
    {"Cel", {.dimension = FHIRPATH_DIMENSION(FHIRPATH_KELVIN, 1), .factor = 1, .offset = 273.15L}},
};

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
    struct fhirpath_unit given;
    if (preferred_is(out, unit)) {
        return true;
    }
    bool is_known = unit.size < UCUM_NAME_SIZE && fhirpath_unit_read(&given, unit);
    if (!is_known) {
        return false;
    }
    *out = (struct ucum_conversion){
        .factor = given.factor, .exponent = given.exponent, .offset = given.offset * given.factor};
    for (size_t i = 0; i < sizeof preferred / sizeof preferred[0]; i++) {
        const struct fhirpath_unit *wanted = &preferred[i].unit;
        if (wanted->dimension == given.dimension && wanted->arbitrary == given.arbitrary) {
            out->factor = given.factor / wanted->factor;
            out->exponent = given.exponent - wanted->exponent;
            out->offset = given.offset * given.factor - wanted->offset; /* only of degrees, whose factor it is in */
            (void)snprintf(out->canonical, sizeof out->canonical, "%s", preferred[i].code);
            return true;
        }
    }
    bool is_alone = given.dimension == 0 && given.arbitrary != 0 && given.factor == 1 && given.exponent == 0;
    (void)snprintf(out->canonical, sizeof out->canonical, "=%016llx.%016llx", (unsigned long long)given.dimension,
        (unsigned long long)given.arbitrary);
    return !is_alone; /* an arbitrary unit is compared with itself only */
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
