/* POSIX ustar (IEEE 1003.1, pax), with the long names of pax and of GNU; the checksum of every header is verified. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cli/tarball.h"

enum { BLOCK = 512, GZIP_BUFFER = 256 * 1024 };

struct header {
    char name[100], mode[8], owner[8], group[8], size[12], time[12], checksum[8], kind, link[100], magic[6], version[2];
    char owner_name[32], group_name[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

struct tarball {
    gzFile file;
    const char *path;
    int64_t bytes;
    int entries;
    size_t left, padding; /* of the entry at hand */
    char name[TARBALL_NAME_MAX + 1];
};

static enum status spoilt(const struct tarball *tarball, enum status status, const char *what, struct scope *scope) {
    return fault(scope, status, tarball->path, "%s%s%s", what, tarball->entries > 0 ? ", after " : "",
        tarball->entries > 0 ? tarball->name : "");
}

enum status tarball_open(struct tarball **out, const char *path, struct scope *scope) {
    struct tarball *tarball = calloc(1, sizeof *tarball);
    errno = 0;
    gzFile file = tarball == NULL ? NULL : gzopen(path, "rb");
    if (file == NULL) {
        free(tarball);
        return fault(scope, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED, path, "%s",
            errno != 0 ? strerror(errno) : "no memory to read it");
    }
    (void)gzbuffer(file, GZIP_BUFFER);
    tarball->file = file;
    tarball->path = path;
    *out = tarball;
    return STATUS_OK;
}

void tarball_close(struct tarball *tarball) {
    if (tarball == NULL)
        return;
    gzclose(tarball->file);
    free(tarball);
}

/* All of it or a fault. `size` is at most TARBALL_ENTRY_BYTES_MAX. */
static enum status read_bytes(char *out, size_t size, struct tarball *tarball, struct scope *scope) {
    int count = gzread(tarball->file, out, (unsigned)size);
    tarball->bytes += count > 0 ? count : 0;
    if (count < 0)
        return spoilt(tarball, STATUS_INVALID, "the compression is spoilt", scope);
    if ((size_t)count < size)
        return spoilt(tarball, STATUS_INVALID, "the archive ends too early", scope);
    if (tarball->bytes > TARBALL_BYTES_MAX)
        return spoilt(tarball, STATUS_TOO_LARGE, "more than 4 GiB unpacked", scope);
    return STATUS_OK;
}

static enum status skip(size_t size, struct tarball *tarball, struct scope *scope) {
    char block[16 * BLOCK];
    enum status status = STATUS_OK;
    while (size > 0 && status == STATUS_OK) {
        size_t part = size < sizeof block ? size : sizeof block;
        status = read_bytes(block, part, tarball, scope);
        size -= part;
    }
    return status;
}

/* Octal digits, blanks and NULs around them. */
static bool read_octal(uint64_t *out, const char *field, size_t size) {
    size_t at = 0, digits = 0;
    *out = 0;
    while (at < size && field[at] == ' ')
        at++;
    for (; at < size && field[at] >= '0' && field[at] <= '7'; at++, digits++)
        *out = *out * 8 + (uint64_t)(field[at] - '0');
    return digits > 0 && (at == size || field[at] == ' ' || field[at] == '\0');
}

static bool is_genuine(const struct header *header) {
    const unsigned char *bytes = (const unsigned char *)header;
    uint64_t told, sum = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        bool is_checksum =
            i >= offsetof(struct header, checksum) && i < offsetof(struct header, checksum) + sizeof header->checksum;
        sum += is_checksum ? ' ' : bytes[i];
    }
    return read_octal(&told, header->checksum, sizeof header->checksum) && told == sum;
}

static struct text field_text(const char *field, size_t size) {
    return (struct text){field, strnlen(field, size)};
}

static void take_name(struct tarball *tarball, const struct header *header) {
    struct text name = field_text(header->name, sizeof header->name);
    struct text prefix = field_text(header->prefix, sizeof header->prefix);
    bool has_prefix = memcmp(header->magic, "ustar", 6) == 0 && prefix.size > 0;
    size_t at = 0;
    if (has_prefix) {
        memcpy(tarball->name, prefix.at, prefix.size);
        tarball->name[prefix.size] = '/';
        at = prefix.size + 1;
    }
    memcpy(tarball->name + at, name.at, name.size);
    tarball->name[at + name.size] = '\0';
}

