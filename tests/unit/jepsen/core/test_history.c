#include "jepsen/core/history.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/test.h"

#define LINE(index, time, type, process, rest)                                                     \
    "{:index " #index ", :time " #time ", :type :" #type ", :process " #process ", " rest "}\n"

static bool parse(const char *text, struct jep_history **ret_history, struct jep_message *message)
{
    return jep_history_parse(text, strlen(text), ret_history, message);
}

TEST(history, is_read_paired_and_written_as_it_was) /* JEP-3 */
{
    static const char text[] =
        "{:index 0, :time 5, :type :invoke, :process 1, :f :read, :value [0 nil]}\n"
        "{:index 1, :time 6, :type :info, :process :nemesis, :f :pause, :value {\"n2\" \"\"}}\n"
        "{:index 2, :time 6, :type :invoke, :process 2, :f :write, :value [0 17], :node \"n2\"}\n"
        "{:index 3, :time 9, :type :ok, :process 1, :f :read, :value [0 :absent]}\n"
        "{:index 4, :time 9, :type :info, :process 2, :f :write, :value [0 17], :node \"n2\", "
        ":error [:lost \"x\"]}\n";
    struct jep_message message = {0};
    struct jep_history *history = NULL;
    if (!parse(text, &history, &message)) {
        EXPECT_TEXT("", message.text);
        return;
    }
    EXPECT_EQ(5, history->count);
    EXPECT_EQ(3, history->pairs[0]);
    EXPECT_EQ(0, history->pairs[3]);
    EXPECT_EQ(JEP_UNPAIRED, history->pairs[1]);
    EXPECT_EQ(JEP_NEMESIS, history->ops[1].process);
    EXPECT_TRUE(history->ops[0].f == history->ops[3].f);
    EXPECT_TEXT("n2", history->ops[4].node);
    struct jep_text out = {0};
    for (size_t i = 0; i < history->count; i++) {
        jep_op_write(&out, &history->ops[i]);
    }
    EXPECT_TEXT(text, out.bytes);
    jep_text_free(&out);
    jep_history_destroy(history);
}

TEST(history, what_breaks_its_rules_is_refused) /* JEP-1 JEP-2 */
{
#define READ ":f :read, :value nil"
    static const char *const pairs[][2] = {
        {LINE(1, 0, invoke, 0, READ), "line 1: :index is not dense from 0"},
        {LINE(0, 5, invoke, 0, READ) LINE(1, 4, ok, 0, READ),
            "line 2: process 0 :ok :read: :time falls"},
        {LINE(0, 0, invoke, 0, READ) LINE(1, 0, invoke, 0, READ),
            "line 2: process 0 :invoke :read: its operation before has not ended"},
        {LINE(0, 0, ok, 0, READ), "line 1: process 0 :ok :read: ends what was not invoked"},
        {LINE(0, 0, invoke, 0, READ) LINE(1, 0, ok, 0, ":f :write, :value nil"),
            "line 2: process 0 :ok :write: ends with another :f than was invoked"},
        {LINE(0, 0, invoke, 0, READ) LINE(1, 0, info, 0, READ) LINE(2, 0, invoke, 0, READ),
            "line 3: process 0 :invoke :read: a process that ended with :info comes back"},
        {LINE(0, 0, invoke, 0, READ) LINE(1, 0, ok, 0, READ) LINE(2, 0, fail, 0, READ),
            "line 3: process 0 :fail :read: ends what was not invoked"},
        {"{:index 0, :time 0, :type :ok, :process :nemesis, :f :kill}\n",
            "line 1: process -1 :ok :kill: a nemesis writes :info alone"},
        {LINE(0, 0, done, 0, READ), "line 1: no :type of :invoke, :ok, :fail, :info"},
        {LINE(0, 0, ok, -3, READ), "line 1: no :process (a number from 0, or :nemesis)"},
        {LINE(0, -1, ok, 0, READ), "line 1: no :time in ns"},
        {LINE(0, 0, ok, 0, ":value nil"), "line 1: no :f"}, {"[1]", "line 1: not a map"},
        {"{:index 0", "line 1, column 10: the text ends within a value"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct jep_history *history = NULL;
        struct jep_message message = {0};
        EXPECT_TRUE(!parse(pairs[i][0], &history, &message));
        EXPECT_TEXT(pairs[i][1], message.text);
        EXPECT_TRUE(history == NULL);
    }
}

TEST(history, an_invocation_that_was_cut_off_stays_open) /* JEP-2 */
{
    struct jep_history *history = NULL;
    EXPECT_TRUE(parse(LINE(0, 0, invoke, 0, READ), &history, NULL));
    EXPECT_EQ(JEP_UNPAIRED, history->pairs[0]);
    jep_history_destroy(history);
}

enum {
    THREADS = 4,
    EACH = 200
};

static void *write_some(void *arg)
{
    struct jep_history_writer *writer = arg;
    static _Atomic int64_t next_process;
    int64_t process = next_process++;
    for (size_t i = 0; i < EACH; i++) {
        struct jep_op op = {.type = JEP_INVOKE, .f = "read", .process = process, .time_ns = -1};
        struct jep_op written;
        jep_history_write(writer, &op, &written);
        op.type = JEP_OK;
        op.value = jep_edn_int((int64_t)written.index);
        jep_history_write(writer, &op, NULL);
    }
    return NULL;
}

TEST(history, many_threads_write_one_history_that_keeps_its_rules) /* JEP-1 */
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/history.edn", test_directory());
    struct jep_history_writer *writer = NULL;
    struct jep_message message = {0};
    EXPECT_TRUE(jep_history_writer_create(path, &writer, &message));
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        EXPECT_EQ(0, pthread_create(&threads[i], NULL, write_some, writer));
    }
    for (size_t i = 0; i < THREADS; i++) {
        EXPECT_EQ(0, pthread_join(threads[i], NULL));
    }
    jep_history_writer_destroy(writer);
    struct jep_history *history = NULL;
    if (!jep_history_read(path, &history, &message)) {
        EXPECT_TEXT("", message.text);
        return;
    }
    EXPECT_EQ(2 * THREADS * EACH, history->count);
    for (size_t i = 0; i < history->count; i++) {
        if (history->ops[i].type == JEP_OK) {
            EXPECT_EQ(history->pairs[i], history->ops[i].value.integer);
        }
    }
    jep_history_destroy(history);
}

TEST(history, a_virtual_clock_stamps_what_it_is_given)
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/virtual.edn", test_directory());
    struct jep_history_writer *writer = NULL;
    EXPECT_TRUE(jep_history_writer_create(path, &writer, NULL));
    struct jep_op op = {.type = JEP_INFO, .process = JEP_NEMESIS, .f = "kill", .time_ns = 77};
    jep_history_write(writer, &op, NULL);
    op.time_ns = 50; /* never falls */
    jep_history_write(writer, &op, NULL);
    jep_history_writer_destroy(writer);
    struct jep_history *history = NULL;
    EXPECT_TRUE(jep_history_read(path, &history, NULL));
    EXPECT_EQ(77, history->ops[0].time_ns);
    EXPECT_EQ(77, history->ops[1].time_ns);
    jep_history_destroy(history);
    EXPECT_TRUE(!jep_history_read("/nonexistent/history.edn", &history, NULL));
    EXPECT_TRUE(!jep_history_writer_create("/nonexistent/history.edn", &writer, NULL));
}
