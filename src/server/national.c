/* Reading the national service again and again: one thread, one request at a time. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/http.h"
#include "region/region.h"
#include "server/server.h"

enum {
    ROWS = 100,
    PAGES_MAX = 50,
    ANSWER_MAX = 16 << 20,
    CONNECT_S = 5,
    TIMEOUT_S = 30,
    URL_MAX = 4096,
    LATE_MAX_S = 900
};
#define UNIT_BYTES ((size_t)256 << 20)

struct national {
    struct national_config config;
    char *base, *key, *area;
    struct http_client *client; /* the thread's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_closing; /* under the lock */
};

/* ---- one request ---------------------------------------------------------------------------------------------------------- */

struct asking {
    const struct national *national;
    enum region_national_operation operation;
    int page;
    struct region_national_page taken;
};

static void put_parameter(struct buffer *url, const char *name, struct text value) {
    buffer_put_format(url, "&%s=", name);
    http_put_escaped(url, value);
}

static const char *url_of(const struct asking *asking, struct scope *scope) {
    const struct national *n = asking->national;
    struct buffer url = buffer_open(scope->arena, URL_MAX);
    struct text town = text_from(n->area), province = text_cut(&town, '/');
    buffer_put_format(&url, "%s/%s?pageNo=%d&numOfRows=%d%s", n->base, region_national_name(asking->operation),
        asking->page, ROWS, n->config.json ? "&_type=json" : "");
    put_parameter(&url, "serviceKey", text_from(n->key));
    put_parameter(&url, "STAGE1", province);
    if (town.size > 0) {
        put_parameter(&url, "STAGE2", town);
    }
    return text_string(scope->arena, buffer_text(&url));
}

static enum status take_page(void *context, struct scope *scope) {
    struct asking *asking = context;
    const struct national *n = asking->national;
    struct http_request request = {
        .url = url_of(asking, scope), .connect_s = CONNECT_S, .timeout_s = TIMEOUT_S, .answer_max = ANSWER_MAX};
    struct http_answer answer;
    enum status status = http_send(&answer, n->client, &request, "", scope);
    if (status == STATUS_OK && answer.status != 200) {
        status = fault(scope, STATUS_UNAVAILABLE, "", "the service answered %d", answer.status);
    }
    return status != STATUS_OK
               ? status
               : region_national_take(&asking->taken, n->config.region, asking->operation, answer.body, scope);
}

static void tell(const struct asking *asking, const struct scope *scope, enum status status) {
    char items[32], written[32], refused[32], over[32];
    (void)snprintf(items, sizeof items, "%zu", asking->taken.items);
    (void)snprintf(written, sizeof written, "%zu", asking->taken.written);
    (void)snprintf(refused, sizeof refused, "%zu", asking->taken.refused);
    (void)snprintf(over, sizeof over, "%zu", asking->taken.over);
    if (status == STATUS_OK) {
        log_event(asking->taken.refused > 0 ? LOG_WARNING : LOG_INFO, "national-board", "operation",
            region_national_name(asking->operation), "items", items, "written", written, "refused", refused,
            "over-total", over, asking->taken.why.size > 0 ? "first" : NULL,
            text_string(scope->arena, asking->taken.why), NULL);
    } else {
        log_event(LOG_WARNING, "national-board-unread", "operation", region_national_name(asking->operation), "why",
            scope->fault.first != NULL ? scope->fault.first->text : status_name(status), NULL);
    }
}

static bool read_page(struct asking *asking) {
    struct arena *arena = arena_open(UNIT_BYTES);
    struct scope scope = {.arena = arena};
    if (arena == NULL) {
        return false;
    }
    asking->taken = (struct region_national_page){0};
    enum status status = scope_run(&scope, arena, take_page, asking);
    tell(asking, &scope, status);
    arena_close(arena);
    return status == STATUS_OK;
}

