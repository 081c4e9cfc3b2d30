#include <string.h>

#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/nemesis.h"
#include "tests/lib/test.h"

/* Plans of nemeses: from the seed alone, for plants of every shape. */

static const struct jep_shape shapes[] = {
    {1, 3, 1, 0}, {1, 5, 1, 0}, {2, 3, 0, 0}, {1, 1, 0, 0}, {3, 3, 0, 1}};

TEST(nemesis, names_are_unique_and_none_is_the_first)
{
    size_t count;
    const struct jep_nemesis *const *all = jep_nemesis_all(&count);
    EXPECT_TRUE(count > 40 && count < JEP_NEMESES_MAX);
    EXPECT_TEXT("none", all[0]->name);
    for (size_t i = 0; i < count; i++) {
        EXPECT_TRUE(jep_nemesis_find(all[i]->name) == all[i]);
        EXPECT_TRUE(all[i]->plan != NULL && all[i]->start != NULL && all[i]->stop != NULL);
    }
    EXPECT_TRUE(jep_nemesis_find("no-such") == NULL);
}

TEST(nemesis, one_seed_plans_the_same_and_another_one_something_else)
{
    size_t count, differ = 0;
    const struct jep_nemesis *const *all = jep_nemesis_all(&count);
    struct jep_arena *arena = jep_arena_create();
    for (size_t i = 0; i < count; i++) {
        for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
            struct jep_rng a = jep_rng_stream(test_seed(), all[i]->name), b = a;
            struct jep_rng c = jep_rng_stream(test_seed() + 1, all[i]->name);
            struct jep_edn one = all[i]->plan(&a, &shapes[s], arena);
            struct jep_edn same = all[i]->plan(&b, &shapes[s], arena);
            struct jep_edn other = all[i]->plan(&c, &shapes[s], arena);
            EXPECT_TRUE(jep_edn_equal(&one, &same));
            differ += !jep_edn_equal(&one, &other);
        }
    }
    EXPECT_TRUE(differ > count);
    jep_arena_destroy(arena);
}

TEST(nemesis, a_plan_is_read_back_as_it_was_written)
{
    size_t count;
    const struct jep_nemesis *const *all = jep_nemesis_all(&count);
    struct jep_arena *arena = jep_arena_create();
    for (size_t i = 0; i < count; i++) {
        struct jep_rng rng = jep_rng_stream(test_seed(), all[i]->name);
        struct jep_edn plan = all[i]->plan(&rng, &shapes[0], arena), read;
        struct jep_message message;
        struct jep_text text = {0};
        jep_edn_write(&text, &plan);
        EXPECT_TRUE(jep_edn_parse(arena, text.bytes, text.size, &read, &message));
        EXPECT_TRUE(jep_edn_equal(&plan, &read));
        jep_text_free(&text);
    }
    jep_arena_destroy(arena);
}

static size_t nodes_of(const struct jep_nemesis *nemesis, const struct jep_shape *shape,
    uint64_t number, struct jep_arena *arena)
{
    struct jep_rng rng = jep_rng_stream_at(test_seed(), nemesis->name, number);
    struct jep_edn plan = nemesis->plan(&rng, shape, arena);
    const struct jep_edn *nodes = jep_edn_get(&plan, "nodes");
    return nodes != NULL && jep_edn_is_sequence(nodes) ? nodes->count : 0;
}

TEST(nemesis, lines_between_organizations_are_planned_of_two_that_have_an_agreement)
{
    struct jep_arena *arena = jep_arena_create();
    const struct jep_nemesis *nemesis = jep_nemesis_find("partner-one-way");
    const struct jep_shape shape = {3, 3, 0, 1};
    unsigned seen = 0;
    for (uint64_t i = 0; i < 200; i++) {
        struct jep_rng rng = jep_rng_stream_at(test_seed(), "partner-one-way", i);
        struct jep_edn plan = nemesis->plan(&rng, &shape, arena);
        int64_t from = jep_aim_int(&plan, "from"), to = jep_aim_int(&plan, "to");
        EXPECT_TRUE(from != to && (from == 0 || to == 0) && from < 3 && to < 3);
        seen |= 1u << (3 * from + to);
    }
    EXPECT_EQ(1u << 1 | 1u << 2 | 1u << 3 | 1u << 6, seen); /* Each, in both directions. */
    EXPECT_EQ(3, jep_aim_count(&shape, 0));
    EXPECT_EQ(1, jep_aim_count(&shape, 2));
    EXPECT_TEXT("l1", jep_aim_name(2, 0, arena));
    jep_arena_destroy(arena);
}

