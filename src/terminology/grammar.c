#include "terminology/grammar.h"

#include <string.h>

#include "terminology/grammar_unit.h"

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_all(struct text text, bool (*takes)(char)) {
    for (size_t i = 0; i < text.size; i++) {
        if (!takes(text.at[i])) {
            return false;
        }
    }
    return true;
}

static bool is_letter_or_digit(char c) {
    return is_letter(c) || is_digit(c);
}

/* ---- short lists ------------------------------------------------------------------------------------------------ */

/* ISO 639-1, two letters. */
static const char languages[] = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs "
                                "cu cv cy da de dv dz ee el en eo "
                                "es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie "
                                "ig ii ik io is it iu ja jv ka kg "
                                "ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn "
                                "mr ms mt my na nb nd ne ng nl nn "
                                "no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl "
                                "sm sn so sq sr ss st su sv sw ta "
                                "te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu ";
/* ISO 3166-1 alpha-2, as in the tz database's iso3166.tab (public domain). */
static const char countries[] = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN "
                                "BO BQ BR BS BT BV BW BY BZ CA CC "
                                "CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER "
                                "ES ET FI FJ FK FM FO FR GA GB GD "
                                "GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO "
                                "IQ IR IS IT JE JM JO JP KE KG KH "
                                "KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML "
                                "MM MN MO MP MQ MR MS MT MU MV MW "
                                "MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT "
                                "PW PY QA RE RO RS RU RW SA SB SC "
                                "SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN "
                                "TO TR TT TV TW TZ UA UG UM US UY "
                                "UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW ";
/* ISO 4217, current currencies and funds. */
static const char currencies[] = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL "
                                 "BSD BTN BWP BYN BZD CAD CDF CHE "
                                 "CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD "
                                 "FKP GBP GEL GHS GIP GMD GNF GTQ "
                                 "GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD "
                                 "KYD KZT LAK LBP LKR LRD LSL LYD "
                                 "MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD "
                                 "OMR PAB PEN PGK PHP PKR PLN PYG "
                                 "QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB "
                                 "TJS TMT TND TOP TRY TTD TWD TZS "
                                 "UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD "
                                 "XCG XDR XOF XPD XPF XPT XSU XTS "
                                 "XUA X"
                                 "XX YER ZAR ZMW ZWG ZWL ";

enum { WORD_MAX = 8 };

static bool is_in_list(const char *list, struct text word) {
    char padded[WORD_MAX + 2];
    if (word.size == 0 || word.size > WORD_MAX || memchr(word.at, ' ', word.size) != NULL) {
        return false;
    }
    memcpy(padded, word.at, word.size);
    padded[word.size] = ' ';
    padded[word.size + 1] = '\0';
    for (const char *found = strstr(list, padded); found != NULL; found = strstr(found + 1, padded)) {
        if (found == list || found[-1] == ' ') {
            return true;
        }
    }
    return false;
}

/* A code that is not in the list may be an old one, or one of the three-letter or numeric codes: that is not known here. */
static enum terminology_verdict country_verdict(struct text code, struct scope *scope) {
    (void)scope;
    if (is_in_list(countries, code)) {
        return TERMINOLOGY_YES;
    }
    bool is_other = code.size == 3 && (is_all(code, is_digit) || is_all(code, is_letter));
    return is_other ? TERMINOLOGY_UNKNOWN : TERMINOLOGY_NO;
}

static enum terminology_verdict currency_verdict(struct text code, struct scope *scope) {
    (void)scope;
    if (is_in_list(currencies, code)) {
        return TERMINOLOGY_YES;
    }
    bool is_upper = code.size == 3;
    for (size_t i = 0; i < code.size; i++) {
        is_upper = is_upper && code.at[i] >= 'A' && code.at[i] <= 'Z';
    }
    return is_upper ? TERMINOLOGY_UNKNOWN : TERMINOLOGY_NO;
}

/* ---- languages: RFC 5646, section 2.1 --------------------------------------------------------------------------- */

static bool is_language_subtag(struct text subtag) {
    return subtag.size >= 2 && subtag.size <= 8 && is_all(subtag, is_letter);
}

static bool is_country(struct text subtag) {
    char upper[2];
    if (subtag.size != 2) {
        return false;
    }
    upper[0] = (char)(subtag.at[0] & ~0x20);
    upper[1] = (char)(subtag.at[1] & ~0x20);
    return is_in_list(countries, (struct text){upper, 2});
}

