/* Texts of models: what is taken, what is refused, where and why. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/test.h"
#include "tests/unit/proto/model/rig.h"

static void expect_refused(const char *text, enum weft_err expected, const char *reason)
{
    enum weft_err err;
    EXPECT_TEXT(reason, rig_refusal(text, &err));
    EXPECT_EQ(expected, err);
}

static const struct weft_model_property *attribute(const struct weft_model *m, const char *name)
{
    const struct weft_model_property *p = weft_model_find(&m->attributes, weft_text_of(name));
    EXPECT_TRUE(p != NULL);
    return p;
}

#define CONTEXT "'@context':['dtmi:dtdl:context;3','dtmi:weft:context;1']"
#define PROPERTY(name, schema) "{'@type':'Property','name':'" name "','schema':" schema "}"

/* --- what is taken --------------------------------------------------------------------------- */

TEST(model_parse, an_interface_becomes_a_kind_with_attributes_and_links)
{
    const struct weft_model *m = rig_model(0,
        "{'@context':['dtmi:dtdl:context;3','dtmi:dtdl:extension:quantitativeTypes;1',"
        "'dtmi:weft:context;1'],'@id':'dtmi:com:example:inspection;3','@type':'Interface',"
        "'weft:kind':'inspection','displayName':'Inspection','description':{'de':'Pr\xc3\xbc"
        "fung','en':'What was measured'},'weft:closed':true,'weft:assetPrefix':['serial:','lot:'],"
        "'comment':'c','contents':["
        "{'@type':['Property','Length'],'name':'flatness','schema':'double','unit':'millimetre',"
        "'weft:required':true,'displayName':'Flatness'},"
        "{'@type':'Property','name':'verdict','writable':true,'schema':{'@type':'Enum',"
        "'valueSchema':'string','enumValues':[{'name':'pass','enumValue':'PASS'},"
        "{'name':'fail','enumValue':'FAIL','@type':'EnumValue'}]}},"
        "{'@type':'Relationship','name':'made_on','target':'dtmi:com:example:machine;1',"
        "'minMultiplicity':0,'maxMultiplicity':1,'weft:required':true,"
        "'weft:targetPrefix':'plant1/','properties':[{'@type':'Property','name':'program',"
        "'schema':'string'}]}]}");
    EXPECT_TRUE(weft_text_is(m->kind, "inspection"));
    EXPECT_TRUE(weft_text_is(m->id, "dtmi:com:example:inspection;3"));
    EXPECT_EQ(3, m->version);
    EXPECT_TRUE(weft_text_is(m->title, "Inspection"));
    EXPECT_TRUE(weft_text_is(m->description, "What was measured"));
    EXPECT_TRUE(m->attributes.is_closed && !m->is_closed_links);
    EXPECT_EQ(2, m->prefix_count);
    EXPECT_TRUE(weft_text_is(m->prefixes[1], "lot:"));
    EXPECT_EQ(2, m->attributes.count);
    const struct weft_model_property *flatness = attribute(m, "flatness");
    EXPECT_EQ(WEFT_MODEL_DOUBLE, flatness->schema->type);
    EXPECT_TRUE(flatness->is_required);
    EXPECT_EQ(1, flatness->unit_count);
    EXPECT_TRUE(weft_text_is(flatness->units[0], "mm"));
    EXPECT_TRUE(weft_text_is(flatness->title, "Flatness"));
    const struct weft_model_property *verdict = attribute(m, "verdict");
    EXPECT_EQ(WEFT_MODEL_ENUM, verdict->schema->type);
    EXPECT_TRUE(verdict->schema->is_text && !verdict->is_required);
    EXPECT_EQ(2, verdict->schema->value_count);
    EXPECT_TRUE(weft_text_is(verdict->schema->values[0], "PASS"));
    EXPECT_EQ(1, m->link_count);
    const struct weft_model_link *link = weft_model_find_link(m, WEFT_TEXT("made_on"));
    EXPECT_TRUE(link != NULL && link->is_required);
    EXPECT_EQ(1, link->count_max);
    EXPECT_TRUE(weft_text_is(link->target, "dtmi:com:example:machine;1"));
    EXPECT_TRUE(weft_text_is(link->prefixes[0], "plant1/"));
    EXPECT_EQ(1, link->properties.count);
    EXPECT_TRUE(weft_model_find_link(m, WEFT_TEXT("made_by")) == NULL);
    EXPECT_TRUE(weft_model_find(&m->attributes, WEFT_TEXT("flat")) == NULL);
    rig_destroy();
}

