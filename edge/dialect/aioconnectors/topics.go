package aioconnectors

import (
	"encoding/json"

	"limegrove/edge/dialect"
	"limegrove/lime"
	"limegrove/room"
)

// topicKey is the pair of the room that is a topic.
const topicKey = "topic"

// roomOf is the room of a topic. It is not ok for one that is too long, and for the wildcard,
// which would be every topic.
func roomOf(topic string) (n room.Name, ok bool) {
	if topic == "" {
		return "", false
	}
	b := append([]byte(`{"`+topicKey+`":`), appendText(nil, topic)...)
	n, err := room.Of(append(b, '}'))
	return n, err == nil && !n.Wild()
}

// anyTopic lets whoever has it publish to any topic.
func anyTopic() room.Rules {
	all, err := room.Of([]byte(`{"` + topicKey + `":"*"}`))
	if err != nil {
		return nil // it is one
	}
	return room.Rules{{Room: all, Who: room.Everyone, May: room.Publish}}
}

// subscribe takes what a connector wants to hear of from now on, and what no more. A topic that
// it has already stays as it is: A-33.
func (c *client) subscribe(data []byte) (said dialect.Said) {
	var asked struct {
		Subscribe   []string `json:"subscribe_message_types"`
		Unsubscribe []string `json:"unsubscribe_message_types"`
	}
	if json.Unmarshal(data, &asked) != nil {
		return dialect.Said{Drop: dropMalformed}
	}
	for _, topic := range asked.Unsubscribe {
		if n, ok := c.topics[topic]; ok {
			said.Leave = append(said.Leave, dialect.Subscription{Room: n, Request: topic})
			delete(c.topics, topic)
		}
	}
	for _, topic := range asked.Subscribe {
		n, ok := roomOf(topic)
		_, has := c.topics[topic]
		switch {
		case has:
			continue
		case !ok || len(c.topics) >= c.cfg.Topics:
			said.Drop = dropTopic
			continue
		}
		if c.topics == nil {
			c.topics = map[string]room.Name{}
		}
		c.topics[topic] = n
		said.Enter = append(said.Enter, dialect.Subscription{Room: n, Request: topic})
	}
	c.entering = said.Enter
	return said
}

// Entered is that of a dialect.Subscriber. A connector is not told.
func (c *client) Entered(ok bool) (answer []byte) {
	if len(c.entering) == 0 {
		return nil
	}
	s := c.entering[0]
	c.entering = c.entering[1:]
	if !ok {
		delete(c.topics, s.Request)
	}
	return nil
}

// Publication is that of a dialect.Subscriber. It comes from the server, whoever has published
// it: A-29.
func (c *client) Publication(dst []byte, s dialect.Subscription, envelope []byte) (frame []byte, ok bool) {
	r := readers.Get().(*reader)
	defer r.done()
	if !r.read(envelope) || r.header.Kind != lime.KindMessage || c.ignored() {
		return dst, false
	}
	return c.appendMessage(dst, r, s.Request, c.serverName(), r.file())
}

// Missed is that of a dialect.Subscriber.
func (c *client) Missed() {}

var _ dialect.Subscriber = (*client)(nil)
