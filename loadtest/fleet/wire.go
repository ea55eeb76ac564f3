package fleet

import (
	"net/netip"
	"time"

	"limegrove/loadtest/scenario"
	"limegrove/loadtest/tally"
)

// Plan is what a worker is told first, by which it opens its clients.
type Plan struct {
	Scenario string           `json:"scenario"`
	Protocol string           `json:"protocol"`
	Domain   string           `json:"domain"`
	Silent   bool             `json:"silent,omitempty"`
	TLS      bool             `json:"tls,omitempty"`      // clients connect with it, and check no certificate
	Compress bool             `json:"compress,omitempty"` // clients offer it
	Load     scenario.Load    `json:"load"`
	Share    scenario.Share   `json:"share"`
	Servers  []netip.AddrPort `json:"servers"`
	Sources  []netip.Addr     `json:"sources,omitempty"` // in turns; none leaves it to the system
	Clients  int              `json:"clients"`
	Epoch    time.Time        `json:"epoch"`
	// Rate is how many of the worker's clients are opened a second, 0 for as many as can be, and
	// AtOnce how many at a time.
	Rate   float64 `json:"rate,omitempty"`
	AtOnce int     `json:"at_once"`
	// Opening is how many workers open their clients at a time, each on few servers; 0 is all, and on all.
	Opening int `json:"opening,omitempty"`
	// Modest has who attacks give way to all else on the machine.
	Modest bool `json:"modest,omitempty"`
	// Processor is what who attacks runs on alone; nil for wherever there is room.
	Processor *int `json:"processor,omitempty"`
}

// order is one thing that a worker is told.
type order struct {
	Plan  *Plan            `json:"plan,omitempty"`
	Start *scenario.Course `json:"start,omitempty"`
}

// report is one thing that a worker tells.
type report struct {
	Progress *Progress        `json:"progress,omitempty"`
	Opened   *Opened          `json:"opened,omitempty"` // once, when all clients are
	Result   *scenario.Result `json:"result,omitempty"` // once, when all is over
	Fault    string           `json:"fault,omitempty"`  // it cannot go on
}

// Progress is how far a worker, or all of them, have come.
type Progress struct {
	Ready     int   `json:"ready"`
	Failed    int   `json:"failed"`
	Sent      int64 `json:"sent"` // copies that are to be delivered for it
	Delivered int64 `json:"delivered"`
}

func (p *Progress) add(o *Progress) {
	p.Ready += o.Ready
	p.Failed += o.Failed
	p.Sent += o.Sent
	p.Delivered += o.Delivered
}

// Opened is how the opening of clients went.
type Opened struct {
	Ready   int           `json:"ready"`
	Failed  int           `json:"failed"`
	Retries int           `json:"retries"`
	First   string        `json:"first_failure,omitempty"`
	From    time.Duration `json:"from"` // since the epoch, in ns
	Until   time.Duration `json:"until"`
	Delays  tally.Delays  `json:"delays"`
}

func (o *Opened) add(other *Opened) {
	if o.Ready+o.Failed == 0 || other.From < o.From {
		o.From = other.From
	}
	o.Until = max(o.Until, other.Until)
	o.Ready += other.Ready
	o.Failed += other.Failed
	o.Retries += other.Retries
	if o.First == "" {
		o.First = other.First
	}
	o.Delays.Add(&other.Delays)
}
