/* Which particle follows a word. */
#include "base/base.h"
#include "unit/cmocka_all.h"

static void words_take_their_particle(void **state) {
    (void)state;
    static const struct {
        const char *both, *expected;
    } rows[] = {
        {"병원이(가)", "병원이"},
        {"센터이(가)", "센터가"},
        {"투석을(를)", "투석을"},
        {"심근경색 재관류중재술을(를)", "심근경색 재관류중재술을"},
        {"처치을(를)", "처치를"},
        {"강릉아산병원(으)로", "강릉아산병원으로"},
        {"의료원(강릉)(으)로", "의료원(강릉)으로"},
        {"뇌출혈 수술(거미막하출혈 외)을(를)", "뇌출혈 수술(거미막하출혈 외)을"},
        {"서울(으)로", "서울로"},
        {"서울이(가)", "서울이"},
        {"보건소은(는)", "보건소는"},
        {"환자와(과)", "환자와"},
        {"수술와(과)", "수술과"},
        {"“흉통”은(는)", "“흉통”은"},
        {"3이(가)", "3이"},
        {"2이(가)", "2가"},
        {"10을(를)", "10을"},
        {"1(으)로", "1로"},
        {"6(으)로", "6으로"},
        {"97 %이(가)", "97 %가"},
        {"38.5 ℃이(가)", "38.5 ℃가"},
        {"CT이(가)", "CT가"},
        {"MRI을(를)", "MRI를"},
        {"ER(으)로", "ER로"},
        {"VPN을(를)", "VPN을"},
        {"stat이(가)", "stat이"},
        {"urgent이(가)", "urgent가"},
        {"routine이(가)", "routine이"},
        {"hospital(으)로", "hospital로"},
        {"center을(를)", "center를"},
        {"120 mmHg은(는)", "120 mmHg는"},
        {"5 kg이(가)", "5 kg이"},
        {"12 cm이(가)", "12 cm가"},
        {"clinic을(를)", "clinic을"},
        {"?이(가)", "?이(가)"},
        {"이(가)", "이(가)"},
        {"", ""},
        {"A병원이(가) 센터을(를) 서울(으)로", "A병원이 센터를 서울로"},
        {"(은)", "(은)"},
    };
    struct arena *arena = arena_open(1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text said = korean_particles(arena, text_from(rows[i].both));
        if (!text_is(said, rows[i].expected))
            fail_msg("%s: %.*s", rows[i].both, (int)said.size, said.at);
    }
    arena_close(arena);
}

static void ends_are_known(void **state) {
    (void)state;
    assert_int_equal(korean_end(TEXT("80회/분")), KOREAN_END_CLOSED);
    assert_int_equal(korean_end(TEXT("13")), KOREAN_END_CLOSED);
    assert_int_equal(korean_end(TEXT("120 mmHg")), KOREAN_END_OPEN);
    assert_int_equal(korean_end(TEXT("(서울)")), KOREAN_END_RIEUL);
    assert_int_equal(korean_end(TEXT("()")), KOREAN_END_UNKNOWN);
    assert_int_equal(korean_end(TEXT(")")), KOREAN_END_UNKNOWN);
    assert_int_equal(korean_end((struct text){0}), KOREAN_END_UNKNOWN);
    assert_int_equal(korean_end(TEXT("é")), KOREAN_END_UNKNOWN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_take_their_particle),
        cmocka_unit_test(ends_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