TEST(nemesis, without_its_flag_no_plan_names_a_majority_to_be_stopped)
{
    static const char *const families[] = {
        "kill", "pause", "stop", "crash-loop", "power", "disk", "damage", "resources"};
    size_t count, looked_at = 0;
    const struct jep_nemesis *const *all = jep_nemesis_all(&count);
    struct jep_arena *arena = jep_arena_create();
    for (size_t i = 0; i < count; i++) {
        for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
            bool is_majority = (all[i]->flags & JEP_NEMESIS_MAJORITY) != 0;
            if (is_majority || strcmp(all[i]->family, families[f]) != 0) {
                continue;
            }
            for (uint64_t number = 0; number < 20; number++) {
                EXPECT_TRUE(nodes_of(all[i], &shapes[0], number, arena) <= 1);
                EXPECT_TRUE(nodes_of(all[i], &shapes[1], number, arena) <= 2);
                looked_at++;
            }
        }
    }
    EXPECT_TRUE(looked_at > 200);
    jep_arena_destroy(arena);
}

TEST(nemesis, a_list_takes_names_and_families_each_once_and_refuses_others)
{
    const struct jep_nemesis *chosen[JEP_NEMESES_MAX];
    size_t count, all;
    struct jep_message message;
    (void)jep_nemesis_all(&all);
    EXPECT_TRUE(jep_nemesis_select("kill-leader,kill,kill-leader", chosen, &count, &message));
    EXPECT_EQ(5, count);
    EXPECT_TEXT("kill-leader", chosen[0]->name);
    EXPECT_TRUE(jep_nemesis_select("all", chosen, &count, &message));
    size_t of_gateways = 8 + 2; /* gateway-*, arrow-leader, clock-seconds */
    size_t of_sites = 4 + 2;    /* partner-*, restore-* */
    /* Without none, broken-start, broken-stop. */
    EXPECT_EQ(all - 3 - of_gateways - of_sites, count);
    EXPECT_TRUE(jep_nemesis_select("none", chosen, &count, &message));
    EXPECT_EQ(1, count);
    EXPECT_TRUE(jep_nemesis_select("", chosen, &count, &message));
    EXPECT_EQ(0, count);
    EXPECT_TRUE(!jep_nemesis_select("kil", chosen, &count, &message));
    EXPECT_TRUE(!jep_nemesis_select("kill,,pause", chosen, &count, &message));
}

TEST(aim, targets_have_the_size_that_their_name_says)
{
    struct jep_arena *arena = jep_arena_create();
    const struct {
        enum jep_target target;
        unsigned of_three, of_five;
    } wanted[] = {{JEP_TARGET_ONE, 1, 1}, {JEP_TARGET_MINORITY, 1, 2}, {JEP_TARGET_MAJORITY, 2, 3},
        {JEP_TARGET_ALL, 3, 5}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        for (unsigned s = 0; s < 2; s++) {
            struct jep_rng rng = jep_rng_stream(test_seed(), "aim");
            struct jep_edn_list list = {0};
            jep_aim_nodes(&list, &rng, &shapes[s], wanted[i].target, arena, NULL);
            struct jep_edn map = jep_edn_take_map(&list, arena);
            const struct jep_edn *nodes = jep_edn_get(&map, "nodes");
            EXPECT_EQ(s == 0 ? wanted[i].of_three : wanted[i].of_five, nodes->count);
        }
    }
    EXPECT_TEXT("n1", jep_aim_name(0, 0, arena));
    EXPECT_TEXT("m5", jep_aim_name(1, 4, arena));
    jep_arena_destroy(arena);
}
