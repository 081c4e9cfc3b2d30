/* Two versions of a model: what is compatible, what breaks, and why. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/test.h"
#include "tests/unit/proto/model/rig.h"

static struct weft_arena arena = {.size_max = 1 << 20};

/* All changes as lines, "! " before a breaking one. */
static const char *compare(const char *old_text, const char *new_text)
{
    static char lines[8192];
    struct weft_model_changes changes;
    size_t used = 0;
    const struct weft_model *old = rig_model(0, old_text), *new = rig_model(1, new_text);
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, weft_model_compare(old, new, &arena, &changes));
    EXPECT_EQ(changes.found, changes.count);
    lines[0] = '\0';
    uint32_t breaking = 0;
    for (uint32_t i = 0; i < changes.count; i++) {
        const struct weft_model_change *c = &changes.changes[i];
        breaking += c->is_breaking;
        used += (size_t)snprintf(lines + used, sizeof(lines) - used, "%s%.*s: %.*s\n",
            c->is_breaking ? "! " : "", (int)c->where.size, c->where.data, (int)c->what.size,
            c->what.data);
    }
    EXPECT_EQ(changes.breaking, breaking);
    weft_arena_destroy(&arena);
    return lines;
}

/* Contents of two boxes. */
static const char *compare_boxes(const char *old, const char *new)
{
    static char texts[2][8192];
    (void)snprintf(texts[0], sizeof(texts[0]), RIG_BOX, old);
    (void)snprintf(texts[1], sizeof(texts[1]), RIG_BOX, new);
    return compare(texts[0], texts[1]);
}

#define PROPERTY(name, schema) "{'@type':'Property','name':'" name "','schema':" schema "}"
#define REQUIRED(name, schema)                                                                     \
    "{'@type':'Property','name':'" name "','schema':" schema ",'weft:required':true}"
#define LENGTH(units)                                                                              \
    "{'@type':['Property','Length'],'name':'a','schema':'double','weft:units':[" units "]}"
#define ENUM(values)                                                                               \
    PROPERTY("a", "{'@type':'Enum','valueSchema':'string','enumValues':[" values "]}")
#define VALUE(name) "{'name':'" name "','enumValue':'" name "'}"
#define LINK(rest) "{'@type':'Relationship','name':'about'" rest "}"

TEST(model_compare, the_same_is_no_change)
{
    const char *all = REQUIRED("b", "'string'") "," LENGTH("'mm','cm'") "," LINK(
        ",'maxMultiplicity':2,'weft:targetPrefix':'a','properties':[" PROPERTY("n", "'date'") "]");
    EXPECT_TEXT("", compare_boxes(all, all));
    rig_destroy();
}

TEST(model_compare, an_attribute_that_comes_is_compatible_unless_it_is_required)
{
    EXPECT_TEXT("/attrs/b: new\n", compare_boxes(PROPERTY("a", "'date'"),
                                       PROPERTY("a", "'date'") "," PROPERTY("b", "'date'")));
    EXPECT_TEXT("! /attrs/b: new, and required\n",
        compare_boxes(
            PROPERTY("a", "'date'"), PROPERTY("a", "'date'") "," REQUIRED("b", "'date'")));
    EXPECT_TEXT(
        "! /attrs/b: removed\n", compare_boxes(PROPERTY("a", "'date'") "," PROPERTY("b", "'date'"),
                                     PROPERTY("a", "'date'")));
    EXPECT_TEXT("! /attrs/a: required now\n",
        compare_boxes(PROPERTY("a", "'date'"), REQUIRED("a", "'date'")));
    EXPECT_TEXT("/attrs/a: no longer required\n",
        compare_boxes(REQUIRED("a", "'date'"), PROPERTY("a", "'date'")));
    rig_destroy();
}

