package e2e

import (
	"strconv"
	"testing"
)

// natsServer is a nats-server with JetStream on disk.
type natsServer struct {
	*process
	url string

	port int
	dir  string
}

func startNATS(t testing.TB) *natsServer {
	t.Helper()
	s := &natsServer{port: freePorts(t, 1), dir: t.TempDir()}
	s.url = "nats://" + address(s.port)
	s.start(t)
	return s
}

// start starts the server, also again after its end: on the same port, with the
// same streams.
func (s *natsServer) start(t testing.TB) {
	t.Helper()
	s.process = startProcess(t, "nats-server", s.dir, natsProgram,
		"-a", loopback, "-p", strconv.Itoa(s.port), "-js", "-sd", s.dir)
	s.wantPrinted(t, "Server is ready")
}
