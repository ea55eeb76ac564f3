package inject

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"limegrove/e2e/fault/rig"
)

// action is how a fault is done, and undone.
type action struct {
	harm func() error
	heal func() error // nil when there is nothing to undo
}

// action looks up what a fault is to do, and completes the fault's targets.
func (i *Injector) action(ctx context.Context, f *Fault) (action, error) {
	if f.Kind.cuts() {
		return action{
			harm: func() error { return i.Rig.Cut(f.Cuts...) },
			heal: func() error { return i.Rig.Heal(f.Cuts...) },
		}, nil
	}
	switch f.Kind {
	case RedisFlush:
		return action{harm: func() error { return i.flush(ctx) }}, nil
	case RedisJump:
		return action{
			harm: func() error { return i.Rig.SetRedisClock(f.Jump) },
			heal: func() error { return i.Rig.SetRedisClock(0) },
		}, nil
	case SlowEdge:
		return action{
			harm: func() error { return i.Rig.Slow(f.Delay) },
			heal: func() error { return i.Rig.Slow(rig.Delay{}) },
		}, nil
	case LeaderStep, LeaderKill:
		stream, leader, err := i.leader(ctx, f.Number)
		if err != nil {
			return action{}, err
		}
		f.Targets = []string{leader.Name + " of " + stream}
		if f.Kind == LeaderStep {
			return action{harm: func() error { return i.step(ctx, stream) }}, nil
		}
		return kill(leader), nil
	}
	targets, err := i.processes(f.Targets)
	if err != nil {
		return action{}, err
	}
	switch how := string(f.Kind); {
	case strings.HasSuffix(how, "-stop"):
		return stop(targets...), nil
	case strings.HasSuffix(how, "-drain"):
		return i.drain(targets...), nil
	default:
		return kill(targets...), nil
	}
}

func (i *Injector) processes(names []string) (all []*rig.Process, err error) {
	for _, name := range names {
		found := false
		for _, p := range i.Rig.Processes() {
			if p.Name == name {
				all = append(all, p)
				found = true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no process %q", name)
		}
	}
	return all, nil
}

// kill ends processes at the same moment, and starts them later.
func kill(targets ...*rig.Process) action {
	return action{
		harm: func() error {
			var all sync.WaitGroup
			for _, p := range targets {
				all.Go(p.Kill)
			}
			all.Wait()
			return nil
		},
		heal: func() error { return start(targets) },
	}
}

func start(targets []*rig.Process) error {
	var errs []error
	for _, p := range targets {
		errs = append(errs, p.Start())
	}
	return errors.Join(errs...)
}

// stop lets processes stand still.
func stop(targets ...*rig.Process) action {
	each := func(do func(*rig.Process)) func() error {
		return func() error {
			for _, p := range targets {
				do(p)
			}
			return nil
		}
	}
	return action{harm: each((*rig.Process).Pause), heal: each((*rig.Process).Resume)}
}

// drain asks processes to end, and starts them again.
func (i *Injector) drain(targets ...*rig.Process) action {
	return action{
		harm: func() error {
			for _, p := range targets {
				if !p.Terminate(patience) {
					i.say("%s has not ended within %s, and was killed", p.Name, patience)
				}
			}
			return nil
		},
		heal: func() error { return start(targets) },
	}
}

// flush empties Redis. That it does not answer is no trouble: a partition or a stop may
// overlap.
func (i *Injector) flush(ctx context.Context) error {
	if err := i.Rig.Flush(ctx); err != nil {
		i.say("redis was not emptied: %v", err)
	}
	return nil
}

func (i *Injector) step(ctx context.Context, stream string) error {
	if err := i.Rig.StepDown(ctx, stream); err != nil {
		i.say("no step-down: %v", err)
	}
	return nil
}

// leader picks a stream, one of messages if there is one, and finds its leader.
func (i *Injector) leader(ctx context.Context, number int) (stream string, leader *rig.Process, err error) {
	all, err := i.Rig.Streams(ctx)
	if err != nil {
		return "", nil, err
	}
	var messages []string
	for _, name := range all {
		if strings.HasPrefix(name, "LOG_") || strings.HasPrefix(name, "INBOX_") {
			messages = append(messages, name)
		}
	}
	if len(messages) > 0 {
		all = messages
	}
	if len(all) == 0 {
		return "", nil, errors.New("there are no streams")
	}
	random := rand.New(rand.NewPCG(i.Seed, uint64(number)))
	stream = all[random.IntN(len(all))]
	leader, err = i.Rig.Leader(ctx, stream)
	return stream, leader, err
}
