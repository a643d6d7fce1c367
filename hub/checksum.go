package hub

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"hash/adler32"

	"github.com/toji-build/toji/koji"
)

// newSum returns the checksum of the name, nil for the empty name.
func newSum(name string) (hash.Hash, error) {
	switch name {
	case "":
		return nil, nil
	case "md5":
		return md5.New(), nil
	case "sha1":
		return sha1.New(), nil
	case "sha256":
		return sha256.New(), nil
	case "sha512":
		return sha512.New(), nil
	case "adler32":
		return adler32.New(), nil
	}
	return nil, koji.GenericErrorf("Unsupported verify type: %s", name)
}

func hexSum(sum hash.Hash, data []byte) string {
	sum.Reset()
	sum.Write(data)
	return fmt.Sprintf("%x", sum.Sum(nil))
}
