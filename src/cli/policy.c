/* soyang policy: a province's policy checked, signed, verified, and held against the decisions of the record.
 *
 * Keys are Ed25519 (RFC 8032) in PEM, as `openssl genpkey -algorithm ed25519` makes them. The private key stays with who signs: it is
 * read from its file for one signature, and a file that others may read is refused. The signature is over the file's bytes, so that
 * `openssl pkeyutl -verify -rawin` checks it as well. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/folder.h"
#include "cli/result.h"

enum { POLICY_BYTES_MAX = 1 << 20, SIGNATURE_SIZE = 64, PUBLIC_SIZE = 32, DECISIONS_MAX = 100000 };

static const struct option_row options[] = {
    {"--key", "FILE", {"sign: the private key; verify: the public key (PEM)", "sign: 개인 키, verify: 공개 키(PEM)"},
        NULL},
    {"--signature", "FILE", {"the signature", "서명 파일"}, "FILE.sig"},
    {"--region", "DIR",
        {"check, sign, verify: the region's folder whose needs the policy may name",
            "check, sign, verify: 정책이 쓸 수 있는 필요 진료를 정한 지역 폴더"},
        NULL},
    {"--data", "DIR",
        {"replay: the data folder whose decisions are held against the policy",
            "replay: 정책에 비추어 볼 결정이 있는 데이터 폴더"},
        NULL},
    {"--limit", "N", {"replay: at most so many decisions", "replay: 결정의 최대 수"}, "10000"},
    {"--json", NULL,
        {"replay: one line of JSON a decision that differs, then the sum",
            "replay: 달라지는 결정마다 JSON 한 줄, 끝에 합계"},
        NULL},
    {0},
};

/* ---- keys and signatures ---------------------------------------------------------------------------------------------- */

static enum status open_key(EVP_PKEY **out, const char *path, bool private_key, struct scope *scope) {
    struct stat about;
    *out = NULL;
    if (path == NULL)
        return fault(scope, STATUS_INVALID, "--key", "%s",
            private_key ? say("is required: the PEM file of the private key", "개인 키의 PEM 파일이 필요합니다")
                        : say("is required: the PEM file of the public key", "공개 키의 PEM 파일이 필요합니다"));
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return fault(scope, STATUS_NOT_FOUND, path, "cannot be opened: %s", strerror(errno));
    enum status status = STATUS_OK;
    if (private_key && fstat(fileno(file), &about) == 0 && (about.st_mode & 077) != 0)
        status = fault(scope, STATUS_DENIED, path, "others may read this private key: chmod 600");
    if (status == STATUS_OK)
        *out = private_key ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : PEM_read_PUBKEY(file, NULL, NULL, NULL);
    (void)fclose(file);
    if (status == STATUS_OK && (*out == NULL || EVP_PKEY_id(*out) != EVP_PKEY_ED25519)) {
        status = fault(scope, STATUS_INVALID, path, "is no Ed25519 %s key in PEM", private_key ? "private" : "public");
        EVP_PKEY_free(*out);
        *out = NULL;
    }
    return status;
}

/* SHA-256 of the public key's 32 bytes, hex. */
static struct text key_id(EVP_PKEY *key, struct scope *scope) {
    uint8_t bytes[PUBLIC_SIZE], digest[DIGEST_SIZE];
    char hex[DIGEST_TEXT_SIZE];
    size_t size = sizeof bytes;
    invariant(EVP_PKEY_get_raw_public_key(key, bytes, &size) == 1);
    digest_sha256(digest, (struct text){(const char *)bytes, size});
    digest_text(hex, digest);
    return text_copy(scope->arena, text_from(hex));
}

