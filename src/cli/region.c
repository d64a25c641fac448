/* soyang region load: a region's folder becomes records. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/folder.h"

static const struct option_row options[] = {
    {"--data", "DIR", "the data folder; made when missing", "soyang-data"},
    {"--assumptions", NULL, "also load assumptions.json: what no source states, labelled as assumed", NULL},
    {0},
};

static int run(const struct arguments *arguments, struct scope *scope) {
    struct folder folder = {0};
    struct region_loaded loaded = {0};
    if (strcmp(arguments->operands[0], "load") != 0) {
        (void)fprintf(stderr, "soyang region: there is no action '%s'; there is 'load'\n", arguments->operands[0]);
        return EXIT_USAGE;
    }
    struct folder_config config = {.path = argument(arguments, "--data"), .speed = 1};
    enum status status = folder_open(&folder, &config, scope);
    if (status == STATUS_OK)
        status = region_load(&loaded, folder.records, &folder_operator, arguments->operands[1],
            argument_flag(arguments, "--assumptions") ? REGION_WITH_ASSUMPTIONS : REGION_SOURCED_ONLY, scope);
    folder_close(&folder);
    if (status == STATUS_OK)
        printf("loaded %s: %zu places, %zu public health posts, %zu districts; %zu resources written, %zu unchanged\n",
            arguments->operands[1], loaded.places, loaded.posts, loaded.districts, loaded.resources_written,
            loaded.resources_unchanged);
    return report(scope, status);
}

const struct command command_region = {"region", "load DIR", "load a region's folder",
    "Reads a region's files (regions/README.md) and keeps them as FHIR resources. Loading again writes only what "
    "changed.\n"
    "A fault names file, line and field, and then nothing is written.",
    options, 2, 2, run};