static enum status take_long_name(struct tarball *tarball, struct text name, struct scope *scope) {
    if (name.size > TARBALL_NAME_MAX)
        return spoilt(tarball, STATUS_TOO_LARGE, "a name of more than 1024 bytes", scope);
    memcpy(tarball->name, name.at, name.size);
    tarball->name[name.size] = '\0';
    return STATUS_OK;
}

/* "27 path=package/long.json\n": the length counts the whole record. */
static enum status take_pax(bool *has_name, struct tarball *tarball, struct text records, struct scope *scope) {
    while (records.size > 0) {
        struct text rest = records, digits = text_cut(&rest, ' ');
        int64_t size;
        if (!text_to_int64(&size, digits) || size <= (int64_t)digits.size + 1 || (uint64_t)size > records.size)
            return spoilt(tarball, STATUS_INVALID, "a pax record that cannot be read", scope);
        struct text value = {rest.at, (size_t)size - digits.size - 2};
        struct text name = text_cut(&value, '=');
        if (text_is(name, "path")) {
            *has_name = true;
            enum status status = take_long_name(tarball, value, scope);
            if (status != STATUS_OK)
                return status;
        } else if (text_is(name, "size")) {
            return spoilt(tarball, STATUS_UNSUPPORTED, "an entry too large for a plain header", scope);
        }
        records = (struct text){records.at + size, records.size - (size_t)size};
    }
    return STATUS_OK;
}

/* What describes the next entry: a pax header (x), a GNU long name (L). */
static enum status take_description(bool *has_name, struct tarball *tarball, char kind, struct scope *scope) {
    struct text content;
    if (tarball->left > 64 * BLOCK)
        return spoilt(tarball, STATUS_TOO_LARGE, "a description of more than 32 KiB", scope);
    enum status status = tarball_read(&content, tarball, scope);
    if (status != STATUS_OK)
        return status;
    if (kind == 'x')
        return take_pax(has_name, tarball, content, scope);
    *has_name = true;
    return take_long_name(tarball, field_text(content.at, content.size), scope);
}

static enum status read_header(
    struct header *header, bool *is_end, bool has_name, struct tarball *tarball, struct scope *scope) {
    static const char nothing[BLOCK];
    uint64_t size;
    enum status status = skip(tarball->left + tarball->padding, tarball, scope);
    tarball->left = tarball->padding = 0;
    if (status == STATUS_OK)
        status = read_bytes((char *)header, BLOCK, tarball, scope);
    if (status != STATUS_OK)
        return status;
    *is_end = memcmp(header, nothing, BLOCK) == 0;
    if (*is_end)
        return STATUS_OK;
    if (!is_genuine(header) || !read_octal(&size, header->size, sizeof header->size))
        return spoilt(tarball, STATUS_INVALID, "this is no tar archive, or a header is spoilt", scope);
    if (size > TARBALL_ENTRY_BYTES_MAX)
        return spoilt(tarball, STATUS_TOO_LARGE, "an entry of more than 64 MiB", scope);
    if (++tarball->entries > TARBALL_ENTRIES_MAX)
        return spoilt(tarball, STATUS_TOO_LARGE, "more than 200000 entries", scope);
    if (!has_name)
        take_name(tarball, header);
    tarball->left = (size_t)size;
    tarball->padding = (BLOCK - tarball->left % BLOCK) % BLOCK;
    return STATUS_OK;
}

enum status tarball_next(struct tarball_entry *out, struct tarball *tarball, struct scope *scope) {
    struct header header;
    bool is_end = false, has_name = false;
    *out = (struct tarball_entry){0};
    while (true) {
        enum status status = read_header(&header, &is_end, has_name, tarball, scope);
        if (status != STATUS_OK || is_end)
            return status;
        if (header.kind == '0' || header.kind == '\0') {
            *out = (struct tarball_entry){text_copy(scope->arena, text_from(tarball->name)), tarball->left};
            return STATUS_OK;
        }
        has_name = false;
        if (header.kind == 'x' || header.kind == 'L')
            status = take_description(&has_name, tarball, header.kind, scope);
        if (status != STATUS_OK)
            return status;
    }
}

enum status tarball_read(struct text *out, struct tarball *tarball, struct scope *scope) {
    size_t size = tarball->left;
    char *content = arena_alloc(scope->arena, size + 1);
    enum status status = read_bytes(content, size, tarball, scope);
    tarball->left = 0;
    *out = (struct text){content, size};
    return status;
}
