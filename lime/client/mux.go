package client

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"limegrove/lime"
)

// Document is a resource with its media type.
type Document struct {
	Type  string
	Value json.RawMessage // one JSON value
}

// NewDocument encodes a value as a document.
func NewDocument(mediaType string, value any) (*Document, error) {
	b, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", mediaType, err)
	}
	return &Document{mediaType, b}, nil
}

type (
	// MessageHandler handles a message. nil means that it was consumed, and its sender hears
	// so; an error that it has failed, with the *lime.Reason in it or with 101.
	MessageHandler func(ctx context.Context, c *Client, m *lime.Message) error

	// NotificationHandler handles a notification.
	NotificationHandler func(ctx context.Context, c *Client, n *lime.Notification)

	// CommandHandler handles a request and returns the resource of its answer, nil for none,
	// or an error, whose *lime.Reason the requester hears, or 61. With ErrLater it is answered
	// by Respond.
	CommandHandler func(ctx context.Context, c *Client, request *lime.Command) (*Document, error)
)

// Mux chooses the handler of what comes. It must not be changed once it is a client's.
// Handlers run one at a time, in the order in which their envelopes came, with a context
// that ends with the client; one that takes long holds up those behind it, and when the
// queue is full the server: see Config.Queue. They are given the client, since they may run before Dial has
// returned it, and may use it; Shutdown waits for them.
type Mux struct {
	messages      map[string]MessageHandler // by media type in lower case
	notifications NotificationHandler
	commands      []route
}

type route struct {
	method lime.Method
	path   string
	handle CommandHandler
}

// HandleMessage handles the messages of a media type, in whatever case; "" is any that
// has no handler of its own. Without a handler a message is refused with reason 71.
func (m *Mux) HandleMessage(mediaType string, h MessageHandler) {
	if m.messages == nil {
		m.messages = map[string]MessageHandler{}
	}
	m.messages[strings.ToLower(mediaType)] = h
}

// HandleNotification handles the notifications.
func (m *Mux) HandleNotification(h NotificationHandler) { m.notifications = h }

// HandleCommand handles the requests with a method for a URI's path and all below it; the
// longest path wins. Who else asks is told 62, or 63 for a path that has another method.
func (m *Mux) HandleCommand(method lime.Method, path string, h CommandHandler) {
	m.commands = append(m.commands, route{method, "/" + strings.Trim(path, "/"), h})
}

// kinds are those that m has handlers for.
func (m *Mux) kinds() (s kinds) {
	switch {
	case m == nil:
		return 0
	case len(m.messages) > 0:
		s |= kindsOf(lime.KindMessage)
	}
	if m.notifications != nil {
		s |= kindsOf(lime.KindNotification)
	}
	if len(m.commands) > 0 {
		s |= kindsOf(lime.KindCommand)
	}
	return s
}

// message runs a message's handler.
func (m *Mux) message(ctx context.Context, c *Client, e *lime.Message) error {
	h, ok := m.messages[bareType(e.Type)]
	if !ok {
		h, ok = m.messages[""]
	}
	if !ok {
		return lime.NewReason(lime.CodeMessageUnsupportedContentType, "This client takes no %.100s", e.Type)
	}
	return h(ctx, c, e)
}

// command runs a request's handler.
func (m *Mux) command(ctx context.Context, c *Client, e *lime.Command) (*Document, error) {
	path := pathOf(e.URI)
	var best *route
	known := false
	for i := range m.commands {
		r := &m.commands[i]
		if !under(path, r.path) {
			continue
		}
		known = true
		if r.method == e.Method && (best == nil || len(r.path) > len(best.path)) {
			best = r
		}
	}
	switch {
	case best != nil:
		return best.handle(ctx, c, e)
	case known:
		return nil, lime.NewReason(lime.CodeCommandMethodNotSupported, "This client does not serve the method there")
	}
	return nil, errUnhandled
}

// pathOf is the path of a relative or an absolute URI.
func pathOf(uri string) string {
	if rest, ok := strings.CutPrefix(uri, "lime://"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		uri = "/" + rest
	}
	path, _, _ := strings.Cut(uri, "?")
	return "/" + strings.Trim(path, "/")
}

// under tells whether a path is another or below it, in whatever case.
func under(path, root string) bool {
	if root == "/" {
		return true
	}
	return len(path) >= len(root) && strings.EqualFold(path[:len(root)], root) &&
		(len(path) == len(root) || path[len(root)] == '/')
}
