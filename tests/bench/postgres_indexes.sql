-- After the load. Both directions of material are covering, so that a search never leaves its
-- index; the other links are found by their target for stories.
ALTER TABLE asset ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX asset_name ON asset (name) INCLUDE (id);
ALTER TABLE record ADD PRIMARY KEY (id);
CREATE INDEX record_asset ON record (asset, at);
CREATE INDEX link_up ON link (to_asset) INCLUDE (from_asset, record, idx, rel) WHERE is_material;
CREATE INDEX link_down ON link (from_asset) INCLUDE (to_asset, idx) WHERE is_material;
CREATE INDEX link_other ON link (to_asset) INCLUDE (record, idx) WHERE NOT is_material;
CREATE STATISTICS link_columns ON to_asset, from_asset, is_material FROM link;
VACUUM (ANALYZE) asset;
VACUUM (ANALYZE) record;
VACUUM (ANALYZE) link;
