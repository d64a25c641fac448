/* Links: which places are offered, with which path, and that everything else comes back byte for byte. */
#include "fhir/fhir.h"
#include "unit/cmocka_all.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

struct offers {
    struct arena *arena;
    struct buffer seen;
};

/* Notes every link, and turns urn:uuid:a into Patient/1. */
static enum status note(struct text *out, void *context, enum fhir_link_kind kind, struct text value, const char *path,
    struct scope *scope) {
    static const char *const kinds[] = {"reference", "canonical", "uri", "narrative"};
    struct offers *offers = context;
    if (text_is(value, "refuse")) {
        return fault(scope, STATUS_INVALID, path, "refused");
    }
    buffer_put(&offers->seen, text_format(offers->arena, "%s %s %.*s\n", kinds[kind], path, (int)value.size, value.at));
    if (text_is(value, "urn:uuid:a")) {
        *out = TEXT("Patient/1?a=\"b\"&c");
    }
    return STATUS_OK;
}

static enum status rewrite(struct text *out, struct text *seen, struct scope *scope, const char *source) {
    yyjson_doc *document;
    assert_int_equal(json_read(&document, text_from(source), scope), STATUS_OK);
    struct offers offers = {scope->arena, buffer_open(scope->arena, 1 << 20)};
    struct json_writer writer = json_writer_open(scope->arena, 1 << 20);
    enum status status = fhir_write_rewritten(&writer, yyjson_doc_get_root(document), note, &offers, scope);
    if (status == STATUS_OK) {
        status = json_finish(out, &writer, scope);
    }
    *seen = buffer_text(&offers.seen);
    return status;
}

static void expect(const char *source, const char *written, const char *offered) {
    struct arena *arena = arena_open(16 << 20);
    struct scope scope = {.arena = arena};
    struct text out, seen;
    assert_int_equal(rewrite(&out, &seen, &scope, source), STATUS_OK);
    assert_string_equal(text_string(arena, out), written == NULL ? source : written);
    assert_string_equal(text_string(arena, seen), offered);
    arena_close(arena);
}

static void only_links_are_offered(void **state) {
    (void)state;
    expect("{\"resourceType\":\"Patient\",\"id\":\"urn:uuid:a\",\"name\":[{\"family\":\"urn:uuid:a\",\"text\":"
           "\"Patient/1\"}],"
           "\"multipleBirthInteger\":2,\"active\":true}",
        NULL, "");
    expect("{\"resourceType\":\"Observation\",\"valueString\":\"urn:uuid:a\",\"valueQuantity\":{\"value\":1.00,"
           "\"code\":\"urn:uuid:a\"}}",
        NULL, "");
}

static void references_canonicals_and_uris(void **state) {
    (void)state;
    expect(
        "{\"resourceType\":\"Task\",\"instantiatesCanonical\":\"http://a|1\",\"focus\":{\"reference\":\"urn:uuid:a\","
        "\"display\":\"urn:uuid:a\"},\"identifier\":[{\"system\":\"urn:s\",\"value\":\"urn:uuid:a\"}],"
        "\"input\":[{\"valueUuid\":\"urn:uuid:b\"},{\"valueReference\":{\"reference\":\"#x\"}},{\"valueString\":\"urn:"
        "uuid:a\"}]}",
        "{\"resourceType\":\"Task\",\"instantiatesCanonical\":\"http://a|1\",\"focus\":{\"reference\":\"Patient/"
        "1?a=\\\"b\\\"&c\","
        "\"display\":\"urn:uuid:a\"},\"identifier\":[{\"system\":\"urn:s\",\"value\":\"urn:uuid:a\"}],"
        "\"input\":[{\"valueUuid\":\"urn:uuid:b\"},{\"valueReference\":{\"reference\":\"#x\"}},{\"valueString\":\"urn:"
        "uuid:a\"}]}",
        "canonical Task.instantiatesCanonical http://a|1\nreference Task.focus.reference urn:uuid:a\n"
        "uri Task.identifier[0].system urn:s\nuri Task.input[0].valueUuid urn:uuid:b\n"
        "reference Task.input[1].valueReference.reference #x\n");
}

static void arrays_companions_and_contained(void **state) {
    (void)state;
    expect("{\"resourceType\":\"Patient\",\"meta\":{\"profile\":[\"http://p\",null,\"urn:uuid:a\"],\"_profile\":[null,"
           "{\"extension\":[{\"url\":\"http://e\",\"valueUri\":\"urn:uuid:a\"}]},null]},"
           "\"contained\":[{\"resourceType\":\"Observation\",\"subject\":{\"reference\":\"urn:uuid:a\"}},{\"x\":\"urn:"
           "uuid:a\"}],"
           "\"photo\":[{\"url\":\"urn:uuid:a\",\"size\":1e2}]}",
        "{\"resourceType\":\"Patient\",\"meta\":{\"profile\":[\"http://p\",null,\"Patient/"
        "1?a=\\\"b\\\"&c\"],\"_profile\":[null,"
        "{\"extension\":[{\"url\":\"http://e\",\"valueUri\":\"Patient/1?a=\\\"b\\\"&c\"}]},null]},"
        "\"contained\":[{\"resourceType\":\"Observation\",\"subject\":{\"reference\":\"Patient/1?a=\\\"b\\\"&c\"}},"
        "{\"x\":\"urn:uuid:a\"}],\"photo\":[{\"url\":\"Patient/1?a=\\\"b\\\"&c\",\"size\":1e2}]}",
        "canonical Patient.meta.profile[0] http://p\ncanonical Patient.meta.profile[2] urn:uuid:a\n"
        "uri Patient.meta.profile[1].extension[0].url http://e\nuri Patient.meta.profile[1].extension[0].valueUri "
        "urn:uuid:a\n"
        "reference Patient.contained[0].subject.reference urn:uuid:a\nuri Patient.photo[0].url urn:uuid:a\n");
}