TEST(model_compare, a_type_may_widen)
{
    EXPECT_TEXT("! /attrs/a: type string before, double now\n",
        compare_boxes(PROPERTY("a", "'string'"), PROPERTY("a", "'double'")));
    EXPECT_TEXT("/attrs/a: type integer before, long now\n",
        compare_boxes(PROPERTY("a", "'integer'"), PROPERTY("a", "'long'")));
    EXPECT_TEXT("/attrs/a: type long before, double now\n",
        compare_boxes(PROPERTY("a", "'long'"), PROPERTY("a", "'double'")));
    EXPECT_TEXT("! /attrs/a: type double before, float now\n",
        compare_boxes(PROPERTY("a", "'double'"), PROPERTY("a", "'float'")));
    EXPECT_TEXT("! /attrs/a: type long before, integer now\n",
        compare_boxes(PROPERTY("a", "'long'"), PROPERTY("a", "'integer'")));
    EXPECT_TEXT("/attrs/a: type Enum before, string now\n",
        compare_boxes(ENUM(VALUE("A")), PROPERTY("a", "'string'")));
    EXPECT_TEXT("! /attrs/a: type string before, Enum now\n",
        compare_boxes(PROPERTY("a", "'string'"), ENUM(VALUE("A"))));
    rig_destroy();
}

TEST(model_compare, an_enumeration_may_grow_and_not_shrink)
{
    EXPECT_TEXT("/attrs/a: value added: B\n",
        compare_boxes(ENUM(VALUE("A")), ENUM(VALUE("B") "," VALUE("A"))));
    EXPECT_TEXT("! /attrs/a: value removed: A\n/attrs/a: value added: C\n",
        compare_boxes(ENUM(VALUE("B") "," VALUE("A")), ENUM(VALUE("C") "," VALUE("B"))));
    EXPECT_TEXT("! /attrs/a: type Enum before, Enum now\n",
        compare_boxes(ENUM(VALUE("A")),
            PROPERTY("a", "{'@type':'Enum','valueSchema':'integer','enumValues':[{'name':'a',"
                          "'enumValue':1}]}")));
    rig_destroy();
}

TEST(model_compare, a_unit_may_come_and_not_go)
{
    EXPECT_TEXT("/attrs/a/unit: unit in addition: cm\n",
        compare_boxes(LENGTH("'mm'"), LENGTH("'mm','cm'")));
    EXPECT_TEXT(
        "! /attrs/a/unit: unit no longer allowed: mm\n/attrs/a/unit: unit in addition: cm\n",
        compare_boxes(LENGTH("'mm'"), LENGTH("'cm'")));
    EXPECT_TEXT("! /attrs/a/unit: a unit is required now\n",
        compare_boxes(PROPERTY("a", "'double'"), LENGTH("'mm'")));
    EXPECT_TEXT("! /attrs/a/unit: no unit any more\n",
        compare_boxes(LENGTH("'mm'"), PROPERTY("a", "'double'")));
    rig_destroy();
}

TEST(model_compare, what_is_nested_is_compared_where_it_stands)
{
#define FIELDS(fields) "{'@type':'Object','fields':[" fields "]}"
    EXPECT_TEXT("! /attrs/a/*/x: type date before, time now\n/attrs/a/*/y: new\n",
        compare_boxes(PROPERTY("a", "{'@type':'Array','elementSchema':" FIELDS(
                                        "{'name':'x','schema':'date'}") "}"),
            PROPERTY("a", "{'@type':'Array','elementSchema':" FIELDS(
                              "{'name':'y','schema':'date'},{'name':'x','schema':'time'}") "}")));
    EXPECT_TEXT(
        "! /attrs/a: closed now\n", compare_boxes(PROPERTY("a", "{'@type':'Object'}"),
                                        PROPERTY("a", "{'@type':'Object','weft:closed':true}")));
    rig_destroy();
}

