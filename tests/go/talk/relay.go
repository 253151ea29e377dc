// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// relay asks each of the URLs for what it is asked for, one after the other, as a service asks those behind it.
func relay(arguments []string) error {
	flags := flag.NewFlagSet("relay", flag.ExitOnError)
	sealed := flags.Bool("tls", false, "serve HTTPS, without HTTP/2")
	sealed2 := flags.Bool("tls2", false, "serve HTTPS, with HTTP/2")
	http2 := flags.Bool("h2", false, "ask by HTTP/2 where the other end speaks it")
	post := flags.Bool("post", false, "ask by POST, with a body that takes several writes")
	idle := flags.Int("idle", 100, "connections kept to each of those asked, and as many at most")
	late := flags.Bool("late", false, "give each call up at once, now and then")
	flags.Parse(arguments)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: trusting.Clone(), ForceAttemptHTTP2: *http2,
		MaxIdleConnsPerHost: *idle, MaxConnsPerHost: *idle,
	}, Timeout: time.Minute}
	body := strings.Repeat("z", 20000)
	one := func(url string) error {
		if !*post {
			return ask(client, url)
		}
		answer, err := client.Post(url, "text/plain", strings.NewReader(body))
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if *late && strings.HasSuffix(r.URL.Path, "3") {
			hasty := *client
			hasty.Timeout = 50 * time.Microsecond
			_ = ask(&hasty, flags.Arg(0)+r.URL.Path)
		}
		for _, url := range flags.Args() {
			if err := one(url + r.URL.Path); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		fmt.Fprintln(w, "ok")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	server := &http.Server{Handler: http.HandlerFunc(handler)}
	if !*sealed && !*sealed2 {
		return server.Serve(listener)
	}
	own, err := certificate()
	if err != nil {
		return err
	}
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{own}}
	if !*sealed2 {
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	}
	return server.ServeTLS(listener, "", "")
}
