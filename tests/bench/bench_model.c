/* What models cost apply: a commit of one record, checked, accepted, and asked for its schema.
 *
 * usage: bench_model [ROUNDS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "node/state/models.h"

static const char dtdl[] =
    "{\"@context\":[\"dtmi:dtdl:context;3\",\"dtmi:dtdl:extension:quantitativeTypes;1\","
    "\"dtmi:weft:context;1\"],\"@id\":\"dtmi:e:inspection;1\",\"@type\":\"Interface\","
    "\"weft:kind\":\"inspection\",\"contents\":["
    "{\"@type\":[\"Property\",\"Length\"],\"name\":\"flatness\",\"schema\":\"double\","
    "\"unit\":\"millimetre\"},"
    "{\"@type\":\"Property\",\"name\":\"verdict\",\"weft:required\":true,\"schema\":{"
    "\"@type\":\"Enum\",\"valueSchema\":\"string\",\"enumValues\":["
    "{\"name\":\"p\",\"enumValue\":\"PASS\"},{\"name\":\"f\",\"enumValue\":\"FAIL\"}]}},"
    "{\"@type\":\"Property\",\"name\":\"run\",\"schema\":\"double\"},"
    "{\"@type\":\"Property\",\"name\":\"note\",\"schema\":\"string\"},"
    "{\"@type\":\"Relationship\",\"name\":\"made_on\",\"maxMultiplicity\":1},"
    "{\"@type\":\"Relationship\",\"name\":\"uses_lot\",\"weft:targetPrefix\":\"lot:\"}]}";

static const struct weft_field fields[] = {
    {WEFT_TEXT("flatness/value"), WEFT_TEXT("1.5"), WEFT_VALUE_REAL},
    {WEFT_TEXT("flatness/unit"), WEFT_TEXT("mm"), WEFT_VALUE_TEXT},
    {WEFT_TEXT("verdict"), WEFT_TEXT("PASS"), WEFT_VALUE_TEXT},
    {WEFT_TEXT("run"), WEFT_TEXT("1.5"), WEFT_VALUE_REAL},
    {WEFT_TEXT("note"), WEFT_TEXT("turned, deburred, washed and measured at station 4"),
        WEFT_VALUE_TEXT},
};
static const struct weft_link links[] = {
    {.rel = WEFT_TEXT("made_on"), .to = WEFT_TEXT("plant1/line2/mill-2")},
    {.rel = WEFT_TEXT("uses_lot"), .to = WEFT_TEXT("lot:1")},
};
static const struct weft_field registration[] = {
    {WEFT_TEXT("dtdl"), {dtdl, sizeof(dtdl) - 1}, WEFT_VALUE_TEXT},
    {WEFT_TEXT("version"), WEFT_TEXT("1"), WEFT_VALUE_INT},
};

static struct weft_models *models;
static uint64_t entry_index = 1;

static double cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void take(const struct weft_record *record)
{
    const struct weft_commit commit = {.records = record, .record_count = 1};
    struct weft_models_refusal refusal;
    struct weft_msg msg;
    if (weft_models_check(models, &commit, entry_index++, &refusal, &msg) != WEFT_OK ||
        refusal.err != WEFT_OK) {
        (void)fprintf(stderr, "bench_model: %s\n", refusal.detail.text);
        exit(1);
    }
    weft_models_accept(models);
}

static void measure(const char *what, struct weft_text kind, int rounds)
{
    const struct weft_record record = {.kind = kind,
        .asset = WEFT_TEXT("serial:box/7"),
        .fields = fields,
        .field_count = 5,
        .links = links,
        .link_count = 2};
    size_t sum = 0;
    double start = cpu_ns();
    for (int i = 0; i < rounds; i++) {
        take(&record);
        sum += weft_models_schema(models, kind, entry_index).size;
    }
    (void)printf("%-40s %8.1f ns%s\n", what, (cpu_ns() - start) / rounds, sum == 1 ? " " : "");
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 2000000;
    const struct weft_record model = {.kind = WEFT_TEXT("model"),
        .asset = WEFT_TEXT("kind:inspection"),
        .fields = registration,
        .field_count = 2};
    struct weft_msg msg;
    if (rounds < 1 || weft_models_create(1, &models, &msg) != WEFT_OK) {
        return 2;
    }
    measure("nothing registered", WEFT_TEXT("inspection"), rounds);
    double start = cpu_ns();
    take(&model);
    (void)printf(
        "%-40s %8.1f us\n", "a model of seven elements, compiled", (cpu_ns() - start) / 1e3);
    measure("a kind that is not registered", WEFT_TEXT("process_run"), rounds);
    measure("a registered kind, 5 fields, 2 links", WEFT_TEXT("inspection"), rounds);
    weft_models_destroy(models);
    return 0;
}
