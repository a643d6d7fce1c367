-- What the scheduler needs to explain itself, to share hosts fairly and to let
-- them heal.

-- +goose Up

-- The free tasks of each kind and owner, in the order in which they are
-- considered: the front of each such line is read, however long it is.
CREATE INDEX toji_task_free ON task (channel_id, arch, method, owner, priority, id) WHERE state = 0;

-- The build, and so the package, that a task works on.
CREATE INDEX toji_build_task ON build (task_id);

-- When a waiting task will probably have a host.
ALTER TABLE toji.task_wait ADD COLUMN eta timestamptz;

-- A quarantine ends by itself: after quarantine_until the host gets one task,
-- the probe, and is trusted again if that ends well.
ALTER TABLE toji.host_health
    ADD COLUMN quarantine_until timestamptz, -- NULL: until somebody says that the host is well
    ADD COLUMN quarantines integer NOT NULL DEFAULT 0, -- in a row; each lasts longer than the one before
    ADD COLUMN probe_task integer REFERENCES task(id) ON DELETE SET NULL;
UPDATE toji.host_health SET quarantine_until = now(), quarantines = 1 WHERE quarantined_at IS NOT NULL;

-- When hosts are not to be used.
CREATE TABLE toji.host_maintenance (
    id serial PRIMARY KEY,
    host_id integer NOT NULL REFERENCES host(id) ON DELETE CASCADE,
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    reason text NOT NULL DEFAULT '',
    creator_id integer NOT NULL REFERENCES users(id),
    CHECK (starts < ends)
);
CREATE INDEX host_maintenance_host ON toji.host_maintenance (host_id, ends);

-- How many tasks hosts may carry at once for an owner or a channel.
CREATE TABLE toji.task_limit (
    kind text NOT NULL CHECK (kind IN ('owner', 'channel')),
    id integer NOT NULL, -- of the user or channel
    tasks integer NOT NULL CHECK (tasks >= 0),
    PRIMARY KEY (kind, id)
);

-- How long tasks took so far, by a moving average. Package 0 stands for all.
CREATE TABLE toji.task_duration (
    method text NOT NULL,
    arch text NOT NULL,
    package_id integer NOT NULL DEFAULT 0,
    seconds double precision NOT NULL,
    samples integer NOT NULL,
    updated timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (method, arch, package_id)
);

-- For what learns from these rows and for what removes them.
CREATE INDEX task_attempt_ended ON toji.task_attempt (ended);
CREATE INDEX task_failure_at ON toji.task_failure (at);

CREATE TRIGGER toji_sched AFTER INSERT OR UPDATE OR DELETE ON toji.host_maintenance
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_sched');
CREATE TRIGGER toji_sched AFTER INSERT OR UPDATE OR DELETE ON toji.task_limit
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_sched');
