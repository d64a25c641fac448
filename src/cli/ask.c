#include "cli/ask.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/folder.h"
#include "cli/remote.h"

/* A region loaded for one question lives in a folder that goes with it. */
struct passing_folder {
    char path[64];
};

static enum status passing_open(struct passing_folder *passing, struct scope *scope) {
    (void)snprintf(passing->path, sizeof passing->path, "/tmp/soyang-ask-XXXXXX");
    if (mkdtemp(passing->path) == NULL)
        return fault(scope, STATUS_FAILED, "", "no temporary folder under /tmp");
    return STATUS_OK;
}

static void passing_remove(const struct passing_folder *passing) {
    if (passing->path[0] == '\0')
        return;
    DIR *folder = opendir(passing->path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        closedir(folder);
    rmdir(passing->path);
}

static enum status ask_folder(struct text *answer, const struct arguments *arguments, const struct asked *asked,
    struct text question, struct scope *scope) {
    struct passing_folder passing = {0};
    struct folder folder = {0};
    struct region_loaded loaded;
    const char *region = argument(arguments, "--region");
    struct folder_config config = {.path = argument(arguments, "--data"), .speed = 1};
    enum status status = STATUS_OK;
    if (config.path == NULL && region == NULL)
        return fault(scope, STATUS_INVALID, "", "one of --data, --region, --url is required");
    if (config.path == NULL) {
        status = passing_open(&passing, scope);
        config.path = passing.path;
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
    passing_remove(&passing);
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
