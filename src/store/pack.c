/* pack: bodies as zstd frames with a dictionary.
 *
 * The dictionary that is compiled in comes from published examples, never from patients. Each folder keeps those that its
 * bodies were written with, by number. */
#include "store/store_internal.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* FRAME_LEVEL: for what is compressed in the background. */
/* A large body gains little by a thorough search, and pays for it in the time until its answer. */
enum { LEVEL = 1, FRAME_LEVEL = 3, CONTEXTS_KEPT = 8, DICTIONARIES_MAX = 64 };

extern const unsigned char soyang_store_dictionary[], soyang_store_dictionary_end[];

struct kept_dictionary {
    uint32_t number;
    ZSTD_DDict *expands;
};

/* Invariants: `count`, `at`, `current` and the three that compress are set by pack_load and constant from then on; `lock` guards the
 * two stacks of contexts. */
struct pack {
    pthread_mutex_t lock;
    ZSTD_CCtx *compressors[CONTEXTS_KEPT];
    ZSTD_DCtx *expanders[CONTEXTS_KEPT];
    size_t compressor_count, expander_count;
    ZSTD_CDict *compresses, *compresses_frames;
    uint32_t current;
    struct kept_dictionary at[DICTIONARIES_MAX];
    size_t count;
};

static struct text embedded(void) {
    return (struct text){
        (const char *)soyang_store_dictionary, (size_t)(soyang_store_dictionary_end - soyang_store_dictionary)};
}

struct pack *pack_open(void) {
    struct pack *pack = calloc(1, sizeof *pack);
    if (pack == NULL) {
        return NULL;
    }
    pthread_mutex_init(&pack->lock, NULL);
    struct text dictionary = embedded();
    pack->compresses = ZSTD_createCDict(dictionary.at, dictionary.size, LEVEL);
    pack->compresses_frames = ZSTD_createCDict(dictionary.at, dictionary.size, FRAME_LEVEL);
    if (pack->compresses == NULL || pack->compresses_frames == NULL) {
        pack_close(pack);
        return NULL;
    }
    return pack;
}

void pack_close(struct pack *pack) {
    if (pack == NULL) {
        return;
    }
    for (size_t i = 0; i < pack->compressor_count; i++) {
        ZSTD_freeCCtx(pack->compressors[i]);
    }
    for (size_t i = 0; i < pack->expander_count; i++) {
        ZSTD_freeDCtx(pack->expanders[i]);
    }
    for (size_t i = 0; i < pack->count; i++) {
        ZSTD_freeDDict(pack->at[i].expands);
    }
    ZSTD_freeCDict(pack->compresses);
    ZSTD_freeCDict(pack->compresses_frames);
    pthread_mutex_destroy(&pack->lock);
    free(pack);
}

static enum status keep(struct pack *pack, uint32_t number, struct text bytes, struct scope *scope) {
    if (pack->count == DICTIONARIES_MAX) {
        return fault(scope, STATUS_FAILED, "", "the folder holds more than %d dictionaries", DICTIONARIES_MAX);
    }
    ZSTD_DDict *expands = ZSTD_createDDict(bytes.at, bytes.size);
    if (expands == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for a dictionary");
    }
    pack->at[pack->count++] = (struct kept_dictionary){.number = number, .expands = expands};
    if (text_equal(bytes, embedded())) {
        pack->current = number;
    }
    return STATUS_OK;
}

enum status pack_load(struct pack *pack, struct connection *connection, struct scope *scope) {
    struct statement *list = statement_take(connection, SQL_DICTIONARIES);
    uint32_t greatest = 0;
    enum status status = STATUS_OK;
    int code = SQLITE_ROW;
    while (status == STATUS_OK && (code = statement_step(list)) == SQLITE_ROW) {
        greatest = (uint32_t)column_int(list, 0);
        status = keep(pack, greatest, column_bytes(list, 1), scope);
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = connection_fault(connection, scope);
    }
    statement_give(connection, list);
    if (status != STATUS_OK || pack->current != 0) {
        return status;
    }
    struct statement *add = statement_take(connection, SQL_DICTIONARY_ADD);
    bind_int(add, 1, greatest + 1);
    bind_bytes(add, 2, embedded());
    status = statement_finish(connection, add, scope);
    return status == STATUS_OK ? keep(pack, greatest + 1, embedded(), scope) : status;
}

/* ---- packing ---------------------------------------------------------------------------------------------------- */

static ZSTD_CCtx *compressor_take(struct pack *pack) {
    ZSTD_CCtx *context = NULL;
    pthread_mutex_lock(&pack->lock);
    if (pack->compressor_count > 0) {
        context = pack->compressors[--pack->compressor_count];
    }
    pthread_mutex_unlock(&pack->lock);
    return context != NULL ? context : ZSTD_createCCtx();
}

static void compressor_give(struct pack *pack, ZSTD_CCtx *context) {
    pthread_mutex_lock(&pack->lock);
    if (pack->compressor_count < CONTEXTS_KEPT) {
        pack->compressors[pack->compressor_count++] = context;
        context = NULL;
    }
    pthread_mutex_unlock(&pack->lock);
    ZSTD_freeCCtx(context);
}

