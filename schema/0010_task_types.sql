-- Task types that sites add without changing Toji: their own workers declare and
-- serve them.

-- +goose Up

CREATE TABLE toji.task_type (
    name text PRIMARY KEY,
    version integer NOT NULL CHECK (version > 0),
    spec jsonb NOT NULL, -- the declaration, see internal/task.Spec
    user_id integer NOT NULL REFERENCES users(id), -- who declared it
    registered timestamptz NOT NULL DEFAULT now()
);

-- Which hosts serve a type. Tasks go to those that serve its newest version.
CREATE TABLE toji.task_type_host (
    host_id integer NOT NULL REFERENCES host(id) ON DELETE CASCADE,
    name text NOT NULL REFERENCES toji.task_type(name) ON DELETE CASCADE,
    version integer NOT NULL,
    PRIMARY KEY (host_id, name)
);

CREATE TRIGGER toji_sched AFTER INSERT OR UPDATE OR DELETE ON toji.task_type_host
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_sched');
