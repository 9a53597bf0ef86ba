package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// lfsd serves bare repositories over http, by git's own http-backend, and beside each of them, at
// /info/lfs, a server of Git LFS: the batch API with the basic transfer adapter, and verification
// (docs/api of git-lfs). No such server is to be had for a test that wants to see it fail at will.
type lfsd struct {
	dir     string // its own files: objects/REPOSITORY/OID, and the log
	base    string // the repositories
	backend *cgi.Handler
	ports   [2]int // of http and https
	tls     *tls.Config

	mu      sync.Mutex
	mode    map[string]string // what fails and how: see cmdLFSD
	puts    int
	handles map[string]string // in opaque mode: an object's id by the last part of its href
	stop    func()
}

// cmdLFSD: lfsd BASE serves the repositories below BASE at $LFSD and, over TLS with a certificate
// of the authority in $LFSDCA, at $LFSDTLS. Below /private/ it takes the user ada and the password
// of lfsd -password, else secret.
//
//	lfsd -stop, lfsd -start  end it, and start it again on the same ports
//	lfsd -password PASSWORD  from the next request on
//	lfsd -fail batch CODE    each request to the batch API is answered with that code
//	lfsd -fail put CODE [OID]  each upload, or that of one object
//	lfsd -fail die N         it ends, cutting what is under way, in the middle of the Nth upload from now
//	lfsd -fail verify CODE   verification of what was uploaded
//	lfsd -fail hang MARK     uploads are taken and never answered, once the file MARK was made
//	lfsd -fail opaque on     addresses of objects do not tell which
//	lfsd -fail token on      a token comes with each address, in place of user and password
//	lfsd -fail none          all is well again
//
// lfsd/log in $WORK has a line for each request of LFS: batch REPOSITORY NUMBER, put REPOSITORY
// OID, verify REPOSITORY OID, with the code of the answer before it.
func cmdLFSD(ts *testscript.TestScript, neg bool, args []string) {
	s := scriptOf(ts)
	l := s.lfsd
	switch {
	case !neg && l == nil && len(args) == 1 && !strings.HasPrefix(args[0], "-"):
		s.lfsd = newLFSD(ts, ts.MkAbs(args[0]))
		ts.Defer(func() { s.lfsd.stop() })
	case neg || l == nil || len(args) == 0:
		ts.Fatalf("usage: lfsd BASE, then lfsd -stop | -start | -password PASSWORD | -fail WHAT HOW…")
	case args[0] == "-stop" && len(args) == 1:
		l.stop()
	case args[0] == "-start" && len(args) == 1:
		l.start(ts)
	case args[0] == "-password" && len(args) == 2:
		l.set("password", args[1])
	case args[0] == "-fail" && len(args) == 2 && args[1] == "none":
		l.clear()
	case args[0] == "-fail" && len(args) > 2:
		l.set(args[1], ts.MkAbs(args[2]))
		if args[1] != "hang" {
			l.set(args[1], strings.Join(args[2:], " "))
		}
	default:
		ts.Fatalf("no lfsd %q", args)
	}
}

func newLFSD(ts *testscript.TestScript, base string) *lfsd {
	l := &lfsd{dir: filepath.Join(ts.Getenv("WORK"), "lfsd"), base: base, mode: map[string]string{}, handles: map[string]string{}}
	files := &server{dir: l.dir}
	files.write(ts, "home/.gitconfig", gitConfig+"[http]\n\treceivepack = true\n")
	files.write(ts, "log", "")
	l.backend = &cgi.Handler{
		Path: gitProgram(ts, "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + base, "GIT_HTTP_EXPORT_ALL=", "HOME=" + filepath.Join(l.dir, "home"), "GIT_CONFIG_NOSYSTEM=1",
		},
		Stderr: io.Discard,
	}
	ca := newCertificate(ts, nil, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Test Authority"}, KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	})
	ca.write(ts, files, "ca")
	newCertificate(ts, ca, &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}).write(ts, files, "server")
	pair, err := tls.LoadX509KeyPair(filepath.Join(l.dir, "server.pem"), filepath.Join(l.dir, "server.key"))
	ts.Check(err)
	l.tls = &tls.Config{Certificates: []tls.Certificate{pair}}
	l.ports = [2]int{reservePort(ts), reservePort(ts)}
	ts.Setenv("LFSD", fmt.Sprintf("http://127.0.0.1:%d", l.ports[0]))
	ts.Setenv("LFSDTLS", fmt.Sprintf("https://127.0.0.1:%d", l.ports[1]))
	ts.Setenv("LFSDCA", filepath.Join(l.dir, "ca.pem"))
	l.start(ts)
	return l
}

