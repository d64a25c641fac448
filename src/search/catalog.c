#include "search/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "search/expression.h"

enum {
    TYPE_PARAMETERS_MAX = 128, /* one bit each in a mention's users */
    TYPE_MENTIONS_MAX = 256,
};

/* A branch, or a composite's branch with its components, as the parameters in `users` ask for it. */
struct mention {
    enum fhir_search_type type;
    struct text key, branch;
    const struct fhir_search_parameter *definition;
    uint64_t users[2];
    struct slot *slot;
};

/* One resource type (or what all share) while its catalogue is made. */
struct draft {
    struct search *search;
    struct scope *scope;
    struct type_catalog *type;
    const char *type_name;
    const struct fhir_search_parameter *definitions[TYPE_PARAMETERS_MAX];
    size_t definition_count;
    struct mention mentions[TYPE_MENTIONS_MAX];
    size_t mention_count;
    size_t branch_capacity;
    const struct search_definition *uploads; /* whose components may name each other */
    size_t upload_count;
};

const char *search_type_name(enum fhir_search_type type) {
    static const char *const names[] = {[FHIR_SEARCH_NUMBER] = "number",
        [FHIR_SEARCH_DATE] = "date",
        [FHIR_SEARCH_STRING] = "string",
        [FHIR_SEARCH_TOKEN] = "token",
        [FHIR_SEARCH_REFERENCE] = "reference",
        [FHIR_SEARCH_COMPOSITE] = "composite",
        [FHIR_SEARCH_QUANTITY] = "quantity",
        [FHIR_SEARCH_URI] = "uri",
        [FHIR_SEARCH_SPECIAL] = "special"};
    return names[type];
}

static enum parameter_role role_of(const struct fhir_search_parameter *definition) {
    if (strcmp(definition->code, "_id") == 0) {
        return ROLE_ID;
    }
    if (strcmp(definition->code, "_lastUpdated") == 0) {
        return ROLE_UPDATED;
    }
    if (strcmp(definition->code, "_text") == 0 || strcmp(definition->code, "_content") == 0) {
        return ROLE_WORDS;
    }
    if (definition->expression == NULL) {
        return ROLE_UNSERVED;
    }
    if (definition->type == FHIR_SEARCH_SPECIAL) {
        return strcmp(definition->code, "near") == 0 ? ROLE_NEAR : ROLE_UNSERVED;
    }
    return ROLE_INDEXED;
}

static bool has_slots(const struct fhir_search_parameter *definition) {
    enum parameter_role role = role_of(definition);
    return role == ROLE_INDEXED || role == ROLE_NEAR;
}

/* ---- branches ----------------------------------------------------------------------------------------------------- */

static struct text last_segment(struct text url) {
    struct text name = text_cut(&url, '|');
    for (size_t i = name.size; i > 0; i--) {
        if (name.at[i - 1] == '/') {
            return (struct text){name.at + i, name.size - i};
        }
    }
    return name;
}

static void branch_describe(struct branch *branch, const struct search *search, fhir_type type) {
    branch->member = expression_member(branch->expression);
    if (branch->member.size > 0) {
        const struct fhir_element *member = fhir_element_find(type, branch->member);
        branch->member_is_choice = member != NULL && member->is_choice;
        if (member == NULL) {
            branch->member = (struct text){NULL, 0};
        }
    }
    const struct fhir_element *element = expression_element(branch->expression, type);
    if (element != NULL && element->type_count == 1) {
        branch->element_type = element->types[0];
    }
    if (branch->element_type == search->datatypes.code && element->binding != NULL) {
        branch->code_system = last_segment(text_from(element->binding));
    }
}

/* An expression that does not compile leaves its parameters without that branch, and says so. */
static const struct branch *branch_make(struct draft *draft, struct text expression) {
    struct type_catalog *type = draft->type;
    for (size_t i = 0; i < type->branch_count; i++) {
        if (text_equal(type->branches[i]->expression, expression)) {
            return type->branches[i];
        }
    }
    struct branch *branch = ARENA_NEW(draft->scope->arena, struct branch);
    branch->expression = expression;
    struct scope trial = {.arena = draft->scope->arena};
    if (fhirpath_compile(&branch->program, expression, &trial) != STATUS_OK) {
        log_event(LOG_ERROR, "search.expression", "type", draft->type_name, "expression",
            text_string(draft->scope->arena, expression), NULL);
        branch->program = NULL;
    }
    branch_describe(branch, draft->search, type->type);
    invariant(type->branch_count < draft->branch_capacity);
    branch->index = type->branch_count;
    type->branches[type->branch_count++] = branch;
    return branch;
}

