// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// /status/404 answers so; ?bytes=N with a body of N; whatever is sent is read first.
func handle(w http.ResponseWriter, r *http.Request) {
	received, _ := io.Copy(io.Discard, r.Body)
	status := http.StatusOK
	if rest := strings.TrimPrefix(r.URL.Path, "/status/"); rest != r.URL.Path {
		status, _ = strconv.Atoi(rest)
	}
	size, _ := strconv.Atoi(r.URL.Query().Get("bytes"))
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	if size == 0 {
		fmt.Fprintln(w, received)
		return
	}
	line := strings.Repeat("y", 1000)
	for left := size; left > 0; left -= len(line) {
		if left < len(line) {
			line = line[:left]
		}
		io.WriteString(w, line)
	}
}

// Takes one connection at a time that asks for CONNECT, and passes on what follows, which is TLS again.
func serveTunnels(listener net.Listener, target string) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close()
			reader := bufio.NewReader(client)
			if _, err := http.ReadRequest(reader); err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				return
			}
			defer server.Close()
			fmt.Fprint(client, "HTTP/1.1 200 OK\r\n\r\n")
			go func() {
				io.Copy(server, reader)
				server.(*net.TCPConn).CloseWrite()
			}()
			io.Copy(client, server)
		}()
	}
}

func serve(arguments []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	http1 := flags.Bool("http1", false, "no HTTP/2")
	plain := flags.Bool("plain", false, "no TLS")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	own, err := certificate()
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(handle), TLSConfig: &tls.Config{Certificates: []tls.Certificate{own}}}
	if *http1 {
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	tunnels, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{own}})
	if err != nil {
		return err
	}
	port := func(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
	go serveTunnels(tunnels, listener.Addr().String())
	fmt.Println("listening", port(listener), "tunnels", port(tunnels))
	if *plain {
		return server.Serve(listener)
	}
	return server.ServeTLS(listener, "", "")
}