func (l *lfsd) start(ts *testscript.TestScript) {
	server := &http.Server{Handler: l, ReadHeaderTimeout: patience, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	for i, port := range l.ports {
		listener := listenOn(ts, port)
		if i == 1 {
			listener = tls.NewListener(listener, l.tls)
		}
		serving.Go(func() { _ = server.Serve(listener) })
	}
	l.stop = sync.OnceFunc(func() {
		_ = server.Close()
		serving.Wait()
	})
}

func (l *lfsd) set(what, how string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mode[what] = how
	l.puts = 0
}

func (l *lfsd) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mode = map[string]string{"password": l.mode["password"]}
}

func (l *lfsd) get(what string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mode[what]
}

// lfsType is the type of what the API takes and gives.
const lfsType = "application/vnd.git-lfs+json"

func (l *lfsd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	repository, call, isLFS := strings.Cut(r.URL.Path, "/info/lfs/")
	token := r.Header.Get("Authorization") == "RemoteAuth "+lfsToken
	if strings.HasPrefix(r.URL.Path, "/private/") && !token {
		user, password, _ := r.BasicAuth()
		right := l.get("password")
		if right == "" {
			right = "secret"
		}
		if user != "ada" || password != right {
			w.Header().Set("WWW-Authenticate", `Basic realm="mirror"`)
			if isLFS {
				l.answer(w, call, repository, "", http.StatusUnauthorized, map[string]any{"message": "Who are you?"})
			} else {
				http.Error(w, "who are you?", http.StatusUnauthorized)
			}
			return
		}
	}
	if !isLFS {
		r.Header.Del("Authorization") // http-backend's environment would show it
		l.backend.ServeHTTP(w, r)
		return
	}
	if _, err := os.Stat(filepath.Join(l.base, repository, "HEAD")); err != nil {
		l.answer(w, call, repository, "", http.StatusNotFound, nil)
		return
	}
	switch {
	case call == "objects/batch" && r.Method == http.MethodPost:
		l.batch(w, r, repository)
	case call == "verify" && r.Method == http.MethodPost:
		l.verify(w, r, repository)
	case strings.HasPrefix(call, "data/") && r.Method == http.MethodPut:
		l.put(w, r, repository, strings.TrimPrefix(call, "data/"))
	case strings.HasPrefix(call, "data/") && r.Method == http.MethodGet:
		http.ServeFile(w, r, l.file(repository, strings.TrimPrefix(call, "data/")))
	default:
		l.answer(w, call, repository, "", http.StatusNotFound, nil)
	}
}

// lfsToken is what uploads are let in with in token mode.
const lfsToken = "9-token-of-one-upload"

// file is where an object of a repository is.
func (l *lfsd) file(repository, oid string) string {
	return filepath.Join(l.dir, "objects", repository, oid)
}

// answer writes the answer to a request of LFS, and a line into the log.
func (l *lfsd) answer(w http.ResponseWriter, call, repository, what string, code int, body any) {
	if body == nil {
		body = map[string]any{}
	}
	w.Header().Set("Content-Type", lfsType)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
	l.log(code, call, repository, what)
}

