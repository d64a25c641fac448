/* soyang check: integrity of a data folder. */
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/folder.h"
#include "search/search.h"
#include "store/store.h"

static const struct option_row options[] = {{0}};

static void show(void *context, uint64_t done, uint64_t total) {
    (void)context;
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\rchecked %llu of %llu", (unsigned long long)done, (unsigned long long)total);
}

static int run(const struct arguments *arguments, struct scope *scope) {
    struct clock *clock = clock_open(1);
    struct store *store = NULL;
    enum status status = folder_stands(arguments->operands[0], scope);
    if (status == STATUS_OK)
        status = store_open(&store, &(struct store_config){.folder = arguments->operands[0], .clock = clock}, scope);
    uint64_t text_versions = 0;
    if (status == STATUS_OK) {
        store_text_know(store, search_words());
        status = store_check(&text_versions, store, show, NULL, scope);
    }
    if (status == STATUS_OK) {
        struct store_figures figures;
        store_figures(&figures, store);
        printf("%s%s is sound: %llu resources in %llu versions, %llu audit entries, sequence %llu, words of %llu "
               "versions\n",
            isatty(STDERR_FILENO) ? "\n" : "", arguments->operands[0], (unsigned long long)figures.resources,
            (unsigned long long)figures.versions, (unsigned long long)figures.audit_entries,
            (unsigned long long)store_sequence(store), (unsigned long long)text_versions);
    }
    store_close(store);
    clock_close(clock);
    return report(arguments, scope, status);
}

const struct command command_check = {"check", "DATA",
    {"check a data folder's integrity", "데이터 폴더의 무결성을 검사합니다"},
    {"Reads every page, body, index row and audit entry of the folder and the index of its words, and says what is "
     "wrong.\n"
     "Changes nothing.",
        "폴더의 모든 페이지, 본문, 색인 행, 감사 기록과 낱말 색인을 읽고 잘못된 것을 알립니다.\n"
        "아무것도 바꾸지 않습니다."},
    options, 1, 1, run};
