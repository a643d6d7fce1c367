-- world.sql: a small database of great variety, to be loaded into one that has
-- the schema and the users 1 (an admin) and 2. It has something of everything
-- that a read call can ask about, in every state, with past versions of what is
-- versioned. All ids are explicit, from 500000 on, events from 200000 on.

BEGIN;

INSERT INTO events (id, time) SELECT 200000 + i, timestamptz '2025-01-01 00:00:00.123456+00' + i * interval '1 hour' FROM generate_series(0, 999) i;
INSERT INTO event_labels (event_id, label) VALUES (200500, 'world-half');

-- ---- Users -------------------------------------------------------------------
INSERT INTO users (id, name, password, status, usertype) VALUES
    (500001, 'alice', 'alice', 0, 0), (500002, 'bob', 'bob', 0, 0), (500003, 'carol', 'carol', 1, 0), (500004, 'dave', NULL, 0, 0),
    (500005, 'kojira', NULL, 0, 0), (500010, 'packagers', NULL, 0, 2), (500011, 'releng', NULL, 0, 2),
    (500021, 'builder1', NULL, 0, 1), (500022, 'builder2', NULL, 0, 1), (500023, 'builder3', NULL, 0, 1), (500024, 'builder4', NULL, 1, 1);
INSERT INTO user_krb_principals (user_id, krb_principal) VALUES
    (500001, 'alice@EXAMPLE.COM'), (500001, 'alice@OTHER.ORG'), (500002, 'bob@EXAMPLE.COM'), (500021, 'compile/builder1@EXAMPLE.COM');
INSERT INTO permissions (id, name, description) VALUES (500001, 'w-perm', 'World''s own'), (500002, 'w-plain', NULL);
INSERT INTO user_perms (user_id, perm_id, create_event, creator_id, revoke_event, revoker_id, active)
    SELECT u, p.id, c, 1, r, CASE WHEN r IS NULL THEN NULL ELSE 2 END, CASE WHEN r IS NULL THEN true END
    FROM (VALUES (500001, 'tag', 200010, NULL), (500001, 'target', 200011, 200300), (500001, 'host', 200012, NULL), (500002, 'image', 200013, 200200),
                 (500002, 'image', 200250, NULL), (500003, 'admin', 200014, NULL), (500004, 'w-perm', 200015, NULL), (500010, 'sign', 200016, NULL),
                 (500011, 'w-plain', 200017, 200018)) AS v(u, p_name, c, r) JOIN permissions p ON p.name = p_name;
INSERT INTO user_groups (user_id, group_id, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500001, 500010, 200020, 1, NULL, NULL, true), (500002, 500010, 200021, 1, 200100, 1, NULL), (500002, 500010, 200150, 1, NULL, NULL, true),
    (500004, 500011, 200022, 1, NULL, NULL, true), (500001, 500011, 200023, 1, 200024, 1, NULL);
INSERT INTO sessions (id, user_id, key, authtype, hostip, callnum, start_time, update_time, closed, expired, exclusive, master) VALUES
    (500001, 500001, 'k1', 0, '127.0.0.1', 5, '2025-01-01', '2025-01-02', false, false, NULL, NULL),
    (500002, 500001, 'k2', 2, '127.0.0.1', NULL, '2025-01-01', '2025-01-02', true, true, NULL, NULL),
    (500003, 500002, 'k3', 1, '10.0.0.1', 0, '2025-01-03', '2025-01-04', false, false, true, NULL),
    (500004, 500002, 'k4', 1, '10.0.0.1', 0, '2025-01-03', '2025-01-04', false, false, NULL, 500003);

-- ---- Channels and hosts ------------------------------------------------------
INSERT INTO channels (id, name, description, enabled, comment) VALUES
    (500001, 'w-channel', 'World''s channel', true, 'comment'), (500002, 'w-disabled', NULL, false, NULL), (500003, 'w-empty', '', true, '');
INSERT INTO host (id, user_id, name, update_time, task_load, ready) VALUES
    (500001, 500021, 'builder1', '2025-03-01 10:00:00.5+00', 1.5, true), (500002, 500022, 'builder2', '2025-03-01 10:00:00+00', 0, false),
    (500003, 500023, 'builder3', NULL, 0.25, true), (500004, 500024, 'builder4', '2024-01-01', 0, false);
INSERT INTO host_config (host_id, arches, capacity, description, comment, enabled, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500001, 'x86_64', 2, NULL, NULL, true, 200030, 1, 200200, 1, NULL), (500001, 'x86_64 i686', 4.5, 'big', 'a host', true, 200200, 1, NULL, NULL, true),
    (500002, 'aarch64', 2, NULL, NULL, true, 200031, 1, 200201, 500001, NULL), (500002, 'aarch64', 2, '', 'off', false, 200201, 500001, NULL, NULL, true),
    (500003, 'x86_64 noarch', 10, 'desc', NULL, true, 200032, 1, NULL, NULL, true), (500004, NULL, 2, NULL, NULL, false, 200033, 1, NULL, NULL, true);
INSERT INTO host_channels (host_id, channel_id, create_event, creator_id, revoke_event, revoker_id, active)
    SELECT h, c.id, e, 1, r, CASE WHEN r IS NULL THEN NULL ELSE 1 END, CASE WHEN r IS NULL THEN true END
    FROM (VALUES (500001, 'default', 200030, NULL), (500001, 'w-channel', 200034, NULL), (500001, 'createrepo', 200035, 200210), (500002, 'default', 200031, 200220),
                 (500002, 'w-channel', 200036, NULL), (500003, 'default', 200032, NULL), (500003, 'w-disabled', 200037, NULL), (500004, 'image', 200033, NULL)) AS v(h, name, e, r)
    JOIN channels c USING (name);

-- ---- Tasks -------------------------------------------------------------------
CREATE FUNCTION pg_temp.s(text) RETURNS text LANGUAGE sql AS $$SELECT '<value><string>' || $1 || E'</string></value>\n'$$;
CREATE FUNCTION pg_temp.i(int) RETURNS text LANGUAGE sql AS $$SELECT '<value><int>' || $1 || E'</int></value>\n'$$;
CREATE FUNCTION pg_temp.st(VARIADIC text[] DEFAULT ARRAY[]::text[]) RETURNS text LANGUAGE sql AS $$
    SELECT E'<value><struct>\n' || coalesce(string_agg('<member>' || E'\n<name>' || $1[k] || E'</name>\n' || $1[k + 1] || E'</member>\n', ''), '') || E'</struct></value>\n'
    FROM generate_series(1, coalesce(array_length($1, 1), 0) - 1, 2) k$$;