TEST(model_parse, every_primitive_schema_is_known)
{
    static const char *const names[] = {"boolean", "date", "dateTime", "double", "duration",
        "float", "integer", "long", "string", "time"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char contents[128];
        (void)snprintf(contents, sizeof(contents), PROPERTY("a", "'%s'"), names[i]);
        const struct weft_model *m = rig_box(contents);
        EXPECT_EQ(i, attribute(m, "a")->schema->type);
        EXPECT_TEXT(names[i], weft_model_type_name(attribute(m, "a")->schema->type));
    }
    rig_destroy();
}

TEST(model_parse, schemas_nest_and_may_be_named)
{
    const struct weft_model *m = rig_model(0,
        "{" CONTEXT ",'@id':'dtmi:x:k;1','@type':'Interface','weft:kind':'k','schemas':["
        "{'@id':'dtmi:x:k:points;1','@type':'Array','elementSchema':'dtmi:x:k:point;1'},"
        "{'@id':'dtmi:x:k:point;1','@type':'Object','fields':[{'name':'y','schema':'double'},"
        "{'name':'x','schema':'double','weft:required':true}]}],'contents':["
        "{'@type':'Property','name':'path','schema':'dtmi:x:k:points;1'},"
        "{'@type':'Property','name':'by_tool','schema':{'@type':'Map','mapKey':{'name':'tool',"
        "'schema':'string'},'mapValue':{'name':'points','schema':'dtmi:x:k:points;1'}}}]}");
    const struct weft_model_schema *points = attribute(m, "path")->schema;
    EXPECT_EQ(WEFT_MODEL_ARRAY, points->type);
    EXPECT_EQ(2, points->depth);
    const struct weft_model_object *point = &points->element->schema->object;
    EXPECT_EQ(2, point->count);
    EXPECT_TRUE(weft_text_is(point->properties[0].name, "x"));
    EXPECT_TRUE(point->properties[0].is_required);
    const struct weft_model_schema *map = attribute(m, "by_tool")->schema;
    EXPECT_EQ(WEFT_MODEL_MAP, map->type);
    EXPECT_TRUE(map->element->schema == points);
    EXPECT_EQ(3, map->depth);
    rig_destroy();
}

TEST(model_parse, what_is_extended_is_inherited_once)
{
    const struct weft_model *m = rig_model(0,
        "[{" CONTEXT ",'@id':'dtmi:x:k;1','@type':'Interface','weft:kind':'k','extends':"
        "['dtmi:x:left;1','dtmi:x:right;1'],'contents':[" PROPERTY(
            "own", "'string'") "]},"
                               "{'@context':'dtmi:dtdl:context;3','@id':'dtmi:x:left;1','@type':'"
                               "Interface','extends':"
                               "'dtmi:x:base;1','contents':" PROPERTY("left",
                                   "'string'") "},"
                                               "{'@context':'dtmi:dtdl:context;3','@id':'dtmi:x:"
                                               "right;1','@type':'Interface','extends':"
                                               "['dtmi:x:base;1']},"
                                               "{" CONTEXT ",'@id':'dtmi:x:base;1','@type':'"
                                               "Interface','weft:closed':true,"
                                               "'weft:closedLinks':true,'contents':[" PROPERTY(
                                                   "base", "'string'") ",{'@type':'Relationship','"
                                                                       "name':'about'}]}]");
    EXPECT_EQ(3, m->attributes.count);
    EXPECT_EQ(1, m->link_count);
    EXPECT_TRUE(m->attributes.is_closed && m->is_closed_links);
    rig_destroy();
}

