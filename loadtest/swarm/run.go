package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"limegrove/loadtest/fleet"
	"limegrove/loadtest/measure"
)

// measureAll measures each rate, until one does not hold. An error tells of messages that are wrong,
// or that nothing could be measured, never of delays.
func measureAll(ctx context.Context, o options, dir string, out io.Writer) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := o.prepare(ctx, dir); err != nil {
		return errors.Join(err, ctx.Err()) // a compiler that was killed does not say by whom
	}
	if o.apart {
		other, err := fleet.Apart() // once all is built
		if err != nil {
			return err
		}
		o.plan.Processor = &other
	}
	for _, rate := range o.rates {
		o.plan.Load.Rate, o.plan.Modest = rate, !o.greedy
		r, err := measureOne(ctx, &o, self, dir, out)
		if err != nil {
			return err
		}
		if err := write(&o, rate, r); err != nil {
			return err
		}
		if err := r.Err(); err != nil {
			return err
		}
		if !r.Held {
			return nil
		}
	}
	return nil
}

// measureOne measures one rate, on a cluster of its own if there is to be one.
func measureOne(ctx context.Context, o *options, self, dir string, out io.Writer) (*measure.Report, error) {
	target, end, err := o.start(ctx, dir, out)
	if err != nil {
		return nil, err
	}
	defer end()
	r, err := measure.Run(ctx, measure.Config{
		Target: target, Plan: o.plan, Workers: o.workers,
		Worker: func() *exec.Cmd { return exec.Command(self, fleet.Argument) }, // ended by the fleet
		Settle: o.settle, Warmup: o.warmup, Duration: o.duration, Disturbances: o.disturb, Print: out,
	})
	if err != nil {
		return nil, err
	}
	r.Command, r.Commit = o.command, measure.Commit(ctx)
	_, _ = fmt.Fprintln(out, r.Headline())
	return r, r.Table(out)
}

// write writes a report where the options say.
func write(o *options, rate float64, r *measure.Report) error {
	if o.json == "" {
		return nil
	}
	path := o.json
	if len(o.rates) > 1 {
		end := filepath.Ext(path)
		path = strings.TrimSuffix(path, end) + "-" + strconv.FormatFloat(rate, 'f', -1, 64) + end
	}
	return measure.WriteFile(path, r)
}
