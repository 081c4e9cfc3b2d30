-- The thread in PostgreSQL, as a site that had no Weft would keep it: names once, records with
-- their attributes and links as text, and each link as a row to search by. `idx` is the index
-- under which a record was agreed. `is_material`: the target is inside the record's asset.
CREATE TABLE kind (id smallint PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE rel (id smallint PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE asset (id bigint NOT NULL, name text NOT NULL);
CREATE TABLE record (
    id bigint NOT NULL,
    asset bigint NOT NULL,
    idx bigint NOT NULL,
    at timestamptz NOT NULL,
    kind smallint NOT NULL,
    body json NOT NULL
);
CREATE TABLE link (
    record bigint NOT NULL,
    from_asset bigint NOT NULL,
    to_asset bigint NOT NULL,
    idx bigint NOT NULL,
    rel smallint NOT NULL,
    is_material boolean NOT NULL
);