/* ---- mentions ----------------------------------------------------------------------------------------------------- */

static struct text mention_key(
    struct draft *draft, const struct fhir_search_parameter *definition, struct text branch) {
    if (definition->type != FHIR_SEARCH_COMPOSITE) {
        return branch;
    }
    struct buffer key = buffer_open(draft->scope->arena, 4096);
    buffer_put(&key, branch);
    for (int i = 0; i < definition->component_count; i++) {
        buffer_put_char(&key, '$');
        buffer_put(&key, expression_of_component(definition->url, definition->components[i].expression));
    }
    invariant(!key.full);
    return buffer_text(&key);
}

static struct mention *mention_find(struct draft *draft, enum fhir_search_type type, struct text key) {
    for (size_t i = 0; i < draft->mention_count; i++) {
        if (draft->mentions[i].type == type && text_equal(draft->mentions[i].key, key)) {
            return &draft->mentions[i];
        }
    }
    return NULL;
}

static bool is_branch_of_another(struct draft *draft, struct text base) {
    for (size_t i = 0; i < draft->definition_count; i++) {
        const struct fhir_search_parameter *definition = draft->definitions[i];
        if (definition->type != FHIR_SEARCH_REFERENCE || definition->expression == NULL) {
            continue;
        }
        struct text rest = text_from(definition->expression);
        while (rest.at != NULL) {
            if (text_equal(expression_cut(&rest), base)) {
                return true;
            }
        }
    }
    return false;
}

/* What a branch of a parameter stands on: the mention's key, and the target type it is narrowed to. */
static struct text branch_ground(
    fhir_type *only_out, struct draft *draft, const struct fhir_search_parameter *definition, struct text branch) {
    struct text base;
    fhir_type only;
    *only_out = FHIR_TYPE_NONE;
    if (definition->type == FHIR_SEARCH_REFERENCE && expression_narrowed(&base, &only, branch) &&
        is_branch_of_another(draft, base)) {
        *only_out = only;
        return base;
    }
    return mention_key(draft, definition, branch);
}

static void mentions_collect(struct draft *draft) {
    for (size_t i = 0; i < draft->definition_count; i++) {
        const struct fhir_search_parameter *definition = draft->definitions[i];
        struct text rest = text_from(has_slots(definition) ? definition->expression : NULL);
        while (rest.at != NULL) {
            struct text branch = expression_cut(&rest);
            fhir_type only;
            if (branch.size == 0 || !expression_concerns(branch, draft->type->type)) {
                continue;
            }
            struct text key = branch_ground(&only, draft, definition, branch);
            if (only != FHIR_TYPE_NONE) {
                continue;
            }
            struct mention *mention = mention_find(draft, definition->type, key);
            if (mention == NULL) {
                invariant(draft->mention_count < TYPE_MENTIONS_MAX);
                mention = &draft->mentions[draft->mention_count++];
                *mention =
                    (struct mention){.type = definition->type, .key = key, .branch = branch, .definition = definition};
            }
            mention->users[i / 64] |= UINT64_C(1) << i % 64;
        }
    }
}

/* ---- slots -------------------------------------------------------------------------------------------------------- */

static const struct fhir_search_parameter *definition_by_url(const struct draft *draft, const char *url) {
    for (int i = 0; i < fhir_search_parameter_count(); i++) {
        const struct fhir_search_parameter *definition = fhir_search_parameter_at(i);
        if (strcmp(definition->url, url) == 0) {
            return definition;
        }
    }
    for (size_t i = 0; i < draft->upload_count; i++) {
        if (strcmp(draft->uploads[i].parameter.url, url) == 0) {
            return &draft->uploads[i].parameter;
        }
    }
    return NULL;
}

