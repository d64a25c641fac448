/* soyang serve: the server until it is interrupted. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/draft.h"
#include "cli/folder.h"
#include "cli/readers.h"
#include "cli/serve.h"
#include "server/server.h"

static const struct option_row options[] = {
    {"--data", "DIR", {"the data folder; made when missing", "데이터 폴더. 없으면 만듭니다"}, "soyang-data"},
    {"--port", "N", {"TCP port on 127.0.0.1; 0 takes any free one", "127.0.0.1의 TCP 포트. 0이면 빈 포트를 씁니다"},
        "8080"},
    {"--speed", "X", {"run the clock X times as fast (demonstrations only)", "시계를 X배 빠르게 합니다(시연 전용)"},
        "1"},
    {"--roads", "FILE.roads",
        {"ask these roads for travel times (soyang roads import, then table)",
            "이 도로망으로 이동 시간을 구합니다(soyang roads import, 이어서 table)"},
        NULL},
    {"--public-url", "URL",
        {"base of all links, e.g. https://fhir.example.org/fhir",
            "모든 링크의 기준 주소. 예: https://fhir.example.org/fhir"},
        NULL},
    {"--trust-proxy", "ADDRESS...", {"believe the forwarded headers of this peer", "이 상대가 전달한 헤더를 믿습니다"},
        NULL},
    {"--cors-origin", "ORIGIN...", {"let pages of this origin call", "이 출처(origin)의 페이지가 호출할 수 있습니다"},
        NULL},
    {"--body-max", "MIB", {"largest request body once decoded, MiB", "압축을 푼 요청 본문의 최대 크기(MiB)"}, "128"},
    {"--patience", "S",
        {"seconds that a request's head may take; its body and its answer may rest six times as long, and move at 1 "
         "KB/s",
            "요청 머리부에 허용할 시간(초). 본문과 답은 그 여섯 배까지 멈출 수 있고, 1 KB/s 이상이어야 합니다"},
        "10"},
    {"--mllp", "ADDRESS:PORT",
        {"take HL7 v2 admissions (ADT over MLLP) here, e.g. 127.0.0.1:2575; whoever reaches it is believed",
            "여기서 HL7 v2 입·퇴원 정보(MLLP의 ADT)를 받습니다. 예: 127.0.0.1:2575. 접속하는 상대를 그대로 믿습니다"},
        NULL},
    {"--mllp-timeout", "S", {"seconds that a message may take to arrive", "메시지 하나가 도착하는 데 허용할 시간(초)"},
        "10"},
    {"--national-url", "URL",
        {"read the national emergency information service; its address without the operation",
            "국가 응급의료정보 서비스를 읽습니다. 오퍼레이션 이름을 뺀 주소"},
        NULL},
    {"--national-key", "FILE",
        {"the service's key, one line, as issued and not escaped",
            "서비스 인증키 파일. 한 줄, 발급된 그대로(인코딩하지 않음)"},
        NULL},
    {"--national-area", "AREA",
        {"whose beds: STAGE1 or STAGE1/STAGE2, e.g. 강원특별자치도",
            "병상을 읽을 지역: STAGE1 또는 STAGE1/STAGE2. 예: 강원특별자치도"},
        NULL},
    {"--national-every", "S", {"seconds between readings", "읽는 간격(초)"}, "60"},
    {"--national-format", "xml|json", {"what to ask the service for", "서비스에 요청할 형식"}, "xml"},
    {"--audit", "on|writes|off",
        {"what leaves an audit row; all but on is for measuring only",
            "감사 기록을 남길 대상. on이 아니면 측정 전용입니다"},
        "on"},
    {"--triage-models", "DIR", {"a folder of models instead of the built-in ones", "내장 모델 대신 쓸 모델 폴더"},
        NULL},
    {"--triage-sites", "FILE",
        {"which sites are calibrated or silent (soyang triage calibrate)",
            "보정했거나 침묵 중인 기관의 목록(soyang triage calibrate)"},
        NULL},
    {"--strict-references", NULL,
        {"refuse references to resources that are not there, and deletions of what is referred to",
            "없는 자원을 가리키는 참조와, 참조되고 있는 자원의 삭제를 거절합니다"},
        NULL},
    {"--delete-many", NULL,
        {"a deletion by query deletes all that match, not only one",
            "조건 삭제가 하나가 아니라 맞는 것을 모두 지웁니다"},
        NULL},
    {"--draft-url", "URL",
        {"OpenAI-compatible endpoint that may draft summaries, e.g. http://127.0.0.1:11434/v1",
            "요약 초안을 쓸 수 있는 OpenAI 호환 주소. 예: http://127.0.0.1:11434/v1"},
        NULL},
    {"--draft-model", "NAME", {"the model to name to it", "거기에 적을 모델 이름"}, "default"},
    {0},
};

static enum status take_audit(enum records_audit *out, const struct arguments *arguments, struct scope *scope) {
    static const char *const names[] = {
        [RECORDS_AUDIT_ALL] = "on", [RECORDS_AUDIT_WRITES] = "writes", [RECORDS_AUDIT_OFF] = "off"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(argument(arguments, "--audit"), names[i]) == 0) {
            *out = (enum records_audit)i;
            return STATUS_OK;
        }
    return fault(scope, STATUS_INVALID, "--audit", "%s",
        say("takes on, writes or off", "on, writes, off 가운데 하나를 적으십시오"));
}

/* Whoever turns the audit off shall not be able to forget it. */
static void warn_of_audit(enum records_audit audit) {
    if (audit == RECORDS_AUDIT_ALL)
        return;
    (void)fprintf(stderr,
        "****************************************************************\n"
        "WARNING: %s. Who read %s is not recorded.\n"
        "For measuring only. Never with the data of patients.\n"
        "****************************************************************\n",
        audit == RECORDS_AUDIT_OFF ? "THE AUDIT IS OFF" : "THE AUDIT OF READINGS IS OFF",
        audit == RECORDS_AUDIT_OFF ? "or changed what" : "what");
    log_event(LOG_WARNING, "audit-narrowed", "audit", audit == RECORDS_AUDIT_OFF ? "off" : "writes", NULL);
}