CREATE FUNCTION pg_temp.l(VARIADIC text[] DEFAULT ARRAY[]::text[]) RETURNS text LANGUAGE sql AS $$SELECT E'<value><array><data>\n' || array_to_string($1, '') || E'</data></array></value>\n'$$;
CREATE FUNCTION pg_temp.params(VARIADIC text[] DEFAULT ARRAY[]::text[]) RETURNS text LANGUAGE sql AS $$
    SELECT E'<?xml version=''1.0''?>\n<params>\n' || coalesce(string_agg(E'<param>\n' || p || E'</param>\n', ''), '') || E'</params>\n' FROM unnest($1) p$$;
CREATE FUNCTION pg_temp.fault(int, text) RETURNS text LANGUAGE sql AS $$
    SELECT E'<?xml version=''1.0''?>\n<fault>\n' || pg_temp.st('faultCode', pg_temp.i($1), 'faultString', pg_temp.s($2)) || E'</fault>\n'$$;

INSERT INTO task (id, state, create_time, start_time, completion_time, channel_id, host_id, parent, label, waiting, awaited, owner, method, request, result, arch, priority, weight)
SELECT id, state, '2025-02-01 00:00:00+00'::timestamptz + id % 1000 * interval '7 minutes',
       CASE WHEN state IN (1, 2, 5) THEN '2025-02-01 00:00:10.25+00'::timestamptz + id % 1000 * interval '7 minutes' END,
       CASE WHEN state IN (2, 3, 5) THEN '2025-02-01 00:05:00+00'::timestamptz + id % 1000 * interval '7 minutes' END,
       channel, host, parent, label, parent IS NULL AND state = 1, CASE WHEN parent IS NOT NULL THEN state <> 2 END, owner, method, request, result, arch, 20, weight
