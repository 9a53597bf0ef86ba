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

// Pointer is what git has of a large file.
type Pointer struct {
	OID  string // SHA-256, 64 hexadecimal digits
	Size int64  // in bytes
}

// How long pointers are, in bytes: the shortest has the oldest version's name, and a blob of 1024
// bytes is none (docs/spec.md and lfs.blobSizeCutoff of git-lfs).
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

// parsePointer reads a pointer, as docs/spec.md of git-lfs has it: a version, extensions, an oid
// and a size, in this order and nothing else. Like git-lfs, which would look for its object at
// the next checkout, it takes one with blank lines and spaces around it or with CRLF for a
// pointer. That of an empty file needs no object, and is none.
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
