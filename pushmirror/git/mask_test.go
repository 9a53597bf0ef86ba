package git

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

func TestAMaskHidesASecretInAllItsForms(t *testing.T) {
	const secret = "p+q/r= @%"
	mask := NewMask("ada", secret)
	for _, shown := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), "https://ada:" + url.PathEscape(secret) + "@h/w",
		"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("ada:"+secret)),
		"Authorization: Bearer " + base64.StdEncoding.EncodeToString([]byte(secret)),
	} {
		if got := mask.hide("remote: " + shown); strings.Contains(got, "p+q") || strings.Contains(got, "p%2Bq") || strings.Contains(got, "YWRhO") || strings.Contains(got, "cCtx") {
			t.Errorf("%q shows as %q", shown, got)
		}
	}
	if got := NewMask("", "aab<'>").And(NewMask("", "aa")).hide("aab&lt;&apos;&gt; aa"); got != "***** *****" {
		t.Errorf("of two secrets, one of which begins like the other: %q", got)
	}
	if got := (Mask{}).hide("nothing to hide"); got != "nothing to hide" {
		t.Errorf("got %q", got)
	}
}

func TestAMaskHidesASecretHoweverItsCharactersAreWritten(t *testing.T) {
	const secret = `hun"tér/2!x&`
	mask := NewMask("ada", secret)
	for _, shown := range []string{
		`hun\"tér/2!x&`, `hun\"t\u00e9r\/2!x\u0026`, `hun\"t\u00E9r/2!x&`, `hun%22t%c3%a9r%2f2%21x%26`, `hun%22t%C3%A9r/2!x%26`,
		`hun&quot;tér/2!x&amp;`, `hun&#34;t&#233;r/2!x&#x26;`, `%68%75%6E%22%74%c3%a9%72%2f%32%21%78%26`,
	} {
		if got := mask.hide("error: " + shown + "."); got != "error: *****." {
			t.Errorf("%q shows as %q", shown, got)
		}
	}
	for _, other := range []string{`hun"TÉR/2!x&`, `hun"tér/2!x`, `hun tér`} {
		if got := mask.hide(other); got != other {
			t.Errorf("%q shows as %q", other, got)
		}
	}
}

// FuzzMask cuts a text with a secret in it into pieces. However that is done, the secret does
// not come out, and a text without one comes out as it went in.
func FuzzMask(f *testing.F) {
	f.Add("ada", "s3cret", "remote: ", " is wrong", uint8(3))
	f.Add("", "aab", "aa", "aabaaab", uint8(1))
	f.Fuzz(func(t *testing.T, user, secret, before, after string, size uint8) {
		if secret == "" || len(secret) > 100 || strings.Contains(secret, "*") || size == 0 {
			return
		}
		for _, text := range []string{before + secret + after, before + after} {
			var out bytes.Buffer
			m := &masked{mask: NewMask(user, secret), w: &out}
			for rest := []byte(text); len(rest) > 0; {
				n := min(int(size), len(rest))
				if _, err := m.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if err := m.flush(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), secret) {
				t.Errorf("%q, %d bytes at a time, came out as %q", text, size, out.String())
			}
			if m.mask.hide(text) == text && out.String() != text {
				t.Errorf("%q came out as %q", text, out.String())
			}
		}
	})
}
