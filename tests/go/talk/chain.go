// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
)

// One goroutine's connections to Redis and PostgreSQL, as a driver's pool lends them.
type lent struct {
	redis, postgres net.Conn
	fromRedis       *bufio.Reader
	fromPostgres    *bufio.Reader
}

func dial(variable string) (net.Conn, *bufio.Reader, error) {
	connection, err := net.Dial("tcp", "127.0.0.1:"+os.Getenv(variable))
	if err != nil {
		return nil, nil, err
	}
	return connection, bufio.NewReader(connection), nil
}

func (l *lent) untilReady() error {
	for {
		var head [5]byte
		if _, err := io.ReadFull(l.fromPostgres, head[:]); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, l.fromPostgres, int64(binary.BigEndian.Uint32(head[1:])-4)); err != nil {
			return err
		}
		if head[0] == 'Z' {
			return nil
		}
	}
}

func connect() (*lent, error) {
	l := &lent{}
	var err error
	if l.redis, l.fromRedis, err = dial("REDIS_PORT"); err != nil {
		return nil, err
	}
	if l.postgres, l.fromPostgres, err = dial("PGPORT"); err != nil {
		return nil, err
	}
	body := append(binary.BigEndian.AppendUint32(nil, 196608), "user\x00postgres\x00database\x00postgres\x00\x00"...)
	if _, err = l.postgres.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...)); err != nil {
		return nil, err
	}
	return l, l.untilReady()
}

func (l *lent) serve(number string) error {
	key := "k:" + number
	if _, err := fmt.Fprintf(l.redis, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", len(key), key); err != nil {
		return err
	}
	if line, err := l.fromRedis.ReadString('\n'); err != nil || !strings.HasPrefix(line, "$-1") {
		return fmt.Errorf("redis said %q: %w", line, err)
	}
	text := "SELECT 1 AS r_" + number + "\x00"
	if _, err := l.postgres.Write(append(binary.BigEndian.AppendUint32([]byte("Q"), uint32(len(text)+4)), text...)); err != nil {
		return err
	}
	return l.untilReady()
}

// chain serves /r/N over HTTP, and says N in what it asks of Redis and PostgreSQL meanwhile. From the environment:
// REDIS_PORT, PGPORT, POOL (connections to each).
func chain([]string) error {
	size, _ := strconv.Atoi(os.Getenv("POOL"))
	pool := make(chan *lent, size)
	for i := 0; i < size; i++ {
		l, err := connect()
		if err != nil {
			return err
		}
		pool <- l
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := <-pool
		err := l.serve(path.Base(r.URL.Path))
		pool <- l
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "ok")
	}))
}
