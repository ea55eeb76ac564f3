package client

import (
	"errors"
	"fmt"

	"limegrove/lime"
)

// Store keeps publications until they are answered, beyond the life of the process: see
// Config.Store and package spool. Its methods are called from any goroutine, and may take as long as a
// disk does.
type Store interface {
	// Put keeps a message, which it borrows, and returns its number, which is above those of all
	// that are kept. The number is 0 when messages of its media type, which is in lower case and
	// without parameters, are not kept. An error says that there is no room, or that it cannot be kept.
	Put(mediaType string, message []byte) (number uint64, err error)

	// Next returns the first message that is kept with a number above another, or the number 0 when
	// there is none. The message is the caller's.
	Next(after uint64) (number uint64, message []byte, err error)

	// Remove keeps a message no longer. It does nothing about one that is not kept.
	Remove(number uint64) error
}

// ErrKept matches the error of who no longer waits for a publication that the Store has: it is
// sent as soon as that can be, by the next process if need be. Whoever publishes it once more sends it
// twice.
var ErrKept = errors.New("message is kept")

// errGone is the end of a publication that the Store has lost.
var errGone = errors.New("the store has lost the message")

// restore takes up what the store has from earlier processes.
func (c *Client) restore() error {
	if c.cfg.Store == nil {
		return nil
	}
	for number := uint64(0); ; {
		var text []byte
		var err error
		if number, text, err = c.cfg.Store.Next(number); err != nil {
			return fmt.Errorf("client: read what is kept: %w", err)
		}
		if number == 0 {
			return nil
		}
		m, err := lime.DecodeMessage(text)
		if err == nil {
			p := &Publication{
				id: m.ID, to: m.To, rank: c.cfg.rankOf(m), text: text, done: make(chan struct{}), kept: true, number: number,
				after: c.unheard(DropKept),
			}
			err = check(new(lime.Header), text, c.cfg.MaxSend-resentSize)
			if err == nil && m.ID != "" {
				err = c.publications.reserve(p)
			}
			if err == nil && m.ID != "" {
				err = c.publications.enqueue(p)
			}
		}
		if err != nil || m.ID == "" {
			c.drop(DropKept)
			if err := c.cfg.Store.Remove(number); err != nil {
				return fmt.Errorf("client: remove what cannot be sent: %w", err)
			}
		}
	}
}

// unheard counts the end of a publication that nobody waits for, if it is not a good one.
func (c *Client) unheard(why DropReason) func(error) {
	return func(err error) {
		if err != nil && !errors.Is(err, ErrKept) {
			c.drop(why)
		}
	}
}

// keep has the store keep a publication, if it is one for it.
func (c *Client) keep(p *Publication, mediaType string) error {
	number, err := c.cfg.Store.Put(bareType(mediaType), p.text)
	if err != nil {
		return fmt.Errorf("keep it: %w", err)
	}
	if number != 0 {
		c.publications.has(p, number)
	}
	return nil
}

// tendStore removes from the store what is answered, and reads from it what may be sent now. It is
// called by the writer of the session that there is, and at the end.
func (c *Client) tendStore() {
	if c.cfg.Store == nil {
		return
	}
	removals, unread := c.publications.work()
	for i, number := range removals {
		if err := c.cfg.Store.Remove(number); err != nil {
			c.publications.removeLater(removals[i:]) // with the next that is answered
			break
		}
	}
	for wanted, one := range unread {
		number, text, err := c.cfg.Store.Next(wanted - 1)
		switch {
		case err != nil:
			c.publications.finishKept(one, fmt.Errorf("read it: %w", err))
		case number != wanted:
			c.publications.finish(one, errGone)
		default:
			c.publications.read(one, text)
		}
	}
}