static void slot_add_components(
    struct draft *draft, struct slot *slot, const struct fhir_search_parameter *definition) {
    for (int i = 0; i < definition->component_count && i < COMPONENTS_MAX; i++) {
        const struct fhir_search_component *published = &definition->components[i];
        const struct fhir_search_parameter *meaning = definition_by_url(draft, published->parameter_url);
        struct component *component = &slot->components[slot->component_count];
        struct scope trial = {.arena = draft->scope->arena};
        component->expression = expression_of_component(definition->url, published->expression);
        if (meaning == NULL || fhirpath_compile(&component->program, component->expression, &trial) != STATUS_OK) {
            log_event(LOG_ERROR, "search.component", "parameter", definition->url, NULL);
            continue;
        }
        component->definition = meaning;
        component->type = meaning->type;
        slot->component_count++;
    }
}

static struct slot *slot_make(struct draft *draft, const struct mention *mention) {
    struct slot *slot = ARENA_NEW(draft->scope->arena, struct slot);
    slot->type = mention->type;
    slot->resource = draft->type == &draft->search->types[0] ? FHIR_TYPE_NONE : draft->type->type;
    slot->branches = ARENA_ARRAY(draft->scope->arena, const struct branch *, draft->mention_count);
    slot->name = text_format(draft->scope->arena, "%s:%s:%.*s", draft->type_name, search_type_name(mention->type),
        (int)mention->key.size, mention->key.at)
                     .at;
    if (mention->type == FHIR_SEARCH_COMPOSITE) {
        slot_add_components(draft, slot, mention->definition);
    }
    draft->type->slots[draft->type->slot_count++] = slot;
    return slot;
}

/* Bumped for a search type when the keys that it makes of the same value change: such rows are then made anew. */
static const uint8_t keys_form[] = {[FHIR_SEARCH_NUMBER] = 1,
    [FHIR_SEARCH_DATE] = 1,
    [FHIR_SEARCH_STRING] = 2,
    [FHIR_SEARCH_TOKEN] = 1,
    [FHIR_SEARCH_REFERENCE] = 2,
    [FHIR_SEARCH_COMPOSITE] = 2,
    [FHIR_SEARCH_QUANTITY] = 2,
    [FHIR_SEARCH_URI] = 1,
    [FHIR_SEARCH_SPECIAL] = 1};

static uint64_t digest_head(struct text bytes) {
    uint8_t digest[DIGEST_SIZE];
    uint64_t head = 0;
    digest_sha256(digest, bytes);
    for (int i = 0; i < 8; i++) {
        head = head << 8 | digest[i];
    }
    return head;
}

static void slot_seal(struct slot *slot, struct arena *arena) {
    struct buffer all = buffer_open(arena, SIZE_MAX);
    buffer_put_format(&all, "%d\n%s\n", keys_form[slot->type], slot->name);
    for (size_t i = 0; i < slot->branch_count; i++) {
        buffer_put(&all, slot->branches[i]->expression);
        buffer_put_char(&all, '\n');
    }
    for (size_t i = 0; i < slot->component_count; i++) {
        const struct component *component = &slot->components[i];
        buffer_put_format(&all, "%d %d\n", keys_form[component->type], component->type);
        buffer_put(&all, component->expression);
        buffer_put_char(&all, '\n');
    }
    slot->hash = digest_head(buffer_text(&all));
}

static void slots_make(struct draft *draft) {
    struct arena *arena = draft->scope->arena;
    draft->branch_capacity = TYPE_MENTIONS_MAX;
    draft->type->slots = ARENA_ARRAY(arena, struct slot *, draft->mention_count + 1);
    draft->type->branches = ARENA_ARRAY(arena, struct branch *, TYPE_MENTIONS_MAX);
    for (size_t i = 0; i < draft->mention_count; i++) {
        struct mention *mention = &draft->mentions[i];
        for (size_t j = 0; j < i && mention->slot == NULL; j++) {
            const struct mention *other = &draft->mentions[j];
            if (other->type == mention->type && memcmp(other->users, mention->users, sizeof mention->users) == 0) {
                mention->slot = other->slot;
            }
        }
        if (mention->slot == NULL) {
            mention->slot = slot_make(draft, mention);
        }
        mention->slot->branches[mention->slot->branch_count++] = branch_make(draft, mention->branch);
    }
    for (size_t i = 0; i < draft->type->slot_count; i++) {
        slot_seal(draft->type->slots[i], arena);
    }
}

/* ---- parameters --------------------------------------------------------------------------------------------------- */

