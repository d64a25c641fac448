#include "terminology/volume.h"

#include <stdlib.h>

#include "terminology/compile.h"

enum { BODY_BYTES_MAX = 512 << 20, BOOK_BYTES_MAX = 1 << 30 };

struct opening {
    struct terminology *terminology;
    enum shelf_kind kind;
    const char *id;
    struct arena *arena; /* of the book */
    const yyjson_val *resource;
    const struct terminology_book *book;
};

static enum status compile_inside(void *context, struct scope *scope) {
    struct opening *opening = context;
    return compile_resource(&opening->book, opening->resource, scope);
}

static enum status read_body(struct text *out, const struct opening *opening, struct scope *scope) {
    struct store_view *view = NULL;
    struct store_resource resource;
    enum status status = store_view_open(&view, opening->terminology->store, 0, scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = store_view_get(&resource, view, fhir_resource_number(shelf_type(opening->kind)), text_from(opening->id),
        STORE_WANT_BODY, scope);
    store_view_close(view);
    *out = resource.body;
    return status == STATUS_OK && resource.method == STORE_DELETED ? STATUS_NOT_FOUND : status;
}

/* The body is read into an arena that ends soon, and compiled into the book's, which stays. */
static enum status read_and_compile(void *context, struct scope *scope) {
    struct opening *opening = context;
    struct text body;
    yyjson_doc *doc = NULL;
    enum status status = read_body(&body, opening, scope);
    if (status == STATUS_OK) {
        status = json_read(&doc, body, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    opening->resource = yyjson_doc_get_root(doc);
    struct scope book_scope = {.arena = opening->arena};
    status = scope_run(&book_scope, opening->arena, compile_inside, opening);
    fault_carry(scope, &book_scope.fault);
    return status;
}

enum status volume_open(
    struct volume **out, struct terminology *terminology, enum shelf_kind kind, const char *id, struct scope *scope) {
    struct volume *volume = calloc(1, sizeof *volume);
    struct opening opening = {.terminology = terminology, .kind = kind, .id = id, .arena = arena_open(BOOK_BYTES_MAX)};
    struct arena *body = arena_open(BODY_BYTES_MAX);
    struct scope inner = {.arena = body};
    enum status status = STATUS_UNAVAILABLE;
    if (volume != NULL && opening.arena != NULL && body != NULL) {
        status = scope_run(&inner, body, read_and_compile, &opening);
    }
    if (status != STATUS_OK) {
        fault_carry(scope, &inner.fault);
        arena_close(opening.arena);
        free(volume);
    } else {
        *volume = (struct volume){.arena = opening.arena, .book = opening.book, .bytes = arena_used(opening.arena)};
        atomic_init(&volume->holders, 1);
        *out = volume;
    }
    arena_close(body);
    return status;
}

void volume_release(void *context) {
    struct volume *volume = context;
    if (volume != NULL && atomic_fetch_sub(&volume->holders, 1) == 1) {
        arena_close(volume->arena);
        free(volume);
    }
}
