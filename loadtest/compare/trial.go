package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"limegrove/loadtest/fleet"
	"limegrove/loadtest/scenario"
	"limegrove/loadtest/table"
)

// trial is one load, and what is told of it.
type trial struct {
	name             string
	title            string // what clients do, for people
	plan             fleet.Plan
	settle, duration time.Duration
	figures          []table.Figure
	// compare is what is done instead of putting the load on servers.
	compare func(ctx context.Context, c *comparison, t *trial) (*result, error)
}

// atOnce is how many clients open at a time.
const atOnce = 256

// trials are all there are, in the order of their tables.
var trials = []trial{
	{
		name: "idle", title: "5,000 sessions, opened as fast as can be, that do nothing",
		plan: fleet.Plan{Scenario: "hold", Clients: 5000, Load: scenario.Load{Mode: scenario.Transient}},
		// As long as an edge waits between two pings of a session, so that each is pinged once.
		settle: 5 * time.Second, duration: 30 * time.Second,
		figures: []table.Figure{
			table.Memory("memory of the servers for a session", table.Servers),
			table.Idle("CPU of the servers for a session", table.Servers),
			table.Established("sessions established"),
		},
	},
	closed("closed-200x16", 200, 16),
	closed("closed-1000x4", 1000, 4),
	closed("closed-2000x1", 2000, 1),
	open("open-5000", 5_000),
	open("open-20000", 20_000),
	{name: "scan", title: "the header of a message, found by what edges do and beside other passes over it", compare: scan},
	{
		name: "room-1000", title: "a room of 1,000, and 300 messages of 128 bytes a second of four of them, from when each was due",
		plan: fleet.Plan{Scenario: "room", Clients: 1000, Load: scenario.Load{
			Senders: 4, Rate: 300, Size: sizeOpen, Mode: scenario.Transient,
		}},
		duration: 8 * time.Second, figures: []table.Figure{
			table.Delivered("copies delivered"), table.PerCPU("copies for a CPU-second of the servers", table.Servers), p50, p99,
		},
	},
}

// What is told of messages.
var (
	delivered = table.Delivered("messages delivered")
	cpu       = table.Each("CPU of the servers for a message", table.Servers)
	loadCPU   = table.Each("CPU of the load for a message", table.Load)
	p50       = table.Delay("p50", 0.5)
	p99       = table.Delay("p99", 0.99)
	p999      = table.Delay("p99.9", 0.999)
)

const sizeClosed, sizeOpen = 256, 128

// closed is a trial in which each message lets its sender send the next.
func closed(name string, pairs, window int) trial {
	return trial{
		name: name, title: fmt.Sprintf("%d pairs, %d messages of %d bytes in flight for each", pairs, window, sizeClosed),
		plan: fleet.Plan{Scenario: "pairs", Clients: 2 * pairs, Load: scenario.Load{
			Pairs: pairs, Window: window, Size: sizeClosed, Mode: scenario.Transient,
		}},
		duration: 6 * time.Second, figures: []table.Figure{delivered, cpu, loadCPU},
	}
}

// open is a trial in which messages are due at moments that are given.
func open(name string, rate float64) trial {
	const pairs = 1000
	return trial{
		name: name, title: fmt.Sprintf("%d pairs, both ways, %.0f messages of %d bytes a second, from when each was due", pairs, rate, sizeOpen),
		plan: fleet.Plan{Scenario: "pairs", Clients: 2 * pairs, Load: scenario.Load{
			Pairs: pairs, Both: true, Rate: rate, Window: 1, Size: sizeOpen, Mode: scenario.Transient,
		}},
		duration: 8 * time.Second, figures: []table.Figure{delivered, cpu, loadCPU, p50, p99, p999},
	}
}

// noTrial is given in place of names when nothing is to be measured.
const noTrial = "none"

// chosen are the trials with these names; all when there are no names.
func chosen(names []string) ([]trial, error) {
	switch {
	case len(names) == 0:
		return trials, nil
	case slices.Equal(names, []string{noTrial}):
		return nil, nil
	}
	var some []trial
next:
	for _, name := range names {
		for _, t := range trials {
			if t.name == name {
				some = append(some, t)
				continue next
			}
		}
		return nil, fmt.Errorf("there is no trial %q, but %s", name, strings.Join(trialNames(), ", "))
	}
	return some, nil
}

func trialNames() (names []string) {
	for _, t := range trials {
		names = append(names, t.name)
	}
	return names
}
