package rabbittest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"limegrove/internal/childtest"
)

const (
	host     = childtest.Host
	patience = 2 * time.Minute // for whatever a busy machine may be slow at
	interval = 50 * time.Millisecond
)

// program is the server itself. What is in the path on Debian becomes another user first.
const program = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// Server is one rabbitmq-server.
type Server struct {
	Port int

	t    testing.TB
	dir  string
	epmd int // its port

	names, broker *process // nil while stopped
}

type process struct {
	cmd    *exec.Cmd
	output childtest.Output
	exited chan struct{}
}

// Start starts a server with the user guest on a free port of loopback, and waits until it
// serves.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{Port: childtest.FreePort(t), t: t, dir: t.TempDir(), epmd: childtest.FreePort(t)}
	s.write("plugins", "[].")
	s.names = s.run("epmd", nil, "-port", strconv.Itoa(s.epmd), "-address", host)
	t.Cleanup(func() {
		s.Stop()
		s.names.end()
	})
	s.Start()
	return s
}

// URL is that of the server, with a user and a password.
func (s *Server) URL() string { return fmt.Sprintf("amqp://guest:guest@%s:%d/", host, s.Port) }

// Start starts the server again after Stop, on the same port. What is durable is still there.
func (s *Server) Start() {
	s.t.Helper()
	s.broker = s.run(program, []string{
		"RUNNING_UNDER_SYSTEMD=true", // the script becomes the server, and does not wait for it
		"HOME=" + s.dir, "ERL_EPMD_PORT=" + strconv.Itoa(s.epmd), "ERL_EPMD_ADDRESS=" + host,
		"RABBITMQ_NODENAME=test" + strconv.Itoa(s.Port) + "@localhost", "RABBITMQ_NODE_IP_ADDRESS=" + host,
		"RABBITMQ_NODE_PORT=" + strconv.Itoa(s.Port), "RABBITMQ_DIST_PORT=" + strconv.Itoa(10_000+s.Port%20_000), // none that a client's connection may have
		"RABBITMQ_MNESIA_BASE=" + s.file("mnesia"), "RABBITMQ_LOG_BASE=" + s.file("log"), "RABBITMQ_LOGS=-",
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + s.file("plugins"), "RABBITMQ_PID_FILE=" + s.file("pid"),
		"RABBITMQ_CONFIG_FILE=" + s.file("none"), "RABBITMQ_CONF_ENV_FILE=" + s.file("none"),
	})
	deadline := time.Now().Add(patience)
	for {
		conn, err := amqp.Dial(s.URL())
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-s.broker.exited:
			s.t.Fatalf("rabbitmq-server has ended:\n%s", s.broker.output.String())
		case <-time.After(interval):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("rabbitmq-server does not serve: %v\n%s", err, s.broker.output.String())
		}
	}
}

// Stop ends the server at once, as a crash would. It may be called twice.
func (s *Server) Stop() {
	if s.broker != nil {
		s.broker.end()
		s.broker = nil
	}
}

// run starts a program in a group of its own.
func (s *Server) run(name string, env []string, args ...string) *process {
	s.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		s.t.Fatal("rabbitmq-server is not installed: apt-get install rabbitmq-server")
	}
	p := &process{exited: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Env = append(p.cmd.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.WaitDelay = patience // for those that it has started, which write there, too
	endWithParent(p.cmd)
	if err := p.cmd.Start(); err != nil {
		s.t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // it ends by our signal
	}()
	return p
}

// end ends a process with those that it has started, and waits for that.
func (p *process) end() {
	kill(p.cmd)
	<-p.exited
}

func (s *Server) file(name string) string { return filepath.Join(s.dir, name) }

func (s *Server) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.file(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}
