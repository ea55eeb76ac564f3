package client

import (
	"fmt"

	"limegrove/lime"
)

// arrive has Config.Arrivals keep a message for which there is room in the queue, and says that
// it has come. One that is not kept is the server's to keep, as without a store. An error is the
// session's end, and the message is to be queued all the same.
func (s *session) arrive(i *item, text []byte) error {
	c, m := s.client, i.envelope.(*lime.Message)
	if c.cfg.Arrivals == nil || i.again {
		return nil
	}
	number, err := c.cfg.Arrivals.Put(bareType(m.Type), text)
	if err != nil || number == 0 {
		return nil // the store counts what it has no room for
	}
	i.kept = number
	if n := s.receipt(m, lime.EventReceived, nil); n != nil && c.cfg.Receipts != ReceiptsOff {
		return s.out.answer(n)
	}
	return nil
}

// restoreArrivals queues what earlier processes have not handled. What comes again is known by
// them.
func (c *Client) restoreArrivals() error {
	if c.cfg.Arrivals == nil {
		return nil
	}
	for number := uint64(0); ; {
		var text []byte
		var err error
		if number, text, err = c.cfg.Arrivals.Next(number); err != nil {
			return fmt.Errorf("client: read what has arrived: %w", err)
		}
		if number == 0 {
			return nil
		}
		var h lime.Header
		var m *lime.Message
		if _, err = h.Scan(text); err == nil {
			m, err = h.Message(text)
		}
		if err != nil {
			c.drop(DropMalformed)
			if err := c.cfg.Arrivals.Remove(number); err != nil {
				return fmt.Errorf("client: remove what is no message: %w", err)
			}
			continue
		}
		c.duplicates.seen(&h)
		c.inbox.add(item{kind: lime.KindMessage, envelope: m, kept: number, stored: m.ID != ""})
	}
}

// handledItem has Config.Arrivals keep a message no longer. That it is kept all the same means
// that the next process handles it again.
func (c *Client) handledItem(i item) {
	if i.kept == 0 {
		return
	}
	if err := c.cfg.Arrivals.Remove(i.kept); err != nil {
		c.drop(DropRemoval)
	}
}
