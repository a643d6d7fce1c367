-- Builds and tasks that never were, made by :owner at :event.
--
--   packages    bench-00001 ...               2000 * :scale, 5 builds each, 4 RPMs per build
--   tasks       build and buildArch           2 per build; all have ended
--   tags        bench-t0 <- ... <- bench-t5   t0 has 1000 builds, all 1000 packages of its list in version 1;
--                                             each tag above it 200 fewer in the next version; t5 has none
--               bench-x001 ... 200            empty
--               bench-big                     the latest build of every package
--
--   user        bench-user                with the password bench, stored as Koji does
--
-- Ids begin at a million, so that those of real rows come before.
INSERT INTO users (id, name, password, status, usertype) VALUES (1000000, 'bench-user', 'bench', 0, 0);
INSERT INTO package (id, name)
SELECT 1000000 + p, 'bench-' || lpad(p::text, 5, '0') FROM generate_series(1, 2000 * :scale) p;

INSERT INTO task (id, state, create_time, start_time, completion_time, channel_id, parent, label, waiting, awaited,
	owner, method, request, result, arch, priority, weight)
SELECT 1000000 + 2 * b + k, CASE WHEN b % 20 = 0 THEN 5 WHEN b % 33 = 0 THEN 3 ELSE 2 END,
	made, made + interval '5 seconds', made + interval '5 minutes', 1,
	CASE k WHEN 1 THEN 1000000 + 2 * b END, CASE k WHEN 1 THEN 'x86_64' END, false, CASE k WHEN 1 THEN false END,
	:owner, CASE k WHEN 0 THEN 'build' ELSE 'buildArch' END,
	CASE k WHEN 0 THEN E'<?xml version=\'1.0\'?>\n<params>\n<param>\n<value><string>git://example.com/bench#' || b
			|| E'</string></value>\n</param>\n<param>\n<value><string>bench</string></value>\n</param>\n<param>\n<value><struct>\n</struct></value>\n</param>\n</params>\n'
		ELSE E'<?xml version=\'1.0\'?>\n<params>\n<param>\n<value><string>tasks/1/bench.src.rpm</string></value>\n</param>\n<param>\n<value><int>1</int></value>\n</param>\n<param>\n<value><string>x86_64</string></value>\n</param>\n</params>\n' END,
	E'<?xml version=\'1.0\'?>\n<params>\n<param>\n<value><nil/></value></param>\n</params>\n',
	CASE k WHEN 0 THEN 'noarch' ELSE 'x86_64' END, 20 - k, 0.2 + 1.3 * k
FROM generate_series(1, 10000 * :scale) b, generate_series(0, 1) k,
	LATERAL (SELECT timestamptz '2024-01-01 00:00:00+00' + b * interval '1 minute' AS made) t;

INSERT INTO build (id, volume_id, pkg_id, version, release, draft, source, create_event, start_time, completion_time, state, task_id, owner)
SELECT 1000000 + b, 0, 1000001 + (b - 1) / 5, ((b - 1) % 5 + 1)::text, '1', false, 'git://example.com/bench#' || b, :event,
	t.start_time, t.completion_time, 1, t.id, :owner
FROM generate_series(1, 10000 * :scale) b JOIN task t ON t.id = 1000000 + 2 * b;
INSERT INTO build_types (build_id, btype_id) SELECT b.id, t.id FROM build b, btype t WHERE b.id > 1000000 AND t.name = 'rpm';

INSERT INTO rpminfo (id, build_id, name, version, release, arch, draft, external_repo_id, payloadhash, size, buildtime)
SELECT 1000000 + 4 * (b.id - 1000000) + k, b.id, p.name || (ARRAY['', '', '-devel', '-libs'])[k], b.version, b.release,
	CASE k WHEN 1 THEN 'src' ELSE 'x86_64' END, false, 0, md5(b.id || '/' || k), 10000 + (b.id * 31 + k) % 900000, 1704067200 + b.id % 1000000
FROM build b JOIN package p ON p.id = b.pkg_id, generate_series(1, 4) k WHERE b.id > 1000000;

INSERT INTO tag (id, name) SELECT 1000000 + i, 'bench-t' || i FROM generate_series(0, 5) i;
INSERT INTO tag (id, name) SELECT 1000100 + i, 'bench-x' || lpad(i::text, 3, '0') FROM generate_series(1, 200) i;
INSERT INTO tag_config (tag_id, arches, create_event, creator_id) SELECT id, 'x86_64', :event, :owner FROM tag WHERE id >= 1000000;
INSERT INTO tag_inheritance (tag_id, parent_id, priority, create_event, creator_id)
SELECT 1000000 + i, 1000000 + i - 1, 0, :event, :owner FROM generate_series(1, 5) i;
INSERT INTO tag_packages (package_id, tag_id, create_event, creator_id) SELECT 1000000 + p, 1000000, :event, :owner FROM generate_series(1, 1000) p;
INSERT INTO tag_package_owners (package_id, tag_id, owner, create_event, creator_id)
SELECT 1000000 + p, 1000000, :owner, :event, :owner FROM generate_series(1, 1000) p;
INSERT INTO tag_listing (build_id, tag_id, create_event, creator_id)
SELECT 1000000 + 5 * (p - 1) + level + 1, 1000000 + level, :event, :owner
FROM generate_series(0, 4) level, generate_series(1, 1000) p WHERE p <= 1000 - 200 * level;
INSERT INTO tag (id, name) VALUES (1000010, 'bench-big');
INSERT INTO tag_config (tag_id, arches, create_event, creator_id) VALUES (1000010, 'x86_64', :event, :owner);
INSERT INTO tag_packages (package_id, tag_id, create_event, creator_id) SELECT id, 1000010, :event, :owner FROM package WHERE id > 1000000;
INSERT INTO tag_package_owners (package_id, tag_id, owner, create_event, creator_id) SELECT id, 1000010, :owner, :event, :owner FROM package WHERE id > 1000000;
INSERT INTO tag_listing (build_id, tag_id, create_event, creator_id) SELECT id, 1000010, :event, :owner FROM build WHERE id > 1000000 AND version = '5';
