/* Reading the national service again and again: one thread, one request at a time. */
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_closing; /* under the lock */
};

struct received {
    char *at;
    size_t size, capacity;
};

static size_t take_body(char *data, size_t one, size_t count, void *context) {
    struct received *received = context;
    size_t size = one * count;
    if (received->size + size > ANSWER_MAX) {
        return 0;
    }
    if (received->size + size > received->capacity) {
        size_t capacity = 2 * (received->size + size);
        char *grown = realloc(received->at, capacity);
        if (grown == NULL) {
            return 0;
        }
        received->at = grown;
        received->capacity = capacity;
    }
    memcpy(received->at + received->size, data, size);
    received->size += size;
    return size;
}

/* ---- one request ---------------------------------------------------------------------------------------------------------- */

struct asking {
    const struct national *national;
    enum region_national_operation operation;
    int page;
    struct received received;
    struct region_national_page taken;
};

static bool put_escaped(char *url, const char *name, const char *value, size_t size) {
    char *escaped = curl_easy_escape(NULL, value, (int)size);
    size_t used = strlen(url);
    bool good = escaped != NULL && used + strlen(name) + strlen(escaped) + 3 < URL_MAX;
    if (good) {
        (void)snprintf(url + used, URL_MAX - used, "&%s=%s", name, escaped);
    }
    curl_free(escaped);
    return good;
}

static bool write_url(char url[static URL_MAX], const struct asking *asking) {
    const struct national *n = asking->national;
    const char *slash = strchr(n->area, '/');
    size_t first = slash == NULL ? strlen(n->area) : (size_t)(slash - n->area);
    (void)snprintf(url, URL_MAX, "%s/%s?pageNo=%d&numOfRows=%d%s", n->base, region_national_name(asking->operation),
        asking->page, ROWS, n->config.json ? "&_type=json" : "");
    return put_escaped(url, "serviceKey", n->key, strlen(n->key)) && put_escaped(url, "STAGE1", n->area, first) &&
           (slash == NULL || put_escaped(url, "STAGE2", slash + 1, strlen(slash + 1)));
}

static enum status fetch(struct asking *asking, struct scope *scope) {
    char url[URL_MAX];
    long http_status = 0;
    CURL *curl = curl_easy_init();
    if (curl == NULL || !write_url(url, asking)) {
        curl_easy_cleanup(curl);
        return fault(scope, STATUS_UNAVAILABLE, "", "no request could be made");
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &asking->received);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK) {
        return fault(scope, STATUS_UNAVAILABLE, "", "the service was not reached: %s", curl_easy_strerror(code));
    }
    return http_status == 200 ? STATUS_OK
                              : fault(scope, STATUS_UNAVAILABLE, "", "the service answered %ld", http_status);
}

static enum status take_page(void *context, struct scope *scope) {
    struct asking *asking = context;
    struct text answer = {asking->received.at, asking->received.size};
    return region_national_take(&asking->taken, asking->national->config.region, asking->operation, answer, scope);
}

static void tell(const struct asking *asking, const struct scope *scope, enum status status) {
    char items[32], written[32], refused[32];
    (void)snprintf(items, sizeof items, "%zu", asking->taken.items);
    (void)snprintf(written, sizeof written, "%zu", asking->taken.written);
    (void)snprintf(refused, sizeof refused, "%zu", asking->taken.refused);
    if (status == STATUS_OK) {
        log_event(asking->taken.refused > 0 ? LOG_WARNING : LOG_INFO, "national-board", "operation",
            region_national_name(asking->operation), "items", items, "written", written, "refused", refused, NULL);
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
    asking->received.size = 0;
    asking->taken = (struct region_national_page){0};
    enum status status = fetch(asking, &scope);
    if (status == STATUS_OK) {
        status = scope_run(&scope, arena, take_page, asking);
    }
    tell(asking, &scope, status);
    arena_close(arena);
    return status == STATUS_OK;
}

static bool read_all(const struct national *national) {
    bool good = true;
    for (int operation = REGION_NATIONAL_BEDS; operation <= REGION_NATIONAL_CONDITIONS; operation++) {
        struct asking asking = {.national = national, .operation = (enum region_national_operation)operation};
        int64_t seen = 0;
        do {
            asking.page++;
            good = read_page(&asking) && good;
            seen += (int64_t)asking.taken.items;
        } while (good && asking.taken.items > 0 && seen < asking.taken.total && asking.page < PAGES_MAX);
        free(asking.received.at);
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
