#include "terminology/imports.h"

/* ---- notes: open addressing, at most half full ------------------------------------------------------------------ */

static struct import_note *slot_of(struct import_note *slots, size_t count, const struct value_set_row *row) {
    size_t at = ((uintptr_t)row * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (count - 1); /* Fibonacci hashing, Knuth 6.4 */
    while (slots[at].row != NULL && slots[at].row != row) {
        at = (at + 1) & (count - 1);
    }
    return &slots[at];
}

static void grow(struct inquiry *inquiry) {
    size_t count = inquiry->note_slots == 0 ? 32 : inquiry->note_slots * 2;
    struct import_note *slots = ARENA_ARRAY(inquiry->scope->arena, struct import_note, count);
    for (size_t i = 0; i < inquiry->note_slots; i++) {
        if (inquiry->notes[i].row != NULL) {
            *slot_of(slots, count, inquiry->notes[i].row) = inquiry->notes[i];
        }
    }
    inquiry->notes = slots;
    inquiry->note_slots = count;
}

struct import_note *imports_note(struct inquiry *inquiry, const struct value_set_row *row) {
    if (inquiry->note_count * 2 >= inquiry->note_slots) {
        grow(inquiry);
    }
    struct import_note *note = slot_of(inquiry->notes, inquiry->note_slots, row);
    if (note->row == NULL) {
        note->row = row;
        inquiry->note_count++;
    }
    return note;
}

/* ---- rings and heights ------------------------------------------------------------------------------------------ */

static enum status fault_ring(struct inquiry *inquiry, struct shelf_ref value_set) {
    struct text url = book_text(value_set.book, shelf_value_set(value_set)->title.url);
    return fault_coded(inquiry->scope, STATUS_UNPROCESSABLE, "processing", "", "the value set %.*s imports itself",
        (int)url.size, url.size > 0 ? url.at : "");
}

static enum status check(int *height, struct inquiry *inquiry, struct shelf_ref value_set, int depth);

static enum status check_include(int *highest, struct inquiry *inquiry, const struct terminology_book *book,
    const struct include_row *include, int depth) {
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < include->import_count && status == STATUS_OK; i++) {
        struct shelf_ref import;
        int height = 0;
        status = inquiry_visit(inquiry);
        if (status == STATUS_OK) {
            status = inquiry_value_set(&import, inquiry, imports_at(book, include, i));
        }
        if (status == STATUS_OK) {
            status = check(&height, inquiry, import, depth + 1);
        } else if (status == STATUS_NOT_FOUND) {
            status = STATUS_OK;
        }
        *highest = height > *highest ? height : *highest;
    }
    return status;
}

static enum status check(int *height, struct inquiry *inquiry, struct shelf_ref value_set, int depth) {
    const struct value_set_row *row = shelf_value_set(value_set);
    struct import_note *note = imports_note(inquiry, row);
    enum status status = STATUS_OK;
    int highest = 0;
    bool imports = false;
    if (note->state == IMPORT_OPEN) {
        return fault_ring(inquiry, value_set);
    }
    if (note->state == IMPORT_NEW && depth <= TERMINOLOGY_IMPORT_DEPTH_MAX) {
        note->state = IMPORT_OPEN;
        for (uint32_t i = 0; i < row->include_count && status == STATUS_OK; i++) {
            const struct include_row *include = &value_set.book->includes[row->include_first + i];
            imports = imports || include->import_count > 0;
            status = check_include(&highest, inquiry, value_set.book, include, depth);
        }
        note = imports_note(inquiry, row); /* it may have moved */
        note->state = status == STATUS_OK ? IMPORT_CHECKED : IMPORT_NEW;
        note->height = highest + 1;
        note->imports = imports;
    }
    *height = note->height;
    if (status == STATUS_OK && (note->state == IMPORT_NEW || depth + *height - 1 > TERMINOLOGY_IMPORT_DEPTH_MAX)) {
        return fault(inquiry->scope, STATUS_TOO_COSTLY, "", "more than %d value sets that import one another",
            TERMINOLOGY_IMPORT_DEPTH_MAX);
    }
    return status;
}

enum status imports_check(struct inquiry *inquiry, struct shelf_ref value_set) {
    int height = 0;
    return check(&height, inquiry, value_set, 1);
}
