-- Hosts whose builder closed its connection, or lost it, and when. It is away for
-- as long as it did not report after that (host.update_time).

-- +goose Up

CREATE TABLE toji.host_away (
    host_id integer PRIMARY KEY REFERENCES host(id) ON DELETE CASCADE,
    since timestamptz NOT NULL
);
