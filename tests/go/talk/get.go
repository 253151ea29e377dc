// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
)

var trusting = &tls.Config{InsecureSkipVerify: true}

func ask(client *http.Client, url string) error {
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// Waits for a line on its input after the first request where that is wished: an agent can start meanwhile.
func get(arguments []string) error {
	flags := flag.NewFlagSet("get", flag.ExitOnError)
	http2 := flags.Bool("h2", false, "HTTP/2")
	fresh := flags.Bool("close", false, "a connection for each request")
	count := flags.Int("n", 1, "requests")
	goroutines := flags.Int("c", 1, "goroutines")
	first := flags.Int("r", -1, "ask for /r/N, from this number on, instead")
	wait := flags.Bool("wait", false, "ask /first, then wait for a line before all others")
	flags.Parse(arguments)
	url := flags.Arg(0)

	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: trusting.Clone(), ForceAttemptHTTP2: *http2, DisableKeepAlives: *fresh,
		MaxIdleConnsPerHost: *goroutines,
	}}
	if *wait {
		if err := ask(client, url+"/first"); err != nil {
			return err
		}
		fmt.Println("asked")
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
	failures := make(chan error, *count)
	var all sync.WaitGroup
	for g := 0; g < *goroutines; g++ {
		all.Add(1)
		go func(g int) {
			defer all.Done()
			for i := g; i < *count; i += *goroutines {
				path := fmt.Sprintf("/%d/%d", g, i)
				if *first >= 0 {
					path = fmt.Sprintf("/r/%d", *first+i)
				}
				if err := ask(client, url+path); err != nil {
					failures <- err
				}
			}
		}(g)
	}
	all.Wait()
	if len(failures) > 0 {
		return <-failures
	}
	fmt.Println("done", *count)
	return nil
}

const request = "GET /%s/%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

// Reads into an array of its own until the end. The goroutine is new, so its stack is small, and reading makes it grow
// and move while the read goes on.
//
//go:noinline
func readOnStack(connection *tls.Conn) int {
	var buffer [512]byte
	total := 0
	for {
		n, err := connection.Read(buffer[:])
		total += n
		if err != nil {
			return total
		}
	}
}

func stack(arguments []string) error {
	flags := flag.NewFlagSet("stack", flag.ExitOnError)
	count := flags.Int("n", 1, "requests")
	flags.Parse(arguments)
	for i := 0; i < *count; i++ {
		connection, err := tls.Dial("tcp", flags.Arg(0), trusting)
		if err != nil {
			return err
		}
		fmt.Fprintf(connection, request, "stack", i)
		got := make(chan int)
		go func() { got <- readOnStack(connection) }()
		if <-got == 0 {
			return fmt.Errorf("no answer")
		}
		connection.Close()
	}
	fmt.Println("done", *count)
	return nil
}

func tunnel(arguments []string) error {
	outer, err := tls.Dial("tcp", arguments[0], trusting)
	if err != nil {
		return err
	}
	fmt.Fprint(outer, "CONNECT inner:443 HTTP/1.1\r\nHost: inner:443\r\n\r\n")
	reader := bufio.NewReader(outer)
	if _, err := http.ReadResponse(reader, &http.Request{Method: "CONNECT"}); err != nil {
		return err
	}
	inner := tls.Client(outer, trusting)
	fmt.Fprintf(inner, request, "tunnel", 0)
	answer, err := io.ReadAll(inner)
	if err != nil && len(answer) == 0 {
		return err
	}
	fmt.Println("done", len(answer))
	return nil
}

// As libraries wrap connections: the connection is not where it is most often.
type lined struct {
	reader *bufio.Reader
	net.Conn
}

func (l lined) Read(b []byte) (int, error) { return l.reader.Read(b) }

func buffered(arguments []string) error {
	plain, err := net.Dial("tcp", arguments[0])
	if err != nil {
		return err
	}
	connection := tls.Client(&lined{bufio.NewReader(plain), plain}, trusting)
	fmt.Fprintf(connection, request, "buffered", 0)
	answer, err := io.ReadAll(connection)
	if err != nil && len(answer) == 0 {
		return err
	}
	fmt.Println("done", len(answer))
	return nil
}
