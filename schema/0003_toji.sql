-- Toji's own tables, in a schema of their own, and the triggers that wake the
-- scheduler, the relay and the repository watcher. Koji's tables get triggers,
-- nothing else.

-- +goose Up

-- The name is taken already where the version table was made first.
CREATE SCHEMA IF NOT EXISTS toji;

-- What was decided, in the same transaction as the change of the task, and is
-- yet to be told to Temporal. Rows are deleted when they are delivered.
CREATE TABLE toji.outbox (
    id bigserial PRIMARY KEY,
    task_id integer,
    kind text NOT NULL CHECK (kind IN ('start', 'signal', 'cancel', 'message')),
    name text, -- of the signal
    payload jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    not_before timestamptz -- set after a failed attempt
);
CREATE INDEX outbox_task ON toji.outbox (task_id);

-- Why a free task still waits. Rewritten by the scheduler; since stays while the
-- code does.
CREATE TABLE toji.task_wait (
    task_id integer PRIMARY KEY REFERENCES task(id) ON DELETE CASCADE,
    reason text NOT NULL, -- a sentence for people
    code text NOT NULL,   -- the same for programs
    since timestamptz NOT NULL DEFAULT now(),
    updated timestamptz NOT NULL DEFAULT now()
);

-- How attempts at a task went wrong. A package's failure is final; trouble of
-- the infrastructure is tried again, so that a task may have several.
CREATE TABLE toji.task_failure (
    id bigserial PRIMARY KEY,
    task_id integer NOT NULL REFERENCES task(id) ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    class text NOT NULL CHECK (class IN ('package', 'infrastructure', 'policy', 'canceled')),
    host_id integer REFERENCES host(id) ON DELETE SET NULL,
    message text NOT NULL
);
CREATE INDEX task_failure_task ON toji.task_failure (task_id);
CREATE INDEX task_failure_host ON toji.task_failure (host_id, at);

-- One row per time that a task was worked on; tasks of the hub itself have no host.
CREATE TABLE toji.task_attempt (
    task_id integer NOT NULL REFERENCES task(id) ON DELETE CASCADE,
    attempt integer NOT NULL, -- from 1
    host_id integer REFERENCES host(id) ON DELETE CASCADE,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended timestamptz,
    outcome text,
    PRIMARY KEY (task_id, attempt)
);
CREATE INDEX task_attempt_host ON toji.task_attempt (host_id, started);

-- The subtasks that a workflow asked for, by the key it gave them: asking again
-- after a crash finds the task instead of creating another.
CREATE TABLE toji.subtask (
    parent integer NOT NULL REFERENCES task(id) ON DELETE CASCADE,
    key text NOT NULL,
    task_id integer NOT NULL REFERENCES task(id) ON DELETE CASCADE,
    PRIMARY KEY (parent, key)
);
CREATE INDEX subtask_task ON toji.subtask (task_id);

-- A quarantined host gets no tasks until somebody says that it is well.
CREATE TABLE toji.host_health (
    host_id integer PRIMARY KEY REFERENCES host(id) ON DELETE CASCADE,
    failures_in_row integer NOT NULL DEFAULT 0,
    quarantined_at timestamptz,
    quarantine_reason text,
    disk_free bigint, -- bytes
    note text,
    updated timestamptz NOT NULL DEFAULT now(),
    CHECK ((quarantined_at IS NULL) = (quarantine_reason IS NULL))
);

-- Facts about this installation.
CREATE TABLE toji.meta (
    key text PRIMARY KEY,
    value text NOT NULL
);

-- ---- Notifications -----------------------------------------------------------
--
-- Payloads are empty: PostgreSQL sends equal notifications of one transaction
-- once, and listeners look at the tables anyway.

-- notify() is a trigger function; its argument is the channel.
-- +goose StatementBegin
CREATE FUNCTION toji.notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(TG_ARGV[0], '');
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER toji_outbox AFTER INSERT ON toji.outbox
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_outbox');

-- Whatever may let the scheduler place a task.
CREATE TRIGGER toji_sched AFTER INSERT OR UPDATE OF state, priority, host_id, channel_id, arch ON task
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_sched');
CREATE TRIGGER toji_sched AFTER INSERT OR UPDATE OF ready ON host
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_sched');
CREATE TRIGGER toji_sched AFTER INSERT OR UPDATE ON host_config
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_sched');
CREATE TRIGGER toji_sched AFTER INSERT OR UPDATE ON host_channels
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_sched');
CREATE TRIGGER toji_sched AFTER UPDATE OF enabled ON channels
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_sched');
CREATE TRIGGER toji_sched AFTER INSERT OR DELETE ON scheduler_task_refusals
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_sched');
CREATE TRIGGER toji_sched AFTER INSERT OR UPDATE OF quarantined_at ON toji.host_health
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_sched');

-- Whatever may make a tag's repository outdated.
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'tag_config', 'tag_extra', 'tag_inheritance', 'tag_packages', 'tag_listing', 'tag_updates',
        'tag_external_repos', 'external_repo_config',
        'group_config', 'group_req_listing', 'group_package_listing'
    ] LOOP
        EXECUTE format('CREATE TRIGGER toji_tags AFTER INSERT OR UPDATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION toji.notify(%L)', name, 'toji_tags');
    END LOOP;
END
$$;
-- +goose StatementEnd
