#include <bzlib.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "cli/source.h"

enum { SOURCE_CHUNK = 256 * 1024 };

struct source {
    const char *path;
    FILE *file;
    int64_t file_size, file_read;
    enum source_packing { SOURCE_PLAIN, SOURCE_GZIP, SOURCE_BZIP2, SOURCE_ZSTD } packing;
    bool is_lines, is_input_done, is_done;
    bool is_inside; /* of a compressed stream: the file must not end here */
    z_stream gzip;
    bz_stream bzip2;
    ZSTD_DStream *zstd;
    unsigned char input[SOURCE_CHUNK];
    size_t input_at, input_size;
    char output[SOURCE_CHUNK];
    size_t output_at, output_size;
    long line;
};

static enum source_packing packing_of(const char *path) {
    struct text name = text_from(path);
    if (text_ends(name, ".gz"))
        return SOURCE_GZIP;
    if (text_ends(name, ".bz2"))
        return SOURCE_BZIP2;
    return text_ends(name, ".zst") ? SOURCE_ZSTD : SOURCE_PLAIN;
}

static bool holds_lines(const char *path) {
    return strstr(path, ".ndjson") != NULL || strstr(path, ".jsonl") != NULL;
}

static bool start_unpacking(struct source *source) {
    switch (source->packing) {
    case SOURCE_GZIP:
        return inflateInit2(&source->gzip, 15 + 16) == Z_OK; /* 32 KiB window, gzip wrapper */
    case SOURCE_BZIP2:
        return BZ2_bzDecompressInit(&source->bzip2, 0, 0) == BZ_OK;
    case SOURCE_ZSTD:
        source->zstd = ZSTD_createDStream();
        return source->zstd != NULL;
    case SOURCE_PLAIN:
        break;
    }
    return true;
}

enum status source_open(struct source **out, const char *path, struct scope *scope) {
    struct stat about;
    struct source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return fault(scope, STATUS_UNAVAILABLE, path, "no memory to read it");
    source->path = path;
    source->file = fopen(path, "rb");
    if (source->file == NULL || fstat(fileno(source->file), &about) != 0) {
        enum status status = fault(scope, STATUS_NOT_FOUND, path, "cannot be read: %s", strerror(errno));
        source_close(source);
        return status;
    }
    if (S_ISDIR(about.st_mode)) {
        source_close(source);
        return fault(scope, STATUS_INVALID, path, "is a folder, not a file");
    }
    source->file_size = about.st_size;
    source->packing = packing_of(path);
    source->is_lines = holds_lines(path);
    if (!start_unpacking(source)) {
        source_close(source);
        return fault(scope, STATUS_UNAVAILABLE, path, "no memory to decompress it");
    }
    *out = source;
    return STATUS_OK;
}

enum status sources_stand(const char *const *paths, int count, struct scope *scope) {
    for (int i = 0; i < count; i++) {
        struct stat about;
        if (stat(paths[i], &about) != 0 || access(paths[i], R_OK) != 0)
            return fault(scope, STATUS_NOT_FOUND, paths[i], "cannot be read: %s", strerror(errno));
        if (S_ISDIR(about.st_mode))
            return fault(scope, STATUS_INVALID, paths[i], "is a folder, not a file");
    }
    return STATUS_OK;
}

void source_by_lines(struct source *source) {
    source->is_lines = true;
}

void source_close(struct source *source) {
    if (source == NULL)
        return;
    if (source->packing == SOURCE_GZIP)
        inflateEnd(&source->gzip);
    if (source->packing == SOURCE_BZIP2)
        BZ2_bzDecompressEnd(&source->bzip2);
    ZSTD_freeDStream(source->zstd);
    if (source->file != NULL)
        (void)fclose(source->file);
    free(source);
}

double source_progress(const struct source *source) {
    return source->file_size > 0 ? (double)source->file_read / (double)source->file_size : 1.0;
}

static enum status fill_input(struct source *source, struct scope *scope) {
    if (source->input_at < source->input_size || source->is_input_done)
        return STATUS_OK;
    source->input_size = fread(source->input, 1, sizeof source->input, source->file);
    source->input_at = 0;
    source->file_read += (int64_t)source->input_size;
    if (ferror(source->file))
        return fault(scope, STATUS_FAILED, source->path, "reading failed: %s", strerror(errno));
    source->is_input_done = source->input_size == 0;
    return STATUS_OK;
}

