package e2e

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// connector speaks the frames of aioconnectors, as its package does in the role of a client,
// which answers pings by itself.
type connector struct {
	t    *testing.T
	conn net.Conn
	name string

	in      chan string // frames that came but for the edge's pings; closed at the end
	writing sync.Mutex
	pings   int
}

// aioServer is what connectors call their server.
const aioServer = "('edge.example.org', 10673)"

// aioFrame is a frame: a header, data, and a binary part if there is one more.
func aioFrame(header string, parts ...string) string {
	rest := string(binary.LittleEndian.AppendUint16(nil, uint16(len(header)))) + header
	for _, p := range parts {
		rest += string(binary.LittleEndian.AppendUint32(nil, uint32(len(p)))) + p
	}
	return string(binary.LittleEndian.AppendUint32(nil, uint32(len(rest)))) + rest
}

// connect connects a connector, and says who it is.
func connect(t *testing.T, at *edge, name string) *connector {
	t.Helper()
	return connectOver(t, at, func(nc net.Conn) net.Conn { return nc }, "_handshake_no_ssl", name)
}

func connectOver(t *testing.T, at *edge, over func(net.Conn) net.Conn, handshake, name string) *connector {
	t.Helper()
	return connectSaying(t, at, over, name, aioFrame(`{"message_type":"`+handshake+`","source_id":"`+name+`"}`, "hello"))
}

// connectSaying connects a connector whose first frame is another one; "" for none.
func connectSaying(t *testing.T, at *edge, over func(net.Conn) net.Conn, name, first string) *connector {
	t.Helper()
	address := at.wantPrinted(t, `aioconnectors +(\S+)`)[1]
	nc, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	c := &connector{t: t, conn: over(nc), name: name, in: make(chan string, 1<<12)}
	t.Cleanup(func() { c.conn.Close() })
	go c.read()
	if first != "" {
		c.write(first)
	}
	return c
}

// read takes what comes, and answers pings with the data that they have.
func (c *connector) read() {
	defer close(c.in)
	for {
		var size [4]byte
		if _, err := io.ReadFull(c.conn, size[:]); err != nil {
			return
		}
		rest := make([]byte, binary.LittleEndian.Uint32(size[:]))
		if _, err := io.ReadFull(c.conn, rest); err != nil {
			return
		}
		n := int(binary.LittleEndian.Uint16(rest)) + 2
		var header struct {
			Type  string `json:"message_type"`
			Await bool   `json:"await_response"`
			ID    string `json:"request_id"`
		}
		if json.Unmarshal(rest[2:n], &header) == nil && header.Type == "_ping" && header.Await {
			answer := aioFrame(`{"message_type":"_ping","source_id":"`+c.name+`","response_id":"`+header.ID+`"}`, string(rest[n+4:]))
			if c.say(answer) != nil {
				return
			}
			continue
		}
		c.in <- string(size[:]) + string(rest)
	}
}

func (c *connector) say(frame string) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err := io.WriteString(c.conn, frame)
	return err
}

func (c *connector) write(frame string) {
	c.t.Helper()
	if err := c.say(frame); err != nil {
		c.t.Fatal(err)
	}
}

// sends sends a message to the server, with more in its header.
func (c *connector) sends(kind, more string, parts ...string) {
	c.t.Helper()
	c.write(aioFrame(`{"message_type":"`+kind+`","source_id":"`+c.name+`","destination_id":"`+aioServer+`"`+more+`}`, parts...))
}

// gets takes the next frame, which has a header from somebody, with more in it.
func (c *connector) gets(what, kind, from, more string, parts ...string) {
	c.t.Helper()
	c.getsFrame(what, aioFrame(`{"message_type":"`+kind+`","source_id":"`+from+`","destination_id":"`+c.name+`"`+more+`}`, parts...))
}

// isAcknowledged takes the acknowledgement of a message.
func (c *connector) isAcknowledged(what string, transport int) {
	c.t.Helper()
	c.getsFrame(what, aioFrame(fmt.Sprintf(`{"message_type":"_ack","source_id":"%s","transport_id":%d}`, aioServer, transport), ""))
}

func (c *connector) getsFrame(what, want string) {
	c.t.Helper()
	select {
	case got, ok := <-c.in:
		if got != want {
			c.t.Fatalf("%s: %s gets\n%q (%t), want\n%q", what, c.name, got, ok, want)
		}
	case <-time.After(patience):
		c.t.Fatalf("%s: %s gets nothing, want\n%q", what, c.name, want)
	}
}

// getsNothing wants nothing to have come before the answer to a ping. What the connector has said before
// was taken by then, topics that it enters included.
func (c *connector) getsNothing(what string) {
	c.t.Helper()
	c.pings++
	c.sends("_ping", fmt.Sprintf(`,"request_id":%d,"await_response":true`, c.pings), "p")
	c.gets(what, "_ping", aioServer, fmt.Sprintf(`,"response_id":%d`, c.pings), "p")
}

// subscribes waits until a topic's publications come.
func (c *connector) subscribes(topics ...string) {
	c.t.Helper()
	c.write(aioFrame(`{"message_type":"_pubsub","source_id":"`+c.name+`"}`, `{"subscribe_message_types":["`+strings.Join(topics, `","`)+`"]}`))
	c.getsNothing("it has subscribed")
}

// isClosed takes the end of the connection.
func (c *connector) isClosed(what string) {
	c.t.Helper()
	select {
	case got, ok := <-c.in:
		if ok {
			c.t.Errorf("%s: %s gets %q", what, c.name, got)
		}
	case <-time.After(patience):
		c.t.Errorf("%s: %s is connected", what, c.name)
	}
}