/* A key never takes the place of another. */
static enum status write_new(const char *path, mode_t mode, struct text bytes, struct scope *scope) {
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_EXCL, mode);
    if (file < 0)
        return fault(scope, STATUS_UNAVAILABLE, path, "cannot be written: %s", strerror(errno));
    ssize_t written = write(file, bytes.at, bytes.size);
    bool done = written == (ssize_t)bytes.size && fsync(file) == 0;
    if (close(file) == 0 && done)
        return STATUS_OK;
    (void)unlink(path);
    return fault(scope, STATUS_UNAVAILABLE, path, "cannot be written whole");
}

static struct text pem_of(EVP_PKEY *key, bool private_key, struct scope *scope) {
    BIO *memory = BIO_new(BIO_s_mem());
    char *at = NULL;
    bool made = memory != NULL && (private_key ? PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL)
                                               : PEM_write_bio_PUBKEY(memory, key)) == 1;
    long size = made ? BIO_get_mem_data(memory, &at) : 0;
    struct text out = text_copy(scope->arena, (struct text){at, (size_t)size});
    BIO_free(memory);
    return out;
}

static enum status make_key(const char *path, struct scope *scope) {
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (key == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no key could be made");
    struct text public_path = text_format(scope->arena, "%s.pub", path);
    enum status status = write_new(path, 0600, pem_of(key, true, scope), scope);
    if (status == STATUS_OK) {
        status = write_new(text_string(scope->arena, public_path), 0644, pem_of(key, false, scope), scope);
        if (status != STATUS_OK)
            (void)unlink(path); /* half a pair is none */
    }
    struct text id = key_id(key, scope);
    EVP_PKEY_free(key);
    if (status == STATUS_OK)
        printf("%s: private key, for its owner's eyes only\n%s.pub: public key %.*s, to be given to who verifies\n",
            path, path, (int)id.size, id.at);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------------------------------------- */

/* Says which needs it was held against: a region may define its own. */
static enum status read_policy(
    struct text *document, struct text *hash, const struct arguments *arguments, struct scope *scope) {
    const char *path = arguments->operands[1], *region = argument(arguments, "--region");
    struct region_needs needs;
    enum status status = file_read(document, path, POLICY_BYTES_MAX, scope);
    if (status == STATUS_OK && region != NULL)
        status = region_needs_read(&needs, region, scope);
    if (status != STATUS_OK)
        return status;
    status = referral_policy_check(hash, *document, region != NULL ? &needs : NULL, scope);
    if (region != NULL)
        (void)fprintf(stderr, say("needs: the %zu codes of %s\n", "필요 진료: 코드 %zu개(%s)\n"), needs.count, region);
    else
        (void)fputs(say("needs: the codes that the program knows by itself (--region DIR: those of a region)\n",
                        "필요 진료: 프로그램이 아는 코드(--region DIR: 그 지역의 코드)\n"),
            stderr);
    return status;
}

static const char *signature_path(const struct arguments *arguments, struct scope *scope) {
    const char *given = argument(arguments, "--signature");
    return strcmp(given, "FILE.sig") != 0
               ? given
               : text_string(scope->arena, text_format(scope->arena, "%s.sig", arguments->operands[1]));
}

static enum status check(const struct arguments *arguments, struct scope *scope) {
    struct text document = {0}, hash = {0};
    enum status status = read_policy(&document, &hash, arguments, scope);
    if (status == STATUS_OK)
        printf("%s can be lived by: every clock has an end; SHA-256 %.*s\n", arguments->operands[1], (int)hash.size,
            hash.at);
    return status;
}

/* ---- signing ----------------------------------------------------------------------------------------------------------------- */

static enum status sign_bytes(uint8_t out[SIGNATURE_SIZE], EVP_PKEY *key, struct text bytes, struct scope *scope) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = SIGNATURE_SIZE;
    bool done = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestSign(context, out, &size, (const uint8_t *)bytes.at, bytes.size) == 1 &&
                size == SIGNATURE_SIZE;
    EVP_MD_CTX_free(context);
    return done ? STATUS_OK : fault(scope, STATUS_UNAVAILABLE, "--key", "the signature could not be made");
}

static enum status write_signature(
    const char *path, EVP_PKEY *key, struct text hash, const uint8_t signature[SIGNATURE_SIZE], struct scope *scope) {
    char base64[SIGNATURE_SIZE * 2];
    int size = EVP_EncodeBlock((uint8_t *)base64, signature, SIGNATURE_SIZE);
    struct json_writer w = json_writer_open(scope->arena, 4096);
    struct text body = {0};
    json_object_open(&w);
    json_member_string(&w, "format", "soyang-policy-signature/1");
    json_member_string(&w, "algorithm", "Ed25519");
    json_member_text(&w, "policy", hash);
    json_member_text(&w, "key", key_id(key, scope));
    json_member_text(&w, "signature", (struct text){base64, (size_t)size});
    json_object_close(&w);
    enum status status = json_finish(&body, &w, scope);
    return status == STATUS_OK ? result_write(path, body, scope) : status;
}

static enum status sign(const struct arguments *arguments, struct scope *scope) {
    struct text document = {0}, hash = {0};
    EVP_PKEY *key = NULL;
    uint8_t signature[SIGNATURE_SIZE];
    const char *path = signature_path(arguments, scope);
    enum status status = read_policy(&document, &hash, arguments, scope);
    if (status == STATUS_OK)
        status = open_key(&key, argument(arguments, "--key"), true, scope);
    if (status == STATUS_OK)
        status = sign_bytes(signature, key, document, scope);
    if (status == STATUS_OK)
        status = write_signature(path, key, hash, signature, scope);
    if (status == STATUS_OK)
        printf("%s: signature of %s by key %.*s\n", path, arguments->operands[1], 64, key_id(key, scope).at);
    EVP_PKEY_free(key);
    return status;
}

static enum status read_signature(
    uint8_t out[SIGNATURE_SIZE + 2], const char *path, struct text hash, EVP_PKEY *key, struct scope *scope) {
    struct text source = {0};
    yyjson_doc *doc = NULL;
    enum status status = file_read(&source, path, 64 * 1024, scope);
    if (status == STATUS_OK)
        status = json_read(&doc, source, scope);
    if (status != STATUS_OK)
        return status;
    const yyjson_val *root = yyjson_doc_get_root(doc);
    struct text base64 = json_get_text(root, "signature");
    if (!text_is(json_get_text(root, "format"), "soyang-policy-signature/1") || base64.size != 88 ||
        EVP_DecodeBlock(out, (const uint8_t *)base64.at, (int)base64.size) != SIGNATURE_SIZE + 2)
        return fault(scope, STATUS_INVALID, path, "is no signature of a policy");
    if (!text_equal(json_get_text(root, "policy"), hash))
        return fault(scope, STATUS_INVALID, path,
            "is the signature of another policy: the file was changed, or it is not this one");
    if (!text_equal(json_get_text(root, "key"), key_id(key, scope)))
        return fault(scope, STATUS_DENIED, path, "was made with another key");
    return STATUS_OK;
}

static enum status verify(const struct arguments *arguments, struct scope *scope) {
    struct text document = {0}, hash = {0};
    EVP_PKEY *key = NULL;
    uint8_t signature[SIGNATURE_SIZE + 2];
    const char *path = signature_path(arguments, scope);
    enum status status = read_policy(&document, &hash, arguments, scope);
    if (status == STATUS_OK)
        status = open_key(&key, argument(arguments, "--key"), false, scope);
    if (status == STATUS_OK)
        status = read_signature(signature, path, hash, key, scope);
    if (status == STATUS_OK) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        bool holds =
            context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
            EVP_DigestVerify(context, signature, SIGNATURE_SIZE, (const uint8_t *)document.at, document.size) == 1;
        EVP_MD_CTX_free(context);
        status = holds ? STATUS_OK : fault(scope, STATUS_DENIED, path, "the signature does not hold");
    }
    if (status == STATUS_OK)
        printf("%s is signed by key %.*s\n", arguments->operands[1], 64, key_id(key, scope).at);
    EVP_PKEY_free(key);
    return status;
}

