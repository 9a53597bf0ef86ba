package main

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// prepareHTTPD makes an nginx that everybody may fetch from and push to; below /private/ only they
// may whom the command passwords knows, which is ada at first.
func prepareHTTPD(ts *testscript.TestScript, s *server, base string, port int) {
	prepareNginx(ts, s, base, fmt.Sprintf(openServer, port))
	s.url = fmt.Sprintf("http://127.0.0.1:%d", port)
}

// openServer takes the port.
const openServer = `
	server {
		listen 127.0.0.1:%[1]d;

		location / {
			fastcgi_pass git;
		}
		location /private/ {
			auth_basic "mirror";
			auth_basic_user_file passwords;
			fastcgi_pass git;
		}
	}
`

// prepareNginx makes an nginx of these server blocks, in which fastcgi_pass git hands a request to
// git's http-backend, to serve base. Between them stands fcgiwrap, as nginx speaks FastCGI and git
// speaks CGI; spawn-fcgi makes its socket.
func prepareNginx(ts *testscript.TestScript, s *server, base, servers string) {
	me, err := user.Current()
	ts.Check(err)
	workers := ""
	if me.Uid == "0" {
		workers = fmt.Sprintf("user %s;", me.Username) // else they would be nobody, who may not enter the script's folder
	}
	s.write(ts, "home/.gitconfig", gitConfig+"[http]\n\treceivepack = true\n")
	s.setPasswords(ts, []string{"ada", "secret"})
	backend, backendPort := gitProgram(ts, "git-http-backend"), s.reserve(ts)
	config := s.write(ts, "nginx.conf", fmt.Sprintf(nginxConfig, workers, base, backend, backendPort, servers))
	s.daemons = []daemon{
		{
			argv: []string{
				program(ts, "spawn-fcgi", "spawn-fcgi"), "-n", "-a", "127.0.0.1", "-p", strconv.Itoa(backendPort), "--",
				program(ts, "fcgiwrap", "fcgiwrap"), "-c", "16",
			},
			ready: listensOn(backendPort),
		},
		{
			argv:  []string{program(ts, "nginx", "nginx"), "-p", s.dir, "-c", config},
			ready: listensOn(s.ports[0]),
		},
	}
}

// cmdPasswords: passwords SERVER [USER PASSWORD]… lets these users into what is private on httpd or
// httpsd, and nobody else, from the next request on.
func cmdPasswords(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args)%2 != 1 || args[0] != "httpd" && args[0] != "httpsd" {
		ts.Fatalf("usage: passwords httpd|httpsd [USER PASSWORD]…")
	}
	s := scriptOf(ts).servers[args[0]]
	if s == nil {
		ts.Fatalf("there is no %[1]s: %[1]s BASE comes first", args[0])
	}
	s.setPasswords(ts, args[1:])
}

// setPasswords writes the file that nginx reads at each request. Hashed passwords may have any
// character; plain ones end at a colon.
func (s *server) setPasswords(ts *testscript.TestScript, usersAndPasswords []string) {
	var text strings.Builder
	for i := 0; i < len(usersAndPasswords); i += 2 {
		hash := sha1.Sum([]byte(usersAndPasswords[i+1]))
		fmt.Fprintf(&text, "%s:{SHA}%s\n", usersAndPasswords[i], base64.StdEncoding.EncodeToString(hash[:]))
	}
	written := s.write(ts, "passwords.new", text.String())
	ts.Check(os.Rename(written, strings.TrimSuffix(written, ".new")))
}

// nginxConfig takes a line on who the workers are, the base folder, the program that serves it,
// fcgiwrap's port, and the server blocks. Its own files are below the server's folder. git's
// http-backend gets no Authorization header, as its environment would show that.
const nginxConfig = `daemon off;
%[1]s
worker_processes 1;
pid nginx.pid;
error_log stderr;

events {
	worker_connections 256;
}

http {
	access_log access.log;
	client_body_temp_path body.tmp;
	fastcgi_temp_path fastcgi.tmp;
	proxy_temp_path proxy.tmp;
	scgi_temp_path scgi.tmp;
	uwsgi_temp_path uwsgi.tmp;
	client_max_body_size 0;

	fastcgi_read_timeout 10m;
	fastcgi_param SCRIPT_FILENAME "%[3]s";
	fastcgi_param GIT_PROJECT_ROOT "%[2]s";
	fastcgi_param GIT_HTTP_EXPORT_ALL "";
	fastcgi_param GIT_PROTOCOL $http_git_protocol;
	fastcgi_param PATH_INFO $uri;
	fastcgi_param QUERY_STRING $query_string;
	fastcgi_param REQUEST_METHOD $request_method;
	fastcgi_param CONTENT_TYPE $content_type;
	fastcgi_param CONTENT_LENGTH $content_length;
	fastcgi_param REMOTE_ADDR $remote_addr;
	fastcgi_param HTTP_AUTHORIZATION "";

	upstream git {
		server 127.0.0.1:%[4]d;
	}
%[5]s}
`
