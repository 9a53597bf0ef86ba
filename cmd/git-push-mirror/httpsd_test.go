package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// prepareHTTPSD makes an nginx that speaks TLS, with a certificate of its own authority ($CAFILE).
// What httpd has is there as well, and paths whose answers are those of a host in trouble. More
// servers beside it serve the same:
//
//	$HTTPSDPLAIN   http, redirects to https
//	$HTTPSDCLIENT  asks for a certificate: client.pem with client.key
//	$HTTPSDSELF    has a certificate that no authority signed
//	$HTTPSDEXPIRED has one of the authority's that has expired
//	$HTTPSDOTHER   has one of the authority's that is for another host
//
// With -ipv6 the first one listens on ::1 too, as $HTTPSD6.
func prepareHTTPSD(ts *testscript.TestScript, s *server, base string, port int) {
	plain, client, self, expired, other := s.reserve(ts), s.reserve(ts), s.reserve(ts), s.reserve(ts), s.reserve(ts)
	ca := newCertificate(ts, nil, &x509.Certificate{
		Subject:  pkix.Name{CommonName: "Test Authority"},
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	})
	host := x509.Certificate{
		Subject:     pkix.Name{CommonName: "localhost"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	newCertificate(ts, ca, &host).write(ts, s, "server")
	newCertificate(ts, nil, &host).write(ts, s, "self")
	late, stranger := host, host
	late.NotBefore, late.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	newCertificate(ts, ca, &late).write(ts, s, "expired")
	stranger.DNSNames, stranger.IPAddresses = []string{"other.example.com"}, nil
	newCertificate(ts, ca, &stranger).write(ts, s, "other")
	newCertificate(ts, ca, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "mirror"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}).write(ts, s, "client")
	ca.write(ts, s, "ca")

	prepareNginx(ts, s, base, fmt.Sprintf(tlsServers, port, plain, client)+
		fmt.Sprintf(tlsServer, self, "self")+fmt.Sprintf(tlsServer, expired, "expired")+fmt.Sprintf(tlsServer, other, "other"))
	s.url = fmt.Sprintf("https://127.0.0.1:%d", port)
	s.variables["HTTPSDPLAIN"] = fmt.Sprintf("http://127.0.0.1:%d", plain)
	s.variables["HTTPSDCLIENT"] = fmt.Sprintf("https://127.0.0.1:%d", client)
	s.variables["HTTPSDSELF"] = fmt.Sprintf("https://127.0.0.1:%d", self)
	s.variables["HTTPSDEXPIRED"] = fmt.Sprintf("https://127.0.0.1:%d", expired)
	s.variables["HTTPSDOTHER"] = fmt.Sprintf("https://127.0.0.1:%d", other)
	s.actions = map[string]func(*testscript.TestScript){"-ipv6": func(ts *testscript.TestScript) {
		here := fmt.Sprintf("listen 127.0.0.1:%d ssl;", port)
		port6 := s.listenOn6(ts, "nginx.conf", here, here+"\n\t\tlisten [::1]:%d ssl;")
		s.variables["HTTPSD6"] = fmt.Sprintf("https://[::1]:%d", port6)
	}}
	s.variables["CAFILE"] = filepath.Join(s.dir, "ca.pem")
}

// tlsServers takes the ports of TLS, of plain http, and of TLS with certificates of clients.
// Without .git GitLab redirects GET /info/refs, whoever asks, and has nothing else there.
const tlsServers = `
	ssl_certificate server.pem;
	ssl_certificate_key server.key;

	server {
		listen 127.0.0.1:%[1]d ssl;

		location / {
			fastcgi_pass git;
		}
		location /private/ {
			auth_basic "mirror";
			auth_basic_user_file passwords;
			fastcgi_pass git;
		}
		location /forbidden/ {
			default_type text/plain;
			return 403 "Write access to this repository is not granted.\n";
		}
		location /gone/ {
			return 410;
		}
		location /limited/ {
			add_header Retry-After 30 always;
			return 429;
		}
		location /broken/ {
			return 500;
		}
		location /shard/ {
			default_type text/plain;
			return 502 "dial tcp 10.0.0.3:8075: connect: connection refused\n";
		}
		location /small/ {
			client_max_body_size 100k;
			fastcgi_pass git;
		}
		location ~ ^/moved(/.*) {
			return 301 $1$is_args$args;
		}
		location ~ ^(/nosuffix/.*[^/])(?<!\.git)/info/refs$ {
			return 301 $1.git/info/refs$is_args$args;
		}
	}
	server {
		listen 127.0.0.1:%[2]d;
		return 301 https://127.0.0.1:%[1]d$request_uri;
	}
	server {
		listen 127.0.0.1:%[3]d ssl;
		ssl_client_certificate ca.pem;
		ssl_verify_client on;

		location / {
			fastcgi_pass git;
		}
	}
`

// tlsServer takes a port and the name of a certificate.
const tlsServer = `
	server {
		listen 127.0.0.1:%[1]d ssl;
		ssl_certificate %[2]s.pem;
		ssl_certificate_key %[2]s.key;

		location / {
			fastcgi_pass git;
		}
	}
`

// A certificate has its key with it.
type certificate struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// newCertificate makes a certificate with a new key, signed by another or, without one, by itself,
// and valid for a day unless the template says otherwise.
func newCertificate(ts *testscript.TestScript, signer *certificate, template *x509.Certificate) *certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	ts.Check(err)
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	}
	if signer == nil {
		signer = &certificate{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.Certificate, &key.PublicKey, signer.key)
	ts.Check(err)
	made, err := x509.ParseCertificate(der)
	ts.Check(err)
	return &certificate{made, key}
}

// write puts it into NAME.pem of the server's folder, and its key into NAME.key.
func (c *certificate) write(ts *testscript.TestScript, s *server, name string) {
	key, err := x509.MarshalPKCS8PrivateKey(c.key)
	ts.Check(err)
	s.write(ts, name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
	s.write(ts, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}
