package edge

import (
	"encoding/json"

	"limegrove/lime"
)

// receipt answers a command about which events the session gets of its own messages.
func (s *session) receipt(h *lime.Header, b []byte) error {
	switch h.Method {
	case lime.MethodGet:
		resource, err := json.Marshal(lime.Receipt{Events: s.member.Receipts()})
		if err != nil {
			return err
		}
		s.respond(h, lime.CommandSuccess, lime.MediaReceipt, resource, nil)
		return nil
	case lime.MethodSet:
		resource, err := smallResource(h, b)
		if err != nil {
			return err
		}
		given, err := lime.ParseReceipt(resource)
		if err != nil {
			return err
		}
		s.member.SetReceipts(given.Events)
		s.respond(h, lime.CommandSuccess, "", nil, nil)
		return nil
	}
	return reasonMethod
}
