#include "records/bundle.h"

#include <string.h>

/* ---- identities ------------------------------------------------------------------------------------------------- */

static const enum write_kind write_kinds[] = {
    [BUNDLE_DELETE] = WRITE_DELETE,
    [BUNDLE_POST] = WRITE_CREATE,
    [BUNDLE_PUT] = WRITE_UPDATE,
    [BUNDLE_PATCH] = WRITE_PATCH,
};

static enum status settle_by_condition(struct bundle_entry *entry, struct scope *scope) {
    const struct condition *condition = entry->condition;
    struct text own_id = entry->method == BUNDLE_PUT ? json_get_text(entry->resource, "id") : (struct text){0};
    switch (condition->matches) {
    case CONDITION_MANY:
        return condition_refuse_many(condition, scope);
    case CONDITION_ONE:
        if (own_id.size > 0 && !text_equal(own_id, condition->id)) {
            return fault(
                scope, STATUS_INVALID, entry->path, "the resource's id is not that of the one its condition matches");
        }
        entry->write.id = condition->id;
        entry->is_settled = entry->method == BUNDLE_POST;
        return STATUS_OK;
    case CONDITION_NONE:
        break;
    }
    if (entry->method == BUNDLE_PATCH) {
        return fault(scope, STATUS_NOT_FOUND, entry->path, "the condition matches nothing that could be patched");
    }
    entry->is_settled = entry->method == BUNDLE_DELETE;
    entry->write.id = own_id.size > 0 ? own_id : entry->new_id;
    if (own_id.size > 0) {
        entry->write.if_none_match = TEXT("*"); /* made under this id, but nothing else is overwritten */
    }
    return STATUS_OK;
}

/* An import's ids are the sender's; one that a condition found is another's. */
static enum store_id_origin origin_of(const struct bundle *bundle, const struct bundle_entry *entry) {
    bool made = bundle->kind == BUNDLE_TRANSACTION && entry->method == BUNDLE_POST && entry->condition == NULL;
    return made ? STORE_ID_MADE : STORE_ID_GIVEN;
}

static enum status settle(const struct bundle *bundle, struct bundle_entry *entry, struct scope *scope) {
    entry->is_settled = false;
    entry->write = (struct write){
        .kind =
            bundle->kind == BUNDLE_IMPORT && entry->method == BUNDLE_POST ? WRITE_UPDATE : write_kinds[entry->method],
        .type = entry->target.type,
        .id = entry->method == BUNDLE_POST ? entry->new_id : entry->target.id,
        .origin = origin_of(bundle, entry),
        .if_match = entry->if_match,
        .if_none_match = entry->if_none_match,
    };
    return entry->condition == NULL ? STATUS_OK : settle_by_condition(entry, scope);
}

/* Entries that are settled already, by what they are about, and those whose condition matches nothing, by that. */
struct settled {
    struct map identities, made;
};

static struct text identity_key(const struct bundle_entry *entry, struct arena *arena) {
    struct text id = entry->write.id;
    return text_format(arena, "%u/%.*s", (unsigned)entry->write.type, (int)id.size, id.at);
}

/* Deletions come first: a creation whose condition matches what another entry deletes finds nothing. */
static void settle_after_deletion(
    struct bundle_entry *entry, const struct bundle *bundle, const struct settled *settled, struct arena *arena) {
    size_t other = 0;
    if (entry->method == BUNDLE_POST && entry->is_settled &&
        map_find(&other, &settled->identities, identity_key(entry, arena)) &&
        bundle->entries[other].method == BUNDLE_DELETE) {
        entry->is_settled = false;
        entry->write.id = entry->new_id;
    }
}

/* Conditions are decided before the writes, so that two entries with one condition, which matches nothing, would make two of what there
 * is to be one of. Of creations the later ones find what the first makes; an update has no first. */
