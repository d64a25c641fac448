/* The grammar of The Unified Code for Units of Measure 2.1 (https://ucum.org/ucum), case-sensitive codes. */
#include "terminology/grammar_unit.h"

#include <string.h>

enum { UNIT_SIZE_MAX = 256, UNIT_DEPTH_MAX = 16 };

static const char *const prefixes[] = {"da", "Ki", "Mi", "Gi", "Ti", "Y", "Z", "E", "P", "T", "G", "M", "k", "h", "d",
    "c", "m", "u", "n", "p", "f", "a", "z", "y"};

/* Atoms that take prefixes; then those that take none. UCUM 2.1, sections 28 to 46. */
static const char *const metric[] = {"m", "s", "g", "rad", "K", "C", "cd", "mol", "sr", "Hz", "N", "Pa", "J", "W", "A",
    "V", "F", "Ohm", "S", "Wb", "Cel", "T", "H", "lm", "lx", "Bq", "Gy", "Sv", "l", "L", "ar", "t", "bar", "u", "eV",
    "pc", "[c]", "[h]", "[k]", "[eps_0]", "[mu_0]", "[e]", "[m_e]", "[m_p]", "[G]", "[g]", "[ly]", "gf", "Ky", "Gal",
    "dyn", "erg", "P", "Bi", "St", "Mx", "G", "Oe", "Gb", "sb", "Lmb", "ph", "Ci", "R", "RAD", "REM", "cal", "cal_[15]",
    "cal_[20]", "cal_m", "cal_IT", "cal_th", "m[H2O]", "m[Hg]", "mho", "tex", "kat", "U", "[iU]", "[IU]", "osm", "eq",
    "g%", "b", "Np", "B", "B[SPL]", "B[V]", "B[mV]", "B[uV]", "B[10.nV]", "B[W]", "B[kW]", "bit", "By", "Bd", "st",
    "[Cal]"};
static const char *const plain[] = {"10*", "10^", "att", "Ao", "[pi]", "%", "[ppth]", "[ppm]", "[ppb]", "[pptr]", "gon",
    "deg", "'", "''", "min", "h", "d", "a_t", "a_j", "a_g", "a", "wk", "mo_s", "mo_j", "mo_g", "mo", "atm", "AU",
    "[lbf_av]", "[in_i]", "[ft_i]", "[yd_i]", "[mi_i]", "[fth_i]", "[nmi_i]", "[kn_i]", "[sin_i]", "[sft_i]", "[syd_i]",
    "[cin_i]", "[cft_i]", "[cyd_i]", "[bf_i]", "[cr_i]", "[mil_i]", "[cml_i]", "[hd_i]", "[ft_us]", "[yd_us]",
    "[in_us]", "[rd_us]", "[ch_us]", "[lk_us]", "[rch_us]", "[rlk_us]", "[fth_us]", "[fur_us]", "[mi_us]", "[acr_us]",
    "[srd_us]", "[smi_us]", "[sct]", "[twp]", "[mil_us]", "[in_br]", "[ft_br]", "[rd_br]", "[ch_br]", "[lk_br]",
    "[fth_br]", "[pc_br]", "[yd_br]", "[mi_br]", "[nmi_br]", "[kn_br]", "[acr_br]", "[gal_us]", "[bbl_us]", "[qt_us]",
    "[pt_us]", "[gil_us]", "[foz_us]", "[fdr_us]", "[min_us]", "[crd_us]", "[bu_us]", "[gal_wi]", "[pk_us]", "[dqt_us]",
    "[dpt_us]", "[tbs_us]", "[tsp_us]", "[cup_us]", "[foz_m]", "[cup_m]", "[tsp_m]", "[tbs_m]", "[gal_br]", "[pk_br]",
    "[bu_br]", "[qt_br]", "[pt_br]", "[gil_br]", "[foz_br]", "[fdr_br]", "[min_br]", "[gr]", "[lb_av]", "[oz_av]",
    "[dr_av]", "[scwt_av]", "[lcwt_av]", "[ston_av]", "[lton_av]", "[stone_av]", "[pwt_tr]", "[oz_tr]", "[lb_tr]",
    "[sc_ap]", "[dr_ap]", "[oz_ap]", "[lb_ap]", "[oz_m]", "[lne]", "[pnt]", "[pca]", "[pnt_pr]", "[pca_pr]", "[pied]",
    "[pouce]", "[ligne]", "[didot]", "[cicero]", "[degF]", "[degR]", "[degRe]", "[Btu_39]", "[Btu_59]", "[Btu_60]",
    "[Btu_m]", "[Btu_IT]", "[Btu_th]", "[Btu]", "[HP]", "[den]", "[in_i'H2O]", "[in_i'Hg]", "[PRU]", "[wood'U]",
    "[diop]", "[p'diop]", "%[slope]", "[mesh_i]", "[Ch]", "[drp]", "[hnsf'U]", "[MET]", "[hp'_X]", "[hp'_C]", "[hp'_M]",
    "[hp'_Q]", "[hp_X]", "[hp_C]", "[hp_M]", "[hp_Q]", "[kp_X]", "[kp_C]", "[kp_M]", "[kp_Q]", "[pH]", "[S]", "[HPF]",
    "[LPF]", "[arb'U]", "[USP'U]", "[GPL'U]", "[MPL'U]", "[APL'U]", "[beth'U]", "[anti'Xa'U]", "[todd'U]", "[dye'U]",
    "[smgy'U]", "[bdsk'U]", "[ka'U]", "[knk'U]", "[mclg'U]", "[tb'U]", "[CCID_50]", "[TCID_50]", "[EID_50]", "[PFU]",
    "[FFU]", "[CFU]", "[IR]", "[BAU]", "[AU]", "[Amb'a'1'U]", "[PNU]", "[Lf]", "[D'ag'U]", "[FEU]", "[ELU]", "[EU]",
    "[car_m]", "[car_Au]", "[smoot]", "[m/s2/Hz^0.5]", "[NTU]", "[FNU]", "[psi]", "circ", "sph", "bit_s", "[rel'U]",
    "[HP'U]"};