TEST(model_parse, a_component_is_an_object_of_its_interface)
{
    const struct weft_model *m = rig_model(0,
        "[{" CONTEXT ",'@id':'dtmi:x:k;1','@type':'Interface','weft:kind':'k','contents':["
        "{'@type':'Component','name':'spindle','schema':'dtmi:x:motor;1','weft:required':true},"
        "{'@type':'Component','name':'feed','schema':'dtmi:x:motor;1'}]},"
        "{" CONTEXT ",'@id':'dtmi:x:motor;1','@type':'Interface','contents':[" PROPERTY(
            "power", "'double'") "]}]");
    EXPECT_EQ(2, m->attributes.count);
    EXPECT_EQ(WEFT_MODEL_OBJECT, attribute(m, "spindle")->schema->type);
    EXPECT_TRUE(attribute(m, "spindle")->is_required);
    EXPECT_EQ(1, attribute(m, "spindle")->schema->object.count);
    EXPECT_TRUE(attribute(m, "spindle")->schema == attribute(m, "feed")->schema);
    rig_destroy();
}

TEST(model_parse, units_are_those_that_are_declared_or_all_of_the_type)
{
    const struct weft_model *m = rig_box(
        "{'@type':['Property','Length'],'name':'one','schema':'double','unit':'millimetre'},"
        "{'@type':['Length','Property'],'name':'all','schema':'integer'},"
        "{'@type':['Property','Length'],'name':'some','schema':'double','unit':'millimetre',"
        "'weft:units':['[in_i]','mm']},"
        "{'@type':'Property','name':'hardness','schema':'float','weft:units':'[HV]'}");
    EXPECT_EQ(1, attribute(m, "one")->unit_count);
    EXPECT_EQ(11, attribute(m, "all")->unit_count);
    EXPECT_EQ(2, attribute(m, "some")->unit_count);
    EXPECT_TRUE(weft_text_is(attribute(m, "some")->units[0], "mm")); /* The declared one first. */
    EXPECT_TRUE(weft_text_is(attribute(m, "some")->units[1], "[in_i]"));
    EXPECT_TRUE(weft_text_is(attribute(m, "hardness")->units[0], "[HV]"));
    rig_destroy();
}

/* --- what is refused ------------------------------------------------------------------------- */

TEST(model_parse, what_is_not_json_is_refused_with_its_place)
{
    expect_refused("{'a':\n  1,", WEFT_EMALFORMED, "line 2, column 5: the text ends too early");
    expect_refused("[]", WEFT_EINVAL, "(): 0 interfaces, 1 to 256 were expected");
    expect_refused("7", WEFT_EINVAL, "(): must be an object, is a number");
    rig_destroy();
}

TEST(model_parse, contexts_are_known_and_in_order)
{
    expect_refused("{'@id':'dtmi:x;1'}", WEFT_EINVAL,
        "(): \"@context\" is missing: \"dtmi:dtdl:context;3\" comes first in it");
    expect_refused("{'@context':'dtmi:dtdl:context;2'}", WEFT_EINVAL,
        "(/@context): \"dtmi:dtdl:context;3\" comes first in @context, and once");
    expect_refused("{'@context':['dtmi:weft:context;1','dtmi:dtdl:context;3']}", WEFT_EINVAL,
        "(/@context/0): \"dtmi:dtdl:context;3\" comes first in @context, and "
        "once");
    expect_refused("{'@context':['dtmi:dtdl:context;3','dtmi:other:context;1']}", WEFT_EINVAL,
        "(/@context/1): unknown context 'dtmi:other:context;1': known are "
        "dtmi:dtdl:context;3, dtmi:dtdl:extension:quantitativeTypes;1 and dtmi:weft:context;1");
    expect_refused("{'@context':'dtmi:dtdl:context;3','@id':'dtmi:x;1','@type':'Interface',"
                   "'weft:kind':'k'}",
        WEFT_EINVAL,
        "(/weft:kind): 'weft:kind' needs \"dtmi:weft:context;1\" in the "
        "interface's @context");
    expect_refused("{'@context':'dtmi:dtdl:context;3','@id':'dtmi:x;1','@type':'Interface',"
                   "'contents':[{'@type':['Property','Length'],'name':'a','schema':'double'}]}",
        WEFT_EINVAL,
        "(/contents/0/@type/1): the semantic type Length needs "
        "\"dtmi:dtdl:extension:quantitativeTypes;1\" in the interface's @context");
    rig_destroy();
}

