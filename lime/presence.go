package lime

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxPresenceMessage is how many characters (code points) a presence's message
// may have: every view of an identity keeps it.
const MaxPresenceMessage = 1024

// Status is what a session says of its availability.
type Status string

// The statuses of LIME's presence resource. The zero Status means that the
// session never said.
const (
	StatusUnavailable Status = "unavailable"
	StatusAvailable   Status = "available"
	StatusBusy        Status = "busy"
	StatusAway        Status = "away"
	StatusInvisible   Status = "invisible"
)

// RoutingRule is which addresses reach a session.
type RoutingRule string

// The routing rules of LIME's presence resource. The zero RoutingRule means
// that the session never said.
const (
	RouteInstance           RoutingRule = "instance"
	RouteIdentity           RoutingRule = "identity"
	RouteIdentityByPriority RoutingRule = "identityByPriority"
	RoutePromiscuous        RoutingRule = "promiscuous"
	RouteDomain             RoutingRule = "domain"
	RouteRootDomain         RoutingRule = "rootDomain"
)

var (
	statuses     = []Status{StatusUnavailable, StatusAvailable, StatusBusy, StatusAway, StatusInvisible}
	routingRules = []RoutingRule{
		RouteInstance, RouteIdentity, RouteIdentityByPriority,
		RoutePromiscuous, RouteDomain, RouteRootDomain,
	}
)

// Presence is the resource /presence, application/vnd.lime.presence+json.
type Presence struct {
	Status           Status      `json:"status,omitempty"`
	Message          string      `json:"message,omitempty"`
	RoutingRule      RoutingRule `json:"routingRule,omitempty"`
	Priority         int         `json:"priority,omitempty"`
	FilterByDistance bool        `json:"filterByDistance,omitempty"`
	RoundRobin       bool        `json:"roundRobin,omitempty"`
	Echo             bool        `json:"echo,omitempty"`
	Promiscuous      bool        `json:"promiscuous,omitempty"`
	Instances        []string    `json:"instances,omitempty"` // read-only: of the bare identity
	LastSeen         string      `json:"lastSeen,omitempty"`  // read-only: see FormatTime
}

// ParsePresence reads what a client sets. Statuses and rules are accepted in
// any case and returned as they are written above; unknown properties are
// left alone (L-RES-08), and those that are read-only are dropped. Who may use
// which rule is not looked into. An error is a *Reason with
// CodeCommandInvalidArgument.
func ParsePresence(b []byte) (Presence, error) {
	var p Presence
	if err := json.Unmarshal(b, &p); err != nil {
		return Presence{}, NewReason(CodeCommandInvalidArgument, "The presence is malformed")
	}
	var ok bool
	if p.Status, ok = oneOf(statuses, p.Status); !ok {
		return Presence{}, NewReason(CodeCommandInvalidArgument, "The presence has an unknown status")
	}
	if p.RoutingRule, ok = oneOf(routingRules, p.RoutingRule); !ok {
		return Presence{}, NewReason(CodeCommandInvalidArgument, "The presence has an unknown routingRule")
	}
	if utf8.RuneCountInString(p.Message) > MaxPresenceMessage {
		return Presence{}, NewReason(CodeCommandInvalidArgument,
			"The presence's message is longer than %d characters", MaxPresenceMessage)
	}
	p.Instances, p.LastSeen = nil, ""
	return p, nil
}

// oneOf returns the one of all that s is in any case. None at all is fine.
func oneOf[S ~string](all []S, s S) (S, bool) {
	if s == "" {
		return "", true
	}
	for _, one := range all {
		if strings.EqualFold(string(one), string(s)) {
			return one, true
		}
	}
	return "", false
}

// FormatTime writes t as all dates on the wire are: UTC, with milliseconds and
// Z (L-ENV-15).
func FormatTime(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
