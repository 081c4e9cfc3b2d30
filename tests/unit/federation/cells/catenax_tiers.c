/* tests/unit/federation/cells/catenax_tiers.c: catenax_tiers CONTAINER
 *
 * The owners of a container's parts as so many organizations, each of which knows its own parts and
 * what they were made of. Recalls and questions go from one to the next, in orders drawn from a
 * seed, and questions while some cannot be reached. Printed, line by line:
 *
 *     recall PART AFFECTED...        for each part: what has it inside, through all organizations
 *     tree PART ROUNDS WHOLE>PART... for each part that nobody uses: what is inside
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/cells/recall.h"
#include "federation/cells/tiers.h"
#include "ops/import/catenax.h"
#include "proto/thread.h"

enum {
    PARTS_MAX = 256,
    EDGES_MAX = 512,
    ORGS_MAX = 16,
    MESSAGES_MAX = 4096,
    NAME_SIZE = 64,
    UNREACHABLE = 3, /* One in so many, while a question is under way. */
};

static struct part {
    char name[NAME_SIZE];
    struct weft_digest subject;
    uint32_t owner;
} parts[PARTS_MAX];
static uint32_t part_count;

static struct edge {
    uint32_t whole;
    uint32_t part;
} edges[EDGES_MAX];
static uint32_t edge_count;

static char orgs[ORGS_MAX][NAME_SIZE];
static uint32_t org_count;
static struct weft_arena arena = {.size_max = 64 << 20};

static void must(bool is_so, const char *what)
{
    if (!is_so) {
        (void)fprintf(stderr, "catenax_tiers: %s\n", what);
        exit(1);
    }
}

static uint64_t random_state = 7;

/* xorshift64* (Vigna, 2014). */
static uint32_t draw(uint32_t bound)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)(random_state * 0x2545f4914f6cdd1dU >> 33) % bound;
}

/* --- what the container has ------------------------------------------------------------------ */

static void keep(char to[NAME_SIZE], struct weft_text text)
{
    must(text.size < NAME_SIZE, "a long name");
    memcpy(to, text.data, text.size);
    to[text.size] = '\0';
}

static uint32_t part_of(struct weft_text name)
{
    for (uint32_t i = 0; i < part_count; i++) {
        if (weft_text_is(name, parts[i].name)) {
            return i;
        }
    }
    must(part_count < PARTS_MAX, "too many parts");
    struct part *part = &parts[part_count];
    char key[WEFT_SUBJECT_KEY_SIZE];
    struct weft_subject_name subject;
    struct weft_digest none = {{0}};
    keep(part->name, name);
    part->owner = ORGS_MAX; /* Nobody's, until its own record comes. */
    enum weft_subject_place place = weft_subject_admit(
        WEFT_TEXT("anybody.example/p1"), WEFT_TEXT("serial"), name, true, &none, key, &subject);
    must(place == WEFT_SUBJECT_TO_CELL && weft_text_is(subject.kind, "uuid"), "no UUID");
    part->subject = weft_subject_of(&subject); /* Nobody's name: everybody has the same. */
    return part_count++;
}

static uint32_t org_of(struct weft_text name)
{
    for (uint32_t i = 0; i < org_count; i++) {
        if (weft_text_is(name, orgs[i])) {
            return i;
        }
    }
    must(org_count < ORGS_MAX, "too many organizations");
    keep(orgs[org_count], name);
    return org_count++;
}

static void take(const struct weft_record *record)
{
    if (!weft_text_is(record->kind, "as_built")) {
        return;
    }
    uint32_t whole = part_of(record->asset);
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_is(record->fields[i].path, "owner")) {
            parts[whole].owner = org_of(record->fields[i].value);
        }
    }
    for (uint32_t i = 0; i < record->link_count; i++) {
        if (weft_thread_rel(record->links[i].rel) == WEFT_REL_CONTAINS) {
            must(edge_count < EDGES_MAX, "too many edges");
            edges[edge_count++] = (struct edge){whole, part_of(record->links[i].to)};
        }
    }
}