TEST(model_parse, an_interface_has_an_identity_a_type_and_a_kind)
{
    expect_refused("{" CONTEXT ",'@type':'Interface'}", WEFT_EINVAL, "(): \"@id\" is missing");
    expect_refused("{" CONTEXT ",'@type':'Interface','@id':'dtmi:x y;1'}", WEFT_EINVAL,
        "(/@id): a segment of the DTMI is not letters, digits and underscores "
        "that start with a letter and do not end with an underscore");
    expect_refused("{" CONTEXT ",'@id':'dtmi:x;1'}", WEFT_EINVAL,
        "(): \"@type\": \"Interface\" was expected here");
    expect_refused("{" CONTEXT ",'@id':'dtmi:x;1','@type':'Interface'}", WEFT_EINVAL,
        "(): no interface says which record kind it is of: \"weft:kind\": "
        "\"inspection\", with \"dtmi:weft:context;1\" in its @context");
    expect_refused("{" CONTEXT ",'@id':'dtmi:x;1','@type':'Interface','weft:kind':'Box'}",
        WEFT_EINVAL,
        "(/weft:kind): a kind is 1 to 63 of a-z 0-9 _ . - and starts with a "
        "letter or digit");
    expect_refused("{" CONTEXT ",'@id':'dtmi:x;1.2','@type':'Interface','weft:kind':'box'}",
        WEFT_EINVAL, "(/@id): the interface of a kind has a version of one part, such as ;1");
    expect_refused("[{" CONTEXT ",'@id':'dtmi:x;1','@type':'Interface','weft:kind':'a'},\n"
                   "{" CONTEXT ",'@id':'dtmi:y;1','@type':'Interface','weft:kind':'b'}]",
        WEFT_EINVAL,
        "(/1/weft:kind): a second kind: a model is of one, give each a text of "
        "its own");
    expect_refused("[{" CONTEXT ",'@id':'dtmi:x;1','@type':'Interface','weft:kind':'a'},\n"
                   "{" CONTEXT ",'@id':'dtmi:x;1','@type':'Interface'}]",
        WEFT_EINVAL, "(/1/@id): duplicate @id: also at line 1");
    rig_destroy();
}

TEST(model_parse, cycles_are_refused)
{
    expect_refused("[{" CONTEXT ",'@id':'dtmi:a;1','@type':'Interface','extends':'dtmi:b;1'},\n"
                   "{" CONTEXT ",'@id':'dtmi:b;1','@type':'Interface','extends':'dtmi:a;1'}]",
        WEFT_EINVAL,
        "(/1/extends): the interfaces extend each other in a cycle: take this "
        "one away");
    expect_refused("{" CONTEXT ",'@id':'dtmi:a;1','@type':'Interface','extends':'dtmi:a;1'}",
        WEFT_EINVAL,
        "(/extends): the interfaces extend each other in a cycle: take this "
        "one away");
    expect_refused("[{" CONTEXT ",'@id':'dtmi:a;1','@type':'Interface','weft:kind':'k','contents':"
                   "[{'@type':'Component','name':'b','schema':'dtmi:b;1'}]},\n"
                   "{" CONTEXT ",'@id':'dtmi:b;1','@type':'Interface','contents':"
                   "[{'@type':'Component','name':'a','schema':'dtmi:a;1'}]}]",
        WEFT_EINVAL,
        "(/0/contents/0/schema): the components form a cycle: a value would "
        "have no end; take this one away");
    /* Through what it inherits. */
    expect_refused("[{" CONTEXT ",'@id':'dtmi:a;1','@type':'Interface','weft:kind':'k','contents':"
                   "[{'@type':'Component','name':'b','schema':'dtmi:b;1'}]},\n"
                   "{" CONTEXT ",'@id':'dtmi:b;1','@type':'Interface','extends':'dtmi:a;1'}]",
        WEFT_EINVAL,
        "(/0/contents/0/schema): the components form a cycle: a value would "
        "have no end; take this one away");
    expect_refused("{" CONTEXT ",'@id':'dtmi:a;1','@type':'Interface','schemas':["
                   "{'@id':'dtmi:s;1','@type':'Array','elementSchema':'dtmi:t;1'},\n"
                   "{'@id':'dtmi:t;1','@type':'Array','elementSchema':'dtmi:s;1'}]}",
        WEFT_EINVAL,
        "(/schemas/1/elementSchema): the schemas form a cycle: a value would "
        "have no end; take this reference away");
    rig_destroy();
}

