-- Hosts that run Koji's own builder beside Toji's workers.

-- +goose Up

-- Tasks of types that Toji had no workflow for when they were made: they are rows
-- only, and Koji's own builders work on them. A hub that knows the type starts
-- their workflows after all.
CREATE TABLE toji.foreign_task (
    task_id integer PRIMARY KEY REFERENCES task(id) ON DELETE CASCADE
);
INSERT INTO toji.foreign_task SELECT task_id FROM toji.task_wait WHERE code = 'no-handler';

COMMENT ON COLUMN toji.task_attempt.attempt IS
    'from 1; where one of Koji''s own builders opened the task by itself, from -1 downwards';
