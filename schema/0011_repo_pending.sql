-- What a repository cannot hold although it is older: events whose transactions
-- were still open when it was begun. Their numbers are smaller than its own, so
-- nothing else tells that what they change is missing in it. Numbers of events
-- that never came are among them.

-- +goose Up

CREATE TABLE toji.repo_pending (
    repo_id integer PRIMARY KEY REFERENCES repo(id) ON DELETE CASCADE,
    events integer[] NOT NULL
);