void serve_until_interrupted(void) {
    sigset_t signals;
    int which = 0;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigwait(&signals, &which);
}

bool serve_is_interrupted(void) {
    sigset_t waiting;
    sigemptyset(&waiting);
    sigpending(&waiting);
    return sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1;
}

void serve_block_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static enum status check_addresses(const struct server_config *config, struct scope *scope) {
    enum status status = server_check_public_url(config->public_url, scope);
    if (status == STATUS_OK)
        status = server_check_origins(config->cors_origins, scope);
    return status == STATUS_OK ? server_check_proxies(config->trusted_proxies, scope) : status;
}

/* Off unless the operator names an endpoint. */
static enum status set_draft(const struct arguments *arguments, struct folder *folder, struct scope *scope) {
    const char *url = argument(arguments, "--draft-url");
    struct draft_endpoint *endpoint = NULL;
    if (url == NULL)
        return STATUS_OK;
    enum status status = draft_endpoint_open(&endpoint, url, argument(arguments, "--draft-model"), scope);
    if (status == STATUS_OK)
        referral_draft_set(folder->referral, draft_endpoint_write, endpoint);
    return status;
}

static enum status set_readers(const struct arguments *arguments, struct folder *folder, struct scope *scope) {
    struct readers_question question = {
        .models = argument(arguments, "--triage-models"), .sites = argument(arguments, "--triage-sites")};
    struct triage_readers_config config;
    if (question.models == NULL && question.sites == NULL)
        return STATUS_OK;
    enum status status = readers_take(&config, &question, scope);
    return status == STATUS_OK ? referral_readers_open(folder->referral, &config, scope) : status;
}

static enum status serve(
    const struct arguments *arguments, struct folder *folder, struct server **server, struct scope *scope) {
    int64_t port = 0, body_mib = 0, patience_s = 0;
    double speed = 0;
    enum status status = argument_whole(&port, arguments, "--port", 0, 65535, scope);
    if (status == STATUS_OK)
        status = argument_number(&speed, arguments, "--speed", 0.01, 10000, scope);
    if (status == STATUS_OK)
        status = argument_whole(&body_mib, arguments, "--body-max", 1, 1024, scope);
    if (status == STATUS_OK)
        status = argument_whole(&patience_s, arguments, "--patience", 1, 600, scope);
    if (status != STATUS_OK)
        return status;
    struct server_config config = {
        .body_max = (size_t)body_mib * 1024 * 1024,
        .patience_s = (int)patience_s,
        .public_url = argument(arguments, "--public-url"),
        .cors_origins = argument(arguments, "--cors-origin"),
        .trusted_proxies = argument(arguments, "--trust-proxy"),
    };
    enum records_audit audit = RECORDS_AUDIT_ALL;
    status = check_addresses(&config, scope);
    if (status == STATUS_OK)
        status = take_audit(&audit, arguments, scope);
    if (status == STATUS_OK)
        status = server_listen(&config.socket, &config.port, (uint16_t)port, scope);
    if (status != STATUS_OK)
        return status;
    struct folder_config folder_config = {
        .path = argument(arguments, "--data"),
        .speed = speed,
        .public_base = config.public_url,
        .audit = audit,
        .roads = argument(arguments, "--roads"),
        .references =
            argument_flag(arguments, "--strict-references") ? RECORDS_REFERENCES_STRICT : RECORDS_REFERENCES_LOOSE,
        .deletes = argument_flag(arguments, "--delete-many") ? RECORDS_DELETE_MANY : RECORDS_DELETE_ONE,
    };
    if (folder_config.public_base == NULL)
        folder_config.public_base = text_format(scope->arena, "http://127.0.0.1:%u/fhir", (unsigned)config.port).at;
    warn_of_audit(audit);
    status = folder_open(folder, &folder_config, scope);
    if (status == STATUS_OK)
        status = set_draft(arguments, folder, scope);
    if (status == STATUS_OK)
        status = set_readers(arguments, folder, scope);
    if (status == STATUS_OK)
        status = records_timer_start(folder->records, scope);
    config.records = folder->records;
    config.region = folder->region;
    config.referral = folder->referral;
    config.clock = folder->clock;
    return status == STATUS_OK ? server_open(server, &config, scope) : status;
}

