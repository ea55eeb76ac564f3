package interest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
)

// ErrConnection is for a connection that was not made with [Option].
var ErrConnection = errors.New("the connection cannot share subscriptions")

// ID is a subject of a channel. The zero value is none.
type ID uint32

// Channel is a number of subjects that share one subscription of the client library, and the channel that
// this brings their messages to. A message's Sub is that subscription, whichever subject it came for.
type Channel struct {
	// Set when it is made and not changed.
	dialer         *dialer
	sub            *nats.Subscription
	mark           []byte // what the library's SUB begins with, but for the number
	prefix, suffix string

	// Guarded by dialer.mu.
	number uint64   // the library's, once it was seen
	on     *conn    // that has the names, or has them before it
	names  []string // by ID - 1; "" is free
	free   []ID
}

// Listen makes a channel. What comes for a name goes to messages, as with
// [nats.Conn.ChanSubscribe]; the subject of a name is prefix, name and suffix. nc was made with [Option].
func Listen(nc *nats.Conn, messages chan *nats.Msg, prefix, suffix string) (*Channel, error) {
	d, ok := nc.Opts.CustomDialer.(*dialer)
	if !ok {
		return nil, ErrConnection
	}
	// Nobody else knows the subject, so that nobody can have it written by another's hand.
	own := nc.NewInbox()
	c := &Channel{dialer: d, mark: fmt.Appendf(nil, "SUB %s  ", own), prefix: prefix, suffix: suffix}
	d.mu.Lock()
	d.channels = append(d.channels, c) // before the library writes of it
	d.mu.Unlock()
	sub, err := nc.ChanSubscribe(own, messages)
	if err != nil {
		d.forget(c)
		return nil, err
	}
	c.sub = sub
	return c, nil
}

// Of tells whether a subscription of the library, as error handlers are told one, is the channel's.
func (c *Channel) Of(sub *nats.Subscription) bool { return c.sub == sub }

// Dropped is how many messages had no room in the channel, ever.
func (c *Channel) Dropped() int {
	n, err := c.sub.Dropped()
	if err != nil { // the connection is closed
		return 0
	}
	return n
}

// Len is how many names it has.
func (c *Channel) Len() int {
	c.dialer.mu.Lock()
	defer c.dialer.mu.Unlock()
	return len(c.names) - len(c.free)
}

// Add subscribes to the subject of a name, which has nothing in it that a subject has not. It does not
// block. The broker has it when a round trip that began later is over. The name is kept, so that it had
// better be a string that is there anyway. Nobody looks whether it is there already: then
// messages come twice.
func (c *Channel) Add(name string) ID {
	d := c.dialer
	d.mu.Lock()
	defer d.mu.Unlock()
	var id ID
	if last := len(c.free) - 1; last >= 0 {
		id, c.free = c.free[last], c.free[:last]
		c.names[id-1] = name
	} else {
		c.names = append(c.names, name)
		id = ID(len(c.names))
	}
	if on := d.current; on != nil && c.on == on {
		on.pending = c.appendSub(on.pending, id)
	}
	return id
}

// Remove ends what Add began. It does not block. What the broker sent before it has heard of that still
// comes; but between a Remove and an Add of the same name, in this order, the broker sends
// nothing twice.
func (c *Channel) Remove(id ID) {
	d := c.dialer
	d.mu.Lock()
	defer d.mu.Unlock()
	c.names[id-1] = ""
	c.free = append(c.free, id)
	if on := d.current; on != nil && c.on == on {
		on.pending = c.appendUnsub(on.pending, id)
		on.writeSoonLocked()
	}
}

func (c *Channel) appendSub(dst []byte, id ID) []byte {
	dst = append(dst, "SUB "...)
	dst = append(dst, c.prefix...)
	dst = append(dst, c.names[id-1]...)
	dst = append(dst, c.suffix...)
	dst = append(dst, ' ')
	return append(appendNumber(dst, uint64(id), c.number), '\r', '\n')
}

func (c *Channel) appendUnsub(dst []byte, id ID) []byte {
	dst = append(dst, "UNSUB "...)
	return append(appendNumber(dst, uint64(id), c.number), '\r', '\n')
}

// appendAll appends the SUB of all names.
func (c *Channel) appendAll(dst []byte) []byte {
	for i, name := range c.names {
		if name != "" {
			dst = c.appendSub(dst, ID(i+1))
		}
	}
	return dst
}

// seen looks for the SUB of the channel's own subscription in what the library writes, and notes the number
// that it has there. It returns where the SUB ends, 0 when it is not there.
func (c *Channel) seen(written []byte) (end int) {
	begin := bytes.Index(written, c.mark)
	if begin < 0 {
		return 0
	}
	begin += len(c.mark)
	length := bytes.Index(written[begin:], []byte("\r\n"))
	if length < 0 {
		return 0
	}
	n, err := strconv.ParseInt(string(written[begin:begin+length]), 10, 64)
	if err != nil {
		return 0
	}
	c.number = uint64(n)
	return begin + length + len("\r\n")
}