/* Well-formed tags of a two-letter language and a country are known; of others the registry is not here. */
static enum terminology_verdict language_verdict(struct text code, struct scope *scope) {
    struct text folded = text_fold(scope->arena, code), rest = code;
    struct text primary = text_cut(&rest, '-');
    bool is_private = primary.size == 1 && (primary.at[0] == 'x' || primary.at[0] == 'i') && rest.size > 0;
    if (!is_private && !is_language_subtag(primary)) {
        return TERMINOLOGY_NO;
    }
    bool is_known = is_in_list(languages, (struct text){folded.at, primary.size});
    for (int count = 0; rest.at != NULL; count++) {
        struct text subtag = text_cut(&rest, '-');
        if (subtag.size == 0 || subtag.size > 8 || !is_all(subtag, is_letter_or_digit)) {
            return TERMINOLOGY_NO;
        }
        is_known = is_known && count == 0 && is_country(subtag);
    }
    return is_known ? TERMINOLOGY_YES : TERMINOLOGY_UNKNOWN;
}

/* ---- media types: RFC 6838, section 4.2 ------------------------------------------------------------------------- */

static bool is_name_character(char c) {
    return is_letter_or_digit(c) || (c != '\0' && strchr("!#$&-^_.+", c) != NULL);
}

static bool is_restricted_name(struct text name) {
    return name.size > 0 && name.size <= 127 && is_letter_or_digit(name.at[0]) && is_all(name, is_name_character);
}

static bool is_registered_top_level(struct text name, struct scope *scope) {
    static const char *const names[] = {"application", "audio", "example", "font", "haptics", "image", "message",
        "model", "multipart", "text", "video"};
    struct text folded = text_fold(scope->arena, name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (text_is(folded, names[i])) {
            return true;
        }
    }
    return false;
}

/* FHIR's own formats are also written as bare words (CapabilityStatement.format): not media types, and not refused. */
static enum terminology_verdict media_verdict(struct text code, struct scope *scope) {
    struct text parameters = code;
    struct text subtype = text_trim(text_cut(&parameters, ';'));
    struct text top = text_cut(&subtype, '/');
    if (subtype.at == NULL) {
        return is_restricted_name(top) ? TERMINOLOGY_UNKNOWN : TERMINOLOGY_NO;
    }
    if (!is_restricted_name(top) || !is_restricted_name(subtype)) {
        return TERMINOLOGY_NO;
    }
    while (parameters.at != NULL) {
        struct text value = text_cut(&parameters, ';');
        struct text name = text_trim(text_cut(&value, '='));
        if (value.at == NULL || text_trim(value).size == 0 || !is_restricted_name(name)) {
            return TERMINOLOGY_NO;
        }
    }
    return is_registered_top_level(top, scope) ? TERMINOLOGY_YES : TERMINOLOGY_UNKNOWN;
}

/* ---- which ------------------------------------------------------------------------------------------------------ */

static enum terminology_verdict unit_verdict(struct text code, struct scope *scope) {
    (void)scope;
    return grammar_unit(code);
}

static const struct {
    const char *system;
    enum terminology_verdict (*verdict)(struct text code, struct scope *scope);
} grammars[] = {
    {"http://unitsofmeasure.org", unit_verdict},
    {"urn:ietf:bcp:13", media_verdict},
    {"urn:ietf:bcp:47", language_verdict},
    {"urn:iso:std:iso:3166", country_verdict},
    {"urn:iso:std:iso:4217", currency_verdict},
};
enum { GRAMMAR_COUNT = sizeof grammars / sizeof grammars[0] };

bool grammar_rules(struct text system) {
    for (size_t i = 0; i < GRAMMAR_COUNT; i++) {
        if (text_is(system, grammars[i].system)) {
            return true;
        }
    }
    return false;
}

const char *grammar_system_at(size_t index) {
    return index < GRAMMAR_COUNT ? grammars[index].system : NULL;
}

enum terminology_verdict grammar_verdict(struct text system, struct text code, struct scope *scope) {
    for (size_t i = 0; i < GRAMMAR_COUNT; i++) {
        if (text_is(system, grammars[i].system)) {
            return code.size == 0 ? TERMINOLOGY_NO : grammars[i].verdict(code, scope);
        }
    }
    return TERMINOLOGY_UNKNOWN;
}
