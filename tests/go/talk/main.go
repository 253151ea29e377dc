// SPDX-License-Identifier: Apache-2.0

// A server and clients of Go's standard library, for the tests of what is seen of crypto/tls. Built by tests/go/build.
//
//	talk serve                                     says "listening PORT"
//	talk get [-h2] [-close] [-n N] [-c C] [-r FIRST] [-wait] URL   N requests by C goroutines to URL/goroutine/number
//	                                               or URL/r/number
//	talk stack [-n N] HOST:PORT                    N requests read into a buffer on a stack that moves meanwhile
//	talk tunnel HOST:PORT                          TLS within TLS
//	talk buffered HOST:PORT                        over a connection of a type of its own
//	talk relay [-tls|-tls2] [-h2] [-post] [-idle N] URL…  says "listening PORT", and asks each URL for what it is asked for
//	talk chain                                     says "listening PORT", and asks Redis and PostgreSQL for who asks it
package main

import (
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{
		"serve": serve, "get": get, "stack": stack, "tunnel": tunnel, "buffered": buffered, "chain": chain, "relay": relay,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "talk serve|get|stack|tunnel|buffered|relay|chain")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