static bool read_operation(const struct national *national, enum region_national_operation operation) {
    struct asking asking = {.national = national, .operation = operation};
    int64_t seen = 0;
    bool good;
    do {
        asking.page++;
        good = read_page(&asking);
        seen += (int64_t)asking.taken.items;
    } while (good && asking.taken.items > 0 && seen < asking.taken.total && asking.page < PAGES_MAX);
    return good;
}

static bool read_all(const struct national *national) {
    bool good = true;
    for (int operation = REGION_NATIONAL_BEDS; operation < REGION_NATIONAL_OPERATIONS; operation++) {
        good = read_operation(national, (enum region_national_operation)operation) && good;
    }
    return good;
}

/* ---- again and again ---------------------------------------------------------------------------------------------------------- */

/* Twice as long after each failure, up to a quarter of an hour; half to one and a half of it, so that many do not ask together. */
static double pause_of(const struct national *national, int failures) {
    uint32_t bits;
    double seconds = national->config.every_s;
    random_bytes(&bits, sizeof bits);
    for (int i = 0; i < failures && seconds < LATE_MAX_S; i++) {
        seconds *= 2;
    }
    seconds = failures > 0 && seconds > LATE_MAX_S ? LATE_MAX_S : seconds;
    return failures == 0 ? seconds : seconds * (.5 + (double)bits / (double)UINT32_MAX);
}

static bool wait_for(struct national *national, double seconds) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)seconds;
    until.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&national->lock);
    int timed = 0;
    while (!national->is_closing && timed == 0) {
        timed = pthread_cond_timedwait(&national->wake, &national->lock, &until);
    }
    bool goes_on = !national->is_closing;
    pthread_mutex_unlock(&national->lock);
    return goes_on;
}

static void *read_again(void *context) {
    struct national *national = context;
    int failures = 0;
    do {
        failures = read_all(national) ? 0 : failures + 1;
    } while (wait_for(national, pause_of(national, failures)));
    return NULL;
}

static void discard(struct national *national) {
    http_close(national->client);
    free(national->base);
    free(national->key);
    free(national->area);
    (void)pthread_cond_destroy(&national->wake);
    (void)pthread_mutex_destroy(&national->lock);
    free(national);
}

static char *copy_of(struct text text) {
    return strndup(text.at == NULL ? "" : text.at, text.size);
}

enum status national_open(struct national **out, const struct national_config *config, struct scope *scope) {
    struct text base = text_from(config->url), key = text_trim(config->key);
    while (text_ends(base, "/")) {
        base.size--;
    }
    if (!text_starts(base, "http://") && !text_starts(base, "https://")) {
        return fault(scope, STATUS_INVALID, "--national-url", "takes http://… or https://…, without an operation");
    }
    if (base.size > 1000 || key.size == 0 || key.size > 1000 || strlen(config->area) == 0 ||
        strlen(config->area) > 200) {
        return fault(
            scope, STATUS_INVALID, "--national-key", "a key, and an area (--national-area) as 시도 or 시도/시군구");
    }
    struct national *national = calloc(1, sizeof *national);
    pthread_condattr_t monotonic;
    if (national == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    }
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&national->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&national->lock, NULL);
    national->config = *config;
    national->base = copy_of(base);
    national->key = copy_of(key);
    national->area = copy_of(text_from(config->area));
    if (national->base == NULL || national->key == NULL || national->area == NULL ||
        http_open(&national->client, scope) != STATUS_OK ||
        pthread_create(&national->thread, NULL, read_again, national) != 0) {
        discard(national);
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory or no thread");
    }
    *out = national;
    return STATUS_OK;
}

void national_close(struct national *national) {
    if (national == NULL) {
        return;
    }
    pthread_mutex_lock(&national->lock);
    national->is_closing = true;
    pthread_cond_signal(&national->wake);
    pthread_mutex_unlock(&national->lock);
    (void)pthread_join(national->thread, NULL);
    discard(national);
}
