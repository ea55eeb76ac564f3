package routing

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing/subject"
)

// Grants tells what identities were granted for rooms. Sessions know it from their login and
// from what routers tell; it is asked when something may have been told that this edge has
// not heard.
type Grants interface {
	GrantedTo(ctx context.Context, i lime.Identity) (room.Grants, error)
}

// TellGranted tells the edges of an identity what it was granted for rooms. Routers tell.
func TellGranted(nc *nats.Conn, i lime.Identity, g room.Grants) error {
	key, err := subject.MakeKey(i)
	if err != nil {
		return fmt.Errorf("tell what %s was granted: %w", i, err)
	}
	data, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("tell what %s was granted: %w", i, err)
	}
	return nc.Publish(key.Granted(), data)
}

// grantsChanged takes what a router tells, with the shard locked. A guest's name is nobody's,
// and was granted nothing.
func (h *Hubs) grantsChanged(b *hub, data []byte) {
	var g room.Grants
	if err := json.Unmarshal(data, &g); err != nil {
		h.metrics.drop(dropMalformed)
		return
	}
	b.hand(g)
}

// hand gives the sessions what their identity was granted, with the shard locked.
func (h *hub) hand(g room.Grants) {
	for _, m := range h.all() {
		if !m.guest {
			m.to.Granted(g)
		}
	}
}

// readGrants reads what an identity was granted, if there is doubt. Each session knows by the
// revision whether that is newer than what it has.
func (h *Hubs) readGrants(ctx context.Context, b *hub, i lime.Identity) error {
	b.shard.mu.Lock()
	doubted := b.learning.has(grantsDoubted)
	b.learning.set(grantsDoubted, false)
	b.shard.mu.Unlock()
	if !doubted {
		return nil
	}
	g, err := h.cfg.Grants.GrantedTo(ctx, i)
	b.shard.mu.Lock()
	defer b.shard.mu.Unlock()
	if err != nil {
		b.learning.set(grantsDoubted, true)
		return err
	}
	b.hand(g)
	return nil
}
