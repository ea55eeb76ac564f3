package edge

import (
	"context"
	"time"
)

// tendInterval is the time between two looks at the edge as a whole.
const tendInterval = time.Second

// tend does what no connection brings about, until ctx is done.
func (e *Edge) tend(ctx context.Context) {
	tick := time.NewTicker(tendInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			e.watchLag()
			e.rebalance()
			e.giveBack()
			e.endMeter()
		}
	}
}
