/* The models that are shipped: each compiles, none is missing, and they take what they ought to. */
#include <stdio.h>
#include <stdlib.h>

#include "ops/weft/model_file.h"
#include "proto/record_json.h"
#include "proto/thread.h"
#include "tests/lib/test.h"

enum {
    RECORD_ARENA_SIZE_MAX = 16 * 1024 * 1024
};

static struct weft_model_text text;

/* The model of a kind, out of its file. */
static const struct weft_model *model_of(struct weft_text kind)
{
    char path[512];
    struct weft_msg msg = {""};
    weft_model_text_destroy(&text);
    text = (struct weft_model_text){.text = {.size = 0}};
    (void)snprintf(path, sizeof(path), "%s/%.*s.json", WEFT_MODELS, (int)kind.size, kind.data);
    enum weft_err err = weft_model_file_read(path, &text, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    return &text.model;
}

/* NULL: it fits the model of its kind; else where not. */
static const char *check(const char *json)
{
    static char quoted[2048], pointer[256];
    struct weft_arena arena = {.size_max = RECORD_ARENA_SIZE_MAX};
    struct weft_json *tree;
    struct weft_record record;
    struct weft_msg msg = {""};
    size_t size = strlen(json);
    EXPECT_TRUE(size < sizeof(quoted));
    for (size_t i = 0; i <= size; i++) {
        quoted[i] = (char)(json[i] == '\'' ? '"' : json[i]);
    }
    EXPECT_EQ(WEFT_OK, weft_json_parse(weft_text_of(quoted), 1, &arena, &tree, &msg));
    EXPECT_EQ(WEFT_OK, weft_record_from_json(tree, &arena, &record, &msg));
    enum weft_err err = weft_model_check_record(model_of(record.kind), &record, pointer, &msg);
    weft_arena_destroy(&arena);
    weft_model_text_destroy(&text);
    text = (struct weft_model_text){.text = {.size = 0}};
    return err == WEFT_OK ? NULL : pointer;
}

static void expect_fits(const char *json)
{
    const char *pointer = check(json);
    EXPECT_TEXT("", pointer != NULL ? pointer : "");
}

static void expect_refused(const char *pointer, const char *json)
{
    const char *is = check(json);
    EXPECT_TEXT(pointer, is != NULL ? is : "");
}

TEST(models, every_kind_of_the_vocabulary_but_governance_has_one)
{
    uint32_t count = 0;
    for (int kind = WEFT_THREAD_OTHER + 1; kind < WEFT_THREAD_KINDS; kind++) {
        const struct weft_thread_kind_traits *t =
            weft_thread_kind_traits((enum weft_thread_kind)kind);
        if (t->segment == WEFT_SEGMENT_GOVERNANCE) {
            continue;
        }
        const struct weft_model *m = model_of(weft_text_of(t->name));
        EXPECT_TRUE(weft_text_is(m->kind, t->name));
        EXPECT_EQ(1, m->version); /* PRO-104: what was shipped once compiles for ever. */
        EXPECT_TRUE(m->title.size > 0 && m->description.size > 0);
        EXPECT_TRUE(!m->attributes.is_closed && !m->is_closed_links);
        for (uint32_t i = 0; i < m->link_count; i++) {
            EXPECT_TRUE(weft_thread_rel(m->links[i].rel) != WEFT_REL_OTHER);
        }
        count++;
    }
    EXPECT_EQ(29, count);
    weft_model_text_destroy(&text);
    text = (struct weft_model_text){.text = {.size = 0}};
}

TEST(models, records_of_every_segment_fit)
{
    expect_fits("{'kind':'part_type','asset':'part:box','attrs':{'title':'Box','x':[1,{}]}}");
    expect_fits(
        "{'kind':'part_revision','asset':'part:box/rev/B','attrs':{'status':'released',"
        "'mass':{'value':1.2,'unit':'kg'}},'links':[{'rel':'revision_of','to':'part:box'}]}");
    expect_fits("{'kind':'bom','asset':'part:box/rev/B','links':[{'rel':'bom_line','to':'part:lid',"
                "'attrs':{'quantity':2,'find':'10','designators':['R1','R2']}},{'rel':'alternate',"
                "'to':'part:lid2','attrs':{'find':'10'}}]}");
    expect_fits(
        "{'kind':'change_order','asset':'change:CO-17','attrs':{'status':'released',"
        "'effectivity':[{'serial_from':'7','serial_to':12},{'lot':'lot:1'},{'from':"
        "'2026-01-01T00:00:00Z'},{'now':true}]},'links':[{'rel':'about','to':'part:box'}]}");
    expect_fits("{'kind':'concession','asset':'c:1','links':[{'rel':'covers','to':'serial:1'}]}");
    expect_fits(
        "{'kind':'as_built','asset':'serial:1','attrs':{'length':182},'links':[{'rel':"
        "'consumes','to':'serial:2'},{'rel':'uses_lot','to':'lot:1','attrs':{'quantity':"
        "{'value':2.5},'unit':'kg'}},{'rel':'made_on','to':'m'},{'rel':'anything','to':'x'}]}");
    expect_fits("{'kind':'process_run','asset':'run:1','attrs':{'start':'2026-01-01T00:00:00Z',"
                "'samples':7000000000,'cycle_time':{'value':12,'unit':'s'},'items':{'Srpm':{'type':"
                "'SPINDLE_SPEED','unit':'{rev}/min','count':3,'mean':7.5}}}}");
    expect_fits("{'kind':'inspection','asset':'serial:1','attrs':{'verdict':'FAIL',"
                "'characteristics':{'flat #2':{'value':0.014,'unit':'mm','max':0.01}}}}");
    expect_fits(
        "{'kind':'disposition','asset':'nc:1','attrs':{'decision':'rework','released':true}}");
    expect_fits("{'kind':'maintenance_plan','asset':'m','attrs':{'interval_days':180}}");
    expect_fits("{'kind':'failure','asset':'serial:1','attrs':{'operating_hours':{'value':812,"
                "'unit':'h'},'text':'leaks'},'links':[{'rel':'about','to':'serial:2'}]}");
    expect_fits("{'kind':'reported','asset':'m','attrs':{'temperature':{'value':41.5,'unit':'Cel',"
                "'quality':'good'},'state':'running'}}");
    expect_fits(
        "{'kind':'twin_policy','asset':'m','attrs':{'freshness':{'temperature':60,'*':3600}}}");
}

TEST(models, what_is_wrong_does_not)
{
    expect_refused(
        "/attrs/verdict", "{'kind':'inspection','asset':'a','attrs':{'verdict':'pass'}}");
    expect_refused(
        "/attrs/status", "{'kind':'change_order','asset':'a','attrs':{'status':'relaesed'}}");
    expect_refused("/attrs/effectivity/0/from",
        "{'kind':'change_order','asset':'a','attrs':{'effectivity':[{'from':'2026-01-01'}]}}");
    expect_refused("/links", "{'kind':'part_revision','asset':'a'}");
    expect_refused("/links", "{'kind':'concession','asset':'a'}");
    expect_refused("/attrs/mass/unit",
        "{'kind':'part_revision','asset':'a','attrs':{'mass':{'value':1,'unit':'lbs'}}}");
    expect_refused("/attrs/operating_hours/unit",
        "{'kind':'failure','asset':'a','attrs':{'operating_hours':{'value':1,'unit':'min'}}}");
    expect_refused(
        "/attrs/released", "{'kind':'disposition','asset':'a','attrs':{'released':'yes'}}");
    expect_refused("/links/0/attrs/quantity", "{'kind':'bom','asset':'a','links':[{'rel':'bom_line'"
                                              ",'to':'b','attrs':{'quantity':'2'}}]}");
    expect_refused("/attrs/freshness/x",
        "{'kind':'twin_policy','asset':'a','attrs':{'freshness':{'x':'1 min'}}}");
}

TEST(models, a_file_that_is_none_is_named)
{
    struct weft_model_text none = {.text = {.size = 0}};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_EINVAL, weft_model_file_read("/nonexistent.json", &none, &msg));
    EXPECT_TRUE(strstr(msg.text, "/nonexistent.json") != NULL);
    weft_model_text_destroy(&none);
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/bad.json", test_directory());
    FILE *f = fopen(path, "w");
    EXPECT_TRUE(f != NULL);
    EXPECT_TRUE(fputs("{\n  \"@context\": 7\n}\n", f) >= 0);
    EXPECT_EQ(0, fclose(f));
    none = (struct weft_model_text){.text = {.size = 0}};
    EXPECT_EQ(WEFT_EINVAL, weft_model_file_read(path, &none, &msg));
    EXPECT_TRUE(strstr(msg.text, "bad.json: line 2, column 15 (/@context): must be a string, is a "
                                 "number") != NULL);
    weft_model_text_destroy(&none);
}
