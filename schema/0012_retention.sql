-- Clean-up and retention: what runs did, and what of them is left to do.

-- +goose Up

-- A run does its steps one after the other, in small batches. How far it is
-- changes in the same transaction as what a batch does.
CREATE TABLE toji.retention_run (
    id serial PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('sweep', 'gc')),
    dry_run boolean NOT NULL,
    steps text[] NOT NULL,           -- that are left, the first one under way
    position text NOT NULL DEFAULT '', -- how far that one is
    workflow text UNIQUE,            -- the execution that began a run of the schedule; NULL for those that were asked for
    requested_by integer REFERENCES users(id),
    requested timestamptz NOT NULL DEFAULT now(),
    ended timestamptz,
    failures text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX retention_run_kind ON toji.retention_run (kind, id);

-- What a run did, or would do, and why.
CREATE TABLE toji.retention_item (
    id bigserial PRIMARY KEY,
    run_id integer NOT NULL REFERENCES toji.retention_run(id) ON DELETE CASCADE,
    step text NOT NULL,
    action text NOT NULL,  -- remove, trash, untag, delete, salvage, mail; keep; failed
    subject text NOT NULL, -- a build, a directory, a kind of rows
    reason text NOT NULL,
    rows bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    build_id integer REFERENCES build(id),
    owner_id integer REFERENCES users(id), -- of the build, who is told by mail
    UNIQUE (run_id, step, action, subject)
);

-- Directories, and symbolic links, that are to be removed: noted in the
-- transaction that decides it, removed after its commit, and then forgotten.
CREATE TABLE toji.removal (
    id bigserial PRIMARY KEY,
    place text NOT NULL, -- below the top directory
    rel text NOT NULL,   -- below that
    build_id integer REFERENCES build(id) ON DELETE CASCADE, -- whose files they are
    run_id integer REFERENCES toji.retention_run(id) ON DELETE SET NULL,
    since timestamptz NOT NULL DEFAULT now(),
    UNIQUE (place, rel)
);

-- What was built in a buildroot: whether one, or a build that was in it, is still
-- referred to.
CREATE INDEX toji_rpminfo_buildroot ON rpminfo (buildroot_id);

CREATE TRIGGER toji_retention AFTER INSERT ON toji.retention_run
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_retention');
