/* server: FHIR over HTTP, the operations, the page.
 *
 * Knows HTTP; decides nothing about records: every request becomes one call into `records`, or one operation. libmicrohttpd is
 * known to this module alone.
 *
 * Until sign-in exists the server trusts the caller's headers (docs/api.md). Therefore it listens on loopback only, and answers only requests
 * whose Host is its own loopback name or that of its public URL, and whose Origin, if any, is its own page or a listed one: a
 * foreign page that resolves its name to 127.0.0.1 (DNS rebinding) is refused. Forwarded headers change links, never this check.
 *
 * Threads. HTTP threads parse, read and render; a write leaves its connection suspended until the group commit; operations
 * run on workers. */
#ifndef SOYANG_SERVER_H
#define SOYANG_SERVER_H

#include "base/base.h"
#include "records/records.h"
#include "referral/referral.h"
#include "region/region.h"

struct server;
struct server_config {
    struct records *records;
    struct region *region;     /* NULL: no map and no operations (bare record server) */
    struct referral *referral; /* NULL together with region */
    const struct clock *clock;
    int socket;                /* of server_listen; the server closes it */
    uint16_t port;             /* of the socket */
    int http_threads, workers; /* 0: the defaults */
    int patience_s;            /* that a request's head may take; a body or an answer rests on six times that; 0: 10 */
    size_t body_max;           /* bytes of a request, after decoding; 0: SERVER_BODY_MAX */
    const char *public_url;   /* base of all links, "https://fhir.example.org/fhir"; NULL: http://127.0.0.1:PORT/fhir */
    const char *cors_origins; /* comma-separated "https://page.example.org"; NULL: none */
    const char *trusted_proxies; /* comma-separated addresses whose forwarded headers count; NULL: none */
};
enum { SERVER_BODY_MAX = 128 * 1024 * 1024, SERVER_TARGET_MAX = 16 * 1024 };

/* Takes a TCP port of 127.0.0.1 (0: any free one), before anything else is opened: links in answers hold it.
 * STATUS_CONFLICT when it is taken. */
MUST_CHECK enum status server_listen(int *socket_out, uint16_t *port_out, uint16_t port, struct scope *scope);
MUST_CHECK enum status server_open(struct server **out, const struct server_config *config, struct scope *scope);
/* STATUS_INVALID with the option's name unless these are what server_config takes: an http(s) URL without query; origins (no
 * star); IPv4 addresses. Any may be NULL. */
MUST_CHECK enum status server_check_public_url(const char *url, struct scope *scope);
MUST_CHECK enum status server_check_origins(const char *origins, struct scope *scope);
MUST_CHECK enum status server_check_proxies(const char *addresses, struct scope *scope);
uint16_t server_port(const struct server *server);
/* Stops listening, answers what is in flight, closes. Accepts NULL. */
void server_close(struct server *server);

/* HL7 v2 over MLLP (minimal lower layer protocol, release 1: VT, message, FS, CR), answered one by one on each connection. A frame of
 * more than REGION_HL7_MESSAGE_MAX is refused and ends its connection, and so does a sender that leaves one unfinished for
 * `timeout_s`. There is no sign-in in MLLP: whoever reaches the port is believed, and so the address is loopback unless told otherwise. */
struct mllp;
struct mllp_config {
    struct region *region;
    const char *address; /* "127.0.0.1:2575"; port 0: any free one */
    double timeout_s;    /* 0: 10 */
};
/* STATUS_INVALID unless an IPv4 address and a port; STATUS_CONFLICT when it is taken. Before region_close: mllp_close. */
MUST_CHECK enum status mllp_open(struct mllp **out, const struct mllp_config *config, struct scope *scope);
uint16_t mllp_port(const struct mllp *mllp);
bool mllp_is_loopback(const struct mllp *mllp);
void mllp_close(struct mllp *mllp); /* accepts NULL; answers what is in work */

/* The national emergency information service, read again and again: beds, and which severe conditions are taken. A failure leaves what is
 * known, with its age; then it waits twice as long, with jitter. The key is never logged. */
struct national;
struct national_config {
    struct region *region;
    const char *url;  /* https://apis.data.go.kr/B552657/ErmctInfoInqireService */
    struct text key;  /* as issued, not yet escaped */
    const char *area; /* STAGE1, or STAGE1/STAGE2 */
    double every_s;
    bool json; /* else XML */
};
MUST_CHECK enum status national_open(struct national **out, const struct national_config *config, struct scope *scope);
void national_close(struct national *national); /* accepts NULL; waits for a request under way */

#endif
