package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	groups "limegrove/group"
	"limegrove/lime"

	"limegrove/loadtest/cluster"
)

// member is a guest who is in a group.
type member struct {
	*guest
	group, number int
	last          int32 // the rank of the newest message that it has; owned by who reads
}

// members are those of several groups, the i-th of one on the i-th edge. The first ones
// of each send, and hear themselves, so that each message has a copy for every member.
type members struct {
	lines
	copies   *copies
	all      []*member // those of the first group, then those of the second…
	receipts Receipts
	text     string // the content of each message
}

func groupOf(i int) lime.Identity {
	return lime.Identity{Name: "group" + strconv.Itoa(i), Domain: lime.GroupsDomain(domain)}
}

func memberName(group, i int) string { return fmt.Sprintf("g%dm%d", group, i) }

// each calls do for all members, some at once, until one fails.
func each(groups, members int, do func(group, i int) error) error {
	next := atomic.Int64{}
	var mu sync.Mutex
	var failed error
	var all sync.WaitGroup
	for range min(groups*members, atOnce) {
		all.Go(func() {
			for n := int(next.Add(1)) - 1; n < groups*members; n = int(next.Add(1)) - 1 {
				err := do(n/members, n%members)
				mu.Lock()
				failed = errors.Join(failed, err)
				stop := failed != nil
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	all.Wait()
	return failed
}

// found makes groups with their members, directly in JetStream: the server wants members to
// have accounts.
func (c *servers) found(ctx context.Context, n, size int) error {
	nc, err := nats.Connect("nats://" + c.Brokers[0].At(cluster.PortNATS))
	if err != nil {
		return fmt.Errorf("make groups: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("make groups: %w", err)
	}
	store, err := groups.Open(ctx, groups.Config{JetStream: js, MaxMembers: 2 * size})
	if err != nil {
		return fmt.Errorf("make groups: %w", err)
	}
	made := make([]groups.Group, n)
	for i := range made {
		owner := lime.Identity{Name: memberName(i, 0), Domain: domain}
		if err := store.Create(ctx, groups.Group{Identity: groupOf(i), Creator: owner}); err != nil {
			return err
		}
		if made[i], err = store.Get(ctx, groupOf(i)); err != nil {
			return err
		}
	}
	return each(n, size-1, func(group, i int) error {
		who := lime.Node{Identity: lime.Identity{Name: memberName(group, i+1), Domain: domain}}
		return store.Set(ctx, made[group], groups.Member{Address: who, Role: groups.Speaker})
	})
}

// gather logs the members of all groups in. An error ends them.
func (c *servers) gather(ctx context.Context, of *copies, size int, receipts Receipts) (*members, error) {
	m := &members{
		lines: lines{tally: of.tally}, copies: of, all: make([]*member, len(of.groups)*of.members),
		receipts: receipts, text: strings.Repeat("x", size),
	}
	err := each(len(of.groups), of.members, func(group, i int) error {
		n := group*of.members + i
		g, err := login(ctx, c.Edge(i), memberName(group, i), n)
		if err == nil && i < of.senders {
			if _, err = g.ask([]byte(`{"id":"p","method":"set","uri":"/presence","type":"application/vnd.lime.presence+json",`+
				`"resource":{"status":"available","routingRule":"identity","echo":true}}`), `"status":"success"`); err != nil {
				g.conn.Close()
			}
		}
		if err == nil {
			m.all[n] = &member{guest: g, group: group, number: i}
		}
		return err
	})
	if err != nil {
		m.close()
		return nil, err
	}
	for _, one := range m.all {
		m.reading.Go(func() { m.read(one) })
	}
	return m, nil
}

// close ends the connections and waits for those that read from them.
func (m *members) close() {
	m.ended.Store(true)
	for _, one := range m.all {
		if one != nil {
			one.conn.Close()
		}
	}
	m.reading.Wait()
}

// read takes what comes for a member: copies, and news of what it has sent.
func (m *members) read(one *member) {
	who := memberName(one.group, one.number)
	var receipt []byte
	m.serve(one.guest, who, func(text []byte, now time.Time, answer []byte) []byte {
		id := stringOf(text, `"id":"`)
		k, err := strconv.Atoi(string(id))
		if err != nil {
			m.tally.fail("%s gets %s", who, text)
			return answer
		}
		switch event := string(stringOf(text, `"event":"`)); {
		case event == "accepted":
			m.tally.accepted.note(m.tally, k, now)
		case event == "dispatched":
			m.tally.dispatched.note(m.tally, k, now)
		case event == "received":
			m.tally.received.note(m.tally, k, now)
		case event != "" || !bytes.Contains(text, []byte(`"content":`)):
			m.tally.fail("%s gets %s", who, text)
		default:
			one.last = m.copies.note(one.group, one.number, k, one.last, now)
			if m.receipts == Received {
				receipt = fmt.Appendf(receipt[:0], `{"id":"%s","to":"%s","event":"received"}`, id, stringOf(text, `"from":"`))
				answer = appendFrame(answer, opText, receipt)
			}
		}
		return answer
	})
}

// pace sends all messages of the tally.
func (m *members) pace(ctx context.Context) {
	m.lines.pace(ctx, len(m.copies.groups)*m.copies.senders, m.send)
}

// send sends message k.
func (m *members) send(k int, buffer []byte) []byte {
	group, i := m.copies.sender(k)
	envelope := fmt.Appendf(buffer[:0], `{"id":"%d","to":"%s","type":"text/plain","content":"%s"}`, k, groupOf(group), m.text)
	start := len(envelope)
	frame := appendFrame(envelope, opText, envelope)[start:]
	m.tally.sent.Add(1)
	if err := m.all[group*m.copies.members+i].write(frame); err != nil && !m.ended.Load() {
		m.tally.fail("%s sends: %v", memberName(group, i), err)
	}
	return envelope
}
