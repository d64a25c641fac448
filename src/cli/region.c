/* soyang region load: a region's folder becomes records. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/folder.h"

static const struct option_row options[] = {
    {"--data", "DIR", {"the data folder; made when missing", "데이터 폴더. 없으면 만듭니다"}, "soyang-data"},
    {"--assumptions", NULL,
        {"also load assumptions.json: what no source states, labelled as assumed",
            "assumptions.json도 적재합니다: 출처가 없어 '가정'으로 표시한 값"},
        NULL},
    {0},
};

static int run(const struct arguments *arguments, struct scope *scope) {
    struct folder folder = {0};
    struct region_loaded loaded = {0};
    if (strcmp(arguments->operands[0], "load") != 0) {
        return usage_fault(
            arguments->command, say("the action is load, not ", "동작은 load입니다: "), arguments->operands[0]);
    }
    struct folder_config config = {.path = argument(arguments, "--data"), .speed = 1};
    const char *file = text_format(scope->arena, "%s/region.json", arguments->operands[1]).at;
    enum status status = access(file, R_OK) == 0 /* before a data folder is made for it */
                             ? folder_open(&folder, &config, scope)
                             : fault(scope, STATUS_NOT_FOUND, file, "cannot be read: %s", strerror(errno));
    if (status == STATUS_OK)
        status = region_load(&loaded, folder.records, &folder_operator, arguments->operands[1],
            argument_flag(arguments, "--assumptions") ? REGION_WITH_ASSUMPTIONS : REGION_SOURCED_ONLY, scope);
    folder_close(&folder);
    if (status == STATUS_OK)
        printf("loaded %s: %zu places, %zu public health posts, %zu districts; %zu resources written, %zu unchanged\n",
            arguments->operands[1], loaded.places, loaded.posts, loaded.districts, loaded.resources_written,
            loaded.resources_unchanged);
    return report(arguments, scope, status);
}

const struct command command_region = {"region", "load DIR", {"load a region's folder", "지역 폴더를 적재합니다"},
    {"Reads a region's files (regions/README.md) and keeps them as FHIR resources. Loading again writes only what "
     "changed.\n"
     "A fault names file, line and field, and then nothing is written.",
        "지역의 파일(regions/README.md)을 읽어 FHIR 자원으로 저장합니다. 다시 적재하면 바뀐 것만 씁니다.\n"
        "오류는 파일, 줄, 항목을 밝히며, 그때는 아무것도 쓰지 않습니다."},
    options, 2, 2, run};
