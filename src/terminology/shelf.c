#include "terminology/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "terminology/uploads.h"
#include "terminology/volume.h"

fhir_type shelf_type(enum shelf_kind kind) {
    static const char *const names[SHELF_KINDS] = {
        [SHELF_SYSTEMS] = "CodeSystem", [SHELF_VALUE_SETS] = "ValueSet", [SHELF_MAPS] = "ConceptMap"};
    return fhir_type_find(text_from(names[kind]));
}

/* ---- versions --------------------------------------------------------------------------------------------------- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* A run of digits or a run of others. */
static struct text cut_run(struct text *rest) {
    size_t size = 0;
    while (size < rest->size && is_digit(rest->at[size]) == is_digit(rest->at[0])) {
        size++;
    }
    struct text run = {rest->at, size};
    *rest = (struct text){rest->at + size, rest->size - size};
    return run;
}

static struct text without_zeros(struct text digits) {
    while (digits.size > 1 && digits.at[0] == '0') {
        digits = (struct text){digits.at + 1, digits.size - 1};
    }
    return digits;
}

int shelf_compare_versions(struct text a, struct text b) {
    while (a.size > 0 && b.size > 0) {
        struct text left = cut_run(&a), right = cut_run(&b);
        if (is_digit(left.at[0]) && is_digit(right.at[0])) {
            left = without_zeros(left);
            right = without_zeros(right);
            if (left.size != right.size) {
                return left.size < right.size ? -1 : 1;
            }
        }
        int order = text_compare(left, right);
        if (order != 0) {
            return order;
        }
    }
    return (a.size > 0) - (b.size > 0);
}

/* ---- built in --------------------------------------------------------------------------------------------------- */

static struct book_range builtin_range(enum shelf_kind kind, struct text url) {
    const struct terminology_book *book = &terminology_builtin;
    return kind == SHELF_SYSTEMS      ? book_systems_find(book, url)
           : kind == SHELF_VALUE_SETS ? book_value_sets_find(book, url)
                                      : book_maps_find(book, url);
}

static const struct book_title *builtin_title(enum shelf_kind kind, uint32_t index) {
    const struct terminology_book *book = &terminology_builtin;
    return kind == SHELF_SYSTEMS      ? &book->systems[index].title
           : kind == SHELF_VALUE_SETS ? &book->value_sets[index].title
                                      : &book->maps[index].title;
}

static uint32_t builtin_count(enum shelf_kind kind) {
    const struct terminology_book *book = &terminology_builtin;
    return kind == SHELF_SYSTEMS      ? book->system_count
           : kind == SHELF_VALUE_SETS ? book->value_set_count
                                      : book->map_count;
}

static bool is_supplement(enum shelf_kind kind, uint32_t index) {
    return kind == SHELF_SYSTEMS && terminology_builtin.systems[index].content == BOOK_SUPPLEMENT;
}

static enum status find_builtin(struct shelf_ref *out, enum shelf_kind kind, struct text url, struct text version) {
    const struct terminology_book *book = &terminology_builtin;
    struct book_range range = builtin_range(kind, url);
    enum status status = STATUS_NOT_FOUND;
    struct text best = {NULL, 0};
    for (uint32_t i = range.first; i < range.first + range.count; i++) {
        struct text found = book_text(book, builtin_title(kind, i)->version);
        bool fits = version.size > 0 ? text_equal(found, version)
                                     : status != STATUS_OK || shelf_compare_versions(found, best) > 0;
        if (fits && !is_supplement(kind, i)) {
            *out = (struct shelf_ref){book, i};
            best = found;
            status = STATUS_OK;
        }
    }
    return status;
}