FROM (VALUES
  (500001, 2, 1, 500001, NULL::int, NULL, 500001, 'build', pg_temp.params(pg_temp.s('git://example.com/w-pkg-01#abc'), pg_temp.s('w-target'), pg_temp.st()), pg_temp.params(pg_temp.i(500001)), 'noarch', 0.2),
  (500002, 2, 1, 500001, 500001, 'srpm', 500001, 'buildSRPMFromSCM', pg_temp.params(pg_temp.s('git://example.com/w-pkg-01#abc'), pg_temp.i(500004), pg_temp.st('repo_id', pg_temp.i(500001), 'scratch', '<value><nil/></value>')), pg_temp.params(pg_temp.st('srpm', pg_temp.s('x.src.rpm'), 'logs', pg_temp.l(pg_temp.s('build.log')))), 'noarch', 1.0),
  (500003, 2, 1, 500001, 500001, 'x86_64', 500001, 'buildArch', pg_temp.params(pg_temp.s('tasks/2/500002/w-pkg-01-1-1.src.rpm'), pg_temp.i(500004), pg_temp.s('x86_64'), '<value><boolean>1</boolean></value>', pg_temp.st('repo_id', pg_temp.i(500001))), pg_temp.params(pg_temp.st('rpms', pg_temp.l())), 'x86_64', 1.5),
  (500004, 2, 1, 500001, 500001, 'tag', 500001, 'tagBuild', pg_temp.params(pg_temp.i(500001), pg_temp.i(500001), '<value><boolean>0</boolean></value>', '<value><nil/></value>', '<value><boolean>1</boolean></value>'), pg_temp.params('<value><nil/></value>'), 'noarch', 1.0),
  (500005, 5, 1, 500001, NULL, NULL, 500002, 'build', pg_temp.params(pg_temp.s('cli-build/1/w-pkg-02-1-1.src.rpm'), pg_temp.s('w-target'), pg_temp.st('scratch', '<value><boolean>1</boolean></value>')), pg_temp.fault(1005, 'error building package (arch x86_64), mock exited with status 1; see build.log or root.log for more information'), 'noarch', 0.2),
  (500006, 5, 1, 500003, 500005, 'x86_64', 500002, 'buildArch', pg_temp.params(pg_temp.s('x.src.rpm'), pg_temp.i(500004), pg_temp.s('x86_64'), '<value><boolean>1</boolean></value>', pg_temp.st()), pg_temp.fault(1005, 'error building package'), 'x86_64', 1.5),
  (500007, 3, 1, NULL, NULL, NULL, 500002, 'build', pg_temp.params(pg_temp.s('x.src.rpm'), '<value><nil/></value>', pg_temp.st()), NULL, 'noarch', 0.2),
  (500008, 0, 1, NULL, NULL, NULL, 500001, 'newRepo', pg_temp.params(pg_temp.s('w-build')), NULL, 'noarch', 0.1),
  (500009, 1, 2, 500001, NULL, NULL, 500005, 'newRepo', pg_temp.params(pg_temp.s('w-build'), pg_temp.st('__starstar', '<value><boolean>1</boolean></value>', 'event', pg_temp.i(200500))), NULL, 'noarch', 0.1),
  (500010, 1, 2, 500001, 500009, 'x86_64', 500005, 'createrepo', pg_temp.params(pg_temp.i(500003), pg_temp.s('x86_64'), '<value><nil/></value>'), NULL, 'noarch', 1.5),
  (500011, 4, 2, 500003, 500009, 'i686', 500005, 'createrepo', pg_temp.params(pg_temp.i(500003), pg_temp.s('i686'), '<value><nil/></value>'), NULL, 'noarch', 1.5),
  (500012, 2, 1, 500003, NULL, NULL, 500004, 'image', pg_temp.params(pg_temp.s('w-image'), pg_temp.s('1'), pg_temp.l(pg_temp.s('x86_64')), pg_temp.s('w-target'), pg_temp.s('http://example.com/tree'), pg_temp.st('ksurl', pg_temp.s('git://ks'))), pg_temp.params(pg_temp.st()), 'noarch', 1.0),
  (500013, 2, 500001, 500002, NULL, NULL, 500001, 'maven', pg_temp.params(pg_temp.s('git://example.com/m'), pg_temp.s('w-target'), pg_temp.st()), pg_temp.params(pg_temp.st()), 'noarch', 0.2),
  (500014, 2, 1, 500002, NULL, NULL, 500001, 'winbuild', pg_temp.params(pg_temp.s('vm'), pg_temp.s('git://example.com/w'), pg_temp.s('w-target')), pg_temp.params(pg_temp.st()), 'noarch', 1.0),
  (500015, 2, 1, 500002, NULL, NULL, 500001, 'distRepo', pg_temp.params(pg_temp.s('w-base'), pg_temp.i(500005), pg_temp.l(pg_temp.s('KEY1')), pg_temp.st('arch', pg_temp.l(pg_temp.s('x86_64')))), pg_temp.params(pg_temp.s('ok')), 'noarch', 1.0),
  (500016, 2, 1, 500001, NULL, NULL, 500001, 'runroot', pg_temp.params(pg_temp.s('w-build'), pg_temp.s('x86_64'), pg_temp.s('echo hi'), pg_temp.st('__starstar', '<value><boolean>1</boolean></value>', 'packages', pg_temp.l())), pg_temp.params(pg_temp.s('0')), 'x86_64', 2.0),
  (500017, 2, 1, 500001, NULL, NULL, 500001, 'waitrepo', pg_temp.params(pg_temp.s('w-build'), '<value><nil/></value>', pg_temp.l(pg_temp.s('w-pkg-01-1-1'))), pg_temp.params(pg_temp.st('id', pg_temp.i(500001))), 'noarch', 0.1),
  (500018, 2, 1, 500001, NULL, NULL, 500001, 'buildNotification', pg_temp.params(pg_temp.l(pg_temp.s('a@example.com')), pg_temp.st('id', pg_temp.i(500001)), '<value><nil/></value>', pg_temp.s('http://web')), pg_temp.params(pg_temp.s('sent notification of build 1')), 'noarch', 0.1),
  (500019, 2, 1, 500001, NULL, NULL, 500001, 'tagNotification', pg_temp.params(pg_temp.l(pg_temp.s('a@example.com')), '<value><boolean>1</boolean></value>', pg_temp.s('w-base'), '<value><nil/></value>', pg_temp.i(500001), pg_temp.s('alice')), pg_temp.params(pg_temp.s('ok')), 'noarch', 0.1),
  (500020, 2, 1, 500001, NULL, NULL, 500002, 'chainbuild', pg_temp.params(pg_temp.l(pg_temp.l(pg_temp.s('git://a')), pg_temp.l(pg_temp.s('git://b'))), pg_temp.s('w-target'), pg_temp.st()), pg_temp.params(pg_temp.l()), 'noarch', 0.2),
  (500021, 2, 1, 500001, NULL, NULL, 500002, 'restart', pg_temp.params(), pg_temp.params(pg_temp.s('restarted')), 'noarch', 1.0),
  (500022, 2, 1, 500001, NULL, NULL, 500002, 'sleep', pg_temp.params(pg_temp.i(5)), pg_temp.params('<value><nil/></value>'), 'noarch', 1.0),
  (500023, 5, 1, 500001, NULL, NULL, 500002, 'shell', pg_temp.params(pg_temp.s('false')), pg_temp.fault(1, 'exceptions.ValueError: bad'), 'noarch', 1.0),
  (500024, 2, 1, 500001, NULL, NULL, 500002, 'wrapperRPM', pg_temp.params(pg_temp.s('git://spec'), pg_temp.st('build_tag', pg_temp.i(500004)), pg_temp.st('id', pg_temp.i(500102)), '<value><nil/></value>', pg_temp.st()), pg_temp.params(pg_temp.st()), 'noarch', 1.5),
  (500025, 2, 1, 500001, NULL, NULL, 500002, 'livecd', pg_temp.params(pg_temp.s('cd'), pg_temp.s('1'), pg_temp.s('x86_64'), pg_temp.s('w-target'), pg_temp.s('ks')), pg_temp.params(pg_temp.st()), 'noarch', 1.0),
  (500026, 2, 1, 500001, NULL, NULL, 500002, 'dependantTask', pg_temp.params(pg_temp.l(pg_temp.i(500022)), pg_temp.l()), pg_temp.params(pg_temp.l()), 'noarch', 1.0),
  (500027, 1, 1, 500003, NULL, NULL, 500001, 'build', pg_temp.params(pg_temp.s('git://example.com/w-pkg-09#head'), pg_temp.s('w-target'), pg_temp.st('skip_tag', '<value><boolean>1</boolean></value>')), NULL, 'noarch', 0.2),
  (500028, 0, 1, NULL, 500027, 'srpm', 500001, 'rebuildSRPM', pg_temp.params(pg_temp.s('cli-build/x.src.rpm'), pg_temp.s('w-build'), pg_temp.st('repo_id', pg_temp.i(500001))), NULL, 'noarch', 1.0),
  (500029, 0, 500002, NULL, NULL, NULL, 500002, 'vmExec', pg_temp.params(pg_temp.s('vm'), pg_temp.l(), pg_temp.st()), NULL, 'x86_64', 3.0),
  (500030, 3, 1, NULL, NULL, NULL, 500003, 'unknownMethod', pg_temp.params(pg_temp.s('ü &amp; é'), '<value><double>1.5</double></value>', '<value><base64>aGk=</base64></value>'), pg_temp.fault(1000, 'was canceled'), 'noarch', 1.0)
) AS t(id, state, channel, host, parent, label, owner, method, request, result, arch, weight);
INSERT INTO scheduler_task_runs (id, task_id, host_id, active, create_time) VALUES
    (500001, 500003, 500001, false, '2025-02-02'), (500002, 500010, 500001, true, '2025-02-03'), (500003, 500011, 500003, true, '2025-02-04');
INSERT INTO scheduler_task_refusals (id, task_id, host_id, by_host, soft, msg, time) VALUES
    (500001, 500008, 500002, true, false, 'no space', '2025-02-02'), (500002, 500008, 500003, false, true, NULL, '2025-02-03'), (500003, 500028, 500002, true, true, 'soft', '2025-02-04');
INSERT INTO scheduler_log_messages (id, task_id, host_id, msg_time, msg) VALUES
    (500001, 500008, NULL, '2025-02-02 01:02:03.5+00', 'task'), (500002, 500008, 500002, '2025-02-03', 'both'), (500003, NULL, 500001, '2025-02-04', 'host'), (500004, NULL, NULL, '2025-02-05', 'none');
