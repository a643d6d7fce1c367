package hub

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// uploadFile is the way of old clients: pieces as base64 in a call. Each carries
// a checksum; the piece with offset -1 is the last and has that of the file.
func (h *Hub) uploadFile(ctx context.Context, p api.UploadFileParams) (bool, error) {
	offset := p.Offset
	data, err := uploadData(p.Data)
	if err != nil {
		return false, err
	}
	verify, digest, err := pieceChecksum(p)
	if err != nil {
		return false, err
	}
	sum, err := newSum(verify)
	if err != nil {
		return false, err
	}
	if offset != -1 {
		if p.Size != int64(len(data)) || sum != nil && hexSum(sum, data) != digest {
			return false, nil
		}
	}
	dst, err := h.openUpload(ctx, p.Path, p.Name, stringOf(p.Volume))
	if err != nil {
		return false, err
	}
	defer dst.Close()
	if err := h.checkPieceSize(dst, p, len(data)); err != nil {
		return false, err
	}
	exists, err := dst.exists()
	if err != nil {
		return false, err
	}
	if exists && offset == 0 && !strings.HasSuffix(p.Name, ".log") { // a log is sent again while it grows
		return false, koji.GenericErrorf("file already exists: %s", dst.path)
	}
	f, err := dst.open(os.O_RDWR | os.O_CREATE)
	if err != nil {
		return false, err
	}
	defer f.Close()
	whole := offset == 0 || offset == -1 && p.Size == int64(len(data))
	if err := writePiece(f, data, offset, whole); err != nil {
		return false, dst.failed(errors.Join(err, dst.takeBack(f, exists, offset)))
	}
	if offset != -1 {
		return true, f.Close()
	}
	return checkWhole(f, p.Size, sum, digest)
}

// checkPieceSize checks the size that the file will have.
func (h *Hub) checkPieceSize(dst *uploadTarget, p api.UploadFileParams, length int) error {
	switch {
	case p.Offset != -1:
		return h.checkUploadSize(dst, p.Offset, int64(length))
	case p.Size < 0:
		return koji.GenericErrorf("Invalid size: %d", p.Size)
	}
	return h.checkUploadSize(dst, 0, p.Size)
}

func writePiece(f *os.File, data []byte, offset int64, whole bool) error {
	if whole {
		if err := f.Truncate(0); err != nil {
			return err
		}
	}
	if _, err := seekUpload(f, offset, false); err != nil {
		return err
	}
	_, err := f.Write(data)
	return err
}

// checkWhole cuts the file to its size and compares its checksum.
func checkWhole(f *os.File, size int64, sum hash.Hash, digest string) (bool, error) {
	if err := f.Truncate(size); err != nil {
		return false, err
	}
	if sum == nil {
		return true, f.Close()
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	sum.Reset()
	if _, err := io.Copy(sum, f); err != nil {
		return false, err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)) == digest, nil
}

func uploadData(v any) ([]byte, error) {
	switch v := v.(type) {
	case []byte:
		return v, nil
	case string:
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v), ""))
		if err != nil {
			return nil, koji.ParameterErrorf("data is not base64: %w", err)
		}
		return data, nil
	}
	return nil, koji.ParameterErrorf("Invalid type for value: data")
}

// pieceChecksum reads the checksum of uploadFile: a pair of algorithm and sum,
// or the sum alone, which is md5 then.
func pieceChecksum(p api.UploadFileParams) (verify, digest string, err error) {
	switch v := p.Checksum.(type) {
	case nil:
		if p.MD5Sum == nil {
			return "", "", nil
		}
		return "md5", *p.MD5Sum, nil
	case string:
		return "md5", v, nil
	case []any:
		if len(v) == 2 {
			verify, _ = v[0].(string)
			digest, _ = v[1].(string)
			return verify, digest, nil
		}
	}
	return "", "", koji.ParameterErrorf("Invalid checksum: %v", p.Checksum)
}
