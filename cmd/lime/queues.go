package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"limegrove/internal/status"
)

func (a *app) queues() *cobra.Command {
	var top int
	var all bool
	c := &cobra.Command{
		Use: "queues", Short: "What waits where: in members, in streams, and for whom", Args: cobra.NoArgs,
		Long: `What waits where. Of each member, its queues that have something, with their bounds, and what it has dropped since it began,
by what has dropped it and the reason; the slowest sessions; of JetStream, the streams by their kind, with the
fullest, and consumers that have something yet to do; and the identities with the most in their inboxes. What an
inbox has is what nobody was there for; the log has what is seconds old.

Names are those of metrics without limegrove_ (docs/metrics.md says what each means, and what to do). It costs each member
the reading of its metrics, and JetStream a list of its streams and of the addresses in the inboxes, unless these
have more than 100,000: then the largest are left out, and named. It needs the admin token: LIMEGROVE_ADMIN_TOKEN.`,
		Example: `  lime queues
  lime queues --top 50 --all
  lime queues -o json | jq .waiting`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if top < 0 || top > 100 {
				return usage("--top: 0 to 100, not %d", top)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), a.timeout)
			defer cancel()
			return a.admin(ctx, func(ctx context.Context, p *profile, at string) error {
				var w status.Waits
				if err := a.call(ctx, p, http.MethodGet, at+"/status/queues?top="+strconv.Itoa(top), p.AdminToken, nil, &w); err != nil {
					return err
				}
				if a.output == outputJSON {
					return a.print(w, "")
				}
				return a.showWaits(&w, all)
			})
		},
	}
	c.Flags().IntVar(&top, "top", 10, "how many `IDENTITIES` with the most waiting, 0 to 100")
	c.Flags().BoolVar(&all, "all", false, "every stream by itself, and queues that are empty and bounded")
	return c
}

func (a *app) showWaits(w *status.Waits, all bool) error {
	tables := []*table{a.table("MEMBER", "QUEUE", "HAS", "BOUND")}
	for _, m := range w.Members {
		shown := 0
		for _, q := range m.Queues {
			if q.Has == 0 && !all {
				continue
			}
			bound := ""
			if q.Bound > 0 {
				bound = amount(q.Name, q.Bound)
			}
			tables[0].row(q, m.ID, q.Name, amount(q.Name, q.Has), bound)
			shown++
		}
		if why := m.Error; why != "" || shown == 0 {
			tables[0].row(m, m.ID, cmp.Or(why, "nothing waits"), "", "")
		}
	}
	if slices.ContainsFunc(w.Members, func(m status.MemberQueues) bool { return len(m.Dropped) > 0 }) {
		t := a.table("MEMBER", "DROPPED", "SINCE IT BEGAN")
		for _, m := range w.Members {
			for _, why := range slices.Sorted(maps.Keys(m.Dropped)) {
				t.row(m, m.ID, why, fmt.Sprintf("%.0f", m.Dropped[why]))
			}
		}
		tables = append(tables, t)
	}
	if len(w.Slowest) > 0 {
		t := a.table("SLOW SESSION", "QUEUED", "FOR")
		for _, s := range w.Slowest {
			t.row(s, s.Node, size(float64(s.Queued)), time.Duration(s.Slow*float64(time.Second)).Round(time.Second))
		}
		tables = append(tables, t)
	}
	tables = append(tables, a.streamsTable(w.Streams, all))
	if t := a.consumersTable(w.Streams); t != nil {
		tables = append(tables, t)
	}
	if len(w.Waiting) > 0 {
		t := a.table("IDENTITY", "WAITING")
		for _, one := range w.Waiting {
			t.row(one, one.Identity, one.Messages)
		}
		tables = append(tables, t)
	}
	for i, t := range tables {
		if i > 0 {
			if _, err := fmt.Fprintln(a.out); err != nil {
				return err
			}
		}
		if err := t.end(); err != nil {
			return err
		}
	}
	if len(w.Uncounted) > 0 {
		if _, err := fmt.Fprintf(a.out, "\nnot counted, for they have too many addresses: %s\n", strings.Join(w.Uncounted, ", ")); err != nil {
			return err
		}
	}
	if w.Error != "" {
		return fmt.Errorf("ask JetStream: %s", w.Error)
	}
	return nil
}

// streamsTable has a row for each stream, or for all of a kind.
func (a *app) streamsTable(streams []status.Kept, each bool) *table {
	if each {
		t := a.table("STREAM", "MESSAGES", "BYTES", "BOUND", "ADDRESSES", "OLDEST")
		for _, s := range streams {
			bound := ""
			if s.MaxBytes > 0 {
				bound = size(float64(s.MaxBytes))
			}
			t.row(s, s.Name, s.Messages, size(float64(s.Bytes)), bound, s.Addresses, age(s.Oldest))
		}
		return t
	}
	t := a.table("STREAMS", "PARTITIONS", "MESSAGES", "BYTES", "ADDRESSES", "FULLEST", "OLDEST")
	type kind struct {
		status.Kept
		partitions int
		most       uint64 // messages of the fullest, whose name it has
	}
	all := map[string]*kind{}
	var names []string
	for _, s := range streams {
		name := s.Name
		if i := strings.LastIndexByte(name, '_'); i > 0 {
			if _, err := strconv.Atoi(name[i+1:]); err == nil {
				name = name[:i]
			}
		}
		of := all[name]
		if of == nil {
			of = &kind{Kept: status.Kept{Name: s.Name}}
			all[name] = of
			names = append(names, name)
		}
		if s.Messages > of.most {
			of.most, of.Name = s.Messages, s.Name
		}
		if !s.Oldest.IsZero() && (of.Oldest.IsZero() || s.Oldest.Before(of.Oldest)) {
			of.Oldest = s.Oldest
		}
		of.partitions++
		of.Messages += s.Messages
		of.Bytes += s.Bytes
		of.Addresses += s.Addresses
	}
	for _, name := range names {
		of := all[name]
		t.row(of, name, of.partitions, of.Messages, size(float64(of.Bytes)), of.Addresses, of.Name, age(of.Oldest))
	}
	return t
}

// consumersTable has those that have something to do; nil for none.
func (a *app) consumersTable(streams []status.Kept) (t *table) {
	for _, s := range streams {
		for _, r := range s.Readers {
			if t == nil {
				t = a.table("STREAM", "CONSUMER", "PENDING", "UNACKNOWLEDGED", "REDELIVERED")
			}
			t.row(r, s.Name, r.Name, r.Pending, r.Unacknowledged, r.Redelivered)
		}
	}
	return t
}

// amount is how much of a queue there is, as people read it.
func amount(name string, n float64) string {
	metric, _, _ := strings.Cut(name, "/")
	if strings.HasSuffix(metric, "_bytes") {
		return size(n)
	}
	return fmt.Sprintf("%.0f", n)
}

// size is a number of bytes as people read it.
func size(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if n < 1024 {
			if unit == "B" {
				return fmt.Sprintf("%.0f B", n)
			}
			return fmt.Sprintf("%.1f %s", n, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%.1f TiB", n)
}

// age is how long ago something was.
func age(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return time.Since(at).Round(time.Second).String()
}