static void use_add(struct parameter *parameter, struct slot *slot, fhir_type only) {
    for (size_t i = 0; i < parameter->use_count; i++) {
        if (parameter->uses[i].slot == slot && parameter->uses[i].only == only) {
            return;
        }
    }
    parameter->uses[parameter->use_count++] = (struct slot_use){slot, only};
    slot->code = slot->code == NULL ? parameter->code : slot->code;
}

static void parameter_make(
    struct draft *draft, struct parameter *parameter, const struct fhir_search_parameter *definition) {
    *parameter = (struct parameter){
        .code = definition->code, .type = definition->type, .role = role_of(definition), .definition = definition};
    struct text rest = text_from(has_slots(definition) ? definition->expression : NULL);
    parameter->uses = ARENA_ARRAY(draft->scope->arena, struct slot_use, draft->mention_count + 1);
    while (rest.at != NULL) {
        struct text branch = expression_cut(&rest);
        fhir_type only;
        if (branch.size == 0 || !expression_concerns(branch, draft->type->type)) {
            continue;
        }
        struct mention *mention =
            mention_find(draft, definition->type, branch_ground(&only, draft, definition, branch));
        if (mention != NULL) {
            use_add(parameter, mention->slot, only);
        }
    }
    if (parameter->use_count == 0 && has_slots(definition)) {
        parameter->role = ROLE_UNSERVED;
    }
}

static int parameter_compare(const void *a, const void *b) {
    return strcmp(((const struct parameter *)a)->code, ((const struct parameter *)b)->code);
}