INSERT INTO scheduler_host_data (host_id, data) VALUES (500001, '{"methods": ["build", "newRepo"], "n": 1.5}'), (500002, '{}'), (500003, NULL);
INSERT INTO scheduler_sys_data (name, data) VALUES ('w-data', '[1, {"a": null}]');

-- ---- Packages and builds -----------------------------------------------------
INSERT INTO volume (id, name) VALUES (500001, 'w-volume');
INSERT INTO btype (id, name) VALUES (500001, 'w-type');
INSERT INTO content_generator (id, name) VALUES (500001, 'w-cg'), (500002, 'w-cg2');
INSERT INTO cg_users (cg_id, user_id, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500001, 500001, 200040, 1, NULL, NULL, true), (500001, 500002, 200041, 1, 200140, 1, NULL), (500002, 500004, 200042, 1, NULL, NULL, true);
INSERT INTO package (id, name) SELECT 500000 + i, 'w-pkg-' || lpad(i::text, 2, '0') FROM generate_series(1, 30) i;
INSERT INTO package (id, name) VALUES (500050, 'org.example-w-maven'), (500051, 'w-win'), (500052, 'w-image'), (500053, 'w-custom'), (500054, 'w-nothing'), (500055, 'W+odd_name.x'),
    (500056, 'foo'), (500057, 'baz');

-- Five builds of each package: 500000 + 5 * (package - 1) + version.
INSERT INTO build (id, volume_id, pkg_id, version, release, epoch, draft, source, create_event, start_time, completion_time, state, task_id, owner, cg_id, extra)
SELECT 500000 + 5 * (p - 1) + v, CASE WHEN p % 10 = 3 THEN 500001 ELSE 0 END, 500000 + p, v::text, CASE v WHEN 2 THEN '1.fc40' ELSE '1' END,
       CASE WHEN p % 4 = 1 THEN v % 2 END, false, CASE WHEN v = 1 THEN 'git://example.com/w-pkg#' || p WHEN v = 3 THEN '' END, 200050 + 5 * p + v,
       CASE WHEN v <> 4 THEN '2025-01-05 00:00:00+00'::timestamptz + (5 * p + v) * interval '1 hour' END,
       CASE WHEN s <> 0 THEN '2025-01-05 00:30:00.75+00'::timestamptz + (5 * p + (v * 3) % 5) * interval '1 hour' END,
       s, CASE WHEN v = 1 AND p <= 2 THEN 500001 + 4 * (p - 1) END, 500001 + p % 4, CASE WHEN p = 7 THEN 500001 END,
       CASE WHEN v = 2 THEN '{"source": {"original_url": "git://o"}, "n": ' || p || ', "typeinfo": {"rpm": {}}}' END
FROM generate_series(1, 30) p, generate_series(1, 5) v, LATERAL (SELECT CASE WHEN v = 5 THEN p % 5 ELSE 1 END AS s) x;
INSERT INTO build_types (build_id, btype_id) SELECT b.id, t.id FROM build b, btype t WHERE b.id BETWEEN 500001 AND 500150 AND t.name = 'rpm';
-- Builds of other types.
INSERT INTO build (id, volume_id, pkg_id, version, release, epoch, draft, source, create_event, start_time, completion_time, promotion_time, promoter, state, task_id, owner, cg_id, extra) VALUES
    (500201, 0, 500050, '1.0', '1', NULL, false, NULL, 200310, '2025-01-20', '2025-01-20 01:00+00', NULL, NULL, 1, 500013, 500001, NULL, NULL),
    (500202, 0, 500051, '2.0', '1', NULL, false, NULL, 200311, NULL, '2025-01-21', NULL, NULL, 1, 500014, 500001, NULL, NULL),
    (500203, 0, 500052, '3.0', '1', NULL, false, NULL, 200312, NULL, '2025-01-22', NULL, NULL, 1, 500012, 500004, NULL, '{"image": {"a": [1, 2]}}'),
    (500204, 500001, 500053, '4.0', '1', 7, false, NULL, 200313, NULL, '2025-01-23', NULL, NULL, 1, NULL, 500002, 500001, '{"typeinfo": {"w-type": {"x": 1}}}'),
    (500205, 0, 500001, '9', '1,draft_500205', NULL, true, NULL, 200314, '2025-01-24', '2025-01-24 01:00+00', NULL, NULL, 1, NULL, 500001, NULL, NULL),
    (500206, 0, 500001, '9', '1,draft_500206', NULL, true, NULL, 200315, '2025-01-24', NULL, NULL, NULL, 0, 500027, 500001, NULL, NULL),
    (500207, 0, 500002, '9', '1', NULL, false, NULL, 200316, '2025-01-25', '2025-01-25 01:00+00', '2025-01-26', 500002, 1, NULL, 500001, NULL, NULL),
    (500208, 0, 500050, '1.1', '1', NULL, false, NULL, 200317, NULL, '2025-01-26', NULL, NULL, 1, NULL, 500001, NULL, NULL),
    (500209, 0, 500053, '5.0', '1', NULL, false, NULL, 200318, NULL, NULL, NULL, NULL, 0, NULL, 500001, 500001, NULL);
INSERT INTO build_types (build_id, btype_id) SELECT b, t.id FROM (VALUES (500201, 'maven'), (500202, 'win'), (500203, 'image'), (500203, 'rpm'), (500204, 'w-type'), (500205, 'rpm'), (500207, 'rpm'),
    (500208, 'maven')) AS v(b, name) JOIN btype t USING (name);
INSERT INTO maven_builds (build_id, group_id, artifact_id, version) VALUES (500201, 'org.example', 'w-maven', '1.0'), (500208, 'org.example', 'w-maven', '1.1');
INSERT INTO win_builds (build_id, platform) VALUES (500202, 'w-platform');
INSERT INTO image_builds (build_id) VALUES (500203);
INSERT INTO build_reservations (build_id, token, created) VALUES (500209, 'token', '2025-01-27');
-- Those whose files are there.
INSERT INTO build (id, volume_id, pkg_id, version, release, draft, create_event, start_time, completion_time, state, owner) VALUES
    (500301, 0, 500056, '1.0', '1', false, 200320, '2025-01-28', '2025-01-28 01:00+00', 1, 500001), (500302, 0, 500056, '1.1', '1', false, 200321, '2025-01-29', '2025-01-29 01:00+00', 1, 500001),
    (500303, 0, 500057, '0.9', '1', false, 200322, '2025-01-30', '2025-01-30 01:00+00', 1, 500002);
