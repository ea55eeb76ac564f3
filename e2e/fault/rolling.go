package fault

import (
	"context"
	"fmt"
	"time"

	"limegrove/e2e/fault/history"
	"limegrove/e2e/fault/rig"
)

const (
	// ending is what a drain may take until the edge is killed: ten seconds more than its
	// default.
	ending = 35 * time.Second
	// between is the time that passes between two edges, as a rollout's would.
	between = 2 * time.Second
)

// roll restarts all edges, one after the other, again and again: each is asked to end,
// and the next one's turn is when it is ready again. The first one's is when everybody who
// wants to be there is.
func (r *run) roll(ctx context.Context) error {
	wait(ctx, calm)
	for round := range r.cfg.Rolling {
		r.say("rolling restart %d of %d", round+1, r.cfg.Rolling)
		for n, p := range r.rig.Edges {
			wait(ctx, between)
			if err := r.restart(ctx, p, round*len(r.rig.Edges)+n+1); err != nil {
				return err
			}
		}
	}
	wait(ctx, calm)
	return nil
}

func (r *run) restart(ctx context.Context, p *rig.Process, number int) error {
	line := history.Event{Kind: history.FaultBegin, Fault: number, Name: "rolling-restart", Target: p.Name}
	r.recorder.Record(line)
	if !p.Terminate(ending) {
		r.say("%s has not ended within %s, and was killed", p.Name, ending)
	}
	if err := p.Start(); err != nil {
		return err
	}
	line.Kind = history.FaultEnd
	r.recorder.Record(line)
	ready, cancel := context.WithTimeout(ctx, starting)
	defer cancel()
	if err := p.Ready(ready); err != nil {
		return fmt.Errorf("restart %s: %w", p.Name, err)
	}
	return nil
}