static bool is_among(const char *const *names, size_t count, struct text name) {
    for (size_t i = 0; i < count; i++) {
        if (text_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

enum { METRIC_COUNT = sizeof metric / sizeof *metric, PLAIN_COUNT = sizeof plain / sizeof *plain };

static bool is_known_atom(struct text atom) {
    if (is_among(metric, METRIC_COUNT, atom) || is_among(plain, PLAIN_COUNT, atom)) {
        return true;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t size = strlen(prefixes[i]);
        if (text_starts(atom, prefixes[i]) &&
            is_among(metric, METRIC_COUNT, (struct text){atom.at + size, atom.size - size})) {
            return true;
        }
    }
    return false;
}

/* Reads with one character of look-ahead. `is_unknown`: some atom is not in the tables. */
struct unit_parsing {
    const char *at, *end;
    int depth;
    bool is_unknown;
};

static char peek(const struct unit_parsing *p) {
    return p->at < p->end ? *p->at : '\0';
}

static bool is_digit_character(char c) {
    return c >= '0' && c <= '9';
}

static void skip_digits(struct unit_parsing *p) {
    while (is_digit_character(peek(p))) {
        p->at++;
    }
}

static bool parse_annotation(struct unit_parsing *p) {
    for (p->at++; p->at < p->end; p->at++) {
        if (*p->at == '}') {
            p->at++;
            return true;
        }
        if (*p->at == '{' || *p->at < 32 || *p->at > 126) { /* blanks stand in many */
            return false;
        }
    }
    return false;
}

static bool parse_exponent(struct unit_parsing *p) {
    bool has_sign = peek(p) == '+' || peek(p) == '-';
    p->at += has_sign;
    if (!is_digit_character(peek(p))) {
        return !has_sign;
    }
    skip_digits(p);
    return true;
}

/* An atom ends, outside brackets, where something else begins. */
static bool parse_atom(struct unit_parsing *p) {
    const char *start = p->at;
    bool is_inside = false;
    if (p->end - p->at >= 3 && p->at[0] == '1' && p->at[1] == '0' && (p->at[2] == '*' || p->at[2] == '^')) {
        p->at += 3;
        return parse_exponent(p);
    }
    for (; p->at < p->end; p->at++) {
        char c = *p->at;
        if (!is_inside && (strchr("./(){}+-", c) != NULL || is_digit_character(c))) {
            break;
        }
        if (c < 33 || c > 126 || (c == '[' && is_inside) || (c == ']' && !is_inside)) {
            return false;
        }
        is_inside = c == '[' || (is_inside && c != ']');
    }
    struct text atom = {start, (size_t)(p->at - start)};
    if (atom.size == 0 || is_inside) {
        return false;
    }
    p->is_unknown = p->is_unknown || !is_known_atom(atom);
    return parse_exponent(p);
}

static bool parse_term(struct unit_parsing *p);

static bool parse_component(struct unit_parsing *p) {
    if (peek(p) == '(') {
        p->at++;
        if (++p->depth > UNIT_DEPTH_MAX || !parse_term(p) || peek(p) != ')') {
            return false;
        }
        p->depth--;
        p->at++;
        return peek(p) != '{' || parse_annotation(p);
    }
    if (peek(p) == '{') {
        return parse_annotation(p);
    }
    bool is_power = p->end - p->at >= 3 && p->at[0] == '1' && p->at[1] == '0' && (p->at[2] == '*' || p->at[2] == '^');
    if (is_digit_character(peek(p)) && !is_power) {
        skip_digits(p);
    } else if (!parse_atom(p)) {
        return false;
    }
    return peek(p) != '{' || parse_annotation(p);
}

static bool parse_term(struct unit_parsing *p) {
    if (!parse_component(p)) {
        return false;
    }
    while (peek(p) == '.' || peek(p) == '/') {
        p->at++;
        if (!parse_component(p)) {
            return false;
        }
    }
    return true;
}

enum terminology_verdict grammar_unit(struct text code) {
    struct unit_parsing p = {.at = code.at, .end = code.at + code.size};
    if (code.size == 0 || code.size > UNIT_SIZE_MAX) {
        return TERMINOLOGY_NO;
    }
    p.at += peek(&p) == '/';
    if (!parse_term(&p) || p.at != p.end) {
        return TERMINOLOGY_NO;
    }
    return p.is_unknown ? TERMINOLOGY_UNKNOWN : TERMINOLOGY_YES;
}