static enum status settle_twins(
    struct settled *settled, const struct bundle *bundle, struct bundle_entry *entry, struct scope *scope) {
    size_t before = 0, at = (size_t)(entry - bundle->entries);
    bool finds = entry->condition == NULL || entry->is_settled ||
                 (entry->method != BUNDLE_POST && entry->condition->matches != CONDITION_NONE);
    if (finds) {
        return STATUS_OK;
    }
    struct text query = entry->condition->text, whole = text_cut(&query, '?');
    query = query.at == NULL ? whole : query; /* If-None-Exist may be the query alone */
    struct text key = text_format(scope->arena, "%u?%.*s", (unsigned)entry->target.type, (int)query.size, query.at);
    if (map_add(&settled->made, key, at) || !map_find(&before, &settled->made, key)) {
        return STATUS_OK;
    }
    const struct bundle_entry *first = &bundle->entries[before];
    if (entry->method != BUNDLE_POST || first->method != BUNDLE_POST) {
        return fault_coded(scope, STATUS_INVALID, "duplicate", entry->path, "another entry has the same condition");
    }
    entry->write.id = first->write.id;
    entry->is_settled = true;
    return STATUS_OK;
}

/* Two entries about one resource have no order that all would agree on. */
static enum status settle_next(
    struct settled *settled, const struct bundle *bundle, struct bundle_entry *entry, struct scope *scope) {
    enum status status = settle(bundle, entry, scope);
    if (status == STATUS_OK) {
        settle_after_deletion(entry, bundle, settled, scope->arena);
        status = settle_twins(settled, bundle, entry, scope);
    }
    if (status != STATUS_OK || entry->is_settled ||
        map_add(&settled->identities, identity_key(entry, scope->arena), (size_t)(entry - bundle->entries))) {
        return status;
    }
    return fault_coded(scope, STATUS_INVALID, "duplicate", entry->path, "another entry is about the same resource");
}

static enum status settle_all(struct bundle *bundle, struct scope *scope) {
    struct settled settled = {map_open(scope->arena, bundle->count), map_open(scope->arena, bundle->condition_count)};
    enum status status = STATUS_OK;
    for (int deletes = 1; deletes >= 0; deletes--) {
        for (size_t i = 0; i < bundle->count && status == STATUS_OK; i++) {
            struct bundle_entry *entry = &bundle->entries[i];
            if (entry->method != BUNDLE_GET && (entry->method == BUNDLE_DELETE) == (deletes == 1)) {
                status = settle_next(&settled, bundle, entry, scope);
            }
        }
    }
    return status;
}

/* ---- links ------------------------------------------------------------------------------------------------------ */

struct composing {
    struct bundle *bundle;
    const struct bundle_entry *entry;
    struct scope *scope; /* of the bundle: what is found out for one entry serves the others */
};

static bool is_urn(struct text value) {
    return text_starts(value, "urn:uuid:") || text_starts(value, "urn:oid:");
}

static const char *link_path(const struct composing *composing, const char *path, struct arena *arena) {
    const char *inside = path == NULL ? NULL : strchr(path, '.');
    return text_string(
        arena, text_format(arena, "%s.resource%s", composing->entry->path, inside == NULL ? "" : inside));
}

static struct text identity_of(const struct bundle_entry *entry, struct arena *arena) {
    struct text id = entry->write.id;
    return text_format(arena, "%s/%.*s", fhir_type_name(entry->write.type), (int)id.size, id.at);
}

static bool find_full_url(struct text *out, const struct composing *composing, struct text url, struct arena *arena) {
    size_t at = 0;
    const struct bundle *bundle = composing->bundle;
    if (!map_find(&at, &bundle->full_urls, url) || bundle->entries[at].write.id.size == 0) {
        return false;
    }
    *out = identity_of(&bundle->entries[at], arena);
    return true;
}

/* "Patient/1" in an entry whose fullUrl is http://other/fhir/Observation/2 means http://other/fhir/Patient/1 (bundle.html,
 * "Resolving references in Bundles"). */
static bool find_relative(struct text *out, const struct composing *composing, struct text value, struct arena *arena) {
    struct text url = composing->entry->full_url;
    if (!text_starts(url, "http")) {
        return false;
    }
    int slashes = 0;
    while (url.size > 0 && slashes < 2) {
        slashes += url.at[--url.size] == '/';
    }
    if (slashes < 2) {
        return false;
    }
    struct text absolute = text_format(arena, "%.*s/%.*s", (int)url.size, url.at, (int)value.size, value.at);
    return find_full_url(out, composing, absolute, arena);
}

