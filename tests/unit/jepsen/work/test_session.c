#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jepsen/cluster/json.h"
#include "jepsen/work/client.h"
#include "tests/lib/test.h"

/* The client of the harness against a `weft session` that is a script and does as it is told: what
 * may have happened is never taken for what did not (JEP-62, JEP-63, JEP-65). */

static char weft[1024];
static struct jep_arena *arena;
static struct jep_site site;
static struct jep_client client;

/* The script sees the endpoint as $3 and each line as $line. */
static void make_weft(const char *body)
{
    (void)snprintf(weft, sizeof(weft), "%s/weft", test_directory());
    FILE *file = fopen(weft, "wb");
    EXPECT_TRUE(file != NULL);
    (void)fprintf(file, "#!/bin/sh\nwhile read -r line; do\n%s\ndone\n", body);
    EXPECT_EQ(0, fclose(file));
    EXPECT_EQ(0, chmod(weft, 0755));
    arena = jep_arena_create();
    site = (struct jep_site){
        .weft = weft, .identity = "x", .prefix = "", .timeout_ms = 500, .count = 2};
    site.nodes[0].name = "n1";
    site.nodes[0].endpoint = "a:1";
    site.nodes[1].name = "n2";
    site.nodes[1].endpoint = "b:1";
    jep_client_init(&client, &site, 0, 0);
}

static void end(void)
{
    jep_client_close(&client);
    jep_arena_destroy(arena);
}

static struct jep_answer ask(const char *line)
{
    return jep_client_ask(&client, 0, line, arena);
}

TEST(client, answers_are_what_the_session_says)
{
    make_weft("case $line in\n"
              "one) echo '{\"ok\":{\"index\":7}}' ;;\n"
              "two) echo '{\"refused\":{\"code\":\"conflict\",\"detail\":\"d\",\"rev\":3}}' ;;\n"
              "three) echo '{\"unknown\":{\"code\":\"timed-out\",\"detail\":\"d\"}}' ;;\n"
              "esac");
    struct jep_answer answer = ask("one");
    EXPECT_EQ(JEP_ANSWER_OK, answer.kind);
    EXPECT_EQ(7, jep_json_int(&answer.body, "index", 0));
    EXPECT_EQ(JEP_OK, jep_outcome_of_commit(&answer));
    answer = ask("two");
    EXPECT_TRUE(jep_answer_is(&answer, JEP_ANSWER_REFUSED, "conflict"));
    EXPECT_EQ(JEP_FAIL, jep_outcome_of_commit(&answer));
    answer = ask("three");
    EXPECT_TRUE(jep_answer_is(&answer, JEP_ANSWER_UNKNOWN, "timed-out"));
    EXPECT_EQ(JEP_INFO, jep_outcome_of_commit(&answer));
    EXPECT_EQ(JEP_FAIL, jep_outcome_of_read(&answer)); /* A question changes nothing. */
    EXPECT_TRUE(!client.is_broken);
    end();
}

TEST(client, session_that_ends_leaves_the_outcome_open_and_is_started_anew)
{
    make_weft("[ \"$line\" != die ] || exit 0\necho '{\"ok\":{}}'");
    struct jep_answer answer = ask("die");
    EXPECT_EQ(JEP_ANSWER_UNKNOWN, answer.kind);
    EXPECT_EQ(JEP_INFO, jep_outcome_of_commit(&answer));
    EXPECT_EQ(JEP_ANSWER_OK, ask("live").kind);
    end();
}

TEST(client, answer_that_is_none_is_the_harness_failing)
{
    make_weft("case $line in\none) echo nonsense ;;\n"
              "*) echo '{\"error\":{\"code\":\"invalid\",\"detail\":\"line 1\"}}' ;;\nesac");
    EXPECT_EQ(JEP_ANSWER_BROKEN, ask("one").kind);
    EXPECT_TRUE(client.is_broken);
    client.is_broken = false;
    struct jep_answer answer = ask("two");
    EXPECT_EQ(JEP_ANSWER_BROKEN, answer.kind);
    EXPECT_EQ(JEP_INFO, jep_outcome_of_commit(&answer)); /* Even so it is not called refused. */
    EXPECT_TRUE(strstr(client.why.text, "line 1") != NULL);
    end();
}