/* ---- replay --------------------------------------------------------------------------------------------------------------------- */

struct sum {
    size_t decisions, differ, foreign;
    size_t gone; /* what was learned for them is not in this folder */
    double minutes;
};

static enum status print_json(const struct referral_policy_difference *d, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, 64 * 1024);
    struct text line = {0};
    json_object_open(&w);
    json_member_text(&w, "decision", d->decision);
    json_member_int(&w, "level", d->level);
    json_member_text(&w, "was", d->was);
    json_member_text(&w, "would", d->would);
    json_member_decimal(&w, "minutes_was", d->minutes_was, 1);
    json_member_decimal(&w, "minutes_would", d->minutes_would, 1);
    json_object_close(&w);
    enum status status = json_finish(&line, &w, scope);
    if (status == STATUS_OK)
        printf("%.*s\n", (int)line.size, line.at);
    return status;
}

static enum status replay_one(struct sum *sum, struct records *records, const yyjson_val *stored, struct text document,
    bool as_json, struct scope *scope) {
    struct referral_policy_difference d;
    if (!text_is(json_get_text(stored, "moduleUri"), TRIAGE_BASE "/OperationDefinition/rank-places")) {
        sum->foreign++;
        return STATUS_OK;
    }
    enum status status = referral_policy_replay(&d, records, stored, document, scope);
    if (status == STATUS_GONE) { /* it came from another store: told, and not replayed as if nothing had been learned */
        struct text id = json_get_text(stored, "id");
        sum->gone++;
        (void)fprintf(stderr, "GuidanceResponse/%.*s is not replayed: what was learned for it is not in this folder\n",
            (int)id.size, id.at);
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        return status;
    sum->decisions++;
    if (!d.differs)
        return STATUS_OK;
    sum->differ++;
    sum->minutes += d.minutes_would - d.minutes_was;
    if (as_json)
        return print_json(&d, scope);
    printf("GuidanceResponse/%.*s  level %d  %.*s (%.0f min)  ->  %.*s (%.0f min)\n", (int)d.decision.size,
        d.decision.at, d.level, (int)d.was.size, d.was.at, d.minutes_was, (int)d.would.size, d.would.at,
        d.minutes_would);
    return STATUS_OK;
}

static void print_sum(const struct sum *sum, const char *path, bool as_json) {
    double mean = sum->differ > 0 ? sum->minutes / (double)sum->differ : 0;
    if (as_json)
        printf("{\"decisions\":%zu,\"differ\":%zu,\"mean_minutes\":%.2f,\"gone\":%zu}\n", sum->decisions, sum->differ,
            mean, sum->gone);
    else
        printf("%zu decisions; under %s %zu would ask others first (%+.1f min on average at the first place)\n",
            sum->decisions, path, sum->differ, mean);
    if (!as_json && sum->gone > 0)
        printf("%zu more are not replayed: what was learned for them is not in this folder\n", sum->gone);
}

static enum status replay_all(struct sum *sum, const struct arguments *arguments, struct folder *folder,
    struct text document, struct scope *scope) {
    int64_t limit = 0;
    const yyjson_val **found = NULL;
    size_t count = 0;
    bool as_json = argument_flag(arguments, "--json");
    enum status status = argument_whole(&limit, arguments, "--limit", 1, DECISIONS_MAX, scope);
    struct search_pair pair = {TEXT("_sort"), TEXT("_id")};
    if (status == STATUS_OK)
        status = records_find(&found, &count, folder->records, &folder_operator,
            fhir_type_find(TEXT("GuidanceResponse")), &pair, 1, (size_t)limit, scope);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (text_ends(json_get_text(found[i], "moduleUri"), "/surge"))
            continue; /* a wave asks nobody */
        struct arena *arena = arena_open((size_t)256 << 20);
        struct scope inner = {.arena = arena};
        status = arena == NULL ? fault(scope, STATUS_UNAVAILABLE, "", "no memory")
                               : replay_one(sum, folder->records, found[i], document, as_json, &inner);
        if (status != STATUS_OK && arena != NULL)
            status =
                fault(scope, status, "GuidanceResponse.extension", "decision %zu of %zu does not replay", i + 1, count);
        if (arena != NULL)
            arena_close(arena);
        if (isatty(STDERR_FILENO) && i % 100 == 99)
            (void)fprintf(stderr, "\r%zu of %zu", i + 1, count);
    }
    return status;
}