INSERT INTO build_types (build_id, btype_id) SELECT b, t.id FROM generate_series(500301, 500303) b, btype t WHERE t.name = 'rpm';

-- ---- Tags --------------------------------------------------------------------
INSERT INTO tag (id, name) VALUES (500001, 'w-base'), (500002, 'w-updates'), (500003, 'w-testing'), (500004, 'w-build'), (500005, 'w-ext'), (500006, 'w-locked'), (500007, 'w-deleted'),
    (500008, 'w-maven'), (500009, 'w-build-side-500009'), (500010, 'w-diamond'), (500011, 'w-perm'), (500012, 'w-empty'), (500013, 'w-cycle-a'), (500014, 'w-late'), (500015, 'w-nocfg');
INSERT INTO tag_config (tag_id, arches, perm_id, locked, maven_support, maven_include_all, create_event, creator_id, revoke_event, revoker_id, active)
SELECT t, arches, (SELECT id FROM permissions WHERE name = perm), locked, maven, maven, c, 1, r, CASE WHEN r IS NULL THEN NULL ELSE 1 END, CASE WHEN r IS NULL THEN true END
FROM (VALUES (500001, 'x86_64', NULL, false, false, 200250, 200400), (500001, 'x86_64 i686', NULL, false, false, 200400, NULL), (500002, NULL, NULL, false, false, 200251, NULL), (500003, '', NULL, false, false, 200252, NULL),
    (500004, 'x86_64 i686 aarch64', NULL, false, true, 200253, NULL), (500005, 'x86_64', NULL, false, false, 200254, NULL), (500006, 'x86_64', NULL, true, false, 200255, NULL),
    (500007, 'x86_64', 'admin', false, false, 200256, 200450), (500008, 'x86_64', NULL, false, true, 200257, NULL), (500009, 'x86_64', NULL, false, false, 200258, NULL), (500010, NULL, NULL, false, false, 200259, NULL),
    (500011, 'x86_64', 'w-perm', false, false, 200260, NULL), (500012, NULL, NULL, false, false, 200261, NULL), (500013, 'x86_64', NULL, false, false, 200262, NULL), (500014, 'x86_64', 'tag', false, false, 200700, NULL))
    AS v(t, arches, perm, locked, maven, c, r);
INSERT INTO tag_extra (tag_id, key, value, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500001, 'mock.package_manager', '"dnf"', 200270, 1, NULL, NULL, true), (500001, 'rpm.macro.dist', '".w40"', 200271, 1, 200410, 1, NULL), (500001, 'rpm.macro.dist', '".w41"', 200410, 1, NULL, NULL, true),
    (500001, 'mock.new_chroot', '0', 200272, 1, NULL, NULL, true), (500002, 'mock.package_manager', NULL, 200273, 1, NULL, NULL, true), (500002, 'list', '[1, "a", {"b": null}]', 200274, 1, NULL, NULL, true),
    (500003, 'rpm.env.A', '"ü"', 200275, 1, NULL, NULL, true), (500004, 'repo.auto', 'true', 200276, 1, NULL, NULL, true), (500004, 'float', '1.5', 200277, 1, NULL, NULL, true), (500004, 'big', '12345678901', 200278, 1, NULL, NULL, true),
    (500009, 'sidetag', 'true', 200279, 1, NULL, NULL, true), (500009, 'sidetag_user', '"alice"', 200280, 1, NULL, NULL, true), (500009, 'sidetag_user_id', '500001', 200281, 1, NULL, NULL, true),
    (500010, 'gone', '1', 200282, 1, 200283, 1, NULL), (500010, 'null', 'null', 200284, 1, NULL, NULL, true), (500010, 'empty', '{}', 200285, 1, NULL, NULL, true);
INSERT INTO tag_inheritance (tag_id, parent_id, priority, maxdepth, intransitive, noconfig, pkg_filter, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500002, 500001, 0, NULL, false, false, '', 200290, 1, NULL, NULL, true), (500003, 500002, 0, NULL, false, false, NULL, 200291, 1, NULL, NULL, true), (500004, 500003, 0, NULL, false, false, '', 200292, 1, NULL, NULL, true),
    (500004, 500005, 10, 1, true, false, '', 200293, 1, NULL, NULL, true), (500009, 500004, 0, NULL, false, false, '', 200294, 1, NULL, NULL, true), (500010, 500002, 0, 0, false, true, '', 200295, 1, NULL, NULL, true),
    (500010, 500005, 5, NULL, false, false, '^w-pkg-0[1-5]$', 200296, 1, NULL, NULL, true), (500010, 500001, 7, NULL, true, false, '', 200297, 1, NULL, NULL, true), (500005, 500001, 3, NULL, false, false, '', 200298, 1, 200420, 1, NULL),
    (500005, 500011, 3, NULL, true, false, 'w-.*', 200420, 1, NULL, NULL, true), (500014, 500010, 1, 2, false, false, '', 200701, 1, NULL, NULL, true), (500013, 500014, 0, NULL, false, true, '', 200702, 1, NULL, NULL, true);
INSERT INTO tag_packages (package_id, tag_id, blocked, extra_arches, create_event, creator_id)
    SELECT 500000 + p, 500001, p = 20, CASE WHEN p % 7 = 0 THEN 'i686 s390x' END, 200330 + p, 1 FROM generate_series(1, 25) p;