func (l *lfsd) log(code int, call, repository, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.OpenFile(filepath.Join(l.dir, "log"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = fmt.Fprintf(f, "%d %s %s %s\n", code, strings.TrimPrefix(call, "objects/"), repository, what)
	_ = f.Close()
}

// fails answers a request that is to fail.
func (l *lfsd) fails(w http.ResponseWriter, call, repository, what string) bool {
	code, object, _ := strings.Cut(l.get(call), " ")
	if code == "" || object != "" && object != what {
		return false
	}
	var number int
	_, _ = fmt.Sscan(code, &number)
	l.answer(w, call, repository, what, number, nil)
	return true
}

type lfsObject struct {
	OID           string               `json:"oid"`
	Size          int64                `json:"size"`
	Authenticated bool                 `json:"authenticated,omitempty"`
	Actions       map[string]lfsAction `json:"actions,omitempty"`
	Error         map[string]any       `json:"error,omitempty"`
}

type lfsAction struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header,omitempty"`
}

func (l *lfsd) batch(w http.ResponseWriter, r *http.Request, repository string) {
	var request struct {
		Operation string      `json:"operation"`
		Objects   []lfsObject `json:"objects"`
	}
	err := json.NewDecoder(r.Body).Decode(&request)
	what := fmt.Sprintf("%s %d", request.Operation, len(request.Objects))
	switch {
	case l.fails(w, "batch", repository, what):
		return
	case err != nil || !strings.HasPrefix(r.Header.Get("Accept"), lfsType):
		l.answer(w, "batch", repository, what, http.StatusNotAcceptable, nil)
		return
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	at := scheme + "://" + r.Host + repository + "/info/lfs/"
	for i, o := range request.Objects {
		has := exists(l.file(repository, o.OID))
		action := lfsAction{Href: at + "data/" + l.handle(o.OID)}
		if l.get("token") != "" {
			action.Header = map[string]string{"Authorization": "RemoteAuth " + lfsToken}
			request.Objects[i].Authenticated = true
		}
		switch {
		case request.Operation == "upload" && !has:
			request.Objects[i].Actions = map[string]lfsAction{"upload": action, "verify": {Href: at + "verify", Header: action.Header}}
		case request.Operation == "download" && has:
			request.Objects[i].Actions = map[string]lfsAction{"download": action}
		case request.Operation == "download":
			request.Objects[i].Error = map[string]any{"code": http.StatusNotFound, "message": "Object does not exist"}
		}
	}
	l.answer(w, "batch", repository, what, http.StatusOK, map[string]any{"transfer": "basic", "objects": request.Objects})
}

// handle is how an href calls an object.
func (l *lfsd) handle(oid string) string {
	if l.get("opaque") == "" {
		return oid
	}
	sum := sha256.Sum256([]byte("handle of " + oid))
	handle := hex.EncodeToString(sum[:4])
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handles[handle] = oid
	return handle
}

func (l *lfsd) put(w http.ResponseWriter, r *http.Request, repository, oid string) {
	l.mu.Lock()
	if known, ok := l.handles[oid]; ok {
		oid = known
	}
	l.puts++
	dies := l.mode["die"] == fmt.Sprint(l.puts)
	hang := l.mode["hang"]
	l.mu.Unlock()
	if dies {
		_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
		l.log(0, "put", repository, oid)
		go l.stop()
		<-r.Context().Done()
		return
	}
	if hang != "" {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = os.WriteFile(hang, nil, 0o600)
		<-r.Context().Done()
		return
	}
	if l.fails(w, "put", repository, oid) {
		return
	}
	content, err := io.ReadAll(r.Body)
	if sum := sha256.Sum256(content); err != nil || hex.EncodeToString(sum[:]) != oid {
		l.answer(w, "put", repository, oid, http.StatusUnprocessableEntity, nil)
		return
	}
	file := l.file(repository, oid)
	err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, content, 0o600))
	if err != nil {
		l.answer(w, "put", repository, oid, http.StatusInsufficientStorage, nil)
		return
	}
	l.answer(w, "put", repository, oid, http.StatusOK, nil)
}

func (l *lfsd) verify(w http.ResponseWriter, r *http.Request, repository string) {
	var o lfsObject
	err := json.NewDecoder(r.Body).Decode(&o)
	if l.fails(w, "verify", repository, o.OID) {
		return
	}
	info, statErr := os.Stat(l.file(repository, o.OID))
	if err != nil || statErr != nil || info.Size() != o.Size {
		l.answer(w, "verify", repository, o.OID, http.StatusNotFound, nil)
		return
	}
	l.answer(w, "verify", repository, o.OID, http.StatusOK, nil)
}

