#include "triage/history.h"

#include <math.h>
#include <string.h>

#define MICROSECONDS_YEAR (365LL * 24 * 3600 * 1000000)
enum { CODE_MAX = 16 };

/* ---- visits and stays ------------------------------------------------------------------------------------------------ */

static bool class_is(const yyjson_val *encounter, const char *const *codes) {
    size_t i, count;
    yyjson_val *entry;
    for (; *codes; codes++) {
        if (text_is(json_get_text(json_get(encounter, "class"), "code"), *codes))
            return true;
        yyjson_arr_foreach(json_get(encounter, "classHistory"), i, count, entry) {
            if (text_is(json_get_text(json_get(entry, "class"), "code"), *codes))
                return true;
        }
    }
    return false;
}

void history_gather(struct gather *gather) {
    static const char *const emergency[] = {"EMER", NULL}, *const stay[] = {"IMP", "ACUTE", "NONAC", NULL};
    struct triage_past *past = &gather->facts->past;
    int64_t moment = gather->facts->at_us;
    int64_t began = gather->encounter ? gather_time(gather, gather->encounter->resource) : 0;
    if (began == 0 || began > moment)
        began = moment;
    for (size_t i = 0; i < gather->count && moment; i++) {
        const struct gathered *item = &gather->resources[i];
        if (item == gather->encounter || !text_is(item->type, "Encounter"))
            continue;
        struct text state = json_get_text(item->resource, "status");
        int64_t at = gather_time(gather, item->resource);
        bool was = !text_is(state, "cancelled") && !text_is(state, "entered-in-error") && !text_is(state, "planned");
        if (!was || at == 0 || at >= began)
            continue;
        past->known = true;
        if (at < moment - MICROSECONDS_YEAR)
            continue;
        past->visits += class_is(item->resource, emergency);
        past->admissions += class_is(item->resource, stay);
    }
}

/* ---- diseases -------------------------------------------------------------------------------------------------------- */

/* Column, codes without point; several by blanks. ICD-10: prefixes. After CCS for ICD-10 (AHRQ, HCUP), whose table was not at hand to hold
 * them against; I64, which ICD-10-CM has not, is a stroke of unknown kind. Held against the Charlson groups of Quan H et al. Med Care
 * 2005;43:1130-9, which are others: the same for ulcer (K25 to K28) and for copd with asthma (J40 to J47, there dust lungs too). Narrower here:
 * infarction (I25.2 stands with coronary disease), heart failure (I50), stroke (no sequelae), dementia (no G31.1), kidney (N18). Complicated diabetes
 * counts .0, .1, .6 and .8 too, as CCS does: there those are uncomplicated. The other rows were held against nothing. */