TEST(model_parse, what_is_named_is_in_the_text)
{
    expect_refused("{" CONTEXT ",'@id':'dtmi:a;1','@type':'Interface','extends':'dtmi:b;1'}",
        WEFT_EINVAL,
        "(/extends): there is no interface 'dtmi:b;1' in this text: a model is "
        "whole in itself, put it there");
    EXPECT_TEXT("(/contents/0/schema): unknown schema 'dtmi:b;1': a primitive "
                "one, or the @id of one in this interface's \"schemas\"",
        rig_box_refusal(PROPERTY("a", "'dtmi:b;1'")));
    EXPECT_TEXT("(/contents/0/schema): there is no interface 'dtmi:b;1' in this "
                "text: a model is whole in itself, put it there",
        rig_box_refusal("{'@type':'Component','name':'a','schema':'dtmi:b;1'}"));
    rig_destroy();
}

TEST(model_parse, types_outside_the_subset_are_named)
{
    EXPECT_TEXT("(/contents/0): Telemetry and Command are not in the subset: a "
                "record states a value once, which is a Property",
        rig_box_refusal("{'@type':'Telemetry','name':'a','schema':'double'}"));
    EXPECT_TEXT("(/contents/0): \"@type\": \"Property\", \"Relationship\" or "
                "\"Component\" was expected here",
        rig_box_refusal("{'@type':'Sensor','name':'a'}"));
    EXPECT_TEXT("(/contents/0/@type/1): unknown type 'Historized' beside "
                "Property",
        rig_box_refusal("{'@type':['Property','Historized'],'name':'a','schema':'double'}"));
    EXPECT_TEXT("(/contents/0/schema): geospatial schemas are not in the "
                "subset: use an Object of doubles",
        rig_box_refusal(PROPERTY("a", "'point'")));
    EXPECT_TEXT("(/contents/0/schema): \"@type\": \"Enum\", \"Object\", "
                "\"Map\" or \"Array\" was expected here",
        rig_box_refusal(PROPERTY("a", "{'@type':'Set'}")));
    EXPECT_TEXT("(/contents/0/colour): unknown member 'colour'",
        rig_box_refusal("{'@type':'Property','name':'a','schema':'double','colour':'red'}"));
    EXPECT_TEXT("(/contents/0/weft:kind): 'weft:kind' does not belong here",
        rig_box_refusal("{'@type':'Property','name':'a','schema':'double',   'weft:kind':'a'}"));
    rig_destroy();
}

TEST(model_parse, units_do_not_conflict)
{
#define QUANTITY(type, rest) "{'@type':" type ",'name':'a','schema':'double'," rest "}"
    EXPECT_TEXT("(/contents/0/unit): conflicting units: kilogram is a MassUnit, "
                "the semantic type takes a LengthUnit",
        rig_box_refusal(QUANTITY("['Property','Length']", "'unit':'kilogram'")));
    EXPECT_TEXT("(/contents/0/@type/2): conflicting: a second semantic type, "
                "Mass: keep one",
        rig_box_refusal(QUANTITY("['Property','Length','Mass']", "'unit':'kilogram'")));
    EXPECT_TEXT("(/contents/0/unit): unknown unit 'mm': DTDL spells them out "
                "(millimetre); UCUM codes stand in \"weft:units\"",
        rig_box_refusal(QUANTITY("['Property','Length']", "'unit':'mm'")));
    EXPECT_TEXT("(/contents/0/unit): a unit needs a semantic type beside the "
                "class, such as [\"Property\", \"Length\"]",
        rig_box_refusal(QUANTITY("'Property'", "'unit':'millimetre'")));
    EXPECT_TEXT("(/contents/0/unit): slug has no UCUM code: leave it out and "
                "give one in \"weft:units\"",
        rig_box_refusal(QUANTITY("['Property','Mass']", "'unit':'slug'")));
    EXPECT_TEXT("(/contents/0/weft:units): conflicting units: \"unit\" is mm, "
                "which is not in this list",
        rig_box_refusal(
            QUANTITY("['Property','Length']", "'unit':'millimetre','weft:units':['cm']")));
    EXPECT_TEXT("(/contents/0/weft:units): conflicting units: kg is a "
                "MassUnit, the semantic type takes a LengthUnit",
        rig_box_refusal(QUANTITY("['Property','Length']", "'weft:units':['mm','kg']")));
    EXPECT_TEXT("(/contents/0/weft:units/1): there twice",
        rig_box_refusal(QUANTITY("['Property','Length']", "'weft:units':['mm','mm']")));
    EXPECT_TEXT("(/contents/0/weft:units/0): not a UCUM code: 1 to 32 "
                "characters of ASCII without spaces",
        rig_box_refusal(QUANTITY("['Property','Length']", "'weft:units':['a b']")));
    EXPECT_TEXT("(/contents/0): no unit of ReactivePowerUnit has a UCUM code: "
                "give one in \"weft:units\"",
        rig_box_refusal(QUANTITY("['Property','ReactivePower']", "'comment':''")));
    EXPECT_TEXT("(/contents/0): a quantity needs a schema of double, float, "
                "integer or long, not string",
        rig_box_refusal("{'@type':['Property','Length'],'name':'a','schema':'string'}"));
    rig_destroy();
}