static void type_build(struct draft *draft) {
    mentions_collect(draft);
    slots_make(draft);
    struct type_catalog *type = draft->type;
    type->parameters = ARENA_ARRAY(draft->scope->arena, struct parameter, draft->definition_count + 1);
    for (size_t i = 0; i < draft->definition_count; i++) {
        parameter_make(draft, &type->parameters[type->parameter_count++], draft->definitions[i]);
    }
    if (type->parameter_count > 0) {
        qsort(type->parameters, type->parameter_count, sizeof *type->parameters, parameter_compare);
    }
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

static void datatypes_find(struct datatypes *types) {
    const struct {
        fhir_type *type;
        const char *name;
    } rows[] = {
        {&types->coding, "Coding"},
        {&types->codeable_concept, "CodeableConcept"},
        {&types->identifier, "Identifier"},
        {&types->contact_point, "ContactPoint"},
        {&types->quantity, "Quantity"},
        {&types->money, "Money"},
        {&types->range, "Range"},
        {&types->period, "Period"},
        {&types->timing, "Timing"},
        {&types->human_name, "HumanName"},
        {&types->address, "Address"},
        {&types->reference, "Reference"},
        {&types->canonical, "canonical"},
        {&types->uri, "uri"},
        {&types->extension, "Extension"},
        {&types->code, "code"},
        {&types->position, "Location.position"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        *rows[i].type = fhir_type_find(text_from(rows[i].name));
        invariant(*rows[i].type != FHIR_TYPE_NONE);
    }
}

bool catalog_has_base(const struct fhir_search_parameter *definition, fhir_type type, bool is_shared) {
    for (int i = 0; i < definition->base_count; i++) {
        if (definition->bases[i] == type || (is_shared && fhir_type_is_abstract(definition->bases[i]))) {
            return true;
        }
    }
    return false;
}

/* A code names one parameter of a type: the first definition of it counts. */
static void draft_take(struct draft *draft, const struct fhir_search_parameter *definition) {
    for (size_t i = 0; i < draft->definition_count; i++) {
        if (strcmp(draft->definitions[i]->code, definition->code) == 0) {
            return;
        }
    }
    invariant(draft->definition_count < TYPE_PARAMETERS_MAX);
    draft->definitions[draft->definition_count++] = definition;
}

enum status catalog_build(struct search *search, struct scope *scope) {
    datatypes_find(&search->datatypes);
    int type_count = fhir_resource_count();
    search->types = ARENA_ARRAY(scope->arena, struct type_catalog, (size_t)type_count + 1);
    struct draft *draft = ARENA_NEW(scope->arena, struct draft);
    for (int number = 0; number <= type_count; number++) {
        fhir_type type = number == 0 ? fhir_type_find(TEXT("Resource")) : fhir_resource_type((uint16_t)number);
        *draft = (struct draft){
            .search = search, .scope = scope, .type = &search->types[number], .type_name = fhir_type_name(type)};
        draft->type->type = type;
        for (int i = 0; i < fhir_search_parameter_count(); i++) {
            const struct fhir_search_parameter *definition = fhir_search_parameter_at(i);
            if (catalog_has_base(definition, type, number == 0)) {
                draft_take(draft, definition);
            }
        }
        type_build(draft);
    }
    return STATUS_OK;
}

/* ---- uploaded parameters -------------------------------------------------------------------------------------------- */

bool catalog_concerns(struct text branch, fhir_type type) {
    if (type != FHIR_TYPE_NONE) {
        return expression_concerns(branch, type);
    }
    fhir_type named = expression_type(branch);
    return named == FHIR_TYPE_NONE || fhir_type_is_abstract(named);
}

static size_t count_branches(const struct search_definition *uploads, size_t count) {
    size_t branches = 0;
    for (size_t i = 0; i < count; i++) {
        for (struct text rest = text_from(uploads[i].parameter.expression); rest.at != NULL;) {
            (void)expression_cut(&rest);
            branches++;
        }
    }
    return branches;
}

/* Its name holds all that its rows follow from, so that another definition never meets its spaces. */
static struct slot *uploaded_slot_make(struct draft *draft, const struct fhir_search_parameter *definition) {
    struct arena *arena = draft->scope->arena;
    struct slot *slot = ARENA_NEW(arena, struct slot);
    *slot = (struct slot){.name = search_type_name(definition->type),
        .code = definition->code,
        .type = definition->type,
        .resource = draft->type == &draft->search->types[0] ? FHIR_TYPE_NONE : draft->type->type,
        .is_uploaded = true};
    slot->branches = ARENA_ARRAY(
        arena, const struct branch *, count_branches(&(struct search_definition){.parameter = *definition}, 1) + 1);
    for (struct text rest = text_from(definition->expression); rest.at != NULL;) {
        struct text branch = expression_cut(&rest);
        if (branch.size > 0 && catalog_concerns(branch, slot->resource)) {
            slot->branches[slot->branch_count++] = branch_make(draft, branch);
        }
    }
    if (definition->type == FHIR_SEARCH_COMPOSITE) {
        slot_add_components(draft, slot, definition);
    }
    slot_seal(slot, arena);
    slot->name = text_format(
        arena, "%s:%s:upload:%016llx", draft->type_name, search_type_name(slot->type), (unsigned long long)slot->hash)
                     .at;
    for (size_t i = 0; i < draft->type->slot_count; i++) {
        if (draft->type->slots[i]->is_uploaded && draft->type->slots[i]->hash == slot->hash) {
            return draft->type->slots[i];
        }
    }
    draft->type->slots[draft->type->slot_count++] = slot;
    return slot;
}

static void uploaded_parameter_make(struct draft *draft, const struct search_definition *upload) {
    const struct fhir_search_parameter *definition = &upload->parameter;
    struct parameter *parameter = &draft->type->parameters[draft->type->parameter_count++];
    *parameter = (struct parameter){.code = definition->code,
        .type = definition->type,
        .role = ROLE_INDEXED,
        .definition = definition,
        .upload = upload->id,
        .uses = ARENA_NEW(draft->scope->arena, struct slot_use),
        .use_count = 1};
    parameter->uses[0] = (struct slot_use){.slot = uploaded_slot_make(draft, definition)};
}

static void *array_copy(struct arena *arena, const void *from, size_t count, size_t more, size_t size) {
    void *to = arena_array(arena, count + more, size);
    if (count > 0) {
        memcpy(to, from, count * size);
    }
    return to;
}

static void type_extend(struct draft *draft) {
    struct arena *arena = draft->scope->arena;
    struct type_catalog *type = draft->type;
    bool is_shared = type == &draft->search->types[0];
    size_t more = draft->upload_count, branches = count_branches(draft->uploads, more);
    type->parameters = array_copy(arena, type->parameters, type->parameter_count, more, sizeof *type->parameters);
    type->slots = array_copy(arena, type->slots, type->slot_count, more, sizeof *type->slots);
    type->branches = array_copy(arena, type->branches, type->branch_count, branches, sizeof *type->branches);
    draft->branch_capacity = type->branch_count + branches;
    for (size_t i = 0; i < draft->upload_count; i++) {
        if (catalog_has_base(&draft->uploads[i].parameter, type->type, is_shared)) {
            uploaded_parameter_make(draft, &draft->uploads[i]);
        }
    }
    qsort(type->parameters, type->parameter_count, sizeof *type->parameters, parameter_compare);
}

void catalog_extend(struct search *search, const struct search *base, const struct search_definition *uploads,
    size_t upload_count, struct scope *scope) {
    size_t type_count = (size_t)fhir_resource_count() + 1;
    search->types = array_copy(scope->arena, base->types, type_count, 0, sizeof *base->types);
    struct draft *draft = ARENA_NEW(scope->arena, struct draft);
    for (size_t number = 0; number < type_count; number++) {
        bool is_touched = false;
        fhir_type type = base->types[number].type;
        for (size_t i = 0; i < upload_count && !is_touched; i++) {
            is_touched = catalog_has_base(&uploads[i].parameter, type, number == 0);
        }
        if (is_touched) {
            *draft = (struct draft){.search = search,
                .scope = scope,
                .type = &search->types[number],
                .type_name = fhir_type_name(type),
                .uploads = uploads,
                .upload_count = upload_count};
            type_extend(draft);
        }
    }
}

/* ---- finding -------------------------------------------------------------------------------------------------------- */

const struct type_catalog *catalog_of(const struct search *search, fhir_type type) {
    return &search->types[type == FHIR_TYPE_NONE ? 0 : fhir_resource_number(type)];
}

static int code_compare(const void *code, const void *parameter) {
    return text_compare(*(const struct text *)code, text_from(((const struct parameter *)parameter)->code));
}

static const struct parameter *find_in(const struct type_catalog *type, struct text code) {
    if (type->parameter_count == 0) {
        return NULL;
    }
    return bsearch(&code, type->parameters, type->parameter_count, sizeof *type->parameters, code_compare);
}

const struct parameter *catalog_find_by_url(const struct search *search, fhir_type type, const char *url) {
    const struct type_catalog *catalog = catalog_of(search, type);
    for (size_t i = 0; i < catalog->parameter_count; i++) {
        if (strcmp(catalog->parameters[i].definition->url, url) == 0) {
            return &catalog->parameters[i];
        }
    }
    return NULL;
}

const struct parameter *catalog_find(const struct search *search, fhir_type type, struct text code) {
    const struct parameter *own = find_in(catalog_of(search, type), code);
    return own != NULL || type == FHIR_TYPE_NONE ? own : find_in(&search->types[0], code);
}

enum status slot_check_complete(const struct slot *slot, struct scope *scope) {
    if (!atomic_load_explicit(&slot->is_pending, memory_order_acquire)) {
        return STATUS_OK;
    }
    uint64_t total = atomic_load(&slot->total);
    if (total == 0) { /* not counted yet */
        return fault_coded(scope, STATUS_UNAVAILABLE, "transient", "",
            "%s: no resources are indexed yet; try again later", slot->code);
    }
    return fault_coded(scope, STATUS_UNAVAILABLE, "transient", "",
        "%s: %llu of %llu resources are indexed; try again later", slot->code,
        (unsigned long long)atomic_load(&slot->indexed), (unsigned long long)total);
}

enum status slot_space(
    uint32_t *out, const struct search *search, struct slot *slot, enum facet facet, struct scope *scope) {
    static const char *const suffixes[FACET_COUNT] = {[FACET_MAIN] = "",
        [FACET_TEXT] = ":text",
        [FACET_TYPED] = ":of-type",
        [FACET_WORD] = ":word",
        [FACET_WIDE] = ":wide",
        [FACET_CONVERTED] = ":converted",
        [FACET_ELSEWHERE] = ":elsewhere",
        [FACET_IDENTIFIER] = ":identifier",
        [FACET_INSIDE] = ":inside"};
    *out = atomic_load_explicit(&slot->spaces[facet], memory_order_relaxed);
    if (*out != 0) {
        return STATUS_OK;
    }
    struct text name = text_format(scope->arena, "%s%s", slot->name, suffixes[facet]);
    enum status status = store_space(out, search->store, name, scope);
    if (status == STATUS_OK) {
        atomic_store_explicit(&slot->spaces[facet], *out, memory_order_relaxed);
    }
    return status;
}
