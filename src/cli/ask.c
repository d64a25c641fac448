#include "cli/ask.h"

#include "cli/folder.h"
#include "cli/passing.h"
#include "cli/remote.h"

static enum status ask_folder(struct text *answer, const struct arguments *arguments, const struct asked *asked,
    struct text question, struct scope *scope) {
    struct passing_folder passing = {0};
    struct folder folder = {0};
    struct region_loaded loaded;
    const char *region = argument(arguments, "--region");
    struct folder_config config = {.path = argument(arguments, "--data"), .speed = 1, .making = FOLDER_STANDS};
    enum status status = STATUS_OK;
    if (config.path == NULL && region == NULL)
        return fault(scope, STATUS_INVALID, "--data", "%s",
            say("or --region, or --url is required", "--data, --region, --url 가운데 하나가 필요합니다"));
    if (config.path == NULL) {
        status = passing_open(&passing, "soyang-ask", scope);
        config.path = passing.path;
        config.making = FOLDER_MADE;
    }
    if (status == STATUS_OK)
        status = folder_open(&folder, &config, scope);
    if (status == STATUS_OK && region != NULL)
        status = region_load(&loaded, folder.records, &folder_operator, region,
            argument_flag(arguments, "--assumptions") ? REGION_WITH_ASSUMPTIONS : REGION_SOURCED_ONLY, scope);
    struct referral_call call = {.caller = &folder_operator, .parameters = question};
    if (status == STATUS_OK)
        status = asked->function(answer, folder.referral, &call, scope);
    folder_close(&folder);
    passing_close(&passing);
    return status;
}

enum status ask(struct text *answer, const struct arguments *arguments, const struct asked *asked, struct text question,
    struct scope *scope) {
    struct remote *remote = NULL;
    const char *url = argument(arguments, "--url");
    if (url == NULL)
        return ask_folder(answer, arguments, asked, question, scope);
    enum status status = remote_open(&remote, url, scope);
    if (status == STATUS_OK)
        status = remote_post(answer, remote, asked->name, question, scope);
    remote_close(remote);
    return status;
}