static void import_container(const char *path)
{
    static char text[8 << 20];
    const struct weft_import_options options = {.name = WEFT_TEXT("container")};
    struct weft_importer *importer;
    struct weft_import_item item;
    struct weft_msg msg = {""};
    enum weft_err err = WEFT_OK;
    FILE *file = fopen(path, "rb");
    must(file != NULL, path);
    size_t size = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    must(weft_importer_create(&weft_catenax_importer, &options, &importer, &msg) == WEFT_OK,
        msg.text);
    weft_importer_feed(importer, (struct weft_bytes){(const uint8_t *)text, size}, true);
    while (err != WEFT_ENOTFOUND) {
        err = weft_importer_next(importer, &item, &msg);
        must(err == WEFT_OK || err == WEFT_ENOTFOUND, msg.text);
        for (uint32_t i = 0; err == WEFT_OK && i < item.record_count; i++) {
            take(&item.records[i]);
        }
    }
    weft_importer_destroy(importer);
}

static uint32_t part_by_subject(const struct weft_digest *subject)
{
    for (uint32_t i = 0; i < part_count; i++) {
        if (weft_digest_equal(&parts[i].subject, subject)) {
            return i;
        }
    }
    must(false, "a subject that no part has");
    return 0;
}

/* --- recalls --------------------------------------------------------------------------------- */

struct message {
    uint32_t to;
    uint32_t part;
};

static struct message messages[MESSAGES_MAX];
static uint32_t message_count;
static bool is_affected[ORGS_MAX][PARTS_MAX]; /* As the organization knows. */
static bool is_told[ORGS_MAX][ORGS_MAX][PARTS_MAX];

static bool was_told(void *ctx, const struct weft_digest *recall, struct weft_text customer,
    const struct weft_digest *subject)
{
    (void)recall;
    return is_told[*(const uint32_t *)ctx][org_of(customer)][part_by_subject(subject)];
}

/* The organization's where-used index. */
static void spread(uint32_t org)
{
    for (bool has_more = true; has_more;) {
        has_more = false;
        for (uint32_t e = 0; e < edge_count; e++) {
            if (parts[edges[e].whole].owner == org && is_affected[org][edges[e].part] &&
                !is_affected[org][edges[e].whole]) {
                is_affected[org][edges[e].whole] = has_more = true;
            }
        }
    }
}

static void tell_customers(const struct weft_digest *recall, uint32_t org)
{
    struct weft_recall_delivery deliveries[EDGES_MAX];
    struct weft_recall_impact *impacts = NULL;
    uint32_t count = 0, impact_count = 0;
    for (uint32_t e = 0; e < edge_count; e++) {
        uint32_t customer = parts[edges[e].whole].owner, part = edges[e].part;
        if (parts[part].owner == org && customer != org && is_affected[org][part]) {
            deliveries[count++] =
                (struct weft_recall_delivery){weft_text_of(orgs[customer]), parts[part].subject};
        }
    }
    must(weft_recall_reach(
             recall, deliveries, count, was_told, &org, &arena, &impacts, &impact_count) == WEFT_OK,
        "reach");
    for (uint32_t i = 0; i < impact_count; i++) {
        uint32_t customer = org_of(impacts[i].customer);
        for (uint32_t k = 0; k < impacts[i].impact.subjects.count; k++) {
            uint32_t part = part_by_subject(&impacts[i].impact.subjects.items[k]);
            must(message_count < MESSAGES_MAX, "too many messages");
            is_told[org][customer][part] = true;
            messages[message_count++] = (struct message){customer, part};
        }
    }
}

static void print_recall(uint32_t part)
{
    memset(is_affected, 0, sizeof(is_affected));
    memset(is_told, 0, sizeof(is_told));
    messages[0] = (struct message){parts[part].owner, part};
    message_count = 1;
    while (message_count > 0) {
        uint32_t at = draw(message_count);
        struct message message = messages[at];
        messages[at] = messages[--message_count];
        is_affected[message.to][message.part] = true;
        spread(message.to);
        tell_customers(&parts[part].subject, message.to);
        weft_arena_reset(&arena);
    }
    (void)printf("recall %s", parts[part].name);
    for (uint32_t i = 0; i < part_count; i++) {
        if (is_affected[parts[i].owner][i]) {
            (void)printf(" %s", parts[i].name);
        }
    }
    (void)printf("\n");
}

/* --- questions ------------------------------------------------------------------------------- */

static struct weft_digest visits[ORGS_MAX][PARTS_MAX];
static uint32_t visit_counts[ORGS_MAX];
static bool is_unreachable[ORGS_MAX];

