#include "base/base.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/random.h>

void random_bytes(void *out, size_t size) {
    unsigned char *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        invariant(got > 0 || errno == EINTR); /* nothing that follows would be safe */
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
}

/* RFC 9562, section 6.2, method 3: the 48 bits of milliseconds are followed by 12 bits of the millisecond's fraction, and
 * the 60 bits together are a counter that never repeats in a process: the one state of this file. */
static _Atomic uint64_t last_tick;

static uint64_t next_tick(int64_t now_us) {
    uint64_t us = now_us < 0 ? 0 : (uint64_t)now_us;
    uint64_t now = (us / 1000) << 12 | (us % 1000) * 4096 / 1000;
    uint64_t last = atomic_load(&last_tick);
    uint64_t next;
    do {
        next = now > last ? now : last + 1;
    } while (!atomic_compare_exchange_weak(&last_tick, &last, next));
    return next;
}

static char *put_hex(char *out, const uint8_t *bytes, size_t count) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    return out;
}

void id_new(char out[static ID_TEXT_SIZE], const struct clock *clock) {
    uint8_t bytes[16];
    random_bytes(bytes + 8, 8);
    uint64_t tick = next_tick(clock_now_us(clock));
    uint64_t ms = tick >> 12;
    for (int i = 0; i < 6; i++) {
        bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    bytes[6] = (uint8_t)(0x70 | ((tick >> 8) & 0x0F)); /* version 7 */
    bytes[7] = (uint8_t)tick;
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3F)); /* the RFC's variant */

    static const size_t groups[] = {4, 2, 2, 2, 6};
    const uint8_t *at = bytes;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (i > 0) {
            *out++ = '-';
        }
        out = put_hex(out, at, groups[i]);
        at += groups[i];
    }
    *out = '\0';
}

void digest_text(char out[static DIGEST_TEXT_SIZE], const uint8_t digest[static DIGEST_SIZE]) {
    *put_hex(out, digest, DIGEST_SIZE) = '\0';
}
