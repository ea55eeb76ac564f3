package poll

import (
	"errors"
	"time"
)

// channelPoller is a poller without sockets, for a loop that has only streams.
type channelPoller struct {
	woken chan struct{}
}

func newChannelPoller() *channelPoller {
	return &channelPoller{woken: make(chan struct{}, 1)}
}

func (p *channelPoller) wait(sleep bool, until time.Time, _ int) (here, late []ready, err error) {
	if !sleep {
		return nil, nil, nil
	}
	var timeout <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-p.woken:
	case <-timeout:
	}
	return nil, nil, nil
}

func (p *channelPoller) wake() {
	select {
	case p.woken <- struct{}{}:
	default: // it is woken already
	}
}

func (p *channelPoller) add(int, int32, interest) error    { return errors.ErrUnsupported }
func (p *channelPoller) change(int, int32, interest) error { return errors.ErrUnsupported }
func (p *channelPoller) remove(int, interest)              {}
func (p *channelPoller) close()                            {}
