/* soyang migrate: a data folder of an older schema becomes one of this program's. */
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "store/store.h"

static const struct option_row options[] = {{0}};

static void show(void *context, uint64_t done, uint64_t total) {
    (void)context;
    (void)fprintf(stderr, "%sstep %llu of %llu%s", isatty(STDERR_FILENO) ? "\r" : "", (unsigned long long)done,
        (unsigned long long)total, isatty(STDERR_FILENO) && done < total ? "" : "\n");
}

static int run(const struct arguments *arguments, struct scope *scope) {
    const char *folder = arguments->operands[0];
    struct store_migration migration;
    enum status status = store_migrate(&migration, folder, show, NULL, scope);
    if (status == STATUS_OK && migration.from == migration.to)
        printf("%s has schema %d already: nothing was to be done\n", folder, migration.to);
    else if (status == STATUS_OK)
        printf("%s: schema %d is now %d\n", folder, migration.from, migration.to);
    return report(arguments, scope, status);
}

const struct command command_migrate = {"migrate", "DATA",
    {"bring a data folder of an older program up to date", "이전 프로그램의 데이터 폴더를 새 형식으로 옮깁니다"},
    {"Changes the folder's tables into those of this program, in one transaction: whatever ends it, a power cut too,\n"
     "leaves the folder as it was or migrated. Nothing may have the folder open. It needs room on the disk for what "
     "it\n"
     "rewrites; copy the folder first if an older program is to read it again. Index rows that newer search "
     "parameters\n"
     "need are made by 'soyang serve', while it serves.",
        "폴더의 테이블을 한 트랜잭션으로 이 프로그램의 형식으로 바꿉니다. 정전을 포함해 무엇으로 끝나든 폴더는 전과 "
        "같거나\n"
        "다 옮겨진 상태입니다. 폴더를 연 프로그램이 없어야 하고, 다시 쓰는 만큼 디스크 공간이 필요합니다. 이전 "
        "프로그램으로도\n"
        "읽으려면 먼저 복사하십시오. 새 검색 매개변수에 필요한 색인 행은 'soyang serve'가 실행 중에 만듭니다."},
    options, 1, 1, run};
