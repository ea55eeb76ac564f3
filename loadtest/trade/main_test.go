package main

import (
	"bytes"
	"net/url"
	"os"
	"regexp"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-as" { // an edge that the test has started
		if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	m.Run()
}

func TestBothWaysBringEverything(t *testing.T) {
	for _, args := range [][]string{
		{"-mode", byIdentity}, {"-mode", byIdentity, "-connections", "3"}, {"-mode", byEdge, "-stale", "10"},
	} {
		var out bytes.Buffer
		args = append(args, "-edges", "2", "-sessions", "500", "-seconds", "0.3", "-rate", "1000", "-port", freePort(t))
		if err := run(args, nil, &out); err != nil {
			t.Fatal(err)
		}
		t.Log(out.String())
		if n := len(regexp.MustCompile(`[1-9][0-9]* received/s`).FindAll(out.Bytes(), -1)); n != 2 {
			t.Errorf("%v: messages came in %d of 2 loads:\n%s", args, n, out.String())
		}
	}
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	u, err := url.Parse(srv.ClientURL())
	srv.Shutdown()
	srv.WaitForShutdown()
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}
