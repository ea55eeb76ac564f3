package lime

import "encoding/json"

// InboxPolicy is what an account says of who may send messages to it, and of how many may
// wait for it: some properties of application/vnd.lime.account+json. The zero InboxPolicy is
// that of an account that says nothing of it.
type InboxPolicy struct {
	ContactsOnly bool // allowUnknownSender is false
	NoGuests     bool // allowAnonymousSender or allowGuestSender is false
	Size         int  // inboxSize; 0: as many as the operator allows
}

// PolicyOf reads the policy in an account's properties, which have their names in LIME's
// resource. A property that is not of its type says nothing.
//
// LIME's default of inboxSize is 0. Taken at its word nothing would wait for anybody who
// has not set it, so that 0 is no limit of the account's own.
func PolicyOf(properties map[string]json.RawMessage) InboxPolicy {
	denies := func(name string) bool {
		allows := true
		if b, ok := properties[name]; !ok || json.Unmarshal(b, &allows) != nil {
			return false
		}
		return !allows
	}
	p := InboxPolicy{
		ContactsOnly: denies("allowUnknownSender"),
		// The specification's name and the implementations': whoever sets one to false means it.
		NoGuests: denies("allowAnonymousSender") || denies("allowGuestSender"),
	}
	var size float64 // JSON writes 10 as 1e1, too
	if b, ok := properties["inboxSize"]; ok && json.Unmarshal(b, &size) == nil && size >= 1 {
		p.Size = int(min(size, maxInboxSize))
	}
	return p
}

// maxInboxSize is the largest number that an account can have as its inboxSize.
const maxInboxSize = 1<<31 - 1

// Restricts tells whether somebody may not send, whoever that is.
func (p InboxPolicy) Restricts() bool { return p.ContactsOnly || p.NoGuests }
