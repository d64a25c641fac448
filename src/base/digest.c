/* SHA-256 by OpenSSL's plain functions: unlike its newer ones they allocate nothing, so that a digest cannot fail. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/base.h"

#include <openssl/sha.h>
#include <string.h>

static void take(SHA256_CTX *context, const void *at, size_t size) {
    if (size > 0) {
        invariant(SHA256_Update(context, at, size) == 1);
    }
}

void digest_sha256(uint8_t out[static DIGEST_SIZE], struct text bytes) {
    SHA256_CTX context;
    invariant(SHA256_Init(&context) == 1);
    take(&context, bytes.at, bytes.size);
    invariant(SHA256_Final(out, &context) == 1);
}

static void keyed(
    uint8_t out[static DIGEST_SIZE], const uint8_t key[static SHA256_CBLOCK], uint8_t pad, struct text bytes) {
    uint8_t block[SHA256_CBLOCK];
    SHA256_CTX context;
    for (int i = 0; i < SHA256_CBLOCK; i++) {
        block[i] = key[i] ^ pad;
    }
    invariant(SHA256_Init(&context) == 1);
    take(&context, block, sizeof block);
    take(&context, bytes.at, bytes.size);
    invariant(SHA256_Final(out, &context) == 1);
}

void digest_hmac(uint8_t out[static DIGEST_SIZE], struct text key, struct text bytes) {
    enum { INNER = 0x36, OUTER = 0x5c };
    uint8_t block[SHA256_CBLOCK] = {0}, inner[DIGEST_SIZE];
    if (key.size > sizeof block) {
        digest_sha256(block, key);
    } else if (key.size > 0) {
        memcpy(block, key.at, key.size);
    }
    keyed(inner, block, INNER, bytes);
    keyed(out, block, OUTER, (struct text){(const char *)inner, sizeof inner});
}
