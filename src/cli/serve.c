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
    {"--data", "DIR", "the data folder; made when missing", "soyang-data"},
    {"--port", "N", "TCP port on 127.0.0.1; 0 takes any free one", "8080"},
    {"--speed", "X", "run the clock X times as fast (demonstrations only)", "1"},
    {"--roads", "FILE.roads", "ask these roads for travel times (soyang roads import, then table)", NULL},
    {"--public-url", "URL", "base of all links, e.g. https://fhir.example.org/fhir", NULL},
    {"--trust-proxy", "ADDRESS...", "believe the forwarded headers of this peer", NULL},
    {"--cors-origin", "ORIGIN...", "let pages of this origin call", NULL},
    {"--body-max", "MIB", "largest request body once decoded, MiB", "128"},
    {"--patience", "S",
        "seconds that a request's head may take; its body and its answer may rest six times as long, and move at 1 "
        "KB/s",
        "10"},
    {"--mllp", "ADDRESS:PORT",
        "take HL7 v2 admissions (ADT over MLLP) here, e.g. 127.0.0.1:2575; whoever reaches it is believed", NULL},
    {"--mllp-timeout", "S", "seconds that a message may take to arrive", "10"},
    {"--national-url", "URL", "read the national emergency information service; its address without the operation",
        NULL},
    {"--national-key", "FILE", "the service's key, one line, as issued and not escaped", NULL},
    {"--national-area", "AREA", "whose beds: STAGE1 or STAGE1/STAGE2, e.g. 강원특별자치도", NULL},
    {"--national-every", "S", "seconds between readings", "60"},
    {"--national-format", "xml|json", "what to ask the service for", "xml"},
    {"--audit", "WHAT", "on | writes | off: what leaves an audit row; all but on is for measuring only", "on"},
    {"--triage-models", "DIR", "a folder of models instead of the built-in ones", NULL},
    {"--triage-sites", "FILE", "which sites are calibrated or silent (soyang triage calibrate)", NULL},
    {"--strict-references", NULL,
        "refuse references to resources that are not there, and deletions of what is referred to", NULL},
    {"--delete-many", NULL, "a deletion by query deletes all that match, not only one", NULL},
    {"--draft-url", "URL", "OpenAI-compatible endpoint that may draft summaries, e.g. http://127.0.0.1:11434/v1", NULL},
    {"--draft-model", "NAME", "the model to name to it", "default"},
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
    return fault(scope, STATUS_INVALID, "--audit", "on, writes or off");
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
    double port = 0, speed = 0, body_mib = 0, patience_s = 0;
    enum status status = argument_number(&port, arguments, "--port", 0, 65535, scope);
    if (status == STATUS_OK)
        status = argument_number(&speed, arguments, "--speed", 0.01, 10000, scope);
    if (status == STATUS_OK)
        status = argument_number(&body_mib, arguments, "--body-max", 1, 1024, scope);
    if (status == STATUS_OK)
        status = argument_number(&patience_s, arguments, "--patience", 1, 600, scope);
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
    printf("HL7 v2 over MLLP: port %u\n", (unsigned)mllp_port(*mllp));
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
        return fault(scope, STATUS_INVALID, "--national-url", "needs --national-key and --national-area");
    if (!config.json && strcmp(format, "xml") != 0)
        return fault(scope, STATUS_INVALID, "--national-format", "xml or json");
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
    if (status == STATUS_OK) {
        printf("Soyang listens on http://127.0.0.1:%u/ (FHIR: /fhir), ready after %.0f ms. Ctrl-C ends it.\n"
               "Research and decision support; not a certified medical device.\n",
            (unsigned)server_port(server), (double)(clock_monotonic_us() - started_us) / 1000.0);
        status = serve_mllp(&mllp, arguments, &folder, scope);
        if (status == STATUS_OK)
            status = serve_national(&national, arguments, &folder, scope);
        (void)fflush(stdout);
    }
    if (status == STATUS_OK) {
        serve_until_interrupted();
        puts("Soyang ends: finishing what was accepted.");
    }
    national_close(national);
    mllp_close(mllp);
    server_close(server);
    folder_close(&folder);
    return report(scope, status);
}

const struct command command_serve = {"serve", "", "run the server",
    "Serves the record (FHIR R4 at /fhir), the engines and the page, on loopback only: there is no sign-in yet, so "
    "nobody but\n"
    "this machine may ask. A proxy in front of it must sign callers in and set the X-Soyang headers itself; tell its\n"
    "address with --trust-proxy and the URL that clients use with --public-url.",

    options, 0, 0, run};