INSERT INTO tag_packages (package_id, tag_id, blocked, extra_arches, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500026, 500001, false, NULL, 200360, 1, 200430, 2, NULL), (500002, 500002, true, '', 200361, 1, NULL, NULL, true), (500003, 500002, false, NULL, 200362, 1, 200431, 1, NULL), (500003, 500002, true, NULL, 200431, 1, NULL, NULL, true),
    (500026, 500005, false, NULL, 200363, 1, NULL, NULL, true), (500001, 500005, false, 'ppc64le', 200364, 1, NULL, NULL, true), (500002, 500005, false, NULL, 200365, 1, NULL, NULL, true), (500004, 500003, true, NULL, 200366, 1, NULL, NULL, true),
    (500050, 500008, false, NULL, 200367, 1, NULL, NULL, true), (500051, 500001, false, NULL, 200368, 1, NULL, NULL, true), (500052, 500001, false, NULL, 200369, 1, NULL, NULL, true), (500053, 500001, false, NULL, 200370, 1, NULL, NULL, true),
    (500056, 500001, false, NULL, 200371, 1, NULL, NULL, true), (500057, 500001, false, NULL, 200372, 1, NULL, NULL, true), (500001, 500009, false, NULL, 200373, 1, NULL, NULL, true), (500050, 500001, false, NULL, 200374, 1, NULL, NULL, true),
    (500007, 500011, false, NULL, 200375, 1, NULL, NULL, true), (500005, 500006, false, NULL, 200376, 1, NULL, NULL, true), (500006, 500007, false, NULL, 200377, 1, 200450, 1, NULL);
INSERT INTO tag_package_owners (package_id, tag_id, owner, create_event, creator_id, revoke_event, revoker_id, active)
    SELECT package_id, tag_id, 500001 + package_id % 3, create_event, creator_id, revoke_event, revoker_id, active FROM tag_packages WHERE package_id > 500000 AND (package_id, tag_id) <> (500005, 500001);
INSERT INTO tag_package_owners (package_id, tag_id, owner, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500005, 500001, 500001, 200335, 1, 200440, 2, NULL), (500005, 500001, 500002, 200440, 2, NULL, NULL, true);
INSERT INTO tag_listing (build_id, tag_id, create_event, creator_id) SELECT 500000 + 5 * (p - 1) + 1, 500001, 200500 + p, 500001 FROM generate_series(1, 25) p;
INSERT INTO tag_listing (build_id, tag_id, create_event, creator_id) SELECT 500000 + 5 * (p - 1) + 2, 500002, 200530 + p, 500002 FROM generate_series(1, 10) p;
INSERT INTO tag_listing (build_id, tag_id, create_event, creator_id, revoke_event, revoker_id, active) SELECT 500000 + 5 * (p - 1) + 3, 500002, 200550 + p, 1, 200600 + p, 1, NULL FROM generate_series(1, 5) p;
INSERT INTO tag_listing (build_id, tag_id, create_event, creator_id) SELECT 500000 + 5 * (p - 1) + 3, 500003, 200620 + p, 1 FROM generate_series(1, 4) p;
INSERT INTO tag_listing (build_id, tag_id, create_event, creator_id) VALUES
    (500004, 500003, 200630, 1), (500003, 500005, 200631, 1), (500129, 500005, 200632, 1), (500201, 500008, 200633, 1), (500201, 500001, 200634, 1), (500208, 500008, 200635, 1), (500202, 500001, 200636, 1), (500203, 500001, 200637, 1),
    (500204, 500001, 200638, 1), (500205, 500009, 200639, 500001), (500207, 500001, 200640, 1), (500301, 500001, 200641, 1), (500302, 500001, 200642, 1), (500303, 500001, 200643, 1), (500031, 500011, 200644, 1), (500021, 500006, 200645, 1),
    (500002, 500001, 200646, 1);
INSERT INTO tag_listing (build_id, tag_id, create_event, creator_id, revoke_event, revoker_id, active) VALUES (500026, 500007, 200440, 1, 200450, 1, NULL);
INSERT INTO tag_updates (id, tag_id, update_event, updater_id, update_type) VALUES (500001, 500001, 200710, 1, 1), (500002, 500004, 200711, 1, 1), (500003, 500001, 200712, 500001, 2);
INSERT INTO build_target (id, name) VALUES (500001, 'w-target'), (500002, 'w-target2'), (500003, 'w-gone');
INSERT INTO build_target_config (build_target_id, build_tag, dest_tag, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500001, 500004, 500003, 200380, 1, 200480, 1, NULL), (500001, 500004, 500001, 200480, 1, NULL, NULL, true), (500002, 500009, 500009, 200381, 1, NULL, NULL, true), (500003, 500004, 500001, 200382, 1, 200481, 1, NULL);
INSERT INTO groups (id, name) VALUES (500001, 'w-build-group'), (500002, 'w-srpm-group'), (500003, 'w-core');
INSERT INTO group_config (group_id, tag_id, blocked, exported, display_name, is_default, uservisible, description, langonly, biarchonly, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500001, 500001, false, true, 'Build', NULL, true, 'd', NULL, false, 200390, 1, NULL, NULL, true), (500002, 500001, false, true, 'srpm', true, true, NULL, 'de', true, 200391, 1, NULL, NULL, true),
    (500003, 500001, false, false, 'core', NULL, false, NULL, NULL, false, 200392, 1, 200490, 1, NULL), (500003, 500002, false, true, 'core2', NULL, NULL, NULL, NULL, NULL, 200393, 1, NULL, NULL, true),
    (500002, 500003, true, true, 'srpm', NULL, true, NULL, NULL, NULL, 200394, 1, NULL, NULL, true);
INSERT INTO group_req_listing (group_id, tag_id, req_id, blocked, type, is_metapkg, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500001, 500001, 500002, false, 'mandatory', false, 200395, 1, NULL, NULL, true), (500001, 500002, 500003, false, NULL, true, 200396, 1, NULL, NULL, true), (500001, 500003, 500003, true, 'optional', false, 200397, 1, NULL, NULL, true),
    (500002, 500001, 500001, false, 'mandatory', false, 200398, 1, 200491, 1, NULL);
INSERT INTO group_package_listing (group_id, tag_id, package, blocked, type, basearchonly, requires, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500001, 500001, 'bash', false, 'mandatory', NULL, NULL, 200395, 1, NULL, NULL, true), (500001, 500001, 'gcc', false, 'default', true, 'glibc', 200395, 1, NULL, NULL, true), (500001, 500002, 'gcc', true, 'mandatory', NULL, NULL, 200399, 1, NULL, NULL, true),
    (500002, 500001, 'rpm-build', false, 'mandatory', NULL, NULL, 200395, 1, 200492, 1, NULL), (500002, 500001, 'rpm-build', false, 'optional', NULL, NULL, 200492, 1, NULL, NULL, true), (500003, 500002, 'x', false, 'mandatory', false, '', 200396, 1, NULL, NULL, true);

