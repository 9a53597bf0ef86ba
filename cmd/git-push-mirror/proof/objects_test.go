package proof

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// objects are all objects that a test has made, by their ids. It makes them itself: git would take
// a process for each.
type objects struct {
	all map[string]object
	n   int // that were made, so that no two are the same
}

type object struct {
	kind, content string
	needs         []string // the objects that it names
}

func newObjects() *objects { return &objects{all: map[string]object{}} }

func (o *objects) add(kind, content string, needs ...string) (oid string) {
	sum := sha1.Sum(fmt.Appendf(nil, "%s %d\x00%s", kind, len(content), content))
	oid = hex.EncodeToString(sum[:])
	o.all[oid] = object{kind, content, needs}
	return oid
}

// newCommit makes a commit of nothing.
func (o *objects) newCommit(parents ...string) string {
	o.n++
	tree := o.add("tree", "")
	text := "tree " + tree + "\n"
	for _, parent := range parents {
		text += "parent " + parent + "\n"
	}
	text += fmt.Sprintf("author A <a@example.com> %[1]d +0000\ncommitter A <a@example.com> %[1]d +0000\n\n%[2]d\n", 1_760_000_000+o.n, o.n)
	return o.add("commit", text, append(parents, tree)...)
}

// newTag makes an annotated tag of an object.
func (o *objects) newTag(of string) string {
	o.n++
	return o.add("tag", fmt.Sprintf("object %s\ntype %s\ntag t\ntagger A <a@example.com> %d +0000\n\n%d\n", of, o.all[of].kind, 1_760_000_000+o.n, o.n), of)
}

func (o *objects) newBlob() string {
	o.n++
	return o.add("blob", fmt.Sprintln(o.n))
}

// commit is what an object is or, as a tag, leads to; "" if that is no commit.
func (o *objects) commit(oid string) string {
	for o.all[oid].kind == "tag" {
		oid = o.all[oid].needs[0]
	}
	if o.all[oid].kind != "commit" {
		return ""
	}
	return oid
}

// reachable are the objects that the tips lead to, and the tips.
func (o *objects) reachable(tips ...string) map[string]bool {
	found := map[string]bool{}
	for len(tips) > 0 {
		oid := tips[len(tips)-1]
		tips = tips[:len(tips)-1]
		if oid != "" && !found[oid] {
			found[oid] = true
			tips = append(tips, o.all[oid].needs...)
		}
	}
	return found
}

func (o *objects) contains(tip, oid string) bool { return o.reachable(tip)[oid] }

// store puts an object and all that it leads to into a repository, each as git stores a loose one.
func (o *objects) store(repository, oid string) error {
	for oid := range o.reachable(oid) {
		file := filepath.Join(repository, "objects", oid[:2], oid[2:])
		if _, err := os.Stat(file); err == nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		var packed bytes.Buffer
		w := zlib.NewWriter(&packed)
		_, err := fmt.Fprintf(w, "%s %d\x00%s", o.all[oid].kind, len(o.all[oid].content), o.all[oid].content)
		if err == nil {
			err = w.Close()
		}
		if err == nil {
			err = os.WriteFile(file, packed.Bytes(), 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// short is an object id as a script may have it.
func short(oid string) string {
	if oid == "" {
		return strings.Repeat("0", 7)
	}
	return oid[:7]
}