static void narrative_links(void **state) {
    (void)state;
    expect("{\"resourceType\":\"Patient\",\"text\":{\"status\":\"generated\",\"div\":\"<div>href='urn:uuid:a' <a "
           "title='href' "
           "href='urn:uuid:a'>x</a><img alt=\\\"a>b\\\" src = \\\"urn:uuid:a\\\"/><!-- <a href='urn:uuid:a'> --><a "
           "href='#'>"
           "</a></div>\"}}",
        "{\"resourceType\":\"Patient\",\"text\":{\"status\":\"generated\",\"div\":\"<div>href='urn:uuid:a' <a "
        "title='href' "
        "href='Patient/1?a=&quot;b&quot;&amp;c'>x</a><img alt=\\\"a>b\\\" src = "
        "\\\"Patient/1?a=&quot;b&quot;&amp;c\\\"/>"
        "<!-- <a href='urn:uuid:a'> --><a href='#'></a></div>\"}}",
        "narrative Patient.text.div urn:uuid:a\nnarrative Patient.text.div urn:uuid:a\nnarrative Patient.text.div #\n");
}

static void broken_narratives_come_back_whole(void **state) {
    (void)state;
    static const char *const divs[] = {"", "<", "<!", "<!--", "<![CDATA[<a href='urn:uuid:a'>", "<a", "<a href",
        "<a href=", "<a href='", "<a href='urn:uuid:a", "<a href=urn:uuid:a>", "<a =>'", "a<b>c</",
        "<?x <a href='urn:uuid:a'>"};
    for (size_t i = 0; i < sizeof divs / sizeof *divs; i++) {
        char source[256];
        snprintf(source, sizeof source, "{\"resourceType\":\"Patient\",\"text\":{\"div\":\"%s\"}}", divs[i]);
        expect(source, NULL, "");
    }
}

static void a_refusal_ends_the_walk(void **state) {
    (void)state;
    struct arena *arena = arena_open(16 << 20);
    struct scope scope = {.arena = arena};
    struct text out, seen;
    assert_int_equal(rewrite(&out, &seen, &scope,
                         "{\"resourceType\":\"Task\",\"basedOn\":[{\"reference\":\"ok\"},{\"reference\":"
                         "\"refuse\"},{\"reference\":\"never\"}],\"focus\":{\"reference\":\"never\"}}"),
        STATUS_INVALID);
    assert_string_equal(text_string(arena, seen), "reference Task.basedOn[0].reference ok\n");
    assert_string_equal(scope.fault.first->path, "Task.basedOn[1].reference");
    assert_int_equal(rewrite(&out, &seen, &scope, "{\"resourceType\":\"Nonsense\"}"), STATUS_INVALID);
    arena_close(arena);
}

static enum status leave(struct text *out, void *context, enum fhir_link_kind kind, struct text value, const char *path,
    struct scope *scope) {
    (void)out, (void)kind, (void)value, (void)path, (void)scope;
    ++*(int *)context;
    return STATUS_OK;
}

static struct text written(const yyjson_val *resource, int *links, struct scope *scope) {
    struct json_writer writer = json_writer_open(scope->arena, 64 << 20);
    struct text out;
    if (links == NULL) {
        json_value(&writer, resource);
    } else {
        assert_int_equal(fhir_write_rewritten(&writer, resource, leave, links, scope), STATUS_OK);
    }
    assert_int_equal(json_finish(&out, &writer, scope), STATUS_OK);
    return out;
}

static void published_examples_come_back_equal(void **state) {
    (void)state;
    struct arena *arena = arena_open(1 << 30);
    int links = 0;
    glob_t files;
    assert_int_equal(glob("build/deps/fhir/package/[A-R]*.json", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct scope scope = {.arena = arena};
        struct text source;
        yyjson_doc *document;
        assert_int_equal(file_read(&source, files.gl_pathv[i], 64 << 20, &scope), STATUS_OK);
        assert_int_equal(json_read(&document, source, &scope), STATUS_OK);
        const yyjson_val *resource = yyjson_doc_get_root(document);
        if (!text_equal(written(resource, &links, &scope), written(resource, NULL, &scope))) {
            fail_msg("%s", files.gl_pathv[i]);
        }
        arena_reset(arena);
    }
    globfree(&files);
    arena_close(arena);
    assert_true(links > 100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_links_are_offered),
        cmocka_unit_test(references_canonicals_and_uris),
        cmocka_unit_test(arrays_companions_and_contained),
        cmocka_unit_test(narrative_links),
        cmocka_unit_test(broken_narratives_come_back_whole),
        cmocka_unit_test(published_examples_come_back_equal),
        cmocka_unit_test(a_refusal_ends_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
