/* The national emergency information service's answers, XML or JSON, become boards. Its shape: response/header/resultCode and
 * resultMsg; response/body/items/item*, numOfRows, pageNo, totalCount; or, from its gateway, cmmMsgHeader/returnReasonCode. */
#include <libxml/parser.h>
#include <string.h>

#include "region/fetch.h"
#include "region/hl7.h"
#include "region/keeper.h"
#include "region/naming.h"
#include "region/notice.h"
#include "region/said.h"

enum { ITEMS_MAX = 2000, FIELDS_MAX = 200, VALUE_MAX = 4000, BOARD_MAX = 4 << 20 };

struct field {
    struct text name, value;
};
struct item {
    struct field *fields;
    size_t count;
};
struct answer {
    struct text code, words;
    struct item *items;
    size_t item_count;
    int64_t total, page, rows;
};

const char *region_national_name(enum region_national_operation operation) {
    static const char *const names[] = {
        [REGION_NATIONAL_BEDS] = "getEmrrmRltmUsefulSckbdInfoInqire",
        [REGION_NATIONAL_CONDITIONS] = "getSrsillDissAceptncPosblInfoInqire",
        [REGION_NATIONAL_NOTICES] = "getEmrrmSrsillDissMsgInqire",
    };
    return names[operation];
}

/* ---- XML ------------------------------------------------------------------------------------------------------------------ */

static const xmlNode *child(const xmlNode *node, const char *name) {
    for (const xmlNode *at = node == NULL ? NULL : node->children; at != NULL; at = at->next) {
        if (at->type == XML_ELEMENT_NODE && strcmp((const char *)at->name, name) == 0) {
            return at;
        }
    }
    return NULL;
}

static struct text content(const xmlNode *node, struct arena *arena) {
    struct buffer out = buffer_open(arena, VALUE_MAX);
    for (const xmlNode *at = node == NULL ? NULL : node->children; at != NULL; at = at->next) {
        if (at->type == XML_TEXT_NODE || at->type == XML_CDATA_SECTION_NODE) {
            buffer_put_string(&out, (const char *)at->content);
        }
    }
    return text_trim(buffer_text(&out));
}

static void keep_number(int64_t *out, struct text value) {
    (void)text_to_int64(out, value);
}

static void take_xml_item(struct answer *out, const xmlNode *node, struct arena *arena) {
    struct item *item = &out->items[out->item_count++];
    item->fields = ARENA_ARRAY(arena, struct field, FIELDS_MAX);
    for (const xmlNode *at = node->children; at != NULL && item->count < FIELDS_MAX; at = at->next) {
        if (at->type == XML_ELEMENT_NODE) {
            item->fields[item->count++] =
                (struct field){text_copy(arena, text_from((const char *)at->name)), content(at, arena)};
        }
    }
}

static void take_xml(struct answer *out, const xmlNode *root, struct arena *arena) {
    const xmlNode *gateway = child(root, "cmmMsgHeader"), *header = child(root, "header"), *body = child(root, "body");
    out->code = content(gateway != NULL ? child(gateway, "returnReasonCode") : child(header, "resultCode"), arena);
    out->words = content(gateway != NULL ? child(gateway, "returnAuthMsg") : child(header, "resultMsg"), arena);
    keep_number(&out->total, content(child(body, "totalCount"), arena));
    keep_number(&out->page, content(child(body, "pageNo"), arena));
    keep_number(&out->rows, content(child(body, "numOfRows"), arena));
    const xmlNode *items = child(body, "items");
    for (const xmlNode *at = items == NULL ? NULL : items->children; at != NULL && out->item_count < ITEMS_MAX;
         at = at->next) {
        if (at->type == XML_ELEMENT_NODE && strcmp((const char *)at->name, "item") == 0) {
            take_xml_item(out, at, arena);
        }
    }
}

static void free_document(void *document) {
    xmlFreeDoc(document);
}

static void ignore_error(void *context, const char *format, ...) {
    (void)context, (void)format;
}

