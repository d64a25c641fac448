/* Content codings: what a client takes and sends (RFC 9110 sections 8.4 and 12.5.3).
 *
 * The fastest level of each: a patient of 3 KB costs some 10 µs with zstd and 40 µs with gzip. Long answers are coded by workers. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "server/exchange.h"

enum {
    GZIP_LEVEL = 1,
    ZSTD_LEVEL = 1,
    GZIP_WINDOW = 15 + 16,    /* zlib's way to say gzip */
    ZSTD_WINDOW_LOG_MAX = 23, /* 8 MB: RFC 9659 allows no more in this coding */
    WORTH_IT = 1024,          /* a shorter answer goes in one packet anyway */
    KEPT = 8,
    CHUNK = 64 * 1024,
};

/* Contexts are kept, since making one costs more than coding a small answer. `lock` guards the stacks. */
struct coders {
    pthread_mutex_t lock;
    z_stream *gzips[KEPT];
    ZSTD_CCtx *zstds[KEPT];
    size_t gzip_count, zstd_count;
};

enum status coders_open(struct coders **out, struct scope *scope) {
    struct coders *coders = calloc(1, sizeof *coders);
    if (coders == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for content codings");
    pthread_mutex_init(&coders->lock, NULL);
    *out = coders;
    return STATUS_OK;
}

static void gzip_close(z_stream *stream) {
    if (stream != NULL) {
        deflateEnd(stream);
        free(stream);
    }
}

void coders_close(struct coders *coders) {
    if (coders == NULL)
        return;
    for (size_t i = 0; i < coders->gzip_count; i++)
        gzip_close(coders->gzips[i]);
    for (size_t i = 0; i < coders->zstd_count; i++)
        ZSTD_freeCCtx(coders->zstds[i]);
    pthread_mutex_destroy(&coders->lock);
    free(coders);
}

/* ---- Accept-Encoding -------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum exchange_coding coding;
} names[] = {
    {"identity", EXCHANGE_IDENTITY},
    {"gzip", EXCHANGE_GZIP},
    {"x-gzip", EXCHANGE_GZIP},
    {"zstd", EXCHANGE_ZSTD},
};

static enum exchange_coding coding_find(struct text name) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (name.size == strlen(names[i].name) && strncasecmp(name.at, names[i].name, name.size) == 0)
            return names[i].coding;
    return EXCHANGE_NO_CODING;
}

/* What is not named has the star's weight; identity is taken unless it, or all, is refused. */
static void weigh(int weights[static EXCHANGE_NO_CODING], struct text header) {
    enum { UNSAID = -1 };
    int star = UNSAID;
    for (int i = 0; i < EXCHANGE_NO_CODING; i++)
        weights[i] = UNSAID;
    while (header.size > 0) {
        struct text parameters = text_cut(&header, ',');
        struct text name = text_trim(text_cut(&parameters, ';'));
        enum exchange_coding coding = coding_find(name);
        if (coding != EXCHANGE_NO_CODING)
            weights[coding] = format_weight(parameters);
        else if (text_is(name, "*"))
            star = format_weight(parameters);
    }
    for (int i = 0; i < EXCHANGE_NO_CODING; i++)
        if (weights[i] == UNSAID)
            weights[i] = star != UNSAID ? star : i == EXCHANGE_IDENTITY ? 1 : 0;
}

enum status coding_take_accept(struct exchange *exchange, enum exchange_codings offered, struct scope *scope) {
    static const enum exchange_coding by_taste[] = {EXCHANGE_ZSTD, EXCHANGE_GZIP, EXCHANGE_IDENTITY};
    const char *header = exchange_request_header(exchange, "Accept-Encoding");
    exchange->coding = EXCHANGE_IDENTITY;
    if (header == NULL)
        return STATUS_OK;
    int weights[EXCHANGE_NO_CODING], best = 0;
    weigh(weights, text_from(header));
    if (offered == EXCHANGE_GZIP_ONLY)
        weights[EXCHANGE_ZSTD] = 0;
    for (size_t i = 0; i < sizeof by_taste / sizeof by_taste[0]; i++)
        if (weights[by_taste[i]] > best) {
            best = weights[by_taste[i]];
            exchange->coding = by_taste[i];
        }
    exchange->is_identity_refused = weights[EXCHANGE_IDENTITY] == 0;
    if (best > 0)
        return STATUS_OK;
    exchange->is_identity_refused = false; /* the refusal itself has to be said somehow */
    exchange->http_status = 406;
    return fault(scope, STATUS_UNSUPPORTED, "", "this server codes its answers in zstd, gzip or not at all");
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static z_stream *gzip_take(struct coders *coders) {
    z_stream *stream = NULL;
    pthread_mutex_lock(&coders->lock);
    if (coders->gzip_count > 0)
        stream = coders->gzips[--coders->gzip_count];
    pthread_mutex_unlock(&coders->lock);
    if (stream != NULL) {
        deflateReset(stream);
        return stream;
    }
    stream = calloc(1, sizeof *stream);
    if (stream != NULL &&
        deflateInit2(stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(stream);
        stream = NULL;
    }
    return stream;
}

static void gzip_give(struct coders *coders, z_stream *stream) {
    pthread_mutex_lock(&coders->lock);
    if (coders->gzip_count < KEPT) {
        coders->gzips[coders->gzip_count++] = stream;
        stream = NULL;
    }
    pthread_mutex_unlock(&coders->lock);
    gzip_close(stream);
}

static size_t gzip_content(struct coders *coders, char *to, size_t most, struct text content) {
    z_stream *stream = gzip_take(coders);
    if (stream == NULL)
        return 0;
    stream->next_in = (Bytef *)(uintptr_t)content.at;
    stream->avail_in = (uInt)content.size;
    stream->next_out = (Bytef *)to;
    stream->avail_out = (uInt)most;
    size_t size = deflate(stream, Z_FINISH) == Z_STREAM_END ? most - stream->avail_out : 0;
    gzip_give(coders, stream);
    return size;
}

static size_t zstd_content(struct coders *coders, char *to, size_t most, struct text content) {
    ZSTD_CCtx *context = NULL;
    pthread_mutex_lock(&coders->lock);
    if (coders->zstd_count > 0)
        context = coders->zstds[--coders->zstd_count];
    pthread_mutex_unlock(&coders->lock);
    context = context != NULL ? context : ZSTD_createCCtx();
    if (context == NULL)
        return 0;
    size_t size = ZSTD_compressCCtx(context, to, most, content.at, content.size, ZSTD_LEVEL);
    pthread_mutex_lock(&coders->lock);
    if (coders->zstd_count < KEPT) {
        coders->zstds[coders->zstd_count++] = context;
        context = NULL;
    }
    pthread_mutex_unlock(&coders->lock);
    ZSTD_freeCCtx(context);
    return ZSTD_isError(size) ? 0 : size;
}

static enum status encode(void *context, struct scope *scope) {
    struct exchange *exchange = context;
    struct text content = exchange->content;
    struct coders *coders = exchange->server->coders;
    bool is_zstd = exchange->coding == EXCHANGE_ZSTD;
    size_t most = is_zstd ? ZSTD_compressBound(content.size) : compressBound(content.size) + 32;
    char *to = arena_bytes(scope->arena, most);
    size_t size = is_zstd ? zstd_content(coders, to, most, content) : gzip_content(coders, to, most, content);
    if (size == 0)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to code the answer");
    exchange->content = (struct text){to, size};
    exchange_header(exchange, "Content-Encoding", is_zstd ? "zstd" : "gzip");
    return STATUS_OK;
}

void coding_encode(struct exchange *exchange) {
    bool is_done = exchange->is_encoded;
    exchange->is_encoded = true;
    if (is_done || exchange->coding == EXCHANGE_IDENTITY || exchange->content.size == 0 ||
        (exchange->content.size < WORTH_IT && !exchange->is_identity_refused))
        return;
    struct scope scope = {.arena = exchange->arena};
    if (scope_run(&scope, exchange->arena, encode, exchange) != STATUS_OK) /* plain is better than none */
        log_event(LOG_WARNING, "answer-not-coded", NULL);
}

/* ---- bodies of requests ----------------------------------------------------------------------------------------- */

static void inflate_close(void *stream) {
    inflateEnd(stream);
}

static void zstd_close(void *context) {
    ZSTD_freeDCtx(context);
}

static enum status broken(struct scope *scope) {
    return fault(scope, STATUS_INVALID, "", "the request's body is not what its Content-Encoding says");
}

/* Members of a gzip file may follow one another (RFC 1952, 2.2). */
static enum status gunzip(struct buffer *out, struct text coded, struct scope *scope) {
    z_stream *stream = ARENA_NEW(scope->arena, z_stream);
    char *chunk = arena_bytes(scope->arena, CHUNK);
    if (inflateInit2(stream, GZIP_WINDOW) != Z_OK)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to decode the request's body");
    arena_defer(scope->arena, inflate_close, stream);
    stream->next_in = (Bytef *)(uintptr_t)coded.at;
    stream->avail_in = (uInt)coded.size;
    for (int code = Z_OK; !out->full;) {
        stream->next_out = (Bytef *)chunk;
        stream->avail_out = CHUNK;
        code = inflate(stream, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END)
            return broken(scope);
        buffer_put(out, (struct text){chunk, CHUNK - stream->avail_out});
        if (code == Z_STREAM_END && stream->avail_in == 0)
            return STATUS_OK;
        if (code == Z_STREAM_END && inflateReset(stream) != Z_OK)
            return broken(scope);
        if (code == Z_OK && stream->avail_in == 0 && stream->avail_out == CHUNK)
            return broken(scope); /* it ends too soon */
    }
    return STATUS_OK;
}

static enum status unzstd(struct buffer *out, struct text coded, struct scope *scope) {
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory to decode the request's body");
    arena_defer(scope->arena, zstd_close, context);
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    char *chunk = arena_bytes(scope->arena, CHUNK);
    ZSTD_inBuffer in = {coded.at, coded.size, 0};
    while (!out->full) {
        ZSTD_outBuffer to = {chunk, CHUNK, 0};
        size_t left = ZSTD_decompressStream(context, &to, &in);
        if (ZSTD_isError(left))
            return broken(scope);
        buffer_put(out, (struct text){chunk, to.pos});
        if (left == 0 && in.pos == in.size)
            return STATUS_OK;
        if (in.pos == in.size && to.pos == 0)
            return broken(scope);
    }
    return STATUS_OK;
}

enum status coding_take_body(struct exchange *exchange, struct scope *scope) {
    const char *header = exchange_request_header(exchange, "Content-Encoding");
    struct text coded = buffer_text(&exchange->body);
    if (header == NULL || coded.size == 0)
        return STATUS_OK;
    enum exchange_coding coding = coding_find(text_trim(text_from(header)));
    if (coding == EXCHANGE_IDENTITY)
        return STATUS_OK;
    if (coding == EXCHANGE_NO_CODING) {
        exchange->http_status = 415;
        exchange_header(exchange, "Accept-Encoding", "zstd, gzip");
        return fault(
            scope, STATUS_UNSUPPORTED, "", "the Content-Encoding of a request may be gzip or zstd, one of them");
    }
    struct buffer plain = buffer_open(scope->arena, exchange->server->config.body_max);
    enum status status = coding == EXCHANGE_ZSTD ? unzstd(&plain, coded, scope) : gunzip(&plain, coded, scope);
    if (status == STATUS_OK && plain.full)
        return fault(scope, STATUS_TOO_LARGE, "", "the request's body is larger than %zu bytes once decoded",
            exchange->server->config.body_max);
    exchange->body = plain;
    return status;
}