static enum status find_builtin_id(struct shelf_ref *out, enum shelf_kind kind, struct text id) {
    const struct terminology_book *book = &terminology_builtin;
    for (uint32_t i = 0; i < builtin_count(kind); i++) {
        struct text url = book_text(book, builtin_title(kind, i)->url);
        bool ends = url.size > id.size && url.at[url.size - id.size - 1] == '/' &&
                    memcmp(url.at + url.size - id.size, id.at, id.size) == 0;
        if (ends && !is_supplement(kind, i)) {
            *out = (struct shelf_ref){book, i};
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

/* ---- uploads ---------------------------------------------------------------------------------------------------- */

/* What is looked for among the uploads; what is none is not asked. */
struct wanted {
    enum shelf_kind kind;
    struct text url, version, value_set, id;
    uint64_t url_hash;
};

static bool fits(const struct upload *upload, const struct wanted *wanted) {
    if (upload->kind != wanted->kind) {
        return false;
    }
    if (wanted->id.size > 0) {
        return text_is(wanted->id, upload->id);
    }
    if (wanted->value_set.size > 0) {
        return text_is(wanted->value_set, upload->value_set);
    }
    return upload->url_hash == wanted->url_hash && text_is(wanted->url, upload->url) &&
           (wanted->version.size == 0 || text_is(wanted->version, upload->version));
}

static bool is_better(const struct upload *upload, const struct upload *best) {
    if (best == NULL || upload->status_rank != best->status_rank) {
        return best == NULL || upload->status_rank < best->status_rank;
    }
    int order = shelf_compare_versions(text_from(upload->version), text_from(best->version));
    return order != 0 ? order > 0 : upload->updated_us > best->updated_us;
}

static struct upload *best_upload(struct terminology *terminology, const struct wanted *wanted) {
    struct upload *best = NULL;
    for (size_t i = 0; i < terminology->upload_count; i++) {
        struct upload *upload = &terminology->uploads[i];
        if (fits(upload, wanted) && is_better(upload, best)) {
            best = upload;
        }
    }
    return best;
}

/* Lets go of what nobody has asked for the longest. */
static void make_room(struct terminology *terminology) {
    while (terminology->kept_bytes > TERMINOLOGY_KEPT_BYTES_MAX) {
        struct upload *oldest = NULL;
        for (size_t i = 0; i < terminology->upload_count; i++) {
            struct upload *upload = &terminology->uploads[i];
            if (upload->volume != NULL && (oldest == NULL || upload->used < oldest->used)) {
                oldest = upload;
            }
        }
        invariant(oldest != NULL);
        terminology->kept_bytes -= oldest->volume->bytes;
        volume_release(oldest->volume);
        oldest->volume = NULL;
    }
}

/* Keeps a volume just compiled, unless its resource has changed or another thread was faster. */
static void keep(struct terminology *terminology, const struct upload *compiled, struct volume *volume) {
    pthread_mutex_lock(&terminology->lock);
    for (size_t i = 0; i < terminology->upload_count; i++) {
        struct upload *upload = &terminology->uploads[i];
        bool is_same = upload->kind == compiled->kind && strcmp(upload->id, compiled->id) == 0;
        if (is_same && upload->seq == compiled->seq && upload->volume == NULL) {
            atomic_fetch_add(&volume->holders, 1);
            upload->volume = volume;
            terminology->kept_bytes += volume->bytes;
            make_room(terminology);
            break;
        }
    }
    pthread_mutex_unlock(&terminology->lock);
}

static enum status hold_upload(
    struct shelf_ref *out, struct terminology *terminology, const struct wanted *wanted, struct scope *scope) {
    struct upload found = {0};
    struct volume *volume = NULL;
    pthread_mutex_lock(&terminology->lock);
    struct upload *best = best_upload(terminology, wanted);
    if (best != NULL) {
        best->used = ++terminology->uses;
        found = *best;
        volume = best->volume;
        if (volume != NULL) {
            atomic_fetch_add(&volume->holders, 1);
        }
    }
    pthread_mutex_unlock(&terminology->lock);
    if (best == NULL) {
        return STATUS_NOT_FOUND;
    }
    if (volume == NULL) {
        enum status status = volume_open(&volume, terminology, found.kind, found.id, scope);
        if (status != STATUS_OK) {
            return status;
        }
        keep(terminology, &found, volume);
    }
    arena_defer(scope->arena, volume_release, volume);
    *out = (struct shelf_ref){volume->book, 0};
    return STATUS_OK;
}

/* ---- finding ---------------------------------------------------------------------------------------------------- */

static enum status find_upload(
    struct shelf_ref *out, struct terminology *terminology, const struct wanted *wanted, struct scope *scope) {
    enum status status = uploads_refresh(terminology, scope);
    return status == STATUS_OK ? hold_upload(out, terminology, wanted, scope) : status;
}

enum status shelf_find(struct shelf_ref *out, struct terminology *terminology, enum shelf_kind kind, struct text url,
    struct text version, struct scope *scope) {
    const struct wanted wanted = {.kind = kind, .url = url, .version = version, .url_hash = uploads_hash(url)};
    *out = (struct shelf_ref){0};
    if (url.size == 0) {
        return STATUS_NOT_FOUND;
    }
    enum status status = find_upload(out, terminology, &wanted, scope);
    return status == STATUS_NOT_FOUND ? find_builtin(out, kind, url, version) : status;
}

enum status shelf_find_id(
    struct shelf_ref *out, struct terminology *terminology, enum shelf_kind kind, struct text id, struct scope *scope) {
    const struct wanted wanted = {.kind = kind, .id = id};
    *out = (struct shelf_ref){0};
    if (!fhir_id_is_valid(id)) {
        return STATUS_NOT_FOUND;
    }
    enum status status = find_upload(out, terminology, &wanted, scope);
    return status == STATUS_NOT_FOUND ? find_builtin_id(out, kind, id) : status;
}

enum status shelf_find_whole(
    struct shelf_ref *out, struct terminology *terminology, struct text value_set, struct scope *scope) {
    const struct terminology_book *book = &terminology_builtin;
    const struct wanted wanted = {.kind = SHELF_SYSTEMS, .value_set = value_set};
    *out = (struct shelf_ref){0};
    if (value_set.size == 0) {
        return STATUS_NOT_FOUND;
    }
    enum status status = find_upload(out, terminology, &wanted, scope);
    for (uint32_t i = 0; status == STATUS_NOT_FOUND && i < book->system_count; i++) {
        if (text_equal(book_text(book, book->systems[i].value_set), value_set)) {
            *out = (struct shelf_ref){book, i};
            return STATUS_OK;
        }
    }
    return status;
}

/* The ids of the uploaded maps, copied out under the lock into memory taken before. */
static size_t copy_map_ids(char (*ids)[SHELF_ID_SIZE], size_t capacity, struct terminology *terminology) {
    size_t count = 0;
    pthread_mutex_lock(&terminology->lock);
    for (size_t i = 0; i < terminology->upload_count; i++) {
        if (terminology->uploads[i].kind != SHELF_MAPS) {
            continue;
        }
        if (count < capacity) {
            memcpy(ids[count], terminology->uploads[i].id, SHELF_ID_SIZE);
        }
        count++;
    }
    pthread_mutex_unlock(&terminology->lock);
    return count;
}

enum status shelf_maps(
    struct shelf_ref **out, size_t *count_out, struct terminology *terminology, struct scope *scope) {
    const struct terminology_book *book = &terminology_builtin;
    enum status status = uploads_refresh(terminology, scope);
    size_t known = copy_map_ids(NULL, 0, terminology);
    char(*ids)[SHELF_ID_SIZE] = arena_array(scope->arena, known + 1, SHELF_ID_SIZE);
    size_t now = copy_map_ids(ids, known, terminology);
    known = now < known ? now : known;
    *out = ARENA_ARRAY(scope->arena, struct shelf_ref, known + book->map_count);
    *count_out = 0;
    for (size_t i = 0; i < known && status == STATUS_OK; i++) {
        const struct wanted wanted = {.kind = SHELF_MAPS, .id = text_from(ids[i])};
        status = hold_upload(&(*out)[*count_out], terminology, &wanted, scope);
        if (status == STATUS_OK) {
            ++*count_out;
        } else if (status == STATUS_NOT_FOUND) {
            status = STATUS_OK; /* deleted since */
        }
    }
    for (uint32_t i = 0; i < book->map_count; i++) {
        (*out)[(*count_out)++] = (struct shelf_ref){book, i};
    }
    return status;
}

/* ---- all code systems ------------------------------------------------------------------------------------------- */

struct ranked {
    struct shelf_entry entry;
    int rank; /* built in: behind all uploads */
    int64_t updated_us;
};
enum { RANK_BUILTIN = 1000 };

static int compare_ranked(const void *a, const void *b) {
    const struct ranked *left = a, *right = b;
    int order = text_compare(left->entry.url, right->entry.url);
    order = order != 0 ? order : (left->rank > right->rank) - (left->rank < right->rank);
    order = order != 0 ? order : shelf_compare_versions(right->entry.version, left->entry.version);
    return order != 0 ? order : (left->updated_us < right->updated_us) - (left->updated_us > right->updated_us);
}

/* Memory for the uploads' texts, taken before the lock. */
struct room {
    size_t count, bytes; /* what there is of them */
    struct ranked *ranked;
    char *chars;
    size_t count_max, bytes_max;
};

/* Its bytes are counted already. */
static struct text copy_into(struct room *room, struct text string) {
    char *at = room->chars + room->bytes - string.size;
    memcpy(at, string.at, string.size);
    return (struct text){at, string.size};
}

static void look_at(struct room *room, const struct upload *upload) {
    struct text url = text_from(upload->url), version = text_from(upload->version);
    room->count++;
    bool has_room = room->count <= room->count_max && room->bytes + url.size + version.size <= room->bytes_max;
    room->bytes += url.size;
    url = has_room ? copy_into(room, url) : url;
    room->bytes += version.size;
    if (has_room) {
        room->ranked[room->count - 1] = (struct ranked){.rank = upload->status_rank,
            .updated_us = upload->updated_us,
            .entry = {.url = url, .version = copy_into(room, version)}};
    }
}

static void look_at_systems(struct room *room, struct terminology *terminology) {
    room->count = room->bytes = 0;
    pthread_mutex_lock(&terminology->lock);
    for (size_t i = 0; i < terminology->upload_count; i++) {
        if (terminology->uploads[i].kind == SHELF_SYSTEMS) {
            look_at(room, &terminology->uploads[i]);
        }
    }
    pthread_mutex_unlock(&terminology->lock);
}

/* They may have become more while memory was taken. */
static size_t copy_systems(struct ranked **out, size_t more, struct terminology *terminology, struct scope *scope) {
    struct room room = {0};
    do {
        look_at_systems(&room, terminology);
        room.count_max = room.count;
        room.bytes_max = room.bytes;
        room.ranked = ARENA_ARRAY(scope->arena, struct ranked, room.count + more + 1);
        room.chars = arena_bytes(scope->arena, room.bytes + 1);
        look_at_systems(&room, terminology);
    } while (room.count > room.count_max || room.bytes > room.bytes_max);
    *out = room.ranked;
    return room.count;
}

enum status shelf_systems(
    struct shelf_entry **out, size_t *count_out, struct terminology *terminology, struct scope *scope) {
    const struct terminology_book *book = &terminology_builtin;
    enum status status = uploads_refresh(terminology, scope);
    struct ranked *ranked = NULL;
    size_t count = copy_systems(&ranked, book->system_count, terminology, scope);
    for (uint32_t i = 0; i < book->system_count; i++) {
        const struct system_row *row = &book->systems[i];
        if (row->content != BOOK_SUPPLEMENT && row->content != BOOK_NOT_PRESENT) {
            ranked[count++] = (struct ranked){.rank = RANK_BUILTIN,
                .entry = {.url = book_text(book, row->title.url),
                    .version = book_text(book, row->title.version),
                    .builtin = {book, i}}};
        }
    }
    qsort(ranked, count, sizeof *ranked, compare_ranked);
    *out = ARENA_ARRAY(scope->arena, struct shelf_entry, count + 1);
    *count_out = count;
    for (size_t i = 0; i < count; i++) {
        (*out)[i] = ranked[i].entry;
        (*out)[i].is_default = i == 0 || !text_equal(ranked[i].entry.url, ranked[i - 1].entry.url);
    }
    return status;
}

void shelf_close(struct terminology *terminology) {
    uploads_clear(terminology);
    free(terminology->uploads);
}
