/* Seals: what was given out comes back, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/base.h"

static const struct text key = {"0123456789abcdef", 16}, purpose = {"Patient/1/_history", 18};

static void test_round_trip(void **state) {
    (void)state;
    struct arena *arena = arena_open((size_t)8 << 20);
    char bytes[SEAL_BYTES_MAX];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7 + 1);
    }
    for (size_t size = 1; size <= sizeof bytes; size += size < 20 ? 1 : 97) {
        struct text out = {0}, sealed = seal_close(arena, key, purpose, (struct text){bytes, size});
        assert_true(seal_open(&out, arena, key, purpose, sealed));
        assert_true(text_equal(out, (struct text){bytes, size}));
    }
    arena_close(arena);
}

/* Every character changed to every other of the alphabet, every length cut: none opens. */
static void test_forgeries(void **state) {
    (void)state;
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ %";
    struct arena *arena = arena_open((size_t)64 << 20);
    struct text out, sealed = seal_close(arena, key, purpose, TEXT("twelve bytes"));
    char forged[128];
    for (size_t i = 0; i < sealed.size; i++) {
        for (size_t c = 0; c < sizeof alphabet; c++) {
            memcpy(forged, sealed.at, sealed.size);
            forged[i] = alphabet[c];
            if (alphabet[c] != sealed.at[i]) {
                assert_false(seal_open(&out, arena, key, purpose, (struct text){forged, sealed.size}));
            }
        }
        assert_false(seal_open(&out, arena, key, purpose, (struct text){sealed.at, i}));
    }
    arena_close(arena);
}

static void test_purpose_and_key(void **state) {
    (void)state;
    struct arena *arena = arena_open((size_t)1 << 20);
    struct text out, sealed = seal_close(arena, key, TEXT("ab"), TEXT("c"));
    assert_true(seal_open(&out, arena, key, TEXT("ab"), sealed));
    assert_false(seal_open(&out, arena, key, TEXT("a"), sealed));
    assert_false(seal_open(&out, arena, key, TEXT(""), sealed));
    assert_false(seal_open(&out, arena, TEXT("another key"), TEXT("ab"), sealed));
    assert_false(text_equal(sealed, seal_close(arena, key, TEXT("a"), TEXT("bc"))));
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_forgeries),
        cmocka_unit_test(test_purpose_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
