package lfs

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Pointer is what git stores in place of a large file.
type Pointer struct {
	OID  string // SHA-256, 64 hexadecimal digits
	Size int64  // in bytes
}

// The sizes of pointers, in bytes: the shortest has the shortest version's name, and a blob of 1024
// bytes is never one (git-lfs, docs/spec.md and lfs.blobSizeCutoff).
const (
	leastPointer = 100
	mostPointer  = 1023
)

// versions are the names of the format's only version, as spec.md and git-lfs know them.
var versions = []string{
	"https://git-lfs.github.com/spec/v1",
	"https://hawser.github.com/spec/v1",
	"http://git-media.io/v/2",
}

var (
	extension = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^ext-[0-9]-\w+ sha256:[0-9a-f]{64}$`) })
	oidLine   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^oid sha256:([0-9a-f]{64})$`) })
	sizeLine  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^size ([0-9]+)$`) })
)

// parsePointer reads a pointer as docs/spec.md of git-lfs defines it: a version, extensions, an oid
// and a size, in this order and nothing else. Like git-lfs it accepts blank lines, CRLF and spaces
// around the whole. The pointer of an empty file needs no object, and ok is false for it.
func parsePointer(content []byte) (p Pointer, ok bool) {
	if len(content) > mostPointer {
		return Pointer{}, false
	}
	lines := strings.Split(string(bytes.TrimSpace(content)), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.TrimSuffix(line, "\r") == "" })
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	last := len(lines) - 1
	if last < 2 {
		return Pointer{}, false
	}
	version, isVersion := strings.CutPrefix(lines[0], "version ")
	oid, size := oidLine().FindStringSubmatch(lines[last-1]), sizeLine().FindStringSubmatch(lines[last])
	if !isVersion || !slices.Contains(versions, version) || oid == nil || size == nil {
		return Pointer{}, false
	}
	for _, line := range lines[1 : last-1] {
		if !extension().MatchString(line) {
			return Pointer{}, false
		}
	}
	n, err := strconv.ParseInt(size[1], 10, 64)
	if err != nil || n == 0 {
		return Pointer{}, false
	}
	return Pointer{OID: oid[1], Size: n}, true
}

// String is the pointer as git-lfs writes it.
func (p Pointer) String() string {
	return fmt.Sprintf("version %s\noid sha256:%s\nsize %d\n", versions[0], p.OID, p.Size)
}
