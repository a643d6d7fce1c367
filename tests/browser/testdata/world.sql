-- A small world to look at. Tasks are added by the tests, which know how
-- requests are written.
INSERT INTO users (id, name, password, status, usertype) VALUES
    (1, 'kojiadmin', NULL, 0, 0), (2, 'mikaela', NULL, 0, 0), (3, 'oleg', NULL, 0, 0), (4, 'kojira', NULL, 0, 0),
    (11, 'builder-01.example.org', NULL, 0, 1), (12, 'builder-02.example.org', NULL, 0, 1),
    (13, 'arm-01.example.org', NULL, 0, 1), (14, 'arm-02.example.org', NULL, 0, 1);
SELECT setval('users_id_seq', 20);

INSERT INTO host (id, user_id, name, update_time, task_load, ready) VALUES
    (1, 11, 'builder-01.example.org', now() - interval '4 seconds', 1.7, true),
    (2, 12, 'builder-02.example.org', now() - interval '9 seconds', 0, true),
    (3, 13, 'arm-01.example.org', now() - interval '7 seconds', 0, true),
    (4, 14, 'arm-02.example.org', now() - interval '3 days', 0, false);
INSERT INTO host_config (host_id, arches, capacity, description, comment, enabled, creator_id) VALUES
    (1, 'x86_64 i686', 8, 'Rack 3, the large one', NULL, true, 1), (2, 'x86_64', 4, NULL, NULL, true, 1),
    (3, 'aarch64', 4, NULL, NULL, true, 1), (4, 'aarch64', 2, NULL, 'waits for a new disk', false, 1);
INSERT INTO host_channels (host_id, channel_id, creator_id)
    SELECT h.id, c.id, 1 FROM host h, channels c WHERE c.name IN ('default', 'createrepo');
INSERT INTO toji.host_health (host_id, failures_in_row, quarantined_at, quarantine_reason, disk_free) VALUES
    (1, 0, NULL, NULL, 412000000000), (3, 3, now() - interval '20 minutes', '3 troubles in a row, the last: no space left on device', 1200000);

INSERT INTO tag (id, name) VALUES (1, 'f43'), (2, 'f43-build'), (3, 'f43-updates'), (4, 'epel/10');
INSERT INTO tag_config (tag_id, arches, perm_id, locked, creator_id) VALUES
    (1, 'x86_64 aarch64', NULL, false, 1), (2, 'x86_64 aarch64', NULL, false, 1), (3, 'x86_64 aarch64', 1, true, 1), (4, NULL, NULL, false, 1);
INSERT INTO tag_extra (tag_id, key, value, creator_id) VALUES (2, 'mock.new_chroot', '0', 1), (2, 'rpm.macro.dist', '".fc43"', 1);
INSERT INTO tag_inheritance (tag_id, parent_id, priority, creator_id) VALUES (2, 3, 0, 1), (3, 1, 0, 1);
INSERT INTO build_target (id, name) VALUES (1, 'f43'), (2, 'f43-candidate');
INSERT INTO build_target_config (build_target_id, build_tag, dest_tag, creator_id) VALUES (1, 2, 1, 1), (2, 2, 3, 1);
INSERT INTO package (id, name) VALUES (1, 'bash'), (2, 'libstdc++-compat'), (3, 'hello');
INSERT INTO tag_packages (package_id, tag_id, creator_id) SELECT p.id, 1, 1 FROM package p;
INSERT INTO tag_package_owners (package_id, tag_id, owner, creator_id) SELECT p.id, 1, 2, 1 FROM package p;
