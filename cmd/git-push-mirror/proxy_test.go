package main

import (
	"context"
	"encoding/base64"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// A proxy forwards requests of http, and connections after CONNECT. It writes the line and header
// of each into its log.
type proxy struct {
	server  *http.Server
	forward *httputil.ReverseProxy
	log     *os.File
	demands string        // what Proxy-Authorization has to be, if anything
	closed  chan struct{} // which ends what goes through it
	stop    func()
}

// cmdProxy: proxy starts a proxy at $PROXY, an http URL, and proxy -auth USER:PASSWORD one that
// demands this; proxy -stop ends it. Its log is $WORK/proxy/log.
func cmdProxy(ts *testscript.TestScript, neg bool, args []string) {
	s := scriptOf(ts)
	demands := ""
	switch {
	case !neg && len(args) == 1 && args[0] == "-stop" && s.proxy != nil:
		s.proxy.stop()
		s.proxy = nil
		return
	case !neg && len(args) == 2 && args[0] == "-auth" && s.proxy == nil:
		demands = "Basic " + base64.StdEncoding.EncodeToString([]byte(args[1]))
	case neg || len(args) > 0 || s.proxy != nil:
		ts.Fatalf("usage: proxy [-auth USER:PASSWORD], then proxy -stop")
	}

	dir := filepath.Join(ts.Getenv("WORK"), "proxy")
	ts.Check(os.MkdirAll(dir, 0o700))
	logFile, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp4", "127.0.0.1:0")
	ts.Check(err)
	s.proxy = startProxy(listener, logFile, demands)
	ts.Defer(s.proxy.stop)
	ts.Setenv("PROXY", "http://"+listener.Addr().String())
}

func startProxy(listener net.Listener, logFile *os.File, demands string) *proxy {
	p := &proxy{log: logFile, demands: demands, closed: make(chan struct{})}
	errorLog := log.New(logFile, "", 0)
	p.forward = &httputil.ReverseProxy{
		Rewrite:   func(*httputil.ProxyRequest) {}, // the request names its server itself
		Transport: &http.Transport{DisableKeepAlives: true},
		ErrorLog:  errorLog,
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: patience, ErrorLog: errorLog}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = p.server.Serve(listener)
	}()
	p.stop = sync.OnceFunc(func() {
		_ = p.server.Close()
		<-served
		close(p.closed)
		_ = p.log.Close()
	})
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	dump, _ := httputil.DumpRequest(r, false)
	_, _ = p.log.Write(dump)
	switch {
	case p.demands != "" && r.Header.Get("Proxy-Authorization") != p.demands:
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
	case r.Method == http.MethodConnect:
		p.tunnel(w, r)
	default:
		p.forward.ServeHTTP(w, r)
	}
}

// tunnel joins the client with the server that it asks for, until either ends or the proxy does.
func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	server, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	ended := make(chan struct{}, 2)
	carry := func(to io.Writer, from io.Reader) {
		_, _ = io.Copy(to, from)
		ended <- struct{}{}
	}
	go carry(server, buffered)
	go carry(client, server)
	select {
	case <-ended:
	case <-p.closed:
	}
}
