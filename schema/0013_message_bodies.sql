-- The bodies of messages about tasks and new repositories hold all that those of
-- Koji's plugin protonmsg hold: a task's request and result, and the whole tag.

-- +goose Up

-- An XML-RPC value as JSON: dates and binary data stay texts.
-- +goose StatementBegin
CREATE FUNCTION toji.xmlrpc_json(value xml) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    kind text;
    content text;
BEGIN
    SELECT e.kind, e.content INTO kind, content
    FROM xmltable('/value/*' PASSING value COLUMNS kind text PATH 'name()', content text PATH 'string()') e;
    CASE
    WHEN kind IS NULL THEN -- a text without an element of its own
        SELECT e.content INTO content FROM xmltable('/value' PASSING value COLUMNS content text PATH 'string()') e;
    WHEN kind = 'struct' THEN
        RETURN (SELECT coalesce(jsonb_object_agg(m.name, toji.xmlrpc_json(m.value)), '{}')
            FROM xmltable('/value/struct/member' PASSING value COLUMNS name text PATH 'name', value xml PATH 'value') m);
    WHEN kind = 'array' THEN
        RETURN (SELECT coalesce(jsonb_agg(toji.xmlrpc_json(e.value) ORDER BY e.place), '[]')
            FROM xmltable('/value/array/data/value' PASSING value COLUMNS place FOR ORDINALITY, value xml PATH '.') e);
    WHEN kind IN ('int', 'i4', 'i8', 'double') THEN
        RETURN to_jsonb(content::numeric);
    WHEN kind = 'boolean' THEN
        RETURN to_jsonb(content::boolean);
    WHEN kind = 'nil' THEN
        RETURN 'null';
    ELSE
    END CASE;
    RETURN to_jsonb(content);
END
$$;
-- +goose StatementEnd

-- The parameters of an XML-RPC request or response. What cannot be read, such as
-- requests of very old Koji hubs in base64, is null: it must not hold up a task.
-- +goose StatementBegin
CREATE FUNCTION toji.xmlrpc_params(document text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(toji.xmlrpc_json(p.value) ORDER BY p.place), '[]')
        FROM xmltable('/*/params/param/value' PASSING (document::xml) COLUMNS place FOR ORDINALITY, value xml PATH '.') p);
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Koji: a new task has its request as XML, others as values, and closed ones
-- their result, too.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION toji.message_task() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    states CONSTANT text[] := ARRAY['FREE', 'OPEN', 'CLOSED', 'CANCELED', 'ASSIGNED', 'FAILED'];
    old_state text;
    new_state text := states[NEW.state + 1];
    contents jsonb := jsonb_build_object('request', NEW.request);
BEGIN
    IF TG_OP = 'UPDATE' THEN
        old_state := states[OLD.state + 1];
        contents := jsonb_build_object('request', toji.xmlrpc_params(NEW.request));
        IF new_state = 'CLOSED' THEN
            contents := contents || jsonb_build_object('result', toji.xmlrpc_params(NEW.result) -> 0);
        END IF;
    END IF;
    INSERT INTO proton_queue (address, props, body) VALUES (
        'task.' || lower(new_state),
        jsonb_build_object('type', 'TaskStateChange', 'id', NEW.id, 'parent', NEW.parent, 'method', NEW.method,
            'attribute', 'state', 'old', old_state, 'new', new_state),
        jsonb_build_object('attribute', 'state', 'old', old_state, 'new', new_state, 'info', contents || jsonb_build_object(
            'id', NEW.id, 'state', NEW.state, 'method', NEW.method, 'parent', NEW.parent, 'label', NEW.label,
            'owner', NEW.owner, 'arch', NEW.arch, 'channel_id', NEW.channel_id, 'host_id', NEW.host_id,
            'priority', NEW.priority, 'weight', NEW.weight, 'waiting', NEW.waiting, 'awaited', NEW.awaited,
            'create_time', toji.iso(NEW.create_time), 'create_ts', toji.seconds(NEW.create_time),
            'start_time', toji.iso(NEW.start_time), 'start_ts', toji.seconds(NEW.start_time),
            'completion_time', toji.iso(NEW.completion_time), 'completion_ts', toji.seconds(NEW.completion_time))));
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- A tag as getTag answers it.
-- +goose StatementBegin
CREATE FUNCTION toji.tag_info(of_tag integer) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'id', t.id, 'name', t.name, 'arches', c.arches, 'locked', c.locked, 'perm_id', c.perm_id, 'perm', p.name,
        'maven_support', c.maven_support, 'maven_include_all', c.maven_include_all, 'extra', (
            SELECT coalesce(jsonb_object_agg(x.key, x.value::jsonb), '{}') FROM tag_extra x
            WHERE x.tag_id = t.id AND x.active AND x.value IS NOT NULL))
    FROM tag t LEFT JOIN tag_config c ON c.tag_id = t.id AND c.active LEFT JOIN permissions p ON p.id = c.perm_id
    WHERE t.id = of_tag
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION toji.message_repo() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tag jsonb := toji.tag_info(NEW.tag_id);
    event_time timestamptz;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO proton_queue (address, props, body) VALUES (
            'repo.init',
            jsonb_build_object('type', 'RepoInit', 'tag', tag->'name', 'repo_id', NEW.id, 'task_id', NEW.task_id),
            jsonb_build_object('tag', tag, 'event', NEW.create_event,
                'repo_id', NEW.id, 'task_id', NEW.task_id, 'opts', NEW.opts, 'dist', NEW.dist));
        RETURN NULL;
    END IF;
    SELECT e.time INTO event_time FROM events e WHERE e.id = NEW.create_event;
    INSERT INTO proton_queue (address, props, body) VALUES (
        'repo.done',
        jsonb_build_object('type', 'RepoDone', 'tag', tag->'name', 'repo_id', NEW.id, 'task_id', NEW.task_id, 'expire', NEW.state = 2),
        jsonb_build_object('expire', NEW.state = 2, 'task_id', NULL, 'data', NULL, 'repo', jsonb_build_object(
            'id', NEW.id, 'state', NEW.state, 'task_id', NEW.task_id, 'dist', NEW.dist, 'opts', NEW.opts,
            'custom_opts', NEW.custom_opts, 'tag_id', NEW.tag_id, 'tag_name', tag->'name',
            'create_event', NEW.create_event, 'create_ts', toji.seconds(event_time),
            'creation_time', toji.iso(NEW.creation_time), 'creation_ts', toji.seconds(NEW.creation_time),
            'begin_event', NEW.begin_event, 'end_event', NEW.end_event)));
    RETURN NULL;
END
$$;
-- +goose StatementEnd