enum status store_body_pack(
    struct store_body *out, struct store *store, struct text body, uint32_t gap, struct scope *scope) {
    if (body.size > UINT32_MAX / 2) {
        return fault(scope, STATUS_TOO_LARGE, "", "a body may hold %u bytes", UINT32_MAX / 2);
    }
    struct pack *pack = store->pack;
    size_t most = ZSTD_compressBound(body.size);
    char *packed = arena_bytes(scope->arena, most);
    ZSTD_CCtx *context = compressor_take(pack);
    if (context == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to compress");
    }
    size_t size = ZSTD_compress_usingCDict(context, packed, most, body.at, body.size, pack->compresses);
    compressor_give(pack, context);
    if (ZSTD_isError(size)) {
        return fault(scope, STATUS_FAILED, "", "compression failed: %s", ZSTD_getErrorName(size));
    }
    *out = (struct store_body){
        .packed = {packed, size}, .size = (uint32_t)body.size, .gap = gap, .dictionary = pack->current};
    return STATUS_OK;
}

enum status pack_frame(
    struct text *out, uint32_t *dictionary_out, struct pack *pack, struct text raw, struct scope *scope) {
    size_t most = ZSTD_compressBound(raw.size);
    char *packed = arena_bytes(scope->arena, most);
    ZSTD_CCtx *context = compressor_take(pack);
    if (context == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to compress");
    }
    size_t size = 0;
    if (dictionary_out == NULL) {
        size = ZSTD_compressCCtx(context, packed, most, raw.at, raw.size, FRAME_LEVEL);
    } else {
        size = ZSTD_compress_usingCDict(context, packed, most, raw.at, raw.size, pack->compresses_frames);
        *dictionary_out = pack->current;
    }
    compressor_give(pack, context);
    if (ZSTD_isError(size)) {
        return fault(scope, STATUS_FAILED, "", "compression failed: %s", ZSTD_getErrorName(size));
    }
    *out = (struct text){packed, size};
    return STATUS_OK;
}

static ZSTD_DCtx *expander_take(struct pack *pack) {
    ZSTD_DCtx *context = NULL;
    pthread_mutex_lock(&pack->lock);
    if (pack->expander_count > 0) {
        context = pack->expanders[--pack->expander_count];
    }
    pthread_mutex_unlock(&pack->lock);
    return context != NULL ? context : ZSTD_createDCtx();
}

static void expander_give(struct pack *pack, ZSTD_DCtx *context) {
    pthread_mutex_lock(&pack->lock);
    if (pack->expander_count < CONTEXTS_KEPT) {
        pack->expanders[pack->expander_count++] = context;
        context = NULL;
    }
    pthread_mutex_unlock(&pack->lock);
    ZSTD_freeDCtx(context);
}

static const ZSTD_DDict *dictionary_find(const struct pack *pack, uint32_t number) {
    for (size_t i = 0; i < pack->count; i++) {
        if (pack->at[i].number == number) {
            return pack->at[i].expands;
        }
    }
    return NULL;
}

enum status pack_unframe(
    char *out, size_t size, struct pack *pack, struct text packed, uint32_t dictionary, struct scope *scope) {
    const ZSTD_DDict *expands = dictionary == 0 ? NULL : dictionary_find(pack, dictionary);
    if (dictionary != 0 && expands == NULL) {
        return fault(scope, STATUS_FAILED, "", "a frame names dictionary %u, which the folder lacks", dictionary);
    }
    ZSTD_DCtx *context = expander_take(pack);
    if (context == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to expand");
    }
    size_t got = expands == NULL ? ZSTD_decompressDCtx(context, out, size, packed.at, packed.size)
                                 : ZSTD_decompress_usingDDict(context, out, size, packed.at, packed.size, expands);
    expander_give(pack, context);
    return ZSTD_isError(got) || got != size ? fault(scope, STATUS_FAILED, "", "a frame of versions is damaged")
                                            : STATUS_OK;
}

enum status pack_expand(struct text *out, struct pack *pack, const struct store_body *body, struct scope *scope) {
    if (body->dictionary == 0 && body->packed.size == body->size) {
        *out = text_copy(scope->arena, body->packed);
        return STATUS_OK;
    }
    const ZSTD_DDict *dictionary = dictionary_find(pack, body->dictionary);
    if (dictionary == NULL) {
        return fault(scope, STATUS_FAILED, "", "a body names dictionary %u, which the folder lacks", body->dictionary);
    }
    char *bytes = arena_bytes(scope->arena, (size_t)body->size + 1);
    ZSTD_DCtx *context = expander_take(pack);
    if (context == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to expand");
    }
    size_t size =
        ZSTD_decompress_usingDDict(context, bytes, body->size, body->packed.at, body->packed.size, dictionary);
    expander_give(pack, context);
    if (ZSTD_isError(size) || size != body->size) {
        return fault(scope, STATUS_FAILED, "", "a body is damaged");
    }
    bytes[size] = '\0';
    *out = (struct text){bytes, size};
    return STATUS_OK;
}
