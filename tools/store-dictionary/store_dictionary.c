/* store_dictionary EXAMPLES OUT: trains the dictionary that the store compresses bodies with.
 *
 * Reads the JSON examples of resources that people are described with from the folder EXAMPLES (the unpacked package
 * hl7.fhir.r4.examples), in the order of their names, so that the same package gives the same bytes. Narratives are left
 * out: they would fill the dictionary with prose. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>
#include <zdict.h>

enum { DICTIONARY_MAX = 64 * 1024, SAMPLES_MAX = 8192, SAMPLE_MAX = 64 * 1024 };

/* Definitions, not records: they look like nothing that a clinic writes. */
static const char *const left_out[] = {"StructureDefinition-", "SearchParameter-", "ValueSet-", "CodeSystem-",
    "ConceptMap-", "OperationDefinition-", "CapabilityStatement-", "CompartmentDefinition-", "NamingSystem-",
    "ImplementationGuide-", "Bundle-", "StructureMap-", "TerminologyCapabilities-", "TestScript-", "TestReport-",
    "ExampleScenario-", "GraphDefinition-", "MessageDefinition-", "package", NULL};

struct samples {
    char *at;
    size_t size, capacity, count;
    size_t sizes[SAMPLES_MAX];
};

static int is_record(const struct dirent *entry) {
    for (const char *const *prefix = left_out; *prefix != NULL; prefix++) {
        if (strncmp(entry->d_name, *prefix, strlen(*prefix)) == 0) {
            return 0;
        }
    }
    const char *end = strrchr(entry->d_name, '.');
    return end != NULL && strcmp(end, ".json") == 0;
}

static bool samples_add(struct samples *samples, const char *bytes, size_t size) {
    if (size > SAMPLE_MAX || samples->count == SAMPLES_MAX) {
        return true;
    }
    if (samples->size + size > samples->capacity) {
        size_t capacity = (samples->capacity + size) * 2;
        char *at = realloc(samples->at, capacity);
        if (at == NULL) {
            return false;
        }
        samples->at = at;
        samples->capacity = capacity;
    }
    memcpy(samples->at + samples->size, bytes, size);
    samples->size += size;
    samples->sizes[samples->count++] = size;
    return true;
}

static bool read_sample(struct samples *samples, const char *path) {
    yyjson_doc *source = yyjson_read_file(path, YYJSON_READ_NUMBER_AS_RAW, NULL, NULL);
    if (source == NULL) {
        return true; /* not every example is a JSON document */
    }
    yyjson_mut_doc *copy = yyjson_doc_mut_copy(source, NULL);
    yyjson_mut_obj_remove_key(yyjson_mut_doc_get_root(copy), "text");
    size_t size = 0;
    char *bytes = yyjson_mut_write(copy, YYJSON_WRITE_NOFLAG, &size);
    bool added = bytes == NULL || samples_add(samples, bytes, size);
    free(bytes);
    yyjson_mut_doc_free(copy);
    yyjson_doc_free(source);
    return added;
}

static int order_by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name); /* whatever the locale is */
}

int main(int argument_count, char **arguments) {
    if (argument_count != 3) {
        fputs("usage: store_dictionary EXAMPLES OUT\n", stderr);
        return 2;
    }
    struct dirent **names = NULL;
    int count = scandir(arguments[1], &names, is_record, order_by_name);
    struct samples *samples = calloc(1, sizeof *samples);
    char *dictionary = malloc(DICTIONARY_MAX);
    if (count <= 0 || samples == NULL || dictionary == NULL) {
        fprintf(stderr, "store_dictionary: no examples under %s (package hl7.fhir.r4.examples)\n", arguments[1]);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", arguments[1], names[i]->d_name);
        if (!read_sample(samples, path)) {
            return 1;
        }
        free(names[i]);
    }
    free(names);
    size_t size =
        ZDICT_trainFromBuffer(dictionary, DICTIONARY_MAX, samples->at, samples->sizes, (unsigned)samples->count);
    if (ZDICT_isError(size)) {
        fprintf(stderr, "store_dictionary: %s\n", ZDICT_getErrorName(size));
        return 1;
    }
    FILE *out = fopen(arguments[2], "wb");
    bool written = out != NULL && fwrite(dictionary, 1, size, out) == size;
    if (out == NULL || fclose(out) != 0 || !written) {
        fprintf(stderr, "store_dictionary: cannot write %s\n", arguments[2]);
        return 1;
    }
    free(dictionary);
    free(samples->at);
    free(samples);
    return 0;
}
