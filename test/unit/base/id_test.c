/* Ids that sort by time and never repeat; digests against published vectors. */
#include "base/base.h"
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void ids_are_uuid_version_7(void **state) {
    (void)state;
    struct clock *clock = clock_open(1);
    char id[ID_TEXT_SIZE];
    id_new(id, clock);
    assert_int_equal(strlen(id), 36);
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        assert_true(dash ? id[i] == '-' : strchr("0123456789abcdef", id[i]) != NULL);
    }
    assert_int_equal(id[14], '7');
    assert_non_null(strchr("89ab", id[19]));
    char milliseconds[13] = "";
    memcpy(milliseconds, id, 8);
    memcpy(milliseconds + 8, id + 9, 4);
    int64_t age_ms = clock_now_us(clock) / 1000 - (int64_t)strtoll(milliseconds, NULL, 16);
    assert_true(age_ms >= 0 && age_ms < 5000);
    clock_close(clock);
}

enum { THREADS = 4, IDS = 20000 };

struct maker {
    pthread_t thread;
    const struct clock *clock;
    char (*ids)[ID_TEXT_SIZE];
};

static void *make_ids(void *object) {
    struct maker *maker = object;
    for (int i = 0; i < IDS; i++) {
        id_new(maker->ids[i], maker->clock);
    }
    return NULL;
}

static int compare_ids(const void *a, const void *b) {
    return strcmp(a, b);
}

static void ids_increase_in_every_thread_and_never_repeat(void **state) {
    (void)state;
    struct clock *clock = clock_open_manual(1795316645678000); /* stands still: the counter must do it alone */
    char(*ids)[ID_TEXT_SIZE] = calloc(THREADS * IDS, sizeof *ids);
    struct maker makers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        makers[i] = (struct maker){.clock = clock, .ids = ids + i * IDS};
        assert_int_equal(pthread_create(&makers[i].thread, NULL, make_ids, &makers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(makers[i].thread, NULL);
        for (int k = 1; k < IDS; k++) {
            assert_true(strcmp(makers[i].ids[k - 1], makers[i].ids[k]) < 0);
        }
    }
    qsort(ids, THREADS * IDS, sizeof *ids, compare_ids);
    for (int i = 1; i < THREADS * IDS; i++) {
        assert_true(strncmp(ids[i - 1], ids[i], 18) < 0); /* already the first 60 bits differ */
    }
    free(ids);
    clock_close(clock);
}

static void random_bytes_fill_everything(void **state) {
    (void)state;
    unsigned char seen[1000] = {0};
    for (int round = 0; round < 8; round++) {
        unsigned char bytes[1000];
        random_bytes(bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof bytes; i++) {
            seen[i] |= bytes[i] != 0;
        }
    }
    for (size_t i = 0; i < sizeof seen; i++) {
        assert_true(seen[i]);
    }
}

/* FIPS 180-4 examples. */
static void digests_match_the_standard(void **state) {
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t digest[DIGEST_SIZE];
        char text[DIGEST_TEXT_SIZE];
        digest_sha256(digest, text_from(cases[i].from));
        digest_text(text, digest);
        assert_string_equal(text, cases[i].to);
    }
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(digest, (struct text){NULL, 0});
    assert_int_equal(digest[0], 0xE3);
}

/* RFC 4231, test cases 2 and 6. */
static void hmacs_are_right(void **state) {
    (void)state;
    char long_key[131];
    memset(long_key, 0xaa, sizeof long_key);
    const struct {
        struct text key, data;
        const char *to;
    } cases[] = {
        {TEXT("Jefe"), TEXT("what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {{long_key, sizeof long_key}, TEXT("Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t digest[DIGEST_SIZE];
        char text[DIGEST_TEXT_SIZE];
        digest_hmac(digest, cases[i].key, cases[i].data);
        digest_text(text, digest);
        assert_string_equal(text, cases[i].to);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_uuid_version_7),
        cmocka_unit_test(ids_increase_in_every_thread_and_never_repeat),
        cmocka_unit_test(random_bytes_fill_everything),
        cmocka_unit_test(digests_match_the_standard),
        cmocka_unit_test(hmacs_are_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
