/* node/state/portrait_sheet.h: a portrait as parts of a JSON document.
 *
 * The members are those of node/state/twin/README.md, The document. */
#ifndef WEFT_NODE_STATE_PORTRAIT_SHEET_H
#define WEFT_NODE_STATE_PORTRAIT_SHEET_H

#include "node/state/portrait.h"
#include "node/state/twin/sheet.h"

/* part, revision, lots, built, retired, health. */
void weft_portrait_sheet_head(const struct weft_portrait *portrait, struct weft_sheet *sheet);
/* values, links. */
void weft_portrait_sheet_values(const struct weft_portrait *portrait, struct weft_sheet *sheet);
/* properties. */
void weft_portrait_sheet_properties(const struct weft_portrait *portrait, struct weft_sheet *sheet);
/* configuration. */
void weft_portrait_sheet_configuration(
    const struct weft_portrait *portrait, struct weft_sheet *sheet);
/* issues. */
void weft_portrait_sheet_issues(const struct weft_portrait *portrait, struct weft_sheet *sheet);

/* at, rev. */
void weft_sheet_moment(struct weft_sheet *sheet, const struct weft_moment *moment);
/* One element each. */
void weft_sheet_line(struct weft_sheet *sheet, const struct weft_bom *bom, uint32_t line);
void weft_sheet_component(struct weft_sheet *sheet, const struct weft_component *component);

#endif
