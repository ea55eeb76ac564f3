package routing

import (
	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// ended remembers what a shard's hubs knew of other edges that ended last. What the broker sent before it heard of the end still comes,
// for about a round trip, and whoever sent it is to hear that it has reached nobody, unless another edge has who it is for.
type ended struct {
	last [maxEnded]endedHub
	next int
}

// endedHub is what is left of a hub.
type endedHub struct {
	key    subject.Key
	remote []presence.Registration // nobody changes it any more
	lost   bool                    // to another edge's session, of which it may not have heard more than that
}

// maxEnded is how many of those that knew of other edges end in a round trip, where many do. What comes for one before these
// is told to have reached nobody, as where nothing is known of other edges.
const maxEnded = 128

func (e *ended) add(b *hub) {
	one := endedHub{b.key, b.remote(), b.wide != nil && b.wide.lost}
	at := e.find(b.key)
	if at == nil {
		if len(one.remote) == 0 && !one.lost {
			return // nothing is what is told of those that are not here
		}
		at = &e.last[e.next]
		e.next = (e.next + 1) % maxEnded
	}
	*at = one
}

// find returns what is left of a hub, or nil.
func (e *ended) find(key subject.Key) *endedHub {
	for i := range e.last {
		if e.last[i].key == key {
			return &e.last[i]
		}
	}
	return nil
}

// reaches tells whether a session of another edge is to be thought to have an envelope.
func (e *ended) reaches(key subject.Key, token string, server bool, envelope *lime.Header) bool {
	one := e.find(key)
	if one == nil {
		return false
	}
	there, _ := reachedElsewhere(one.remote, token, server, envelope)
	return there || one.lost
}

// late takes what has come for a hub that has ended. A stored message's copy waits in the log, and other word was for the
// hub alone.
func (t *turn) late(s *shard, key subject.Key, token string, msg *nats.Msg) {
	from, ok := subject.ParseReply(msg.Reply)
	if !ok {
		return
	}
	_, err := t.header.Scan(msg.Data)
	var sender lime.NodeView
	if err == nil {
		sender, err = lime.ParseNodeView(t.header.From)
	}
	if err != nil {
		t.hubs.metrics.drop(dropMalformed)
		return
	}
	if !s.ended.reaches(key, token, lime.IsPostmaster(sender.Name), &t.header) {
		t.nobodyHere(from, msg)
	}
}

// nobodyHere drops what is for nobody, and notes that its origin is told so.
func (t *turn) nobodyHere(from subject.Origin, msg *nats.Msg) {
	t.hubs.metrics.drop(dropNoRecipient)
	t.lost(msg.Data, lime.CodeRoutingDestinationNotFound, dropNoRecipient)
	t.note(msg.Reply, from, lime.CodeRoutingDestinationNotFound)
}
