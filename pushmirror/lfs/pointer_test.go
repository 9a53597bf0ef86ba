package lfs

import (
	"strings"
	"testing"
)

var someOID = strings.Repeat("0123456789abcdef", 4)

// pointer is one as git-lfs writes it, with replacements.
func pointer(oldnew ...string) string {
	p := Pointer{OID: someOID, Size: 12345}.String()
	return strings.NewReplacer(oldnew...).Replace(p)
}

func TestPointersAreTold(t *testing.T) {
	want := Pointer{OID: someOID, Size: 12345}
	for name, text := range map[string]string{
		"as git-lfs writes it":         pointer(),
		"of the format's former names": pointer("https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1"),
		"of the first name of all":     pointer("https://git-lfs.github.com/spec/v1", "http://git-media.io/v/2"),
		"with extensions":              pointer("\noid", "\next-0-foo sha256:"+someOID+"\next-1-bar sha256:"+someOID+"\noid"),
		"without the last line's end":  strings.TrimSuffix(pointer(), "\n"),
		"with lines as Windows has":    pointer("\n", "\r\n"),
		"with blanks around it":        "\n" + pointer() + "  \n",
	} {
		if got, ok := parsePointer([]byte(text)); !ok || got != want {
			t.Errorf("%s: got %v, %t", name, got, ok)
		}
		if len(text) < leastPointer || len(text) > mostPointer {
			t.Errorf("%s: with %d bytes it would not be looked at", name, len(text))
		}
	}
}

func TestWhatIsNoPointerIsNotTakenForOne(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                     "",
		"a text":                      "version 1 of this text\nis short\nand has a size\n",
		"another version":             pointer("spec/v1", "spec/v2"),
		"another hash":                pointer("sha256", "sha512"),
		"a short id":                  pointer("abcdef\nsize", "abcde\nsize"),
		"an id in capitals":           strings.Replace(pointer(), "abcdef", "ABCDEF", 1),
		"no size":                     pointer("size 12345\n", ""),
		"a negative size":             pointer("12345\n", "-1\n"),
		"a size beyond all":           pointer("12345\n", "99999999999999999999\n"),
		"that of an empty file":       pointer("12345\n", "0\n"),
		"a key that nobody has":       pointer("\nsize", "\nname x\nsize"),
		"an extension without a hash": pointer("\noid", "\next-0-foo x\noid"),
		"a line more":                 pointer() + "more text\n",
		"lines in another order":      "version https://git-lfs.github.com/spec/v1\nsize 1\noid sha256:" + someOID + "\n",
		"more than a kilobyte":        pointer("\noid", "\next-0-"+strings.Repeat("x", 1024)+" sha256:"+someOID+"\noid"),
	} {
		if got, ok := parsePointer([]byte(text)); ok {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// FuzzParsePointer: what is taken for a pointer has an id that is safe as a name of a file, and
// reads the same when it is written as git-lfs does.
func FuzzParsePointer(f *testing.F) {
	f.Add([]byte(pointer()))
	f.Add([]byte(pointer("\n", "\r\n")))
	f.Add([]byte(pointer("\noid", "\next-0-foo sha256:"+someOID+"\noid")))
	f.Add([]byte("version https://git-lfs.github.com/spec/v1\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		p, ok := parsePointer(content)
		if !ok {
			return
		}
		if len(p.OID) != 64 || strings.Trim(p.OID, "0123456789abcdef") != "" || p.Size <= 0 {
			t.Errorf("%q is no pointer, and was taken for %+v", content, p)
		}
		if again, ok := parsePointer([]byte(p.String())); !ok || again != p {
			t.Errorf("%+v becomes %+v", p, again)
		}
	})
}