static const struct {
    const char *column, *icd, *snomed;
} diseases[] = {
    {"htn", "I10", "38341003 59621000"},
    {"htncomplicn", "I11 I12 I13 I15", ""},
    {"acutemi", "I21 I22", "22298006 57054005"},
    {"coronathero", "I20 I24 I25", "53741008 194828000"},
    {"chfnonhp", "I50", "84114007 42343007 88805009"},
    {"dysrhythmia", "I47 I48 I49", "49436004"},
    {"conduction", "I44 I45", ""},
    {"hrtvalvedx", "I05 I06 I07 I08 I34 I35 I36 I37", ""},
    {"pulmhartdx", "I26 I27 I28", "59282003"},
    {"acutecvd", "I60 I61 I62 I63 I64", "230690007 422504002"},
    {"tia", "G45", "266257000"},
    {"peripathero", "I70", ""},
    {"aneurysm", "I71 I72", ""},
    {"phlebitis", "I80 I81 I82", "128053003"},
    {"copd", "J40 J41 J42 J43 J44 J47", "13645005"},
    {"asthma", "J45 J46", "195967001"},
    {"pneumonia", "J12 J13 J14 J15 J16 J17 J18", "233604007"},
    {"diabmelnoc", "E109 E119 E139 E149", "44054006 73211009 46635009"},
    {"diabmelwcm",
        "E100 E101 E102 E103 E104 E105 E106 E107 E108 E110 E111 E112 E113 E114 E115 E116 E117 E118 E130 E131 E132 "
        "E133 E134 E135 E136 E137 E138 E140 E141 E142 E143 E144 E145 E146 E147 E148",
        ""},
    {"thyroiddsor", "E00 E01 E02 E03 E04 E05 E06 E07", "40930008"},
    {"hyperlipidem", "E78", "55822004"},
    {"goutotcrys", "M10 M11", "90560007"},
    {"chrkidneydisease", "N18", "709044004 46177005"},
    {"acrenlfail", "N17", "14669001"},
    {"urinstone", "N20 N21 N22", ""},
    {"bph", "N40", ""},
    {"anemia", "D50 D51 D52 D53 D63 D64", "271737000"},
    {"hivinfectn", "B20 B21 B22 B23 B24", "86406008"},
    {"hepatitis", "B15 B16 B17 B18 B19", ""},
    {"brnchlngca", "C34", ""},
    {"breastcancr", "C50", "254837009"},
    {"coloncancer", "C18", ""},
    {"rctmanusca", "C19 C20 C21", ""},
    {"liveribdca", "C22", ""},
    {"bladdercncr", "C67", ""},
    {"ovarycancer", "C56", ""},
    {"uteruscancr", "C54 C55", ""},
    {"leukemias", "C91 C92 C93 C94 C95", ""},
    {"nonhodglym", "C82 C83 C84 C85", ""},
    {"multmyeloma", "C90", ""},
    {"2ndarymalig", "C77 C78 C79", ""},
    {"skinmelanom", "C43", ""},
    {"epilepsycnv", "G40 G41 R56", "84757009"},
    {"parkinsons", "G20 G21", "49049000"},
    {"headachemig", "G43 G44 R51", "37796009"},
    {"deliriumdementiaamnesticothercognitiv", "F00 F01 F02 F03 F04 F05 G30", "52448006 26929004"},
    {"mooddisorders", "F30 F31 F32 F33 F34 F38 F39", "35489007 13746004"},
    {"anxietydisorders", "F40 F41 F42", ""},
    {"schizophreniaandotherpsychoticdisorde", "F20 F21 F22 F23 F24 F25 F28 F29", "58214004"},
    {"alcoholrelateddisorders", "F10", "7200002"},
    {"substancerelateddisorders", "F11 F12 F13 F14 F15 F16 F18 F19", ""},
    {"othliverdx", "K72 K73 K74 K75 K76", "19943007"},
    {"gasduoulcer", "K25 K26 K27 K28", ""},
    {"esophgealdx", "K20 K21 K22", "235595009"},
    {"pancreasdx", "K85 K86", ""},
    {"diverticulos", "K57", ""},
    {"osteoarthros", "M15 M16 M17 M18 M19", "396275006"},
    {"osteoporosis", "M80 M81", "64859006"},
    {"rheumarth", "M05 M06", "69896004"},
    {"sle", "M32", "55464009"},
    {"glaucoma", "H40 H42", "23986001"},
};

static bool listed(const char *list, struct text code, bool prefixes) {
    struct text rest = text_from(list);
    while (rest.size > 0) {
        struct text own = text_cut(&rest, ' ');
        if ((prefixes && code.size >= own.size && memcmp(code.at, own.at, own.size) == 0) || text_equal(code, own))
            return true;
    }
    return false;
}

static bool system_has(struct text system, const char *part) {
    size_t size = strlen(part);
    return system.size >= size && memmem(system.at, system.size, part, size) != NULL;
}

static double disease_known(const struct triage_facts *facts, size_t row) {
    for (size_t i = 0; i < facts->text_count; i++) {
        const struct triage_text *text = &facts->texts[i];
        char code[CODE_MAX];
        size_t size = 0;
        if (text->kind != TRIAGE_TEXT_HISTORY || text->doubtful || !text->code.size)
            continue;
        for (size_t k = 0; k < text->code.size && size < sizeof code; k++) {
            if (text->code.at[k] != '.')
                code[size++] = text->code.at[k];
        }
        bool icd = system_has(text->system, "icd") || system_has(text->system, "kcd");
        if ((icd && listed(diseases[row].icd, (struct text){code, size}, true)) ||
            (system_has(text->system, "snomed") && listed(diseases[row].snomed, text->code, false)))
            return 1;
    }
    return (double)NAN;
}

const double *history_columns(
    const struct triage_facts *facts, const struct text *columns, size_t count, struct arena *arena) {
    if (count == 0)
        return NULL;
    double *values = ARENA_ARRAY(arena, double, count);
    for (size_t i = 0; i < count; i++) {
        values[i] = (double)NAN;
        if (text_is(columns[i], "n_edvisits") && facts->past.known)
            values[i] = facts->past.visits;
        if (text_is(columns[i], "n_admissions") && facts->past.known)
            values[i] = facts->past.admissions;
        for (size_t row = 0; row < sizeof diseases / sizeof *diseases; row++) {
            if (text_is(columns[i], diseases[row].column))
                values[i] = disease_known(facts, row);
        }
    }
    return values;
}
