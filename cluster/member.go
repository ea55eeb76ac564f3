package cluster

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

// Role is what a member does.
type Role string

// The roles.
const (
	RoleEdge   Role = "edge"
	RoleRouter Role = "router"
)

// Member is one process of the cluster, as it last told of itself.
type Member struct {
	ID          string    // names the machine or pod, across restarts
	Incarnation string    // names this run; unique
	Role        Role      // "" from a member that is too new to be understood
	Zone        string    // failure domain; "" if none was given
	Addr        string    // admin address or host
	Sessions    int       // established sessions, a few seconds old
	Draining    bool      // finishes its sessions and takes no new ones
	Started     time.Time // to the second
	Hosts       bool      // it answers when it is asked whether it has sessions of an identity
	Gossip      string    // host:port of its gossip

	leaving bool // it has said goodbye
}

// NewIncarnation names a run of the process id: the id, with what is no letter,
// digit or hyphen replaced, a hyphen and random characters. It can be a NATS
// subject token and a part of a Redis key.
func NewIncarnation(id string) string {
	const longest = 40
	name := sanitize(id)
	if len(name) > longest {
		name = name[:longest]
	}
	return name + "-" + strings.ToLower(rand.Text()[:12])
}

func sanitize(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return '-'
	}, s)
}

// metaVersion is the first byte of a member's metadata. It changes only when an
// older reader would misunderstand the rest; fields may be added without.
const metaVersion = '1'

// meta is a member's metadata after the version: short keys, since all of it has
// to fit into memberlist.MetaMaxSize. Unknown keys are skipped.
type meta struct {
	ID       string `json:"i"`
	Role     Role   `json:"r"`
	Zone     string `json:"z,omitempty"`
	Addr     string `json:"a,omitempty"`
	Sessions int    `json:"n,omitempty"`
	Draining bool   `json:"d,omitempty"`
	Leaving  bool   `json:"l,omitempty"`
	Hosts    bool   `json:"h,omitempty"`
	Started  int64  `json:"s"` // Unix seconds
}

// encodeMeta is an error only if m is too long.
func encodeMeta(m Member) ([]byte, error) {
	text, err := json.Marshal(meta{
		ID: m.ID, Role: m.Role, Zone: m.Zone, Addr: m.Addr,
		Sessions: m.Sessions, Draining: m.Draining, Leaving: m.leaving, Hosts: m.Hosts, Started: m.Started.Unix(),
	})
	if err != nil {
		return nil, err
	}
	b := append([]byte{metaVersion}, text...)
	if len(b) > memberlist.MetaMaxSize {
		return nil, fmt.Errorf("id, zone and addr make %d bytes of metadata, more than %d", len(b), memberlist.MetaMaxSize)
	}
	return b, nil
}

// decodeMember reads what a node told of itself. Of one that cannot be read, the
// incarnation and address are known all the same: it takes part in gossip.
func decodeMember(n *memberlist.Node) Member {
	member := Member{Incarnation: n.Name, ID: n.Name, Gossip: n.Address()}
	if len(n.Meta) == 0 || n.Meta[0] != metaVersion {
		return member
	}
	var m meta
	if err := json.Unmarshal(n.Meta[1:], &m); err != nil {
		return member
	}
	member.ID, member.Role, member.Zone, member.Addr = m.ID, m.Role, m.Zone, m.Addr
	member.Sessions, member.Draining, member.leaving = m.Sessions, m.Draining, m.Leaving
	member.Hosts = m.Hosts
	member.Started = time.Unix(m.Started, 0)
	return member
}
