package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"limegrove/internal/status"
	"limegrove/lime"
)

// answerError is what an admin port or the API has against a request.
type answerError struct {
	status int
	code   lime.Code
	text   string
}

// Error is that of error.
func (e *answerError) Error() string { return fmt.Sprintf("%s (HTTP %d)", e.text, e.status) }

// maxAnswer bounds what is read of one.
const maxAnswer = 16 << 20

// call makes one request. body is sent as JSON, nil for none; the answer goes into into, unless that is nil.
func (a *app) call(ctx context.Context, p *profile, method, at, bearer string, body, into any) error {
	r, err := a.open(ctx, p, method, at, bearer, body)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	if err == nil && into != nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", at, err)
	}
	return nil
}

// open makes a request, whose answer is the caller's to close.
func (a *app) open(ctx context.Context, p *profile, method, at, bearer string, body any) (*http.Response, error) {
	var text io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(ctx, method, at, text)
	if err != nil {
		return nil, usage("%w", err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	request.Close = true // the next is another process's
	asks, err := p.http()
	if err != nil {
		return nil, err
	}
	r, err := asks.Do(request)
	if err != nil {
		return nil, a.explain(ctx, at, fmt.Errorf("ask %s: %w", at, err))
	}
	if r.StatusCode/100 == 2 {
		return r, nil
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10)) // what there is of it
	var said struct {
		Error, Detail, Title string
		Code                 lime.Code
	}
	_ = json.Unmarshal(b, &said) // then the status is all
	why := said.Error
	if nothing := r.StatusCode == http.StatusNotFound || r.StatusCode == http.StatusMethodNotAllowed; nothing && said.Error+said.Detail+said.Title == "" {
		return nil, &wrongPort{
			fmt.Errorf("ask %s: %w", at, &answerError{r.StatusCode, 0, http.StatusText(r.StatusCode)}),
			"this is no port of the kind that is asked, an admin port or the HTTP API's, or a server of an older version",
		}
	}
	for _, other := range []string{said.Detail, said.Title, http.StatusText(r.StatusCode)} {
		if why == "" {
			why = other
		}
	}
	if s, err := strconv.ParseUint(r.Header.Get("Retry-After"), 10, 31); err == nil {
		why += fmt.Sprintf("; it takes another try in %s", time.Duration(s)*time.Second)
	}
	return nil, a.explain(ctx, at, fmt.Errorf("ask %s: %w", at, &answerError{r.StatusCode, said.Code, why}))
}

// admin does something with the admin port of the profile's member.
func (a *app) admin(ctx context.Context, do func(context.Context, *profile, string) error) error {
	p, err := a.profileAt(a.given.Admin, "LIME_ADMIN")
	if err == nil {
		err = checkURL("--admin", p.Admin, "http", "https")
	}
	if err != nil {
		return err
	}
	return do(ctx, &p, strings.TrimSuffix(p.Admin, "/"))
}

// snapshots hands out what the status page is told, until take returns false.
func (a *app) snapshots(ctx context.Context, take func(*status.Snapshot) (more bool, err error)) error {
	return a.admin(ctx, func(ctx context.Context, p *profile, at string) error {
		first, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		timer := time.AfterFunc(a.timeout, func() { cancel(context.DeadlineExceeded) })
		defer timer.Stop()
		r, err := a.open(first, p, http.MethodGet, at+"/status/events", p.AdminToken, nil)
		if err != nil {
			return err
		}
		defer r.Body.Close()
		lines := bufio.NewScanner(r.Body)
		lines.Buffer(nil, maxAnswer)
		name := ""
		for lines.Scan() {
			switch field, value, _ := strings.Cut(lines.Text(), ": "); {
			case field == "event":
				name = value
			case field == "data" && name == "snapshot":
				var s status.Snapshot
				if err := json.Unmarshal([]byte(value), &s); err != nil {
					return fmt.Errorf("read the answer of %s: %w", at, err)
				}
				timer.Stop() // who reads what is printed may take his time
				if more, err := take(&s); !more || err != nil {
					return err
				}
				timer.Reset(a.timeout + time.Duration(s.Interval*float64(time.Second)))
			}
		}
		if errors.Is(context.Cause(first), context.DeadlineExceeded) {
			return fmt.Errorf("%s tells nothing: %w", at, context.DeadlineExceeded)
		}
		if ctx.Err() != nil {
			return nil // the user has seen enough
		}
		return errors.Join(fmt.Errorf("%s tells no more", at), lines.Err())
	})
}

// settled tells whether all members have told of themselves.
func settled(s *status.Snapshot) bool {
	return !slices.ContainsFunc(s.Members, func(m status.Shown) bool { return m.Health == status.Asked })
}

// settledWithin is how many snapshots the members have for that.
const settledWithin = 3

// snapshot is the first one in which all members have told of themselves, or the third.
func (a *app) snapshot(ctx context.Context) (got *status.Snapshot, err error) {
	n := 0
	err = a.snapshots(ctx, func(s *status.Snapshot) (bool, error) {
		got = s
		n++
		return !settled(s) && n < settledWithin, nil
	})
	return got, err
}

func (a *app) cluster() *cobra.Command {
	return &cobra.Command{
		Use: "cluster", Short: "The members, as one of them sees them", Args: cobra.NoArgs,
		Example: "  lime cluster\n  lime cluster --admin http://edge-1:8090 -o json",
		Long:    `The members of the cluster, with zone, health, load and version, as the member at --admin sees them.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.snapshot(cmd.Context())
			if err != nil {
				return err
			}
			t := a.table("MEMBER", "ROLE", "ZONE", "HEALTH", "SESSIONS", "RECEIVED/S", "SENT/S", "BUSY", "MEMORY", "VERSION")
			for _, m := range s.Members {
				r := m.Report
				if r == nil {
					r = &status.Report{}
				}
				t.row(m, m.ID, m.Role, m.Zone, m.Health, m.Sessions, number(r.Received.Envelopes), number(r.Sent.Envelopes),
					fmt.Sprintf("%.0f %%", 100*r.Busy), fmt.Sprintf("%d MiB", r.Memory>>20), r.Version)
			}
			return t.end()
		},
	}
}

// number is a rate as people read it.
func number(n float64) string {
	if n >= 10 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.1f", n)
}

func (a *app) top() *cobra.Command {
	var count int
	c := &cobra.Command{
		Use: "top", Short: "Sessions that stand out, and the cluster's rates, again and again", Args: cobra.NoArgs,
		Example: "  lime top\n  lime top --count 1 -o json",
		Long: `The cluster's rates, and the busiest and the slowest sessions, each time that the members tell of themselves. With the admin token
addresses are whole.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n := 0
			return a.snapshots(cmd.Context(), func(s *status.Snapshot) (bool, error) {
				n++
				return n != count, a.showTop(s)
			})
		},
	}
	c.Flags().IntVarP(&count, "count", "c", 0, "end after so many times; 0 for never")
	return c
}

