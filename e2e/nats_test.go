package e2e

import (
	"strconv"
	"strings"
	"testing"
)

// natsServer is a nats-server with JetStream on disk.
type natsServer struct {
	*process
	url string

	name  string
	port  int
	dir   string
	flags []string

	config string   // a file that says where the streams are, or none
	env    []string // more for it
}

func startNATS(t testing.TB, flags ...string) *natsServer {
	t.Helper()
	s := &natsServer{name: "nats-server", port: freePorts(t, 1), dir: t.TempDir(), flags: flags}
	s.url = "nats://" + address(s.port)
	s.start(t)
	return s
}

// startNATSCluster starts three servers, which keep three replicas of a stream.
func startNATSCluster(t testing.TB, flags ...string) []*natsServer {
	t.Helper()
	all := natsCluster(t, flags...)
	for _, s := range all {
		s.start(t)
	}
	return all
}

// natsCluster is three servers that are yet to be started.
func natsCluster(t testing.TB, flags ...string) (all []*natsServer) {
	t.Helper()
	const servers = 3
	port := freePorts(t, 2*servers) // for clients, then for routes
	var routes []string
	for i := range servers {
		routes = append(routes, "nats://"+address(port+servers+i))
	}
	for i := range servers {
		name := "nats-" + strconv.Itoa(i+1)
		s := &natsServer{
			name: name, port: port + i, dir: t.TempDir(), url: "nats://" + address(port+i),
			flags: append([]string{"-n", name, "--cluster_name", "e2e", "--cluster", routes[i], "--routes", strings.Join(routes, ",")}, flags...),
		}
		all = append(all, s)
	}
	return all
}

// start starts the server, also again after its end: on the same port, with the
// same streams.
func (s *natsServer) start(t testing.TB) {
	t.Helper()
	args := append([]string{"-a", loopback, "-p", strconv.Itoa(s.port)}, s.flags...)
	if s.config == "" {
		args = append(args, "-js", "-sd", s.dir)
	} else {
		args = append(args, "-c", s.config)
	}
	s.process = startProcessIn(t, s.env, s.name, s.dir, natsProgram, args...)
	s.wantPrinted(t, "Server is ready")
}
