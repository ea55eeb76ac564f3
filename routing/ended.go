package routing

import (
	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// ended remembers what a shard's hubs knew that ended last. What the broker sent before it heard of the end still comes,
// for about a round trip, and whoever sent it is to hear that it has reached nobody, unless another edge has who it is for.
type ended struct {
	last [maxEnded]endedHub
	next int
}

// endedHub is what is left of a hub.
type endedHub struct {
	key    subject.Key
	remote []presence.Registration // nobody changes it any more
}

// maxEnded is how many end in a round trip, where many do. What comes for one before these
// is told to have reached nobody, as where nothing is known of other edges.
const maxEnded = 128

func (e *ended) add(b *hub) {
	e.last[e.next] = endedHub{b.key, b.remote()}
	e.next = (e.next + 1) % maxEnded
}

// remote returns the sessions that the identity had elsewhere.
func (e *ended) remote(key subject.Key) []presence.Registration {
	for i := range maxEnded {
		if one := &e.last[(e.next+maxEnded-1-i)%maxEnded]; one.key == key { // the newest first
			return one.remote
		}
	}
	return nil
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
	if there, _ := reachedElsewhere(s.ended.remote(key), token, lime.IsPostmaster(sender.Name), &t.header); !there {
		t.nobodyHere(from, msg)
	}
}

// nobodyHere drops what is for nobody, and notes that its origin is told so.
func (t *turn) nobodyHere(from subject.Origin, msg *nats.Msg) {
	t.hubs.metrics.drop(dropNoRecipient)
	t.lost(msg.Data, lime.CodeRoutingDestinationNotFound, dropNoRecipient)
	t.note(msg.Reply, from, lime.CodeRoutingDestinationNotFound)
}