TEST(model_parse, names_are_there_once)
{
    EXPECT_TEXT("(/contents/1): duplicate name 'a': also at line 1",
        rig_box_refusal(PROPERTY("a", "'string'") "," PROPERTY("a", "'double'")));
    EXPECT_TEXT("(/contents/1): duplicate name 'a': also at line 1",
        rig_box_refusal(PROPERTY("a", "'string'") ",{'@type':'Relationship','name':'a'}"));
    /* One that is inherited. */
    expect_refused("[{" CONTEXT ",'@id':'dtmi:x:k;1','@type':'Interface','weft:kind':'k','extends':"
                   "'dtmi:x:b;1','contents':[" PROPERTY("a",
                       "'string'") "]},\n"
                                   "{" CONTEXT
                                   ",'@id':'dtmi:x:b;1','@type':'Interface','contents':[" PROPERTY(
                                       "a", "'string'") "]}]",
        WEFT_EINVAL, "(/0/contents/0): duplicate name 'a': also at line 2");
    EXPECT_TEXT("(/contents/0/schema/fields/1): duplicate name 'x': also at line "
                "1",
        rig_box_refusal("{'@type':'Property','name':'a','schema':{'@type':'Object','fields':["
                        "{'name':'x','schema':'time'},{'name':'x','schema':'date'}]}}") +
            0);
    EXPECT_TEXT("(/contents/0/name): 'a b' is not a name: letters, digits and "
                "underscores, a letter first, no underscore last, at most 255",
        rig_box_refusal(PROPERTY("a b", "'string'")) + 0);
    EXPECT_TEXT("(/contents/0/name): the name of a Relationship is a rel: 1 to "
                "63 of a-z 0-9 _",
        rig_box_refusal("{'@type':'Relationship','name':'madeOn'}"));
    rig_destroy();
}

TEST(model_parse, enumerations_have_values_of_one_type)
{
#define ENUM(schema, values)                                                                       \
    PROPERTY("a", "{'@type':'Enum','valueSchema':" schema ",'enumValues':[" values "]}")
    EXPECT_TEXT("", rig_box_refusal(ENUM("'integer'", "{'name':'a','enumValue':-1}")));
    EXPECT_TEXT("(/contents/0/schema/enumValues/0/enumValue): must be a string, "
                "is a number",
        rig_box_refusal(ENUM("'string'", "{'name':'a','enumValue':                  1}")));
    EXPECT_TEXT("(/contents/0/schema/enumValues/0/enumValue): a whole number of "
                "4 bytes was expected (valueSchema)",
        rig_box_refusal(ENUM("'integer'", "{'name':'a','enumValue':1.5}")));
    EXPECT_TEXT("(/contents/0/schema/enumValues): duplicate enumValue 'A'",
        rig_box_refusal(
            ENUM("'string'", "{'name':'a','enumValue':'A'},{'name':'b','enumValue':'A'}")));
    EXPECT_TEXT("(/contents/0/schema/enumValues): duplicate name 'a'",
        rig_box_refusal(
            ENUM("'string'", "{'name':'a','enumValue':'A'},{'name':'a','enumValue':'B'}")));
    EXPECT_TEXT("(/contents/0/schema/enumValues): an Enum has 1 to 65535 values",
        rig_box_refusal(ENUM("'string'", "")));
    EXPECT_TEXT("(/contents/0/schema/valueSchema): \"string\" or \"integer\" "
                "was expected",
        rig_box_refusal(ENUM("'double'", "{'name':'a','enumValue':1}")));
    rig_destroy();
}

