package git

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestOIDsAreFortyOrSixtyFourHexDigits(t *testing.T) {
	for _, good := range []OID{oidA, oidC} {
		if _, err := ParseOID(string(good)); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "abc", string(oidA) + "1", string(oidA[:39]) + "G", string(oidA[:39]) + "A", string(oidA[:39]) + "\n"} {
		if _, err := ParseOID(bad); err == nil {
			t.Errorf("%q is taken for an object id", bad)
		}
	}
	if !OID("0000000000000000000000000000000000000000").isZero() || !OID("").isZero() || oidA.isZero() {
		t.Error("only all zeros, or nothing, is no object")
	}
}

func TestJoinYieldsEachNameOnce(t *testing.T) {
	a := Refs{{Name: "a", OID: oidA}, {Name: "c", OID: oidA}, {Name: "d", OID: oidA}}
	b := Refs{{Name: "b", OID: oidB}, {Name: "c", OID: oidB}}
	var got []string
	for left, right := range Join(a, b) {
		got = append(got, string(left.Name)+"|"+string(right.Name))
	}
	if want := []string{"a|", "|b", "c|c", "d|"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestSortKeepsTheLastOfTwoWithOneName(t *testing.T) {
	got := Sort(Refs{{Name: "b", OID: oidA}, {Name: "a", OID: oidA}, {Name: "b", OID: oidB}})
	if want := (Refs{{Name: "a", OID: oidA}, {Name: "b", OID: oidB}}); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestBelowFindsTheRefsOfADirectory(t *testing.T) {
	refs := Refs{{Name: "refs/heads/a"}, {Name: "refs/heads/a-b"}, {Name: "refs/heads/a/b"}, {Name: "refs/heads/a/c/d"}, {Name: "refs/heads/a0"}}
	var got []RefName
	for ref := range refs.Below("refs/heads/a") {
		got = append(got, ref.Name)
	}
	if want := []RefName{"refs/heads/a/b", "refs/heads/a/c/d"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestWhatIsNotPrintableIsNotPrinted(t *testing.T) {
	if got := Printable("a\x1b[2Jb\r\nc\u202ed\xffe\u009bf"); got != "a?[2Jb  c?d\ufffde?f" {
		t.Errorf("got %q", got)
	}
}

func TestANameIsTheSameAfterJSON(t *testing.T) {
	for name, want := range map[RefName]string{
		"refs/heads/größe":          `"refs/heads/größe"`,
		"refs/heads/latin\xe9\"":    `"refs/heads/latin\\xe9\""`,
		"refs/heads/\xff\xfe\ufffd": `"refs/heads/\\xff\\xfe` + "\ufffd" + `"`,
		"":                          `""`,
	} {
		text, err := json.Marshal(name)
		if err != nil || string(text) != want {
			t.Errorf("%q became %s, %v", name, text, err)
		}
		var back RefName
		if err := json.Unmarshal(text, &back); err != nil || back != name {
			t.Errorf("%q came back as %q, %v", name, back, err)
		}
	}
}