TEST(model_compare, links_may_loosen_and_not_tighten)
{
    EXPECT_TEXT("/links/about: new\n", compare_boxes("", LINK("")));
    EXPECT_TEXT(
        "! /links/about: new, and required\n", compare_boxes("", LINK(",'weft:required':true")));
    EXPECT_TEXT("! /links/about: removed\n", compare_boxes(LINK(""), ""));
    EXPECT_TEXT("! /links/about: at least one is required now\n",
        compare_boxes(LINK(""), LINK(",'weft:required':true")));
    EXPECT_TEXT("! /links/about: any number before, at most 2 now\n",
        compare_boxes(LINK(""), LINK(",'maxMultiplicity':2")));
    EXPECT_TEXT("! /links/about: at most 2 before, at most 1 now\n",
        compare_boxes(LINK(",'maxMultiplicity':2"), LINK(",'maxMultiplicity':1")));
    EXPECT_TEXT("/links/about: at most 1 before, any number now\n",
        compare_boxes(LINK(",'maxMultiplicity':1"), LINK("")));
    EXPECT_TEXT("! /links/about: any target's prefix before, listed ones now\n",
        compare_boxes(LINK(""), LINK(",'weft:targetPrefix':'lot:'")));
    EXPECT_TEXT("/links/about: any target's prefix now, listed ones before\n",
        compare_boxes(LINK(",'weft:targetPrefix':'lot:'"), LINK("")));
    EXPECT_TEXT("! /links/about: target is dtmi:b;1 now\n",
        compare_boxes(LINK(""), LINK(",'target':'dtmi:b;1'")));
    EXPECT_TEXT("! /links/about/n: removed\n",
        compare_boxes(LINK(",'properties':[" PROPERTY("n", "'date'") "]"), LINK("")));
    rig_destroy();
}

#define WHOLE(id, rest)                                                                            \
    "{'@context':['dtmi:dtdl:context;3','dtmi:weft:context;1'],'@id':'" id                         \
    "','@type':'Interface','weft:kind':'box'" rest "}"

TEST(model_compare, the_whole_may_open_and_not_close)
{
    EXPECT_TEXT("! /attrs: closed now\n! /links: closed now\n",
        compare(WHOLE("dtmi:a;1", ""),
            WHOLE("dtmi:a;2", ",'weft:closed':true,'weft:closedLinks':true")));
    EXPECT_TEXT("/attrs: no longer closed\n",
        compare(WHOLE("dtmi:a;1", ",'weft:closed':true"), WHOLE("dtmi:a;2", "")));
    EXPECT_TEXT("! : another model: it was dtmi:a before\n",
        compare(WHOLE("dtmi:a;1", ""), WHOLE("dtmi:b;2", "")));
    EXPECT_TEXT("! /asset: prefix no longer allowed: a:\n/asset: prefix in addition: b:\n",
        compare(WHOLE("dtmi:a;1", ",'weft:assetPrefix':'a:'"),
            WHOLE("dtmi:a;2", ",'weft:assetPrefix':'b:'")));
    rig_destroy();
}

TEST(model_compare, many_changes_are_counted_and_some_are_kept)
{
    char *contents = malloc(64 * 1024), *text = malloc(70 * 1024);
    EXPECT_TRUE(contents != NULL && text != NULL);
    size_t used = 0;
    for (int i = 0; i < 300; i++) {
        used += (size_t)snprintf(
            contents + used, 128, "%s" PROPERTY("p%d", "'date'"), i > 0 ? "," : "", i);
    }
    (void)snprintf(text, 70 * 1024, RIG_BOX, contents);
    const struct weft_model *old = rig_model(0, text), *new = rig_box("");
    (void)old;
    old = rig_model(1, text);
    struct weft_model_changes changes;
    EXPECT_EQ(WEFT_OK, weft_model_compare(old, new, &arena, &changes));
    EXPECT_EQ(300, changes.found);
    EXPECT_EQ(300, changes.breaking);
    EXPECT_EQ(WEFT_MODEL_CHANGES_MAX, changes.count);
    struct weft_arena small = {.size_max = 64};
    EXPECT_EQ(WEFT_ENOMEM, weft_model_compare(old, new, &small, &changes));
    weft_arena_destroy(&small);
    weft_arena_destroy(&arena);
    free(contents);
    free(text);
    rig_destroy();
}