TEST(model_parse, a_minimum_of_links_is_said_with_required)
{
#define LINK(rest) "{'@type':'Relationship','name':'about'," rest "}"
    EXPECT_TEXT("(/contents/0/minMultiplicity): must be 0 (DTDL v3): say "
                "\"weft:required\": true for at least one",
        rig_box_refusal(LINK("'minMultiplicity':1")));
    EXPECT_TEXT("(/contents/0/maxMultiplicity): must be a whole number from 1 "
                "on",
        rig_box_refusal(LINK("'maxMultiplicity':0")));
    EXPECT_TEXT("(/contents/0/maxMultiplicity): must be a whole number from 1 "
                "on",
        rig_box_refusal(LINK("'maxMultiplicity':1.5")));
    EXPECT_TEXT("(/contents/0/target): not a DTMI: dtmi:SEGMENT:...;VERSION was "
                "expected",
        rig_box_refusal(LINK("'target':'box'")));
    EXPECT_TEXT("(/contents/0/weft:targetPrefix): not the beginning of an "
                "asset's id",
        rig_box_refusal(LINK("'weft:targetPrefix':''")));
    rig_destroy();
}

TEST(model_parse, a_component_has_neither_links_nor_components)
{
#define HOLDER                                                                                     \
    "[{" CONTEXT ",'@id':'dtmi:a;1','@type':'Interface','weft:kind':'k','contents':"               \
    "[{'@type':'Component','name':'b','schema':'dtmi:b;1'}]},\n"                                   \
    "{" CONTEXT ",'@id':'dtmi:b;1','@type':'Interface','contents':"
    expect_refused(HOLDER "{'@type':'Relationship','name':'about'}}]", WEFT_EINVAL,
        "(/0/contents/0/schema): the interface of a Component has no "
        "Relationship (line 2): links and components are those of the record");
    expect_refused(HOLDER "{'@type':'Component','name':'c','schema':'dtmi:c;1'}},{" CONTEXT
                          ",'@id':'dtmi:c;1','@type':'Interface'}]",
        WEFT_EINVAL,
        "(/0/contents/0/schema): the interface of a Component has no "
        "Component (DTDL v3) (line 2): links and components are those of the record");
    rig_destroy();
}

/* --- limits ---------------------------------------------------------------------------------- */

/* `count` of them, the number in place of %d. */
static char *repeat(const char *before, const char *format, int count, const char *after)
{
    char *text = malloc(256 * 1024);
    EXPECT_TRUE(text != NULL);
    size_t used = (size_t)snprintf(text, 1024, "%s", before);
    for (int i = 0; i < count; i++) {
        if (i > 0) {
            text[used++] = ',';
        }
        const char *number = strchr(format, '#');
        used += (size_t)snprintf(
            text + used, 512, "%.*s%d%s", (int)(number - format), format, i, number + 1);
    }
    (void)snprintf(text + used, 256, "%s", after);
    return text;
}

TEST(model_parse, limits_hold_on_both_sides)
{
    char *text = repeat("", "{'@type':'Property','name':'p#','schema':'date'}", 1024, "");
    EXPECT_EQ(1024, rig_box(text)->attributes.count);
    free(text);
    text = repeat("", "{'@type':'Property','name':'p#','schema':'date'}", 1025, "");
    EXPECT_TRUE(strstr(rig_box_refusal(text), "at most 1024") != NULL);
    free(text);
    text = repeat("", "{'@type':'Relationship','name':'p#'}", 256, "");
    EXPECT_EQ(256, rig_box(text)->link_count);
    free(text);
    text = repeat("", "{'@type':'Relationship','name':'p#'}", 257, "");
    EXPECT_TRUE(strstr(rig_box_refusal(text), "257 relationships, at most 256") != NULL);
    free(text);
    EXPECT_TEXT("", rig_box_refusal(PROPERTY("a",
                        "{'@type':'Array','elementSchema':{'@type':"
                        "'Array','elementSchema':{'@type':'Array','elementSchema':{'@type':'Array',"
                        "'elementSchema':{'@type':'Array','elementSchema':'time'}}}}}")));
    EXPECT_TRUE(
        strstr(
            rig_box_refusal(PROPERTY("a",
                "{'@type':'Array','elementSchema':{'@type':"
                "'Array','elementSchema':{'@type':'Array','elementSchema':{'@type':'Array',"
                "'elementSchema':{'@type':'Array','elementSchema':{'@type':'Array','elementSchema':"
                "'time'}}}}}}")),
            "complex schemas nested deeper than 5") != NULL);
    rig_destroy();
}

