package floor

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"limegrove/edge/poll"
)

// maxClients is beyond the numbers of clients. The table takes memory where it is used alone.
const maxClients = 1 << 20

// queueLimit is beyond what waits in a run that is worth something.
const queueLimit = 16 << 20

// server hands on what clients say.
type server struct {
	clients []atomic.Pointer[poll.Conn] // by their numbers

	mu    sync.RWMutex
	rooms map[uint32][]*poll.Conn
}

// Serve takes ln and serves its connections until ctx is done.
func Serve(ctx context.Context, ln net.Listener) error {
	group, err := poll.NewGroup(poll.Config{QueueLimit: queueLimit})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	s := &server{clients: make([]atomic.Pointer[poll.Conn], maxClients), rooms: make(map[uint32][]*poll.Conn)}
	open := func(_ *poll.Turn, c *poll.Conn) poll.Handler { return &client{server: s, conn: c} }
	ctx, cancel := context.WithCancel(ctx)
	var accepting error
	var ended sync.WaitGroup
	ended.Go(func() {
		defer group.Close() // clients do not end by themselves
		accepting = group.Serve(ctx, ln, func(netip.AddrPort) (poll.Opener, []byte) { return open, nil })
	})
	running := group.Run(ctx)
	cancel()
	ended.Wait()
	if errors.Is(running, poll.ErrClosed) { // before it has begun
		running = nil
	}
	return errors.Join(running, accepting)
}

// headLen is the length of a message's letter and number.
const headLen = 5

var errMessage = errors.New("a message that no client may send")

// take handles a message of c.
func (s *server) take(t *poll.Turn, c *client, message []byte) error {
	if len(message) < headLen {
		return errMessage
	}
	number := binary.BigEndian.Uint32(message[1:])
	switch message[0] {
	case 'i':
		if number >= maxClients {
			return errMessage
		}
		c.number, c.known = number, true
		s.clients[number].Store(c.conn)
		return send(t, c.conn, message)
	case 'm':
		if number >= maxClients {
			return errMessage
		}
		if to := s.clients[number].Load(); to != nil {
			// Who is gone, or reads nothing, gets nothing: that is for the generator to count.
			_ = send(t, to, message)
		}
		return nil
	case 'j':
		s.mu.Lock()
		s.rooms[number] = append(s.rooms[number], c.conn)
		s.mu.Unlock()
		return send(t, c.conn, message)
	case 'p':
		s.publish(t, number, message)
		return nil
	}
	return errMessage
}

// publish hands a message to all in a room, with a frame that is made once.
func (s *server) publish(t *poll.Turn, room uint32, message []byte) {
	var array [maxHead]byte
	head := appendHead(array[:0], opBinary, len(message))
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, to := range s.rooms[room] {
		_ = t.Batch.Append(to, head, message)
	}
}

// leave forgets a client.
func (s *server) leave(c *client) {
	if c.known {
		s.clients[c.number].CompareAndSwap(c.conn, nil)
	}
}

// send sends a message as one frame, with the others of the turn.
func send(t *poll.Turn, to *poll.Conn, message []byte) error {
	var array [maxHead]byte
	return t.Batch.Append(to, appendHead(array[:0], opBinary, len(message)), message)
}