-- ---- Repositories ------------------------------------------------------------
INSERT INTO repo (id, creation_time, create_event, state_time, begin_event, end_event, tag_id, state, dist, opts, custom_opts, task_id) VALUES
    (500001, '2025-02-10', 200650, '2025-02-10 01:00+00', 200646, NULL, 500004, 1, false, '{"src": false, "debuginfo": false, "separate_src": false, "maven": false}', '{}', 500001),
    (500002, '2025-02-09', 200600, '2025-02-11', 200590, 200646, 500004, 2, false, '{"src": true, "debuginfo": false, "separate_src": false, "maven": false}', '{"src": true}', NULL),
    (500003, '2025-02-12', 200720, '2025-02-12', NULL, NULL, 500004, 0, false, NULL, NULL, 500009), (500004, '2025-01-01', 200300, '2025-01-05', NULL, NULL, 500001, 3, false, NULL, NULL, NULL),
    (500005, '2025-02-13', 200721, '2025-02-13', NULL, NULL, 500001, 1, true, NULL, NULL, 500015), (500006, '2025-02-14', 200722, '2025-02-14', NULL, NULL, 500002, 4, false, NULL, NULL, NULL),
    (500007, '2025-02-15', 200723, '2025-02-15', NULL, NULL, 500001, 2, true, NULL, NULL, NULL), (500008, '2025-02-16', 200724, '2025-02-16', 200720, NULL, 500004, 1, false, '{"src": false, "debuginfo": true, "separate_src": false, "maven": false}', '{"debuginfo": true}', NULL);
INSERT INTO repo_queue (id, create_time, owner, priority, tag_id, at_event, min_event, opts, update_time, active, task_id, tries, repo_id) VALUES
    (500001, '2025-02-10', 500001, 15, 500004, NULL, 200640, '{}', '2025-02-10 02:00+00', false, 500009, 1, 500001), (500002, '2025-02-17', 500005, 20, 500002, 200600, NULL, '{"src": true}', '2025-02-17', true, NULL, 0, NULL),
    (500003, '2025-02-18', 500002, 5, 500004, NULL, 200800, '{}', '2025-02-18', true, 500008, 3, NULL);
INSERT INTO external_repo (id, name) VALUES (500001, 'w-erepo'), (500002, 'w-erepo2'), (500003, 'w-gone');
INSERT INTO external_repo_config (external_repo_id, url, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500001, 'http://example.com/a/', 200730, 1, 200740, 1, NULL), (500001, 'http://example.com/b/$arch/', 200740, 1, NULL, NULL, true), (500002, 'http://example.com/c/', 200731, 1, NULL, NULL, true), (500003, 'http://example.com/d/', 200732, 1, 200741, 1, NULL);
INSERT INTO external_repo_data (external_repo_id, data, create_event, creator_id) VALUES (500001, '{"max_ts": {"x86_64": 1700000000}}', 200733, 1);
INSERT INTO tag_external_repos (tag_id, external_repo_id, priority, merge_mode, arches, create_event, creator_id, revoke_event, revoker_id, active) VALUES
    (500001, 500001, 5, 'koji', NULL, 200734, 1, NULL, NULL, true), (500001, 500002, 10, 'bare', 'x86_64', 200735, 1, NULL, NULL, true), (500004, 500002, 3, 'simple', NULL, 200736, 1, NULL, NULL, true), (500003, 500003, 1, 'koji', '', 200737, 1, 200741, 1, NULL),
    (500010, 500001, 7, 'koji', NULL, 200738, 1, NULL, NULL, true);

-- ---- Buildroots, RPMs, archives ----------------------------------------------
INSERT INTO buildroot (id, br_type, cg_id, cg_version, container_type, container_arch, host_os, host_arch, extra) VALUES
    (500001, 0, NULL, NULL, 'chroot', 'x86_64', NULL, NULL, NULL), (500002, 0, NULL, NULL, 'chroot', 'i386', NULL, NULL, NULL), (500003, 0, NULL, NULL, 'chroot', 'x86_64', NULL, NULL, NULL),
    (500004, 1, 500001, '1.2', 'docker', 'x86_64', 'Linux', 'x86_64', '{"a": 1}'), (500005, 1, 500002, '0', NULL, NULL, NULL, NULL, NULL);
INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, create_event, retire_event, state) VALUES
    (500001, 500001, 500001, 500003, 200750, 200760, 3), (500002, 500001, 500002, 500006, 200751, NULL, 1), (500003, 500003, 500001, 500016, 200752, NULL, 0);
INSERT INTO buildroot_tools_info (buildroot_id, tool, version) VALUES (500004, 'w-tool', '1.0'), (500004, 'other', '2');
INSERT INTO rpminfo (id, build_id, buildroot_id, name, version, release, epoch, arch, draft, external_repo_id, payloadhash, size, buildtime, metadata_only, extra)
SELECT 500000 + 4 * (b.id - 500001) + k, b.id, CASE WHEN b.id % 5 = 1 THEN 500001 WHEN b.id % 7 = 0 THEN 500004 END, p.name || (ARRAY['', '', '-devel', '-debuginfo'])[k], b.version, b.release, b.epoch,
       (ARRAY['src', 'x86_64', 'i686', 'x86_64'])[k], b.draft, 0, md5('w' || b.id || '/' || k), 1000 + (b.id * 31 + k) % 90000 + CASE WHEN b.id = 500011 THEN 5000000000 ELSE 0 END, 1704067200 + b.id % 100000, k = 4 AND b.id % 3 = 0,
       CASE WHEN k = 2 AND b.id % 5 = 2 THEN '{"a": "b", "c": [1]}' END
