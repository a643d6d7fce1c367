-- Tables of a Koji 1.35 database, part two: what builds are made from and
-- consist of.

-- +goose Up

-- ---- Repositories ------------------------------------------------------------

-- state: 0 initializing, 1 ready, 2 expired, 3 deleted, 4 problem.
CREATE TABLE repo (
    id serial PRIMARY KEY,
    creation_time timestamptz DEFAULT now(),
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    state_time timestamptz DEFAULT now(),
    begin_event integer REFERENCES events(id),
    end_event integer REFERENCES events(id),
    tag_id integer NOT NULL REFERENCES tag(id),
    state integer,
    dist boolean DEFAULT false,
    opts jsonb,
    custom_opts jsonb,
    task_id integer REFERENCES task(id)
);

-- Requests for a repository of a tag: at one event, or not older than one.
CREATE TABLE repo_queue (
    id serial PRIMARY KEY,
    create_time timestamptz NOT NULL DEFAULT now(),
    owner integer NOT NULL REFERENCES users(id),
    priority integer NOT NULL,
    tag_id integer NOT NULL REFERENCES tag(id),
    at_event integer REFERENCES events(id),
    min_event integer REFERENCES events(id),
    opts jsonb NOT NULL,
    update_time timestamptz NOT NULL DEFAULT now(),
    active boolean NOT NULL DEFAULT true,
    task_id integer REFERENCES task(id),
    tries integer NOT NULL DEFAULT 0,
    repo_id integer REFERENCES repo(id),
    CONSTRAINT active_sane CHECK (NOT active OR repo_id IS NULL),
    CONSTRAINT only_one_event CHECK (at_event IS NULL OR min_event IS NULL)
);

-- Number 0 stands for our own builds: unique constraints need a value there.
CREATE TABLE external_repo (
    id serial PRIMARY KEY,
    name text NOT NULL UNIQUE
);

INSERT INTO external_repo (id, name) VALUES (0, 'INTERNAL');