/* One step of each format: takes from input, gives to output. False: the compressed data is broken. */

static bool step_gzip(struct source *source) {
    z_stream *stream = &source->gzip;
    stream->next_in = source->input + source->input_at;
    stream->avail_in = (unsigned)(source->input_size - source->input_at);
    stream->next_out = (unsigned char *)source->output;
    stream->avail_out = sizeof source->output;
    int result = inflate(stream, Z_NO_FLUSH);
    source->input_at = source->input_size - stream->avail_in;
    source->output_size = sizeof source->output - stream->avail_out;
    source->is_inside = result != Z_STREAM_END;
    if (result == Z_STREAM_END) /* another member may follow */
        return inflateReset(stream) == Z_OK;
    return result == Z_OK || (result == Z_BUF_ERROR && !source->is_input_done);
}

static bool step_bzip2(struct source *source) {
    bz_stream *stream = &source->bzip2;
    stream->next_in = (char *)source->input + source->input_at;
    stream->avail_in = (unsigned)(source->input_size - source->input_at);
    stream->next_out = source->output;
    stream->avail_out = sizeof source->output;
    int result = BZ2_bzDecompress(stream);
    source->input_at = source->input_size - stream->avail_in;
    source->output_size = sizeof source->output - stream->avail_out;
    source->is_inside = result != BZ_STREAM_END;
    if (result == BZ_STREAM_END) {
        BZ2_bzDecompressEnd(stream);
        memset(stream, 0, sizeof *stream);
        return BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK;
    }
    return result == BZ_OK;
}

static bool step_zstd(struct source *source) {
    ZSTD_inBuffer in = {source->input, source->input_size, source->input_at};
    ZSTD_outBuffer out = {source->output, sizeof source->output, 0};
    size_t result = ZSTD_decompressStream(source->zstd, &out, &in);
    source->input_at = in.pos;
    source->output_size = out.pos;
    source->is_inside = result != 0;
    return !ZSTD_isError(result);
}

static bool step_plain(struct source *source) {
    source->output_size = source->input_size - source->input_at;
    memcpy(source->output, source->input + source->input_at, source->output_size);
    source->input_at = source->input_size;
    return true;
}

static enum status fill_output(struct source *source, struct scope *scope) {
    static bool (*const steps[])(struct source *) = {
        [SOURCE_PLAIN] = step_plain, [SOURCE_GZIP] = step_gzip, [SOURCE_BZIP2] = step_bzip2, [SOURCE_ZSTD] = step_zstd};
    source->output_at = source->output_size = 0;
    while (source->output_size == 0 && !source->is_done) {
        enum status status = fill_input(source, scope);
        if (status != STATUS_OK)
            return status;
        if (source->is_input_done) {
            source->is_done = true;
            if (source->is_inside) {
                return fault(scope, STATUS_INVALID, source->path, "the file ends in the middle of its compressed data");
            }
        } else if (!steps[source->packing](source)) {
            return fault(scope, STATUS_INVALID, source->path, "the compressed data is broken");
        }
    }
    return STATUS_OK;
}

enum status source_next(struct text *out, long *line, struct source *source, struct scope *scope) {
    struct buffer document = buffer_open(scope->arena, SOURCE_DOCUMENT_MAX);
    bool ended = false;
    *line = source->line + 1;
    while (!ended) {
        if (source->output_at == source->output_size) {
            enum status status = fill_output(source, scope);
            if (status != STATUS_OK)
                return status;
            if (source->is_done)
                break;
        }
        const char *from = source->output + source->output_at;
        size_t size = source->output_size - source->output_at;
        const char *newline = source->is_lines ? memchr(from, '\n', size) : NULL;
        if (newline != NULL) {
            size = (size_t)(newline - from);
            source->output_at++;
            source->line++;
            ended = text_trim(buffer_text(&document)).size > 0 || text_trim((struct text){from, size}).size > 0;
            *line = ended ? *line : source->line + 1;
        }
        buffer_put(&document, (struct text){from, size});
        source->output_at += size;
        if (document.full)
            return fault(scope, STATUS_TOO_LARGE, source->path, "line %ld: a document is larger than %d bytes", *line,
                SOURCE_DOCUMENT_MAX);
    }
    *out = text_trim(buffer_text(&document));
    if (out->size == 0)
        *out = (struct text){0};
    return STATUS_OK;
}
