/* Codes made by rules: units, languages, media types, countries, currencies. The units are also all those of R4's value set
 * of common UCUM codes. */
#include "terminology/book.h"
#include "terminology/grammar.h"
#include "unit/terminology/library.h"

static const char unit[] = "http://unitsofmeasure.org", language[] = "urn:ietf:bcp:47", media[] = "urn:ietf:bcp:13",
                  country[] = "urn:iso:std:iso:3166", currency[] = "urn:iso:std:iso:4217";

static const struct {
    const char *system, *code;
    enum terminology_verdict verdict;
} rows[] = {
    {unit, "mg", TERMINOLOGY_YES},
    {unit, "mg/dL", TERMINOLOGY_YES},
    {unit, "/min", TERMINOLOGY_YES},
    {unit, "{beats}/min", TERMINOLOGY_YES},
    {unit, "10*3/uL", TERMINOLOGY_YES},
    {unit, "10*-6", TERMINOLOGY_YES},
    {unit, "mm[Hg]", TERMINOLOGY_YES},
    {unit, "m[IU]/L", TERMINOLOGY_YES},
    {unit, "kg/m2", TERMINOLOGY_YES},
    {unit, "mL/min/{1.73_m2}", TERMINOLOGY_YES},
    {unit, "Cel", TERMINOLOGY_YES},
    {unit, "[degF]", TERMINOLOGY_YES},
    {unit, "1", TERMINOLOGY_YES},
    {unit, "%", TERMINOLOGY_YES},
    {unit, "(mg.kg)/h", TERMINOLOGY_YES},
    {unit, "s-1", TERMINOLOGY_YES},
    {unit, "{score}", TERMINOLOGY_YES},
    {unit, "a", TERMINOLOGY_YES},
    {unit, "MG", TERMINOLOGY_YES}, /* a million gauss */
    {unit, "Mg/dl/yr", TERMINOLOGY_UNKNOWN},
    {unit, "days", TERMINOLOGY_UNKNOWN},
    {unit, "[foo'U]", TERMINOLOGY_UNKNOWN},
    {unit, "kmin", TERMINOLOGY_UNKNOWN},
    {unit, "mg//dL", TERMINOLOGY_NO},
    {unit, "mg/", TERMINOLOGY_NO},
    {unit, "mg dL", TERMINOLOGY_NO},
    {unit, "(mg", TERMINOLOGY_NO},
    {unit, "mg)", TERMINOLOGY_NO},
    {unit, "{beats", TERMINOLOGY_NO},
    {unit, "[iU", TERMINOLOGY_NO},
    {unit, "m+", TERMINOLOGY_NO},
    {unit, "\xc2\xb5g", TERMINOLOGY_NO},
    {unit, "((((((((((((((((((m))))))))))))))))))", TERMINOLOGY_NO},
    {unit, "", TERMINOLOGY_NO},
    {language, "ko", TERMINOLOGY_YES},
    {language, "ko-KR", TERMINOLOGY_YES},
    {language, "en-us", TERMINOLOGY_YES},
    {language, "zh-Hant-TW", TERMINOLOGY_UNKNOWN},
    {language, "ko-ZZ", TERMINOLOGY_UNKNOWN},
    {language, "kor", TERMINOLOGY_UNKNOWN},
    {language, "x-private", TERMINOLOGY_UNKNOWN},
    {language, "ko_KR", TERMINOLOGY_NO},
    {language, "k", TERMINOLOGY_NO},
    {language, "ko-", TERMINOLOGY_NO},
    {language, "english", TERMINOLOGY_UNKNOWN},
    {language, "12", TERMINOLOGY_NO},
    {media, "application/fhir+json", TERMINOLOGY_YES},
    {media, "text/plain; charset=UTF-8", TERMINOLOGY_YES},
    {media, "application/fhir+xml;fhirVersion=4.0", TERMINOLOGY_YES},
    {media, "Image/PNG", TERMINOLOGY_YES},
    {media, "chemical/x-pdb", TERMINOLOGY_UNKNOWN},
    {media, "json", TERMINOLOGY_UNKNOWN},
    {media, "text/", TERMINOLOGY_NO},
    {media, "/plain", TERMINOLOGY_NO},
    {media, "text/pl ain", TERMINOLOGY_NO},
    {media, "text/plain;charset", TERMINOLOGY_NO},
    {country, "KR", TERMINOLOGY_YES},
    {country, "KOR", TERMINOLOGY_UNKNOWN},
    {country, "410", TERMINOLOGY_UNKNOWN},
    {country, "kr", TERMINOLOGY_NO},
    {country, "XX", TERMINOLOGY_NO},
    {country, "D A", TERMINOLOGY_NO},
    {currency, "KRW", TERMINOLOGY_YES},
    {currency, "DEM", TERMINOLOGY_UNKNOWN},
    {currency, "won", TERMINOLOGY_NO},
    {currency, "RW KW", TERMINOLOGY_NO},
};

static void test_rows(void **state) {
    struct scope scope = {.arena = arena_open(LIBRARY_BYTES_MAX)};
    int failures = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text system = text_from(rows[i].system);
        enum terminology_verdict found = grammar_verdict(system, text_from(rows[i].code), &scope);
        assert_true(grammar_rules(system));
        if (found != rows[i].verdict) {
            print_message("%s %s: expected %d, found %d\n", rows[i].system, rows[i].code, rows[i].verdict, found);
            failures++;
        }
    }
    assert_false(grammar_rules(TEXT("http://loinc.org")));
    arena_close(scope.arena);
    assert_int_equal(failures, 0);
}

static void test_common_units(void **state) {
    struct scope scope = {.arena = arena_open(LIBRARY_BYTES_MAX)};
    const struct terminology_book *book = &terminology_builtin;
    struct book_range range = book_value_sets_find(book, TEXT("http://hl7.org/fhir/ValueSet/ucum-common"));
    size_t count = 0, failures = 0;
    (void)state;
    assert_int_equal(range.count, 1);
    const struct value_set_row *row = &book->value_sets[range.first];
    for (uint32_t i = 0; i < row->include_count; i++) {
        const struct include_row *include = &book->includes[row->include_first + i];
        for (uint32_t j = 0; j < include->listed_count; j++, count++) {
            struct text code = book_text(book, book->listed[include->listed_first + j].code);
            if (grammar_verdict(text_from(unit), code, &scope) != TERMINOLOGY_YES) {
                print_message("not a unit: %.*s\n", (int)code.size, code.at);
                failures++;
            }
        }
    }
    arena_close(scope.arena);
    assert_true(count > 1000);
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_common_units)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