func (a *app) showTop(s *status.Snapshot) error {
	if a.output == outputJSON {
		return json.NewEncoder(a.out).Encode(s)
	}
	var sessions int
	var received, sent float64
	for _, m := range s.Members {
		if m.Role == status.Edge && m.Report != nil {
			sessions += m.Report.Sessions
			received += m.Report.Received.Envelopes
			sent += m.Report.Sent.Envelopes
		}
	}
	if _, err := fmt.Fprintf(a.out, "%s  %d members  %d sessions  %s/s received  %s/s sent\n",
		time.UnixMilli(s.At).Format(time.TimeOnly), len(s.Members), sessions, number(received), number(sent)); err != nil {
		return err
	}
	if len(s.Busiest)+len(s.Slowest) == 0 {
		return nil
	}
	t := a.table("", "SESSION", "OVER", "RECEIVED/S", "SENT/S", "QUEUED")
	for what, all := range map[string][]status.Session{"busy": s.Busiest, "slow": s.Slowest} {
		for _, one := range all {
			t.row(one, what, one.Node, one.Over, number(one.Received.Envelopes), number(one.Sent.Envelopes), one.Queued)
		}
	}
	return t.end()
}

func (a *app) drain() *cobra.Command {
	return &cobra.Command{
		Use: "drain MEMBER", Short: "Have a member finish its sessions and end", Args: cobra.ExactArgs(1),
		Example: "  lime drain edge-1",
		Long: `Have a member finish its sessions, which come back elsewhere, and end. MEMBER is its id (lime cluster). It needs the
admin token: LIMEGROVE_ADMIN_TOKEN.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.member(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.order(cmd.Context(), "/status/drain", map[string]string{"member": m.Incarnation})
		},
	}
}

func (a *app) rebalance() *cobra.Command {
	return &cobra.Command{
		Use: "rebalance", Short: "Have all edges give away what they have above the mean", Args: cobra.NoArgs,
		Example: "  lime rebalance",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.order(cmd.Context(), "/status/rebalance", struct{}{})
		},
	}
}

// order has the cluster do something, and prints what it says.
func (a *app) order(ctx context.Context, path string, body any) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return a.admin(ctx, func(ctx context.Context, p *profile, at string) error {
		var said struct {
			Done   string            `json:"done"`
			Failed map[string]string `json:"failed,omitempty"`
		}
		if err := a.call(ctx, p, http.MethodPost, at+path, p.AdminToken, body, &said); err != nil {
			return err
		}
		if err := a.print(said, "%s", said.Done); err != nil {
			return err
		}
		var failed []error
		for _, id := range slices.Sorted(maps.Keys(said.Failed)) {
			failed = append(failed, fmt.Errorf("%s: %s", id, said.Failed[id]))
		}
		return errors.Join(failed...)
	})
}

// api does something with an identity over the HTTP API.
func (a *app) api(ctx context.Context, identity string, do func(ctx context.Context, p *profile, at string) error) error {
	if id, err := lime.ParseIdentity(identity); err != nil || id.Name == "" || id.Domain == "" {
		return usage("IDENTITY: %q is none, which is name@domain", identity)
	}
	p, err := a.profileAt(a.given.API, "LIME_API")
	if err != nil {
		return err
	}
	if p.API == "" || p.APIKey == "" {
		return usage("it is asked over the HTTP API: --api or LIME_API names it, and LIMEGROVE_API_KEY has a key")
	}
	if err := checkURL("--api", p.API, "http", "https"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return do(ctx, &p, strings.TrimSuffix(p.API, "/")+"/v1/identities/"+url.PathEscape(identity))
}

func (a *app) sessions() *cobra.Command {
	return &cobra.Command{
		Use: "sessions IDENTITY", Short: "The sessions of an identity, invisible ones too", Args: cobra.ExactArgs(1),
		Example: "  lime sessions rui@localhost",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.api(cmd.Context(), args[0], func(ctx context.Context, p *profile, at string) error {
				var all struct{ Sessions []json.RawMessage }
				if err := a.call(ctx, p, http.MethodGet, at+"/sessions", p.APIKey, nil, &all); err != nil {
					return err
				}
				t := a.table("INSTANCE", "EDGE", "STATUS", "GUEST")
				for _, one := range all.Sessions {
					var s struct {
						Instance, Edge string
						Guest          bool
						Presence       struct{ Status string }
					}
					if err := json.Unmarshal(one, &s); err != nil {
						return fmt.Errorf("read the answer: %w", err)
					}
					t.row(one, s.Instance, s.Edge, s.Presence.Status, s.Guest)
				}
				return t.end()
			})
		},
	}
}

func (a *app) disconnect() *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "disconnect IDENTITY [INSTANCE]", Short: "End the sessions of an identity, or one of them", Args: cobra.RangeArgs(1, 2),
		Example: "  lime disconnect rui@localhost\n  lime disconnect rui@localhost phone --because \"lost and reported\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.api(cmd.Context(), args[0], func(ctx context.Context, p *profile, at string) error {
				at += "/sessions"
				if len(args) == 2 {
					at += "/" + url.PathEscape(args[1])
				}
				if why != "" {
					at += "?description=" + url.QueryEscape(why)
				}
				var ended struct {
					Ended []string `json:"ended"`
				}
				if err := a.call(ctx, p, http.MethodDelete, at, p.APIKey, nil, &ended); err != nil {
					return err
				}
				return a.print(ended, "%d ended: %s", len(ended.Ended), strings.Join(ended.Ended, ", "))
			})
		},
	}
	c.Flags().StringVar(&why, "because", "", "`TEXT` that the client is told as the reason")
	return c
}

func (a *app) inbox() *cobra.Command {
	var take int
	var purge bool
	c := &cobra.Command{
		Use: "inbox IDENTITY", Short: "What waits for an identity", Args: cobra.ExactArgs(1),
		Example: "  lime inbox rui@localhost\n  lime inbox rui@localhost --purge",
		RunE: func(cmd *cobra.Command, args []string) error {
			if take < 1 || take > 500 {
				return usage("--take: 1 to 500, not %d", take)
			}
			return a.api(cmd.Context(), args[0], func(ctx context.Context, p *profile, at string) error {
				if purge {
					var gone struct {
						Purged int `json:"purged"`
					}
					if err := a.call(ctx, p, http.MethodDelete, at+"/inbox", p.APIKey, nil, &gone); err != nil {
						return err
					}
					return a.print(gone, "%d purged", gone.Purged)
				}
				var all struct{ Messages []json.RawMessage }
				if err := a.call(ctx, p, http.MethodGet, fmt.Sprintf("%s/inbox?take=%d", at, take), p.APIKey, nil, &all); err != nil {
					return err
				}
				t := a.table("SEQUENCE", "STORED", "ENVELOPE")
				for _, one := range all.Messages {
					var w struct {
						Sequence uint64
						Stored   string
						Envelope json.RawMessage
					}
					if err := json.Unmarshal(one, &w); err != nil {
						return fmt.Errorf("read the answer: %w", err)
					}
					t.row(one, w.Sequence, w.Stored, string(w.Envelope))
				}
				return t.end()
			})
		},
	}
	c.Flags().IntVar(&take, "take", 100, "at most so many, 1 to 500")
	c.Flags().BoolVar(&purge, "purge", false, "remove all of it")
	return c
}
