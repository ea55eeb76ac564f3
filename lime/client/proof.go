package client

import (
	"slices"
	"sync"
)

// proofs holds back the answers to pings that come behind stored messages until the
// application has these: servers take such an answer for the proof of it, which it is to be
// also when this process dies in between. A client may answer the last of several pings
// alone: RFC 6455, section 5.5.3.
type proofs struct {
	mu   sync.Mutex
	last uint64   // number of the last message
	open []uint64 // those that the application has not got, in order
	held []proof
}

// maxHeld bounds the answers that are held back; the last takes the place of another.
const maxHeld = 16

type proof struct {
	after  uint64 // the message that it is the proof of, and of those before it
	answer func() error
}

// came notes a message, and returns its number, which is above 0.
func (p *proofs) came() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.open = append(p.open, p.last)
	return p.last
}

// taken notes that the application has a message.
func (p *proofs) taken(number uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.open, number); i == 0 {
		p.open = p.open[1:]
	} else if i > 0 {
		p.open = slices.Delete(p.open, i, i+1)
	}
	for len(p.held) > 0 && (len(p.open) == 0 || p.open[0] > p.held[0].after) {
		answer := p.held[0].answer
		p.held = slices.Delete(p.held, 0, 1)
		if err := answer(); err != nil {
			return err
		}
	}
	return nil
}

// ask gives the answer that prepare makes, at once or when it is true. It may not keep
// what prepare borrows.
func (p *proofs) ask(prepare func() (answer func() error)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) == 0 {
		return prepare()()
	}
	if len(p.held) == maxHeld {
		p.held = p.held[:maxHeld-1]
	}
	p.held = append(p.held, proof{p.last, prepare()})
	return nil
}
