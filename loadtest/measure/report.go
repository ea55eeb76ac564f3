package measure

import (
	"errors"
	"fmt"
	"time"

	"limegrove/loadtest/fleet"
	"limegrove/loadtest/scenario"
	"limegrove/loadtest/usage"
)

// Report is all that was measured in one run, as it is written to a file.
type Report struct {
	Scenario string        `json:"scenario"`
	Protocol string        `json:"protocol"`
	Command  []string      `json:"command,omitempty"`
	Commit   string        `json:"commit,omitempty"`
	Date     time.Time     `json:"date"`
	Machine  Machine       `json:"machine"`
	Clients  int           `json:"clients"`
	Servers  int           `json:"servers"`
	Workers  int           `json:"workers"`
	Load     scenario.Load `json:"load"`

	Opened  fleet.Opened `json:"opened"`
	Opening []Cost       `json:"opening"` // from before the first client to the last one's session
	Settled []Cost       `json:"settled"` // what is held for clients that do nothing; its CPU means nothing

	// Collected is the same when the servers have collected their garbage.
	Collected []Cost `json:"collected,omitempty"`

	Seconds     float64         `json:"seconds"` // that were measured
	Running     []Cost          `json:"running"`
	Result      scenario.Result `json:"result"`
	LoadAverage string          `json:"load_average"`
	// Dropped is what the servers say that they have dropped, refused or cut, since they were started.
	Dropped map[string]float64 `json:"dropped,omitempty"`
	// Pauses is how long the servers have stopped to collect their garbage during the load.
	Pauses *Pauses `json:"pauses,omitempty"`

	// Phases is what each phase has cost; see scenario.Course.
	Phases [][]Cost `json:"phases,omitempty"`
	// Grown is what delays of delivery while a scenario disturbs are to those while it does not.
	Grown *Growth `json:"grown,omitempty"`

	Rate           float64 `json:"rate"`             // messages delivered a second
	Held           bool    `json:"held"`             // the backlog did not grow
	SessionsPerSec float64 `json:"sessions_per_sec"` // established
}

// Pauses are times during which a server did nothing else, of all servers, in ns. They are the ends of
// the buckets that servers count in.
type Pauses struct {
	Count   int           `json:"count"`
	P50     time.Duration `json:"p50"`
	P99     time.Duration `json:"p99"`
	Longest time.Duration `json:"longest"`
}

// pausesOf is nil where there was none.
func pausesOf(h usage.Histogram) *Pauses {
	if h.Count() == 0 {
		return nil
	}
	return &Pauses{Count: h.Count(), P50: h.Quantile(0.5), P99: h.Quantile(0.99), Longest: h.Quantile(1)}
}

// Cost is what a group of processes has used and holds.
type Cost struct {
	Group     string        `json:"group"`
	Processes int           `json:"processes"`
	CPU       time.Duration `json:"cpu"`             // in ns
	Cores     float64       `json:"cores,omitempty"` // CPU time for each second
	Resident  int64         `json:"resident"`        // bytes
	Before    int64         `json:"before,omitempty"`
	// PerMillion is CPU-seconds for a million messages delivered.
	PerMillion float64 `json:"per_million,omitempty"`
}

func costs(used []usage.Used, long time.Duration) []Cost {
	all := make([]Cost, len(used))
	for i, u := range used {
		all[i] = Cost{Group: u.Name, Processes: u.Processes, CPU: u.CPU, Resident: u.Resident}
		if long > 0 {
			all[i].Cores = u.CPU.Seconds() / long.Seconds()
		}
	}
	return all
}

// conclude works out what follows from the rest.
func (r *Report) conclude() {
	if r.Seconds > 0 {
		r.Rate = float64(r.Result.Measured) / r.Seconds
	}
	r.Grown = growth(&r.Result)
	r.Held = r.Result.Held(int64(r.Load.Rate * r.Seconds * float64(max(r.Result.Copies, 1))))
	if took := r.Opened.Until - r.Opened.From; took > 0 {
		r.SessionsPerSec = float64(r.Opened.Ready) / took.Seconds()
	}
	for i := range r.Running {
		if r.Result.Measured > 0 {
			r.Running[i].PerMillion = r.Running[i].CPU.Seconds() / float64(r.Result.Measured) * 1e6
		}
	}
}

// Err says what was wrong with messages and sessions, but for the time that it took.
func (r *Report) Err() error {
	var opening error
	if r.Opened.Failed > 0 {
		opening = fmt.Errorf("%d of %d clients got no session: %s", r.Opened.Failed, r.Clients, r.Opened.First)
	}
	return errors.Join(opening, r.Result.Err())
}