FROM build b JOIN package p ON p.id = b.pkg_id, generate_series(1, 4) k WHERE (b.id BETWEEN 500001 AND 500150 OR b.id IN (500205, 500207)) AND b.state = 1;
INSERT INTO rpminfo (id, build_id, name, version, release, epoch, arch, draft, external_repo_id, payloadhash, size, buildtime) VALUES
    (501001, NULL, 'bash', '5', '1', NULL, 'x86_64', NULL, 500001, 'aa', 100, 1700000000), (501002, NULL, 'bash', '5', '1', NULL, 'x86_64', NULL, 500002, 'bb', 100, 1700000000), (501003, NULL, 'glibc', '2', '1', 1, 'x86_64', NULL, 500001, 'cc', 100, 1700000000),
    (501011, 500301, 'foo', '1.0', '1', NULL, 'src', false, 0, 'd1', 1, 1), (501012, 500301, 'foo', '1.0', '1', NULL, 'x86_64', false, 0, 'd2', 1, 1), (501013, 500301, 'foo-devel', '1.0', '1', NULL, 'x86_64', false, 0, 'd3', 1, 1),
    (501014, 500302, 'foo', '1.1', '1', NULL, 'src', false, 0, 'd4', 1, 1), (501015, 500302, 'foo', '1.1', '1', NULL, 'x86_64', false, 0, 'd5', 1, 1), (501016, 500303, 'baz', '0.9', '1', NULL, 'src', false, 0, 'd6', 1, 1),
    (501017, 500303, 'baz', '0.9', '1', NULL, 'noarch', false, 0, 'd7', 1, 1), (501018, 500303, 'baz-devel', '0.9', '1', NULL, 'noarch', false, 0, 'd8', 1, 1);
INSERT INTO rpmsigs (rpm_id, sigkey, sighash) SELECT id, '', md5('s' || id) FROM rpminfo WHERE build_id > 500000;
INSERT INTO rpmsigs (rpm_id, sigkey, sighash) SELECT id, 'abcd1234', md5('t' || id) FROM rpminfo WHERE id BETWEEN 500001 AND 500050 AND id % 2 = 0;
INSERT INTO rpm_checksum (rpm_id, sigkey, checksum, checksum_type) SELECT id, k, md5(k || id || t), t FROM rpminfo, unnest(ARRAY['', 'abcd1234']) k, generate_series(0, 2, 2) t WHERE id BETWEEN 500001 AND 500010;
INSERT INTO buildroot_listing (buildroot_id, rpm_id, is_update) SELECT br, id, id % 3 = 0 FROM rpminfo, generate_series(500001, 500002) br WHERE id BETWEEN 500002 AND 500022 AND arch <> 'src' AND NOT (br = 500002 AND id % 2 = 0);
INSERT INTO buildroot_listing (buildroot_id, rpm_id) VALUES (500001, 501001), (500002, 501003), (500004, 500002);
INSERT INTO archiveinfo (id, type_id, btype_id, build_id, buildroot_id, filename, size, checksum, checksum_type, metadata_only, extra)
SELECT v.id, t.id, (SELECT id FROM btype WHERE name = b), v.build, v.br, f, size, md5(f), ct, v.meta, v.extra
FROM (VALUES (500001, 'jar', 'maven', 500201, NULL::int, 'w-maven-1.0.jar', 1000::bigint, 0, false, NULL), (500002, 'pom', 'maven', 500201, 500003, 'w-maven-1.0.pom', 10, 1, false, NULL), (500003, 'exe', 'win', 500202, NULL, 'w.exe', 2000, 0, false, NULL),
    (500004, 'qcow2', 'image', 500203, 500004, 'w-image-3.0.qcow2', 6000000000, 2, false, '{"image": {"arch": "x86_64"}}'), (500005, 'raw-xz', 'image', 500203, 500004, 'w-image-3.0.raw.xz', 30, 0, true, NULL),
    (500006, 'tar', 'w-type', 500204, 500005, 'w-custom.tar.gz', 40, 0, false, '{}'), (500007, 'jar', 'maven', 500208, NULL, 'w-maven-1.1.jar', 1100, 0, false, NULL), (500008, 'zip', 'w-type', 500204, NULL, 'w-custom.zip', 41, 0, false, NULL))
    AS v(id, type, b, build, br, f, size, ct, meta, extra) JOIN archivetypes t ON t.name = v.type;
INSERT INTO maven_archives (archive_id, group_id, artifact_id, version) VALUES (500001, 'org.example', 'w-maven', '1.0'), (500002, 'org.example', 'w-maven', '1.0'), (500007, 'org.example', 'w-maven', '1.1');
INSERT INTO win_archives (archive_id, relpath, platforms, flags) VALUES (500003, 'bin', 'x86 x64', 'debug');
INSERT INTO image_archives (archive_id, arch) VALUES (500004, 'x86_64'), (500005, 'x86_64');
INSERT INTO archive_components (archive_id, component_id) VALUES (500004, 500006), (500004, 500001);
INSERT INTO archive_rpm_components (archive_id, rpm_id) SELECT 500004, id FROM rpminfo WHERE id BETWEEN 500002 AND 500012;
INSERT INTO archive_rpm_components (archive_id, rpm_id) VALUES (500005, 501001);
INSERT INTO buildroot_archives (buildroot_id, archive_id, project_dep) VALUES (500003, 500001, true), (500004, 500007, false), (500004, 500003, false);

-- ---- Notifications -----------------------------------------------------------
INSERT INTO build_notifications (id, user_id, package_id, tag_id, success_only, email) VALUES
    (500001, 500001, NULL, NULL, false, 'alice@example.com'), (500002, 500001, 500001, 500001, true, 'alice@example.com'), (500003, 500002, 500002, NULL, false, 'bob@example.com'), (500004, 2, NULL, 500001, false, 'lab@example.com');
INSERT INTO build_notifications_block (id, user_id, package_id, tag_id) VALUES (500001, 500001, 500003, NULL), (500002, 500002, NULL, NULL), (500003, 2, 500001, 500002);

SELECT setval(s, 600000) FROM unnest(ARRAY['events_id_seq', 'users_id_seq', 'permissions_id_seq', 'sessions_id_seq', 'channels_id_seq', 'host_id_seq', 'task_id_seq', 'package_id_seq', 'volume_id_seq', 'content_generator_id_seq',
    'build_id_seq', 'btype_id_seq', 'tag_id_seq', 'tag_updates_id_seq', 'build_target_id_seq', 'groups_id_seq', 'repo_id_seq', 'repo_queue_id_seq', 'external_repo_id_seq', 'buildroot_id_seq', 'rpminfo_id_seq', 'archiveinfo_id_seq',
    'build_notifications_id_seq', 'build_notifications_block_id_seq', 'scheduler_log_messages_id_seq', 'scheduler_task_runs_id_seq', 'scheduler_task_refusals_id_seq']) s;
COMMIT;
ANALYZE;
