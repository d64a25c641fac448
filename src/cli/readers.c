#include "cli/readers.h"

#include <unistd.h>

#include "cli/document.h"

enum { MODEL_BYTES_MAX = 1 << 20, SITES_BYTES_MAX = 8 << 20 };

static enum status load_folder(struct triage_readers_config *config, const char *folder, struct scope *scope) {
    int found = 0;
    config->only_given = true;
    for (int i = 0; i < TRIAGE_MODEL_COUNT; i++) {
        const char *path =
            text_format(scope->arena, "%s/%s", folder, triage_model_file_name((enum triage_model_kind)i)).at;
        if (access(path, F_OK) != 0)
            continue;
        enum status status = file_read(&config->models[i], path, MODEL_BYTES_MAX, scope);
        if (status != STATUS_OK)
            return status;
        found++;
    }
    return found > 0 ? STATUS_OK : fault(scope, STATUS_NOT_FOUND, folder, "no model file in this folder");
}

enum status readers_take(
    struct triage_readers_config *out, const struct readers_question *question, struct scope *scope) {
    *out = (struct triage_readers_config){.policy = question->policy};
    enum status status = STATUS_OK;
    if (question->models != NULL)
        status = load_folder(out, question->models, scope);
    if (status == STATUS_OK && question->sites != NULL)
        status = file_read(&out->sites, question->sites, SITES_BYTES_MAX, scope);
    yyjson_doc *document;
    return status == STATUS_OK && question->sites != NULL ? source_json(&document, out->sites, question->sites, scope)
                                                          : status;
}

enum status readers_load(const struct triage_readers **out, const struct readers_question *question,
    struct arena *arena, struct scope *scope) {
    struct triage_readers_config config;
    enum status status = readers_take(&config, question, scope);
    return status == STATUS_OK ? triage_readers_open(out, &config, arena, scope) : status;
}
