package edge

import (
	"encoding/json"

	"limegrove/lime"
)

// capability answers a command about what the session takes of what others send.
func (s *session) capability(h *lime.Header, b []byte) error {
	switch h.Method {
	case lime.MethodGet:
		resource, err := json.Marshal(s.member.Capability())
		if err != nil {
			return err
		}
		s.respond(h, lime.CommandSuccess, lime.MediaCapability, resource, nil)
		return nil
	case lime.MethodSet:
		resource, err := smallResource(h, b)
		if err != nil {
			return err
		}
		given, err := lime.ParseCapability(resource)
		if err != nil {
			return err
		}
		s.member.SetCapability(&given)
		s.respond(h, lime.CommandSuccess, "", nil, nil)
		return nil
	}
	return reasonMethod
}

// quota answers a command about what the session may send. The limits are the edge's, and
// nobody sets them by a command.
func (s *session) quota(h *lime.Header) error {
	switch h.Method {
	case lime.MethodGet:
		resource, err := json.Marshal(lime.Quota{
			Throughput: max(0, s.rules.envelopeRate) / s.price(), MaxEnvelopeSize: s.rules.maxEnvelope,
		})
		if err != nil {
			return err
		}
		s.respond(h, lime.CommandSuccess, lime.MediaQuota, resource, nil)
		return nil
	case lime.MethodSet:
		return reasonQuota
	}
	return reasonMethod
}

var reasonQuota = &lime.Reason{Code: lime.CodeAuthorizationPermissionRequired, Description: "The quota is the server's to set"}
