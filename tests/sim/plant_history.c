#include "tests/sim/plant_history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct plant_history {
    FILE *file;
    uint64_t index;
};

struct plant_history *plant_history_open(const char *path)
{
    struct plant_history *h = calloc(1, sizeof(*h));
    if (h == NULL) {
        abort();
    }
    if (path != NULL) {
        h->file = fopen(path, "we");
        if (h->file == NULL) {
            perror(path);
            exit(2);
        }
    }
    return h;
}

void plant_history_close(struct plant_history *h)
{
    if (h->file != NULL && fclose(h->file) != 0) {
        perror("history");
        exit(2);
    }
    free(h);
}

void plant_history_add(struct plant_history *h, uint64_t time_ms, const char *type, int64_t process,
    const char *f, const struct weft_buffer *value, uint64_t node, const char *error)
{
    if (h->file == NULL) {
        return;
    }
    (void)fprintf(h->file, "{:index %" PRIu64 ", :time %" PRIu64 ", :type :%s, :process ",
        h->index++, time_ms * 1000000, type);
    if (process < 0) {
        (void)fprintf(h->file, ":nemesis");
    } else {
        (void)fprintf(h->file, "%" PRId64, process);
    }
    (void)fprintf(h->file, ", :f :%s, :value %.*s", f, (int)value->size, (const char *)value->data);
    if (node != 0) {
        (void)fprintf(h->file, ", :node \"n%" PRIu64 "\"", node);
    }
    if (error != NULL) {
        (void)fprintf(h->file, ", :error \"%s\"", error);
    }
    (void)fprintf(h->file, "}\n");
}