CREATE TABLE external_repo_config (
    external_repo_id integer NOT NULL REFERENCES external_repo(id),
    url text NOT NULL,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, external_repo_id),
    UNIQUE (external_repo_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

-- What is known about the content of an external repository.
CREATE TABLE external_repo_data (
    external_repo_id integer NOT NULL REFERENCES external_repo(id),
    data jsonb,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, external_repo_id),
    UNIQUE (external_repo_id, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

CREATE TABLE tag_external_repos (
    tag_id integer NOT NULL REFERENCES tag(id),
    external_repo_id integer NOT NULL REFERENCES external_repo(id),
    priority integer NOT NULL,
    merge_mode text NOT NULL DEFAULT 'koji',
    arches text,
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    revoke_event integer REFERENCES events(id),
    creator_id integer NOT NULL REFERENCES users(id),
    revoker_id integer REFERENCES users(id),
    active boolean DEFAULT true CHECK (active),
    PRIMARY KEY (create_event, tag_id, priority),
    UNIQUE (tag_id, external_repo_id, active),
    UNIQUE (tag_id, priority, active),
    CONSTRAINT active_revoke_sane CHECK (
        (active IS NULL AND revoke_event IS NOT NULL AND revoker_id IS NOT NULL)
        OR (active IS NOT NULL AND revoke_event IS NULL AND revoker_id IS NULL))
);

-- ---- Buildroots --------------------------------------------------------------

-- br_type: 0 one of our own (standard_buildroot), 1 one of a content generator.
CREATE TABLE buildroot (
    id serial PRIMARY KEY,
    br_type integer NOT NULL,
    cg_id integer REFERENCES content_generator(id),
    cg_version text,
    container_type text,
    container_arch text,
    host_os text,
    host_arch text,
    extra text,
    CONSTRAINT cg_sane CHECK ((cg_id IS NULL AND cg_version IS NULL) OR (cg_id IS NOT NULL AND cg_version IS NOT NULL)),
    CONSTRAINT container_sane CHECK (
        (container_type IS NULL AND container_arch IS NULL)
        OR (container_type IS NOT NULL AND container_arch IS NOT NULL))
);

CREATE TABLE standard_buildroot (
    buildroot_id integer PRIMARY KEY REFERENCES buildroot(id),
    host_id integer NOT NULL REFERENCES host(id),
    repo_id integer NOT NULL REFERENCES repo(id),
    task_id integer NOT NULL REFERENCES task(id),
    create_event integer NOT NULL DEFAULT get_event() REFERENCES events(id),
    retire_event integer,
    state integer
);

CREATE TABLE buildroot_tools_info (
    buildroot_id integer NOT NULL REFERENCES buildroot(id),
    tool text NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (buildroot_id, tool)
);

-- ---- RPMs --------------------------------------------------------------------

-- draft repeats the draft of the build, which the foreign key keeps true, so that
-- the index on N-V-R.A can leave drafts out.
CREATE TABLE rpminfo (
    id serial PRIMARY KEY,
    build_id integer,
    buildroot_id integer REFERENCES buildroot(id),
    name text NOT NULL,
    version text NOT NULL,
    release text NOT NULL,
    epoch integer,
    arch varchar(16) NOT NULL,
    draft boolean,
    external_repo_id integer NOT NULL REFERENCES external_repo(id),
    payloadhash text NOT NULL,
    size bigint NOT NULL,
    buildtime bigint NOT NULL,
    metadata_only boolean NOT NULL DEFAULT false,
    extra text,
    FOREIGN KEY (build_id, draft) REFERENCES build(id, draft) ON UPDATE CASCADE,
    CONSTRAINT build_id_draft_external_repo_id_sane CHECK (
        (draft IS NULL AND build_id IS NULL AND external_repo_id <> 0)
        OR (draft IS NOT NULL AND build_id IS NOT NULL AND external_repo_id = 0))
);
CREATE INDEX rpminfo_build ON rpminfo (build_id);
CREATE INDEX rpminfo_filename ON rpminfo ((name || '-' || version || '-' || release || '.' || arch || '.rpm')) INCLUDE (id);
CREATE INDEX rpminfo_nvra ON rpminfo (name, version, release, arch, external_repo_id);
CREATE UNIQUE INDEX rpminfo_unique_nvra_not_draft ON rpminfo (name, version, release, arch, external_repo_id) WHERE draft IS NOT TRUE;

-- sighash is the MD5 of the signature header, kept in a file of its own.
CREATE TABLE rpmsigs (
    rpm_id integer NOT NULL REFERENCES rpminfo(id),
    sigkey text NOT NULL,
    sighash text NOT NULL,
    CONSTRAINT rpmsigs_no_resign UNIQUE (rpm_id, sigkey)
);

CREATE TABLE rpm_checksum (
    rpm_id integer NOT NULL REFERENCES rpminfo(id),
    sigkey text NOT NULL,
    checksum text NOT NULL UNIQUE,
    checksum_type smallint NOT NULL,
    PRIMARY KEY (rpm_id, sigkey, checksum_type)
);
CREATE INDEX rpm_checksum_rpm_id ON rpm_checksum (rpm_id);

-- The RPMs installed in a buildroot; is_update: after it was first set up.
CREATE TABLE buildroot_listing (
    buildroot_id integer NOT NULL REFERENCES buildroot(id),
    rpm_id integer NOT NULL REFERENCES rpminfo(id),
    is_update boolean NOT NULL DEFAULT false,
    UNIQUE (buildroot_id, rpm_id)
);
CREATE INDEX buildroot_listing_rpms ON buildroot_listing (rpm_id);

-- ---- Archives: what builds consist of besides RPMs ---------------------------

CREATE TABLE archivetypes (
    id serial PRIMARY KEY,
    name text NOT NULL UNIQUE,
    description text NOT NULL,
    extensions text NOT NULL,
    compression_type text
);

INSERT INTO archivetypes (name, description, extensions, compression_type) VALUES
    ('jar', 'Jar file', 'jar war rar ear sar jdocbook jdocbook-style', 'zip'),
    ('zip', 'Zip file', 'zip', 'zip'),
    ('pom', 'Maven Project Object Management file', 'pom', NULL),
    ('tar', 'Tar file', 'tar tar.gz tar.bz2 tar.xz tgz', 'tar'),
    ('xml', 'XML file', 'xml', NULL),
    ('xmlcompressed', 'Compressed XML file', 'xml.gz xml.bz2 xml.xz', NULL),
    ('xsd', 'XML Schema Definition', 'xsd', NULL),
    ('spec', 'RPM spec file', 'spec', NULL),
    ('exe', 'Windows executable', 'exe', NULL),
    ('dll', 'Windows dynamic link library', 'dll', NULL),
    ('lib', 'Windows import library', 'lib', NULL),
    ('sys', 'Windows device driver', 'sys', NULL),
    ('inf', 'Windows driver information file', 'inf', NULL),
    ('cat', 'Windows catalog file', 'cat', NULL),
    ('msi', 'Windows Installer package', 'msi', NULL),
    ('pdb', 'Windows debug information', 'pdb', NULL),
    ('oem', 'Windows driver oem file', 'oem', NULL),
    ('iso', 'CD/DVD Image', 'iso', NULL),
    ('raw', 'Raw disk image', 'raw', NULL),
    ('qcow', 'QCOW image', 'qcow', NULL),
    ('qcow2', 'QCOW2 image', 'qcow2', NULL),
    ('vmdk', 'vSphere image', 'vmdk', NULL),
    ('ova', 'Open Virtualization Archive', 'ova', NULL),
    ('ks', 'Kickstart', 'ks', NULL),
    ('cfg', 'Configuration file', 'cfg', NULL),
    ('vdi', 'VirtualBox Virtual Disk Image', 'vdi', NULL),
    ('aar', 'Binary distribution of an Android Library project', 'aar', NULL),
    ('apklib', 'Source distribution of an Android Library project', 'apklib', NULL),
    ('cab', 'Windows cabinet file', 'cab', NULL),
    ('dylib', 'OS X dynamic library', 'dylib', NULL),
    ('gem', 'Ruby gem', 'gem', NULL),
    ('ini', 'INI config file', 'ini', NULL),
    ('js', 'Javascript file', 'js', NULL),
    ('ldif', 'LDAP Data Interchange Format file', 'ldif', NULL),
    ('manifest', 'Runtime environment for .NET applications', 'manifest', NULL),
    ('msm', 'Windows merge module', 'msm', NULL),
    ('properties', 'Properties file', 'properties', NULL),
    ('sig', 'Signature file', 'sig signature', NULL),
    ('so', 'Shared library', 'so', NULL),
    ('txt', 'Text file', 'txt', NULL),
    ('vhd', 'Hyper-V image', 'vhd', NULL),
    ('vhdx', 'Hyper-V Virtual Hard Disk v2 image', 'vhdx', NULL),
    ('wsf', 'Windows script file', 'wsf', NULL),
    ('box', 'Vagrant Box Image', 'box', NULL),
    ('raw-xz', 'xz compressed raw disk image', 'raw.xz', NULL),
    ('json', 'JSON data', 'json', NULL),
    ('key', 'Key file', 'key', NULL),
    ('dot', 'DOT graph description', 'dot gv', NULL),
    ('groovy', 'Groovy script file', 'groovy gvy', NULL),
    ('batch', 'Batch file', 'bat', NULL),
    ('shell', 'Shell script', 'sh', NULL),
    ('rc', 'Resource file', 'rc', NULL),
    ('wsdl', 'Web Services Description Language', 'wsdl', NULL),
    ('obr', 'OSGi Bundle Repository', 'obr', NULL),
    ('liveimg-squashfs', 'liveimg compatible squashfs image', 'liveimg.squashfs', NULL),
    ('tlb', 'OLE type library file', 'tlb', NULL),
    ('jnilib', 'Java Native Interface library', 'jnilib', NULL),
    ('yaml', 'YAML Ain''t Markup Language', 'yaml yml', NULL),
    ('xjb', 'JAXB(Java Architecture for XML Binding) Binding Customization File', 'xjb', NULL),
    ('raw-gz', 'GZIP compressed raw disk image', 'raw.gz', NULL),
    ('qcow2-compressed', 'Compressed QCOW2 image', 'qcow2.gz qcow2.xz', NULL),
    ('iso-compressed', 'Compressed iso image', 'iso.gz iso.xz', NULL),
    ('vhd-compressed', 'Compressed VHD image', 'vhd.gz vhd.xz', NULL),
    ('vhdx-compressed', 'Compressed VHDx image', 'vhdx.gz vhdx.xz', NULL),
    ('vmdk-compressed', 'Compressed VMDK image', 'vmdk.gz vmdk.xz', NULL),
    ('kernel-image', 'Kernel BZ2 Image', 'vmlinuz vmlinuz.gz vmlinuz.xz', NULL),
    ('initramfs', 'Compressed Initramfs Image', 'img', NULL),
    ('checksum', 'Checksum file', 'sha256', NULL),
    ('changes', 'Kiwi changes file', 'changes.xz changes', NULL),
    ('packages', 'Kiwi packages listing', 'packages', NULL),
    ('verified', 'Kiwi verified package list', 'verified', NULL),
    ('erofs', 'erofs image', 'erofs', NULL),
    ('erofs-compressed', 'Compressed erofs image', 'erofs.gz erofs.xz', NULL),
    ('squashfs', 'SquashFS image', 'squashfs', NULL),
    ('squashfs-compressed', 'Compressed SquashFS image', 'squashfs.gz squashfs.xz', NULL),
    ('wsl', 'Compressed tarball for Windows Subsystem for Linux', 'wsl', NULL);

CREATE TABLE archiveinfo (
    id serial PRIMARY KEY,
    type_id integer NOT NULL REFERENCES archivetypes(id),
    btype_id integer REFERENCES btype(id),
    build_id integer NOT NULL REFERENCES build(id),
    buildroot_id integer REFERENCES buildroot(id),
    filename text NOT NULL,
    size bigint NOT NULL,
    checksum text NOT NULL,
    checksum_type integer NOT NULL,
    metadata_only boolean NOT NULL DEFAULT false,
    extra text
);
CREATE INDEX archiveinfo_build_idx ON archiveinfo (build_id);
CREATE INDEX archiveinfo_buildroot_idx ON archiveinfo (buildroot_id);
CREATE INDEX archiveinfo_filename_idx ON archiveinfo (filename);
CREATE INDEX archiveinfo_type_idx ON archiveinfo (type_id);

-- Archives inside of archives.
CREATE TABLE archive_components (
    archive_id integer NOT NULL REFERENCES archiveinfo(id),
    component_id integer NOT NULL REFERENCES archiveinfo(id),
    UNIQUE (archive_id, component_id)
);
CREATE INDEX archive_components_idx ON archive_components (component_id);

-- RPMs inside of archives, such as of images.
CREATE TABLE archive_rpm_components (
    archive_id integer NOT NULL REFERENCES archiveinfo(id),
    rpm_id integer NOT NULL REFERENCES rpminfo(id),
    UNIQUE (archive_id, rpm_id)
);
CREATE INDEX rpm_components_idx ON archive_rpm_components (rpm_id);

-- The archives a build was given; project_dep: as dependencies of the project.
CREATE TABLE buildroot_archives (
    buildroot_id integer NOT NULL REFERENCES buildroot(id),
    archive_id integer NOT NULL REFERENCES archiveinfo(id),
    project_dep boolean NOT NULL,
    PRIMARY KEY (buildroot_id, archive_id)
);
CREATE INDEX buildroot_archives_archive_idx ON buildroot_archives (archive_id);

CREATE TABLE image_builds (
    build_id integer PRIMARY KEY REFERENCES build(id)
);

CREATE TABLE image_archives (
    archive_id integer PRIMARY KEY REFERENCES archiveinfo(id),
    arch varchar(16) NOT NULL
);

CREATE TABLE maven_builds (
    build_id integer PRIMARY KEY REFERENCES build(id),
    group_id text NOT NULL,
    artifact_id text NOT NULL,
    version text NOT NULL
);

CREATE TABLE maven_archives (
    archive_id integer PRIMARY KEY REFERENCES archiveinfo(id),
    group_id text NOT NULL,
    artifact_id text NOT NULL,
    version text NOT NULL
);

CREATE TABLE win_builds (
    build_id integer PRIMARY KEY REFERENCES build(id),
    platform text NOT NULL
);

CREATE TABLE win_archives (
    archive_id integer PRIMARY KEY REFERENCES archiveinfo(id),
    relpath text NOT NULL,
    platforms text NOT NULL,
    flags text
);

-- ---- Notifications -----------------------------------------------------------

CREATE TABLE build_notifications (
    id serial PRIMARY KEY,
    user_id integer NOT NULL REFERENCES users(id),
    package_id integer REFERENCES package(id),
    tag_id integer REFERENCES tag(id),
    success_only boolean NOT NULL DEFAULT false,
    email text NOT NULL
);

CREATE TABLE build_notifications_block (
    id serial PRIMARY KEY,
    user_id integer NOT NULL REFERENCES users(id),
    package_id integer REFERENCES package(id),
    tag_id integer REFERENCES tag(id)
);

-- Messages that wait for the message bus.
CREATE TABLE proton_queue (
    id serial PRIMARY KEY,
    created_ts timestamptz DEFAULT now(),
    address text NOT NULL,
    props json NOT NULL,
    body json NOT NULL
);

-- ---- Locks -------------------------------------------------------------------

-- Rows to lock, one per job that only one process may do at a time.
CREATE TABLE locks (
    name text PRIMARY KEY
);

INSERT INTO locks (name) VALUES
    ('protonmsg-plugin'),
    ('repo-queue'),
    ('scheduler');