static enum status replay(const struct arguments *arguments, struct scope *scope) {
    struct text document = {0}, hash = {0};
    struct folder folder = {0};
    struct sum sum = {0};
    if (argument(arguments, "--data") == NULL)
        return fault(scope, STATUS_INVALID, "--data", "%s",
            say("is required: the data folder whose decisions are replayed",
                "재현할 결정이 있는 데이터 폴더가 필요합니다"));
    enum status status = read_policy(&document, &hash, arguments, scope);
    struct folder_config config = {.path = argument(arguments, "--data"), .speed = 1, .making = FOLDER_STANDS};
    if (status == STATUS_OK)
        status = folder_open(&folder, &config, scope);
    if (status == STATUS_OK)
        status = replay_all(&sum, arguments, &folder, document, scope);
    folder_close(&folder);
    if (status == STATUS_OK)
        print_sum(&sum, arguments->operands[1], argument_flag(arguments, "--json"));
    return status;
}

/* ---- the command ---------------------------------------------------------------------------------------------------------------- */

static enum status key(const struct arguments *arguments, struct scope *scope) {
    return make_key(arguments->operands[1], scope);
}

static int run(const struct arguments *arguments, struct scope *scope) {
    static const struct {
        const char *name;
        enum status (*run)(const struct arguments *, struct scope *);
    } actions[] = {{"check", check}, {"key", key}, {"sign", sign}, {"verify", verify}, {"replay", replay}};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(arguments->operands[0], actions[i].name) == 0)
            return report(arguments, scope, actions[i].run(arguments, scope));
    return usage_fault(arguments->command,
        say("the actions are check, key, sign, verify and replay, not ",
            "동작은 check, key, sign, verify, replay입니다: "),
        arguments->operands[0]);
}

