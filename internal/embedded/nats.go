package embedded

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/sirupsen/logrus"
)

// MaxPayload is the largest NATS message that the embedded server takes, headers
// included, in bytes.
const MaxPayload = 1 << 20

// syncInterval is how often JetStream syncs what it has written. A crash of the
// process loses nothing, since the system has the data by then; a power cut may
// lose the last second, though it was acknowledged. Shorter buys little and costs
// throughput for every store.
const syncInterval = time.Second

// readyTimeout is generous: a folder with much in it is read before the start ends.
const readyTimeout = 30 * time.Second

// NATSConfig is where and how the embedded NATS runs.
type NATSConfig struct {
	// Dir is the folder of the streams; made when it is not there. Required.
	Dir string
	// Port is the preferred port on 127.0.0.1. Default 4222; negative takes any.
	Port int
	// Log takes the server's lines. Default none.
	Log logrus.FieldLogger
}

// NATS is a running NATS server with JetStream.
type NATS struct {
	server *server.Server
	unlock func()
	stop   sync.Once

	noRoom chan struct{} // closed to end the watch over the disk
	room   sync.WaitGroup
}

// StartNATS starts the server and returns when clients can connect. A folder that
// another process uses gives an error matching ErrDirInUse.
func StartNATS(cfg NATSConfig) (*NATS, error) {
	if cfg.Dir == "" {
		return nil, errors.New("start embedded NATS: no folder")
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("start embedded NATS: %w", err)
	}
	unlock, err := lockFile(filepath.Join(cfg.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("start embedded NATS in %s: %w", cfg.Dir, err)
	}
	s, err := startServer(cfg)
	if err != nil {
		unlock()
		return nil, fmt.Errorf("start embedded NATS in %s: %w", cfg.Dir, err)
	}
	n := &NATS{server: s, unlock: unlock, noRoom: make(chan struct{})}
	room := &room{server: s, dir: cfg.Dir, space: diskSpace, log: newNATSLog(cfg.Log).log}
	if err := room.look(); errors.Is(err, errors.ErrUnsupported) {
		return n, nil // the server's own limit has to do: three quarters of what was free
	}
	n.room.Go(func() { room.run(n.noRoom) })
	return n, nil
}

// startServer tries the preferred port, then any. Between the look at the port and
// the server's bind another process may take it: the second try meets that too.
func startServer(cfg NATSConfig) (*server.Server, error) {
	port := cfg.Port
	if port == 0 {
		port = 4222
	}
	if port > 0 && portFree(port) {
		s, err := runServer(cfg, port)
		if err == nil || portFree(port) {
			return s, err
		}
	}
	return runServer(cfg, server.RANDOM_PORT)
}

func runServer(cfg NATSConfig, port int) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName:             "limegrove-embedded",
		Host:                   "127.0.0.1",
		Port:                   port,
		NoSigs:                 true, // signals are the process's
		MaxPayload:             MaxPayload,
		JetStream:              true,
		StoreDir:               cfg.Dir,
		JetStreamMaxStore:      storeLimit(cfg.Dir),
		SyncInterval:           syncInterval,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, err
	}
	log := newNATSLog(cfg.Log)
	s.SetLogger(log, log.debug(), false)
	s.Start()
	if err := awaitReady(s, log.fatal); err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, err
	}
	return s, nil
}

// awaitReady waits until clients can connect, or the server has given up.
func awaitReady(s *server.Server, fatal <-chan string) error {
	for deadline := time.Now().Add(readyTimeout); time.Now().Before(deadline); {
		if s.ReadyForConnections(50 * time.Millisecond) {
			return nil
		}
		select {
		case text := <-fatal:
			return errors.New(text)
		default:
		}
	}
	return fmt.Errorf("not ready after %s", readyTimeout)
}

func portFree(port int) bool {
	ln, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	return ln.Close() == nil
}

// URL is where clients connect, in this process or another on this machine.
func (n *NATS) URL() string { return n.server.ClientURL() }

// Shutdown closes the clients' connections, writes the streams out, ends the server
// and gives the folder free. It may be called twice.
func (n *NATS) Shutdown() {
	n.stop.Do(func() {
		close(n.noRoom)
		n.room.Wait()
		n.server.Shutdown()
		n.server.WaitForShutdown()
		n.unlock()
	})
}
