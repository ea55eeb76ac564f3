package clienttest

import "limegrove/lime"

// take takes an envelope, and tells whether the connection goes on.
func (c *conn) take(h *lime.Header, b []byte) bool {
	switch h.Kind {
	case lime.KindSession:
		return c.takeSession(b)
	case lime.KindMessage:
		if m, err := lime.DecodeMessage(b); err == nil {
			m.From = c.node
			c.takeMessage(m)
		}
	case lime.KindNotification:
		if n, err := lime.DecodeNotification(b); err == nil {
			n.From = c.node
			c.server.deliver(n.To, n.AppendJSON(nil))
		}
	case lime.KindCommand:
		if cmd, err := lime.DecodeCommand(b); err == nil {
			cmd.From = c.node
			c.takeCommand(cmd)
		}
	}
	return true
}

func (c *conn) takeSession(b []byte) bool {
	said, err := lime.DecodeSession(b)
	if err != nil {
		return false
	}
	answer := &lime.Session{ID: c.id, From: address}
	switch said.State {
	case lime.StateNew:
		answer.State, answer.SchemeOptions = lime.StateAuthenticating, []string{"guest"}
	case lime.StateAuthenticating:
		answer.State, answer.To = lime.StateEstablished, said.From.WithDefaults(domain)
		if answer.To.Instance == "" {
			answer.To.Instance = c.id
		}
		c.server.begin(c, answer.To)
	default:
		answer.State = lime.StateFinished
	}
	c.say(answer.AppendJSON(nil))
	return answer.State != lime.StateFinished
}

// begin gives a node to a connection, and takes it from who had it.
func (s *Server) begin(c *conn, node lime.Node) {
	s.mu.Lock()
	var older []*conn
	for other := range s.conns {
		if other.node.EqualFold(node) {
			other.node = lime.Node{}
			older = append(older, other)
		}
	}
	c.node = node
	s.mu.Unlock()
	for _, other := range older {
		other.say((&lime.Session{
			ID: other.id, From: address, To: node, State: lime.StateFailed,
			Reason: lime.NewReason(lime.CodeSessionRegistrationError, "Another session has the node"),
		}).AppendJSON(nil))
	}
}

// takeMessage hands a message on, and tells its sender what became of it.
func (c *conn) takeMessage(m *lime.Message) {
	n := &lime.Notification{ID: m.ID, From: address, To: c.node, Event: lime.EventAccepted}
	known := c.server.knows(m.To)
	if !known {
		n.Event, n.Reason = lime.EventFailed, lime.NewReason(lime.CodeRoutingDestinationNotFound, "Nobody is there")
	}
	if m.ID != "" {
		c.say(n.AppendJSON(nil))
	}
	if known {
		c.server.deliver(m.To, m.AppendJSON(nil))
	}
}

func (c *conn) takeCommand(cmd *lime.Command) {
	if !cmd.To.IsZero() && !lime.IsPostmaster(cmd.To.Name) {
		if c.server.deliver(cmd.To, cmd.AppendJSON(nil)) || cmd.Status != 0 {
			return
		}
		c.refuse(cmd, lime.CodeRoutingDestinationNotFound)
		return
	}
	r := &lime.Command{ID: cmd.ID, From: address, To: c.node, Method: cmd.Method, Status: lime.CommandSuccess}
	c.server.mu.Lock()
	leave := c.server.leave
	c.server.mu.Unlock()
	switch {
	case cmd.Status != 0 || cmd.ID == "":
	case leave != nil && leave(cmd):
	case cmd.URI == "/ping":
		r.Type, r.Resource = lime.MediaPing, []byte("{}")
		c.say(r.AppendJSON(nil))
	case cmd.Method == lime.MethodSet && (cmd.URI == "/presence" || cmd.URI == "/receipt"):
		c.say(r.AppendJSON(nil))
	default:
		c.refuse(cmd, lime.CodeCommandResourceNotSupported)
	}
}

func (c *conn) refuse(cmd *lime.Command, code lime.Code) {
	c.say((&lime.Command{
		ID: cmd.ID, From: address, To: c.node, Method: cmd.Method, Status: lime.CommandFailure,
		Reason: &lime.Reason{Code: code},
	}).AppendJSON(nil))
}

// at returns who is at an address.
func (s *Server) at(to lime.Node) (all []*conn) {
	to = to.WithDefaults(domain)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.node.EqualFold(to) || to.Instance == "" && c.node.Identity.EqualFold(to.Identity) {
			all = append(all, c)
		}
	}
	return all
}

func (s *Server) knows(to lime.Node) bool { return len(s.at(to)) > 0 }

// deliver hands an envelope to all who are at an address, and tells whether there are any.
func (s *Server) deliver(to lime.Node, envelope []byte) bool {
	all := s.at(to)
	for _, c := range all {
		c.say(envelope)
	}
	return len(all) > 0
}