const struct command command_policy = {"policy", "check|key|sign|verify|replay FILE",
    {"check, sign and replay a policy", "지역 정책을 검사하고, 서명하고, 재현합니다"},
    {"check FILE    the first fault of a policy with its path: cycles, missing ends, unknown actions, needs and "
     "members\n"
     "key FILE      makes an Ed25519 key: FILE (private, mode 600) and FILE.pub\n"
     "sign FILE     checks it and writes FILE.sig with the private key of --key\n"
     "verify FILE   whether FILE.sig is the signature of these bytes by the public key of --key\n"
     "replay FILE   ranks the decisions of --data again under this policy, and shows which would differ; changes "
     "nothing\n"
     "Needs are checked against the region of --region, else against those that the program knows by itself.",
        "check FILE    정책의 첫 오류를 경로와 함께 알립니다: 순환, 끝이 없음, 모르는 동작·필요 진료·항목\n"
        "key FILE      Ed25519 키를 만듭니다: FILE(개인 키, 모드 600)과 FILE.pub\n"
        "sign FILE     검사한 뒤 --key의 개인 키로 FILE.sig를 씁니다\n"
        "verify FILE   FILE.sig가 --key의 공개 키로 이 바이트에 한 서명인지 확인합니다\n"
        "replay FILE   --data의 결정을 이 정책으로 다시 순위 매겨 달라질 것을 보입니다. 아무것도 바꾸지 않습니다\n"
        "필요 진료는 --region의 지역에 비추어, 없으면 프로그램이 아는 목록에 비추어 검사합니다."},
    options, 2, 2, run};