static bool was_visited(uint32_t org, const struct weft_digest *visit)
{
    for (uint32_t i = 0; i < visit_counts[org]; i++) {
        if (weft_digest_equal(&visits[org][i], visit)) {
            return true;
        }
    }
    visits[org][visit_counts[org]++] = *visit;
    return false;
}

static void ask(
    uint32_t org, const struct weft_tiers_question *question, struct weft_tiers_answer *answer);

/* What the organization knows of the inside of a part of its own, and what it has to ask for. */
static void look_inside(uint32_t org, uint32_t whole, const struct weft_tiers_question *next,
    struct weft_buffer *content, struct weft_tiers_answer *answer)
{
    for (uint32_t e = 0; e < edge_count; e++) {
        if (edges[e].whole != whole) {
            continue;
        }
        uint32_t part = edges[e].part;
        must(weft_buffer_format(content, " %s>%s", parts[whole].name, parts[part].name) == WEFT_OK,
            "memory");
        if (parts[part].owner == org) {
            look_inside(org, part, next, content, answer);
        } else if (next != NULL) {
            struct weft_tiers_question question = *next;
            question.subject = parts[part].subject;
            ask(parts[part].owner, &question, answer);
        }
    }
}

static void ask(
    uint32_t org, const struct weft_tiers_question *question, struct weft_tiers_answer *answer)
{
    struct weft_digest visit = weft_tiers_visit(&question->query, &question->subject);
    struct weft_tiers_question next = *question;
    struct weft_tiers_part part = {
        .organization = weft_text_of(orgs[org]), .subject = question->subject};
    struct weft_buffer content = {.size_max = 1 << 20};
    if (is_unreachable[org]) {
        part.was_missed = true;
        must(weft_tiers_add(answer, &part) == WEFT_OK, "a hole");
        return;
    }
    enum weft_tiers_turn turn =
        weft_tiers_take(question, was_visited(org, &visit), WEFT_TIERS_DEPTH_MAX, &next);
    if (turn == WEFT_TIERS_CUT) {
        return;
    }
    look_inside(org, part_by_subject(&question->subject), turn == WEFT_TIERS_PASS_ON ? &next : NULL,
        &content, answer);
    part.head = 1;
    part.content = weft_arena_text(&arena, weft_buffer_as_text(&content));
    weft_buffer_destroy(&content);
    must(weft_tiers_add(answer, &part) == WEFT_OK, "a part");
}

static size_t size_of(const struct weft_tiers_answer *answer)
{
    size_t size = 0;
    for (uint32_t i = 0; i < answer->count; i++) {
        size += answer->parts[i].content.size;
    }
    return size;
}

static void print_tree(uint32_t root)
{
    static struct weft_tiers_part memory[PARTS_MAX];
    struct weft_tiers_answer answer = {memory, 0, PARTS_MAX};
    uint32_t rounds = 0;
    do {
        size_t before = size_of(&answer);
        struct weft_tiers_question question = {.template = WEFT_TEXT("inside"),
            .query = weft_sha256(&rounds, sizeof(rounds)),
            .subject = parts[root].subject,
            .depth = WEFT_TIERS_DEPTH_MAX};
        for (uint32_t org = 0; org < org_count; org++) {
            is_unreachable[org] = org != parts[root].owner && draw(UNREACHABLE) == 0;
            visit_counts[org] = 0;
        }
        ask(parts[root].owner, &question, &answer);
        must(size_of(&answer) >= before, "an answer shrank");
        rounds++;
    } while (weft_tiers_holes(&answer) > 0);
    (void)printf("tree %s %u", parts[root].name, rounds);
    for (uint32_t i = 0; i < answer.count; i++) {
        (void)printf("%.*s", (int)memory[i].content.size, memory[i].content.data);
    }
    (void)printf("\n");
    weft_arena_reset(&arena);
}

int main(int argc, char **argv)
{
    must(argc == 2, "usage: catenax_tiers CONTAINER");
    import_container(argv[1]);
    for (uint32_t i = 0; i < part_count; i++) {
        must(parts[i].owner != ORGS_MAX, "a part that is nobody's");
        print_recall(i);
    }
    for (uint32_t i = 0; i < part_count; i++) {
        bool is_used = false;
        for (uint32_t e = 0; e < edge_count; e++) {
            is_used = is_used || edges[e].part == i;
        }
        if (!is_used) {
            print_tree(i);
        }
    }
    weft_arena_destroy(&arena);
    return 0;
}