static enum status add_reference_condition(
    struct condition **out, struct bundle *bundle, struct text value, const char *path, struct scope *scope) {
    struct target target;
    enum status status = target_parse(&target, value, bundle->records->own_base, path, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct condition *condition = ARENA_NEW(scope->arena, struct condition);
    status = condition_open(condition, bundle->records, target.type, target.query, path, scope);
    if (status == STATUS_OK) {
        status = condition_look(condition, bundle->records, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    condition->in_reference = true;
    condition->text = text_copy(scope->arena, value);
    invariant(map_add(&bundle->references, condition->text, bundle->condition_count));
    bundle_add_condition(bundle, condition, scope->arena);
    *out = condition;
    return STATUS_OK;
}

/* None yet, but the bundle writes such resources: the reference stays as it is until they are written. */
static enum status rewrite_conditional(
    struct text *out, struct composing *composing, struct text value, const char *path, struct scope *scope) {
    struct bundle *bundle = composing->bundle;
    struct scope *of_bundle = composing->scope;
    struct condition *condition = NULL;
    size_t known = 0;
    if (map_find(&known, &bundle->references, value)) {
        condition = bundle->conditions[known];
    } else {
        const char *where = link_path(composing, path, of_bundle->arena);
        enum status status = add_reference_condition(&condition, bundle, value, where, of_bundle);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (condition->matches == CONDITION_MANY) {
        return condition_refuse_many(condition, of_bundle);
    }
    if (condition->matches == CONDITION_NONE) {
        return bundle->writes_type[fhir_resource_number(condition->type)] ? STATUS_OK
                                                                          : condition_refuse_none(condition, of_bundle);
    }
    *out = text_format(
        scope->arena, "%s/%.*s", fhir_type_name(condition->type), (int)condition->id.size, condition->id.at);
    return STATUS_OK;
}

static enum status rewrite_reference(
    struct text *out, struct composing *composing, struct text value, const char *path, struct scope *scope) {
    if (find_full_url(out, composing, value, scope->arena)) {
        return STATUS_OK;
    }
    if (is_urn(value)) {
        return fault(scope, STATUS_INVALID, link_path(composing, path, scope->arena),
            "the reference points to an entry that is not in the bundle");
    }
    struct fhir_reference reference;
    if (!fhir_reference_parse(&reference, value, composing->bundle->records->own_base)) {
        return STATUS_OK;
    }
    if (reference.kind == FHIR_REFERENCE_CONDITIONAL) {
        return rewrite_conditional(out, composing, value, path, scope);
    }
    if (reference.kind == FHIR_REFERENCE_LOCAL) {
        find_relative(out, composing, value, scope->arena);
    }
    return STATUS_OK;
}

/* A canonical may end with |version, and every link with #fragment. */
static void rewrite_urn(struct text *out, const struct composing *composing, struct text value, struct arena *arena) {
    if (!is_urn(value)) {
        return;
    }
    struct text whole = value;
    size_t size = 0;
    while (size < value.size && value.at[size] != '|' && value.at[size] != '#') {
        size++;
    }
    whole.size = size;
    struct text identity = {0};
    if (find_full_url(&identity, composing, whole, arena)) {
        *out =
            text_format(arena, "%.*s%.*s", (int)identity.size, identity.at, (int)(value.size - size), value.at + size);
    }
}

static enum status rewrite(struct text *out, void *context, enum fhir_link_kind kind, struct text value,
    const char *path, struct scope *scope) {
    struct composing *composing = context;
    *out = (struct text){0};
    if (kind == FHIR_LINK_REFERENCE) {
        return rewrite_reference(out, composing, value, path, scope);
    }
    rewrite_urn(out, composing, value, scope->arena);
    return STATUS_OK;
}

/* ---- drafts ----------------------------------------------------------------------------------------------------- */

/* What making a draft needs on the way is several times what is kept of it: it goes into memory that is used again for the
 * next entry. Only guards look at a body in the unit, so that for most types its text need not be kept either, unless it is to be sent back. */
#define SCRATCH_BYTES ((size_t)512 * 1024 * 1024)

struct entry_composing {
    struct composing links;
    struct draft draft;
};

static enum status compose_in_scratch(void *context, struct scope *scope) {
    struct entry_composing *composing = context;
    const struct bundle_entry *entry = composing->links.entry;
    struct json_writer w = json_writer_open(scope->arena, RECORDS_RESOURCE_BYTES_MAX);
    struct text text = {0};
    yyjson_doc *doc = NULL;
    enum status status = fhir_write_rewritten(&w, entry->resource, rewrite, &composing->links, scope);
    if (status == STATUS_OK) {
        status = json_finish(&text, &w, scope);
    }
    if (status == STATUS_OK) {
        status = json_read(&doc, text, scope);
    }
    return status == STATUS_OK ? draft_make(&composing->draft, composing->links.bundle->records,
                                     yyjson_doc_get_root(doc), entry->write.id, scope)
                               : status;
}

static void keep_rows(struct draft *out, const struct draft *draft, struct arena *arena) {
    size_t bytes = 0;
    for (size_t i = 0; i < draft->row_count; i++) {
        bytes += draft->rows[i].key.size + draft->rows[i].target_id.size;
    }
    out->rows = ARENA_ARRAY(arena, struct store_row, draft->row_count + 1);
    char *at = arena_alloc(arena, bytes + 1);
    for (size_t i = 0; i < draft->row_count; i++) {
        struct store_row *row = &out->rows[i];
        *row = draft->rows[i];
        struct text *const parts[] = {&row->key, &row->target_id};
        for (size_t j = 0; j < 2; j++) {
            if (parts[j]->at != NULL) {
                memcpy(at, parts[j]->at, parts[j]->size);
                parts[j]->at = at;
                at += parts[j]->size;
            }
        }
    }
}

static void keep_references(struct draft *out, const struct draft *draft, struct arena *arena) {
    out->references = NULL;
    for (const struct local_reference *from = draft->references; from != NULL; from = from->next) {
        struct local_reference *kept = ARENA_NEW(arena, struct local_reference);
        *kept = (struct local_reference){
            .next = out->references,
            .type = from->type,
            .id = text_copy(arena, from->id),
            .path = text_string(arena, text_from(from->path)),
        };
        out->references = kept;
    }
}

enum keeping { KEEP_ROWS, KEEP_TEXT, KEEP_PARSED };

static enum status keep_draft(struct draft *out, const struct draft *draft, enum keeping keeping, struct scope *scope) {
    *out = *draft;
    out->root = NULL;
    out->json = (struct text){0};
    out->packed.packed = text_copy(scope->arena, draft->packed.packed);
    keep_rows(out, draft, scope->arena);
    keep_references(out, draft, scope->arena);
    if (keeping == KEEP_ROWS) {
        return STATUS_OK;
    }
    out->json = text_copy(scope->arena, draft->json);
    if (keeping == KEEP_TEXT) {
        return STATUS_OK;
    }
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, out->json, scope);
    out->root = status == STATUS_OK ? yyjson_doc_get_root(doc) : NULL;
    return status;
}

static enum status compose_entry(
    struct bundle *bundle, struct bundle_entry *entry, struct arena *scratch, struct scope *scope) {
    struct entry_composing composing = {.links = {.bundle = bundle, .entry = entry, .scope = scope}};
    struct scope inner;
    enum status status = scope_run(&inner, scratch, compose_in_scratch, &composing);
    fault_carry(scope, &inner.fault);
    if (status == STATUS_OK) {
        enum keeping keeping = guard_exists(bundle->records, entry->write.type)   ? KEEP_PARSED
                               : bundle->returns == RECORDS_RETURN_REPRESENTATION ? KEEP_TEXT
                                                                                  : KEEP_ROWS;
        status = keep_draft(&entry->write.draft, &composing.draft, keeping, scope);
    }
    arena_reset(scratch);
    return status;
}

static void close_scratch(void *scratch) {
    arena_close(scratch);
}

enum status bundle_compose(struct bundle *bundle, struct scope *scope) {
    if (bundle->scratch == NULL) {
        bundle->scratch = arena_open(SCRATCH_BYTES);
        if (bundle->scratch == NULL) {
            return fault(scope, STATUS_UNAVAILABLE, "", "the server is out of memory; try again later");
        }
        arena_defer(scope->arena, close_scratch, bundle->scratch);
    }
    enum status status = settle_all(bundle, scope);
    for (size_t i = 0; i < bundle->count && status == STATUS_OK; i++) {
        struct bundle_entry *entry = &bundle->entries[i];
        if (!entry->is_settled && (entry->method == BUNDLE_POST || entry->method == BUNDLE_PUT)) {
            status = compose_entry(bundle, entry, bundle->scratch, scope);
        }
        if (status == STATUS_OK) {
            status = scope_check_deadline(scope);
        }
    }
    bundle->is_composed = status == STATUS_OK;
    return status;
}