TEST(client, writes_go_to_the_leader_that_a_refusal_named_and_reads_stay_at_home)
{
    make_weft("if [ $3 = a:1 ]; then\n"
              "case $line in *commit*) echo '{\"refused\":{\"code\":\"not-leader\",\"detail\":\"\","
              "\"leader\":\"b:1\"}}' ;; *) echo '{\"ok\":{\"at\":\"a\"}}' ;; esac\n"
              "else echo '{\"ok\":{\"at\":\"b\"}}'; fi");
    struct jep_text line = {0};
    jep_commit_begin(&line);
    jep_commit_record(&line, "k", "x/1", "{\"v\":1}", NULL, 0);
    jep_commit_end(&line);
    struct jep_answer answer = jep_client_commit(&client, line.bytes, false, arena);
    EXPECT_EQ(JEP_FAIL, jep_outcome_of_commit(&answer)); /* It is not tried again. */
    answer = jep_client_commit(&client, line.bytes, false, arena);
    EXPECT_TEXT("b", jep_json_text(&answer.body, "at"));
    EXPECT_TEXT("n2", client.spoke_with);
    answer = jep_client_commit(&client, line.bytes, true, arena); /* stubborn */
    EXPECT_EQ(JEP_ANSWER_REFUSED, answer.kind);
    EXPECT_TEXT("n1", client.spoke_with);
    struct jep_seen seen;
    answer = jep_client_read(&client, &(struct jep_read){.asset = "x/1"}, arena, &seen);
    EXPECT_TEXT("a", jep_json_text(&answer.body, "at"));
    jep_text_free(&line);
    end();
}

TEST(client, commit_carries_its_records_and_an_id_of_its_own)
{
    make_weft("true");
    struct jep_text line = {0};
    struct jep_edn first, second;
    for (int i = 0; i < 2; i++) {
        jep_commit_begin(&line);
        jep_commit_record(&line, "k", "x/\"1", "{\"v\":1}", NULL, 4);
        jep_commit_record(&line, "k", "x/2", NULL, "[{\"rel\":\"contains\",\"to\":\"y\"}]", -1);
        jep_commit_end(&line);
        EXPECT_TRUE(jep_json_parse(arena, line.bytes, line.size, i == 0 ? &first : &second, NULL));
    }
    const struct jep_edn *records = jep_json_get(&first, "records");
    EXPECT_EQ(2, records->count);
    EXPECT_TEXT("x/\"1", jep_json_text(&records->items[0], "asset"));
    EXPECT_EQ(4, jep_json_int(jep_json_get(&records->items[0], "expect"), "rev", -1));
    EXPECT_TRUE(jep_json_get(&records->items[1], "expect") == NULL);
    EXPECT_EQ(32, strlen(jep_json_text(&first, "request_id")));
    EXPECT_TRUE(
        strcmp(jep_json_text(&first, "request_id"), jep_json_text(&second, "request_id")) != 0);
    jep_text_free(&line);
    end();
}

TEST(client, what_is_not_there_is_an_answer)
{
    make_weft("echo '{\"refused\":{\"code\":\"not-found\",\"detail\":\"\",\"index\":9}}'");
    struct jep_seen seen;
    struct jep_answer answer =
        jep_client_read(&client, &(struct jep_read){.asset = "x/1"}, arena, &seen);
    EXPECT_EQ(JEP_ANSWER_OK, answer.kind);
    EXPECT_EQ(0, seen.rev);
    EXPECT_EQ(9, seen.index);
    EXPECT_EQ(0, seen.records.count);
    end();
}

TEST(client, echo_is_the_line_that_was_acknowledged)
{
    char path[1100];
    (void)snprintf(path, sizeof(path), "%s/seen", test_directory());
    char body[1400];
    (void)snprintf(body, sizeof(body), "echo \"$line\" >>%s\necho '{\"ok\":{}}'", path);
    make_weft(body);
    struct jep_text line = {0}, seen = {0};
    struct jep_rng rng = jep_rng_stream(test_seed(), "echo");
    jep_client_echo(&client, &rng, arena); /* Nothing yet. */
    jep_commit_begin(&line);
    jep_commit_record(&line, "k", "x", NULL, NULL, -1);
    jep_commit_end(&line);
    EXPECT_EQ(JEP_ANSWER_OK, jep_client_commit(&client, line.bytes, false, arena).kind);
    jep_client_echo(&client, &rng, arena);
    EXPECT_TRUE(jep_text_read_file(&seen, path, 65536, NULL));
    EXPECT_EQ(2 * (line.size + 1), seen.size);
    EXPECT_MEM(line.bytes, seen.bytes, line.size);
    EXPECT_MEM(line.bytes, seen.bytes + line.size + 1, line.size);
    jep_text_free(&seen);
    jep_text_free(&line);
    end();
}
