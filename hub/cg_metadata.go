package hub

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/pyjson"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// cgMetadata is what a content generator says of a build, in version 0 of Koji's
// format. Members that the hub has no use for are left out.
type cgMetadata struct {
	Version    int64            `rpc:"metadata_version"`
	Build      map[string]any   `rpc:"build"`
	Buildroots []map[string]any `rpc:"buildroots"`
	Output     []map[string]any `rpc:"output"`
}

// cgBuild is the build of cgMetadata.
type cgBuild struct {
	BuildID   int64          `rpc:"build_id"` // of a reserved one
	Name      string         `rpc:"name"`
	Version   string         `rpc:"version"`
	Release   string         `rpc:"release"`
	Epoch     *int64         `rpc:"epoch"`
	Draft     bool           `rpc:"draft"`
	Source    string         `rpc:"source"`
	StartTime any            `rpc:"start_time"` // seconds
	EndTime   any            `rpc:"end_time"`
	Owner     any            `rpc:"owner"`
	Extra     map[string]any `rpc:"extra"`
	TaskID    any            `rpc:"task_id"`
}

// cgBuildroot is one of the buildroots of cgMetadata.
type cgBuildroot struct {
	ID   any `rpc:"id"` // by which output refers to it
	Host struct {
		OS   string `rpc:"os"`
		Arch string `rpc:"arch"`
	} `rpc:"host"`
	ContentGenerator struct {
		Name    string `rpc:"name"`
		Version string `rpc:"version"`
	} `rpc:"content_generator"`
	Container struct {
		Type string `rpc:"type"`
		Arch string `rpc:"arch"`
	} `rpc:"container"`
	Tools []struct {
		Name    string `rpc:"name"`
		Version string `rpc:"version"`
	} `rpc:"tools"`
	Components []map[string]any `rpc:"components"`
	Extra      map[string]any   `rpc:"extra"`
}

// cgOutput is one of the files of cgMetadata.
type cgOutput struct {
	BuildrootID  any              `rpc:"buildroot_id"`
	Filename     string           `rpc:"filename"`
	RelPath      string           `rpc:"relpath"` // where it was uploaded, below the directory
	Subdir       string           `rpc:"subdir"`  // where it goes, below the directory of its type
	Size         int64            `rpc:"filesize"`
	Checksum     string           `rpc:"checksum"`
	ChecksumType string           `rpc:"checksum_type"`
	Type         string           `rpc:"type"` // rpm, log, or anything else for archives
	MetadataOnly bool             `rpc:"metadata_only"`
	Components   []map[string]any `rpc:"components"`
	Extra        map[string]any   `rpc:"extra"`
}

// readCGMetadata reads metadata given as a struct, as JSON, or as the name of a
// file below directory in the work directory. It returns its JSON too.
func (h *Hub) readCGMetadata(v any, directory string) (m xmlrpc.Ordered, raw string, err error) {
	switch v := v.(type) {
	case xmlrpc.Ordered, map[string]any:
		m = asOrdered(v)
		if raw, err = pyjson.Indent(m); err != nil {
			return nil, "", koji.GenericErrorf("Invalid metadata, cannot encode: %s", xmlrpc.Repr(v))
		}
	case nil:
		return h.readCGMetadata("metadata.json", directory)
	case string:
		raw = v
		if strings.HasSuffix(v, ".json") {
			if raw, err = h.readUploaded(directory, v); err != nil {
				return nil, "", err
			}
		}
		parsed, err := pyjson.Parse(raw)
		if err != nil {
			return nil, "", koji.GenericErrorf("Invalid json data: %s", xmlrpc.Repr(raw))
		}
		if m, _ = parsed.(xmlrpc.Ordered); m == nil {
			return nil, "", koji.GenericErrorf("Invalid metadata: %s", xmlrpc.Repr(raw))
		}
	default:
		return nil, "", koji.ParameterErrorf("Invalid type for value '%s': <class '%s'>, expected type <class 'str'>", pyStr(v), xmlrpc.TypeName(v))
	}
	members := m.Map()
	if err := needKeys(members, "metadata_version"); err != nil {
		return nil, "", err
	}
	if version := members["metadata_version"]; !equal(version, int64(0)) {
		return nil, "", koji.GenericErrorf("No such metadata version: %s", xmlrpc.Repr(version))
	}
	return m, raw, needKeys(members, "buildroots", "build", "output")
}

func (h *Hub) readUploaded(directory, name string) (string, error) {
	file, err := koji.Under(h.Paths.Work(""), directory+"/"+name)
	if err != nil {
		return "", err
	}
	if !isRegular(file) {
		return "", koji.GenericErrorf("No such file: %s", name)
	}
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", koji.GenericErrorf("No such file: %s", name)
	}
	return string(raw), err
}

// timestamp reads a number of seconds, which may come as text.
func timestamp(v any) (koji.Time, error) {
	var seconds float64
	switch v := v.(type) {
	case int64:
		seconds = float64(v)
	case float64:
		seconds = v
	default:
		var err error
		if seconds, err = strconv.ParseFloat(strings.TrimSpace(pyStr(v)), 64); err != nil {
			return koji.Time{}, pythonError("ValueError", "could not convert string to float: %s", xmlrpc.Repr(v))
		}
	}
	if math.IsNaN(seconds) || math.Abs(seconds) > 1e11 {
		return koji.Time{}, koji.GenericErrorf("not a time: %v", seconds)
	}
	return koji.FromTS(seconds), nil
}

// taskID returns the id of the task that a build was made by, 0 for none.
func (b *cgBuild) taskID() (int64, error) {
	var ids [2]int64
	for i, v := range []any{b.TaskID, b.Extra["container_koji_task_id"]} {
		if v == nil {
			continue
		}
		id, ok := toInt(v)
		if !ok {
			return 0, koji.ParameterErrorf("Invalid type for value '%s': <class '%s'>, expected type <class 'int'>", pyStr(v), xmlrpc.TypeName(v))
		}
		ids[i] = id
	}
	if ids[0] != 0 && ids[1] != 0 && ids[0] != ids[1] {
		return 0, koji.GenericErrorf("CG provided non-matching task_id %d and container_koji_task_id %d", ids[0], ids[1])
	}
	return max(ids[0], ids[1]), nil
}
