package main

import (
	"fmt"
	"os/user"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// prepareHTTPD makes an nginx that hands all requests to git's http-backend, which everybody may fetch from and push to; below
// /private/ only ada may, with a password. Between them stands fcgiwrap, as nginx speaks FastCGI and git speaks CGI;
// spawn-fcgi makes its socket.
func prepareHTTPD(ts *testscript.TestScript, s *server, base string, port int) {
	me, err := user.Current()
	ts.Check(err)
	workers := ""
	if me.Uid == "0" {
		workers = fmt.Sprintf("user %s;", me.Username) // else they would be nobody, who may not enter the script's folder
	}
	s.write(ts, "home/.gitconfig", gitConfig+"[http]\n\treceivepack = true\n")
	s.write(ts, "users", "ada:{PLAIN}secret\n")
	backend, backendPort := gitProgram(ts, "git-http-backend"), reservePort(ts)
	config := s.write(ts, "nginx.conf", fmt.Sprintf(nginxConfig, port, base, backend, backendPort, workers))
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
			ready: listensOn(port),
		},
	}
	s.url = fmt.Sprintf("http://127.0.0.1:%d", port)
}

// nginxConfig takes the port, the base folder, the program that serves it, fcgiwrap's port, and a line on who the workers are.
// Its own files are below the server's folder.
const nginxConfig = `daemon off;
%[5]s
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

	server {
		listen 127.0.0.1:%[1]d;

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

		location / {
			fastcgi_pass 127.0.0.1:%[4]d;
		}
		location /private/ {
			auth_basic "mirror";
			auth_basic_user_file users;
			fastcgi_pass 127.0.0.1:%[4]d;
		}
	}
}
`