TEST(model_parse, ancestors_reach_ten_levels_up)
{
    for (int levels = 10; levels <= 11; levels++) {
        char text[4096] = "[";
        for (int i = 0; i <= levels; i++) {
            size_t used = strlen(text);
            (void)snprintf(text + used, sizeof(text) - used,
                "{" CONTEXT ",'@id':'dtmi:x%d;1','@type':'Interface'%s", i,
                i == 0 ? ",'weft:kind':'k'" : "");
            used = strlen(text);
            if (i < levels) {
                (void)snprintf(
                    text + used, sizeof(text) - used, ",'extends':'dtmi:x%d;1'},", i + 1);
            } else {
                (void)snprintf(text + used, sizeof(text) - used, "}]");
            }
        }
        enum weft_err err;
        const char *refusal = rig_refusal(text, &err);
        EXPECT_EQ(levels == 10 ? WEFT_OK : WEFT_ETOOBIG, err);
        EXPECT_TRUE(levels == 10 || strstr(refusal, "more than 10 levels") != NULL);
    }
    rig_destroy();
}

TEST(model_parse, a_text_is_at_most_64_kib_and_its_labels_are_short)
{
    enum weft_err err;
    char *text = malloc(WEFT_MODEL_SIZE_MAX + 2);
    EXPECT_TRUE(text != NULL);
    memset(text, ' ', WEFT_MODEL_SIZE_MAX + 1);
    text[WEFT_MODEL_SIZE_MAX + 1] = '\0';
    EXPECT_TEXT("the text is 65537 bytes, at most 65536", rig_refusal(text, &err));
    EXPECT_EQ(WEFT_ETOOBIG, err);
    text[WEFT_MODEL_SIZE_MAX] = '\0';
    EXPECT_TRUE(strstr(rig_refusal(text, &err), "ends too early") != NULL);
    free(text);
    char title[512] = "{'@type':'Property','name':'a','schema':'date','displayName':'";
    size_t used = strlen(title);
    for (int i = 0; i < 64; i++) {
        title[used++] = '\xc3'; /* Characters count, not bytes. */
        title[used++] = '\xa4';
    }
    memcpy(title + used, "'}", 3);
    EXPECT_TEXT("", rig_box_refusal(title));
    memcpy(title + used, "x'}", 4);
    EXPECT_TRUE(strstr(rig_box_refusal(title), "65 characters, at most 64") != NULL);
    rig_destroy();
}

/* Neither a truncated nor a damaged text is taken for something it is not, or read past its end:
 * the sanitizers' build is the judge. */
TEST(model_parse, damaged_texts_are_refused_or_taken_but_never_trusted)
{
    const char *contents =
        "{'@type':['Property','Length'],'name':'a','schema':'double','unit':'millimetre'},"
        "{'@type':'Property','name':'b','schema':{'@type':'Object','fields':[{'name':'x',"
        "'schema':{'@type':'Enum','valueSchema':'string','enumValues':[{'name':'a',"
        "'enumValue':'A'}]}}]}},{'@type':'Relationship','name':'about','maxMultiplicity':2}";
    char text[2048];
    uint32_t taken = 0, refused = 0;
    int size = snprintf(text, sizeof(text), RIG_BOX, contents);
    for (int round = 0; round < 3000; round++) {
        char damaged[2048];
        enum weft_err err;
        memcpy(damaged, text, (size_t)size + 1);
        if (round % 3 == 0) {
            damaged[test_random((uint64_t)size)] = '\0';
        } else {
            char with = (char)(round % 3 == 1 ? damaged[test_random((uint64_t)size)] : ' ');
            damaged[test_random((uint64_t)size)] = with;
        }
        (void)rig_refusal(damaged, &err);
        taken += err == WEFT_OK;
        refused += err != WEFT_OK;
    }
    EXPECT_TRUE(taken > 20 && refused > 1000);
    rig_destroy();
}
