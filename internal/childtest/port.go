package childtest

import (
	"net"
	"testing"
)

// Host is where servers of tests listen.
const Host = "127.0.0.1"

// FreePort returns a port of Host that nobody listened on a moment ago.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(Host, "0"))
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
