/* roads_bench FILE.osm.pbf: reads the file twice, as an import does (ways, then nodes), and keeps nothing: the import's ceiling. */
#include <readosm.h>
#include <stdio.h>

static int drop_way(const void *context, const readosm_way *way) {
    (void)context;
    (void)way;
    return READOSM_OK;
}

static int drop_node(const void *context, const readosm_node *node) {
    (void)context;
    (void)node;
    return READOSM_OK;
}

static int read_once(const char *path, readosm_node_callback node, readosm_way_callback way) {
    const void *file = NULL;
    int code = readosm_open(path, &file);
    if (code == READOSM_OK) {
        code = readosm_parse(file, NULL, node, way, NULL);
    }
    readosm_close(file);
    return code;
}

int main(int count, char **arguments) {
    if (count != 2) {
        (void)fprintf(stderr, "usage: roads_bench FILE.osm.pbf\n");
        return 2;
    }
    int code = read_once(arguments[1], NULL, drop_way);
    if (code == READOSM_OK) {
        code = read_once(arguments[1], drop_node, NULL);
    }
    return code == READOSM_OK ? 0 : 1;
}
