/* What a statement costs where it is filed in the cells of a state (node/state/cells.h).
 *
 * usage: bench_filing DIRECTORY [STATEMENTS [SUBJECTS [ENTRY]]]
 *
 * Statements of three cells each (200,000 on 100,000 subjects, 100 an entry; an entry a write), in
 * a store of its own in DIRECTORY, which is left there. Processor time of this thread for each, and
 * of all threads; RocksDB's files grow meanwhile, so each quarter is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/node/cells_rig.h"

enum {
    FIELDS = 5,
    QUARTERS = 4,
};

struct spent {
    uint64_t take, judge, write, all;
};

static uint64_t now_ns(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t lap(uint64_t *last)
{
    uint64_t now = now_ns(CLOCK_THREAD_CPUTIME_ID), took = now - *last;
    *last = now;
    return took;
}

static struct cells_stated state_one(
    const struct weft_contract *contract, uint64_t number, uint64_t subjects)
{
    char asset[64], size[32];
    (void)snprintf(
        asset, sizeof(asset), "serial:pump/%012llu", (unsigned long long)(number % subjects));
    (void)snprintf(size, sizeof(size), "%llu.25", (unsigned long long)number * 7);
    const struct weft_field fields[FIELDS] = {
        {WEFT_TEXT("bore/deviation"), WEFT_TEXT("0.014"), WEFT_VALUE_REAL},
        {WEFT_TEXT("bore/size"), weft_text_of(size), WEFT_VALUE_REAL},
        {WEFT_TEXT("bore/unit"), WEFT_TEXT("mm"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("operator"), WEFT_TEXT("shift 2"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("verdict"), WEFT_TEXT("PASS"), WEFT_VALUE_TEXT}};
    const struct weft_record record = {.kind = WEFT_TEXT("inspection"),
        .asset = weft_text_of(asset),
        .fields = fields,
        .field_count = FIELDS};
    return cells_state(contract, RIG_SUPPLIER, number + 1, record);
}

static void file_entry(struct cells_side *side, const struct weft_contract *contract,
    const struct cells_stated *stated, uint64_t count, uint64_t first, struct spent *spent)
{
    uint64_t last = now_ns(CLOCK_THREAD_CPUTIME_ID), all = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t i = 0; i < count; i++) {
        cells_take(side, contract, &stated[i], first + i + 1);
    }
    spent->take += lap(&last);
    cells_end_entry(side);
    spent->judge += lap(&last);
    cells_write(side);
    spent->write += lap(&last);
    spent->all += now_ns(CLOCK_PROCESS_CPUTIME_ID) - all;
}

static double us(uint64_t ns, uint64_t count)
{
    return (double)ns / 1e3 / (double)count;
}

int main(int argc, char **argv)
{
    const uint64_t statements = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000;
    const uint64_t subjects = argc > 3 ? strtoull(argv[3], NULL, 10) : 100000;
    const uint64_t most = argc > 4 ? strtoull(argv[4], NULL, 10) : 100;
    if (argc < 2 || statements < QUARTERS || subjects == 0 || most == 0) {
        (void)fprintf(stderr, "usage: bench_filing DIRECTORY [STATEMENTS [SUBJECTS [ENTRY]]]\n");
        return 2;
    }
    struct cells_side side = {.store = NULL};
    struct weft_contract contract = cells_contract();
    struct cells_stated *stated = calloc(most, sizeof(*stated));
    if (stated == NULL) {
        return 1;
    }
    cells_open(&side, argv[1], "filing");
    cells_agree(&side, &contract);
    cells_end_entry(&side);
    cells_write(&side);
    (void)printf("us of a processor for each statement, entries of %llu\n"
                 "%12s %8s %8s %8s %8s %16s\n",
        (unsigned long long)most, "statements", "take", "judge", "write", "in all", "all threads");
    uint64_t done = 0;
    for (uint64_t quarter = 1; quarter <= QUARTERS; quarter++) {
        struct spent spent = {0};
        const uint64_t began = done, until = statements * quarter / QUARTERS;
        while (done < until) {
            uint64_t count = until - done < most ? until - done : most;
            for (uint64_t i = 0; i < count; i++) {
                stated[i] = state_one(&contract, done + i, subjects);
            }
            file_entry(&side, &contract, stated, count, done, &spent);
            for (uint64_t i = 0; i < count; i++) {
                cells_stated_destroy(&stated[i]);
            }
            done += count;
        }
        const uint64_t sum = spent.take + spent.judge + spent.write, n = done - began;
        (void)printf("%12llu %8.1f %8.1f %8.1f %8.1f %16.1f\n", (unsigned long long)done,
            us(spent.take, n), us(spent.judge, n), us(spent.write, n), us(sum, n),
            us(spent.all, n));
    }
    char text[WEFT_DIGEST_TEXT_SIZE];
    const struct weft_cells_sum sum = cells_sum(&side);
    weft_digest_format(&sum.shared, text);
    (void)printf("shared %s\n", text);
    cells_close(&side);
    free(stated);
    return 0;
}