// cmdLFSCommit: lfscommit REPOSITORY BRANCH FILE… adds a commit to a branch of a bare repository,
// in which each FILE is a large one, and puts the objects where git-lfs has them. Its content is
// the file's name and the branch's, with the number of the commit; FILE=TEXT makes it TEXT.
// lfscommit -many N REPOSITORY BRANCH makes N files in commits of a hundred.
func cmdLFSCommit(ts *testscript.TestScript, neg bool, args []string) {
	many := 0
	if len(args) == 4 && args[0] == "-many" {
		_, err := fmt.Sscan(args[1], &many)
		ts.Check(err)
		args = args[2:]
	}
	if neg || len(args) < 2 || many == 0 && len(args) == 2 {
		ts.Fatalf("usage: lfscommit [-many N] REPOSITORY BRANCH FILE[=TEXT]…")
	}
	repository, branch, files := ts.MkAbs(args[0]), args[1], args[2:]
	s := scriptOf(ts)
	for i := range many {
		files = append(files, fmt.Sprintf("many/%d/%d.bin", i/100, i))
	}
	parent, _ := gitIn(ts, args[0], "rev-parse", "--quiet", "--verify", "refs/heads/"+branch)
	var stream strings.Builder
	data := func(text string) { fmt.Fprintf(&stream, "data %d\n%s\n", len(text), text) }
	for i, file := range files {
		if i%100 == 0 {
			s.commits++
			fmt.Fprintf(&stream, "commit refs/heads/%s\ncommitter Carl Committer <carl@example.com> %s\n", branch, date(s.commits))
			data(fmt.Sprintf("Commit %d", s.commits))
			if i == 0 && parent != "" {
				fmt.Fprintf(&stream, "from %s\n", parent)
			}
			stream.WriteString("M 100644 inline .gitattributes\n")
			data("*.bin filter=lfs diff=lfs merge=lfs -text\n")
		}
		name, text, given := strings.Cut(file, "=")
		if !given {
			text = fmt.Sprintf("%s of %s, commit %d\n", name, branch, s.commits)
		}
		sum := sha256.Sum256([]byte(text))
		oid := hex.EncodeToString(sum[:])
		object := filepath.Join(repository, "lfs/objects", oid[:2], oid[2:4], oid)
		ts.Check(errors.Join(os.MkdirAll(filepath.Dir(object), 0o700), os.WriteFile(object, []byte(text), 0o600)))
		fmt.Fprintf(&stream, "M 100644 inline %s\n", name)
		data(fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, len(text)))
		ts.Setenv("LFSOID", oid)
	}
	input := filepath.Join(ts.Getenv("WORK"), "fast-import.in")
	ts.Check(os.WriteFile(input, []byte(stream.String()), 0o600))
	_, err := outputWithin(10*patience, append(environ(ts), "GIT_DIR="+repository), "sh", "-c", `exec git fast-import --quiet <"$0"`, input)
	ts.Check(err)
	ts.Check(os.Remove(input))
}

// cmdLFSCheck: lfscheck URL REPOSITORY BRANCH N clones a branch from a mirror with the real git-lfs
// and fails unless N large files come out as they are upstream.
func cmdLFSCheck(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: lfscheck URL REPOSITORY BRANCH N")
	}
	program(ts, "git-lfs", "git-lfs")
	dir, err := os.MkdirTemp(ts.Getenv("WORK"), "clone-")
	ts.Check(err)
	filter := []string{"-c", "filter.lfs.process=git-lfs filter-process", "-c", "filter.lfs.required=true", "-c", "filter.lfs.smudge=git-lfs smudge -- %f", "-c", "filter.lfs.clean=git-lfs clean -- %f"}
	clone := append(filter, "-c", "http.sslCAInfo="+ts.Getenv("LFSDCA"), "clone", "--quiet", "--branch", args[2], args[0], dir)
	_, err = outputWithin(10*patience, environ(ts), "git", clone...)
	ts.Check(err)
	tree, err := gitIn(ts, args[1], "ls-tree", "-r", "refs/heads/"+args[2])
	ts.Check(err)
	found := 0
	for line := range strings.Lines(tree) {
		about, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !strings.HasSuffix(name, ".bin") {
			continue
		}
		pointer, err := gitIn(ts, args[1], "cat-file", "blob", strings.Fields(about)[2])
		ts.Check(err)
		content, err := os.ReadFile(filepath.Join(dir, name))
		ts.Check(err)
		sum := sha256.Sum256(content)
		if !strings.Contains(pointer, hex.EncodeToString(sum[:])) {
			ts.Fatalf("%s is not what it should be, but %.80q", name, content)
		}
		found++
	}
	if fmt.Sprint(found) != args[3] {
		ts.Fatalf("%d large files were checked out", found)
	}
}