static enum status read_xml(struct answer *out, struct text bytes, struct scope *scope) {
    if (!fhir_xml_thread_is_ready()) {
        return fault(scope, STATUS_UNAVAILABLE, "response", "no memory to read it");
    }
    xmlSetGenericErrorFunc(NULL, ignore_error);
    xmlDoc *document = bytes.size > INT32_MAX ? NULL
                                              : xmlReadMemory(bytes.at, (int)bytes.size, NULL, NULL,
                                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (document == NULL) {
        return fault(scope, STATUS_INVALID, "response", "is no well-formed XML");
    }
    arena_defer(scope->arena, free_document, document);
    if (document->intSubset != NULL) {
        return fault(scope, STATUS_INVALID, "response", "declares a document type: none is taken");
    }
    take_xml(out, xmlDocGetRootElement(document), scope->arena);
    return STATUS_OK;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------------- */

static struct text scalar(const yyjson_val *value) {
    struct text text = json_text(value);
    return text_trim(text.at != NULL ? text : json_number_text(value));
}

static void take_json_item(struct answer *out, const yyjson_val *object, struct arena *arena) {
    if (out->item_count == ITEMS_MAX) {
        return;
    }
    struct item *item = &out->items[out->item_count++];
    item->fields = ARENA_ARRAY(arena, struct field, FIELDS_MAX);
    size_t index, count;
    yyjson_val *name, *value;
    yyjson_obj_foreach((yyjson_val *)object, index, count, name, value) {
        if (item->count < FIELDS_MAX) {
            item->fields[item->count++] = (struct field){json_text(name), scalar(value)};
        }
    }
}

static enum status read_json(struct answer *out, struct text bytes, struct scope *scope) {
    yyjson_doc *document;
    enum status status = json_read(&document, bytes, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *response = json_get(yyjson_doc_get_root(document), "response");
    const yyjson_val *header = json_get(response, "header"), *body = json_get(response, "body");
    const yyjson_val *items = json_get(json_get(body, "items"), "item");
    out->code = scalar(json_get(header, "resultCode"));
    out->words = scalar(json_get(header, "resultMsg"));
    keep_number(&out->total, scalar(json_get(body, "totalCount")));
    keep_number(&out->page, scalar(json_get(body, "pageNo")));
    keep_number(&out->rows, scalar(json_get(body, "numOfRows")));
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)items, index, count, item) {
        take_json_item(out, item, scope->arena);
    }
    if (yyjson_is_obj((yyjson_val *)items)) { /* a single one comes without its list */
        take_json_item(out, items, scope->arena);
    }
    return STATUS_OK;
}

/* "00": normal; "03": there is none such. All others say no. */
static enum status read_answer(struct answer *out, struct text bytes, struct scope *scope) {
    struct text trimmed = text_trim(bytes);
    *out = (struct answer){0};
    out->items = ARENA_ARRAY(scope->arena, struct item, ITEMS_MAX);
    enum status status = text_starts(trimmed, "{") ? read_json(out, trimmed, scope) : read_xml(out, trimmed, scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (out->code.size == 0) {
        return fault(scope, STATUS_INVALID, "response.header.resultCode", "says no result");
    }
    if (text_is(out->code, "00") || text_is(out->code, "0000") || text_is(out->code, "03")) {
        return STATUS_OK;
    }
    return fault(scope, STATUS_UNAVAILABLE, "response.header.resultCode", "the service says no: %.*s %.*s",
        (int)(out->code.size < 8 ? out->code.size : 8), out->code.at,
        (int)(out->words.size < 80 ? out->words.size : 80), out->words.at);
}

/* ---- values -------------------------------------------------------------------------------------------------------------------- */

static struct text value_of(const struct item *item, struct text name) {
    for (size_t i = 0; i < item->count; i++) {
        if (name.size > 0 && text_equal(item->fields[i].name, name)) {
            return item->fields[i].value;
        }
    }
    return (struct text){0};
}

/* False: not known. Negative counts are kept; some kinds are said as Y and N. */
static bool count_of(int64_t *out, struct text value) {
    if (text_starts(value, "Y")) {
        *out = 1;
        return true;
    }
    if (text_starts(value, "N")) {
        *out = 0;
        return true;
    }
    return text_to_int64(out, value) && *out >= -GUARD_COUNT_MOST && *out <= GUARD_COUNT_MOST;
}

/* 1: taken, 0: not, -1: not known (정보미제공, blank, anything else). */
static int accepts_of(struct text value) {
    if (text_starts(value, "Y")) {
        return 1;
    }
    return text_starts(value, "N") || text_starts(value, "불가능") ? 0 : -1;
}

/* ---- a board ---------------------------------------------------------------------------------------------------------------------- */

struct taking {
    struct region_national_page *page;
    struct answer answer;
    const struct region_snapshot *snapshot;
    enum region_national_operation operation;
    int64_t now_us;
};
struct noticed;
struct board {
    struct taking *taking;
    const struct item *item;
    const yyjson_val *report; /* as it stands; NULL */
    struct text place;
    struct said said;              /* of what the service says */
    const struct noticed *noticed; /* NULL: the operation says nothing of notices */
    int64_t said_us;
    struct json_writer w;
    bool changed;
};

static void put_concept_code(struct json_writer *w, const char *system, struct text code) {
    fhir_write_concept(w, "code", (struct fhir_coding){text_from(system), code, {0}}, (struct text){0});
}

static void put_population(struct json_writer *w, const char *code, int64_t count) {
    json_object_open(w);
    put_concept_code(w, SYSTEM_COUNT, text_from(code));
    json_member_int(w, "count", count);
    json_object_close(w);
}

static const yyjson_val *group_of(const yyjson_val *report, const char *system, struct text code) {
    size_t index, count;
    yyjson_val *group;
    yyjson_arr_foreach((yyjson_val *)json_get(report, "group"), index, count, group) {
        if (text_equal(concept_code(json_get(group, "code"), system), code)) {
            return group;
        }
    }
    return NULL;
}

static void keep_group(struct board *board, const yyjson_val *group) {
    struct said said = said_of(board->report, group);
    size_t index, count;
    yyjson_val *name, *value;
    json_object_open(&board->w);
    said_write(&board->w, &said);
    yyjson_obj_foreach((yyjson_val *)group, index, count, name, value) {
        if (!text_is(json_text(name), "extension")) {
            json_name_text(&board->w, json_text(name));
            json_value(&board->w, value);
        }
    }
    json_object_close(&board->w);
}

/* What stands is newer, unless it is only assumed. */
static bool stands(const struct board *board, const yyjson_val *group) {
    struct said said = said_of(board->report, group);
    struct fhir_interval at;
    bool assumed = text_ends(said.by, "-assumptions");
    return group != NULL && !assumed && fhir_interval_parse(&at, said.at, 0) && at.start_us >= board->said_us;
}

static void put_bed(struct board *board, size_t bed) {
    const struct region_snapshot *s = board->taking->snapshot;
    const yyjson_val *old = group_of(board->report, SYSTEM_BED, s->beds[bed].code);
    int64_t free = 0, total = 0;
    bool known =
        board->taking->operation == REGION_NATIONAL_BEDS && count_of(&free, value_of(board->item, s->beds[bed].code));
    if (!known || stands(board, old)) {
        if (old != NULL) {
            keep_group(board, old);
        }
        return;
    }
    board->changed = true;
    json_object_open(&board->w);
    said_write(&board->w, &board->said);
    put_concept_code(&board->w, SYSTEM_BED, s->beds[bed].code);
    json_name(&board->w, "population");
    json_array_open(&board->w);
    put_population(&board->w, "free", free);
    if (text_to_int64(&total, value_of(board->item, s->bed_totals[bed])) && total >= 0 && total <= GUARD_COUNT_MOST) {
        if (free <= total) {
            put_population(&board->w, "total", total);
        } else { /* the total is what was agreed, not what was counted */
            board->taking->page->over++;
        }
    }
    json_array_close(&board->w);
    json_object_close(&board->w);
}

static void put_condition(struct board *board, size_t need) {
    const struct region_snapshot *s = board->taking->snapshot;
    const yyjson_val *old = group_of(board->report, SYSTEM_CONDITION, s->needs[need].code);
    int accepts = board->taking->operation == REGION_NATIONAL_CONDITIONS
                      ? accepts_of(value_of(board->item, s->need_fields[need]))
                      : -1;
    if (accepts < 0 || stands(board, old)) {
        /* "Not provided" is unknown: it takes back what was said before, by the service itself. */
        bool taken_back = board->taking->operation == REGION_NATIONAL_CONDITIONS && accepts < 0;
        if (old != NULL && !taken_back) {
            keep_group(board, old);
        }
        board->changed = board->changed || (old != NULL && taken_back);
        return;
    }
    board->changed = true;
    json_object_open(&board->w);
    said_write(&board->w, &board->said);
    put_concept_code(&board->w, SYSTEM_CONDITION, s->needs[need].code);
    json_name(&board->w, "population");
    json_array_open(&board->w);
    put_population(&board->w, "accepts", accepts);
    json_array_close(&board->w);
    json_object_close(&board->w);
}

/* Equipment that the service knows, by its own field, and the field of the agreed total (regions/korea/equipment.csv). */
static const struct {
    const char *field, *total;
} equipment[] = {{"hvctayn", "hvs27"}, {"hvmriayn", "hvs28"}, {"hvangioayn", "hvs29"}, {"hvventiayn", "hvs30"},
    {"hvventisoayn", "hvs31"}, {"hvincuayn", "hvs32"}, {"hvcrrtayn", "hvs33"}, {"hvecmoayn", "hvs34"},
    {"hvhypoayn", "hvs35"}, {"hvoxyayn", "hvs37"}, {"hvamyn", ""}};
enum { EQUIPMENT_COUNT = sizeof equipment / sizeof *equipment };

/* Y, N or N1; anything else is not known, and what stood stays with its age. */
static void put_equipment(struct board *board, size_t row) {
    struct text field = text_from(equipment[row].field);
    const yyjson_val *old = group_of(board->report, SYSTEM_EQUIPMENT, field);
    struct text value =
        board->taking->operation == REGION_NATIONAL_BEDS ? value_of(board->item, field) : (struct text){0};
    bool yes = text_is(value, "Y"), no = text_is(value, "N") || text_is(value, "N1");
    int64_t total = 0;
    if ((!yes && !no) || stands(board, old)) {
        if (old != NULL) {
            keep_group(board, old);
        }
        return;
    }
    board->changed = true;
    json_object_open(&board->w);
    said_write(&board->w, &board->said);
    put_concept_code(&board->w, SYSTEM_EQUIPMENT, field);
    json_name(&board->w, "population");
    json_array_open(&board->w);
    put_population(&board->w, "available", yes ? 1 : 0);
    if (text_to_int64(&total, value_of(board->item, text_from(equipment[row].total))) && total >= 0 &&
        total <= GUARD_COUNT_MOST) {
        put_population(&board->w, "total", total);
    }
    json_array_close(&board->w);
    json_object_close(&board->w);
}

/* ---- notices: 응급실 및 중증질환 메시지 ------------------------------------------------------------------------------------ */

enum { NOTICE_WORDS_MAX = 1000, NOTICES_MAX = 200 };

struct noticed { /* of one place, as the answer says */
    struct notice at[NOTICES_MAX];
    size_t count;
};

static struct text refusal(size_t index, const char *field, const char *what, struct arena *arena) {
    return text_format(arena, "item[%zu].%s: %s", index, field, what);
}

/* False, and told: a time that is none, an end that is not after the beginning, a code that is no need's. */
static bool read_notice_item(struct notice *out, struct taking *taking, size_t index, struct arena *arena) {
    const struct item *item = &taking->answer.items[index];
    const struct region_snapshot *s = taking->snapshot;
    struct text code = value_of(item, TEXT("symTypCod")), words = value_of(item, TEXT("symBlkMsg")), why = {0};
    int need = region_need_find(s, code);
    while (words.size > NOTICE_WORDS_MAX || (words.size > 0 && !text_is_utf8(words))) {
        words.size = words.size > NOTICE_WORDS_MAX ? NOTICE_WORDS_MAX : words.size - 1;
    }
    *out = (struct notice){.words = words};
    if (need < 0) {
        why = refusal(index, "symTypCod", "no need of the region", arena);
    } else if (!hl7_time(&out->from_us, value_of(item, TEXT("symBlkSttDtm")), s->zone_minutes)) {
        why = refusal(index, "symBlkSttDtm", "no time", arena);
    } else if (!hl7_time(&out->until_us, value_of(item, TEXT("symBlkEndDtm")), s->zone_minutes)) {
        why = refusal(index, "symBlkEndDtm", "no time", arena);
    } else if (out->until_us <= out->from_us) {
        why = refusal(index, "symBlkEndDtm", "is not after the beginning", arena);
    }
    if (why.size > 0) {
        taking->page->refused++;
        taking->page->why = taking->page->why.size > 0 ? taking->page->why : why;
        return false;
    }
    out->need = s->needs[need].code;
    return true;
}

static bool is_same_notice(const struct notice *a, const struct notice *b) {
    return text_equal(a->need, b->need) && a->from_us == b->from_us;
}

static bool is_listed(const struct noticed *noticed, const struct notice *notice, bool wholly) {
    for (size_t i = 0; i < noticed->count; i++) {
        const struct notice *other = &noticed->at[i];
        bool equal = other->until_us == notice->until_us && text_equal(other->words, notice->words);
        if (is_same_notice(other, notice) && (equal || !wholly)) {
            return true;
        }
    }
    return false;
}

/* The whole list replaces what stands; a page of several only adds and changes. What has ended goes with either. */
static bool notice_stays(const struct board *board, const struct notice *notice) {
    const struct taking *taking = board->taking;
    bool whole = taking->answer.total <= (int64_t)taking->answer.item_count;
    return notice->until_us > taking->now_us && !whole && !is_listed(board->noticed, notice, false);
}

static void put_notices(struct board *board) {
    size_t index, count, stood = 0;
    yyjson_val *group;
    yyjson_arr_foreach((yyjson_val *)json_get(board->report, "group"), index, count, group) {
        struct notice notice;
        if (!notice_is(group)) {
            continue;
        }
        bool good = notice_read(&notice, group);
        if (board->noticed == NULL || (good && notice_stays(board, &notice))) {
            keep_group(board, group);
        } else if (good && is_listed(board->noticed, &notice, true)) {
            stood++; /* written below as it was */
        } else {
            board->changed = true;
        }
    }
    for (size_t i = 0; board->noticed != NULL && i < board->noticed->count; i++) {
        char at[TIME_TEXT_SIZE];
        int64_t from_us = board->noticed->at[i].from_us, now_us = board->taking->now_us;
        time_format_utc(at, from_us < now_us ? from_us : now_us); /* of what begins later: now */
        struct said said = {.at = text_from(at), .by = board->said.by, .basis = text_from(at)};
        notice_write(&board->w, &board->noticed->at[i], &said);
    }
    board->changed = board->changed || (board->noticed != NULL && stood != board->noticed->count);
}

static void put_tags(struct board *board) {
    size_t index, count;
    yyjson_val *tag;
    const yyjson_val *tags = json_get(json_get(board->report, "meta"), "tag");
    if (!has_tag(board->report, SYSTEM_REGION, NULL)) {
        return;
    }
    json_name(&board->w, "meta");
    json_object_open(&board->w);
    json_name(&board->w, "tag");
    json_array_open(&board->w);
    yyjson_arr_foreach((yyjson_val *)tags, index, count, tag) {
        if (!text_is(json_get_text(tag, "system"), SYSTEM_LABEL)) {
            json_value(&board->w, tag);
        }
    }
    json_array_close(&board->w);
    json_object_close(&board->w);
}

static enum status write_board(struct text *out, struct board *board, struct scope *scope) {
    char now[TIME_TEXT_SIZE];
    struct json_writer *w = &board->w;
    time_format_utc(now, board->taking->now_us);
    *w = json_writer_open(scope->arena, BOARD_MAX);
    json_object_open(w);
    json_member_string(w, "resourceType", "MeasureReport");
    json_member_text(
        w, "id", text_format(scope->arena, "%s%.*s", CAPACITY_PREFIX, (int)board->place.size, board->place.at));
    put_tags(board);
    json_member_string(w, "status", "complete");
    json_member_string(w, "type", "summary");
    json_member_string(w, "measure", MEASURE_BOARD);
    fhir_write_reference(
        w, "subject", text_format(scope->arena, "Location/%.*s", (int)board->place.size, board->place.at));
    json_member_string(w, "date", now);
    fhir_write_reference(w, "reporter", TEXT(DEVICE_NATIONAL));
    json_name(w, "period");
    json_object_open(w);
    json_member_string(w, "start", now);
    json_member_string(w, "end", now);
    json_object_close(w);
    json_name(w, "group");
    json_array_open(w);
    for (size_t bed = 0; bed < board->taking->snapshot->bed_count; bed++) {
        put_bed(board, bed);
    }
    for (size_t need = 0; need < board->taking->snapshot->need_count; need++) {
        put_condition(board, need);
    }
    for (size_t row = 0; row < EQUIPMENT_COUNT; row++) {
        put_equipment(board, row);
    }
    put_notices(board);
    json_array_close(w);
    json_object_close(w);
    return json_finish(out, w, scope);
}

/* ---- the unit ------------------------------------------------------------------------------------------------------------------------- */

/* When the place typed it; the conditions come without a time: they are as of now. */
static bool time_of(struct board *board, char text[static TIME_TEXT_SIZE]) {
    struct taking *taking = board->taking;
    struct text typed = value_of(board->item, TEXT("hvidate"));
    board->said_us = taking->now_us;
    if (taking->operation == REGION_NATIONAL_BEDS &&
        (!hl7_time(&board->said_us, typed, taking->snapshot->zone_minutes) ||
            board->said_us > taking->now_us + GUARD_SKEW_US)) {
        return false;
    }
    time_format_utc(text, board->said_us);
    return true;
}

static enum status put_board(struct board *board, struct records_unit *unit, struct scope *scope) {
    struct taking *taking = board->taking;
    struct text out;
    struct text id = text_format(scope->arena, "%s%.*s", CAPACITY_PREFIX, (int)board->place.size, board->place.at);
    enum status status = records_unit_get(&board->report, unit, fhir_type_find(TEXT("MeasureReport")), id, scope);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    status = write_board(&out, board, scope);
    if (status == STATUS_OK && !board->changed) {
        taking->page->older++;
        return STATUS_OK;
    }
    taking->page->written++;
    return status == STATUS_OK ? records_unit_put(NULL, unit, out, scope) : status;
}

static struct text author_of(struct text place, struct scope *scope) {
    return text_format(scope->arena, "Organization/%.*s", (int)place.size, place.at);
}

/* All of one place together. */
static enum status take_notices(
    struct taking *taking, const struct region_place *place, struct records_unit *unit, struct scope *scope) {
    static const struct item nothing;
    struct noticed *noticed = ARENA_NEW(scope->arena, struct noticed);
    bool said = place->notice_count > 0; /* which may have ended, or be taken back */
    for (size_t i = 0; i < taking->answer.item_count && noticed->count < NOTICES_MAX; i++) {
        struct notice notice;
        if (!text_equal(value_of(&taking->answer.items[i], TEXT("hpid")), place->id)) {
            continue;
        }
        if (!read_notice_item(&notice, taking, i, scope->arena)) {
            return STATUS_OK; /* a place of which one is broken keeps all that it had said */
        }
        if (notice.until_us > taking->now_us && !is_listed(noticed, &notice, false)) {
            noticed->at[noticed->count++] = notice;
        }
        said = true;
    }
    struct board board = {.taking = taking, .item = &nothing, .place = place->id, .noticed = noticed};
    board.said.by = author_of(place->id, scope);
    return said ? put_board(&board, unit, scope) : STATUS_OK;
}

static enum status take_item(
    struct taking *taking, const struct item *item, struct records_unit *unit, struct scope *scope) {
    struct board board = {.taking = taking, .item = item, .place = value_of(item, TEXT("hpid"))};
    char at[TIME_TEXT_SIZE];
    if (region_place_find(taking->snapshot, board.place) < 0) {
        taking->page->elsewhere++;
        return STATUS_OK;
    }
    if (!time_of(&board, at)) {
        taking->page->refused++;
        return STATUS_OK;
    }
    board.said = (struct said){.at = text_copy(scope->arena, text_from(at)), .by = author_of(board.place, scope)};
    board.said.basis = board.said.at;
    return put_board(&board, unit, scope);
}

static enum status take_all(void *context, struct records_unit *unit, struct scope *scope) {
    struct taking *taking = context;
    enum status status = STATUS_OK;
    taking->page->written = taking->page->older = taking->page->elsewhere = taking->page->refused = 0;
    taking->page->over = 0;
    bool notices = taking->operation == REGION_NATIONAL_NOTICES;
    for (size_t i = 0; notices && i < taking->snapshot->place_count && status == STATUS_OK; i++) {
        status = take_notices(taking, &taking->snapshot->places[i], unit, scope);
    }
    for (size_t i = 0; !notices && i < taking->answer.item_count && status == STATUS_OK; i++) {
        status = take_item(taking, &taking->answer.items[i], unit, scope);
    }
    return status;
}

enum status region_national_take(struct region_national_page *out, struct region *region,
    enum region_national_operation operation, struct text answer, struct scope *scope) {
    static const struct records_caller caller = {{DEVICE_NATIONAL, sizeof DEVICE_NATIONAL - 1},
        {DEVICE_NATIONAL, sizeof DEVICE_NATIONAL - 1}, {"system", 6}, {"HOPERAT", 7}};
    struct taking taking = {
        .page = out, .operation = operation, .now_us = clock_now_us(records_clock(region->records))};
    *out = (struct region_national_page){0};
    enum status status = read_answer(&taking.answer, answer, scope);
    out->total = taking.answer.total;
    out->page = taking.answer.page;
    out->rows = taking.answer.rows;
    out->items = taking.answer.item_count;
    if (status != STATUS_OK || (taking.answer.item_count == 0 && operation != REGION_NATIONAL_NOTICES)) {
        return status;
    }
    status = region_hold(&taking.snapshot, region, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const struct region_snapshot *held = taking.snapshot;
    status = records_unit_run(region->records, &caller, "national-board", take_all, &taking, scope);
    region_release(held);
    return status;
}
