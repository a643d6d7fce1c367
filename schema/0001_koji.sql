-- Tables of a Koji 1.35 database, part one: who, where and what. Names, types,
-- constraints and first rows are those that existing tools and installations
-- know; koji-1.35.json says what they must be.

-- +goose Up

-- ---- Events ------------------------------------------------------------------
--
-- Every change to versioned data is an event. Events order what happened even
-- when the clock steps back, and let clients ask for the state at any one.

CREATE TABLE events (
    id serial PRIMARY KEY,
    time timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The default of create_event: a new event, its number returned. Several rows
-- that change together pass one event instead of calling this for each.
CREATE FUNCTION get_event() RETURNS integer LANGUAGE sql AS
      'INSERT INTO events (time) VALUES (clock_timestamp()) RETURNING id';

CREATE FUNCTION get_event_time(integer) RETURNS timestamptz LANGUAGE sql AS
      'SELECT time FROM events WHERE id = $1';

-- Names for the few events that have one.
CREATE TABLE event_labels (
    event_id integer NOT NULL REFERENCES events(id),
    label varchar(255) NOT NULL UNIQUE
);

-- ---- Users -------------------------------------------------------------------
--
-- Versioned tables, of which user_perms is the first, end in the same five
-- columns. A version is current while active is true; it is never false: revoking
-- sets active to NULL together with revoke_event and revoker_id. NULLs are
-- distinct to a unique constraint, so one with active in it holds among current
-- versions alone. The state at event e is the versions with
-- create_event <= e AND (revoke_event IS NULL OR e < revoke_event).

-- usertype: 0 a person, 1 a build host, 2 a group. status: 0 normal, 1 blocked.
CREATE TABLE users (
    id serial PRIMARY KEY,
    name varchar(255) NOT NULL UNIQUE,
    password varchar(255),
    status integer NOT NULL,
    usertype integer NOT NULL
);

CREATE TABLE user_krb_principals (
    user_id integer NOT NULL REFERENCES users(id),
    krb_principal varchar(255) NOT NULL UNIQUE,
    PRIMARY KEY (user_id, krb_principal)
);

CREATE TABLE permissions (
    id serial PRIMARY KEY,
    name varchar(50) NOT NULL UNIQUE,
    description text
);

INSERT INTO permissions (name, description) VALUES
    ('admin', 'Full administrator access. Perform all actions.'),
    ('appliance', 'Create appliance builds - deprecated.'),
    ('dist-repo', 'Create a dist-repo.'),
    ('host', 'Add, remove, enable, disable hosts and channels.'),
    ('image', 'Start image tasks.'),
    ('image-import', 'Import image archives.'),
    ('livecd', 'Start livecd tasks.'),
    ('maven-import', 'Import maven archives.'),
    ('repo', 'Manage repos: newRepo, repoExpire, repoDelete, repoProblem.'),
    ('sign', 'Import RPM signatures and write signed RPMs.'),
    ('tag', 'Manage packages in tags: add, block, remove, and clone tags.'),
    ('target', 'Add, edit, and remove targets.'),
    ('win-admin', 'The default hub policy rule for "vm" requires this permission to trigger Windows builds.'),
    ('win-import', 'Import win archives.'),
    ('draft-promoter', 'The permission required in the default "draft_promotion" hub policy rule to promote draft build.');

CREATE TABLE user_perms (
    user_id integer NOT NULL REFERENCES users(id),
    perm_id integer NOT NULL REFERENCES permissions(id),
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, user_id, perm_id),
    UNIQUE (user_id, perm_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

-- group_id is a user of usertype 2.
CREATE TABLE user_groups (
    user_id integer NOT NULL REFERENCES users(id),
    group_id integer NOT NULL REFERENCES users(id),
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, user_id, group_id),
    UNIQUE (user_id, group_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

-- master is the top session of a subsession. exclusive is true or NULL, never
-- false: the unique constraint then allows a user one exclusive session.
CREATE TABLE sessions (
    id serial PRIMARY KEY,
    user_id integer NOT NULL REFERENCES users(id),
    expired boolean NOT NULL DEFAULT false,
    master integer REFERENCES sessions(id),
    key varchar(255),
    authtype integer,
    hostip varchar(255),
    callnum integer,
    start_time timestamptz NOT NULL DEFAULT now(),
    update_time timestamptz NOT NULL DEFAULT now(),
    exclusive boolean CHECK (exclusive),
    closed boolean NOT NULL DEFAULT false,
    renew_time timestamptz,
    UNIQUE (user_id, exclusive),
    CONSTRAINT no_closed_exclusive CHECK (closed IS FALSE OR exclusive IS NULL),
    CONSTRAINT no_exclusive_subsessions CHECK (master IS NULL OR exclusive IS NULL)
);
CREATE INDEX sessions_active_and_recent ON sessions (expired, master, update_time) WHERE expired = false AND master IS NULL;
CREATE INDEX sessions_expired ON sessions (expired);
CREATE INDEX sessions_master ON sessions (master);

-- ---- Channels and hosts ------------------------------------------------------

-- A task is put into a channel; hosts take tasks from the channels they are in.
CREATE TABLE channels (
    id serial PRIMARY KEY,
    name varchar(128) NOT NULL UNIQUE,
    description text,
    enabled boolean NOT NULL DEFAULT true,
    comment text
);

INSERT INTO channels (name) VALUES
    ('default'),
    ('createrepo'),
    ('maven'),
    ('livecd'),
    ('appliance'),
    ('vm'),
    ('image'),
    ('livemedia');

-- A build host; it logs in as the user user_id.
CREATE TABLE host (
    id serial PRIMARY KEY,
    user_id integer NOT NULL REFERENCES users(id),
    name varchar(128) NOT NULL UNIQUE,
    update_time timestamptz,
    task_load double precision NOT NULL DEFAULT 0.0 CHECK (NOT task_load < 0),
    ready boolean NOT NULL DEFAULT false
);

-- capacity bounds the weight of the tasks that run on the host at once.
CREATE TABLE host_config (
    host_id integer NOT NULL REFERENCES host(id),
    arches text,
    capacity double precision NOT NULL DEFAULT 2.0 CHECK (capacity > 1),
    description text,
    comment text,
    enabled boolean NOT NULL DEFAULT true,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, host_id),
    UNIQUE (host_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);
CREATE INDEX host_config_by_active_and_enabled ON host_config (active, enabled);

CREATE TABLE host_channels (
    host_id integer NOT NULL REFERENCES host(id),
    channel_id integer NOT NULL REFERENCES channels(id),
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, host_id, channel_id),
    UNIQUE (host_id, channel_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

-- ---- Tasks -------------------------------------------------------------------

-- request and result are XML-RPC documents. host_id is set while a host holds the
-- task. label makes a subtask unique below its parent, so that a parent which is
-- run again finds its subtasks instead of creating more. state: 0 free, 1 open,
-- 2 closed, 3 canceled, 4 assigned, 5 failed.
CREATE TABLE task (
    id serial PRIMARY KEY,
    state integer,
    create_time timestamptz NOT NULL DEFAULT now(),
    start_time timestamptz,
    completion_time timestamptz,
    channel_id integer NOT NULL REFERENCES channels(id),
    host_id integer REFERENCES host(id),
    parent integer REFERENCES task(id),
    label varchar(255),
    waiting boolean,
    awaited boolean,
    owner integer NOT NULL REFERENCES users(id),
    method text,
    request text,
    result text,
    eta integer,
    arch varchar(16) NOT NULL,
    priority integer,
    weight double precision NOT NULL DEFAULT 1.0 CHECK (NOT weight < 0),
    UNIQUE (parent, label),
    CONSTRAINT parent_label_sane CHECK (parent IS NOT NULL OR label IS NULL)
);
CREATE INDEX task_by_host ON task (host_id);
CREATE INDEX task_by_no_parent_state_method ON task (parent, state, method) WHERE parent IS NULL;
CREATE INDEX task_by_state ON task (state);

-- Hosts that will not take a task; soft refusals are forgotten after a while.
CREATE TABLE scheduler_task_refusals (
    id serial PRIMARY KEY,
    task_id integer NOT NULL REFERENCES task(id),
    host_id integer NOT NULL REFERENCES host(id),
    by_host boolean NOT NULL,
    soft boolean NOT NULL DEFAULT false,
    msg text,
    time timestamptz NOT NULL DEFAULT now(),
    UNIQUE (task_id, host_id)
);

-- Which host held a task when.
CREATE TABLE scheduler_task_runs (
    id serial PRIMARY KEY,
    task_id integer NOT NULL REFERENCES task(id),
    host_id integer NOT NULL REFERENCES host(id),
    active boolean NOT NULL DEFAULT true,
    create_time timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX scheduler_task_runs_create_time ON scheduler_task_runs (create_time);
CREATE INDEX scheduler_task_runs_host ON scheduler_task_runs (host_id);
CREATE INDEX scheduler_task_runs_task ON scheduler_task_runs (task_id);

CREATE TABLE scheduler_log_messages (
    id serial PRIMARY KEY,
    task_id integer REFERENCES task(id),
    host_id integer REFERENCES host(id),
    msg_time timestamptz NOT NULL DEFAULT now(),
    msg text NOT NULL
);

CREATE TABLE scheduler_host_data (
    host_id integer PRIMARY KEY REFERENCES host(id),
    data jsonb
);

CREATE TABLE scheduler_sys_data (
    name text PRIMARY KEY,
    data jsonb
);

-- ---- Packages and builds -----------------------------------------------------

-- A source package by name, whatever its builds.
CREATE TABLE package (
    id serial PRIMARY KEY,
    name text NOT NULL UNIQUE
);

-- A place below which builds are stored; DEFAULT is the top directory itself.
CREATE TABLE volume (
    id serial PRIMARY KEY,
    name text NOT NULL UNIQUE
);

INSERT INTO volume (id, name) VALUES (0, 'DEFAULT');

-- Foreign build systems whose output is imported.
CREATE TABLE content_generator (
    id serial PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE cg_users (
    cg_id integer NOT NULL REFERENCES content_generator(id),
    user_id integer NOT NULL REFERENCES users(id),
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, cg_id, user_id),
    UNIQUE (cg_id, user_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

-- state: 0 building, 1 complete, 2 deleted, 3 failed, 4 canceled. The epoch takes no
-- part in a build's identity. UNIQUE (id, draft) is what rpminfo refers to.
CREATE TABLE build (
    id serial PRIMARY KEY,
    volume_id integer NOT NULL REFERENCES volume(id),
    pkg_id integer NOT NULL REFERENCES package(id) DEFERRABLE,
    version text NOT NULL,
    release text NOT NULL,
    epoch integer,
    draft boolean NOT NULL DEFAULT false,
    source text,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    start_time timestamptz,
    completion_time timestamptz,
    promotion_time timestamptz,
    state integer NOT NULL,
    task_id integer REFERENCES task(id),
    owner integer NOT NULL REFERENCES users(id),
    promoter integer REFERENCES users(id),
    cg_id integer REFERENCES content_generator(id),
    extra text,
    CONSTRAINT draft_for_rpminfo UNIQUE (id, draft),
    CONSTRAINT build_pkg_ver_rel UNIQUE (pkg_id, version, release),
    CONSTRAINT completion_sane CHECK ((state = 0 AND completion_time IS NULL) OR (state <> 0 AND completion_time IS NOT NULL)),
    CONSTRAINT promotion_sane CHECK (NOT draft OR (promotion_time IS NULL AND promoter IS NULL)),
    CONSTRAINT draft_release_sane CHECK (NOT draft OR release ~ ('^.*,draft_' || id::text || '$'))
);
CREATE INDEX build_by_pkg_id ON build (pkg_id);
CREATE INDEX build_completion ON build (completion_time);

CREATE TABLE btype (
    id serial PRIMARY KEY,
    name text NOT NULL UNIQUE
);

INSERT INTO btype (name) VALUES
    ('rpm'),
    ('maven'),
    ('win'),
    ('image');

CREATE TABLE build_types (
    build_id integer NOT NULL REFERENCES build(id),
    btype_id integer NOT NULL REFERENCES btype(id),
    PRIMARY KEY (build_id, btype_id)
);

-- Builds that a content generator has reserved and may complete with its token.
CREATE TABLE build_reservations (
    build_id integer PRIMARY KEY REFERENCES build(id),
    token varchar(64),
    created timestamptz NOT NULL
);
CREATE INDEX build_reservations_created ON build_reservations (created);

-- ---- Tags --------------------------------------------------------------------

CREATE TABLE tag (
    id serial PRIMARY KEY,
    name text NOT NULL UNIQUE
);

-- perm_id is the permission that tagging needs, if any.
CREATE TABLE tag_config (
    tag_id integer NOT NULL REFERENCES tag(id),
    arches text,
    perm_id integer REFERENCES permissions(id),
    locked boolean NOT NULL DEFAULT false,
    maven_support boolean NOT NULL DEFAULT false,
    maven_include_all boolean NOT NULL DEFAULT false,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, tag_id),
    UNIQUE (tag_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

CREATE TABLE tag_extra (
    tag_id integer NOT NULL REFERENCES tag(id),
    key text NOT NULL,
    value text,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, tag_id, key),
    UNIQUE (tag_id, key, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

-- The tag tag_id inherits from parent_id; low priorities come first.
CREATE TABLE tag_inheritance (
    tag_id integer NOT NULL REFERENCES tag(id),
    parent_id integer NOT NULL REFERENCES tag(id),
    priority integer NOT NULL,
    maxdepth integer,
    intransitive boolean NOT NULL DEFAULT false,
    noconfig boolean NOT NULL DEFAULT false,
    pkg_filter text,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, tag_id, priority),
    UNIQUE (tag_id, parent_id, active),
    UNIQUE (tag_id, priority, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);
CREATE INDEX tag_inheritance_by_parent ON tag_inheritance (parent_id);

-- The packages whose builds may be tagged; a blocked one is not inherited either.
CREATE TABLE tag_packages (
    package_id integer NOT NULL REFERENCES package(id),
    tag_id integer NOT NULL REFERENCES tag(id),
    blocked boolean NOT NULL DEFAULT false,
    extra_arches text,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, package_id, tag_id),
    UNIQUE (package_id, tag_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);
CREATE INDEX tag_packages_active_tag_id ON tag_packages (active, tag_id);
CREATE INDEX tag_packages_create_event ON tag_packages (create_event);
CREATE INDEX tag_packages_revoke_event ON tag_packages (revoke_event);

CREATE TABLE tag_package_owners (
    package_id integer NOT NULL REFERENCES package(id),
    tag_id integer NOT NULL REFERENCES tag(id),
    owner integer NOT NULL REFERENCES users(id),
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, package_id, tag_id),
    UNIQUE (package_id, tag_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

-- The builds in a tag, the latest create_event first.
CREATE TABLE tag_listing (
    build_id integer NOT NULL REFERENCES build(id),
    tag_id integer NOT NULL REFERENCES tag(id),
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, build_id, tag_id),
    UNIQUE (build_id, tag_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);
CREATE INDEX tag_listing_tag_id_key ON tag_listing (tag_id);

-- Changes that concern a tag but no versioned table, such as another volume of one
-- of its builds.
CREATE TABLE tag_updates (
    id serial PRIMARY KEY,
    tag_id integer NOT NULL REFERENCES tag(id),
    update_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    updater_id integer NOT NULL REFERENCES users(id),
    update_type integer NOT NULL
);
CREATE INDEX tag_updates_by_event ON tag_updates (update_event);
CREATE INDEX tag_updates_by_tag ON tag_updates (tag_id);

-- ---- Build targets -----------------------------------------------------------

-- A build target names the tag to build from and the tag for the result.
CREATE TABLE build_target (
    id serial PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE build_target_config (
    build_target_id integer NOT NULL REFERENCES build_target(id),
    build_tag integer NOT NULL REFERENCES tag(id),
    dest_tag integer NOT NULL REFERENCES tag(id),
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, build_target_id),
    UNIQUE (build_target_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

-- ---- Package groups, the source of a repository's comps.xml ------------------

CREATE TABLE groups (
    id serial PRIMARY KEY,
    name varchar(50) NOT NULL UNIQUE
);

CREATE TABLE group_config (
    group_id integer NOT NULL REFERENCES groups(id),
    tag_id integer NOT NULL REFERENCES tag(id),
    blocked boolean NOT NULL DEFAULT false,
    exported boolean DEFAULT true,
    display_name text NOT NULL,
    is_default boolean,
    uservisible boolean,
    description text,
    langonly text,
    biarchonly boolean,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, group_id, tag_id),
    UNIQUE (group_id, tag_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

CREATE TABLE group_req_listing (
    group_id integer NOT NULL REFERENCES groups(id),
    tag_id integer NOT NULL REFERENCES tag(id),
    req_id integer NOT NULL REFERENCES groups(id),
    blocked boolean NOT NULL DEFAULT false,
    type varchar(25),
    is_metapkg boolean NOT NULL DEFAULT false,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, group_id, tag_id, req_id),
    UNIQUE (group_id, tag_id, req_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

-- package is the name of a binary RPM.
CREATE TABLE group_package_listing (
    group_id integer NOT NULL REFERENCES groups(id),
    tag_id integer NOT NULL REFERENCES tag(id),
    package text NOT NULL,
    blocked boolean NOT NULL DEFAULT false,
    type varchar(25) NOT NULL,
    basearchonly boolean,
    requires text,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, group_id, tag_id, package),
    UNIQUE (group_id, tag_id, package, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);
