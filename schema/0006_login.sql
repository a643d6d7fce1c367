-- Logins: API tokens, and the failed ones that limit further guesses.

-- +goose Up

-- What lets a program act as a user, within limits. The token itself is kept by
-- whoever made it; it is long and random, so that one round of SHA-256 hides it.
CREATE TABLE toji.token (
    id serial PRIMARY KEY,
    user_id integer NOT NULL REFERENCES users(id),
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    methods text[] NOT NULL,     -- patterns of methods that may be called
    permissions text[] NOT NULL, -- the user's permissions that count; * for all
    read_only boolean NOT NULL,  -- only methods that change nothing
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    revoked_by integer REFERENCES users(id),
    used_at timestamptz          -- within some minutes
);
CREATE UNIQUE INDEX token_name ON toji.token (user_id, name) WHERE revoked_at IS NULL;

-- Recent logins with wrong passwords, counted by a digest of user and address,
-- user, or address: users type their passwords into the wrong field.
CREATE UNLOGGED TABLE toji.login_failure (
    key bytea PRIMARY KEY,
    failures integer NOT NULL,
    since timestamptz NOT NULL
);
CREATE INDEX login_failure_since ON toji.login_failure (since);
