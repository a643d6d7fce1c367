-- Messages about changes, for whoever relays them to a message bus: rows in
-- Koji's own table proton_queue, with the address, the properties and the body
-- of Koji's plugin protonmsg.
--
-- These triggers write those about states of tasks, builds and repositories, as
-- so many statements change them; the hub writes the others. They act in
-- transactions of a hub that sends messages only, which sets toji.messages.

-- +goose Up

-- Times as Python's isoformat(' ') writes them.
-- +goose StatementBegin
CREATE FUNCTION toji.iso(t timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00:00'
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION toji.seconds(t timestamptz) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT extract(epoch FROM t)::double precision
$$;
-- +goose StatementEnd

-- Extra data is text in Koji's tables; it is left out when it is longer than
-- toji.extra_limit.
-- +goose StatementBegin
CREATE FUNCTION toji.build_info(b build) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'build_id', b.id, 'id', b.id, 'name', p.name, 'package_name', p.name, 'package_id', b.pkg_id,
        'version', b.version, 'release', b.release, 'epoch', b.epoch, 'nvr', concat_ws('-', p.name, b.version, b.release),
        'draft', b.draft, 'state', b.state, 'task_id', b.task_id, 'owner_id', b.owner, 'owner_name', u.name,
        'promoter_id', b.promoter, 'promoter_name', pr.name, 'volume_id', b.volume_id, 'volume_name', v.name,
        'cg_id', b.cg_id, 'cg_name', cg.name, 'source', b.source)
    || jsonb_build_object(
        'creation_event_id', b.create_event, 'creation_time', toji.iso(e.time), 'creation_ts', toji.seconds(e.time),
        'start_time', toji.iso(b.start_time), 'start_ts', toji.seconds(b.start_time),
        'completion_time', toji.iso(b.completion_time), 'completion_ts', toji.seconds(b.completion_time),
        'promotion_time', toji.iso(b.promotion_time), 'promotion_ts', toji.seconds(b.promotion_time))
    || CASE WHEN length(b.extra) > nullif(current_setting('toji.extra_limit', true), '')::int THEN '{}'::jsonb
            ELSE jsonb_build_object('extra', b.extra::jsonb) END
    FROM package p, events e, users u, volume v
    LEFT JOIN users pr ON pr.id = b.promoter
    LEFT JOIN content_generator cg ON cg.id = b.cg_id
    WHERE p.id = b.pkg_id AND e.id = b.create_event AND u.id = b.owner AND v.id = b.volume_id
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION toji.message_task() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    states CONSTANT text[] := ARRAY['FREE', 'OPEN', 'CLOSED', 'CANCELED', 'ASSIGNED', 'FAILED'];
    old_state text;
    new_state text := states[NEW.state + 1];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        old_state := states[OLD.state + 1];
    END IF;
    INSERT INTO proton_queue (address, props, body) VALUES (
        'task.' || lower(new_state),
        jsonb_build_object('type', 'TaskStateChange', 'id', NEW.id, 'parent', NEW.parent, 'method', NEW.method,
            'attribute', 'state', 'old', old_state, 'new', new_state),
        jsonb_build_object('attribute', 'state', 'old', old_state, 'new', new_state, 'info', jsonb_build_object(
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

-- +goose StatementBegin
CREATE FUNCTION toji.message_build() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    states CONSTANT text[] := ARRAY['BUILDING', 'COMPLETE', 'DELETED', 'FAILED', 'CANCELED'];
    old_state integer;
    info jsonb := toji.build_info(NEW);
BEGIN
    IF TG_OP = 'UPDATE' THEN
        old_state := OLD.state;
    END IF;
    INSERT INTO proton_queue (address, props, body) VALUES (
        'build.' || lower(states[NEW.state + 1]),
        jsonb_build_object('type', 'BuildStateChange', 'name', info->'name', 'version', NEW.version, 'release', NEW.release,
            'attribute', 'state', 'old', states[old_state + 1], 'new', states[NEW.state + 1]),
        jsonb_build_object('attribute', 'state', 'old', old_state, 'new', NEW.state, 'info', info, 'btypes', (
            SELECT coalesce(jsonb_object_agg(t.name, NULL), '{}') FROM build_types bt JOIN btype t ON t.id = bt.btype_id
            WHERE bt.build_id = NEW.id)));
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION toji.message_repo() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tag_name text;
    event_time timestamptz;
BEGIN
    SELECT t.name, e.time INTO tag_name, event_time FROM tag t, events e WHERE t.id = NEW.tag_id AND e.id = NEW.create_event;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO proton_queue (address, props, body) VALUES (
            'repo.init',
            jsonb_build_object('type', 'RepoInit', 'tag', tag_name, 'repo_id', NEW.id, 'task_id', NEW.task_id),
            jsonb_build_object('tag', jsonb_build_object('id', NEW.tag_id, 'name', tag_name), 'event', NEW.create_event,
                'repo_id', NEW.id, 'task_id', NEW.task_id, 'opts', NEW.opts, 'dist', NEW.dist));
        RETURN NULL;
    END IF;
    INSERT INTO proton_queue (address, props, body) VALUES (
        'repo.done',
        jsonb_build_object('type', 'RepoDone', 'tag', tag_name, 'repo_id', NEW.id, 'task_id', NEW.task_id, 'expire', NEW.state = 2),
        jsonb_build_object('expire', NEW.state = 2, 'task_id', NULL, 'data', NULL, 'repo', jsonb_build_object(
            'id', NEW.id, 'state', NEW.state, 'task_id', NEW.task_id, 'dist', NEW.dist, 'opts', NEW.opts,
            'custom_opts', NEW.custom_opts, 'tag_id', NEW.tag_id, 'tag_name', tag_name,
            'create_event', NEW.create_event, 'create_ts', toji.seconds(event_time),
            'creation_time', toji.iso(NEW.creation_time), 'creation_ts', toji.seconds(NEW.creation_time),
            'begin_event', NEW.begin_event, 'end_event', NEW.end_event)));
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER toji_message_new AFTER INSERT ON task
    FOR EACH ROW WHEN (current_setting('toji.messages', true) = 'on') EXECUTE FUNCTION toji.message_task();
CREATE TRIGGER toji_message AFTER UPDATE OF state ON task
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND current_setting('toji.messages', true) = 'on') EXECUTE FUNCTION toji.message_task();
CREATE TRIGGER toji_message_new AFTER INSERT ON build
    FOR EACH ROW WHEN (current_setting('toji.messages', true) = 'on') EXECUTE FUNCTION toji.message_build();
CREATE TRIGGER toji_message AFTER UPDATE OF state ON build
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND current_setting('toji.messages', true) = 'on') EXECUTE FUNCTION toji.message_build();
CREATE TRIGGER toji_message_new AFTER INSERT ON repo
    FOR EACH ROW WHEN (current_setting('toji.messages', true) = 'on') EXECUTE FUNCTION toji.message_repo();
CREATE TRIGGER toji_message AFTER UPDATE OF state ON repo
    FOR EACH ROW WHEN (OLD.state = 0 AND NEW.state IN (1, 2) AND current_setting('toji.messages', true) = 'on') EXECUTE FUNCTION toji.message_repo();

-- Whoever follows the messages waits for this.
CREATE TRIGGER toji_messages AFTER INSERT ON proton_queue
    FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('toji_messages');