static enum status serve_mllp(
    struct mllp **mllp, const struct arguments *arguments, const struct folder *folder, struct scope *scope) {
    struct mllp_config config = {.region = folder->region, .address = argument(arguments, "--mllp")};
    if (config.address == NULL)
        return STATUS_OK;
    enum status status = argument_number(&config.timeout_s, arguments, "--mllp-timeout", 0.1, 3600, scope);
    if (status == STATUS_OK)
        status = mllp_open(mllp, &config, scope);
    if (status != STATUS_OK)
        return status;
    if (!mllp_is_loopback(*mllp))
        (void)fprintf(stderr, "WARNING: MLLP has no sign-in; whoever reaches %s is believed.\n", config.address);
    return STATUS_OK;
}

static enum status serve_national(
    struct national **national, const struct arguments *arguments, const struct folder *folder, struct scope *scope) {
    enum { KEY_MAX = 4096 };
    const char *file = argument(arguments, "--national-key"), *format = argument(arguments, "--national-format");
    struct national_config config = {.region = folder->region,
        .url = argument(arguments, "--national-url"),
        .area = argument(arguments, "--national-area"),
        .json = strcmp(format, "json") == 0};
    if (config.url == NULL)
        return STATUS_OK;
    if (file == NULL || config.area == NULL)
        return fault(scope, STATUS_INVALID, "--national-url", "%s",
            say("needs --national-key and --national-area", "--national-key와 --national-area도 필요합니다"));
    enum status status = argument_number(&config.every_s, arguments, "--national-every", 0.1, 86400, scope);
    if (status == STATUS_OK)
        status = file_read(&config.key, file, KEY_MAX, scope);
    return status == STATUS_OK ? national_open(national, &config, scope) : status;
}

static int run(const struct arguments *arguments, struct scope *scope) {
    struct folder folder = {0};
    struct server *server = NULL;
    struct mllp *mllp = NULL;
    struct national *national = NULL;
    int64_t started_us = clock_monotonic_us();
    serve_block_signals();
    enum status status = serve(arguments, &folder, &server, scope);
    if (status == STATUS_OK)
        status = serve_mllp(&mllp, arguments, &folder, scope);
    if (status == STATUS_OK)
        status = serve_national(&national, arguments, &folder, scope);
    if (status == STATUS_OK) {
        printf("Soyang listens on http://127.0.0.1:%u/ (FHIR: /fhir), ready after %.0f ms. Ctrl-C ends it.\n"
               "Research and decision support; not a certified medical device.\n",
            (unsigned)server_port(server), (double)(clock_monotonic_us() - started_us) / 1000.0);
        if (mllp != NULL)
            printf("HL7 v2 over MLLP: port %u\n", (unsigned)mllp_port(mllp));
        (void)fflush(stdout);
        serve_until_interrupted();
        puts("Soyang ends: finishing what was accepted.");
    }
    national_close(national);
    mllp_close(mllp);
    server_close(server);
    folder_close(&folder);
    return report(arguments, scope, status);
}

const struct command command_serve = {"serve", "", {"run the server", "서버를 실행합니다"},
    {"Serves the record (FHIR R4 at /fhir), the engines and the page, on loopback only: there is no sign-in yet, so "
     "nobody but\n"
     "this machine may ask. A proxy in front of it must sign callers in and set the X-Soyang headers itself; tell its\n"
     "address with --trust-proxy and the URL that clients use with --public-url.",
        "기록(/fhir의 FHIR R4), 판독·배정 엔진, 화면을 이 컴퓨터 안(loopback)에서만 제공합니다. 아직 로그인이 없어 "
        "다른 컴퓨터는\n"
        "물을 수 없습니다. 앞에 두는 프록시는 사용자를 스스로 확인하고 X-Soyang 헤더를 직접 적어야 합니다. 그 주소는\n"
        "--trust-proxy로, 사용자가 쓰는 URL은 --public-url로 알립니다."},
    options, 0, 0, run};
